import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const css = readFileSync(new URL('../src/style.css', import.meta.url), 'utf8');

function variables(block: string): Map<string, string> {
  return new Map([...block.matchAll(/--([a-z0-9-]+):\s*(#[0-9a-f]{6})/g)].map((found) => [found[1] ?? '', found[2] ?? '']));
}
const [light, dark, system] = [...css.matchAll(/(?::root \{|:root\[data-theme='dark'\] \{|:root:not\(\[data-theme='light'\]\) \{)([^}]*)\}/g)].slice(0, 3).map((found) => variables(found[1] ?? ''));

function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const value = parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

test('the dark theme is the same by choice and by system', () => {
  expect([...(system ?? [])]).toEqual([...(dark ?? [])]);
  expect([...(light ?? new Map()).keys()].filter((name) => !dark?.has(name))).toEqual([]);
});

test('text is readable on what it stands on, in both themes', () => {
  const pairs: [string, string][] = [
    ['text', 'ground'], ['text', 'surface'], ['text', 'sunken'], ['quiet', 'ground'], ['quiet', 'surface'], ['quiet', 'sunken'], ['quiet', 'log'], ['accent', 'surface'], ['accent', 'ground'],
    ['accent', 'log'], ['on-accent', 'accent'], ['on-accent', 'accent-strong'], ['accent-strong', 'accent-soft'], ['good', 'good-soft'], ['bad', 'bad-soft'], ['wait', 'wait-soft'], ['run', 'run-soft'],
    ['text', 'good-soft'], ['text', 'bad-soft'], ['text', 'wait-soft'], ['text', 'accent-soft'], ['bad', 'surface'], ['good', 'surface'], ['wait', 'surface'], ['bad', 'log'], ['good', 'log'], ['wait', 'log'],
  ];
  for (const [index, theme] of [light, dark].entries()) {
    for (const [front, back] of pairs) {
      expect(contrast(theme?.get(front) ?? '', theme?.get(back) ?? ''), `${front} on ${back}, ${index ? 'dark' : 'light'}`).toBeGreaterThanOrEqual(4.5);
    }
    for (let colour = 0; colour < 16; colour++) {
      for (const back of ['log', 'accent-soft']) {
        expect(contrast(theme?.get(`c${colour}`) ?? '', theme?.get(back) ?? ''), `ANSI ${colour} on ${back}, ${index ? 'dark' : 'light'}`).toBeGreaterThanOrEqual(4.5);
      }
    }
  }
});
