// A new run: what kind, from which configuration, and why.

import { useRef, useState } from 'preact/hooks';
import { ApiError, path, post, putBytes, resource } from '../api/client';
import type { Document, Resource, Run, Workspace } from '../api/types';
import { address, go } from '../router';
import { Dialog, Spinner, TextField } from '../ui/basics';

type Kind = 'apply' | 'plan' | 'destroy' | 'refresh';

const kinds: { kind: Kind; name: string; means: string }[] = [
  { kind: 'apply', name: 'Plan and apply', means: 'Shows what would change, then waits for your yes.' },
  { kind: 'plan', name: 'Plan only', means: 'Shows what would change. Nothing can be applied.' },
  { kind: 'refresh', name: 'Refresh state', means: 'Brings the state up to date with what is really there.' },
  { kind: 'destroy', name: 'Destroy', means: 'Plans to destroy everything that this workspace manages.' },
];

const attributesOf: Record<Kind, object> = {
  apply: {},
  plan: { 'plan-only': true },
  destroy: { 'is-destroy': true },
  refresh: { 'refresh-only': true },
};

async function uploaded(workspace: Workspace, archive: File, speculative: boolean): Promise<string> {
  const made = await post<Document<Resource<{ 'upload-url': string | null }>>>(
    path`/api/v2/workspaces/${workspace.id}/configuration-versions`,
    resource('configuration-versions', { 'auto-queue-runs': false, speculative }),
  );
  const url = made.data.attributes['upload-url'];
  if (!url) throw new ApiError(-1, 'The server gave no address for the upload.');
  await putBytes(url, archive);
  return made.data.id;
}

export function StartRun({ organization, workspace, close }: { organization: string; workspace: Workspace; close: () => void }) {
  const [kind, setKind] = useState<Kind>('apply');
  const [source, setSource] = useState<'latest' | 'upload'>('latest');
  const [message, setMessage] = useState('');
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  const { permissions } = workspace.attributes;
  const allowed = (wanted: Kind) =>
    wanted === 'plan' || (permissions['can-queue-apply'] && (wanted !== 'destroy' || workspace.attributes['allow-destroy-plan']));

  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    const archive = file.current?.files?.[0];
    if (source === 'upload' && !archive) {
      setError('Choose the archive first.');
      return;
    }
    setBusy(true);
    setError(null);
    try {
      const related: Record<string, { type: string; id: string }> = { workspace: { type: 'workspaces', id: workspace.id } };
      if (source === 'upload' && archive) {
        related['configuration-version'] = { type: 'configuration-versions', id: await uploaded(workspace, archive, kind === 'plan') };
      }
      const run = await post<Document<Run>>('/api/v2/runs', resource('runs', { ...attributesOf[kind], message: message.trim() }, related));
      go(address.run(organization, workspace.attributes.name, run.data.id));
    } catch (cause) {
      setError(cause instanceof ApiError ? cause.message : String(cause));
      setBusy(false);
    }
  };

  return (
    <Dialog title="Start a run" close={close}>
      <form onSubmit={(event) => void submit(event)}>
        {error && (
          <p class="form-error" role="alert">
            {error}
          </p>
        )}
        <fieldset>
          <legend>Kind</legend>
          {kinds.filter((entry) => allowed(entry.kind)).map((entry) => (
            <label class="choice" key={entry.kind}>
              <input type="radio" name="kind" checked={kind === entry.kind} onChange={() => setKind(entry.kind)} />
              <span>
                <strong>{entry.name}</strong>
                <span class="hint">{entry.means}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <fieldset>
          <legend>Configuration</legend>
          <label class="choice">
            <input type="radio" name="source" checked={source === 'latest'} onChange={() => setSource('latest')} />
            <span>
              <strong>The latest one</strong>
              <span class="hint">That was uploaded last, here or by terraform.</span>
            </span>
          </label>
          <label class="choice">
            <input type="radio" name="source" checked={source === 'upload'} onChange={() => setSource('upload')} />
            <span>
              <strong>An archive</strong>
              <span class="hint">A .tar.gz of the folder with the .tf files.</span>
            </span>
          </label>
          {source === 'upload' && <input ref={file} type="file" accept=".gz,.tgz,application/gzip" aria-label="Archive with the configuration" />}
        </fieldset>
        <TextField label="Message" hint="Why this run; others see it." value={message} onValue={setMessage} />
        <div class="dialog-foot">
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class={kind === 'destroy' ? 'danger' : 'primary'} aria-busy={busy}>
            {busy && <Spinner />}
            Start run
          </button>
        </div>
      </form>
    </Dialog>
  );
}
