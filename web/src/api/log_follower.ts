// Keeps a log on the page as long as it grows: reads on from the byte where it is whenever it is told that there is
// more. One request at a time; what comes while one is under way is read after it.

import { ApiError } from './client';
import { LogLines } from '../model/log_lines';

export type ReadSlice = (offset: number, limit: number) => Promise<Uint8Array>;

const sliceBytes = 512 * 1024;

export class LogFollower {
  readonly log: LogLines;
  error: string | null = null;
  private reading = false;
  private again = false;
  private stopped = false;

  constructor(
    private readonly read: ReadSlice,
    private readonly changed: () => void,
    // More than this is not shown: a log of that length is for an editor.
    readonly mostBytes: number = 32 * 1024 * 1024,
    log: LogLines = new LogLines(),
  ) {
    this.log = log;
  }

  get capped(): boolean {
    return this.log.size >= this.mostBytes;
  }

  stop(): void {
    this.stopped = true;
  }

  // There may be more. `announced`: bytes are known to exist up to there.
  async pull(announced?: number): Promise<void> {
    if (announced !== undefined && announced <= this.log.size) return;
    if (this.reading) {
      this.again = true;
      return;
    }
    this.reading = true;
    try {
      do {
        this.again = false;
        while (!this.stopped && !this.capped && (await this.step())) this.changed();
      } while (this.again && !this.stopped);
      if (this.error !== null) {
        this.error = null;
        this.changed();
      }
    } catch (cause) {
      if (this.stopped) return;
      this.error = cause instanceof ApiError ? cause.message : 'The log cannot be read.';
      this.changed();
    } finally {
      this.reading = false;
    }
  }

  private async step(): Promise<boolean> {
    const bytes = await this.read(this.log.size, sliceBytes);
    if (this.stopped || bytes.length === 0) return false;
    this.log.feed(bytes);
    return true;
  }
}
