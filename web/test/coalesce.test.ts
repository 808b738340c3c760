import { expect, test } from 'vitest';
import { coalesced } from '../src/model/coalesce';

// Lets everything happen that has nothing to wait for.
const settle = () => new Promise((resolve) => setImmediate(resolve));

function counted() {
  const finish: (() => void)[] = [];
  const task = () => new Promise<void>((resolve) => finish.push(resolve));
  return { task, finish };
}

test('what comes while it is done makes it be done once more', async () => {
  const { task, finish } = counted();
  const run = coalesced(task, () => false);
  run();
  run();
  run();
  await settle();
  expect(finish.length).toBe(1);
  finish[0]?.();
  await settle();
  expect(finish.length).toBe(2);
  finish[1]?.();
  await settle();
  expect(finish.length).toBe(2);
  run();
  expect(finish.length).toBe(3);
});

test('nothing is done again once it is over', async () => {
  const { task, finish } = counted();
  let over = false;
  const run = coalesced(task, () => over);
  run();
  run();
  over = true;
  finish[0]?.();
  await settle();
  expect(finish.length).toBe(1);
});
