// Times as people say them. `now` comes in, so that tests do not wait.

export function ago(at: string | null | undefined, now: number): string {
  if (!at) return '';
  const seconds = Math.round((now - Date.parse(at)) / 1000);
  if (!Number.isFinite(seconds)) return '';
  if (seconds < 45) return 'just now';
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.round(minutes / 60);
  if (hours < 36) return `${hours} h ago`;
  return `${Math.round(hours / 24)} days ago`;
}

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

export function between(from: string | null | undefined, to: string | null | undefined, now: number): string {
  if (!from) return '';
  return duration(((to ? Date.parse(to) : now) - Date.parse(from)) / 1000);
}

// "12:03", in the time zone of whoever looks.
export function clock(at: string): string {
  const date = new Date(at);
  return `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`;
}

export function dateAndTime(at: string | null | undefined): string {
  if (!at) return '';
  return new Date(at).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  if (count < 1024 * 1024) return `${(count / 1024).toFixed(1)} KiB`;
  return `${(count / 1024 / 1024).toFixed(1)} MiB`;
}

// "at 12:03", "tomorrow at 12:03", "on Friday at 12:03": within a week.
export function moment(at: string, now: number): string {
  const day = (time: number) => new Date(time).setHours(0, 0, 0, 0);
  const days = Math.round((day(Date.parse(at)) - day(now)) / 86_400_000);
  if (days === 0) return `at ${clock(at)}`;
  if (days === 1) return `tomorrow at ${clock(at)}`;
  if (days === -1) return `yesterday at ${clock(at)}`;
  return `on ${new Date(at).toLocaleDateString(undefined, { weekday: 'long', day: 'numeric', month: 'long' })} at ${clock(at)}`;
}

// "15m", "1h30m": how the settings write a time that one may change.
export function shortDuration(seconds: number): string {
  const parts: [number, string][] = [[Math.floor(seconds / 3600), 'h'], [Math.floor((seconds % 3600) / 60), 'm'], [seconds % 60, 's']];
  return parts.filter(([count]) => count > 0).map(([count, unit]) => `${count}${unit}`).join('') || '0s';
}

// Seconds of "900", "15m", "1h30m" or "1d"; null is no time.
export function readDuration(text: string): number | null {
  const plain = text.trim().toLowerCase();
  if (/^[0-9]{1,8}$/.test(plain)) return Number(plain);
  const found = /^(?:([0-9]{1,3})d)?(?:([0-9]{1,4})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,8})s)?$/.exec(plain);
  if (!found || plain === '') return null;
  return [86_400, 3600, 60, 1].reduce((sum, unit, index) => sum + Number(found[index + 1] ?? 0) * unit, 0);
}
