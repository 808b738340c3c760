// A plan for people, from the document that the API calls json-output-redacted: what changes, grouped by module, what
// destroys first, and what an attribute was and will be. Sensitive values are not in the document, and are named as
// such here. Pure functions.

import { visible } from './visible';

export type Action = 'delete' | 'replace' | 'create' | 'update' | 'forget' | 'import' | 'move' | 'read' | 'no-op';

// What takes something away stands first.
export const order: readonly Action[] = ['delete', 'replace', 'forget', 'update', 'create', 'import', 'move', 'read', 'no-op'];

export const words: Record<Action, { sign: string; verb: string; done: string }> = {
  delete: { sign: '-', verb: 'destroy', done: 'will be destroyed' },
  replace: { sign: '-/+', verb: 'replace', done: 'must be replaced' },
  forget: { sign: '.', verb: 'forget', done: 'will no longer be managed, but stays' },
  update: { sign: '~', verb: 'change', done: 'will be changed in place' },
  create: { sign: '+', verb: 'add', done: 'will be created' },
  import: { sign: '&', verb: 'import', done: 'will be imported' },
  move: { sign: '>', verb: 'move', done: 'has moved' },
  read: { sign: '<=', verb: 'read', done: 'will be read during the apply' },
  'no-op': { sign: '', verb: 'keep', done: 'stays as it is' },
};

interface RawChange {
  actions?: string[];
  before?: unknown;
  after?: unknown;
  after_unknown?: unknown;
  before_sensitive?: unknown;
  after_sensitive?: unknown;
  replace_paths?: unknown[][];
  importing?: unknown;
}

interface RawResource {
  address?: string;
  previous_address?: string;
  module_address?: string;
  mode?: string;
  type?: string;
  name?: string;
  deposed?: string;
  action_reason?: string;
  change?: RawChange;
}

export interface PlanDocument {
  resource_changes?: RawResource[];
  resource_drift?: RawResource[];
  output_changes?: Record<string, RawChange>;
}

export interface Change {
  address: string;
  previousAddress: string | null;
  module: string; // "" is the root
  action: Action;
  reason: string; // a sentence, or ""
  raw: RawChange;
}

export interface Row {
  depth: number;
  sign: '+' | '-' | '~' | ' ';
  name: string; // "" of an element of a list
  before: string | null; // null: was not there
  after: string | null; // null: will not be there
  replaces: boolean; // the change of this attribute forces the replacement
  opens: boolean; // a group: rows of greater depth follow
}

const reasons: Record<string, string> = {
  replace_because_tainted: 'because it is tainted: an earlier apply did not finish it',
  replace_because_cannot_update: 'because an attribute cannot be changed in place',
  replace_by_request: 'because the run asked for it',
  replace_by_triggers: 'because something it is tied to (replace_triggered_by) changes',
  delete_because_no_resource_config: 'because it is not in the configuration any more',
  delete_because_no_module: 'because its module is not in the configuration any more',
  delete_because_wrong_repetition: 'because count or for_each is now used, or no longer used',
  delete_because_count_index: 'because its index is beyond count',
  delete_because_each_key: 'because its key is not in for_each any more',
  delete_because_no_move_target: 'because what it was moved to is not in the configuration',
  read_because_config_unknown: 'because its arguments are known only during the apply',
  read_because_dependency_pending: 'because it depends on something that changes',
  read_because_check_nested: 'because it belongs to a check',
};

function actionOf(resource: RawResource): Action {
  const actions = resource.change?.actions ?? [];
  const has = (name: string) => actions.includes(name);
  if (has('delete') && has('create')) return 'replace';
  if (has('delete')) return 'delete';
  if (has('create')) return 'create';
  if (has('update')) return 'update';
  if (has('forget')) return 'forget';
  if (has('read')) return 'read';
  if (resource.change?.importing) return 'import';
  if (resource.previous_address && resource.previous_address !== resource.address) return 'move';
  return 'no-op';
}

