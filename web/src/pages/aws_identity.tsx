// AWS identities: the organization's, and one's own, with their MFA devices. Secrets are written and never shown; a test
// asks AWS what they are good for.

import { useSignal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { ApiError, get, patch, path, post, remove, resource, session } from '../api/client';
import type { AwsDevice, AwsIdentity, ConnectionReport, Document } from '../api/types';
import { findings } from '../model/connection';
import { readCode } from '../model/lock';
import { fresh } from '../ui/again';
import { ActionButton, Empty, Foreign, Icon, Problem, Shown, Spinner, TextField, When } from '../ui/basics';
import { ChooseOrganization } from '../ui/choose_organization';
import { Check, SaveForm, Section } from '../ui/forms';
import { useLoad } from '../ui/load';

const listOf = (organization: string) => path`/api/v2/organizations/${organization}/aws-identities`;

function useIdentities(organization: string) {
  return useLoad((signal) => get<Document<AwsIdentity[]>>(`${listOf(organization)}?page[size]=100`, signal), `aws-identities ${organization}`);
}

export function OrganizationIdentity({ organization, may, changed }: { organization: string; may: boolean; changed: () => void }) {
  const loaded = useIdentities(organization);
  const done = () => {
    loaded.reload();
    changed();
  };
  return (
    <Section title="AWS identity of the organization">
      <p>The access key of an IAM user. It goes to no run: it signs the call that a code is for.</p>
      <Shown loaded={loaded}>
        {({ data }) => {
          const identity = data.find((entry) => entry.attributes.kind === 'organization') ?? null;
          if (!may) return identity ? <Known identity={identity} /> : <Empty title="There is none" />;
          return (
            <>
              <Editor key={identity?.id ?? 'new'} organization={organization} kind="organization" identity={identity} changed={done} />
              {identity && <ConnectionTest identity={identity} serial={null} tested={loaded.reload} />}
              {identity && <Devices identity={identity} />}
            </>
          );
        }}
      </Shown>
    </Section>
  );
}

// One's own, in each organization.
export function MyIdentities() {
  return <ChooseOrganization>{({ attributes: { name } }) => <Mine key={name} organization={name} />}</ChooseOrganization>;
}

function Mine({ organization }: { organization: string }) {
  const loaded = useIdentities(organization);
  return (
    <Shown loaded={loaded}>
      {({ data }) => {
        const mine = data.find((entry) => entry.attributes.kind === 'personal') ?? null;
        const shared = data.find((entry) => entry.attributes.kind === 'organization') ?? null;
        return (
          <>
            <Section title={`My AWS identity in ${organization}`}>
              <p>The access key of your IAM user, and the MFA device of that user. Your codes are for it; it goes to no run.</p>
              <Editor key={mine?.id ?? 'new'} organization={organization} kind="personal" identity={mine} changed={loaded.reload} />
              {mine && <ConnectionTest identity={mine} serial={mine.attributes['mfa-serial']} tested={loaded.reload} />}
            </Section>
            {shared && (
              <Section title="My device for the organization’s AWS identity">
                <MyDevice identity={shared} />
              </Section>
            )}
          </>
        );
      }}
    </Shown>
  );
}

function Known({ identity }: { identity: AwsIdentity }) {
  const { attributes } = identity;
  return (
    <p class="identity">
      Key <span class="mono">{attributes['access-key-id']}</span>
      {attributes.arn && (
        <>
          {' '}
          of <span class="mono">{attributes.arn}</span>
        </>
      )}
      {attributes['mfa-serial'] && (
        <>
          , device <span class="mono">{attributes['mfa-serial']}</span>
        </>
      )}
      {attributes['tested-at'] ? (
        <>
          , last tested <When at={attributes['tested-at']} />
        </>
      ) : (
        ', not tested yet'
      )}
      .
    </p>
  );
}

function Editor({ organization, kind, identity, changed }: { organization: string; kind: 'personal' | 'organization'; identity: AwsIdentity | null; changed: () => void }) {
  const old = identity?.attributes;
  const personal = kind === 'personal';
  const [key, setKey] = useState(old?.['access-key-id'] ?? '');
  const [secret, setSecret] = useState('');
  const [serial, setSerial] = useState(old?.['mfa-serial'] ?? '');
  const [region, setRegion] = useState(old?.region || 'us-east-1');
  const [shared, setShared] = useState(old?.shared ?? false);
  const [owner, setOwner] = useState(old?.['device-owner'] ?? '');
  const error = useSignal<ApiError | null>(null);
  const save = async () => {
    const attributes: Record<string, unknown> = { 'access-key-id': key.trim(), 'mfa-serial': serial.trim(), region: region.trim() };
    if (secret !== '') attributes['secret-access-key'] = secret.trim();
    if (!personal) Object.assign(attributes, { shared, 'device-owner': shared ? '' : owner.trim() });
    await fresh(() =>
      identity
        ? patch(path`/api/v2/aws-identities/${identity.id}`, resource('aws-identities', attributes))
        : post(listOf(organization), resource('aws-identities', { kind, ...attributes })),
    );
    setSecret('');
    changed();
  };
  return (
    <>
      {identity && <Known identity={identity} />}
      {error.value && <Problem error={error.value} />}
      <SaveForm save={save} words={identity ? 'Save the identity' : 'Set up the identity'}>
        <div class="pair">
          <TextField label="AWS_ACCESS_KEY_ID" value={key} onValue={setKey} mono required />
          <TextField
            label="AWS_SECRET_ACCESS_KEY"
            hint={identity ? 'Write only: leave it empty to keep what is there.' : 'Write only: it is never shown again.'}
            type="password"
            autocomplete="off"
            value={secret}
            onValue={setSecret}
            required={!identity}
          />
          <TextField
            label="AWS_MFA_SERIAL_NUMBER"
            hint={personal ? 'Of your virtual MFA device, such as arn:aws:iam::111122223333:mfa/ana. Passkeys cannot be used.' : 'May stay empty: each person can register a device of their own.'}
            value={serial}
            onValue={setSerial}
            mono
            required={personal}
          />
          <TextField label="Region" hint="Whose STS is asked." value={region} onValue={setRegion} mono required />
        </div>
        {!personal && serial !== '' && <Check label="Everybody uses this device" hint="Then who authenticated is known only by who was signed in." value={shared} onValue={setShared} />}
        {!personal && serial !== '' && !shared && <TextField label="Whose device it is" hint="A user name." value={owner} onValue={setOwner} />}
      </SaveForm>
      {identity && (
        <p class="form-foot">
          <ActionButton
            kind="danger"
            onError={(problem) => (error.value = problem)}
            act={async () => {
              await fresh(() => remove(path`/api/v2/aws-identities/${identity.id}`));
              changed();
            }}
          >
            Delete the identity
          </ActionButton>
        </p>
      )}
    </>
  );
}

// `serial`: the device whose code is tried, where it is known here.
function ConnectionTest({ identity, serial, tested }: { identity: AwsIdentity; serial: string | null; tested: () => void }) {
  const [code, setCode] = useState('');
  const [busy, setBusy] = useState(false);
  const [report, setReport] = useState<ConnectionReport | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    const read = code === '' ? null : readCode(code);
    if (code !== '' && read === null) {
      setError(new ApiError(-1, 'A code has six digits.'));
      return;
    }
    setBusy(true);
    setError(null);
    setCode('');
    try {
      setReport(await post<ConnectionReport>(path`/api/v2/aws-identities/${identity.id}/actions/test`, read === null ? {} : { code: read }));
      tested();
    } catch (cause) {
      setReport(null);
      setError(cause instanceof ApiError ? cause : new ApiError(-1, String(cause)));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)} aria-label={`Test of the ${identity.attributes.kind} AWS identity`}>
      <TextField
        label="Code to test (optional)"
        hint={`With a code of ${serial ?? 'your device'} the whole way is tried. It is spent like any other.`}
        autocomplete="one-time-code"
        value={code}
        onValue={setCode}
        mono
      />
      <div class="form-foot">
        <button type="submit" aria-busy={busy}>
          {busy && <Spinner />}
          Test connection
        </button>
      </div>
      {error && <Problem error={error} />}
      <div role="status">
        {report && (
          <ul class="findings">
            {findings(report).map((finding) => (
              <li key={finding.text} class={finding.tone}>
                <Icon name={finding.tone === 'good' ? 'check' : finding.tone === 'bad' ? 'cross' : finding.tone === 'warn' ? 'warning' : 'dot'} /> <Foreign text={finding.text} />
              </li>
            ))}
          </ul>
        )}
      </div>
    </form>
  );
}

