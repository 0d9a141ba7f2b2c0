/** What the packet sources share: the batch they lend out, the bytes a file reader works on, and their error. */
import { UserError } from '../base/errors.ts';
import {
  DESCRIPTOR_CAPTURED_BYTES,
  DESCRIPTOR_INTERFACE,
  DESCRIPTOR_LINK,
  DESCRIPTOR_NANOSECONDS,
  DESCRIPTOR_OFFSET,
  DESCRIPTOR_SECONDS,
  DESCRIPTOR_VLAN,
  DESCRIPTOR_WIRE_BYTES,
  DESCRIPTOR_WORDS,
  type PacketBatch,
  type SourceStats,
} from '../contracts/packet.ts';

/**
 * The input cannot be used: no such file, not a capture, corrupt, no such interface, no privilege. The message is one
 * line that names the input. A command ends with exit code 2.
 */
export class InputError extends UserError {
  override readonly name = 'InputError';
}

/** Longest packet a file may claim: the largest snap length of tcpdump, dumpcap and the pcap specification. */
export const PACKET_BYTES_MAX: number = 256 * 1024;

/** A batch that is filled again and again: one instance for each source, no allocation per packet or batch. */
export class ReusedBatch implements PacketBatch {
  bytes: Uint8Array;
  readonly descriptors: Int32Array;
  count = 0;
  lostBefore = 0;
  /** Packets that fit. */
  readonly capacity: number;
  /** Sum of the wire bytes in this batch. */
  wireBytes = 0;
  /** Packets in this batch that were cut by the snap length, and what is missing of them. */
  cutPackets = 0;
  cutBytes = 0;

  constructor(bytes: Uint8Array, capacity: number) {
    this.bytes = bytes;
    this.capacity = capacity;
    this.descriptors = new Int32Array(capacity * DESCRIPTOR_WORDS);
  }

  clear(): void {
    this.count = 0;
    this.lostBefore = 0;
    this.wireBytes = 0;
    this.cutPackets = 0;
    this.cutBytes = 0;
  }

  /**
   * Appends a packet; the caller has checked `count < capacity`. Some writers leave the wire length 0 or below the
   * captured length; what was captured was on the wire.
   */
  add(
    offset: number,
    capturedBytes: number,
    wireBytes: number,
    vlan: number,
    link: number,
    interfaceIndex: number,
    seconds: number,
    nanoseconds: number,
  ): void {
    const d = this.descriptors;
    const base = this.count * DESCRIPTOR_WORDS;
    const wire = Math.max(wireBytes, capturedBytes);
    d[base + DESCRIPTOR_OFFSET] = offset;
    d[base + DESCRIPTOR_CAPTURED_BYTES] = capturedBytes;
    d[base + DESCRIPTOR_WIRE_BYTES] = wire;
    d[base + DESCRIPTOR_VLAN] = vlan;
    d[base + DESCRIPTOR_LINK] = link;
    d[base + DESCRIPTOR_INTERFACE] = interfaceIndex;
    d[base + DESCRIPTOR_SECONDS] = seconds;
    d[base + DESCRIPTOR_NANOSECONDS] = nanoseconds;
    this.wireBytes += wire;
    this.count++;
    if (wire === capturedBytes) return;
    this.cutPackets++;
    this.cutBytes += wire - capturedBytes;
  }
}

/** The unread part `[start, end)` of a file, in a buffer of fixed size. */
export class ByteWindow {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  start = 0;
  end = 0;
  /** Position in the (decompressed) input of `bytes[0]`. */
  base = 0;

  constructor(bufferBytes: number) {
    this.bytes = new Uint8Array(bufferBytes);
    this.view = new DataView(this.bytes.buffer);
  }

  available(): number {
    return this.end - this.start;
  }

  /** Position in the input of the next unread byte. */
  position(): number {
    return this.base + this.start;
  }

  /** Makes room behind the unread bytes by moving them to the front. */
  compact(): void {
    if (this.start === 0) return;
    this.bytes.copyWithin(0, this.start, this.end);
    this.base += this.start;
    this.end -= this.start;
    this.start = 0;
  }

  reset(): void {
    this.start = 0;
    this.end = 0;
    this.base = 0;
  }
}

/** Reads the records of one file format. */
export interface RecordDecoder {
  /**
   * Moves whole records from the front of `window` into `batch`, until either is exhausted. Always consumes
   * something when the window is full.
   *
   * @returns What makes the rest of the input unusable, without the file's name; else `undefined`.
   */
  decode(window: ByteWindow, batch: ReusedBatch): string | undefined;
  /** True when the input may end here: not in the middle of a record. */
  atBoundary(): boolean;
  /** Packets that the capturing program says it lost, as far as read. */
  lostPackets(): number;
}

export function emptyStats(): SourceStats {
  return { packets: 0, bytes: 0, drops: 0, freezes: 0, truncatedInputs: 0, cutPackets: 0, cutBytes: 0 };
}

/** Of a batch, what a source counts. */
export type BatchCounts = Pick<ReusedBatch, 'count' | 'wireBytes' | 'cutPackets' | 'cutBytes'>;

/** Adds what a source hands over to its counts. */
export function countBatch(stats: SourceStats, batch: Readonly<BatchCounts>): void {
  stats.packets += batch.count;
  stats.bytes += batch.wireBytes;
  stats.cutPackets += batch.cutPackets;
  stats.cutBytes += batch.cutBytes;
}
