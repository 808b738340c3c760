// Settings of an organization. Every section is for something that the server does.

import { useSignal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { ApiError, get, patch, path, post, remove, resource } from '../api/client';
import type { Document, Organization, Resource, Token } from '../api/types';
import { address, go } from '../router';
import { fresh } from '../ui/again';
import { ActionButton, Empty, Foreign, Problem, Shown, TextField, usePageTitle, When } from '../ui/basics';
import { Choice, SaveForm, Section } from '../ui/forms';
import { useLoad } from '../ui/load';
import { Audit } from './audit';
import { OrganizationMfa } from './aws_mfa';
import { Notices } from './notices';
import { Variables } from './variables';
import { WebhookSettings } from './webhook';

const sections: [string, string, (may: Record<string, boolean>) => boolean][] = [
  ['general', 'General', () => true],
  ['aws-mfa', 'AWS Multi-Factor Authentication', () => true],
  ['users', 'Users', () => true],
  ['variables', 'Variables', () => true],
  ['webhook', 'Webhook', (may) => may['can-update-aws-mfa'] ?? false],
  ['notices', 'Notices', (may) => may['can-update-aws-mfa'] ?? false],
  ['audit', 'Audit', (may) => may['can-read-audit'] ?? false],
  ['token', 'API token', (may) => may['can-update-api-token'] ?? false],
];

export function OrganizationSettings({ name, section }: { name: string; section: string }) {
  usePageTitle(`Settings of ${name}`);
  const loaded = useLoad((signal) => get<Document<Organization>>(path`/api/v2/organizations/${name}`, signal), `organization ${name}`);
  return (
    <>
      <nav class="crumbs" aria-label="Where this is">
        <a href={address.organization(name)}>
          <Foreign text={name} />
        </a>
        <span aria-hidden="true">/</span>
        <span aria-current="page">settings</span>
      </nav>
      <h1>Settings</h1>
      <Shown loaded={loaded}>
        {({ data }) => {
          const may = data.attributes.permissions;
          return (
            <>
              <nav class="section-tabs" aria-label="Sections of the settings">
                {sections
                  .filter(([, , allowed]) => allowed(may))
                  .map(([key, words]) => (
                    <a key={key} href={`${address.organization(name)}/settings/${key}`} aria-current={section === key ? 'page' : undefined}>
                      {words}
                    </a>
                  ))}
              </nav>
              {section === 'general' && <General organization={data} saved={loaded.reload} />}
              {section === 'aws-mfa' && <OrganizationMfa organization={data} />}
              {section === 'users' && <Users name={name} manage={may['can-manage-users'] ?? false} />}
              {section === 'variables' && <Variables place={path`/api/v2/organizations/${name}/vars`} writable={may['can-update'] ?? false} what="For every run of the organization. Your own stand under Variables, above." />}
              {section === 'webhook' && may['can-update-aws-mfa'] && <WebhookSettings organization={name} />}
              {section === 'notices' && may['can-update-aws-mfa'] && <Notices organization={name} />}
              {section === 'audit' && may['can-read-audit'] && <Audit organization={name} />}
              {section === 'token' && may['can-update-api-token'] && <OrganizationToken name={name} />}
              {!sections.some(([key, , allowed]) => key === section && allowed(may)) && <Empty title="There is no such page, or it is not for you" />}
            </>
          );
        }}
      </Shown>
    </>
  );
}

function General({ organization, saved }: { organization: Organization; saved: () => void }) {
  const old = organization.attributes;
  const [name, setName] = useState(old.name);
  const [email, setEmail] = useState(old.email);
  const [mode, setMode] = useState(old['default-execution-mode']);
  if (!old.permissions['can-update']) {
    return (
      <Section title="General">
        <p class="quiet">Its owners can change this organization; you are a member.</p>
      </Section>
    );
  }
  const save = async () => {
    await fresh(() => patch(path`/api/v2/organizations/${old.name}`, resource('organizations', { name: name.trim(), email: email.trim(), 'default-execution-mode': mode })));
    if (name.trim() !== old.name) go(`${address.organization(name.trim())}/settings`, true);
    else saved();
  };
  return (
    <Section title="General">
      <SaveForm save={save}>
        <TextField label="Name" hint="Configurations that name it have to follow." value={name} onValue={setName} mono required />
        <TextField label="Email" hint="Where its owners are reached." type="email" value={email} onValue={setEmail} />
        <Choice
          legend="New workspaces run"
          name="mode"
          value={mode}
          onValue={setMode}
          options={[
            { value: 'remote', label: 'On this server' },
            { value: 'local', label: 'Where terraform is called', hint: 'Not gated.' },
          ]}
        />
      </SaveForm>
    </Section>
  );
}

interface Membership {
  role: 'owner' | 'member';
  username: string;
  email: string;
}

function Users({ name, manage }: { name: string; manage: boolean }) {
  const place = path`/api/v2/organizations/${name}/organization-memberships`;
  const loaded = useLoad((signal) => get<Document<Resource<Membership>[]>>(`${place}?page[size]=100`, signal), `members ${name}`);
  const [email, setEmail] = useState('');
  const error = useSignal<ApiError | null>(null);
  const change = (member: Resource<Membership>, role: 'owner' | 'member') => async () => {
    error.value = null;
    await patch(path`/api/v2/organization-memberships/${member.id}`, resource('organization-memberships', { role }));
    loaded.reload();
  };
  return (
    <Section title="Users">
      {error.value && <Problem error={error.value} />}
      <Shown loaded={loaded}>
        {({ data }) => (
          <div class="table-box">
            <table>
              <caption class="unseen">Members of the organization</caption>
              <thead>
                <tr>
                  <th scope="col">User</th>
                  <th scope="col">Email</th>
                  <th scope="col">Role</th>
                  {manage && (
                    <th scope="col">
                      <span class="unseen">Change</span>
                    </th>
                  )}
                </tr>
              </thead>
              <tbody>
                {data.map((member) => (
                  <tr key={member.id}>
                    <th scope="row">
                      <Foreign text={member.attributes.username} />
                    </th>
                    <td>
                      <Foreign text={member.attributes.email} />
                    </td>
                    <td>{member.attributes.role}</td>
                    {manage && (
                      <td class="cell-actions">
                        <ActionButton onError={(problem) => (error.value = problem)} act={change(member, member.attributes.role === 'owner' ? 'member' : 'owner')}>
                          {member.attributes.role === 'owner' ? 'Make a member' : 'Make an owner'}
                          <span class="unseen"> {member.attributes.username}</span>
                        </ActionButton>
                        <ActionButton
                          kind="danger"
                          onError={(problem) => (error.value = problem)}
                          act={async () => {
                            error.value = null;
                            await remove(path`/api/v2/organization-memberships/${member.id}`);
                            loaded.reload();
                          }}
                        >
                          Remove<span class="unseen"> {member.attributes.username}</span>
                        </ActionButton>
                      </td>
                    )}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Shown>
      {manage && (
        <SaveForm
          words="Add user"
          save={async () => {
            await post(place, resource('organization-memberships', { email: email.trim(), role: 'member' }));
            setEmail('');
            loaded.reload();
          }}
        >
          <TextField label="Email of a user of this server" type="email" value={email} onValue={setEmail} required />
        </SaveForm>
      )}
    </Section>
  );
}

function OrganizationToken({ name }: { name: string }) {
  const place = path`/api/v2/organizations/${name}/authentication-token`;
  const [made, setMade] = useState<string | null>(null);
  const error = useSignal<ApiError | null>(null);
  const loaded = useLoad(
    async (signal): Promise<Token | null | 'none'> => {
      try {
        return (await get<Document<Token>>(place, signal)).data;
      } catch (cause) {
        if (cause instanceof ApiError && cause.status === 404) return 'none';
        throw cause;
      }
    },
    `organization token ${name}`,
  );
  return (
    <Section title="API token">
      <p>One token that acts for the organization and for no person. It can never pass an MFA gate.</p>
      {error.value && <Problem error={error.value} />}
      {made && <NewToken text={made} />}
      <Shown loaded={loaded}>
        {(token) =>
          token === 'none' || token === null ? (
            <Empty title="No token" />
          ) : (
            <p>
              Made <When at={token.attributes['created-at']} />; last used {token.attributes['last-used-at'] ? <When at={token.attributes['last-used-at']} /> : 'never'}.
            </p>
          )
        }
      </Shown>
      <p class="form-foot">
        <ActionButton
          onError={(problem) => (error.value = problem)}
          act={async () => {
            const document = await post<Document<Token>>(place, resource('authentication-tokens', {}));
            setMade(document.data.attributes.token);
            loaded.reload();
          }}
        >
          {loaded.data === 'none' ? 'Create a token' : 'Replace the token'}
        </ActionButton>
        {loaded.data !== 'none' && (
          <ActionButton
            kind="danger"
            onError={(problem) => (error.value = problem)}
            act={async () => {
              await remove(place);
              setMade(null);
              loaded.reload();
            }}
          >
            Delete the token
          </ActionButton>
        )}
      </p>
    </Section>
  );
}

// The only time that its text is there.
export function NewToken({ text }: { text: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <div class="new-token" role="status">
      <p>
        <strong>Copy it now; it is not shown again.</strong>
      </p>
      <p class="mono token-text">{text}</p>
      <button
        type="button"
        onClick={() => {
          navigator.clipboard.writeText(text).then(() => setCopied(true), () => undefined);
        }}
      >
        {copied ? 'Copied' : 'Copy'}
      </button>
    </div>
  );
}
