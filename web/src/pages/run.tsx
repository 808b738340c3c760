// One run: what it is doing, what it will change, what it waits for, and what a person can do about it.

import { useEffect, useState } from 'preact/hooks';
import { ApiError, get, included, path } from '../api/client';
import type { Document, Phase, PhaseAttributes, Run, RunEvent, Resource, UserAttributes, WorkspaceAttributes } from '../api/types';
import { isOpen } from '../model/lock';
import type { PlanDocument } from '../model/plan';
import { address, go } from '../router';
import { Foreign, Shown, usePageTitle, When } from '../ui/basics';
import { useLoad } from '../ui/load';
import { LockCard } from '../ui/lock_card';
import { Badge, isFinal, lookOf } from '../ui/status';
import { RunActions } from './run_actions';
import { PhaseCard, planSummary } from './run_phase';
import { Crumbs, kindOf, viaOf } from './workspace';

export interface RunData {
  run: Run;
  plan: Phase;
  apply: Phase;
  workspace: string;
  structured: boolean;
  mayUnlock: boolean;
  startedBy: string;
  events: RunEvent[];
}

async function load(id: string, signal: AbortSignal): Promise<RunData> {
  const [document, events] = await Promise.all([
    get<Document<Run>>(path`/api/v2/runs/${id}` + '?include=plan,apply,workspace,created_by', signal),
    get<Document<Resource<RunEvent>[]>>(path`/api/v2/runs/${id}/run-events`, signal),
  ]);
  const run = document.data;
  const related = (name: string) => run.relationships?.[name]?.data?.id;
  const plan = included<PhaseAttributes>(document, 'plans', related('plan'));
  const apply = included<PhaseAttributes>(document, 'applies', related('apply'));
  const workspace = included<WorkspaceAttributes>(document, 'workspaces', related('workspace'));
  if (!plan || !apply || !workspace) throw new ApiError(-1, 'The server left out a part of the run.');
  return {
    run,
    plan,
    apply,
    workspace: workspace.attributes.name,
    structured: workspace.attributes['structured-run-output-enabled'],
    mayUnlock: workspace.attributes.permissions['can-force-unlock'] ?? false,
    startedBy: included<UserAttributes>(document, 'users', related('created-by'))?.attributes.username ?? '',
    events: events.data.map((event) => event.attributes),
  };
}

export function RunPage({ organization, workspace, id }: { organization: string; workspace: string; id: string }) {
  const loaded = useLoad(
    (signal) => load(id, signal),
    `run ${id}`,
    (event) => event.kind === 'resync' || (event.kind === 'run' && event.data['run-id'] === id),
  );
  const data = loaded.data;
  const waits = data !== null && lookOf(data.run.attributes.status, data.run.attributes.mfa?.state).icon === 'lock';
  usePageTitle(`${waits ? '(1) code needed: ' : ''}${data?.run.attributes.message || 'Run'} in ${workspace}`);
  // An address may name a workspace that was renamed since.
  useEffect(() => {
    if (data && data.workspace !== workspace) go(address.run(organization, data.workspace, id) + location.search + location.hash, true);
  }, [data?.workspace]);
  return (
    <>
      <Crumbs organization={organization} workspace={workspace} linked />
      {!data && <h1 class="unseen">Run</h1>}
      <Shown loaded={loaded}>{(shown) => <RunBody data={shown} reload={loaded.reload} />}</Shown>
    </>
  );
}

function RunBody({ data, reload }: { data: RunData; reload: () => void }) {
  const { run, plan, apply } = data;
  const { attributes } = run;
  const planDone = plan.attributes.status === 'finished';
  const planDocument = usePlanDocument(plan.id, planDone);
  const mayApply = !attributes['plan-only'] && apply.attributes.status !== 'unreachable';
  return (
    <article class="run">
      <header class="run-head">
        <div>
          <h1>{attributes.message ? <Foreign text={attributes.message} /> : kindOf(run)}</h1>
          <p class="quiet">
            <span class="mono">{run.id}</span> · {kindOf(run)} · Terraform {attributes['terraform-version']}
          </p>
          <p class="quiet">
            {data.startedBy ? (
              <>
                <Foreign text={data.startedBy} /> triggered it
              </>
            ) : (
              'Triggered'
            )}{' '}
            {viaOf(run)} <When at={attributes['created-at']} />
          </p>
          {attributes['target-addrs'].length > 0 && (
            <p class="quiet">
              Only <Foreign text={attributes['target-addrs'].join(', ')} />
            </p>
          )}
          {attributes['replace-addrs'].length > 0 && (
            <p class="quiet">
              Replaces <Foreign text={attributes['replace-addrs'].join(', ')} />
            </p>
          )}
        </div>
        <div class="run-status" role="status">
          <Badge status={attributes.status} mfaState={attributes.mfa?.state ?? null} />
        </div>
      </header>
      {isOpen(attributes.mfa) && (
        <LockCard run={run} phase={attributes.mfa?.phase ?? 'apply'} summary={attributes.mfa?.phase === 'plan' ? '' : planSummary(plan, planDocument)} mayUnlock={data.mayUnlock} startedBy={data.startedBy} changed={reload} />
      )}
      <ol class="timeline">
        <PhaseCard kind="plan" data={data} phase={plan} planDocument={planDocument} reload={reload} />
        {mayApply && <PhaseCard kind="apply" data={data} phase={apply} planDocument={planDocument} reload={reload} />}
        <Ending run={run} />
      </ol>
      {!isFinal(attributes.status) && <RunActions run={run} reload={reload} />}
      <Activity events={data.events} />
    </article>
  );
}

// Once the plan is done its document never changes.
function usePlanDocument(id: string, ready: boolean): PlanDocument | null {
  const [document, setDocument] = useState<PlanDocument | null>(null);
  useEffect(() => {
    if (!ready) return undefined;
    const stop = new AbortController();
    get<PlanDocument>(path`/api/v2/plans/${id}/json-output-redacted`, stop.signal).then(setDocument, () => undefined);
    return () => stop.abort();
  }, [id, ready]);
  return document;
}

function Ending({ run }: { run: Run }) {
  const { status } = run.attributes;
  const reason = run.attributes['error-detail'];
  if (status === 'errored' && reason) {
    return (
      <li class="ending bad">
        <strong>Errored.</strong> <Foreign text={reason} />
      </li>
    );
  }
  if (status === 'discarded') return <li class="ending">Discarded: the plan will not be applied.</li>;
  if (status === 'canceled') return <li class="ending">Canceled.</li>;
  if (status === 'force_canceled') return <li class="ending bad">Force canceled: what it was changing may be half changed, and the state may not know.</li>;
  return null;
}

function Activity({ events }: { events: RunEvent[] }) {
  if (events.length === 0) return null;
  return (
    <details class="activity">
      <summary>Who did what</summary>
      <ol>
        {events.map((event) => (
          <li key={event['created-at'] + event.action}>
            <When at={event['created-at']} />{' '}
            {event['actor-name'] && (
              <strong>
                <Foreign text={event['actor-name']} />
              </strong>
            )}{' '}
            <Foreign text={event.description || event.action} />
          </li>
        ))}
      </ol>
    </details>
  );
}
