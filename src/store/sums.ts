/** Sums over records, by the number of the group they belong to. */
import { CHUNK_ROWS_MAX } from './columns.ts';
import type { Cells } from './rollup.ts';
import type { ChunkView } from './view.ts';

/** Keys whose slots are found in an array; of more, in a map. */
const INDEXED_MAX = 2 ** 20;
const SLOTS_MIN = 256;
const NO_SLOT = 2 ** 32 - 1;
/** Slots of the records being added; used again by every call, as it holds nothing between two. */
const SLOTS = new Uint32Array(CHUNK_ROWS_MAX);

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

/** The sums of one segment, by key: the numbers of a record's classes in one number. Groups get slots as they occur. */
export class SegmentSums {
  sums: Sums = new Sums(SLOTS_MIN);
  /** Slots in use. */
  count = 0;
  /** By slot. */
  keys: Float64Array = new Float64Array(SLOTS_MIN);
  /** By key: its slot and one; `undefined`: there are too many keys. */
  private readonly index: Int32Array | undefined;
  private readonly slotOf: Map<number, number>;

  /** `keys`: all are below it. */
  constructor(keys: number) {
    this.index = keys <= INDEXED_MAX ? new Int32Array(keys) : undefined;
    this.slotOf = new Map();
  }

  /** Adds the records of the view; `keys` has the key of each. */
  add(view: ChunkView, keys: Float64Array): void {
    // First: new slots may need bigger arrays, which are other ones.
    const slots = this.slotsFor(keys, undefined, view.rows);
    this.sums.add(view, slots);
  }

  /** Adds the cells for which `mask` is set; `keys` and `mask` begin with cell `start`. */
  addCells(cells: Cells, start: number, keys: Float64Array, mask: Uint8Array, count: number): void {
    const slots = this.slotsFor(keys, mask, count);
    this.sums.addCells(cells, start, slots, count);
  }

  private slotsFor(keys: Float64Array, mask: Uint8Array | undefined, count: number): Uint32Array {
    const { index } = this;
    for (let i = 0; i < count; i++) {
      if (mask !== undefined && mask[i] === 0) {
        SLOTS[i] = NO_SLOT;
        continue;
      }
      const key = keys[i] as number;
      const known = index === undefined ? this.slotOf.get(key) : (index[key] as number) - 1;
      SLOTS[i] = known === undefined || known < 0 ? this.newSlot(key) : known;
    }
    const capacity = this.keys.length;
    if (this.sums.records.length < capacity) this.sums = this.sums.grownTo(capacity);
    return SLOTS;
  }

  private newSlot(key: number): number {
    const slot = this.count++;
    if (this.index === undefined) this.slotOf.set(key, slot);
    else this.index[key] = slot + 1;
    if (slot === this.keys.length) {
      const grown = new Float64Array(2 * slot);
      grown.set(this.keys);
      this.keys = grown;
    }
    this.keys[slot] = key;
    return slot;
  }
}
