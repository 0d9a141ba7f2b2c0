/**
 * Keeps the packets behind alerts. It stands between reassembly and the protocols, so it knows which connection speaks;
 * the packets of each are held for a while (`RecentPackets`), and when a record with an alert comes out of one, they are
 * written down with the session's id. Where several threads capture, some records are judged elsewhere: until word
 * comes back, their packets are kept even when the connection has ended.
 */

import { type EvidenceCounters, EvidenceFiles } from '../capture/evidence/evidence-files.ts';
import { type ParkedRing, RecentPackets } from '../capture/evidence/recent.ts';
import type { PacketBatch } from '../contracts/packet.ts';
import type { AuditRecord, RecordSink } from '../contracts/record.ts';
import {
  type FlowEnd,
  type FlowReader,
  type Side,
  STREAM_IGNORE,
  type StreamReceiver,
  type StreamWish,
} from '../contracts/stream.ts';

export interface EvidenceOptions {
  readonly folder: string;
  /** Bytes of all files in the folder together. */
  readonly bytesMax: number;
  /** Threads that write to it; 1 when not given. */
  readonly writers?: number;
}

/** What became of records that were judged elsewhere. Plain data. */
export interface Judged {
  /** All records up to this ticket were judged. */
  readonly upTo: number;
  /** Tickets of those with an alert. */
  readonly alerts: readonly number[];
}

/** A connection with records that are not judged yet. */
interface Awaited {
  /** -1 once the connection has left it. */
  slot: number;
  parked: ParkedRing | undefined;
  records: number;
}

export interface EvidenceSummary extends EvidenceCounters {
  /** Connections whose last packets were given up for those of newer ones. */
  readonly evictions: number;
}

/** Text of the comment that ties a packet to its session. */
export function evidenceComment(session: string): string {
  return `wiretrail session ${session}`;
}

export function isAlert({ policy }: AuditRecord): boolean {
  return policy?.some(({ action }) => action === 'alert') ?? false;
}

export class Evidence implements StreamReceiver, RecordSink {
  private readonly files: EvidenceFiles;
  private readonly recent: RecentPackets;
  private receiver: StreamReceiver | undefined;
  private flows: FlowReader | undefined;
  private batch: PacketBatch | undefined;
  private index = 0;
  /** Buffer of the packet being handled; tells bytes handed on in place from those held before. */
  private bytes: Uint8Array | undefined;
  private isKept = false;
  /** Flows that have a ring, by their ends; and the name of each by slot. */
  private readonly slots = new Map<string, number>();
  private readonly names = new Map<number, string>();
  /** Flows that ended with the packet being handled: their records may still be on the way. */
  private readonly ended: number[] = [];
  /** By slot; and by ticket, in order. The queue of the records bounds them. */
  private readonly awaited = new Map<number, Awaited>();
  private readonly tickets = new Map<number, { readonly session: string; readonly of: Awaited }>();
  private lastTicket = 0;
  private whenSettled: (() => void) | undefined;

  /** Throws `InputError` when the folder cannot be used. */
  constructor(options: EvidenceOptions, flowsMax: number) {
    this.files = new EvidenceFiles(options.folder, options.bytesMax, options.writers);
    this.recent = new RecentPackets(flowsMax);
  }

  get counters(): EvidenceSummary {
    return { ...this.files.counters, evictions: this.recent.evictions };
  }

  /** Whom to pass everything on to, and who knows the flows. */
  connect(receiver: StreamReceiver, flows: FlowReader): void {
    this.receiver = receiver;
    this.flows = flows;
  }

  /** Packet `index` of `batch` is next; `bytes` is where its decoded payload lies. */
  begin(batch: PacketBatch, index: number, bytes: Uint8Array): void {
    this.batch = batch;
    this.index = index;
    this.bytes = bytes;
    this.isKept = false;
  }

  /** The packet was handled, and belonged to the flow in `slot` (-1: to none). */
  end(slot: number): void {
    // Also when it ended the flow: its last records are still to come.
    if (!this.isKept && this.batch && slot >= 0 && this.recent.has(slot))
      this.recent.keep(slot, this.batch, this.index);
    this.batch = undefined;
    this.bytes = undefined;
  }

  /** All records of the packet were written. */
  forgetEnded(): void {
    for (let slot = this.ended.pop(); slot !== undefined; slot = this.ended.pop()) this.forget(slot);
  }

