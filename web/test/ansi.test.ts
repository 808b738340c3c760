import { describe, expect, test } from 'vitest';
import { AnsiReader, safeLink } from '../src/model/ansi';

const read = (text: string) => new AnsiReader().line(text);
const shown = (text: string) => read(text).map((span) => span.text).join('');

describe('colours', () => {
  test('become class names', () => {
    expect(read('a \u001b[1;31mred\u001b[0m b')).toEqual([
      { text: 'a ', classes: '' },
      { text: 'red', classes: 'b f1' },
      { text: ' b', classes: '' },
    ]);
    expect(read('\u001b[92;44mx')).toEqual([{ text: 'x', classes: 'f10 k4' }]);
    expect(read('\u001b[3;4;9;7mx\u001b[23;24;29;27my')).toEqual([{ text: 'x', classes: 'i u s r' }, { text: 'y', classes: '' }]);
  });
  test('of 256 and of 16 million are the nearest of sixteen', () => {
    expect(read('\u001b[38;5;196mx')[0]?.classes).toBe('f9');
    expect(read('\u001b[38;2;0;200;0mx')[0]?.classes).toBe('f2');
    expect(read('\u001b[48;5;255mx')[0]?.classes).toBe('k7');
    expect(read('\u001b[38;5;1;1mx')[0]?.classes).toBe('b f1');
  });
  test('go on in the next line until they are ended', () => {
    const reader = new AnsiReader();
    reader.line('\u001b[33mone');
    expect(reader.peek('two')).toEqual([{ text: 'two', classes: 'f3' }]);
    expect(reader.line('two\u001b[39m')).toEqual([{ text: 'two', classes: 'f3' }]);
    expect(reader.line('three')).toEqual([{ text: 'three', classes: '' }]);
  });
  test('that are nonsense change nothing', () => {
    expect(read('\u001b[999;38;5mx\u001b[38mx\u001b[?25lx\u001b[;;mx').map((span) => span.classes).join('')).toBe('');
  });
});

describe('other sequences', () => {
  test('are left out with what they carry', () => {
    expect(shown('a\u001b]0;title\u0007b\u001b]52;c;c2VjcmV0\u001b\\c\u001bPq#0\u001b\\d\u001b[2Je\u001b(Bf')).toBe('abcdef');
    expect(shown('a\u009b31mb\u009d0;x\u009cc')).toBe('abc');
  });
  test('that do not end take the rest of the line', () => {
    expect(shown('a\u001b]0;Authenticated with MFA by ana')).toBe('a');
    expect(shown('a\u001b[31')).toBe('a');
    expect(shown('a\u001b')).toBe('a');
  });
  test('every cut of a text gives the same text when it comes as one line', () => {
    const text = 'x\u001b[1mbold\u001b[0m \u001b]8;;https://example.com\u0007link\u001b]8;;\u0007 \u001b[38;5;12mblue';
    const whole = shown(text);
    for (let at = 0; at <= text.length; at++) {
      const reader = new AnsiReader();
      reader.peek(text.slice(0, at));
      expect(reader.line(text).map((span) => span.text).join('')).toBe(whole);
    }
  });
});

describe('links', () => {
  test('lead to http and https only', () => {
    expect(safeLink('https://example.com/a?b#c')).toBe('https://example.com/a?b#c');
    for (const text of ['javascript:alert(1)', 'data:text/html,x', 'JAVASCRIPT://x', 'file:///etc/passwd', 'https:', ' https://x y', 'vbscript:x']) {
      expect(safeLink(text), text).toBe(null);
    }
  });
  test('are found in text and named by programs', () => {
    expect(read('see https://example.com/x.').filter((span) => span.href)).toEqual([{ text: 'https://example.com/x', classes: '', href: 'https://example.com/x' }]);
    expect(read('\u001b]8;;https://example.com\u001b\\here\u001b]8;;\u001b\\')).toEqual([{ text: 'here', classes: '', href: 'https://example.com/' }]);
    expect(read('\u001b]8;;javascript:alert(1)\u0007here\u001b]8;;\u0007')).toEqual([{ text: 'here', classes: '' }]);
  });
});

test('characters that hide or reorder are named', () => {
  expect(shown('a\u202eb\u0000c\u200bd')).toBe('a⟨U+202E⟩b␀c⟨U+200B⟩d');
  expect(read('a\u0007')[1]).toEqual({ text: '␇', classes: 'ctl' });
  expect(shown('ä 漢 👍')).toBe('ä 漢 👍');
});

// A small generator with a seed, so that a failure can be seen again.
function* random(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

test('a hundred thousand random pieces never make a link that is not http, nor show a control character', () => {
  const pieces = ['\u001b', '[', ']', '8;;', 'javascript:alert(1)', 'https://a.b', '\u0007', '\u001b\\', 'm', '31', ';', 'x', '\u009d', '\u009b', '\u0090', ' ', '\u202e', '38;5;', '\u0000', '<img src=x onerror=alert(1)>'];
  const numbers = random(7);
  const next = () => numbers.next().value as number;
  for (let round = 0; round < 100_000; round++) {
    let text = '';
    for (let part = 0; part < 8; part++) text += pieces[Math.floor(next() * pieces.length)];
    for (const span of new AnsiReader().line(text)) {
      if (span.href && !/^https?:/.test(span.href)) throw new Error(JSON.stringify(text));
      if (/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/.test(span.text)) throw new Error(JSON.stringify(text));
    }
  }
});
