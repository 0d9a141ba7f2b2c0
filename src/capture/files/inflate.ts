/**
 * Compressed files as a synchronous input. A worker thread (`inflate-worker.ts`) decompresses into a ring in shared
 * memory; the packet path copies from it and waits on it with a timeout. Why not a child and a pipe: reading a child's
 * pipe synchronously needs a named pipe in the file system, `gzip -dc` is four times slower than zlib with large
 * chunks, and a pipe cannot tell why it ended.
 */
import { Worker } from 'node:worker_threads';
import { InputError } from '../batch.ts';
import { type ByteInput, READ_END, READ_NOTHING } from './input.ts';

export type Compression = 'gzip' | 'zstd';

/** Words of the control block, all `Int32Array` cells accessed with Atomics. */
export const CONTROL_WRITTEN = 0;
export const CONTROL_READ = 1;
export const CONTROL_STATE = 2;
export const CONTROL_ERROR_BYTES = 3;
/** 64-bit count of compressed bytes, in cells of 2^30 so that no cell overflows. */
export const CONTROL_CONSUMED_LOW = 4;
export const CONTROL_CONSUMED_HIGH = 5;
/** Incremented at every change of the writer's side; the reader waits on it. */
export const CONTROL_WRITER_TURN = 6;
export const CONTROL_READER_TURN = 7;
export const CONTROL_WORDS = 8;
export const CONSUMED_CELL: number = 2 ** 30;

export const STATE_RUNNING = 0;
export const STATE_END = 1;
/** The compressed data stops in the middle; what came before was handed over. */
export const STATE_TRUNCATED = 2;
/** A one-line reason stands in the error text. */
export const STATE_FAILED = 3;

/** Ring of decompressed bytes. A power of two, so that positions may wrap at 2^32. */
export const RING_BYTES: number = 4 * 1024 * 1024;
export const ERROR_TEXT_BYTES = 512;

/** What the worker is given. */
export interface InflateTask {
  readonly path: string;
  readonly compression: Compression;
  readonly control: SharedArrayBuffer;
  readonly ring: SharedArrayBuffer;
  readonly errorText: SharedArrayBuffer;
}

/** A worker that has neither written nor ended for so long is taken for dead; a disk may be slow. */
const STALL_MS_MAX = 60_000;

export class InflateInput implements ByteInput {
  readonly #path: string;
  readonly #control: Int32Array;
  readonly #ring: Uint8Array;
  readonly #errorText: Uint8Array;
  readonly #worker: Worker;
  /** Position of the next byte to read, as an unsigned 32-bit word that wraps. */
  #position = 0;
  #stalledMs = 0;
  truncated = false;

  constructor(path: string, compression: Compression) {
    this.#path = path;
    const task: InflateTask = {
      path,
      compression,
      control: new SharedArrayBuffer(CONTROL_WORDS * 4),
      ring: new SharedArrayBuffer(RING_BYTES),
      errorText: new SharedArrayBuffer(ERROR_TEXT_BYTES),
    };
    this.#control = new Int32Array(task.control);
    this.#ring = new Uint8Array(task.ring);
    this.#errorText = new Uint8Array(task.errorText);
    this.#worker = new Worker(new URL('./inflate-worker.js', import.meta.url), { workerData: task });
    this.#worker.unref();
    // Its failures are reported through shared memory, because this thread's event loop does not run while it reads.
    this.#worker.on('error', () => undefined);
  }

  get consumedBytes(): number {
    const high = Atomics.load(this.#control, CONTROL_CONSUMED_HIGH);
    return high * CONSUMED_CELL + Atomics.load(this.#control, CONTROL_CONSUMED_LOW);
  }

  read(bytes: Uint8Array, start: number, limit: number, timeoutMs: number): number {
    const control = this.#control;
    for (let waited = false; ; waited = true) {
      const turn = Atomics.load(control, CONTROL_WRITER_TURN);
      // The state is read before the position: bytes written before the end are then never missed.
      const state = Atomics.load(control, CONTROL_STATE);
      const available = (Atomics.load(control, CONTROL_WRITTEN) - this.#position) >>> 0;
      if (available > 0) return this.#take(bytes, start, Math.min(available, limit - start));
      if (state !== STATE_RUNNING) return this.#end(state);
      if (waited) return this.#stalled(timeoutMs);
      Atomics.wait(control, CONTROL_WRITER_TURN, turn, timeoutMs);
    }
  }

  #take(bytes: Uint8Array, start: number, count: number): number {
    const from = this.#position % RING_BYTES;
    const first = Math.min(count, RING_BYTES - from);
    bytes.set(this.#ring.subarray(from, from + first), start);
    if (first < count) bytes.set(this.#ring.subarray(0, count - first), start + first);
    this.#position = (this.#position + count) >>> 0;
    Atomics.store(this.#control, CONTROL_READ, this.#position | 0);
    Atomics.add(this.#control, CONTROL_READER_TURN, 1);
    Atomics.notify(this.#control, CONTROL_READER_TURN);
    this.#stalledMs = 0;
    return count;
  }

  #end(state: number): number {
    if (state === STATE_FAILED) {
      const text = this.#errorText.slice(0, Atomics.load(this.#control, CONTROL_ERROR_BYTES));
      throw new InputError(`${this.#path}: ${Buffer.from(text).toString('utf8')}`);
    }
    this.truncated = state === STATE_TRUNCATED;
    return READ_END;
  }

  #stalled(timeoutMs: number): number {
    this.#stalledMs += timeoutMs;
    if (this.#stalledMs > STALL_MS_MAX) throw new InputError(`${this.#path}: decompression stopped responding`);
    return READ_NOTHING;
  }

  close(): void {
    // Its promise only tells that the thread is gone; a thread already gone is fine.
    this.#worker.terminate().catch(() => undefined);
  }
}
