// The webhook of an organization: where it is told that somebody is waited for, a test, and what became of each message.

import { useSignal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { ApiError, get, patch, path, post, remove, resource } from '../api/client';
import type { Document, Webhook, WebhookDelivery, WebhookResponse } from '../api/types';
import { fresh } from '../ui/again';
import { ActionButton, Empty, Foreign, Problem, Shown, TextField, When } from '../ui/basics';
import { Check, SaveForm, Section } from '../ui/forms';
import { useLoad } from '../ui/load';

const triggers: [string, string][] = [
  ['run:needs_attention', 'A run waits for a decision'],
  ['mfa:needed', 'A code is needed'],
  ['mfa:passed', 'Somebody authenticated'],
  ['mfa:failed', 'Codes were refused, or nobody came'],
];

export function WebhookSettings({ organization }: { organization: string }) {
  const place = path`/api/v2/organizations/${organization}/webhook`;
  const loaded = useLoad(
    async (signal): Promise<{ webhook: Webhook | null; deliveries: WebhookDelivery[] }> => {
      try {
        const [one, all] = await Promise.all([get<Document<Webhook>>(place, signal), get<Document<WebhookDelivery[]>>(`${place}/deliveries?page[size]=20`, signal)]);
        return { webhook: one.data, deliveries: all.data };
      } catch (cause) {
        if (cause instanceof ApiError && cause.status === 404) return { webhook: null, deliveries: [] };
        throw cause;
      }
    },
    `webhook ${organization}`,
  );
  return (
    <Section title="Webhook">
      <p>Tells another program when somebody is waited for. No message carries a code, a key or a value of a plan.</p>
      <Shown loaded={loaded}>
        {({ webhook, deliveries }) => (
          <>
            <Editor key={webhook?.id ?? 'new'} place={place} webhook={webhook} changed={loaded.reload} />
            {webhook && <Tested place={place} changed={loaded.reload} />}
            {webhook && <Deliveries place={place} deliveries={deliveries} changed={loaded.reload} />}
          </>
        )}
      </Shown>
    </Section>
  );
}

function Editor({ place, webhook, changed }: { place: string; webhook: Webhook | null; changed: () => void }) {
  const old = webhook?.attributes;
  const [url, setUrl] = useState(old?.url ?? '');
  const [token, setToken] = useState('');
  const [enabled, setEnabled] = useState(old?.enabled ?? true);
  const [chosen, setChosen] = useState<readonly string[]>(old?.triggers ?? triggers.map(([name]) => name));
  const error = useSignal<ApiError | null>(null);
  const save = async () => {
    const attributes: Record<string, unknown> = { url: url.trim(), enabled, triggers: chosen };
    if (token !== '') attributes.token = token;
    await fresh(() => patch(place, resource('notification-configurations', attributes)));
    setToken('');
    changed();
  };
  return (
    <>
      {error.value && <Problem error={error.value} />}
      <SaveForm save={save} words={webhook ? 'Save the webhook' : 'Set up the webhook'}>
        <TextField label="Address" placeholder="https://chat.example.com/hooks/tollgate" value={url} onValue={setUrl} mono required />
        <TextField
          label="Secret"
          hint={webhook ? 'Write only: leave it empty to keep what is there.' : 'At least 16 characters. It signs each message: X-TFE-Notification-Signature, HMAC-SHA512.'}
          type="password"
          autocomplete="off"
          value={token}
          onValue={setToken}
          required={!webhook}
        />
        <fieldset>
          <legend>Sent when</legend>
          {triggers.map(([name, words]) => (
            <Check key={name} label={words} hint={name} value={chosen.includes(name)} onValue={(on) => setChosen(on ? [...chosen, name] : chosen.filter((one) => one !== name))} />
          ))}
        </fieldset>
        <Check label="Turned on" value={enabled} onValue={setEnabled} />
      </SaveForm>
      {webhook && (
        <p class="form-foot">
          <ActionButton
            kind="danger"
            onError={(problem) => (error.value = problem)}
            act={async () => {
              await fresh(() => remove(place));
              changed();
            }}
          >
            Remove the webhook
          </ActionButton>
        </p>
      )}
    </>
  );
}

function answered(response: WebhookResponse): string {
  if (response.error) return response.error;
  return `The receiver answered ${response.code ?? 'nothing'}${response.body ? `: ${response.body}` : ''}`;
}

function Tested({ place, changed }: { place: string; changed: () => void }) {
  const response = useSignal<WebhookResponse | null>(null);
  const error = useSignal<ApiError | null>(null);
  return (
    <>
      <p class="form-foot">
        <ActionButton
          onError={(problem) => (error.value = problem)}
          act={async () => {
            error.value = null;
            response.value = null;
            const tested = await post<Document<Webhook>>(`${place}/actions/test`);
            response.value = tested.data.attributes['delivery-responses'][0] ?? null;
            changed();
          }}
        >
          Send a test
        </ActionButton>
        <span role="status" class="findings">
          {response.value && (
            <span class={response.value.successful ? 'good' : 'bad'}>
              <Foreign text={answered(response.value)} />
            </span>
          )}
        </span>
      </p>
      {error.value && <Problem error={error.value} />}
    </>
  );
}

function Deliveries({ place, deliveries, changed }: { place: string; deliveries: WebhookDelivery[]; changed: () => void }) {
  const error = useSignal<ApiError | null>(null);
  if (deliveries.length === 0) return <Empty title="Nothing was sent yet" />;
  return (
    <>
      <h3>Messages</h3>
      {error.value && <Problem error={error.value} />}
      <ul class="list">
        {deliveries.map(({ id, attributes }) => (
          <li key={id} class="list-row">
            <span class="list-main">
              <strong>{triggers.find(([name]) => name === attributes.trigger)?.[1] ?? attributes.trigger}</strong>
              <span class="quiet">
                <When at={attributes['created-at']} />, {attributes.state} after {attributes.attempts} {attributes.attempts === 1 ? 'try' : 'tries'}
              </span>
              {attributes.response && (
                <span class="quiet">
                  <Foreign text={answered(attributes.response)} />
                </span>
              )}
            </span>
            {attributes.state !== 'delivered' && (
              <span class="list-state">
                <ActionButton
                  onError={(problem) => (error.value = problem)}
                  act={async () => {
                    await post(`${place}/deliveries/${id}/actions/retry`);
                    changed();
                  }}
                >
                  Send now
                </ActionButton>
              </span>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}
