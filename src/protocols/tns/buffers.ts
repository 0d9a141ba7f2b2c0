/** What is kept of messages that span packets: a request whole, up to its cap; of a reply the beginning and the end. */
import type { HeldMemory } from '../../base/memory-budget.ts';
import { REPLY_HEAD_BYTES_MAX, REPLY_TAIL_BYTES_MAX, REQUEST_BYTES_MAX } from './limits.ts';

const FIRST_BYTES = 512;
/** A buffer that grew beyond this is freed once it is empty, so that idle connections stay small. */
const KEPT_BYTES = 4096;
/** Short packets after each of which a request is read; later ones only when it has grown by half. */
const ATTEMPTS_MAX = 16;
const REPLY_BYTES_MAX = REPLY_HEAD_BYTES_MAX + 4 * REPLY_TAIL_BYTES_MAX;

/** Grows by doubling up to `limit`. */
class Buffered {
  bytes: Uint8Array = NOTHING;
  length = 0;
  private readonly memory: HeldMemory;

  constructor(memory: HeldMemory) {
    this.memory = memory;
  }

  protected copy(from: Uint8Array, start: number, end: number, limit: number): void {
    const needed = this.length + end - start;
    if (needed > this.bytes.length) {
      let size = Math.max(FIRST_BYTES, this.bytes.length);
      while (size < needed) size *= 2;
      const grown = new Uint8Array(Math.min(size, limit));
      grown.set(this.bytes.subarray(0, this.length));
      this.replace(grown);
    }
    this.bytes.set(from.subarray(start, end), this.length);
    this.length = needed;
  }

  clear(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_BYTES) this.replace(NOTHING);
  }

  protected replace(bytes: Uint8Array): void {
    this.memory.add(bytes.length - this.bytes.length);
    this.bytes = bytes;
  }
}

const NOTHING = new Uint8Array(0);

export class RequestBuffer extends Buffered {
  /** Bytes beyond the cap were dropped. */
  overflowed = false;
  startUs = 0;
  private bytesMax = REQUEST_BYTES_MAX;
  /** How often it was read in vain, and its length at which that is worth trying again. */
  private attempts = 0;
  private attemptAt = 0;

  /** Whether what there is may be all. A message in very many short packets is not read again for each of them. */
  get mayBeWhole(): boolean {
    return this.length >= this.attemptAt;
  }

  /** It was read, and there must be more. */
  noteIncomplete(): void {
    this.attempts++;
    if (this.attempts >= ATTEMPTS_MAX) this.attemptAt = this.length + (this.length >> 1);
  }

  /** Bytes that may be added before some have to be dropped. */
  get room(): number {
    return this.bytesMax - this.length;
  }

  append(from: Uint8Array, start: number, end: number): void {
    const { room } = this;
    if (end - start > room) this.overflowed = true;
    this.copy(from, start, Math.min(end, start + room), this.bytesMax);
  }

  /** Memory is short: no more than `bytesMax` are kept of the message. */
  shorten(bytesMax: number): void {
    if (this.length > 0) this.bytesMax = bytesMax;
    if (this.length > bytesMax) this.overflowed = true;
    this.length = Math.min(this.length, bytesMax);
    this.replace(this.bytes.slice(0, this.length));
  }

  override clear(): void {
    super.clear();
    this.overflowed = false;
    this.bytesMax = REQUEST_BYTES_MAX;
    this.attempts = 0;
    this.attemptAt = 0;
  }
}

export class ReplyBuffer extends Buffered {
  /** Bytes between head and tail were dropped, or lost. */
  holed = false;
  wireBytes = 0;
  firstUs = 0;
  lastUs = 0;
  /** How often its end was looked for in vain. */
  searches = 0;

  append(from: Uint8Array, start: number, end: number): void {
    let pos = start;
    if (this.length + end - pos <= REPLY_BYTES_MAX) {
      this.copy(from, pos, end, REPLY_BYTES_MAX);
      return;
    }
    if (this.length < REPLY_HEAD_BYTES_MAX) {
      const count = Math.min(end - pos, REPLY_HEAD_BYTES_MAX - this.length);
      this.copy(from, pos, pos + count, REPLY_BYTES_MAX);
      pos += count;
    }
    this.holed = true;
    const fresh = Math.min(end - pos, REPLY_TAIL_BYTES_MAX);
    const old = Math.min(REPLY_TAIL_BYTES_MAX - fresh, this.length - REPLY_HEAD_BYTES_MAX);
    this.bytes.copyWithin(REPLY_HEAD_BYTES_MAX, this.length - old, this.length);
    this.length = REPLY_HEAD_BYTES_MAX + old;
    this.copy(from, end - fresh, end, REPLY_BYTES_MAX);
  }

  /** Where the kept end begins. */
  tailStart(): number {
    return Math.max(0, this.length - REPLY_TAIL_BYTES_MAX);
  }

  /** Drops what was said, keeping the counts: an error interrupted it. */
  interrupt(): void {
    this.length = 0;
    this.holed = true;
  }

  /** Memory is short: as after a loss, only what still comes is looked at. */
  free(): void {
    if (this.length > 0) this.interrupt();
    this.replace(NOTHING);
  }

  override clear(): void {
    super.clear();
    this.holed = false;
    this.wireBytes = 0;
    this.firstUs = 0;
    this.lastUs = 0;
    this.searches = 0;
  }
}
