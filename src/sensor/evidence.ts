/**
 * Keeps the packets behind alerts. It stands between reassembly and the protocols, so it knows which connection speaks;
 * the packets of each are held for a while (`RecentPackets`), and when a record with an alert comes out of one, they are
 * written down with the session's id.
 */

import { type EvidenceCounters, EvidenceFiles } from '../capture/evidence-files.ts';
import { RecentPackets } from '../capture/recent.ts';
import type { PacketBatch } from '../contracts/packet.ts';
import type { AuditRecord, RecordSink } from '../contracts/record.ts';
import { type FlowEnd, type Side, STREAM_IGNORE, type StreamReceiver, type StreamWish } from '../contracts/stream.ts';

export interface EvidenceOptions {
  readonly folder: string;
  /** Bytes of all files in the folder together. */
  readonly bytesMax: number;
}

export interface EvidenceSummary extends EvidenceCounters {
  /** Connections whose last packets were given up for those of newer ones. */
  readonly evictions: number;
}

const NO_SLOT = -1;

/** Text of the comment that ties a packet to its session. */
export function evidenceComment(session: string): string {
  return `wiretrail session ${session}`;
}

export class Evidence implements StreamReceiver, RecordSink {
  private readonly files: EvidenceFiles;
  private readonly recent: RecentPackets;
  private receiver: StreamReceiver | undefined;
  private batch: PacketBatch | undefined;
  private index = 0;
  /** Buffer of the packet being handled; tells bytes handed on in place from those held before. */
  private bytes: Uint8Array | undefined;
  private isKept = false;
  /** Flow whose bytes, gap or end the protocols are being told. */
  private slot = NO_SLOT;

  /** Throws `InputError` when the folder cannot be used. */
  constructor(options: EvidenceOptions, flowsMax: number) {
    this.files = new EvidenceFiles(options.folder, options.bytesMax);
    this.recent = new RecentPackets(flowsMax);
  }

  get counters(): EvidenceSummary {
    return { ...this.files.counters, evictions: this.recent.evictions };
  }

  /** Whom to pass everything on to. */
  setReceiver(receiver: StreamReceiver): void {
    this.receiver = receiver;
  }

  /** Packet `index` of `batch` is next; `bytes` is where its decoded payload lies. */
  before(batch: PacketBatch, index: number, bytes: Uint8Array): void {
    this.batch = batch;
    this.index = index;
    this.bytes = bytes;
    this.isKept = false;
  }

  /** The packet was handled, and belonged to the flow in `slot` (-1: to none). */
  after(slot: number): void {
    if (!this.isKept && slot >= 0 && this.recent.has(slot)) this.keep(slot);
    this.batch = undefined;
    this.bytes = undefined;
  }

  onData(slot: number, side: Side, bytes: Uint8Array, start: number, end: number, tsUs: number): StreamWish {
    if (!this.isKept && bytes === this.bytes) this.keep(slot);
    this.slot = slot;
    const wish = this.receiver?.onData(slot, side, bytes, start, end, tsUs) ?? STREAM_IGNORE;
    return this.leave(slot, wish);
  }

  onGap(slot: number, side: Side, lostBytes: number, tsUs: number): StreamWish {
    this.slot = slot;
    return this.leave(slot, this.receiver?.onGap(slot, side, lostBytes, tsUs) ?? STREAM_IGNORE);
  }

  onEnd(slot: number, reason: FlowEnd, tsUs: number): void {
    this.slot = slot;
    this.receiver?.onEnd(slot, reason, tsUs);
    this.leave(slot, STREAM_IGNORE);
  }

  write(record: AuditRecord): boolean {
    const isAlert = record.policy?.some(({ action }) => action === 'alert') ?? false;
    if (!isAlert || this.slot === NO_SLOT || record.session === undefined) return true;
    const comment = evidenceComment(record.session);
    this.recent.drain(this.slot, (bytes, descriptors, d) => this.files.write(bytes, descriptors, d, comment));
    return true;
  }

  close(): void {
    this.files.close();
  }

  private keep(slot: number): void {
    if (this.batch === undefined) return;
    this.recent.keep(slot, this.batch, this.index);
    this.isKept = true;
  }

  private leave(slot: number, wish: StreamWish): StreamWish {
    this.slot = NO_SLOT;
    if (wish === STREAM_IGNORE) this.recent.forget(slot);
    return wish;
  }
}
