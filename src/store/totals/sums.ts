/** Sums over records, by the number of the group they belong to. */

import { CHUNK_ROWS_MAX } from '../segment/columns.ts';
import type { Cells } from '../segment/rollup.ts';
import type { ChunkView } from '../segment/view.ts';
import type { Measures } from './aggregate.ts';

/** Keys whose slots are found in an array; of more, in a map. */
const INDEXED_MAX = 2 ** 20;
const SLOTS_MIN = 256;
const NO_SLOT = 2 ** 32 - 1;
/** Slots of the records being added; used again by every call, as it holds nothing between two. */
const SLOTS = new Uint32Array(CHUNK_ROWS_MAX);

/** The sums of a group stand side by side, in one line of the processor's cache. */
const SLOT_NUMBERS = 8;
const SLOT_SHIFT = 3;
const RECORDS = 0;
const FAILED = 1;
const ROWS = 2;
const DURATION = 3;
const FIRST = 4;
const LAST = 5;
const PLACES: Readonly<Record<keyof Measures, number>> = {
  records: RECORDS,
  failed: FAILED,
  rows: ROWS,
  durationUs: DURATION,
  firstUs: FIRST,
  lastUs: LAST,
};

/** The sums of one segment, by key: the numbers of a record's classes in one number. Groups get slots as they occur. */
export class SegmentSums {
  /** Slots in use. */
  count = 0;
  /** By slot. */
  keys: Float64Array = new Float64Array(SLOTS_MIN);
  private sums: Float64Array = new Float64Array(SLOTS_MIN * SLOT_NUMBERS);
  /** By key: its slot and one; `undefined`: there are too many keys. */
  private readonly index: Int32Array | undefined;
  private readonly slotOf = new Map<number, number>();

  /** `keys`: all are below it. */
  constructor(keys: number) {
    this.index = keys <= INDEXED_MAX ? new Int32Array(keys) : undefined;
  }

  /** A sum of a slot in use. */
  of(slot: number, measure: keyof Measures): number {
    return this.sums[(slot << SLOT_SHIFT) + PLACES[measure]] as number;
  }

  /** Adds the records of the view; `keys` has the key of each. */
  add(view: ChunkView, keys: Float64Array): void {
    // First: new slots may need a bigger array, which is another one.
    this.findSlots(keys, undefined, view.rows);
    const { sums } = this;
    const count = view.rows;
    const times = view.times();
    const errors = view.words('error');
    const durations = view.amounts('duration');
    const moved = view.moved();
    for (let i = 0; i < count; i++) {
      const at = (SLOTS[i] as number) << SLOT_SHIFT;
      sums[at] = (sums[at] as number) + 1;
      if (errors[i] !== 0) sums[at + FAILED] = (sums[at + FAILED] as number) + 1;
      const rows = moved[i] as number;
      if (!Number.isNaN(rows)) sums[at + ROWS] = (sums[at + ROWS] as number) + rows;
      const durationUs = durations[i] as number;
      if (!Number.isNaN(durationUs)) sums[at + DURATION] = (sums[at + DURATION] as number) + durationUs;
      const timeUs = times[i] as number;
      if (timeUs < (sums[at + FIRST] as number)) sums[at + FIRST] = timeUs;
      if (timeUs > (sums[at + LAST] as number)) sums[at + LAST] = timeUs;
    }
  }

  /** Adds the cells for which `mask` is set; `keys` and `mask` begin with cell `start`. */
  addCells(cells: Cells, start: number, keys: Float64Array, mask: Uint8Array, count: number): void {
    this.findSlots(keys, mask, count);
    const { sums } = this;
    for (let i = 0; i < count; i++) {
      const slot = SLOTS[i] as number;
      if (slot === NO_SLOT) continue;
      const at = slot << SLOT_SHIFT;
      const cell = start + i;
      const records = cells.records[cell] as number;
      sums[at] = (sums[at] as number) + records;
      if (cells.failed[cell] !== 0) sums[at + FAILED] = (sums[at + FAILED] as number) + records;
      sums[at + ROWS] = (sums[at + ROWS] as number) + (cells.rows[cell] as number);
      sums[at + DURATION] = (sums[at + DURATION] as number) + (cells.durationUs[cell] as number);
      sums[at + FIRST] = Math.min(sums[at + FIRST] as number, cells.firstUs[cell] as number);
      sums[at + LAST] = Math.max(sums[at + LAST] as number, cells.lastUs[cell] as number);
    }
  }

  private findSlots(keys: Float64Array, mask: Uint8Array | undefined, count: number): void {
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
  }

  private newSlot(key: number): number {
    const slot = this.count++;
    if (this.index === undefined) this.slotOf.set(key, slot);
    else this.index[key] = slot + 1;
    if (slot === this.keys.length) {
      this.keys = grown(this.keys);
      this.sums = grown(this.sums);
    }
    this.keys[slot] = key;
    this.sums[(slot << SLOT_SHIFT) + FIRST] = Number.POSITIVE_INFINITY;
    this.sums[(slot << SLOT_SHIFT) + LAST] = Number.NEGATIVE_INFINITY;
    return slot;
  }
}

/** Twice as long. */
function grown(numbers: Float64Array): Float64Array {
  const longer = new Float64Array(numbers.length * 2);
  longer.set(numbers);
  return longer;
}
