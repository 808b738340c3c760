// One of the organizations that one belongs to, for addresses that name none: the last one used at first.

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { get } from '../api/client';
import type { Document, Organization } from '../api/types';
import { Empty, Field, Shown } from './basics';
import { useLoad } from './load';

// `always`: also where there is only one to choose.
export function ChooseOrganization({ always, children }: { always?: boolean; children: (organization: Organization) => ComponentChildren }) {
  const loaded = useLoad((signal) => get<Document<Organization[]>>('/api/v2/organizations?page[size]=100', signal), 'organizations');
  const [chosen, setChosen] = useState(() => localStorage.getItem('tollgate-organization') ?? '');
  return (
    <Shown loaded={loaded}>
      {({ data }) => {
        const organization = data.find((entry) => entry.attributes.name === chosen) ?? data[0];
        if (!organization) return <Empty title="You belong to no organization yet" />;
        return (
          <>
            {(always || data.length > 1) && (
              <Field label="Organization">
                {({ id }) => (
                  <select id={id} value={organization.attributes.name} onChange={(event) => setChosen(event.currentTarget.value)}>
                    {data.map((entry) => (
                      <option key={entry.id}>{entry.attributes.name}</option>
                    ))}
                  </select>
                )}
              </Field>
            )}
            {children(organization)}
          </>
        );
      }}
    </Shown>
  );
}
