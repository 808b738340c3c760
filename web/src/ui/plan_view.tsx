// A plan as people decide on it: how much of what, what destroys first, each resource with its attributes before and
// after.

import { useMemo, useState } from 'preact/hooks';
import {
  attributes, byModule, changesOf, counts, driftOf, filtered, order, outputsOf, summary, words,
  type Action, type Change, type PlanDocument, type Row,
} from '../model/plan';
import { Foreign, Icon } from './basics';
import { Chunks } from './chunks';

function Value({ text }: { text: string }) {
  return <span class={`value${text.startsWith('(') ? ' aside' : ''}`}>{text}</span>;
}

export function Rows({ rows }: { rows: readonly Row[] }) {
  return (
    <div class="attributes">
      {rows.map((row, index) => (
        <div key={index} class={`attribute depth-${Math.min(row.depth, 8)} ${signClass[row.sign]}`}>
          <span class="sign">
            <span aria-hidden="true">{row.sign}</span>
            <span class="unseen">{signWords[row.sign]}</span>
          </span>
          {row.name !== '' && <span class="attribute-name">{row.name}</span>}
          {!row.opens && (
            <span class="attribute-values">
              {row.before !== null && <Value text={row.before} />}
              {row.before !== null && row.after !== null && row.sign !== ' ' && (
                <>
                  <span class="arrow" aria-hidden="true">
                    →
                  </span>
                  <span class="unseen"> becomes </span>
                </>
              )}
              {row.after !== null && row.sign !== ' ' && <Value text={row.after} />}
            </span>
          )}
          {row.replaces && <span class="forces">forces replacement</span>}
        </div>
      ))}
    </div>
  );
}

const signClass = { '+': 'add', '-': 'remove', '~': 'alter', ' ': 'same' } as const;
const signWords = { '+': 'added', '-': 'removed', '~': 'changed', ' ': 'unchanged' } as const;

function Details({ change }: { change: Change }) {
  const [all, setAll] = useState(false);
  const rows = useMemo(() => attributes(change), [change]);
  const same = rows.filter((row) => row.sign === ' ').length;
  const shown = all ? rows : rows.filter((row) => row.sign !== ' ');
  return (
    <div class="change-details">
      {change.previousAddress && (
        <p class="quiet">
          was <Foreign text={change.previousAddress} />
        </p>
      )}
      <Rows rows={shown} />
      {shown.length === 0 && <p class="quiet">No attribute changes.</p>}
      {same > 0 && (
        <button type="button" class="link" onClick={() => setAll(!all)}>
          {all ? 'Hide' : 'Show'} {same} unchanged {same === 1 ? 'attribute' : 'attributes'}
        </button>
      )}
    </div>
  );
}

function ChangeRow({ change, startOpen }: { change: Change; startOpen: boolean }) {
  const [open, setOpen] = useState(startOpen);
  return (
    <div class={`change ${change.action}`}>
      <button type="button" class="change-head" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name="chevron" />
        <span class={`action ${change.action}`} aria-hidden="true">
          {words[change.action].sign}
        </span>
        <span class="address">
          <Foreign text={change.address} />
        </span>
        <span class="change-words">
          {words[change.action].done}
          {change.reason && `, ${change.reason}`}
        </span>
      </button>
      {open && <Details change={change} />}
    </div>
  );
}

function Changes({ changes }: { changes: readonly Change[] }) {
  const groups = byModule(changes);
  // One flat list of heads and changes, so that any number of resources is drawn piece by piece.
  const entries = groups.flatMap((group) => [
    ...(groups.length > 1 || group.module !== '' ? [{ module: group.module, changes: group.changes }] : []),
    ...group.changes,
  ]);
  return (
    <Chunks
      count={entries.length}
      rowHeight={42}
      row={(index) => {
        const entry = entries[index];
        if (!entry) return null;
        if ('changes' in entry) {
          return (
            <div key={`module ${entry.module}`} class="module-head">
              <span class="address">{entry.module === '' ? 'Root module' : <Foreign text={entry.module} />}</span>
              <span class="quiet">{summary(entry.changes)}</span>
            </div>
          );
        }
        return <ChangeRow key={`${entry.action} ${entry.address}`} change={entry} startOpen={changes.length === 1} />;
      }}
    />
  );
}

export function PlanView({ document }: { document: PlanDocument }) {
  const changes = useMemo(() => changesOf(document), [document]);
  const drift = useMemo(() => driftOf(document), [document]);
  const outputs = useMemo(() => outputsOf(document), [document]);
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState<ReadonlySet<Action>>(new Set());
  const totals = counts(changes);
  const shown = filtered(changes, text, chosen);
  const toggle = (action: Action) => {
    const next = new Set(chosen);
    if (!next.delete(action)) next.add(action);
    setChosen(next);
  };
  if (changes.length === 0 && outputs.length === 0 && drift.length === 0) {
    return <p class="plan-none">No changes. The infrastructure is as the configuration says.</p>;
  }
  return (
    <div class="plan">
      {changes.length > 0 && (
        <div class="plan-bar">
          {order
            .filter((action) => totals.has(action))
            .map((action) => (
              <button type="button" key={action} class={`count ${action}`} aria-pressed={chosen.has(action)} onClick={() => toggle(action)}>
                <span aria-hidden="true">{words[action].sign}</span> {totals.get(action)} to {words[action].verb}
              </button>
            ))}
          <span class="spacer" />
          {changes.length > 5 && (
            <input type="search" aria-label="Filter by address" placeholder="Filter by address" value={text} onInput={(event) => setText(event.currentTarget.value)} />
          )}
        </div>
      )}
      <Changes changes={shown} />
      {changes.length > 0 && shown.length === 0 && <p class="quiet plan-none">No resource fits the filter.</p>}
      {outputs.length > 0 && (
        <section class="outputs" aria-label="Changes of outputs">
          <h3>Outputs</h3>
          <Rows rows={outputs.filter((row) => row.sign !== ' ')} />
        </section>
      )}
      {drift.length > 0 && (
        <details class="drift">
          <summary>
            {drift.length} {drift.length === 1 ? 'resource was' : 'resources were'} changed outside of Terraform
          </summary>
          <Changes changes={drift} />
        </details>
      )}
    </div>
  );
}
