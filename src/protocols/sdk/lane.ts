/** One direction of a driver: what it carries between segments, and how it reads. */
import type { HeldMemory } from '../../base/memory-budget.ts';

/** Frames follow each other. */
export const SYNC = 0;
/** The rest of a frame is passed over. */
export const SKIP = 1;
/** The next frame is looked for. */
export const RESYNC = 2;

const FIRST_BYTES = 256;
/** A buffer that grew beyond this is freed once it is empty, so that idle connections stay small. */
const KEPT_BYTES = 4096;
const NONE = new Uint8Array(0);

export class Lane {
  /** `SYNC`, `SKIP` or `RESYNC`. */
  mode: number = SYNC;
  /** Carried bytes: `bytes[0, length)`. */
  bytes: Uint8Array = NONE;
  length = 0;
  /** Capture time of the first carried byte. */
  startUs = 0;
  /** Carried length at which reading can go on. */
  need = 0;
  /** The module waits for the other direction. */
  waiting = false;
  /** Bytes of the current frame still to be skipped. */
  skipLeft = 0;
  /** The module wants to see the skipped bytes. */
  rest = false;
  /** While searching: the first held byte probably starts a frame. */
  atBoundary = false;
  /** While searching: bytes passed over since the other direction spoke. */
  searchedBytes = 0;
  /** While searching: the first held byte is known not to start a frame. */
  ruledOut = false;
  /** Counts the buffer, whether the lane has it or hands it out. */
  private readonly memory: HeldMemory;

  constructor(memory: HeldMemory) {
    this.memory = memory;
  }

  /** Between two frames. */
  get isIdle(): boolean {
    return this.mode === SYNC && this.length === 0;
  }

  /** Its buffer is worth giving back. */
  get isLarge(): boolean {
    return this.bytes.length > KEPT_BYTES;
  }

  /** Replaces what is carried by a copy of `from[start, end)`. */
  keep(from: Uint8Array, start: number, end: number, startUs: number): void {
    this.length = 0;
    this.startUs = startUs;
    this.append(from, start, end);
  }

  append(from: Uint8Array, start: number, end: number): void {
    const count = end - start;
    const needed = this.length + count;
    if (needed > this.bytes.length) this.grow(needed);
    if (count < 64) {
      for (let i = 0; i < count; i++) this.bytes[this.length + i] = from[start + i] as number;
    } else {
      this.bytes.set(from.subarray(start, end), this.length);
    }
    this.length = needed;
  }

  /** Hands the buffer out for reading; new bytes go to a fresh one until `giveBack`. */
  take(): void {
    this.bytes = NONE;
    this.length = 0;
  }

  giveBack(buffer: Uint8Array): void {
    if (this.length === 0 && this.bytes.length === 0 && buffer.length <= KEPT_BYTES) this.bytes = buffer;
    else this.memory.add(-buffer.length);
  }

  /** Bytes of the frame that is passed over are gone: seen or lost. */
  pass(count: number): void {
    this.skipLeft -= count;
    if (this.skipLeft === 0) this.mode = SYNC;
  }

  /** Drops what is carried: the next frame is looked for. `atBoundary`: it probably starts with the next byte. */
  seek(atBoundary: boolean): void {
    this.clear();
    this.mode = RESYNC;
    this.atBoundary = atBoundary;
    this.ruledOut = false;
  }

  clear(): void {
    this.length = 0;
    this.waiting = false;
    if (this.isLarge) this.free();
  }

  /** Gives back what the buffer has beyond the bytes that are carried. */
  trim(): void {
    this.memory.add(this.length - this.bytes.length);
    this.bytes = this.bytes.slice(0, this.length);
  }

  /** Gives the buffer back. Nothing is carried in it. */
  free(): void {
    this.memory.add(-this.bytes.length);
    this.bytes = NONE;
  }

  private grow(needed: number): void {
    let size = Math.max(this.bytes.length, FIRST_BYTES);
    while (size < needed) size *= 2;
    const grown = new Uint8Array(size);
    this.memory.add(size - this.bytes.length);
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