function toChange(resource: RawResource): Change {
  const address = resource.address ?? `${resource.type ?? '?'}.${resource.name ?? '?'}`;
  return {
    address: resource.deposed ? `${address} (deposed ${resource.deposed})` : address,
    previousAddress: resource.previous_address && resource.previous_address !== address ? resource.previous_address : null,
    module: resource.module_address ?? '',
    action: actionOf(resource),
    reason: Object.hasOwn(reasons, resource.action_reason ?? '') ? (reasons[resource.action_reason ?? ''] ?? '') : '',
    raw: resource.change ?? {},
  };
}

// many[9] before many[10].
const byName = new Intl.Collator('en', { numeric: true });
const rank = new Map(order.map((action, index) => [action, index]));

export function changesOf(document: PlanDocument): Change[] {
  const list = Array.isArray(document.resource_changes) ? document.resource_changes : [];
  return list
    .map(toChange)
    .filter((change) => change.action !== 'no-op')
    .sort((a, b) => (rank.get(a.action) ?? 9) - (rank.get(b.action) ?? 9) || byName.compare(a.address, b.address));
}

export function driftOf(document: PlanDocument): Change[] {
  return (Array.isArray(document.resource_drift) ? document.resource_drift : []).map(toChange).filter((change) => change.action !== 'no-op');
}

export function outputsOf(document: PlanDocument): Row[] {
  const rows: Row[] = [];
  for (const [name, change] of Object.entries(document.output_changes ?? {})) {
    const actions = change?.actions ?? [];
    if (actions.length === 0 || actions.every((action) => action === 'no-op')) continue;
    compare(rows, 0, name, sides(change), []);
  }
  return rows;
}

export function counts(changes: readonly Change[]): Map<Action, number> {
  const found = new Map<Action, number>();
  for (const { action } of changes) found.set(action, (found.get(action) ?? 0) + 1);
  return found;
}

// "1 to destroy, 2 to change": destroying first, as everywhere.
export function summary(changes: readonly Change[]): string {
  const found = counts(changes);
  const parts = order.filter((action) => found.has(action)).map((action) => `${found.get(action)} to ${words[action].verb}`);
  return parts.length === 0 ? 'No changes' : parts.join(', ');
}

export interface Group {
  module: string;
  changes: Change[];
}

// The root first, then modules by name.
export function byModule(changes: readonly Change[]): Group[] {
  const groups = new Map<string, Change[]>();
  for (const change of changes) {
    const group = groups.get(change.module);
    if (group) group.push(change);
    else groups.set(change.module, [change]);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([module, list]) => ({ module, changes: list }));
}

export function filtered(changes: readonly Change[], text: string, actions: ReadonlySet<Action>): Change[] {
  const needle = text.trim().toLowerCase();
  return changes.filter((change) => (actions.size === 0 || actions.has(change.action)) && (needle === '' || change.address.toLowerCase().includes(needle)));
}

// ---- attributes

interface Side {
  value: unknown;
  marks: unknown; // true, or the same shape with marks inside: sensitive
}
interface Sides {
  before: Side | null;
  after: Side | null;
  unknown: unknown;
  replacePaths: unknown[][];
}

function sides(raw: RawChange): Sides {
  const actions = raw.actions ?? [];
  const created = raw.before === undefined || (raw.before === null && actions.includes('create'));
  const deleted = raw.after === undefined || (raw.after === null && actions.includes('delete') && !actions.includes('create'));
  return {
    before: created ? null : { value: raw.before, marks: raw.before_sensitive },
    after: deleted && raw.after_unknown !== true ? null : { value: raw.after, marks: raw.after_sensitive },
    unknown: raw.after_unknown,
    replacePaths: raw.replace_paths ?? [],
  };
}

type Shape = Record<string, unknown>;
const isObject = (value: unknown): value is Shape => typeof value === 'object' && value !== null && !Array.isArray(value);
const member = (value: unknown, key: string | number): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Shape)[key] : undefined;

