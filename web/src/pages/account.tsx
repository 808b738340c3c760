// One's own settings: who one is, the password, tokens, browsers that are signed in.

import { useSignal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { ApiError, get, path, post, remove, resource, session } from '../api/client';
import type { Document, Resource, Token } from '../api/types';
import { fresh } from '../ui/again';
import { ActionButton, Empty, Foreign, Problem, Shown, TextField, usePageTitle, When } from '../ui/basics';
import { SaveForm, Section } from '../ui/forms';
import { useLoad } from '../ui/load';
import { notificationsPossible, notifying, setNotifying } from '../ui/notify';
import { MyIdentities } from './aws_identity';
import { NewToken } from './organization_settings';
import { TwoFactor } from './two_factor';

const sections: [string, string][] = [
  ['profile', 'Profile'],
  ['aws', 'AWS identity and device'],
  ['api-tokens', 'Tokens'],
  ['sessions', 'Sessions'],
  ['two-factor', 'Two-factor authentication'],
];

export function Account({ section }: { section: string }) {
  usePageTitle('My settings');
  return (
    <>
      <h1>My settings</h1>
      <nav class="section-tabs" aria-label="Sections of my settings">
        {sections.map(([key, words]) => (
          <a key={key} href={`/app/settings/${key}`} aria-current={section === key ? 'page' : undefined}>
            {words}
          </a>
        ))}
        <a href="/settings/organization_variables">Variables</a>
      </nav>
      {section === 'profile' && <Profile />}
      {section === 'aws' && <MyIdentities />}
      {section === 'api-tokens' && <Tokens />}
      {section === 'sessions' && <Sessions />}
      {section === 'two-factor' && <TwoFactor />}
      {!sections.some(([key]) => key === section) && <Empty title="There is no such page" />}
    </>
  );
}

function Profile() {
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const save = async () => {
    if (password !== again) throw new ApiError(-1, 'The two passwords are not the same.');
    await fresh(() => post('/api/web/v1/password', { password }));
    setPassword('');
    setAgain('');
  };
  return (
    <>
      <Section title="Who I am">
        <p>
          <Foreign text={session.value?.username} />
          {session.value?.email && (
            <>
              , <Foreign text={session.value.email} />
            </>
          )}
        </p>
      </Section>
      <Section title="Notifications">
        <p>This browser tells you when a run waits for your code, while a page of tollgate is open somewhere in it.</p>
        {notificationsPossible() ? (
          <p class="form-foot">
            <ActionButton act={() => setNotifying(!notifying.value)}>{notifying.value ? 'Do not notify me any more' : 'Notify me'}</ActionButton>
          </p>
        ) : (
          <p class="quiet">This browser cannot show notifications, or was told not to.</p>
        )}
      </Section>
      <Section title="Password">
        <SaveForm save={save} words="Change password">
          <input type="text" class="unseen" tabIndex={-1} aria-hidden="true" autocomplete="username" value={session.value?.username} readOnly />
          <TextField label="New password" hint="At least 12 characters. Other browsers are signed out." type="password" autocomplete="new-password" value={password} onValue={setPassword} required />
          <TextField label="The same again" type="password" autocomplete="new-password" value={again} onValue={setAgain} required />
        </SaveForm>
      </Section>
    </>
  );
}

function Tokens() {
  const place = path`/api/v2/users/${session.value?.['user-id'] ?? ''}/authentication-tokens`;
  const loaded = useLoad((signal) => get<Document<Token[]>>(`${place}?page[size]=100`, signal), `tokens ${place}`);
  const [description, setDescription] = useState('');
  const [made, setMade] = useState<string | null>(null);
  const error = useSignal<ApiError | null>(null);
  return (
    <Section title="Tokens">
      <p>
        For terraform and other programs: <code>terraform login {location.host}</code>, or a token from here. A token of yours may answer an MFA gate, where you may.
      </p>
      {error.value && <Problem error={error.value} />}
      {made && <NewToken text={made} />}
      <Shown loaded={loaded}>
        {({ data }) =>
          data.length === 0 ? (
            <Empty title="No tokens" />
          ) : (
            <ul class="list">
              {data.map((token) => (
                <li key={token.id} class="list-row">
                  <span class="list-main">
                    <strong>{token.attributes.description ? <Foreign text={token.attributes.description} /> : 'Without a description'}</strong>
                    <span class="quiet">
                      Made <When at={token.attributes['created-at']} />, last used {token.attributes['last-used-at'] ? <When at={token.attributes['last-used-at']} /> : 'never'}
                    </span>
                  </span>
                  <span class="list-state">
                    <ActionButton
                      kind="danger"
                      onError={(problem) => (error.value = problem)}
                      act={async () => {
                        await remove(path`/api/v2/authentication-tokens/${token.id}`);
                        loaded.reload();
                      }}
                    >
                      Delete<span class="unseen"> {token.attributes.description}</span>
                    </ActionButton>
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </Shown>
      <SaveForm
        words="Create token"
        save={async () => {
          const document = await post<Document<Token>>(place, resource('authentication-tokens', { description: description.trim() }));
          setMade(document.data.attributes.token);
          setDescription('');
          loaded.reload();
        }}
      >
        <TextField label="Description" hint="What it is for." value={description} onValue={setDescription} />
      </SaveForm>
    </Section>
  );
}

interface WebSession {
  address: string;
  'user-agent': string;
  current: boolean;
  'created-at': string;
  'last-seen-at': string;
}

// "Firefox on Linux", as well as it says so itself.
export function browserName(agent: string): string {
  const browser = /(Firefox|Edg|OPR|Chrome|HeadlessChrome|Safari)\//.exec(agent)?.[1];
  const system = /(Windows|Android|iPhone|iPad|Mac OS|CrOS|Linux)/.exec(agent)?.[1];
  const names: Record<string, string> = { Edg: 'Edge', OPR: 'Opera', HeadlessChrome: 'Chrome', CrOS: 'ChromeOS', 'Mac OS': 'macOS' };
  if (!browser) return agent.slice(0, 60) || 'A browser';
  return `${names[browser] ?? browser}${system ? ` on ${names[system] ?? system}` : ''}`;
}

function Sessions() {
  const loaded = useLoad((signal) => get<Document<Resource<WebSession>[]>>('/api/web/v1/sessions', signal), 'sessions');
  const error = useSignal<ApiError | null>(null);
  return (
    <Section title="Browsers that are signed in">
      {error.value && <Problem error={error.value} />}
      <Shown loaded={loaded}>
        {({ data }) => (
          <ul class="list">
            {data.map((entry) => (
              <li key={entry.id} class="list-row">
                <span class="list-main">
                  <strong>
                    <Foreign text={browserName(entry.attributes['user-agent'])} />
                    {entry.attributes.current && ' (this one)'}
                  </strong>
                  <span class="quiet">
                    <Foreign text={entry.attributes.address} />, signed in <When at={entry.attributes['created-at']} />, last seen <When at={entry.attributes['last-seen-at']} />
                  </span>
                </span>
                <span class="list-state">
                  {!entry.attributes.current && (
                    <ActionButton
                      kind="danger"
                      onError={(problem) => (error.value = problem)}
                      act={async () => {
                        await remove(path`/api/web/v1/sessions/${entry.id}`);
                        loaded.reload();
                      }}
                    >
                      Sign out<span class="unseen"> {browserName(entry.attributes['user-agent'])}</span>
                    </ActionButton>
                  )}
                </span>
              </li>
            ))}
          </ul>
        )}
      </Shown>
    </Section>
  );
}
