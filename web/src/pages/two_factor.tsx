// One's own second factor of signing in: setting up an authenticator app, recovery codes, turning it off.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, get, post, session } from '../api/client';
import { place, type Enrolment, type RecoveryCodes, type State } from '../api/two_factor';
import { readCode } from '../model/lock';
import { ActionButton, Dialog, Problem, Shown, TextField, When } from '../ui/basics';
import { CodeField } from '../ui/code_field';
import { SaveForm, Section } from '../ui/forms';
import { later } from '../ui/later';
import { useLoad } from '../ui/load';

const QrCode = later(() => import('../ui/qr_code').then((part) => part.QrCode));

// As people read it out and type it.
export const groups = (secret: string): string => secret.replace(/(.{4})(?=.)/g, '$1 ');

export function TwoFactor() {
  const loaded = useLoad((signal) => get<State>(place, signal), 'two-factor');
  const [enrolment, setEnrolment] = useState<Enrolment | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [asking, setAsking] = useState<'disable' | 'recovery-codes' | null>(null);
  const fresh = (made: string[] | null) => {
    setCodes(made);
    setEnrolment(null);
    setAsking(null);
    loaded.reload();
  };
  return (
    <>
      <Section title="Two-factor authentication">
        <p>A code of an authenticator app on your phone, beside your password, when you sign in to this page. It is not the code for AWS, and API tokens work without it.</p>
        {error && <Problem error={error} />}
        <Shown loaded={loaded}>
          {(state) => (
            <>
              <p role="status">
                {state.enabled ? (
                  <>
                    <strong>It is on</strong>, since <When at={state['enabled-at']} />.
                  </>
                ) : (
                  <strong>It is off.</strong>
                )}
              </p>
              {!state.enabled && enrolment === null && (
                <p class="form-foot">
                  <ActionButton
                    kind="primary"
                    onError={setError}
                    act={async () => {
                      setError(null);
                      setEnrolment(await post<Enrolment>(place));
                    }}
                  >
                    Set up an authenticator app
                  </ActionButton>
                </p>
              )}
              {!state.enabled && enrolment && <Enrol enrolment={enrolment} done={fresh} cancel={() => setEnrolment(null)} />}
              {state.enabled && (
                <p class="form-foot">
                  <button type="button" class="danger" onClick={() => setAsking('disable')}>
                    Turn off
                  </button>
                </p>
              )}
            </>
          )}
        </Shown>
      </Section>
      {loaded.data?.enabled && (
        <Section title="Recovery codes">
          {codes && <Codes key={codes[0]} codes={codes} />}
          <p>Each lets you in once in place of the app, when the phone is lost. {loaded.data['recovery-codes-left']} of 10 are left.</p>
          <p class="form-foot">
            <button type="button" onClick={() => setAsking('recovery-codes')}>
              Make new recovery codes
            </button>
          </p>
        </Section>
      )}
      {asking && <Proof what={asking} done={fresh} close={() => setAsking(null)} />}
    </>
  );
}

// What has just come in the place of a button takes over its focus.
function New({ label, children }: { label: string; children: ComponentChildren }) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => element.current?.focus(), []);
  return (
    <div ref={element} role="group" aria-label={label} tabIndex={-1}>
      {children}
    </div>
  );
}

function Copy({ text, words }: { text: string; words: string }) {
  const [said, setSaid] = useState('');
  return (
    <>
      <button
        type="button"
        onClick={() => {
          navigator.clipboard.writeText(text).then(() => setSaid('Copied.'), () => setSaid('This browser does not let it be copied: select it.'));
        }}
      >
        {words}
      </button>{' '}
      <span role="status">{said}</span>
    </>
  );
}

const username = () => <input type="text" class="unseen" tabIndex={-1} aria-hidden="true" autocomplete="username" value={session.value?.username} readOnly />;

// As it is sent; what is no code at all need not be.
function sixDigits(typed: string): string {
  const code = readCode(typed);
  if (code === null) throw new ApiError(-1, 'A code has six digits.');
  return code;
}

function Enrol({ enrolment, done, cancel }: { enrolment: Enrolment; done: (codes: string[]) => void; cancel: () => void }) {
  const [code, setCode] = useState('');
  const [password, setPassword] = useState('');
  const save = async () => {
    try {
      done((await post<RecoveryCodes>(`${place}/enable`, { code: sixDigits(code), password }))['recovery-codes']);
    } finally {
      setCode('');
    }
  };
  return (
    <New label="Setting up an authenticator app">
      <ol class="enrol">
        <li>
          <p>Scan this with the app. It is shown this once.</p>
          <QrCode text={enrolment.uri} label="QR code of the secret that stands below it as text" />
          <p>Or type the secret into the app: based on time, six digits.</p>
          <p class="mono token-text" id="secret">
            {groups(enrolment.secret)}
          </p>
          <p>
            <Copy text={enrolment.secret} words="Copy the secret" />
          </p>
        </li>
        <li>
          <p>Then type the code that the app shows. Other browsers of yours are signed out.</p>
          <SaveForm save={save} words="Turn on">
            {username()}
            <CodeField label="Code of the app" hint="Six digits." digits value={code} onValue={setCode} />
            <TextField label="Your password" type="password" autocomplete="current-password" value={password} onValue={setPassword} required />
          </SaveForm>
          <p class="form-foot">
            <button type="button" onClick={cancel}>
              Cancel
            </button>
          </p>
        </li>
      </ol>
    </New>
  );
}

function Codes({ codes }: { codes: string[] }) {
  const text = `${codes.join('\n')}\n`;
  const download = () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
    link.download = 'tollgate-recovery-codes.txt';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };
  return (
    <New label="New recovery codes">
      <div class="new-token">
        <p>
          <strong>Keep these recovery codes where your phone is not; they are not shown again.</strong>
        </p>
        <ul class="recovery-codes mono">
          {codes.map((code) => (
            <li key={code}>{code}</li>
          ))}
        </ul>
        <p class="form-foot">
          <Copy text={text} words="Copy the codes" />
          <button type="button" onClick={download}>
            Download
          </button>
        </p>
      </div>
    </New>
  );
}

function Proof({ what, done, close }: { what: 'disable' | 'recovery-codes'; done: (codes: string[] | null) => void; close: () => void }) {
  const [code, setCode] = useState('');
  const [password, setPassword] = useState('');
  const off = what === 'disable';
  const save = async () => {
    try {
      const made = await post<RecoveryCodes | undefined>(`${place}/${what}`, { code: code.trim(), password });
      done(made?.['recovery-codes'] ?? null);
    } finally {
      setCode('');
    }
  };
  return (
    <Dialog title={off ? 'Turn two-factor authentication off' : 'Make new recovery codes'} close={close}>
      <p>{off ? 'You sign in with your password alone from then on.' : 'The ones that you have are good no more.'}</p>
      <SaveForm save={save} words={off ? 'Turn it off' : 'Make them'} kind={off ? 'danger' : 'primary'}>
        {username()}
        <TextField label="Password" type="password" autocomplete="current-password" value={password} onValue={setPassword} required />
        <CodeField label="Code of the app, or a recovery code" value={code} onValue={setCode} />
      </SaveForm>
    </Dialog>
  );
}
