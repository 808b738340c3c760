// What a person can do to a run, in the words that they know. The bar stays in sight.

import { useState } from 'preact/hooks';
import { ApiError, post } from '../api/client';
import type { Run } from '../api/types';
import { isOpen } from '../model/lock';
import { Spinner, useNow } from '../ui/basics';

type Name = 'apply' | 'discard' | 'cancel' | 'force-cancel';

const actions: Record<Name, { open: string; sure: string; ask: string; kind: 'primary' | 'danger' | 'plain' }> = {
  apply: { open: 'Confirm & Apply', sure: 'Confirm Plan', ask: 'The plan above will be applied.', kind: 'primary' },
  discard: { open: 'Discard Run', sure: 'Discard Run', ask: 'The plan will not be applied.', kind: 'plain' },
  cancel: { open: 'Cancel Run', sure: 'Cancel Run', ask: 'Terraform is asked to stop at the next safe place.', kind: 'plain' },
  'force-cancel': {
    open: 'Force Cancel Run',
    sure: 'Force Cancel Run',
    ask: 'Kills terraform at once. What it is changing may stay half changed, and the state may not know. Only where a cancel does not end.',
    kind: 'danger',
  },
};

export function RunActions({ run, reload }: { run: Run; reload: () => void }) {
  const [chosen, setChosen] = useState<Name | null>(null);
  const [comment, setComment] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const { actions: can, permissions: may, mfa } = run.attributes;
  // Whether force is allowed depends on the time; the server knows, so ask it again a little later.
  const waitsForForce = Boolean(run.attributes['canceled-at']) && !can['is-force-cancelable'];
  useReload(waitsForForce, reload);

  const gated = mfa?.phase === 'apply' && isOpen(mfa);
  const offered: Name[] = [];
  if (can['is-confirmable'] && may['can-apply'] && !gated) offered.push('apply');
  if (can['is-discardable'] && may['can-discard']) offered.push('discard');
  if (can['is-cancelable'] && may['can-cancel'] && !run.attributes['canceled-at']) offered.push('cancel');
  if (can['is-force-cancelable'] && may['can-force-cancel']) offered.push('force-cancel');
  const canceling = Boolean(run.attributes['canceled-at']);
  if (offered.length === 0 && !canceling) return null;

  const current = chosen !== null && offered.includes(chosen) ? chosen : null;
  const act = async (event: Event) => {
    event.preventDefault();
    if (!current || busy) return;
    setBusy(true);
    setError(null);
    try {
      await post(`/api/v2/runs/${run.id}/actions/${current}`, comment.trim() ? { comment: comment.trim() } : {});
      setChosen(null);
      setComment('');
    } catch (cause) {
      setError(cause instanceof ApiError ? cause.message : String(cause));
    } finally {
      setBusy(false);
      reload();
    }
  };
  return (
    <section class="action-bar" aria-label="What you can do">
      {error && (
        <p class="form-error" role="alert">
          {error}
        </p>
      )}
      {canceling && <p role="status">Canceling: terraform stops at the next safe place.</p>}
      {current ? (
        <form onSubmit={(event) => void act(event)}>
          <p>{actions[current].ask}</p>
          <input
            type="text"
            aria-label="Comment (optional)"
            placeholder="Comment (optional)"
            value={comment}
            maxLength={1000}
            ref={(element) => {
              if (element && document.activeElement === document.body) element.focus();
            }}
            onInput={(event) => setComment(event.currentTarget.value)}
          />
          <button type="submit" class={actions[current].kind === 'plain' ? 'primary' : actions[current].kind} aria-busy={busy}>
            {busy && <Spinner />}
            {actions[current].sure}
          </button>
          <button type="button" onClick={() => setChosen(null)}>
            Back
          </button>
        </form>
      ) : (
        <div class="buttons">
          {offered.map((name) => (
            <button type="button" key={name} class={actions[name].kind} onClick={() => setChosen(name)}>
              {actions[name].open}
            </button>
          ))}
        </div>
      )}
    </section>
  );
}

function useReload(wanted: boolean, reload: () => void): void {
  const now = useNow(wanted);
  const [last, setLast] = useState(0);
  if (wanted && now - last > 3000) {
    setLast(now);
    reload();
  }
}
