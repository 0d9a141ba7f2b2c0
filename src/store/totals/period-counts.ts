/** How many records a scope has in each period, by row of one small table: what charts ask for. */
import { CHUNK_ROWS_MAX, type WordColumn } from '../segment/columns.ts';
import { SumView } from './sum-view.ts';

/** Rows of which there are records, by period. */
export interface RowCounts {
  /** Of each period, and one more: where its rows begin. */
  readonly starts: Uint32Array;
  readonly rows: Uint32Array;
  /** Number of records of each of `rows`. */
  readonly records: Uint32Array;
}

interface Counted {
  readonly periodUs: number;
  /** Number of the first period since 1970. */
  readonly first: number;
  readonly periods: number;
  readonly rowCount: number;
  readonly succeeded: RowCounts;
  readonly failed: RowCounts;
}

export class PeriodCounts {
  readonly periods: number;
  readonly rowCount: number;
  readonly bytes: number;
  private readonly counted: Counted;

  constructor(counted: Counted) {
    this.counted = counted;
    this.periods = counted.periods;
    this.rowCount = counted.rowCount;
    this.bytes = bytesOf(counted.succeeded) + bytesOf(counted.failed);
  }

  of(failed: boolean): RowCounts {
    return failed ? this.counted.failed : this.counted.succeeded;
  }

  /** The start of a period, by its place. */
  startUs(period: number): number {
    return (this.counted.first + period) * this.counted.periodUs;
  }
}

function bytesOf({ starts, rows, records }: RowCounts): number {
  return starts.byteLength + rows.byteLength + records.byteLength;
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

/** Rows of the small table as records of one period, whether there are any or not. */
export class PeriodView extends SumView {
  private readonly of: PeriodCounts;
  private readonly failed: number;

  constructor(of: PeriodCounts, failed: boolean) {
    super();
    this.of = of;
    this.failed = failed ? 1 : 0;
  }

  /** Turns to rows from `start` on, in a period by its place. */
  use(period: number, start: number, rows: number): void {
    this.rows = rows;
    for (let i = 0; i < rows; i++) ROWS[i] = start + i;
    TIMES.fill(this.of.startUs(period), 0, rows);
    FAILED.fill(this.failed, 0, rows);
  }

  times(): Float64Array {
    return TIMES;
  }

  words(name: WordColumn): Uint32Array {
    return name === 'error' ? FAILED : ROWS;
  }
}
