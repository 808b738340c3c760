// Terraform's JSON output (-json), one record a line, as lines for people and as the progress of an apply. Types and
// members that are not known are passed over; a line that is no record is text.

export type Tone = 'plain' | 'error' | 'warning' | 'note' | 'good' | 'quiet' | 'strong';

export interface Readable {
  text: string;
  tone: Tone;
}

interface Diagnostic {
  severity?: unknown;
  summary?: unknown;
  detail?: unknown;
  address?: unknown;
  range?: { filename?: unknown; start?: { line?: unknown } };
  snippet?: { context?: unknown; code?: unknown; start_line?: unknown };
}

interface Hook {
  resource?: { addr?: unknown };
  action?: unknown;
  elapsed_seconds?: unknown;
  id_key?: unknown;
  id_value?: unknown;
}

export interface LogRecord {
  '@level'?: unknown;
  '@message'?: unknown;
  '@timestamp'?: unknown;
  '@module'?: unknown;
  type?: unknown;
  diagnostic?: Diagnostic;
  hook?: Hook;
  outputs?: unknown;
  changes?: unknown;
}

export function parseRecord(line: string): LogRecord | null {
  if (line.charCodeAt(0) !== 0x7b) return null;
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || !('@message' in value)) return null;
    return value as LogRecord;
  } catch {
    return null;
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function diagnosticLines(diagnostic: Diagnostic): Readable[] {
  const tone: Tone = diagnostic.severity === 'warning' ? 'warning' : 'error';
  const word = tone === 'warning' ? 'Warning' : 'Error';
  const lines: Readable[] = [{ text: `${word}: ${text(diagnostic.summary)}`, tone }];
  const say = (line: string) => lines.push({ text: `  ${line}`, tone: 'plain' });
  if (text(diagnostic.address)) say(`with ${text(diagnostic.address)},`);
  const line = diagnostic.range?.start?.line;
  if (text(diagnostic.range?.filename)) {
    const context = text(diagnostic.snippet?.context);
    say(`on ${text(diagnostic.range?.filename)} line ${Number(line ?? 0)}${context ? `, in ${context}` : ''}:`);
  }
  const code = text(diagnostic.snippet?.code);
  if (code) {
    const first = Number(diagnostic.snippet?.start_line ?? line ?? 0);
    code.split('\n').forEach((codeLine, index) => say(`${String(first + index).padStart(4)}: ${codeLine}`));
  }
  if (text(diagnostic.detail)) for (const detail of text(diagnostic.detail).split('\n')) say(detail);
  return lines;
}

function outputLines(message: string, outputs: unknown): Readable[] {
  const lines: Readable[] = [{ text: message, tone: 'strong' }];
  if (typeof outputs !== 'object' || outputs === null) return lines;
  for (const [name, output] of Object.entries(outputs as Record<string, Record<string, unknown>>)) {
    if (typeof output !== 'object' || output === null || !('value' in output || output.sensitive)) continue;
    const value = output.sensitive === true ? '(sensitive)' : JSON.stringify(output.value);
    lines.push({ text: `  ${name} = ${value}`, tone: 'plain' });
  }
  return lines;
}

const tones: Record<string, Tone> = {
  version: 'quiet',
  change_summary: 'strong',
  apply_complete: 'good',
  apply_errored: 'error',
  provision_errored: 'error',
  apply_progress: 'quiet',
  refresh_start: 'quiet',
  refresh_complete: 'quiet',
  resource_drift: 'warning',
  tollgate: 'note',
};

export function readable(record: LogRecord): Readable[] {
  const message = text(record['@message']);
  const type = text(record.type);
  if (type === 'diagnostic' && record.diagnostic) return diagnosticLines(record.diagnostic);
  if (type === 'outputs') return outputLines(message, record.outputs);
  let tone: Tone = Object.hasOwn(tones, type) ? (tones[type] ?? 'plain') : 'plain';
  if (tone === 'plain' && record['@level'] === 'error') tone = 'error';
  if (tone === 'plain' && record['@level'] === 'warn') tone = 'warning';
  return message.split('\n').map((line) => ({ text: line, tone }));
}

export interface ResourceProgress {
  address: string;
  action: string;
  state: 'running' | 'done' | 'failed';
  seconds: number | null; // of a finished one, or as last reported
  startedAt: number | null; // milliseconds
}

// What an apply has done so far, resource by resource.
export class ApplyProgress {
  readonly resources = new Map<string, ResourceProgress>();
  done = 0;
  failed = 0;

  // Whether anything changed.
  feed(record: LogRecord): boolean {
    const kind = /^apply_(start|progress|complete|errored)$/.exec(text(record.type))?.[1];
    const address = text(record.hook?.resource?.addr);
    if (!kind || !address) return false;
    const action = text(record.hook?.action);
    const key = `${address} ${action}`;
    const known = this.resources.get(key);
    const at = Date.parse(text(record['@timestamp']));
    const entry: ResourceProgress = known ?? {
      address,
      action,
      state: 'running',
      seconds: null,
      startedAt: Number.isNaN(at) ? null : at,
    };
    const seconds = record.hook?.elapsed_seconds;
    if (typeof seconds === 'number' && Number.isFinite(seconds)) entry.seconds = seconds;
    if (entry.state === 'running' && kind === 'complete') {
      entry.state = 'done';
      this.done++;
    } else if (entry.state === 'running' && kind === 'errored') {
      entry.state = 'failed';
      this.failed++;
    }
    this.resources.set(key, entry);
    return true;
  }
}
