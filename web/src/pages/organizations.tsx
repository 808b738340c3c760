import { get } from '../api/client';
import type { Document, Organization } from '../api/types';
import { address } from '../router';
import { Empty, Foreign, Icon, Shown, usePageTitle } from '../ui/basics';
import { levelWords } from '../model/level';
import { useLoad } from '../ui/load';

export function Organizations() {
  usePageTitle('Organizations');
  const loaded = useLoad((signal) => get<Document<Organization[]>>('/api/v2/organizations?page[size]=100', signal), 'organizations');
  return (
    <>
      <h1>Organizations</h1>
      <Shown loaded={loaded}>
        {(document) =>
          document.data.length === 0 ? (
            <Empty title="You belong to no organization yet">
              <p>Its owners can take you in; a new one is made on the server's host with:</p>
              <pre>tollgate-server org create FOLDER NAME --owner YOU</pre>
            </Empty>
          ) : (
            <ul class="cards">
              {document.data.map((organization) => (
                <li key={organization.id}>
                  <a class="card row-link" href={address.organization(organization.attributes.name)}>
                    <strong>
                      <Foreign text={organization.attributes.name} />
                    </strong>
                    <span class="quiet">
                      {organization.attributes['aws-mfa'] !== 'never' && <Icon name="lock" />} AWS MFA: {levelWords[organization.attributes['aws-mfa']].name}
                    </span>
                  </a>
                </li>
              ))}
            </ul>
          )
        }
      </Shown>
    </>
  );
}
