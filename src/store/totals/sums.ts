/** Sums over records, by the number of the group they belong to. */

import type { ChunkView } from '../segment/view.ts';
import type { Measures } from './aggregate.ts';
import type { CellView } from './cells.ts';

/** Keys whose slots are found in an array; of more, in a map. */
const INDEXED_MAX = 2 ** 20;
const SLOTS_MIN = 1024;

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

/** Of some rows of a small table, from `start` on: 1 for each that counts, and its key less what the period adds. */
export interface RowKeys {
  readonly start: number;
  readonly mask: Uint8Array;
  readonly keys: Float64Array;
}

/**
 * What sums are made in. Arrays of some megabytes made anew for each segment would cost more than the few records that
 * most filters find, so a room is used again by the next; its index is all zero in between.
 */
class Room {
  /** By key: its slot and one. */
  readonly index: Int32Array = new Int32Array(INDEXED_MAX);
  /** By slot. */
  keys: Float64Array = new Float64Array(SLOTS_MIN);
  sums: Float64Array = new Float64Array(SLOTS_MIN * SLOT_NUMBERS);
}

/** Rooms that nobody is in; the tables of a segment are summed side by side. */
const ROOMS: Room[] = [];
const ROOMS_MAX = 6;
/** A room that grew beyond so many slots is not kept. */
const ROOM_SLOTS_MAX = 2 ** 17;

/**
 * The sums of one segment, by key: the numbers of a record's classes in one number. Groups get slots as they occur.
 * `release` ends the use of it.
 */
export class SegmentSums {
  /** Slots in use. */
  count = 0;
  private readonly room: Room;
  /** There are too many keys for an index. */
  private readonly slotOf: Map<number, number> | undefined;

  /** `keys`: all are below it. */
  constructor(keys: number) {
    this.slotOf = keys <= INDEXED_MAX ? undefined : new Map();
    this.room = ROOMS.pop() ?? new Room();
  }

  /** The key of a slot in use. */
  keyOf(slot: number): number {
    return this.room.keys[slot] as number;
  }

  /** Adds what a slot in use has come to: to six numbers from `at` on, in the order of `Measures`. */
  addTo(numbers: Float64Array, at: number, slot: number): void {
    const { sums } = this.room;
    const from = slot << SLOT_SHIFT;
    for (let n = 0; n < FIRST; n++) numbers[at + n] = (numbers[at + n] as number) + (sums[from + n] as number);
    numbers[at + FIRST] = Math.min(numbers[at + FIRST] as number, sums[from + FIRST] as number);
    numbers[at + LAST] = Math.max(numbers[at + LAST] as number, sums[from + LAST] as number);
  }

  /** A sum of a slot in use. */
  of(slot: number, measure: keyof Measures): number {
    return this.room.sums[(slot << SLOT_SHIFT) + PLACES[measure]] as number;
  }

  /** Adds the records of the view; `keys` has the key of each. */
  add(view: ChunkView, keys: Float64Array): void {
    const { room } = this;
    const count = view.rows;
    const times = view.times();
    const errors = view.words('error');
    const durations = view.amounts('duration');
    const moved = view.moved();
    let last = NO_KEY;
    let at = 0;
    for (let i = 0; i < count; i++) {
      const key = keys[i] as number;
      if (key !== last) {
        at = this.slotFor(key) << SLOT_SHIFT;
        last = key;
      }
      // After a new slot: it may have needed a bigger array.
      const { sums } = room;
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

  /** Adds the cells of a view; `keys` has the key of each. */
  addCells(view: CellView, keys: Float64Array): void {
    const { room } = this;
    const { cells } = view;
    for (let i = 0; i < view.rows; i++) {
      const at = this.slotFor(keys[i] as number) << SLOT_SHIFT;
      const { sums } = room;
      const cell = view.placeOf(i);
      const records = cells.records[cell] as number;
      sums[at] = (sums[at] as number) + records;
      if (cells.failed[cell] !== 0) sums[at + FAILED] = (sums[at + FAILED] as number) + records;
      sums[at + ROWS] = (sums[at + ROWS] as number) + (cells.rows[cell] as number);
      sums[at + DURATION] = (sums[at + DURATION] as number) + (cells.durationUs[cell] as number);
      const firstUs = cells.firstUs[cell] as number;
      const lastUs = cells.lastUs[cell] as number;
      if (firstUs < (sums[at + FIRST] as number)) sums[at + FIRST] = firstUs;
      if (lastUs > (sums[at + LAST] as number)) sums[at + LAST] = lastUs;
    }
  }

  /** Adds numbers of records by row, all of one period and outcome; what else is summed stays 0. */
  addCounts(
    rows: Uint32Array,
    records: Uint32Array,
    { start, mask, keys }: RowKeys,
    { keyMore, timeUs, failed }: { readonly keyMore: number; readonly timeUs: number; readonly failed: boolean },
  ): void {
    const { room } = this;
    for (let i = 0; i < rows.length; i++) {
      const place = (rows[i] as number) - start;
      if (mask[place] !== 1) continue;
      const at = this.slotFor((keys[place] as number) + keyMore) << SLOT_SHIFT;
      const { sums } = room;
      const more = records[i] as number;
      sums[at] = (sums[at] as number) + more;
      if (failed) sums[at + FAILED] = (sums[at + FAILED] as number) + more;
      if (timeUs < (sums[at + FIRST] as number)) sums[at + FIRST] = timeUs;
      if (timeUs > (sums[at + LAST] as number)) sums[at + LAST] = timeUs;
    }
  }

  /** Leaves the room to the next; nothing may be asked of this any more. */
  release(): void {
    const { room, count } = this;
    if (ROOMS.length === ROOMS_MAX || room.keys.length > ROOM_SLOTS_MAX) return;
    if (this.slotOf === undefined) for (let slot = 0; slot < count; slot++) room.index[room.keys[slot] as number] = 0;
    ROOMS.push(room);
  }

  private slotFor(key: number): number {
    if (this.slotOf !== undefined) return this.slotOf.get(key) ?? this.newSlot(key);
    const known = this.room.index[key] as number;
    return known === 0 ? this.newSlot(key) : known - 1;
  }

  private newSlot(key: number): number {
    const { room } = this;
    const slot = this.count++;
    if (this.slotOf === undefined) room.index[key] = slot + 1;
    else this.slotOf.set(key, slot);
    if (slot === room.keys.length) {
      room.keys = grown(room.keys);
      room.sums = grown(room.sums);
    }
    room.keys[slot] = key;
    const at = slot << SLOT_SHIFT;
    room.sums.fill(0, at, at + FIRST);
    room.sums[at + FIRST] = Number.POSITIVE_INFINITY;
    room.sums[at + LAST] = Number.NEGATIVE_INFINITY;
    return slot;
  }
}

/** No record has it. */
const NO_KEY = -1;

/** Twice as long. */
function grown(numbers: Float64Array): Float64Array {
  const longer = new Float64Array(numbers.length * 2);
  longer.set(numbers);
  return longer;
}
