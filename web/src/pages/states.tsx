// The states of a workspace, newest first, and what the current one puts out.

import { get, path } from '../api/client';
import { inWorkspace, type LiveEvent } from '../api/live';
import type { Document, Resource, StateVersion } from '../api/types';
import { bytes } from '../model/time';
import { address } from '../router';
import { Empty, Foreign, Shown, usePageTitle, When } from '../ui/basics';
import { Section } from '../ui/forms';
import { useLoad } from '../ui/load';
import { useWorkspace, WorkspaceHead } from './workspace';

interface Output {
  name: string;
  sensitive: boolean;
  value: unknown;
}

export function States({ organization, name }: { organization: string; name: string }) {
  usePageTitle(`States of ${name}`);
  const workspace = useWorkspace(organization, name);
  const id = workspace.data?.workspace.id ?? '';
  return (
    <>
      <WorkspaceHead organization={organization} name={name} section="states" data={workspace.data} />
      <Shown loaded={workspace}>{() => <List key={id} organization={organization} name={name} id={id} />}</Shown>
    </>
  );
}

function List({ organization, name, id }: { organization: string; name: string; id: string }) {
  const query = new URLSearchParams({ 'filter[organization][name]': organization, 'filter[workspace][name]': name, 'page[size]': '50' });
  const changes = (event: LiveEvent) => inWorkspace(event, id);
  const versions = useLoad((signal) => get<Document<StateVersion[]>>(`/api/v2/state-versions?${query}`, signal), `states ${id}`, changes);
  const outputs = useLoad(
    async (signal) => {
      try {
        return await get<Document<Resource<Output>[]>>(path`/api/v2/workspaces/${id}/current-state-version-outputs`, signal);
      } catch {
        return { data: [] }; // a workspace without a state has no outputs
      }
    },
    `outputs ${id}`,
    changes,
  );
  return (
    <Shown loaded={versions}>
      {({ data }) => {
        if (data.length === 0) {
          return (
            <Empty title="No state yet">
              <p>The first apply makes one.</p>
            </Empty>
          );
        }
        return (
          <>
            {outputs.data && outputs.data.data.length > 0 && (
              <Section title="Outputs">
                <div class="table-box">
                  <table>
                    <caption class="unseen">Outputs of the current state</caption>
                    <tbody>
                      {outputs.data.data.map((output) => (
                        <tr key={output.id}>
                          <th scope="row" class="mono">
                            <Foreign text={output.attributes.name} />
                          </th>
                          <td class="mono cell-value">{output.attributes.sensitive ? <em>sensitive</em> : <Foreign text={JSON.stringify(output.attributes.value, null, 2)} />}</td>
                        </tr>
                      ))}
                    </tbody>
                  </table>
                </div>
              </Section>
            )}
            <Section title="Versions">
              <div class="table-box">
                <table>
                  <caption class="unseen">Versions of the state, newest first</caption>
                  <thead>
                    <tr>
                      <th scope="col">Serial</th>
                      <th scope="col">When</th>
                      <th scope="col">From</th>
                      <th scope="col">Terraform</th>
                      <th scope="col">Size</th>
                      <th scope="col">
                        <span class="unseen">Download</span>
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {data.map((version) => (
                      <Row key={version.id} version={version} organization={organization} name={name} />
                    ))}
                  </tbody>
                </table>
              </div>
            </Section>
          </>
        );
      }}
    </Shown>
  );
}

function Row({ version, organization, name }: { version: StateVersion; organization: string; name: string }) {
  const { attributes } = version;
  const run = version.relationships?.run?.data?.id;
  const url = attributes['hosted-state-download-url'];
  return (
    <tr>
      <th scope="row">
        {attributes.serial}
        {attributes.intermediate && <span class="quiet"> (on the way)</span>}
      </th>
      <td>
        <When at={attributes['created-at']} />
      </td>
      <td>{run ? <a href={address.run(organization, name, run)}>{run}</a> : 'terraform'}</td>
      <td>
        {attributes['terraform-version'] ? <Foreign text={attributes['terraform-version']} /> : <span class="quiet">{url ? 'not said' : 'not known yet'}</span>}
      </td>
      <td>{bytes(attributes.size)}</td>
      <td class="cell-actions">
        {url ? (
          <a href={new URL(url, location.origin).pathname} download={`${name}-${attributes.serial}.tfstate`}>
            Download<span class="unseen"> serial {attributes.serial}</span>
          </a>
        ) : (
          <span class="quiet">not uploaded yet</span>
        )}
      </td>
    </tr>
  );
}
