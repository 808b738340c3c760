// The plan or the apply of a run: its state, its gate, what it says.

import { useState } from 'preact/hooks';
import type { Phase, PhaseStatus, Run } from '../api/types';
import { changesOf, summary, type PlanDocument } from '../model/plan';
import { between, clock, duration } from '../model/time';
import { Foreign, Icon, Spinner, useNow, type IconName } from '../ui/basics';
import { isOpen } from '../model/lock';
import { LockCard } from '../ui/lock_card';
import { LogView, useLog, type LogMoment } from '../ui/log_view';
import { PlanView } from '../ui/plan_view';
import type { RunData } from './run';

const words: Record<PhaseStatus, { text: string; tone: string; icon: IconName | 'spinner' }> = {
  pending: { text: 'not yet', tone: 'quiet', icon: 'dot' },
  queued: { text: 'queued', tone: 'quiet', icon: 'clock' },
  mfa_waiting: { text: 'waits for an AWS MFA code', tone: 'waiting', icon: 'lock' },
  running: { text: 'running', tone: 'running', icon: 'spinner' },
  finished: { text: 'finished', tone: 'good', icon: 'check' },
  errored: { text: 'errored', tone: 'bad', icon: 'cross' },
  canceled: { text: 'canceled', tone: 'quiet', icon: 'cross' },
  unreachable: { text: 'not reached', tone: 'quiet', icon: 'dash' },
};

interface Props {
  kind: 'plan' | 'apply';
  data: RunData;
  phase: Phase;
  planDocument: PlanDocument | null;
  reload: () => void;
}

// "1 to destroy, 3 to add", from the document, or from the counts while it is on its way.
export function planSummary(plan: Phase, document: PlanDocument | null): string {
  if (document) return summary(changesOf(document));
  if (plan.attributes.status !== 'finished') return '';
  const { attributes } = plan;
  const parts: [number, string][] = [
    [attributes['resource-destructions'], 'to destroy'],
    [attributes['resource-changes'], 'to change'],
    [attributes['resource-additions'], 'to add'],
    [attributes['resource-imports'], 'to import'],
  ];
  return parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`).join(', ') || 'No changes';
}

function appliedSummary(apply: Phase): string {
  const { attributes } = apply;
  return `${attributes['resource-additions']} added, ${attributes['resource-changes']} changed, ${attributes['resource-destructions']} destroyed`;
}

function Passed({ run, phase }: { run: Run; phase: 'plan' | 'apply' }) {
  const passed = run.attributes['mfa-history']?.find((entry) => entry.phase === phase);
  const shownByCard = run.attributes.mfa?.state === 'passed' && run.attributes.mfa.phase === phase;
  if (!passed || shownByCard) return null;
  return (
    <p class="passed">
      <Icon name="unlock" /> Authenticated with MFA by <Foreign text={passed.username} /> at {clock(passed.at)}, AWS account {passed.account}.
    </p>
  );
}

export function PhaseCard({ kind, data, phase, planDocument, reload }: Props) {
  const { run } = data;
  const { status } = phase.attributes;
  const running = status === 'running';
  const begun = !['pending', 'unreachable'].includes(status);
  const waitsForYes = kind === 'apply' && run.attributes.status === 'planned';
  // Open while it is what the run is about; a person's own choice stands.
  const natural = kind === 'plan' ? ['queued', 'mfa_waiting', 'running', 'errored', 'canceled'].includes(status) || run.attributes.status.startsWith('planned') : begun;
  const [chosen, setChosen] = useState<boolean | null>(location.hash.startsWith(`#${kind}-`) ? true : null);
  const open = chosen ?? natural;
  const look = words[status];
  const now = useNow(running);
  const stamps = phase.attributes['status-timestamps'];
  const ended = stamps[`${status}-at`];
  const changes = planSummary(data.plan, planDocument);
  const moment = useLog(phase.attributes['log-read-url'], run.id, kind, begun && (open || kind === 'apply'));
  const title = kind === 'plan' ? 'Plan' : 'Apply';
  return (
    <li class={`phase is-${look.tone}`} data-phase={kind}>
      <span class="phase-mark">{look.icon === 'spinner' ? <Spinner /> : <Icon name={look.icon} />}</span>
      <div class="phase-card">
        <h2>
          <button type="button" class="phase-head" aria-expanded={open} onClick={() => setChosen(!open)} disabled={!begun}>
            {begun && <Icon name="chevron" />}
            <span>
              {title} {waitsForYes ? (isOpen(run.attributes.mfa) ? words.mfa_waiting.text : 'waits for your decision') : look.text}
            </span>
            <span class="phase-summary">
              {kind === 'plan' ? changes : status === 'finished' ? appliedSummary(phase) : ''}
              {stamps['started-at'] && <span class="quiet"> {between(stamps['started-at'], running ? null : (ended ?? null), now)}</span>}
            </span>
          </button>
        </h2>
        {!isOpen(run.attributes.mfa) && <LockCard run={run} phase={kind} summary="" mayUnlock={data.mayUnlock} startedBy={data.startedBy} changed={reload} />}
        <Passed run={run} phase={kind} />
        {open && begun && (
          <div class="phase-body">
            {kind === 'apply' && moment && <Progress moment={moment} total={totalOf(data.plan)} running={running} />}
            <Output kind={kind} data={data} phase={phase} planDocument={kind === 'plan' ? planDocument : null} moment={moment} />
          </div>
        )}
      </div>
    </li>
  );
}

