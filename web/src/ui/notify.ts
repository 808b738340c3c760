// What waits for the person who is signed in: in the title, at the name, and as a notification where it was asked for.

import { signal } from '@preact/signals';
import { get, path } from '../api/client';
import type { Document, Run } from '../api/types';
import { inOrganization, onLive, streaming } from '../api/live';
import { coalesced } from '../model/coalesce';
import { isOpen } from '../model/lock';

const key = 'tollgate-notify';

export const waitingRuns = signal<Run[]>([]);
export const notifying = signal(false);

export function notificationsPossible(): boolean {
  return typeof Notification !== 'undefined' && Notification.permission !== 'denied';
}

export async function setNotifying(wanted: boolean): Promise<void> {
  const allowed = wanted && (await Notification.requestPermission()) === 'granted';
  notifying.value = allowed;
  localStorage.setItem(key, allowed ? 'yes' : 'no');
}

export function restoreNotifying(): void {
  notifying.value = notificationsPossible() && Notification.permission === 'granted' && localStorage.getItem(key) === 'yes';
}

export function waitsForMe(run: Run): boolean {
  const { mfa, status, permissions } = run.attributes;
  if (isOpen(mfa)) return mfa?.you.can === true && mfa.state !== 'locked';
  return status === 'planned' && permissions['can-apply'];
}

// Looks at the runs of an organization that stand still, again after each change of one; the returned function ends it.
export function watch(organization: string, open: (run: Run) => void): () => void {
  let stopped = false;
  const shown = new Map<string, Notification>();
  const look = coalesced(
    async () => {
      try {
        const list = await get<Document<Run[]>>(path`/api/v2/organizations/${organization}/runs` + '?filter[status]=planned,plan_queued,apply_queued&page[size]=100');
        if (!stopped) tell(list.data.filter(waitsForMe));
      } catch {
        // What is shown stays; the next change asks again.
      }
    },
    () => stopped,
  );
  const tell = (runs: Run[]) => {
    waitingRuns.value = runs;
    const ids = new Set(runs.map((run) => run.id));
    for (const [id, notification] of shown) {
      if (!ids.has(id)) {
        notification.close();
        shown.delete(id);
      }
    }
    if (!notifying.value) return;
    for (const run of runs) {
      if (shown.has(run.id) || !isOpen(run.attributes.mfa) || document.visibilityState === 'visible') continue;
      // One for a run, however many tabs there are.
      const notification = new Notification('A run waits for your AWS MFA code', { body: run.attributes.message || run.id, tag: run.id });
      notification.onclick = () => {
        window.focus();
        open(run);
      };
      shown.set(run.id, notification);
    }
  };
  look();
  const silent = onLive((event) => {
    if (event.kind !== 'workspace' && inOrganization(event, organization)) look();
  });
  const timer = setInterval(() => {
    if (!streaming.value && document.visibilityState === 'visible') look();
  }, 10_000);
  return () => {
    stopped = true;
    silent();
    clearInterval(timer);
    waitingRuns.value = [];
  };
}
