// Light, dark, or as the system is.

import { signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';
const key = 'tollgate-theme';

export const themeWords: Record<Theme, string> = { system: 'Auto', light: 'Light', dark: 'Dark' };
export const theme = signal<Theme>('system');

export function nextTheme(now: Theme): Theme {
  return now === 'system' ? 'light' : now === 'light' ? 'dark' : 'system';
}

export function applyTheme(wanted: Theme): void {
  theme.value = wanted;
  if (wanted === 'system') document.documentElement.removeAttribute('data-theme');
  else document.documentElement.setAttribute('data-theme', wanted);
  localStorage.setItem(key, wanted);
}

export function restoreTheme(): void {
  const kept = localStorage.getItem(key);
  applyTheme(kept === 'light' || kept === 'dark' ? kept : 'system');
}
