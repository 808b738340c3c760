// What owners are told: who changed what guards the credentials of all, newest first. It comes by itself.

import { useSignal } from '@preact/signals';
import { get, path } from '../api/client';
import type { Document, Notice } from '../api/types';
import { Empty, Foreign, Pages, Shown, When } from '../ui/basics';
import { Section } from '../ui/forms';
import { useLoad } from '../ui/load';

export function Notices({ organization }: { organization: string }) {
  const page = useSignal(1);
  const loaded = useLoad(
    (signal) => get<Document<Notice[]>>(`${path`/api/v2/organizations/${organization}/notices`}?page[size]=20&page[number]=${page.value}`, signal),
    `notices ${organization} ${page.value}`,
    (event) => event.kind === 'resync' || (event.kind === 'notice' && event.data.organization === organization),
  );
  return (
    <Section title="Notices">
      <p>Every change of what guards the gate is told to all owners: a level raised or lowered, an identity, an account, a role.</p>
      <Shown loaded={loaded}>
        {({ data, meta }) => {
          const pages = meta?.pagination?.['total-pages'] ?? 1;
          if (data.length === 0) return <Empty title="Nothing was changed yet" />;
          return (
            <>
              <ul class="list">
                {data.map(({ id, attributes }) => (
                  <li key={id} class="list-row">
                    <span class="list-main">
                      <Foreign text={attributes.sentence} />
                    </span>
                    <span class="list-time quiet">
                      <When at={attributes['created-at']} />
                    </span>
                  </li>
                ))}
              </ul>
              <Pages page={page} pages={pages} />
            </>
          );
        }}
      </Shown>
    </Section>
  );
}
