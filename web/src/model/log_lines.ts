// A log from its bytes: lines with numbers, whatever pieces the bytes come in. A character or an escape sequence that is
// cut by the end of a piece is whole in the line. STX and ETX, which frame a log on the wire, are not part of its text.

import { AnsiReader, type Span } from './ansi';
import { ApplyProgress, parseRecord, readable, type Tone } from './structured';

export interface LogLine {
  tone: Tone;
  spans: Span[];
}

const start = 0x02;
const end = 0x03;

function toSpans(text: string): Span[] {
  return new AnsiReader().line(text);
}

export class LogLines {
  readonly lines: LogLine[] = [];
  readonly progress = new ApplyProgress();
  // How many lines at the front were given up, so that numbers stay what they are.
  dropped = 0;
  complete = false;
  // Whether there was a record of terraform's: otherwise the log is plain text.
  structured = false;

  private readonly decoder = new TextDecoder('utf-8');
  private readonly ansi = new AnsiReader();
  private rest = '';
  private offset = 0;
  private provisional = false; // the last of `lines` is `rest`, not ended yet

  constructor(private readonly most: number = 200_000) {}

  feed(bytes: Uint8Array): void {
    let from = 0;
    let to = bytes.length;
    if (this.offset === 0 && bytes[0] === start) from = 1;
    // Only the very last byte of a log can be its end; a program may write the same byte anywhere.
    if (this.complete) this.rest += '\u2403';
    this.complete = to > from && bytes[to - 1] === end;
    if (this.complete) to--;
    this.offset += bytes.length;
    this.text(this.decoder.decode(bytes.subarray(from, to), { stream: true }));
  }

  // Bytes taken so far: where to read on.
  get size(): number {
    return this.offset;
  }

  private text(text: string): void {
    if (this.provisional) {
      this.lines.pop();
      this.provisional = false;
    }
    const parts = (this.rest + text).split('\n');
    this.rest = parts.pop() ?? '';
    for (const part of parts) this.whole(part.endsWith('\r') ? part.slice(0, -1) : part);
    if (this.rest !== '' && !this.rest.startsWith('{')) {
      this.lines.push({ tone: 'plain', spans: this.ansi.peek(this.rest) });
      this.provisional = true;
    }
    if (this.lines.length > this.most * 1.2) {
      const excess = this.lines.length - this.most;
      this.lines.splice(0, excess);
      this.dropped += excess;
    }
  }

  private whole(line: string): void {
    const record = parseRecord(line);
    if (!record) {
      this.lines.push({ tone: 'plain', spans: this.ansi.line(line) });
      return;
    }
    this.structured = true;
    this.progress.feed(record);
    for (const { text, tone } of readable(record)) this.lines.push({ tone, spans: toSpans(text) });
  }
}

export function plainText(line: LogLine): string {
  return line.spans.map((span) => span.text).join('');
}

// Numbers (from 0) of the lines in which `wanted` stands, without regard to case.
export function search(lines: readonly LogLine[], wanted: string): number[] {
  const needle = wanted.toLowerCase();
  if (needle === '') return [];
  const found: number[] = [];
  lines.forEach((line, index) => {
    if (plainText(line).toLowerCase().includes(needle)) found.push(index);
  });
  return found;
}

