/** Sums over records, by the number of the group they belong to. */
import type { Cells } from './rollup.ts';
import type { ChunkView } from './view.ts';

/** Combinations of classes for which a segment's sums lie in plain arrays; of more, those that occur get a slot each. */
const DENSE_MAX = 2 ** 18;
const SLOTS_MIN = 1024;
const NO_SLOT = 2 ** 32 - 1;

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

  /** Adds the records of the view, each to its slot. */
  add(view: ChunkView, slots: Uint32Array): void {
    const { records, failed, firstUs, lastUs } = this;
    const count = view.rows;
    const times = view.times();
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number;
      const timeUs = times[i] as number;
      records[slot] = (records[slot] as number) + 1;
      if (timeUs < (firstUs[slot] as number)) firstUs[slot] = timeUs;
      if (timeUs > (lastUs[slot] as number)) lastUs[slot] = timeUs;
    }
    if (!view.isEmpty('error')) {
      const errors = view.words('error');
      for (let i = 0; i < count; i++) {
        if (errors[i] !== 0) failed[slots[i] as number] = (failed[slots[i] as number] as number) + 1;
      }
    }
    if (!view.isEmpty('duration')) addAmounts(this.durationUs, slots, view.amounts('duration'), count);
    if (view.isEmpty('affected')) {
      if (!view.isEmpty('returned')) addAmounts(this.rows, slots, view.amounts('returned'), count);
    } else {
      addMoved(this.rows, slots, view.amounts('returned'), view.amounts('affected'), count);
    }
  }

  /** Adds cells `start` and following of a rollup, each to its slot. */
  addCells(cells: Cells, start: number, slots: Uint32Array, count: number): void {
    const { records, failed, rows, durationUs, firstUs, lastUs } = this;
    for (let i = 0; i < count; i++) {
      const at = start + i;
      const slot = slots[i] as number;
      if (slot === NO_SLOT) continue;
      const cellRecords = cells.records[at] as number;
      records[slot] = (records[slot] as number) + cellRecords;
      if (cells.failed[at] !== 0) failed[slot] = (failed[slot] as number) + cellRecords;
      rows[slot] = (rows[slot] as number) + (cells.rows[at] as number);
      durationUs[slot] = (durationUs[slot] as number) + (cells.durationUs[at] as number);
      firstUs[slot] = Math.min(firstUs[slot] as number, cells.firstUs[at] as number);
      lastUs[slot] = Math.max(lastUs[slot] as number, cells.lastUs[at] as number);
    }
  }
}

/** Rows returned, or else affected. */
function addMoved(
  sums: Float64Array,
  slots: Uint32Array,
  returned: Float64Array,
  affected: Float64Array,
  count: number,
): void {
  for (let i = 0; i < count; i++) {
    let amount = returned[i] as number;
    if (Number.isNaN(amount)) amount = affected[i] as number;
    if (!Number.isNaN(amount)) sums[slots[i] as number] = (sums[slots[i] as number] as number) + amount;
  }
}

function addAmounts(sums: Float64Array, slots: Uint32Array, amounts: Float64Array, count: number): void {
  for (let i = 0; i < count; i++) {
    const amount = amounts[i] as number;
    if (!Number.isNaN(amount)) sums[slots[i] as number] = (sums[slots[i] as number] as number) + amount;
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

  add(view: ChunkView, keys: Float64Array): void {
    // First: new slots may need bigger arrays, which are other ones.
    const slots = this.slotsFor(keys, view.rows);
    this.sums.add(view, slots);
  }

  /** Adds the cells for which `mask` is set; `keys` and `mask` begin with cell `start`. */
  addCells(cells: Cells, start: number, keys: Float64Array, mask: Uint8Array, count: number): void {
    const slots = this.slotsFor(keys, count);
    for (let i = 0; i < count; i++) if (mask[i] === 0) slots[i] = NO_SLOT;
    this.sums.addCells(cells, start, slots, count);
  }

  private slotsFor(keys: Float64Array, count: number): Uint32Array {
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
    return slots;
  }

  /** Slot and key of every group that has a record. */
  *used(): Generator<readonly [slot: number, key: number], void, undefined> {
    if (this.slotOf !== undefined) {
      for (const [key, slot] of this.slotOf) if (this.sums.records[slot] !== 0) yield [slot, key];
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
