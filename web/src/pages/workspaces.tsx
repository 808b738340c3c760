// The workspaces of an organization: what each is doing, and which of them wait for somebody.

import { useSignal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { ApiError, get, included, path, post, resource } from '../api/client';
import { inOrganization } from '../api/live';
import type { Document, Run, RunAttributes, Workspace } from '../api/types';
import { address, go } from '../router';
import { Dialog, Empty, Foreign, Icon, Shown, Spinner, TextField, usePageTitle, When } from '../ui/basics';
import { useLoad } from '../ui/load';
import { Badge, isFinal, waitsForSomebody } from '../ui/status';

type Filter = 'all' | 'waiting' | 'active' | 'errored';

interface Row {
  workspace: Workspace;
  run: Run | undefined;
}

function fits(row: Row, filter: Filter): boolean {
  const run = row.run?.attributes;
  switch (filter) {
    case 'all': return true;
    case 'waiting': return run !== undefined && waitsForSomebody(run.status, run.mfa?.state);
    case 'active': return run !== undefined && !isFinal(run.status);
    case 'errored': return run?.status === 'errored';
  }
}

const filters: [Filter, string][] = [['all', 'All'], ['waiting', 'Waiting'], ['active', 'Active'], ['errored', 'Errored']];

// Latest runs come with their own requests where the list does not include them; at most one for each workspace shown.
async function load(organization: string, search: string, signal: AbortSignal): Promise<{ rows: Row[]; total: number }> {
  const query = new URLSearchParams({ 'page[size]': '100', include: 'current_run' });
  if (search) query.set('search[name]', search);
  const list = await get<Document<Workspace[]>>(`${path`/api/v2/organizations/${organization}/workspaces`}?${query}`, signal);
  const recent = await get<Document<Run[]>>(`${path`/api/v2/organizations/${organization}/runs`}?page[size]=100`, signal);
  const byId = new Map(recent.data.map((run) => [run.id, run]));
  const rows = await Promise.all(
    list.data.map(async (workspace): Promise<Row> => {
      const id = workspace.relationships?.['latest-run']?.data?.id;
      if (!id) return { workspace, run: undefined };
      const known = byId.get(id) ?? (included<RunAttributes>(list, 'runs', id) as Run | undefined);
      return { workspace, run: known ?? (await get<Document<Run>>(path`/api/v2/runs/${id}`, signal)).data };
    }),
  );
  return { rows, total: list.meta?.pagination?.['total-count'] ?? rows.length };
}

export function Workspaces({ organization }: { organization: string }) {
  usePageTitle(`Workspaces of ${organization}`);
  const [search, setSearch] = useState('');
  const [filter, setFilter] = useState<Filter>('all');
  const adding = useSignal(false);
  // As long as one answer holds all of them the page searches by itself; beyond that the server does.
  const [many, setMany] = useState(false);
  const asked = many ? search.trim() : '';
  const loaded = useLoad(
    async (signal) => {
      const found = await load(organization, asked, signal);
      if (asked === '') setMany(found.total > found.rows.length);
      return found;
    },
    `workspaces ${organization} ${asked}`,
    (event) => inOrganization(event, organization),
  );
  const named = (row: Row) => row.workspace.attributes.name.toLowerCase().includes(search.trim().toLowerCase());
  const rows = (loaded.data?.rows ?? []).filter(named);
  return (
    <>
      <div class="page-head">
        <h1>Workspaces</h1>
        <button type="button" class="primary" onClick={() => (adding.value = true)}>
          New workspace
        </button>
      </div>
      <div class="filters">
        <input type="search" class="search" data-search aria-label="Search workspaces by name" placeholder="Search by name" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
        <div class="tabs" role="group" aria-label="Show">
          {filters.map(([name, words]) => (
            <button type="button" key={name} aria-pressed={filter === name} onClick={() => setFilter(name)}>
              {words} <span class="tally">{rows.filter((row) => fits(row, name)).length}</span>
            </button>
          ))}
        </div>
      </div>
      <Shown loaded={loaded}>
        {() => {
          const shown = rows.filter((row) => fits(row, filter));
          if (shown.length > 0) return <List organization={organization} rows={shown} />;
          if (search || filter !== 'all') return <Empty title="No workspace fits" />;
          return (
            <Empty title="No workspaces yet">
              <p>A workspace holds the state of one configuration and its runs. Make one here, or name one in a cloud block and run terraform init:</p>
              <pre>{`terraform {\n  cloud {\n    hostname     = "${window.location.host}"\n    organization = "${organization}"\n    workspaces {\n      name = "network"\n    }\n  }\n}`}</pre>
            </Empty>
          );
        }}
      </Shown>
      {adding.value && <NewWorkspace organization={organization} close={() => (adding.value = false)} />}
    </>
  );
}

function List({ organization, rows }: { organization: string; rows: Row[] }) {
  return (
    <ul class="list" data-list>
      {rows.map(({ workspace, run }) => {
        const { name, locked } = workspace.attributes;
        return (
          <li key={workspace.id} class="list-row">
            <a class="list-main" href={address.workspace(organization, name)}>
              <strong>
                <Foreign text={name} />
              </strong>
              {workspace.attributes.description && (
                <span class="quiet">
                  <Foreign text={workspace.attributes.description} />
                </span>
              )}
            </a>
            <span class="list-tags">
              {workspace.attributes['tag-names'].map((tag) => (
                <span key={tag} class="tag">
                  <Foreign text={tag} />
                </span>
              ))}
              {locked && (
                <span class="tag">
                  <Icon name="lock" /> locked
                </span>
              )}
            </span>
            <span class="list-state">
              {run ? (
                <a href={address.run(organization, name, run.id)}>
                  <Badge status={run.attributes.status} mfaState={run.attributes.mfa?.state ?? null} />
                </a>
              ) : (
                <span class="quiet">No runs</span>
              )}
            </span>
            <span class="list-time quiet">
              <When at={run?.attributes['created-at'] ?? workspace.attributes['updated-at']} />
            </span>
          </li>
        );
      })}
    </ul>
  );
}

function NewWorkspace({ organization, close }: { organization: string; close: () => void }) {
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await post(path`/api/v2/organizations/${organization}/workspaces`, resource('workspaces', { name: name.trim(), description }));
      go(address.workspace(organization, name.trim()));
    } catch (cause) {
      setError(cause instanceof ApiError ? cause.message : String(cause));
      setBusy(false);
    }
  };
  return (
    <Dialog title="New workspace" close={close}>
      <form onSubmit={(event) => void submit(event)}>
        <TextField label="Name" hint="Letters, digits, - and _" value={name} onValue={setName} error={error} required mono />
        <TextField label="Description" value={description} onValue={setDescription} />
        <div class="dialog-foot">
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="primary" aria-busy={busy}>
            {busy && <Spinner />}
            Create workspace
          </button>
        </div>
      </form>
    </Dialog>
  );
}
