// The AWS MFA gate in the settings of an organization and of a workspace: what needs a code, whose AWS identities open
// it, how long it waits, which roles phases get. Owners change it, with a password just typed; everybody may look.

import { useSignal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { ApiError, get, patch, path, resource } from '../api/client';
import type { AwsMfaSettings, AwsMfaSettingsAttributes, Document, IdentityPolicy, Level, Organization, PhaseRole, Workspace } from '../api/types';
import { levels, levelWords, stricter } from '../model/level';
import { readDuration, shortDuration } from '../model/time';
import { fresh } from '../ui/again';
import { Field, Foreign, Icon, Shown, TextField } from '../ui/basics';
import { Check, Choice, SaveForm, Section, Sure } from '../ui/forms';
import { useLoad } from '../ui/load';
import { OrganizationIdentity } from './aws_identity';

const title = 'AWS Multi-Factor Authentication';

const policies: { value: IdentityPolicy; label: string; hint: string }[] = [
  { value: 'personal-then-organization', label: 'Personal, else the organization’s', hint: 'Who has an AWS identity of their own uses that.' },
  { value: 'personal', label: 'Personal only', hint: 'Everybody brings an own access key and MFA device.' },
  { value: 'organization', label: 'The organization’s only', hint: 'One access key for all; each person registers a device of their own for it.' },
];

export function OrganizationMfa({ organization }: { organization: Organization }) {
  const { name, permissions } = organization.attributes;
  const may = permissions['can-update-aws-mfa'] ?? false;
  const loaded = useLoad((signal) => get<Document<AwsMfaSettings>>(path`/api/v2/organizations/${name}/aws-mfa`, signal), `aws-mfa ${name}`);
  return (
    <>
      <Section title={title}>
        <Shown loaded={loaded}>
          {({ data }) => (
            <>
              <Warnings texts={data.attributes.warnings} />
              {may ? <Settings organization={name} old={data.attributes} saved={loaded.reload} /> : <Rules settings={data.attributes} />}
            </>
          )}
        </Shown>
      </Section>
      <OrganizationIdentity organization={name} may={may} changed={loaded.reload} />
    </>
  );
}

function Warnings({ texts }: { texts: string[] }) {
  if (texts.length === 0) return null;
  return (
    <div class="problem" role="status">
      <Icon name="warning" />
      <div>
        {texts.map((text) => (
          <p key={text}>
            <Foreign text={text} />
          </p>
        ))}
      </div>
    </div>
  );
}

function Rules({ settings }: { settings: AwsMfaSettingsAttributes }) {
  const level = levelWords[settings.level];
  return (
    <>
      <p>
        <strong>{level.name}.</strong> {level.means}
      </p>
      {settings.level !== 'never' && (
        <p>
          Opened by AWS identities of account {settings['effective-accounts'].join(', ') || 'none yet'}. A plan waits for {shortDuration(settings['plan-gate-deadline'])}, an apply for{' '}
          {shortDuration(settings['apply-gate-deadline'])}.
        </p>
      )}
      <p class="quiet">Owners of the organization can change this.</p>
    </>
  );
}

interface Role {
  arn: string;
  externalId: string;
}
const roleOf = (role: PhaseRole | null): Role => ({ arn: role?.arn ?? '', externalId: role?.['external-id'] ?? '' });
const roleToSend = ({ arn, externalId }: Role): PhaseRole | null => (arn.trim() === '' ? null : { arn: arn.trim(), 'external-id': externalId.trim() });

const times = {
  'plan-gate-deadline': ['A plan waits for a code for', 'Then the run ends: nobody came.'],
  'apply-gate-deadline': ['An apply waits for a code for', 'Up to 30d.'],
  'plan-limit': ['A plan may take', 'The AWS session lives that long and five minutes more.'],
  'apply-limit': ['An apply may take', 'AWS cannot take back a session; keep it short.'],
} as const;
type TimeName = keyof typeof times;
const timeNames = Object.keys(times) as TimeName[];

function readTimes(texts: Record<TimeName, string>): Record<TimeName, number> {
  const read = {} as Record<TimeName, number>;
  for (const name of timeNames) {
    const seconds = readDuration(texts[name]);
    if (seconds === null) throw new ApiError(-1, `"${texts[name]}" is no time such as 15m, 1h30m or 24h.`);
    read[name] = seconds;
  }
  return read;
}

function Settings({ organization, old, saved }: { organization: string; old: AwsMfaSettingsAttributes; saved: () => void }) {
  const [level, setLevel] = useState(old.level);
  const [policy, setPolicy] = useState(old['identity-policy']);
  const [accounts, setAccounts] = useState(old.accounts.join('\n'));
  const [texts, setTexts] = useState(() => Object.fromEntries(timeNames.map((name) => [name, shortDuration(old[name])])) as Record<TimeName, string>);
  const [planRole, setPlanRole] = useState(roleOf(old['plan-role']));
  const [applyRole, setApplyRole] = useState(roleOf(old['apply-role']));
  const [readOnly, setReadOnly] = useState(roleOf(old['read-only-plan-role']));
  const [rawKey, setRawKey] = useState(old['raw-key-plans']);
  const lowering = useSignal<object | null>(null);
  const send = async (attributes: object) => {
    await fresh(() => patch(path`/api/v2/organizations/${organization}/aws-mfa`, resource('aws-mfa-settings', attributes)));
    saved();
  };
  const save = async () => {
    const attributes = {
      level, 'identity-policy': policy, accounts: accounts.split(/[\s,]+/).filter((text) => text !== ''), ...readTimes(texts),
      'plan-role': roleToSend(planRole), 'apply-role': roleToSend(applyRole), 'read-only-plan-role': roleToSend(readOnly), 'raw-key-plans': rawKey,
    };
    if (!stricter(old.level, level)) return send(attributes);
    lowering.value = attributes;
    throw new ApiError(-1, 'Not saved yet: less protection has to be confirmed.');
  };
  return (
    <>
      <SaveForm save={save}>
        <Choice legend="A code is needed for" name="level" value={level} onValue={setLevel} options={levels.map((value) => ({ value, label: levelWords[value].name, hint: levelWords[value].means }))} />
        <Choice legend="Whose AWS identity opens the gate" name="policy" value={policy} onValue={setPolicy} options={policies} />
        <Field label="AWS accounts" hint={`Only identities of these accounts open the gate; one account number a line. Without any it is the account of the organization’s identity.${old.accounts.length === 0 && old['effective-accounts'].length > 0 ? ` Now: ${old['effective-accounts'].join(', ')}.` : ''}`}>
          {({ id, describedBy }) => <textarea id={id} class="mono" rows={2} spellcheck={false} value={accounts} aria-describedby={describedBy} onInput={(event) => setAccounts(event.currentTarget.value)} />}
        </Field>
        <div class="pair">
          {timeNames.map((name) => (
            <TextField key={name} label={times[name][0]} hint={times[name][1]} value={texts[name]} onValue={(value) => setTexts({ ...texts, [name]: value })} mono required />
          ))}
        </div>
        <RoleFields name="Role of plans" hint="Assumed with the session that the code gave. Without one the phase has that session itself." role={planRole} set={setPlanRole} />
        <RoleFields name="Role of applies" hint="The same for applies. A provider’s own assume_role that demands MFA needs this to be empty." role={applyRole} set={setApplyRole} />
        {level === 'applies-only' && <RoleFields name="Role of plans without a code" hint="A role that can read and nothing else." role={readOnly} set={setReadOnly} />}
        {level === 'applies-only' && (
          <Check label="Give the organization’s key itself to plans" hint="Whoever can plan can then read it. Only where neither the role nor a session without MFA will do." value={rawKey} onValue={setRawKey} />
        )}
      </SaveForm>
      {lowering.value && (
        <Sure
          title="Less protection"
          name={organization}
          words="Lower the level"
          act={async () => {
            await send(lowering.value ?? {});
            lowering.value = null;
          }}
          close={() => (lowering.value = null)}
        >
          <p>
            From “{levelWords[old.level].name}” to “{levelWords[level].name}”: {levelWords[level].means} Runs that exist already keep what they had. All owners are told.
          </p>
        </Sure>
      )}
    </>
  );
}

function RoleFields({ name, hint, role, set }: { name: string; hint: string; role: Role; set: (role: Role) => void }) {
  return (
    <div class="pair">
      <TextField label={name} hint={hint} placeholder="arn:aws:iam::111122223333:role/terraform" value={role.arn} onValue={(arn) => set({ ...role, arn })} mono />
      <TextField label={`External id of the ${name.toLowerCase()}`} value={role.externalId} onValue={(externalId) => set({ ...role, externalId })} mono />
    </div>
  );
}

export function WorkspaceMfa({ workspace, organization, saved }: { workspace: Workspace; organization: Organization | undefined; saved: () => void }) {
  const least: Level = organization?.attributes['aws-mfa'] ?? 'never';
  const may = organization?.attributes.permissions['can-update-aws-mfa'] ?? false;
  const old = workspace.attributes['aws-mfa'] ?? 'inherit';
  const [chosen, setChosen] = useState<Level | 'inherit'>(old);
  const off = (level: Level) => (!may ? 'Owners of the organization can change this.' : stricter(least, level) ? `Laxer than the organization, which has “${levelWords[least].name}”.` : null);
  const save = async () => {
    await fresh(() => patch(path`/api/v2/workspaces/${workspace.id}`, resource('workspaces', { 'aws-mfa': chosen })));
    saved();
  };
  return (
    <Section title={title}>
      <SaveForm save={save} words="Save the level" disabled={!may}>
        <Choice
          legend="A code is needed for"
          name="workspace-level"
          value={chosen}
          onValue={setChosen}
          options={[
            { value: 'inherit' as Level | 'inherit', label: 'As the organization', hint: `Now “${levelWords[least].name}”: ${levelWords[least].means}`, off: may ? null : 'Owners of the organization can change this.' },
            ...levels.map((level) => ({ value: level, label: levelWords[level].name, hint: levelWords[level].means, off: off(level) })),
          ]}
        />
      </SaveForm>
    </Section>
  );
}
