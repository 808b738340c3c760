// Who did what in an organization, newest first, and whether that record is whole.

import { useSignal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { ApiError, get, path } from '../api/client';
import type { AuditEvent, AuditVerification, Document } from '../api/types';
import { dateAndTime } from '../model/time';
import { ActionButton, Empty, Foreign, Icon, Problem, TextField } from '../ui/basics';
import { Section } from '../ui/forms';

interface Page {
  data: AuditEvent[];
  links: { next: string | null };
}

export function Audit({ organization }: { organization: string }) {
  const place = path`/api/v2/organizations/${organization}/audit-events`;
  const [event, setEvent] = useState('');
  const [actor, setActor] = useState('');
  const [asked, setAsked] = useState({ event: '', actor: '' });
  const [events, setEvents] = useState<AuditEvent[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState<ApiError | null>(null);

  useEffect(() => {
    const stop = new AbortController();
    const query = new URLSearchParams({ 'page[size]': '50' });
    if (asked.event !== '') query.set('filter[event]', asked.event);
    if (asked.actor !== '') query.set('filter[actor]', asked.actor);
    get<Page>(`${place}?${query}`, stop.signal).then(
      (page) => {
        setEvents(page.data);
        setNext(page.links.next);
        setError(null);
      },
      (cause) => !stop.signal.aborted && setError(cause instanceof ApiError ? cause : new ApiError(-1, String(cause))),
    );
    return () => stop.abort();
  }, [place, asked]);

  const more = async () => {
    if (next === null) return;
    const page = await get<Page>(next);
    setEvents([...(events ?? []), ...page.data]);
    setNext(page.links.next);
  };
  return (
    <Section title="Audit">
      <p>Each record holds the hash of the one before it, so that none can be changed, removed or put elsewhere without a trace.</p>
      <Verify place={place} />
      <form
        class="pair"
        role="search"
        onSubmit={(submitted) => {
          submitted.preventDefault();
          setAsked({ event: event.trim(), actor: actor.trim() });
        }}
      >
        <TextField label="Event" hint="Its name, or how it begins: aws_mfa." value={event} onValue={setEvent} mono />
        <TextField label="Who" hint="A user name." value={actor} onValue={setActor} />
        <div class="form-foot">
          <button type="submit">Show these</button>
        </div>
      </form>
      {error && <Problem error={error} />}
      {events?.length === 0 && next === null && <Empty title="No record fits" />}
      {events && events.length > 0 && <Records events={events} />}
      {events && next !== null && (
        <p class="below">
          <ActionButton act={more} onError={setError}>
            Older records
          </ActionButton>
        </p>
      )}
    </Section>
  );
}

function Verify({ place }: { place: string }) {
  const found = useSignal<AuditVerification | null>(null);
  const error = useSignal<ApiError | null>(null);
  const verified = found.value?.attributes;
  return (
    <>
      {error.value && <Problem error={error.value} />}
      <div class="form-foot">
        <ActionButton
          onError={(problem) => (error.value = problem)}
          act={async () => {
            error.value = null;
            found.value = (await get<Document<AuditVerification>>(`${place}/verify`)).data;
          }}
        >
          Verify the record
        </ActionButton>
        <span role="status" class="findings">
          {verified && (
            <span class={verified.unbroken ? 'good' : 'bad'}>
              <Icon name={verified.unbroken ? 'check' : 'cross'} /> {verified.unbroken ? 'Unbroken.' : <Foreign text={verified.detail ?? 'Broken.'} />}
            </span>
          )}
        </span>
      </div>
    </>
  );
}

function Records({ events }: { events: AuditEvent[] }) {
  return (
    <div class="table-box below">
      <table>
        <caption class="unseen">Records, newest first</caption>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Who</th>
            <th scope="col">What</th>
            <th scope="col">Details</th>
          </tr>
        </thead>
        <tbody>
          {events.map(({ id, attributes }) => (
            <tr key={id}>
              <td>
                <time dateTime={attributes.at}>{dateAndTime(attributes.at)}</time>
              </td>
              <td>
                <Foreign text={attributes.actor.name || attributes.actor.kind} />
                {attributes.address && (
                  <p class="hint">
                    <Foreign text={attributes.address} />
                  </p>
                )}
              </td>
              <td class="mono">
                {attributes.event}
                <p class="hint">
                  <Foreign text={attributes.subject.id} />
                </p>
              </td>
              <td class="mono cell-value">
                <Foreign text={Object.entries(attributes.details ?? {}).map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`).join('\n')} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