// A value on one line; long ones keep their beginning.
export function inline(side: Side): string {
  if (side.marks === true) return '(sensitive)';
  const text = JSON.stringify(side.value, (_, value: unknown) => value) ?? 'null';
  return visible(text);
}

function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, index) => equal(item, b[index]));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]));
}

// Whether anything inside will be known only after the apply.
function anyUnknown(unknown: unknown): boolean {
  if (unknown === true) return true;
  if (typeof unknown !== 'object' || unknown === null) return false;
  return Object.values(unknown).some(anyUnknown);
}

const known = '(known after apply)';

function compare(rows: Row[], depth: number, name: string, at: Sides, path: (string | number)[]): void {
  const replaces = at.replacePaths.some((wanted) => equal(wanted, path)) && path.length > 0;
  const sensitive = at.before?.marks === true || at.after?.marks === true;
  const container = (side: Side | null) => side !== null && side.marks !== true && typeof side.value === 'object' && side.value !== null;
  const sameKind = container(at.before) && container(at.after) && Array.isArray(at.before?.value) === Array.isArray(at.after?.value);
  const onlyOne = (at.before === null && container(at.after)) || (at.after === null && container(at.before));
  if (at.unknown !== true && !sensitive && (sameKind || onlyOne) && depth < 12) {
    group(rows, depth, name, at, path, replaces);
    return;
  }
  const before = at.before === null ? null : inline(at.before);
  const after = at.unknown === true ? known : at.after === null ? null : inline(at.after);
  const changed = at.unknown === true || before === null || after === null || !equal(at.before?.value, at.after?.value) || at.before?.marks !== at.after?.marks;
  rows.push({
    depth,
    sign: before === null ? '+' : after === null ? '-' : changed ? '~' : ' ',
    name,
    before,
    after: changed && sensitive && after !== null && before !== null ? `${after}, changed` : after,
    replaces,
    opens: false,
  });
}

function group(rows: Row[], depth: number, name: string, at: Sides, path: (string | number)[], replaces: boolean): void {
  const changed = at.before === null || at.after === null || anyUnknown(at.unknown) || !equal(at.before.value, at.after.value);
  const list = Array.isArray(at.before?.value ?? at.after?.value);
  const sign = at.before === null ? '+' : at.after === null ? '-' : changed ? '~' : ' ';
  if (!changed) {
    rows.push({ depth, sign, name, before: list ? '[...]' : '{...}', after: list ? '[...]' : '{...}', replaces, opens: false });
    return;
  }
  rows.push({ depth, sign, name, before: null, after: null, replaces, opens: true });
  members(rows, depth + 1, at, path);
}

function members(rows: Row[], depth: number, at: Sides, path: (string | number)[]): void {
  const keys = new Set<string>();
  for (const value of [at.before?.value, at.after?.value, at.unknown]) {
    if (typeof value === 'object' && value !== null) for (const key of Object.keys(value)) keys.add(key);
  }
  const list = Array.isArray(at.before?.value ?? at.after?.value ?? at.unknown);
  const names = list ? [...keys].sort((a, b) => Number(a) - Number(b)) : [...keys].sort();
  for (const key of names) {
    const step = list ? Number(key) : key;
    const part = (side: Side | null): Side | null => {
      const value = member(side?.value, key);
      return side === null || value === undefined || value === null ? null : { value, marks: member(side.marks, key) };
    };
    const inner: Sides = { before: part(at.before), after: part(at.after), unknown: member(at.unknown, key), replacePaths: at.replacePaths };
    if (inner.before === null && inner.after === null && !anyUnknown(inner.unknown)) continue;
    if (inner.after === null && isObject(inner.unknown)) inner.after = { value: {}, marks: undefined };
    compare(rows, depth, list ? '' : visible(key), inner, [...path, step]);
  }
}

// The attributes of a change; unchanged ones have the sign ' '.
export function attributes(change: Change): Row[] {
  const rows: Row[] = [];
  const at = sides(change.raw);
  members(rows, 0, { ...at, before: at.before ?? null, after: at.after ?? null }, []);
  return rows;
}