function useDevices(identity: AwsIdentity) {
  return useLoad((signal) => get<Document<AwsDevice[]>>(path`/api/v2/aws-identities/${identity.id}/devices` + '?page[size]=100', signal), `devices ${identity.id}`);
}

function Devices({ identity }: { identity: AwsIdentity }) {
  const loaded = useDevices(identity);
  return (
    <Shown loaded={loaded}>
      {({ data }) => (
        <>
          <h3>Devices that people have registered for it</h3>
          {data.length === 0 ? (
            <p class="quiet">None yet. Everybody does that for themselves, in their own settings.</p>
          ) : (
            <ul class="list">
              {data.map((device) => (
                <li key={device.id} class="list-row">
                  <span class="list-main">
                    <strong>
                      <Foreign text={device.attributes.username} />
                    </strong>
                    <span class="mono">
                      <Foreign text={device.attributes.serial} />
                    </span>
                  </span>
                </li>
              ))}
            </ul>
          )}
        </>
      )}
    </Shown>
  );
}

function MyDevice({ identity }: { identity: AwsIdentity }) {
  const loaded = useDevices(identity);
  const [serial, setSerial] = useState('');
  const error = useSignal<ApiError | null>(null);
  const place = path`/api/v2/aws-identities/${identity.id}/devices`;
  return (
    <Shown loaded={loaded}>
      {({ data }) => {
        const mine = data.find((device) => device.attributes.username === session.value?.username);
        if (!mine) {
          return (
            <SaveForm
              words="Register device"
              save={async () => {
                await post(place, resource('aws-devices', { serial: serial.trim() }));
                setSerial('');
                loaded.reload();
              }}
            >
              <p>Where the organization’s AWS identity opens the gate, your codes are of this device. IAM allows eight for a user.</p>
              <TextField label="Serial of the device" value={serial} onValue={setSerial} mono required />
            </SaveForm>
          );
        }
        return (
          <>
            <p class="mono">{mine.attributes.serial}</p>
            {error.value && <Problem error={error.value} />}
            <ConnectionTest identity={identity} serial={mine.attributes.serial} tested={() => undefined} />
            <p class="form-foot">
              <ActionButton
                kind="danger"
                onError={(problem) => (error.value = problem)}
                act={async () => {
                  await remove(place);
                  loaded.reload();
                }}
              >
                Take the device back
              </ActionButton>
            </p>
          </>
        );
      }}
    </Shown>
  );
}
