// Settings of a workspace: general, locking, AWS MFA, deletion.

import { useSignal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { patch, path, post, remove, resource } from '../api/client';
import type { Workspace } from '../api/types';
import { address, go } from '../router';
import { fresh } from '../ui/again';
import { Foreign, Shown, TextField, usePageTitle } from '../ui/basics';
import { Check, Choice, SaveForm, Section, Sure } from '../ui/forms';
import { WorkspaceMfa } from './aws_mfa';
import { useWorkspace, WorkspaceHead } from './workspace';

export function WorkspaceSettings({ organization, name }: { organization: string; name: string }) {
  usePageTitle(`Settings of ${name}`);
  const loaded = useWorkspace(organization, name);
  return (
    <>
      <WorkspaceHead organization={organization} name={name} section="settings" data={loaded.data} />
      <Shown loaded={loaded}>
        {({ workspace, organization: owner }) => {
          const may = workspace.attributes.permissions;
          if (!may['can-update']) return <p class="quiet">Who can change this workspace sees its settings here.</p>;
          return (
            <>
              <General key={workspace.attributes['updated-at']} organization={organization} workspace={workspace} saved={loaded.reload} />
              <WorkspaceMfa workspace={workspace} organization={owner} saved={loaded.reload} />
              <Locking workspace={workspace} saved={loaded.reload} />
              {may['can-destroy'] && <Deletion organization={organization} workspace={workspace} />}
            </>
          );
        }}
      </Shown>
    </>
  );
}

function General({ organization, workspace, saved }: { organization: string; workspace: Workspace; saved: () => void }) {
  const old = workspace.attributes;
  const [name, setName] = useState(old.name);
  const [description, setDescription] = useState(old.description ?? '');
  const [version, setVersion] = useState(old['terraform-version']);
  const [folder, setFolder] = useState(old['working-directory'] ?? '');
  const [mode, setMode] = useState(old['execution-mode']);
  const [autoApply, setAutoApply] = useState(old['auto-apply']);
  const [structured, setStructured] = useState(old['structured-run-output-enabled']);
  const [destroy, setDestroy] = useState(old['allow-destroy-plan']);
  const save = async () => {
    const attributes = {
      name: name.trim(), description, 'terraform-version': version.trim(), 'working-directory': folder.trim(), 'execution-mode': mode, 'auto-apply': autoApply,
      'structured-run-output-enabled': structured, 'allow-destroy-plan': destroy,
    };
    await fresh(() => patch(path`/api/v2/workspaces/${workspace.id}`, resource('workspaces', attributes)));
    if (name.trim() !== old.name) go(address.workspace(organization, name.trim(), 'settings'), true);
    else saved();
  };
  return (
    <Section title="General">
      <SaveForm save={save}>
        <TextField label="Name" hint="Configurations that name it have to follow." value={name} onValue={setName} mono required />
        <TextField label="Description" value={description} onValue={setDescription} />
        <TextField label="Terraform version" hint="A version, a constraint such as ~> 1.11, or latest." value={version} onValue={setVersion} mono required />
        <TextField label="Working directory" hint="The folder of the configuration in which terraform runs." value={folder} onValue={setFolder} mono />
        <Choice
          legend="Execution"
          name="mode"
          value={mode}
          onValue={setMode}
          options={[
            { value: 'remote', label: 'On this server', hint: 'Plans and applies run here, behind the gate.' },
            { value: 'local', label: 'Where terraform is called', hint: 'This server keeps the state only. Not gated.' },
          ]}
        />
        <Check label="Apply without asking" hint="A plan that succeeds is confirmed by itself. An MFA gate is never passed by itself." value={autoApply} onValue={setAutoApply} />
        <Check label="Structured run output" hint="Plans as a list of changes. Otherwise plain terminal output." value={structured} onValue={setStructured} />
        <Check label="Allow destroy plans" value={destroy} onValue={setDestroy} />
      </SaveForm>
    </Section>
  );
}

function Locking({ workspace, saved }: { workspace: Workspace; saved: () => void }) {
  const { locked, permissions } = workspace.attributes;
  const [reason, setReason] = useState('');
  const byRun = workspace.relationships?.['locked-by']?.data?.type === 'runs';
  const act = async (action: string, body: unknown) => {
    await post(path`/api/v2/workspaces/${workspace.id}/actions/${action}`, body);
    setReason('');
    saved();
  };
  return (
    <Section title="Locking">
      {!locked ? (
        <SaveForm save={() => act('lock', { reason })} words="Lock workspace">
          <p>While it is locked nothing is planned or applied, and no state is written.</p>
          <TextField label="Reason" value={reason} onValue={setReason} />
        </SaveForm>
      ) : byRun ? (
        <p>A run holds the lock until it has ended.</p>
      ) : (
        <>
          <p>
            Locked{workspace.attributes['lock-reason'] ? ': ' : '.'}
            <Foreign text={workspace.attributes['lock-reason']} />
          </p>
          <SaveForm save={() => act('unlock', {})} words="Unlock workspace">
            <span />
          </SaveForm>
          {permissions['can-force-unlock'] && (
            <SaveForm save={() => act('force-unlock', {})} words="Force unlock" kind="danger">
              <p>Takes the lock away from whoever holds it. If they still write, a state may be lost.</p>
            </SaveForm>
          )}
        </>
      )}
    </Section>
  );
}

function Deletion({ organization, workspace }: { organization: string; workspace: Workspace }) {
  const asking = useSignal<'safe' | 'force' | null>(null);
  const { name } = workspace.attributes;
  const act = async () => {
    const safe = asking.value === 'safe';
    if (safe) await post(path`/api/v2/workspaces/${workspace.id}/actions/safe-delete`);
    else await remove(path`/api/v2/workspaces/${workspace.id}`);
    go(address.organization(organization));
  };
  return (
    <Section title="Destruction and deletion">
      <p>To destroy what the workspace manages, start a run of the kind Destroy. Deleting a workspace deletes its runs, variables and states, and leaves what they manage as it is.</p>
      <p class="form-foot">
        <button type="button" class="danger" onClick={() => (asking.value = 'safe')}>
          Delete workspace
        </button>
        <button type="button" class="danger" onClick={() => (asking.value = 'force')}>
          Force delete
        </button>
      </p>
      {asking.value && (
        <Sure title={asking.value === 'safe' ? 'Delete workspace' : 'Force delete workspace'} name={name} words={`Delete ${name}`} act={act} close={() => (asking.value = null)}>
          <p>{asking.value === 'safe' ? 'Only if its state manages nothing any more.' : 'Whatever its state still manages stays, and no state knows of it.'}</p>
        </Sure>
      )}
    </Section>
  );
}
