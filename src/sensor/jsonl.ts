/** Records as JSON Lines on a file or a pipe. Writes are gathered; a reader that went away ends them quietly. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { recordToLine } from '../audit/json.ts';
import { UserError } from '../base/errors.ts';
import type { AuditRecord, RecordSink } from '../contracts/record.ts';

const GATHERED_CHARS = 64 * 1024;
const STDOUT_FD = 1;

export class JsonlSink implements RecordSink {
  /** The reader closed its end (EPIPE): nothing more is written. */
  closed = false;
  private readonly fd: number;
  private readonly path: string;
  private gathered = '';

  /** `path` `-` is standard output. Throws a UserError when the file cannot be written. */
  constructor(path: string) {
    this.path = path;
    if (path === '-') this.fd = STDOUT_FD;
    else this.fd = guarded(path, () => openSync(path, 'w'));
  }

  write(record: AuditRecord): boolean {
    if (this.closed) return true;
    this.gathered += `${recordToLine(record)}\n`;
    if (this.gathered.length >= GATHERED_CHARS) this.flush();
    return true;
  }

  flush(): void {
    const bytes = Buffer.from(this.gathered);
    this.gathered = '';
    let written = 0;
    while (written < bytes.length && !this.closed) written += this.writeSome(bytes, written);
  }

  end(): void {
    this.flush();
    if (this.fd !== STDOUT_FD) closeSync(this.fd);
  }

  private writeSome(bytes: Uint8Array, from: number): number {
    try {
      return writeSync(this.fd, bytes, from);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EAGAIN') {
        Atomics.wait(PAUSE, 0, 0, 1); // a non-blocking pipe is full: give its reader a moment
        return 0;
      }
      if (code === 'EPIPE') {
        this.closed = true;
        return 0;
      }
      const where = this.fd === STDOUT_FD ? 'standard output' : this.path;
      throw new UserError(`cannot write records to ${where}: ${reason(error)}`);
    }
  }
}

const PAUSE = new Int32Array(new SharedArrayBuffer(4));

function guarded<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw new UserError(`cannot write records to ${path}: ${reason(error)}`);
  }
}

function reason(error: unknown): string {
  return (error as Error).message.replace(/^[A-Z]+: /, '').replace(/, \w+( '.*')?$/, '');
}
