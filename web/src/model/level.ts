// The three levels in the words of the settings, and what each means in one line.

import type { Level } from '../api/types';

export const levels: readonly Level[] = ['never', 'applies-only', 'plans-and-applies'];

export const levelWords: Record<Level, { name: string; means: string }> = {
  never: { name: 'Never', means: 'Runs use AWS without a code.' },
  'applies-only': { name: 'Applies only', means: 'A plan runs without a code; nothing is changed before a person has entered one.' },
  'plans-and-applies': { name: 'Plans and applies', means: 'Each plan and each apply waits for a code of its own.' },
};

export function stricter(a: Level, b: Level): boolean {
  return levels.indexOf(a) > levels.indexOf(b);
}