  onData(slot: number, side: Side, bytes: Uint8Array, start: number, end: number, tsUs: number): StreamWish {
    if (!this.isKept && bytes === this.bytes) this.keep(slot);
    return this.leave(slot, this.receiver?.onData(slot, side, bytes, start, end, tsUs) ?? STREAM_IGNORE);
  }

  onGap(slot: number, side: Side, lostBytes: number, tsUs: number): StreamWish {
    return this.leave(slot, this.receiver?.onGap(slot, side, lostBytes, tsUs) ?? STREAM_IGNORE);
  }

  onEnd(slot: number, reason: FlowEnd, tsUs: number): void {
    this.receiver?.onEnd(slot, reason, tsUs);
    this.leave(slot, STREAM_IGNORE);
  }

  write(record: AuditRecord): boolean {
    const { session } = record;
    if (session === undefined || !isAlert(record)) return true;
    const slot = this.slotOf(record);
    if (slot !== undefined)
      this.recent.drain(slot, (...packet) => this.files.write(...packet, evidenceComment(session)));
    return true;
  }

  /** The record is judged elsewhere. Answers the ticket for `settle`; 0 when there are no packets to be kept. */
  await(record: AuditRecord): number {
    const slot = this.slotOf(record);
    if (slot === undefined || record.session === undefined) return 0;
    const of = this.awaited.get(slot) ?? { slot, parked: undefined, records: 0 };
    this.awaited.set(slot, of);
    of.records++;
    this.tickets.set(++this.lastTicket, { session: record.session, of });
    return this.lastTicket;
  }

  settle({ upTo, alerts }: Judged): void {
    const wanted = new Set(alerts);
    for (const [ticket, { session, of }] of this.tickets) {
      if (ticket > upTo) break;
      this.tickets.delete(ticket);
      if (wanted.has(ticket)) this.keepAwaited(of, evidenceComment(session));
      if (--of.records > 0) continue;
      if (of.parked !== undefined) this.recent.release(of.parked);
      if (of.slot >= 0) this.awaited.delete(of.slot);
    }
    if (this.tickets.size === 0) this.whenSettled?.();
  }

  /** Resolves when all records that were judged elsewhere are settled. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.whenSettled = resolve;
      if (this.tickets.size === 0) resolve();
    });
  }

  private keepAwaited({ slot, parked }: Awaited, comment: string): void {
    if (parked !== undefined) this.recent.drainParked(parked, (...packet) => this.files.write(...packet, comment));
    else if (slot >= 0) this.recent.drain(slot, (...packet) => this.files.write(...packet, comment));
  }

  private slotOf({ clientAddress, clientPort, serverAddress, serverPort }: AuditRecord): number | undefined {
    const client = `${clientAddress} ${clientPort}`;
    const server = `${serverAddress} ${serverPort}`;
    return this.slots.get(`${client} ${server}`) ?? this.slots.get(`${server} ${client}`);
  }

  close(): void {
    this.files.close();
  }

  private keep(slot: number): void {
    if (this.batch === undefined || this.flows === undefined) return;
    // A new flow in the slot of one that ended with this very packet.
    if (this.ended.includes(slot)) this.forgetEnded();
    if (!this.recent.has(slot)) {
      const { flows } = this;
      this.forget(slot);
      const name = `${flows.address(slot, 0)} ${flows.port(slot, 0)} ${flows.address(slot, 1)} ${flows.port(slot, 1)}`;
      this.names.set(slot, name);
      this.slots.set(name, slot);
    }
    this.recent.keep(slot, this.batch, this.index);
    this.isKept = true;
  }

  private leave(slot: number, wish: StreamWish): StreamWish {
    if (wish === STREAM_IGNORE && this.recent.has(slot)) this.ended.push(slot);
    return wish;
  }

  private forget(slot: number): void {
    const name = this.names.get(slot);
    if (name !== undefined && this.slots.get(name) === slot) this.slots.delete(name);
    this.names.delete(slot);
    const awaited = this.awaited.get(slot);
    if (awaited === undefined) {
      this.recent.forget(slot);
      return;
    }
    awaited.parked = this.recent.park(slot);
    awaited.slot = -1;
    this.awaited.delete(slot);
  }
}