function totalOf(plan: Phase): number {
  const { attributes } = plan;
  return attributes['resource-additions'] + attributes['resource-changes'] + attributes['resource-destructions'];
}

const preferenceKey = 'tollgate-plan-view';

function Output({ kind, data, phase, planDocument, moment }: Omit<Props, 'reload'> & { moment: LogMoment | null }) {
  const [view, setView] = useState<'changes' | 'log'>(() => (location.hash.startsWith('#plan-L') || localStorage.getItem(preferenceKey) === 'log' ? 'log' : 'changes'));
  const choose = (next: 'changes' | 'log') => {
    setView(next);
    localStorage.setItem(preferenceKey, next);
  };
  const url = phase.attributes['log-read-url'];
  const log = moment && <LogView moment={moment} phase={kind} url={url} name={`${data.run.id}-${kind}.log`} />;
  if (!planDocument) return log;
  return (
    <>
      <div class="tabs" role="group" aria-label="Show the plan as">
        <button type="button" aria-pressed={view === 'changes'} onClick={() => choose('changes')}>
          Changes
        </button>
        <button type="button" aria-pressed={view === 'log'} onClick={() => choose('log')}>
          Log
        </button>
      </div>
      {view === 'changes' ? <PlanView document={planDocument} /> : log}
    </>
  );
}

const verbs: Record<string, string> = { create: 'creating', update: 'changing', delete: 'destroying', read: 'reading' };

function Progress({ moment, total, running }: { moment: LogMoment; total: number; running: boolean }) {
  const now = useNow(running);
  const { progress } = moment.log;
  const entries = [...progress.resources.values()];
  if (entries.length === 0 || total === 0) return null;
  const busy = entries.filter((entry) => entry.state === 'running');
  const failed = entries.filter((entry) => entry.state === 'failed');
  return (
    <div class="progress">
      <label>
        <span>
          {progress.done} of {total} done{failed.length > 0 ? `, ${failed.length} failed` : ''}
        </span>
        <progress max={total} value={Math.min(progress.done, total)} />
      </label>
      <ul>
        {[...failed, ...busy].slice(0, 12).map((entry) => (
          <li key={`${entry.address} ${entry.action}`} class={entry.state}>
            <Foreign text={entry.address} /> {entry.state === 'failed' ? 'failed' : (verbs[entry.action] ?? entry.action)}{' '}
            <span class="quiet">{entry.state === 'running' && running && entry.startedAt !== null ? duration((now - entry.startedAt) / 1000) : entry.seconds !== null ? duration(entry.seconds) : ''}</span>
          </li>
        ))}
      </ul>
      {!running && entries.length > 0 && (
        <details>
          <summary>Times of {entries.length} resources</summary>
          <ul>
            {[...entries].sort((a, b) => (b.seconds ?? 0) - (a.seconds ?? 0)).slice(0, 200).map((entry) => (
              <li key={`${entry.address} ${entry.action}`}>
                <Foreign text={entry.address} /> <span class="quiet">{entry.seconds !== null ? duration(entry.seconds) : ''}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
