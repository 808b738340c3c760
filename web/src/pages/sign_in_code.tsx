// The second step of signing in, for who has two-factor authentication: the code of the app, or a recovery code.

import { useRef, useState } from 'preact/hooks';
import { ApiError } from '../api/client';
import { signInWithCode } from '../api/two_factor';
import { readCode } from '../model/lock';
import { Spinner, usePageTitle } from '../ui/basics';
import { CodeField } from '../ui/code_field';
import { Logo } from '../ui/logo';

export function SignInCode({ ticket, done }: { ticket: string; done: () => void }) {
  usePageTitle('Two-factor authentication');
  const [recovery, setRecovery] = useState(false);
  const [code, setCode] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const field = useRef<HTMLInputElement | null>(null);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    const read = recovery ? code.trim() : readCode(code);
    if (!read) {
      setError(recovery ? 'Type one of your recovery codes.' : 'A code has six digits.');
      field.current?.focus();
      return;
    }
    setBusy(true);
    setError(null);
    try {
      await signInWithCode(ticket, read);
      done();
    } catch (cause) {
      setCode('');
      setError(cause instanceof ApiError ? cause.message : String(cause));
      setBusy(false);
      field.current?.focus();
    }
  };
  const other = () => {
    setRecovery(!recovery);
    setCode('');
    setError(null);
    field.current?.focus();
  };

  return (
    <form onSubmit={(event) => void submit(event)} noValidate>
      <Logo />
      <h1>Two-factor authentication</h1>
      {error && (
        <p class="form-error" role="alert" id="refused">
          {error}
        </p>
      )}
      <CodeField
        key={recovery ? 'recovery' : 'app'}
        label={recovery ? 'Recovery code' : 'Code of your authenticator app'}
        hint={recovery ? 'One of those that you kept. Each is good once.' : 'Six digits. This is the code for tollgate, not the one for AWS.'}
        digits={!recovery}
        wrong={error ? 'refused' : undefined}
        value={code}
        onValue={setCode}
        inputRef={(element) => {
          // Who has just typed a password, or asked for the other kind, goes on in this field.
          if (element && element !== field.current) element.focus();
          field.current = element;
        }}
      />
      <button type="submit" class="primary wide" aria-busy={busy}>
        {busy && <Spinner />}
        Sign in
      </button>
      <button type="button" class="wide" onClick={other}>
        {recovery ? 'Use the app instead' : 'Use a recovery code instead'}
      </button>
      <button type="button" class="wide" onClick={() => location.reload()}>
        Start again
      </button>
    </form>
  );
}
