// The gate on the page: what waits, on whose device, with whose session, and the field for the code. The words come from
// model/lock; this draws them, and sends one code to one gate.

import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, post, session } from '../api/client';
import type { Run } from '../api/types';
import { isOpen, lockCard, readCode, type LockIcon } from '../model/lock';
import { visible } from '../model/visible';
import { ActionButton, Icon, Spinner, useId, useNow } from './basics';

function Sign({ icon }: { icon: LockIcon }) {
  if (icon === 'spinner') return <Spinner />;
  return <Icon name={icon === 'open' ? 'unlock' : icon === 'clock' ? 'clock' : icon === 'stop' ? 'stop' : 'lock'} />;
}

const forgetAfter = 60_000; // a code that was typed and left

export interface LockProps {
  run: Run;
  phase: 'plan' | 'apply';
  summary: string; // what the code lets pass
  mayUnlock: boolean; // after too many wrong codes
  startedBy: string;
  changed: () => void; // read the run again
}

export function LockCard({ run, phase, summary, mayUnlock, startedBy, changed }: LockProps) {
  const mfa = run.attributes.mfa ?? null;
  const mine = mfa !== null && (mfa.phase ?? 'apply') === phase;
  const [code, setCode] = useState('');
  const [sending, setSending] = useState(false);
  const [trouble, setTrouble] = useState<{ text: string; until: number } | null>(null);
  const loadedAt = useRef({ mfa, at: Date.now() });
  if (loadedAt.current.mfa !== mfa) loadedAt.current = { mfa, at: Date.now() };
  const field = useRef<HTMLInputElement>(null);
  const id = useId('code');
  const open = mine && isOpen(mfa);
  const now = useNow(open);

  // Who comes by a link from a message is here to type.
  useEffect(() => {
    if (open && new URLSearchParams(location.search).get('focus') === 'code') field.current?.focus();
  }, [open]);
  useEffect(() => {
    let timer = 0;
    const changedVisibility = () => {
      clearTimeout(timer);
      if (document.visibilityState === 'hidden') timer = window.setTimeout(() => setCode(''), forgetAfter);
    };
    document.addEventListener('visibilitychange', changedVisibility);
    return () => {
      document.removeEventListener('visibilitychange', changedVisibility);
      clearTimeout(timer);
    };
  }, []);
  useEffect(() => setTrouble(null), [mfa?.state, mfa?.refusal?.at, mfa?.['gate-id']]);

  if (!mine) return null;
  const given = mfa['next-code-in'];
  const elapsed = Math.floor((now - loadedAt.current.at) / 1000);
  const current = typeof given === 'number' ? { ...mfa, 'next-code-in': Math.max(0, given - elapsed) } : mfa;
  const card = lockCard(current, now, { sending, status: run.attributes.status, canApply: run.attributes.permissions['can-apply'], viewer: session.value?.username ?? '', startedBy });
  if (!card) return null;

  const submit = async (event: Event) => {
    event.preventDefault();
    if (sending) return;
    const read = readCode(code);
    if (read === null) {
      setTrouble({ text: 'A code has six digits.', until: 0 });
      field.current?.focus();
      return;
    }
    setSending(true);
    setCode('');
    setTrouble(null);
    try {
      await post(`/api/v2/runs/${run.id}/actions/authenticate`, { phase, 'gate-id': mfa['gate-id'], code: read });
    } catch (cause) {
      const error = cause instanceof ApiError ? cause : new ApiError(-1, String(cause));
      const wait = Number(error.meta['next-code-in'] ?? error.meta['retry-after'] ?? 0);
      setTrouble({ text: troubleText(error), until: wait > 0 ? Date.now() + wait * 1000 : 0 });
    } finally {
      setSending(false);
      changed();
      field.current?.focus();
    }
  };

  const bad = trouble !== null || card.tone === 'bad';
  const tone = trouble ? 'bad' : card.tone;
  const waits = trouble ? Math.ceil((trouble.until - now) / 1000) : 0;
  return (
    <section class={`lock ${tone}`} aria-label={`AWS MFA for the ${phase}`} data-state={mfa.state}>
      <div class="lock-sign">
        <Sign icon={trouble ? 'closed' : card.icon} />
      </div>
      <div class="lock-body">
        <div role={bad ? 'alert' : 'status'} id={`${id}-words`}>
          <p class="lock-title">{visible(trouble && mfa.state !== 'refused' ? trouble.text : card.title)}</p>
          {trouble && mfa.state === 'refused' && trouble.text !== card.title && <p>{visible(trouble.text)}</p>}
        </div>
        {waits > 0 && <p class="lock-wait">Next code in {waits} s.</p>}
        {card.details.map((detail) => (
          <p key={detail} class="lock-detail">
            {visible(detail)}
          </p>
        ))}
        {isOpen(mfa) && !mfa.you.can && mfa.you.serial === null && mfa.state !== 'locked' && (
          <p>
            <a href="/app/settings/aws">My AWS identity and device</a>
          </p>
        )}
        {mfa.state === 'locked' && mayUnlock && (
          <p class="lock-form">
            <ActionButton
              onError={(error) => setTrouble({ text: error.message, until: 0 })}
              act={async () => {
                await post(`/api/v2/runs/${run.id}/actions/unlock-mfa`);
                changed();
              }}
            >
              Unlock
            </ActionButton>
          </p>
        )}
        {card.asks && (
          <form class="lock-form" onSubmit={(event) => void submit(event)} noValidate>
            <div class="lock-field">
              <label for={id}>Code from your device</label>
              <input
                ref={field}
                id={id}
                class="code"
                type="text"
                inputMode="numeric"
                autocomplete="one-time-code"
                autocapitalize="off"
                spellcheck={false}
                maxLength={11}
                value={code}
                aria-describedby={`${id}-hint ${id}-words`}
                aria-invalid={bad ? 'true' : undefined}
                onInput={(event) => setCode(event.currentTarget.value)}
              />
            </div>
            <button type="submit" class="primary" aria-busy={sending}>
              {sending && <Spinner />}
              {card.button}
            </button>
            <p class="hint" id={`${id}-hint`}>
              Six digits{summary ? `; they let this pass: ${summary}` : ''}.
            </p>
          </form>
        )}
        {card.aside.length > 0 && <p class="lock-detail lock-aside">{visible(card.aside.join(' '))}</p>}
      </div>
    </section>
  );
}

function troubleText(error: ApiError): string {
  if (error.status === 0) return 'The server cannot be reached. The code may have been used: take the next one.';
  if (error.status === 409) return `This gate is not open any more. ${error.message}`;
  return error.message;
}
