// Who are you? The password first, then the code of the account's own second factor where it has one.

import { useState } from 'preact/hooks';
import { ApiError, signIn } from '../api/client';
import { go, pathname } from '../router';
import { Spinner, TextField, usePageTitle } from '../ui/basics';
import { later } from '../ui/later';
import { Logo } from '../ui/logo';

const SignInCode = later(() => import('./sign_in_code').then((page) => page.SignInCode));

// Where a signed-out visitor wanted to go; only a place on this page.
export function placeAfter(search: string): string {
  const wanted = new URLSearchParams(search).get('next') ?? '/app';
  return /^\/(app|settings)(\/|$|\?)/.test(wanted) ? wanted : '/app';
}

export function SignIn({ inPlace }: { inPlace: boolean }) {
  const [ticket, setTicket] = useState<string | null>(null);
  const done = () => {
    if (!inPlace) go(placeAfter(location.search), true);
    pathname.value = location.pathname;
  };
  return (
    <main class="sign-in" id="main">
      {ticket === null ? <Password done={done} ask={setTicket} /> : <SignInCode ticket={ticket} done={done} />}
    </main>
  );
}

function Password({ done, ask }: { done: () => void; ask: (ticket: string) => void }) {
  usePageTitle('Sign in');
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      const ticket = await signIn(username.trim(), password);
      if (ticket === null) done();
      else ask(ticket);
    } catch (cause) {
      setError(cause instanceof ApiError ? cause.message : String(cause));
      setPassword('');
    } finally {
      setBusy(false);
    }
  };

  return (
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
      <button type="submit" class="primary wide" aria-busy={busy}>
        {busy && <Spinner />}
        Sign in
      </button>
    </form>
  );
}
