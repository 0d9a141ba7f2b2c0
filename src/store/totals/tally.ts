/**
 * Sums by row of one small table, and how many records there are in each period: all that a page asks of the records which
 * a filter picks, from one pass over them. Rows that occur in no record have their place too, so that nothing is searched.
 */
import { type Cells, emptyCells, type RollupKind } from '../segment/rollup.ts';
import type { ChunkView } from '../segment/view.ts';
import { type CountedRows, PeriodCounts, periodsOf } from './period-counts.ts';

/** The sums of a row stand side by side, in one line of the processor's cache. */
const ROW_SHIFT = 3;
const ROWS = 1;
const DURATION = 2;
const FIRST = 3;
const LAST = 4;

/** So many rows, and numbers of periods and rows, may be there in any case; more only for so many records each. */
const ROWS_MIN = 2 ** 13;
const NUMBERS_MIN = 2 ** 16;
const NUMBERS_A_RECORD = 4;
/** All times are in the first period of that length. */
export const EVER_US: number = 2 ** 62;

/** Arrays for sums that nobody uses, all zero: made anew for each segment they would cost more than what is summed. */
const ROOMS: Float64Array[] = [];
const ROOMS_MAX = 4;

export class Tally {
  private readonly sums: Float64Array;
  private readonly dimension: RollupKind['dimension'];
  private readonly counts: PeriodCounts;

  /** Whether so many records are enough for it. */
  static suits({ rowMax }: CountedRows, records: number): boolean {
    return rowMax < Math.max(ROWS_MIN, records);
  }

  constructor({ dimension, periodUs }: RollupKind, rows: CountedRows, records: number) {
    this.dimension = dimension;
    const numbers = periodsOf(periodUs, rows.timeMinUs, rows.timeMaxUs) * (rows.rowMax + 1);
    const isDense = numbers <= Math.max(NUMBERS_MIN, records * NUMBERS_A_RECORD);
    this.counts = new PeriodCounts(isDense ? periodUs : EVER_US, rows);
    const length = (2 * this.counts.rowCount) << ROW_SHIFT;
    const room = ROOMS.findIndex((free) => free.length >= length);
    this.sums = ROOMS.splice(room, room < 0 ? 0 : 1)[0] ?? new Float64Array(length);
  }

  add(view: ChunkView): void {
    const { sums, counts } = this;
    const { numbers, periodUs, first, rowCount } = counts;
    const failures = numbers.length >>> 1;
    const times = view.times();
    const errors = view.words('error');
    const rows = view.words(this.dimension);
    const durations = view.amounts('duration');
    const moved = view.moved();
    // Records are nearly in order of time: most are of the period of the one before.
    let startUs = 0;
    let endUs = 0;
    let base = 0;
    for (let i = 0; i < view.rows; i++) {
      const timeUs = times[i] as number;
      if (timeUs < startUs || timeUs >= endUs) {
        const period = Math.floor(timeUs / periodUs);
        startUs = period * periodUs;
        endUs = startUs + periodUs;
        // As a whole number, so that what is added to it is one.
        base = ((period - first) * rowCount) | 0;
      }
      const row = rows[i] as number;
      const failed = errors[i] !== 0;
      const number = base + row + (failed ? failures : 0);
      numbers[number] = (numbers[number] as number) + 1;
      const at = (failed ? rowCount + row : row) << ROW_SHIFT;
      const records = sums[at] as number;
      sums[at] = records + 1;
      const amount = moved[i] as number;
      if (!Number.isNaN(amount)) sums[at + ROWS] = (sums[at + ROWS] as number) + amount;
      const durationUs = durations[i] as number;
      if (!Number.isNaN(durationUs)) sums[at + DURATION] = (sums[at + DURATION] as number) + durationUs;
      if (records === 0 || timeUs < (sums[at + FIRST] as number)) sums[at + FIRST] = timeUs;
      if (records === 0 || timeUs > (sums[at + LAST] as number)) sums[at + LAST] = timeUs;
    }
  }

  /** Sums without telling periods apart, and the numbers of periods unless they would be too many. Ends the use of it. */
  take(): Tallied {
    const { sums, counts } = this;
    const { rowCount } = counts;
    let count = 0;
    for (let row = 0; row < 2 * rowCount; row++) if (sums[row << ROW_SHIFT] !== 0) count++;
    const cells = emptyCells(count);
    let cell = 0;
    for (let row = 0; row < 2 * rowCount; row++) {
      const at = row << ROW_SHIFT;
      const records = sums[at] as number;
      if (records === 0) continue;
      cells.row[cell] = row < rowCount ? row : row - rowCount;
      cells.failed[cell] = row < rowCount ? 0 : 1;
      counts.hasFailures ||= row >= rowCount;
      cells.records[cell] = records;
      cells.rows[cell] = sums[at + ROWS] as number;
      cells.durationUs[cell] = sums[at + DURATION] as number;
      cells.firstUs[cell] = sums[at + FIRST] as number;
      cells.lastUs[cell] = sums[at + LAST] as number;
      cell++;
    }
    sums.fill(0, 0, (2 * rowCount) << ROW_SHIFT);
    if (ROOMS.length < ROOMS_MAX) ROOMS.push(sums);
    return { sums: cells, periods: counts.periodUs === EVER_US ? undefined : counts };
  }
}

/** What records come to by row of a small table. */
export interface Tallied {
  /** In one period. */
  readonly sums: Cells;
  readonly periods?: PeriodCounts | undefined;
}
