/**
 * Timer wheel over slots: one bucket a tick, circular lists in typed arrays, so that scheduling and cancelling cost a
 * few stores and nothing is allocated. Within a bucket, first scheduled is first taken.
 *
 * A timer beyond the horizon waits in the last bucket and comes due early; the owner looks at the true deadline when
 * it takes a slot, and schedules it again. That also makes deadlines cheap to move: only the owner's own time changes.
 */
import { int32Table } from '../base/table-memory.ts';

export class TimerWheel {
  private readonly tickUs: number;
  private readonly mask: number;
  private readonly slots: number;
  /**
   * Links of slots, then of one sentinel a bucket, as distances: what links to itself holds 0, so that the memory of slots
   * that are never used is never touched.
   */
  private readonly next: Int32Array;
  private readonly previous: Int32Array;
  /** Next tick to be looked at; all timers lie within `[tick, tick + mask]`. */
  private tick = 0;
  /** Every bucket before this tick is empty. */
  private low = 0;
  private scheduled = 0;

  /** `buckets` is a power of two; the horizon is `tickUs * (buckets - 1)`. */
  constructor(slots: number, tickUs: number, buckets: number) {
    if ((buckets & (buckets - 1)) !== 0) throw new RangeError('buckets must be a power of two');
    this.tickUs = tickUs;
    this.mask = buckets - 1;
    this.slots = slots;
    this.next = int32Table(slots + buckets);
    this.previous = int32Table(slots + buckets);
  }

  /** Slots waiting. */
  get size(): number {
    return this.scheduled;
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.next.byteLength + this.previous.byteLength;
  }

  isScheduled(slot: number): boolean {
    return this.next[slot] !== 0;
  }

  /** Has `slot` come due at `dueUs` or up to a tick later, in place of its earlier schedule. */
  schedule(slot: number, dueUs: number, nowUs: number): void {
    this.cancel(slot);
    const now = Math.floor(nowUs / this.tickUs);
    if (this.scheduled === 0) {
      this.tick = now + 1;
      this.low = now + 1;
    }
    // The tick that starts at or after the deadline, so that a slot taken is a slot expired.
    const tick = Math.min(Math.max(Math.ceil(dueUs / this.tickUs), now + 1, this.tick), this.tick + this.mask);
    if (tick < this.low) this.low = tick;
    const sentinel = this.slots + (tick & this.mask);
    this.link(sentinel + (this.previous[sentinel] as number), slot);
    this.link(slot, sentinel);
    this.scheduled++;
  }

  cancel(slot: number): void {
    const next = this.next[slot] as number;
    if (next === 0) return;
    this.link(slot + (this.previous[slot] as number), slot + next);
    this.next[slot] = 0;
    this.previous[slot] = 0;
    this.scheduled--;
  }

  private link(from: number, to: number): void {
    this.next[from] = to - from;
    this.previous[to] = from - to;
  }

  /** Takes a slot that is due at `nowUs`, or -1. Call until it answers -1. */
  take(nowUs: number): number {
    const now = Math.floor(nowUs / this.tickUs);
    this.catchUp(now);
    for (; this.scheduled > 0 && this.tick <= now; this.tick++) {
      const sentinel = this.slots + (this.tick & this.mask);
      const distance = this.next[sentinel] as number;
      if (distance === 0) continue;
      const slot = sentinel + distance;
      this.cancel(slot);
      return slot;
    }
    return -1;
  }

  /** Passes over whole turns of the wheel when time has leapt: everything in it is due, whatever its bucket. */
  private catchUp(now: number): void {
    const buckets = this.mask + 1;
    const turns = Math.floor((now - this.tick - this.mask) / buckets);
    if (turns <= 0) return;
    this.tick += turns * buckets;
    this.low += turns * buckets;
  }

  /** The slot scheduled first, which stays scheduled; -1 when none is. Afterwards `earliestUs` is its time. */
  earliest(): number {
    if (this.scheduled === 0) return -1;
    if (this.low < this.tick) this.low = this.tick;
    for (; ; this.low++) {
      const sentinel = this.slots + (this.low & this.mask);
      const distance = this.next[sentinel] as number;
      if (distance !== 0) return sentinel + distance;
    }
  }

  get earliestUs(): number {
    return this.low * this.tickUs;
  }
}
