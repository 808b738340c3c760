import { expect, test } from 'vitest';
import { readDuration, shortDuration } from '../src/model/time';

test('times of settings are read as they are written', () => {
  for (const seconds of [60, 90, 900, 3600, 5400, 86_400, 2_592_000]) expect(readDuration(shortDuration(seconds))).toBe(seconds);
  expect(shortDuration(900)).toBe('15m');
  expect(shortDuration(5400)).toBe('1h30m');
  expect(shortDuration(0)).toBe('0s');
});
test('as the command line takes them', () => {
  expect([readDuration('900'), readDuration(' 60M '), readDuration('1h30m'), readDuration('1d')]).toEqual([900, 3600, 5400, 86_400]);
  for (const wrong of ['', 'soon', '-5m', '1.5h', '5m1h', '1h 30m', '999999999']) expect(readDuration(wrong), wrong).toBe(null);
});
