/** Sums over records, by the number of the group they belong to. */
import type { ChunkView } from './select.ts';

/** Combinations of classes for which a segment's sums lie in plain arrays; of more, those that occur get a slot each. */
const DENSE_MAX = 2 ** 20;
const SLOTS_MIN = 1024;

/** Sums by slot number. */
export class Sums {
  records: Float64Array;
  failed: Float64Array;
  rows: Float64Array;
  durationUs: Float64Array;
  firstUs: Float64Array;
  lastUs: Float64Array;

  constructor(slots: number) {
    this.records = new Float64Array(slots);
    this.failed = new Float64Array(slots);
    this.rows = new Float64Array(slots);
    this.durationUs = new Float64Array(slots);
    this.firstUs = new Float64Array(slots).fill(Number.POSITIVE_INFINITY);
    this.lastUs = new Float64Array(slots).fill(Number.NEGATIVE_INFINITY);
  }

  grownTo(slots: number): Sums {
    const grown = new Sums(slots);
    grown.records.set(this.records);
    grown.failed.set(this.failed);
    grown.rows.set(this.rows);
    grown.durationUs.set(this.durationUs);
    grown.firstUs.set(this.firstUs);
    grown.lastUs.set(this.lastUs);
    return grown;
  }

  /** Adds `count` records of the chunk: `picked` names them, `slots` where each belongs. */
  add(view: ChunkView, picked: Uint32Array, slots: Uint32Array, count: number): void {
    const { records, failed, rows, durationUs, firstUs, lastUs } = this;
    const errors = view.words('error');
    const returned = view.amounts('returned');
    const affected = view.amounts('affected');
    const durations = view.amounts('duration');
    const times = view.times();
    for (let i = 0; i < count; i++) {
      const at = picked[i] as number;
      const slot = slots[i] as number;
      records[slot] = (records[slot] as number) + 1;
      if (errors[at] !== 0) failed[slot] = (failed[slot] as number) + 1;
      let amount = returned[at] as number;
      if (Number.isNaN(amount)) amount = affected[at] as number;
      if (!Number.isNaN(amount)) rows[slot] = (rows[slot] as number) + amount;
      const duration = durations[at] as number;
      if (!Number.isNaN(duration)) durationUs[slot] = (durationUs[slot] as number) + duration;
      const timeUs = times[at] as number;
      if (timeUs < (firstUs[slot] as number)) firstUs[slot] = timeUs;
      if (timeUs > (lastUs[slot] as number)) lastUs[slot] = timeUs;
    }
  }
}

/** The sums of one segment, by key: the numbers of a record's classes in one number. */
export class SegmentSums {
  sums: Sums;
  /** `undefined`: keys are slots. */
  private readonly slotOf: Map<number, number> | undefined;
  private readonly slots: Uint32Array;
  private capacity: number;

  /** `keys`: all are below it. `chunkRows`: records added at once at most. */
  constructor(keys: number, chunkRows: number) {
    this.slotOf = keys <= DENSE_MAX ? undefined : new Map();
    this.capacity = this.slotOf === undefined ? keys : SLOTS_MIN;
    this.sums = new Sums(this.capacity);
    this.slots = new Uint32Array(chunkRows);
  }

  add(view: ChunkView, picked: Uint32Array, keys: Float64Array, count: number): void {
    const { slots, slotOf } = this;
    if (slotOf === undefined) {
      for (let i = 0; i < count; i++) slots[i] = keys[i] as number;
    } else {
      for (let i = 0; i < count; i++) {
        const key = keys[i] as number;
        let slot = slotOf.get(key);
        if (slot === undefined) {
          slot = slotOf.size;
          slotOf.set(key, slot);
        }
        slots[i] = slot;
      }
      this.makeRoom(slotOf.size);
    }
    this.sums.add(view, picked, slots, count);
  }

  /** Slot and key of every group that has a record. */
  *used(): Generator<readonly [slot: number, key: number], void, undefined> {
    if (this.slotOf !== undefined) {
      for (const [key, slot] of this.slotOf) yield [slot, key];
      return;
    }
    for (let key = 0; key < this.capacity; key++) if (this.sums.records[key] !== 0) yield [key, key];
  }

  private makeRoom(slots: number): void {
    if (slots <= this.capacity) return;
    this.capacity = Math.max(slots, this.capacity * 2);
    this.sums = this.sums.grownTo(this.capacity);
  }
}
