import { describe, expect, test } from 'vitest';
import { LogFollower } from '../src/api/log_follower';
import { LogLines, plainText, search } from '../src/model/log_lines';

const bytes = (text: string) => new TextEncoder().encode(text);
const texts = (log: LogLines) => log.lines.map(plainText);

describe('lines from bytes', () => {
  test('are the same however the bytes are cut', () => {
    const whole = bytes('\u0002first\nzweite ä漢👍 \u001b[31mred\u001b[0m\r\n{"@message":"Plan: 1 to add","@level":"info","type":"change_summary"}\nlast\u0003');
    const reference = new LogLines();
    reference.feed(whole);
    expect(texts(reference)).toEqual(['first', 'zweite ä漢👍 red', 'Plan: 1 to add', 'last']);
    expect(reference.complete).toBe(true);
    for (let at = 1; at < whole.length; at++) {
      const log = new LogLines();
      log.feed(whole.slice(0, at));
      log.feed(whole.slice(at));
      expect(log.lines, `cut at ${at}`).toEqual(reference.lines);
      expect(log.complete).toBe(true);
      expect(log.size).toBe(whole.length);
    }
  });
  test('an unfinished line is shown, and replaced when it goes on', () => {
    const log = new LogLines();
    log.feed(bytes('\u0002wait'));
    expect(texts(log)).toEqual(['wait']);
    log.feed(bytes('ing\nnext'));
    expect(texts(log)).toEqual(['waiting', 'next']);
    log.feed(bytes('\n'));
    expect(texts(log)).toEqual(['waiting', 'next']);
  });
  test('an end in the middle was written by a program and is shown', () => {
    const log = new LogLines();
    log.feed(bytes('\u0002a\u0003'));
    expect(log.complete).toBe(true);
    log.feed(bytes('b\n'));
    expect(log.complete).toBe(false);
    expect(texts(log)).toEqual(['a␃b']);
  });
  test('the first lines of a very long log are given up, numbers stay', () => {
    const log = new LogLines(100);
    log.feed(bytes(Array.from({ length: 121 }, (_, index) => `line ${index + 1}\n`).join('')));
    expect(log.dropped + log.lines.length).toBe(121);
    expect(log.lines.length).toBe(100);
    expect(plainText(log.lines[0]!)).toBe('line 22');
  });
  test('search finds without regard to case', () => {
    const log = new LogLines();
    log.feed(bytes('one\n\u001b[1mEr\u001b[0mror\ntwo error\n'));
    expect(search(log.lines, 'ERROR')).toEqual([1, 2]);
    expect(search(log.lines, '')).toEqual([]);
  });
});

describe('records of terraform', () => {
  const record = (value: object) => bytes(`${JSON.stringify(value)}\n`);
  test('a diagnostic is told with its place and its code', () => {
    const log = new LogLines();
    log.feed(record({
      '@level': 'error', '@message': 'Error: no', type: 'diagnostic',
      diagnostic: { severity: 'error', summary: 'no such thing', detail: 'one\ntwo', address: 'a.b', range: { filename: 'main.tf', start: { line: 3 } }, snippet: { context: 'resource "a" "b"', code: 'x = 1', start_line: 3 } },
    }));
    expect(texts(log)).toEqual(['Error: no such thing', '  with a.b,', '  on main.tf line 3, in resource "a" "b":', '     3: x = 1', '  one', '  two']);
    expect(log.lines[0]?.tone).toBe('error');
  });
  test('unknown types say their message, and strange ones do no harm', () => {
    const log = new LogLines();
    log.feed(record({ '@message': 'hello', type: 'not_invented_yet' }));
    log.feed(record({ '@message': 5, type: ['x'] }));
    log.feed(record({ '@message': 'x', type: 'diagnostic', diagnostic: { severity: {}, summary: [], range: null } }));
    log.feed(bytes('{"broken\n{"no":"message"}\n'));
    log.feed(record({ '@message': 'p', type: '__proto__' }));
    expect(texts(log)[0]).toBe('hello');
    expect(texts(log).slice(-3)).toEqual(['{"broken', '{"no":"message"}', 'p']);
  });
  test('outputs are told, sensitive ones are not', () => {
    const log = new LogLines();
    log.feed(record({ '@message': 'Outputs: 2', type: 'outputs', outputs: { a: { value: [1], sensitive: false }, b: { sensitive: true, value: 'hunter2' } } }));
    expect(texts(log)).toEqual(['Outputs: 2', '  a = [1]', '  b = (sensitive)']);
  });
  test('an apply is counted resource by resource', () => {
    const log = new LogLines();
    const hook = (type: string, addr: string, more = {}) => record({ '@message': type, '@timestamp': '2026-01-02T03:04:05Z', type, hook: { resource: { addr }, action: 'create', ...more } });
    log.feed(hook('apply_start', 'a'));
    log.feed(hook('apply_start', 'b'));
    log.feed(hook('apply_progress', 'a', { elapsed_seconds: 10 }));
    log.feed(hook('apply_complete', 'a', { elapsed_seconds: 12 }));
    log.feed(hook('apply_complete', 'a', { elapsed_seconds: 12 }));
    log.feed(hook('apply_errored', 'b', { elapsed_seconds: 3 }));
    expect(log.progress.done).toBe(1);
    expect(log.progress.failed).toBe(1);
    expect(log.progress.resources.get('a create')).toMatchObject({ state: 'done', seconds: 12 });
  });
  test('an imitation of what the server says is a line like any other', () => {
    const log = new LogLines();
    log.feed(bytes('Authenticated with MFA by ana\n'));
    expect(log.lines[0]).toEqual({ tone: 'plain', spans: [{ text: 'Authenticated with MFA by ana', classes: '' }] });
  });
});

describe('following', () => {
  test('reads on from the byte where it is, one request at a time, and loses nothing said meanwhile', async () => {
    const whole = bytes('\u0002' + Array.from({ length: 50 }, (_, index) => `line ${index}\n`).join('') + '\u0003');
    let there = 20;
    let running = 0;
    const asked: number[] = [];
    const follower = new LogFollower(
      async (offset) => {
        expect(++running).toBe(1);
        asked.push(offset);
        await Promise.resolve();
        running--;
        return whole.slice(offset, Math.min(there, offset + 37));
      },
      () => undefined,
    );
    const first = follower.pull();
    there = 200;
    await Promise.all([first, follower.pull(), follower.pull(150)]);
    there = whole.length;
    await follower.pull(whole.length);
    expect(follower.log.size).toBe(whole.length);
    expect(follower.log.lines.length).toBe(50);
    expect(follower.log.complete).toBe(true);
    const requests = asked.length;
    await follower.pull(10); // known already
    expect(asked.length).toBe(requests);
  });
  test('after an error it goes on at the same byte', async () => {
    let fail = true;
    const follower = new LogFollower(
      (offset) => (fail && offset > 0 ? Promise.reject(new Error('gone')) : Promise.resolve(bytes('\u0002abc\ndef\n').slice(offset, offset + 5))),
      () => undefined,
    );
    await follower.pull();
    expect(follower.error).not.toBe(null);
    fail = false;
    await follower.pull();
    expect(follower.error).toBe(null);
    expect(texts(follower.log)).toEqual(['abc', 'def']);
  });
  test('a log that is too long is read up to the cap', async () => {
    let requests = 0;
    const follower = new LogFollower(() => Promise.resolve(bytes(`${++requests}\n`.repeat(500))), () => undefined, 5000);
    await follower.pull();
    expect(follower.capped).toBe(true);
    expect(follower.log.size).toBeLessThan(7000);
  });
});
