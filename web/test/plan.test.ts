import { describe, expect, test } from 'vitest';
import { attributes, byModule, changesOf, counts, filtered, outputsOf, summary, type PlanDocument, type Row } from '../src/model/plan';

function change(address: string, actions: string[], more: object = {}, outer: object = {}) {
  return { address, mode: 'managed', type: 't', name: 'n', change: { actions, before: null, after: {}, ...more }, ...outer };
}
const show = (rows: Row[]) => rows.map((row) => `${'  '.repeat(row.depth)}${row.sign} ${row.name}${row.opens ? ' >' : ` ${row.before ?? '.'} | ${row.after ?? '.'}`}${row.replaces ? ' !' : ''}`);
const only = (raw: object) => show(attributes(changesOf({ resource_changes: [raw] } as PlanDocument)[0]!));

describe('changes', () => {
  const document = {
    resource_changes: [
      change('a.create', ['create']),
      change('module.m.a.update', ['update'], { before: {}, after: {} }, { module_address: 'module.m' }),
      change('a.gone', ['delete'], { before: {}, after: null }, { action_reason: 'delete_because_no_resource_config' }),
      change('a.replace', ['delete', 'create'], { before: {}, after: {} }, { action_reason: 'replace_because_cannot_update' }),
      change('a.same', ['no-op']),
      change('a.moved', ['no-op'], {}, { previous_address: 'a.old' }),
      change('a.import', ['no-op'], { importing: { id: 'x' } }),
      change('data.a.read', ['read'], {}, { mode: 'data' }),
      change('a.forgotten', ['forget'], { before: {}, after: null }),
    ],
  } as PlanDocument;
  const changes = changesOf(document);
  test('what takes away stands first, what stays is left out', () => {
    expect(changes.map((one) => one.action)).toEqual(['delete', 'replace', 'forget', 'update', 'create', 'import', 'move', 'read']);
    expect(summary(changes)).toBe('1 to destroy, 1 to replace, 1 to forget, 1 to change, 1 to add, 1 to import, 1 to move, 1 to read');
    expect(summary([])).toBe('No changes');
    expect(counts(changes).get('delete')).toBe(1);
  });
  test('say why', () => {
    expect(changes[0]?.reason).toContain('not in the configuration');
    expect(changes[1]?.reason).toContain('cannot be changed in place');
    expect(changes.find((one) => one.action === 'move')?.previousAddress).toBe('a.old');
  });
  test('are grouped by module, the root first', () => {
    expect(byModule(changes).map((group) => [group.module, group.changes.length])).toEqual([['', 7], ['module.m', 1]]);
  });
  test('are filtered by address and by action', () => {
    expect(filtered(changes, 'MODULE', new Set()).length).toBe(1);
    expect(filtered(changes, '', new Set(['delete' as const])).map((one) => one.address)).toEqual(['a.gone']);
    expect(filtered(changes, 'gone', new Set(['create' as const]))).toEqual([]);
  });
  test('documents of an unexpected form draw nothing and do not fail', () => {
    for (const strange of [{}, { resource_changes: null }, { resource_changes: [{}] }, { output_changes: {} }, { resource_changes: [{ change: { actions: ['create'], after: 'text' } }] }]) {
      const list = changesOf(strange as PlanDocument);
      for (const one of list) attributes(one);
      expect(outputsOf(strange as PlanDocument)).toEqual([]);
    }
  });
});

describe('attributes', () => {
  test('of what is created', () => {
    expect(only(change('a', ['create'], { after: { name: 'x', none: null, list: [1] }, after_unknown: { id: true } }))).toEqual(['+ id . | (known after apply)', '+ list >', '  +  . | 1', '+ name . | "x"']);
  });
  test('of what is changed; unchanged ones are marked as such', () => {
    expect(only(change('a', ['update'], { before: { a: 1, b: { x: 1, y: 2 }, c: 'old' }, after: { a: 1, b: { x: 1, y: 3 }, c: 'new' } }))).toEqual(['  a 1 | 1', '~ b >', '    x 1 | 1', '  ~ y 2 | 3', '~ c "old" | "new"']);
  });
  test('of what is destroyed', () => {
    expect(only(change('a', ['delete'], { before: { a: 1, b: [] }, after: null }))).toEqual(['- a 1 | .', '- b >']);
  });
  test('that force the replacement are named', () => {
    expect(only(change('a', ['delete', 'create'], { before: { a: 1, b: 2 }, after: { a: 3, b: 2 }, replace_paths: [['a']] }))).toEqual(['~ a 1 | 3 !', '  b 2 | 2']);
  });
  test('that are sensitive are never told, whatever the document holds', () => {
    const rows = only(change('a', ['update'], {
      before: { p: 'hunter1', o: { q: 'hunter2', r: 1 }, w: { z: 'hunter4' } }, after: { p: 'hunter3', o: { q: 'hunter2', r: 2 }, w: { z: 'hunter5' } },
      before_sensitive: { p: true, o: { q: true }, w: true }, after_sensitive: { p: true, o: { q: true }, w: true },
    }));
    expect(rows.join('\n')).not.toContain('hunter');
    expect(rows).toContain('~ p (sensitive) | (sensitive), changed');
    expect(rows).toContain('    q (sensitive) | (sensitive)');
  });
  test('that become known later', () => {
    expect(only(change('a', ['update'], { before: { id: 'x', tags: { a: '1' } }, after: { tags: {} }, after_unknown: { id: true, tags: { a: true } } }))).toEqual(['~ id "x" | (known after apply)', '~ tags >', '  ~ a "1" | (known after apply)']);
  });
  test('that change their kind', () => {
    expect(only(change('a', ['update'], { before: { a: [1] }, after: { a: 'text' } }))).toEqual(['~ a [1] | "text"']);
  });
  test('with names and values of a stranger show no hidden character', () => {
    expect(only(change('a', ['create'], { after: { 'x\u202e': 'y\u0000\u202e' } }))).toEqual(['+ x⟨U+202E⟩ . | "y\\u0000⟨U+202E⟩"']);
    expect(only(change('a', ['create'], { after: JSON.parse('{"__proto__":{"polluted":1},"constructor":2}') }))).toEqual(['+ __proto__ >', '  + polluted . | 1', '+ constructor . | 2']);
    expect(({} as Record<string, unknown>).polluted).toBe(undefined);
  });
  test('very deep values end', () => {
    let value: unknown = 1;
    for (let depth = 0; depth < 200; depth++) value = { value };
    expect(only(change('a', ['create'], { after: { value } })).length).toBeLessThan(20);
  });
  test('ten thousand resources, each with its attributes', () => {
    const list = Array.from({ length: 10_000 }, (_, index) => change(`module.m${index % 50}.a.b[${index}]`, ['update'], { before: { a: index, b: 'x'.repeat(50) }, after: { a: index + 1, b: 'x'.repeat(50) } }, { module_address: `module.m${index % 50}` }));
    const changes = changesOf({ resource_changes: list } as PlanDocument);
    expect(byModule(changes).length).toBe(50);
    expect(changes.every((one) => attributes(one).length === 2)).toBe(true);
  });
});

test('outputs that change', () => {
  expect(show(outputsOf({ output_changes: { a: { actions: ['create'], before: null, after: 'x' }, b: { actions: ['no-op'], before: 1, after: 1 }, c: { actions: ['update'], before: 'x', after: 'y', before_sensitive: true, after_sensitive: true }, d: { actions: ['delete'], before: 1, after: null } } }))).toEqual(['+ a . | "x"', '~ c (sensitive) | (sensitive), changed', '- d 1 | .']);
});
