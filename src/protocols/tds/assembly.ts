/**
 * Puts the packets of one request together. A request of one packet is read where it lies; of a longer one at most
 * `MESSAGE_BYTES_MAX` are kept, fewer when memory is short. What lies beyond is measured and, for a batch, hashed.
 */
import type { HeldMemory } from '../../base/memory-budget.ts';
import type { Frame } from '../../contracts/protocol.ts';
import { Digest } from '../sdk/long.ts';
import { PACKET_BATCH, PACKET_BULK } from './constants.ts';
import { headersLength } from './headers.ts';
import { MESSAGE_BYTES_MAX } from './limits.ts';

/** A request as it is read: `bytes[start, end)`, borrowed for the call. */
export interface Message {
  readonly type: number;
  /** Status of its first packet. */
  readonly status: number;
  readonly startUs: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Bytes it had, without packet headers. */
  readonly length: number;
  /** Its beginning was not seen. */
  readonly headless: boolean;
  /** A part of it is missing: only what is before that is in `bytes`. */
  readonly isBroken: boolean;
  readonly lostBytes: number;
  /** Of a batch of which not all was kept: SHA-256 of its text. `undefined` when not all of it was seen. */
  textSha256(): string | undefined;
}

export class Assembly implements Message {
  /** Packet type; -1 between messages. */
  type = -1;
  status = 0;
  startUs = 0;
  bytes: Uint8Array = NOTHING;
  start = 0;
  end = 0;
  length = 0;
  headless = false;
  isBroken = false;
  lostBytes = 0;
  private kept: Uint8Array = NOTHING;
  private bytesMax = MESSAGE_BYTES_MAX;
  private digest: Digest | undefined = undefined;
  private readonly memory: HeldMemory;

  constructor(memory: HeldMemory) {
    this.memory = memory;
  }

  begin(type: number, status: number, startUs: number): void {
    this.clear();
    this.type = type;
    this.status = status;
    this.startUs = startUs;
  }

  clear(): void {
    this.type = -1;
    this.length = 0;
    this.start = 0;
    this.end = 0;
    this.bytes = NOTHING;
    this.replace(NOTHING);
    this.bytesMax = MESSAGE_BYTES_MAX;
    this.headless = false;
    this.isBroken = false;
    this.lostBytes = 0;
    this.digest = undefined;
  }

  /** Payload of a packet. */
  add(bytes: Uint8Array, start: number, end: number, frame: Frame): void {
    const size = end - start;
    if (!this.isBroken) {
      if (this.length === 0) this.lend(bytes, start, end);
      else this.keep(bytes, start, end);
    }
    this.length += size;
    if (frame.truncated || frame.lostBytes > 0) {
      this.isBroken = true;
      this.lostBytes += frame.lostBytes;
    }
  }

  lose(lostBytes: number): void {
    this.isBroken = true;
    this.lostBytes += lostBytes;
  }

  /** Hands the message out, then forgets it. */
  take(read: (message: Message) => void): void {
    read(this);
    this.clear();
  }

  /** Called between packets of a message that goes on: what was lent is copied. */
  own(): void {
    if (this.type < 0 || this.bytes === this.kept || this.type === PACKET_BULK) return;
    const size = this.end - this.start;
    const own = new Uint8Array(Math.max(FIRST_BYTES, size));
    own.set(this.bytes.subarray(this.start, this.end));
    this.replace(own);
    this.bytes = this.kept;
    this.start = 0;
    this.end = size;
  }

  /** Memory is short: no more than `bytesMax` are kept of the message. */
  shorten(bytesMax: number): void {
    if (this.type < 0 || this.kept.length <= bytesMax) return;
    if (this.end > bytesMax) this.hashBeyond(NOTHING, 0, 0);
    this.bytesMax = bytesMax;
    this.end = Math.min(this.end, bytesMax);
    this.replace(this.kept.slice(0, this.end));
    this.bytes = this.kept;
  }

  private replace(kept: Uint8Array): void {
    this.memory.add(kept.length - this.kept.length);
    this.kept = kept;
  }

  private lend(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  private keep(bytes: Uint8Array, start: number, end: number): void {
    if (this.type === PACKET_BULK) return;
    const count = Math.min(end - start, this.bytesMax - this.end);
    if (count < end - start) this.hashBeyond(bytes, start, end);
    if (count === 0) return;
    const needed = this.end + count;
    if (needed > this.kept.length) {
      const grown = new Uint8Array(Math.min(this.bytesMax, Math.max(2 * this.kept.length, needed)));
      grown.set(this.kept.subarray(0, this.end));
      this.replace(grown);
    }
    this.kept.set(bytes.subarray(start, start + count), this.end);
    this.bytes = this.kept;
    this.end = needed;
  }

  /** The text of a batch too long to keep: all of it is hashed. */
  private hashBeyond(bytes: Uint8Array, start: number, end: number): void {
    if (this.type !== PACKET_BATCH) return;
    this.digest ??= new Digest().add(this.kept, headersLength(this.kept, 0, this.end), this.end);
    this.digest.add(bytes, start, end);
  }

  textSha256(): string | undefined {
    return this.isBroken || this.headless ? undefined : this.digest?.sha256();
  }
}

const NOTHING = new Uint8Array(0);
const FIRST_BYTES = 4096;
