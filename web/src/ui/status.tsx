// The status of a run in words, with a shape and a colour; never by colour alone.

import type { RunStatus } from '../api/types';
import { Icon, Spinner, type IconName } from './basics';

export interface StatusLook {
  words: string;
  tone: 'waiting' | 'running' | 'good' | 'bad' | 'quiet';
  icon: IconName | 'spinner';
}

export const statuses: Record<RunStatus, StatusLook> = {
  pending: { words: 'Pending', tone: 'quiet', icon: 'clock' },
  plan_queued: { words: 'Plan queued', tone: 'quiet', icon: 'clock' },
  planning: { words: 'Planning', tone: 'running', icon: 'spinner' },
  planned: { words: 'Needs confirmation', tone: 'waiting', icon: 'warning' },
  planned_and_saved: { words: 'Plan saved', tone: 'waiting', icon: 'warning' },
  planned_and_finished: { words: 'Planned and finished', tone: 'good', icon: 'check' },
  confirmed: { words: 'Confirmed', tone: 'running', icon: 'clock' },
  apply_queued: { words: 'Apply queued', tone: 'quiet', icon: 'clock' },
  applying: { words: 'Applying', tone: 'running', icon: 'spinner' },
  applied: { words: 'Applied', tone: 'good', icon: 'check' },
  discarded: { words: 'Discarded', tone: 'quiet', icon: 'dash' },
  canceled: { words: 'Canceled', tone: 'quiet', icon: 'cross' },
  force_canceled: { words: 'Force canceled', tone: 'bad', icon: 'cross' },
  errored: { words: 'Errored', tone: 'bad', icon: 'cross' },
};

const waitsForCode: StatusLook = { words: 'MFA code needed', tone: 'waiting', icon: 'lock' };

export function lookOf(status: RunStatus, mfaState?: string | null): StatusLook {
  const open = mfaState === 'waiting' || mfaState === 'refused' || mfaState === 'checking' || mfaState === 'locked';
  if (open && (status === 'plan_queued' || status === 'apply_queued' || status === 'planned')) return waitsForCode;
  return statuses[status] ?? { words: status, tone: 'quiet', icon: 'dot' };
}

export function Badge({ status, mfaState }: { status: RunStatus; mfaState?: string | null }) {
  const look = lookOf(status, mfaState);
  return (
    <span class={`badge ${look.tone}`}>
      {look.icon === 'spinner' ? <Spinner /> : <Icon name={look.icon} />}
      {look.words}
    </span>
  );
}

export function isFinal(status: RunStatus): boolean {
  return ['planned_and_finished', 'applied', 'discarded', 'canceled', 'force_canceled', 'errored'].includes(status);
}

export function waitsForSomebody(status: RunStatus, mfaState?: string | null): boolean {
  return status === 'planned' || lookOf(status, mfaState) === waitsForCode;
}
