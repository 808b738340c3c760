// A workspace: its head with the sections, and the list of its runs.

import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { get, included, path } from '../api/client';
import { inOrganization, inWorkspace } from '../api/live';
import type { Document, Organization, OrganizationAttributes, Run, UserAttributes, Workspace } from '../api/types';
import { address } from '../router';
import { Empty, Foreign, Icon, Pages, Shown, usePageTitle, When } from '../ui/basics';
import { useLoad } from '../ui/load';
import { Badge } from '../ui/status';
import { StartRun } from './start_run';

export interface WorkspaceData {
  workspace: Workspace;
  organization: Organization | undefined;
}

export function useWorkspace(organization: string, name: string) {
  return useLoad(
    async (signal): Promise<WorkspaceData> => {
      const document = await get<Document<Workspace>>(path`/api/v2/organizations/${organization}/workspaces/${name}` + '?include=organization', signal);
      return { workspace: document.data, organization: included<OrganizationAttributes>(document, 'organizations', organization) };
    },
    `workspace ${organization}/${name}`,
    (event) => inOrganization(event, organization),
  );
}

export function Crumbs({ organization, workspace, linked }: { organization: string; workspace: string; linked: boolean }) {
  return (
    <nav class="crumbs" aria-label="Where this is">
      <a href={address.organization(organization)}>
        <Foreign text={organization} />
      </a>
      <span aria-hidden="true">/</span>
      {linked ? (
        <a href={address.workspace(organization, workspace)}>
          <Foreign text={workspace} />
        </a>
      ) : (
        <span aria-current="page">
          <Foreign text={workspace} />
        </span>
      )}
    </nav>
  );
}

export function WorkspaceHead({ organization, name, section, data, children }: {
  organization: string;
  name: string;
  section: string;
  data: WorkspaceData | null;
  children?: ComponentChildren;
}) {
  return (
    <>
      <Crumbs organization={organization} workspace={name} linked={false} />
      <div class="page-head">
        <h1>
          <Foreign text={name} />
          {data?.workspace.attributes.locked && (
            <span class="tag" title={data.workspace.attributes['lock-reason'] ?? ''}>
              <Icon name="lock" /> locked
            </span>
          )}
        </h1>
        {children}
      </div>
      {data?.workspace.attributes.description && (
        <p class="quiet">
          <Foreign text={data.workspace.attributes.description} />
        </p>
      )}
      <Sections organization={organization} name={name} section={section} permissions={data?.workspace.attributes.permissions ?? {}} />
    </>
  );
}

function Sections({ organization, name, section, permissions }: { organization: string; name: string; section: string; permissions: Record<string, boolean> }) {
  const sections: [string, string, boolean][] = [
    ['runs', 'Runs', true],
    ['variables', 'Variables', permissions['can-read-variable'] ?? false],
    ['states', 'States', permissions['can-read-state-versions'] ?? false],
    ['settings', 'Settings', permissions['can-read-settings'] ?? false],
  ];
  const shown = sections.filter(([, , may]) => may);
  return (
    <nav class="section-tabs" aria-label="Sections of the workspace">
      {shown.map(([key, words]) => (
        <a key={key} href={address.workspace(organization, name, key)} aria-current={section === key ? 'page' : undefined}>
          {words}
        </a>
      ))}
    </nav>
  );
}

export function WorkspaceRuns({ organization, name }: { organization: string; name: string }) {
  usePageTitle(`${name} runs`);
  const starting = useSignal(false);
  const loaded = useWorkspace(organization, name);
  const data = loaded.data;
  return (
    <>
      <WorkspaceHead organization={organization} name={name} section="runs" data={data}>
        {data?.workspace.attributes.permissions['can-queue-run'] && data.workspace.attributes['execution-mode'] === 'remote' && (
          <button type="button" class="primary" onClick={() => (starting.value = true)}>
            Start run
          </button>
        )}
      </WorkspaceHead>
      <Shown loaded={loaded}>{(shown) => <Runs organization={organization} workspace={shown.workspace} />}</Shown>
      {starting.value && data && <StartRun organization={organization} workspace={data.workspace} close={() => (starting.value = false)} />}
    </>
  );
}

function Runs({ organization, workspace }: { organization: string; workspace: Workspace }) {
  const page = useSignal(1);
  const loaded = useLoad(
    (signal) => get<Document<Run[]>>(path`/api/v2/workspaces/${workspace.id}/runs` + `?include=created_by&page[size]=20&page[number]=${page.value}`, signal),
    `runs ${workspace.id} ${page.value}`,
    (event) => inWorkspace(event, workspace.id),
  );
  return (
    <Shown loaded={loaded}>
      {(document) => {
        const pages = document.meta?.pagination?.['total-pages'] ?? 1;
        if (document.data.length === 0) {
          return (
            <Empty title="No runs yet">
              <p>Start one here, or run terraform plan in a folder whose cloud block names this workspace.</p>
            </Empty>
          );
        }
        return (
          <>
            <ul class="list" data-list>
              {document.data.map((run) => (
                <RunRow key={run.id} organization={organization} workspace={workspace.attributes.name} run={run} document={document} />
              ))}
            </ul>
            <Pages page={page} pages={pages} />
          </>
        );
      }}
    </Shown>
  );
}

export function kindOf(run: Run): string {
  const { attributes } = run;
  if (attributes['plan-only']) return attributes['is-destroy'] ? 'Destroy, plan only' : 'Plan only';
  if (attributes['is-destroy']) return 'Destroy';
  if (attributes['refresh-only']) return 'Refresh only';
  return 'Plan and apply';
}

// In HCP's words. The server knows which it was: the page's runs come with a session, all others with a token.
export function viaOf(run: Run): string {
  return run.attributes.source === 'tfe-ui' ? 'via UI' : 'via API';
}

export function RunRow({ organization, workspace, run, document }: { organization: string; workspace: string; run: Run; document: Document<unknown> }) {
  const user = included<UserAttributes>(document, 'users', run.relationships?.['created-by']?.data?.id);
  return (
    <li class="list-row">
      <a class="list-main" href={address.run(organization, workspace, run.id)}>
        <strong>{run.attributes.message ? <Foreign text={run.attributes.message} /> : kindOf(run)}</strong>
        <span class="quiet">
          {run.id} · {kindOf(run)}
          {user && (
            <>
              {' '}
              · <Foreign text={user.attributes.username} />
            </>
          )}{' '}
          · {viaOf(run)}
        </span>
      </a>
      <span class="list-state">
        <Badge status={run.attributes.status} mfaState={run.attributes.mfa?.state ?? null} />
      </span>
      <span class="list-time quiet">
        <When at={run.attributes['created-at']} />
      </span>
    </li>
  );
}
