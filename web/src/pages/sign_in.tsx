// Who are you? Password, and the six digits of the account's own second factor where it has one.

import { useState } from 'preact/hooks';
import { ApiError, signIn } from '../api/client';
import { go, pathname } from '../router';
import { Spinner, TextField, usePageTitle } from '../ui/basics';
import { Logo } from '../ui/logo';

// Where a signed-out visitor wanted to go; only a place on this page.
export function placeAfter(search: string): string {
  const wanted = new URLSearchParams(search).get('next') ?? '/app';
  return /^\/(app|settings)(\/|$|\?)/.test(wanted) ? wanted : '/app';
}

export function SignIn({ inPlace }: { inPlace: boolean }) {
  usePageTitle('Sign in');
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [otp, setOtp] = useState('');
  const [asksOtp, setAsksOtp] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      await signIn(username.trim(), password, otp.replace(/\s/g, ''));
      if (!inPlace) go(placeAfter(location.search), true);
      pathname.value = location.pathname;
    } catch (cause) {
      const problem = cause instanceof ApiError ? cause : new ApiError(-1, String(cause));
      if (problem.code.startsWith('otp')) {
        setAsksOtp(true);
        setOtp('');
        setError(asksOtp ? problem.message : null);
      } else {
        setError(problem.message);
        setPassword('');
      }
    } finally {
      setBusy(false);
    }
  };

  return (
    <main class="sign-in" id="main">
      <form onSubmit={(event) => void submit(event)}>
        <Logo />
        <h1>Sign in</h1>
        {error && (
          <p class="form-error" role="alert">
            {error}
          </p>
        )}
        <TextField label="User name" value={username} onValue={setUsername} autocomplete="username" required />
        <TextField label="Password" type="password" value={password} onValue={setPassword} autocomplete="current-password" required />
        {asksOtp && (
          <TextField
            label="Code of your account's second factor"
            hint="Six digits. This is the code for tollgate, not the one for AWS."
            value={otp}
            onValue={setOtp}
            autocomplete="one-time-code"
            inputRef={(element) => element?.value === '' && element.focus()}
            required
          />
        )}
        <button type="submit" class="primary wide" aria-busy={busy}>
          {busy && <Spinner />}
          Sign in
        </button>
      </form>
    </main>
  );
}
