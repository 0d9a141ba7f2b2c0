/** Byte inputs of the file reader: plain files and standard input. Compressed files are in `inflate.ts`. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { InputError } from '../batch.ts';

/** The input has ended. */
export const READ_END = 0;
/** Nothing arrived within the time given; ask again. */
export const READ_NOTHING = -1;

export interface ByteInput {
  /**
   * Reads up to `limit - start` bytes (at least 1) into `bytes` at `start`.
   *
   * @param timeoutMs How long to wait when the input is a pipe that has nothing yet.
   * @returns Bytes read, `READ_END` or `READ_NOTHING`. Throws `InputError` when the input cannot be read.
   */
  read(bytes: Uint8Array, start: number, limit: number, timeoutMs: number): number;
  /** Bytes taken from the file as it is stored (compressed, if it is). */
  readonly consumedBytes: number;
  /** The (compressed) bytes ended too early. Known once `read` answered `READ_END`. */
  readonly truncated: boolean;
  close(): void;
}

/** Pause between two looks at a pipe without data: short against any reader's patience, long against a core. */
const PIPE_RETRY_MS = 2;

export class FdInput implements ByteInput {
  readonly name: string;
  readonly truncated = false;
  consumedBytes = 0;
  #fd: number;
  readonly #ownsFd: boolean;
  readonly #sleepCell = new Int32Array(new SharedArrayBuffer(4));

  private constructor(name: string, fd: number, ownsFd: boolean) {
    this.name = name;
    this.#fd = fd;
    this.#ownsFd = ownsFd;
  }

  static openFile(path: string): FdInput {
    return new FdInput(path, openOrThrow(path), true);
  }

  /**
   * Standard input. A pipe is opened a second time through its name, so that non-blocking reads do not change the
   * descriptor that other processes share; where that fails (sockets, terminals without a name) reads block.
   */
  static openStdin(): FdInput {
    const name = 'standard input';
    try {
      if (fstatSync(0).isFIFO()) {
        return new FdInput(name, openSync('/dev/stdin', constants.O_RDONLY | constants.O_NONBLOCK), true);
      }
    } catch {
      // No /dev, or closed: descriptor 0 is read as it is, and says so.
    }
    return new FdInput(name, 0, false);
  }

  read(bytes: Uint8Array, start: number, limit: number, timeoutMs: number): number {
    let leftMs = timeoutMs;
    for (;;) {
      try {
        const count = readSync(this.#fd, bytes, start, limit - start, null);
        this.consumedBytes += count;
        return count;
      } catch (error) {
        const code = errorCode(error);
        if (code === 'EOF') return READ_END;
        if (code !== 'EAGAIN' && code !== 'EINTR') throw new InputError(`${this.name}: cannot be read (${code})`);
      }
      if (leftMs <= 0) return READ_NOTHING;
      Atomics.wait(this.#sleepCell, 0, 0, Math.min(PIPE_RETRY_MS, leftMs));
      leftMs -= PIPE_RETRY_MS;
    }
  }

  close(): void {
    if (this.#ownsFd && this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }
}

/** Opens a file for reading; its failure becomes one line. */
export function openOrThrow(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY);
  } catch (error) {
    throw new InputError(`${path}: ${openFailure(errorCode(error))}`);
  }
}

export function openFailure(code: string): string {
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'no permission to read it';
  return `cannot be opened (${code})`;
}

/** The `code` of a Node error ("ENOENT"), or its message. */
export function errorCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.message : String(error);
}
