/**
 * Order of records that one packet completed, the same however flows are shared out among threads: each session's in
 * the order in which it said them, and sessions by time. A mirror may reorder frames, so the times of one session need
 * not rise; the latest so far stands for a record then.
 */
import type { AuditRecord } from '../contracts/record.ts';

export interface Ordered {
  readonly record: AuditRecord;
  /** Time by which the record takes its place, from `PacketOrder.keyUs`. */
  readonly orderUs: number;
}

export class PacketOrder {
  private position = -1;
  /** The first record at this position: nearly always the only one. */
  private firstSession: string | undefined = undefined;
  private firstUs = 0;
  /** Latest time of each session's records at this position, once there are several. */
  private readonly latest = new Map<string, number>();

  /** To be asked for every record, in the order of its session. `position`: number of the packet that completed it. */
  keyUs(record: AuditRecord, position: number): number {
    const { session, timeUs } = record;
    if (position !== this.position) {
      this.position = position;
      this.firstSession = session;
      this.firstUs = timeUs;
      if (this.latest.size > 0) this.latest.clear();
      return timeUs;
    }
    if (this.latest.size === 0 && this.firstSession !== undefined) this.latest.set(this.firstSession, this.firstUs);
    if (session === undefined) return timeUs;
    const keyUs = Math.max(timeUs, this.latest.get(session) ?? timeUs);
    this.latest.set(session, keyUs);
    return keyUs;
  }
}

/** Total order: a session's records have rising ids. */
export function compareOrdered(a: Ordered, b: Ordered): number {
  const idA = a.record.id;
  const idB = b.record.id;
  return a.orderUs - b.orderUs || (idA < idB ? -1 : idA > idB ? 1 : 0);
}
