/**
 * How many records a scope has in each period, by row of one small table: what charts ask for. A number for every row and
 * period, whether it occurs or not, is four bytes and no search; where most of them would be zero, cells are made.
 */
import type { AmountTest } from '../segment/amount-test.ts';
import { type AmountColumn, CHUNK_ROWS_MAX, type Picked, type WordColumn } from '../segment/columns.ts';
import type { RecordView } from '../segment/view.ts';

interface Counted {
  readonly periodUs: number;
  /** Number of the first period since 1970. */
  readonly first: number;
  readonly periods: number;
  readonly rowCount: number;
  /** By period, then row. */
  readonly succeeded: Uint32Array;
  readonly failed: Uint32Array | undefined;
}

export class PeriodCounts {
  readonly periods: number;
  readonly rowCount: number;
  private readonly counted: Counted;

  constructor(counted: Counted) {
    this.counted = counted;
    this.periods = counted.periods;
    this.rowCount = counted.rowCount;
  }

  get bytes(): number {
    const { succeeded, failed } = this.counted;
    return succeeded.byteLength + (failed?.byteLength ?? 0);
  }

  /** By period, then row; `undefined` when there are none. */
  of(failed: boolean): Uint32Array | undefined {
    return failed ? this.counted.failed : this.counted.succeeded;
  }

  /** The start of a period, by its place. */
  startUs(period: number): number {
    return (this.counted.first + period) * this.counted.periodUs;
  }
}

/** Periods that a span touches: there is no time at all between the ends of some. */
export function periodsOf(periodUs: number, { timeMinUs, timeMaxUs }: CountedRows): number {
  return Math.max(0, Math.floor(timeMaxUs / periodUs) - Math.floor(timeMinUs / periodUs) + 1);
}

/** A span of time, and a small table of which rows are counted in it. */
export interface CountedRows {
  readonly timeMinUs: number;
  readonly timeMaxUs: number;
  /** Highest row. */
  readonly rowMax: number;
}

/** Hold nothing from one view to the next. */
const TIMES = new Float64Array(CHUNK_ROWS_MAX);
const ROWS = new Uint32Array(CHUNK_ROWS_MAX);
const FAILED = new Uint32Array(CHUNK_ROWS_MAX);
const COUNTS = new Uint32Array(CHUNK_ROWS_MAX);
const NO_AMOUNTS = new Float64Array(0);

/** Counts of one period as records: each stands for as many as `counts` says, at the start of the period. */
export class PeriodView implements RecordView {
  rows = 0;
  readonly counts: Uint32Array = COUNTS;
  private readonly of: PeriodCounts;
  private readonly numbers: Uint32Array | undefined;
  private readonly failed: number;

  constructor(of: PeriodCounts, failed: boolean) {
    this.of = of;
    this.numbers = of.of(failed);
    this.failed = failed ? 1 : 0;
  }

  /** Turns to rows of the table from `start` on, whether there are records of them or not. */
  useRows(start: number, rows: number): void {
    this.rows = rows;
    for (let i = 0; i < rows; i++) ROWS[i] = start + i;
    FAILED.fill(this.failed, 0, rows);
  }

  /** Turns to those of the rows from `start` on, or of the `picked` among them, of which there are records in a period. */
  usePeriod(period: number, start: number, rows: number, picked: Picked | undefined): void {
    const { of, numbers, failed } = this;
    const base = period * of.rowCount + start;
    let count = 0;
    for (let i = 0; i < (picked?.length ?? rows); i++) {
      const place = picked === undefined ? i : (picked[i] as number);
      const records = numbers?.[base + place] as number;
      // Written whether it counts or not: a branch could not be predicted.
      ROWS[count] = start + place;
      COUNTS[count] = records;
      count += records === 0 ? 0 : 1;
    }
    TIMES.fill(of.startUs(period), 0, count);
    FAILED.fill(failed, 0, count);
    this.rows = count;
  }

  errorCodes(): readonly string[] {
    return [];
  }

  times(): Float64Array {
    return TIMES;
  }

  words(name: WordColumn): Uint32Array {
    return name === 'error' ? FAILED : ROWS;
  }

  amounts(): Float64Array {
    return NO_AMOUNTS;
  }

  moved(): Float64Array {
    return NO_AMOUNTS;
  }

  testWords(name: WordColumn, allowed: Uint8Array, mask: Uint8Array): void {
    const words = this.words(name);
    for (let i = 0; i < this.rows; i++) mask[i] = allowed[words[i] as number] as number;
  }

  testAmounts(_name: AmountColumn, _test: AmountTest, mask: Uint8Array): void {
    mask.fill(0, 0, this.rows);
  }

  isEmpty(): boolean {
    return false;
  }
}
