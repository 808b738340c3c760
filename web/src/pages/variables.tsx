// Variables of a workspace, of an organization, or one's own there. What is sensitive is written and never shown.

import { useSignal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { ApiError, get, patch, path, post, remove, resource } from '../api/client';
import type { Document, Variable } from '../api/types';
import { ActionButton, Dialog, Empty, Field, Foreign, Problem, Shown, TextField, usePageTitle } from '../ui/basics';
import { ChooseOrganization } from '../ui/choose_organization';
import { Check, Choice, SaveForm, Section } from '../ui/forms';
import { useLoad } from '../ui/load';
import { useWorkspace, WorkspaceHead } from './workspace';

export function Variables({ place, writable, what }: { place: string; writable: boolean; what: string }) {
  const loaded = useLoad((signal) => get<Document<Variable[]>>(place, signal), `variables ${place}`);
  const editing = useSignal<Variable | 'new' | null>(null);
  const error = useSignal<ApiError | null>(null);
  return (
    <>
      {error.value && <Problem error={error.value} />}
      <Shown loaded={loaded}>
        {(document) =>
          document.data.length === 0 ? (
            <Empty title="No variables">
              <p>{what}</p>
            </Empty>
          ) : (
            <div class="table-box">
              <table>
                <caption class="unseen">Variables</caption>
                <thead>
                  <tr>
                    <th scope="col">Key</th>
                    <th scope="col">Value</th>
                    <th scope="col">Kind</th>
                    {writable && (
                      <th scope="col">
                        <span class="unseen">Change</span>
                      </th>
                    )}
                  </tr>
                </thead>
                <tbody>
                  {document.data.map((variable) => (
                    <tr key={variable.id}>
                      <th scope="row" class="mono">
                        <Foreign text={variable.attributes.key} />
                        {variable.attributes.description && (
                          <p class="hint">
                            <Foreign text={variable.attributes.description} />
                          </p>
                        )}
                      </th>
                      <td class="mono cell-value">{variable.attributes.sensitive ? <em>sensitive, write only</em> : <Foreign text={variable.attributes.value} />}</td>
                      <td>
                        {variable.attributes.category === 'env' ? 'environment' : 'terraform'}
                        {variable.attributes.hcl ? ', HCL' : ''}
                      </td>
                      {writable && (
                        <td class="cell-actions">
                          <button type="button" onClick={() => (editing.value = variable)} aria-label={`Edit ${variable.attributes.key}`}>
                            Edit
                          </button>
                          <ActionButton
                            kind="danger"
                            onError={(problem) => (error.value = problem)}
                            act={async () => {
                              await remove(`${place}/${variable.id}`);
                              loaded.reload();
                            }}
                          >
                            Delete<span class="unseen"> {variable.attributes.key}</span>
                          </ActionButton>
                        </td>
                      )}
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Shown>
      {writable && (
        <p class="below">
          <button type="button" class="primary" onClick={() => (editing.value = 'new')}>
            Add variable
          </button>
        </p>
      )}
      {editing.value && (
        <Editor
          place={place}
          variable={editing.value === 'new' ? null : editing.value}
          close={() => (editing.value = null)}
          saved={() => {
            editing.value = null;
            loaded.reload();
          }}
        />
      )}
    </>
  );
}

function Editor({ place, variable, close, saved }: { place: string; variable: Variable | null; close: () => void; saved: () => void }) {
  const old = variable?.attributes;
  const [key, setKey] = useState(old?.key ?? '');
  const [value, setValue] = useState(old?.value ?? '');
  const [description, setDescription] = useState(old?.description ?? '');
  const [category, setCategory] = useState<'terraform' | 'env'>(old?.category ?? 'terraform');
  const [hcl, setHcl] = useState(old?.hcl ?? false);
  const [sensitive, setSensitive] = useState(old?.sensitive ?? false);
  const save = async () => {
    const attributes: Record<string, unknown> = { key: key.trim(), description, category, hcl: category === 'terraform' && hcl, sensitive };
    // A secret that is not typed anew stays as it is.
    if (!old?.sensitive || value !== '') attributes.value = value;
    if (variable) await patch(`${place}/${variable.id}`, resource('vars', attributes));
    else await post(place, resource('vars', attributes));
    saved();
  };
  return (
    <Dialog title={variable ? 'Change variable' : 'New variable'} close={close}>
      <SaveForm save={save} words="Save variable">
        <Choice
          legend="Kind"
          name="category"
          value={category}
          onValue={setCategory}
          options={[
            { value: 'terraform', label: 'Terraform variable', hint: 'Set in the configuration as var.NAME.' },
            { value: 'env', label: 'Environment variable', hint: 'Set where terraform runs.' },
          ]}
        />
        <TextField label="Key" value={key} onValue={setKey} mono required />
        <Field label="Value" {...(old?.sensitive ? { hint: 'Sensitive: leave it empty to keep what is there.' } : {})}>
          {({ id, describedBy }) => (
            <textarea id={id} class="mono" rows={3} spellcheck={false} autocomplete="off" value={value} aria-describedby={describedBy} onInput={(event) => setValue(event.currentTarget.value)} />
          )}
        </Field>
        <TextField label="Description" value={description} onValue={setDescription} />
        {category === 'terraform' && <Check label="HCL" hint="The value is an expression: a list, a map, a number." value={hcl} onValue={setHcl} />}
        <Check label="Sensitive" hint={old?.sensitive ? 'Cannot be taken back.' : 'Never shown again, and left out of logs.'} value={sensitive} onValue={setSensitive} disabled={old?.sensitive ?? false} />
      </SaveForm>
    </Dialog>
  );
}

export function WorkspaceVariables({ organization, name }: { organization: string; name: string }) {
  usePageTitle(`Variables of ${name}`);
  const loaded = useWorkspace(organization, name);
  return (
    <>
      <WorkspaceHead organization={organization} name={name} section="variables" data={loaded.data} />
      <Shown loaded={loaded}>
        {({ workspace }) => (
          <Variables
            place={path`/api/v2/workspaces/${workspace.id}/vars`}
            writable={workspace.attributes.permissions['can-update-variable'] ?? false}
            what="What differs from one workspace to the next belongs here: regions, sizes, names."
          />
        )}
      </Shown>
    </>
  );
}

// Of every organization that one belongs to, chosen by name: the address names none.
export function OrganizationVariables() {
  usePageTitle('Variables');
  return (
    <>
      <h1>Variables</h1>
      <ChooseOrganization always>
        {({ attributes: { name, permissions } }) => (
          <>
            <Section title="Mine">
              <Variables key={`${name} mine`} place={path`/api/v2/organizations/${name}/personal-vars`} writable what="Your own, for the runs that you start in this organization." />
            </Section>
            <Section title="Shared by everybody">
              <Variables key={`${name} all`} place={path`/api/v2/organizations/${name}/vars`} writable={permissions['can-update'] ?? false} what="For every run of the organization." />
            </Section>
          </>
        )}
      </ChooseOrganization>
    </>
  );
}
