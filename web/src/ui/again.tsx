// Some changes need the password typed a moment ago. `fresh` does such a change, asks for the password where the server
// wants it, and then does it again.

import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { ApiError, reauthenticate, session } from '../api/client';
import { Dialog, Spinner, TextField } from './basics';

interface Waiting {
  resolve: () => void;
  reject: (error: ApiError) => void;
}
const waiting = signal<Waiting | null>(null);

export async function fresh<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    if (!(cause instanceof ApiError) || !cause.code.startsWith('reauthentication_')) throw cause;
  }
  await new Promise<void>((resolve, reject) => (waiting.value = { resolve, reject }));
  return act();
}

// Stands once on the page.
export function PasswordAgain() {
  const [password, setPassword] = useState('');
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const current = waiting.value;
  if (!current) return null;
  const close = () => {
    waiting.value = null;
    setPassword('');
    setError(null);
  };
  const cancel = () => {
    current.reject(new ApiError(-1, 'Nothing was changed.'));
    close();
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    try {
      await reauthenticate(password);
      current.resolve();
      close();
    } catch (cause) {
      setPassword('');
      setError(cause instanceof ApiError ? cause.message : String(cause));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title="Type your password again" close={cancel}>
      <form onSubmit={(event) => void submit(event)}>
        <p>This change guards everybody's credentials, so it needs a password that was typed within the last five minutes.</p>
        <input type="text" class="unseen" tabIndex={-1} aria-hidden="true" autocomplete="username" value={session.value?.username} readOnly />
        <TextField label="Password" type="password" autocomplete="current-password" value={password} onValue={setPassword} error={error} required />
        <div class="dialog-foot">
          <button type="button" onClick={cancel}>
            Cancel
          </button>
          <button type="submit" class="primary" aria-busy={busy}>
            {busy && <Spinner />}
            Continue
          </button>
        </div>
      </form>
    </Dialog>
  );
}
