/**
 * Sums by row of small tables, and how many records there are in each period: all that a page asks of the records which a
 * filter picks, from one pass over them. Rows that occur in no record have their place too, so that nothing is searched.
 *
 * What the innermost loop reads and writes are arrays of this module alone: the compiler knows them as constants, and does
 * not look at each access whether they are still what they were. That is a third of its time.
 */
import { CHUNK_ROWS_MAX, type ColumnChunk, type Picked } from '../segment/columns.ts';
import { type Cells, emptyCells, type RollupKind } from '../segment/rollup.ts';
import { type CountedRows, PeriodCounts, periodsOf } from './period-counts.ts';

/** What else than rows is summed of a small table's row stands side by side. */
const MORE_SHIFT = 2;
const DURATION = 0;
const FIRST = 1;
const LAST = 2;
const RECORDS = 3;

/** So many rows may be there in any case, more only for as many records; and numbers of periods and rows for each record. */
const ROWS_MIN = 2 ** 10;
const NUMBERS_A_RECORD = 4;
/** Of all tables together; succeeded and failed records count apart. */
const SUMS_MAX = 2 ** 18;
const NUMBERS_MAX = 2 ** 21;
/** All times are in the first period of that length. */
export const EVER_US: number = 2 ** 62;

const TIME_OF = new Float64Array(CHUNK_ROWS_MAX);
const ERROR_OF = new Uint32Array(CHUNK_ROWS_MAX);
const DURATION_OF = new Float64Array(CHUNK_ROWS_MAX);
const MOVED_OF = new Float64Array(CHUNK_ROWS_MAX);
/** Which of the records failed. */
const FAILED = new Uint16Array(CHUNK_ROWS_MAX);
const ROW_OF = new Uint32Array(CHUNK_ROWS_MAX);
/** All zero while nobody tallies. */
const NUMBERS = new Uint32Array(NUMBERS_MAX);
const MOVED = new Float64Array(SUMS_MAX);
const MORE = new Float64Array(SUMS_MAX << MORE_SHIFT);
let isTaken = false;

/** One small table, and where its sums and numbers begin. */
interface Table {
  readonly kind: RollupKind;
  readonly periodUs: number;
  readonly first: number;
  readonly periods: number;
  readonly rowCount: number;
  readonly sums: number;
  readonly numbers: number;
}

/** What records come to by row of a small table. */
export interface Tallied {
  /** In one period. */
  readonly sums: Cells;
  readonly periods?: PeriodCounts | undefined;
}

/** There is one at a time in a thread; `end` makes room for the next. */
export class Tally {
  private readonly countsOnly: boolean;
  private readonly tables: Table[] = [];
  private sums = 0;
  private numbers = 0;

  /**
   * `undefined` while another one is at work. `countsOnly`: nothing is asked for but the numbers of records and what they
   * moved; durations are 0, times those of periods.
   */
  static begin(countsOnly: boolean): Tally | undefined {
    if (isTaken) return undefined;
    isTaken = true;
    return new Tally(countsOnly);
  }

  private constructor(countsOnly: boolean) {
    this.countsOnly = countsOnly;
  }

  /** Counts by the rows of a table too; false when there are too many of them for so many records, or for the room there is. */
  addTable(kind: RollupKind, rows: CountedRows, records: number): boolean {
    const rowCount = rows.rowMax + 1;
    const fits = rowCount <= Math.max(ROWS_MIN, records) && this.sums + 2 * rowCount <= SUMS_MAX;
    if (!fits || this.numbers + 2 * rowCount > NUMBERS_MAX) return false;
    const dense = periodsOf(kind.periodUs, rows) * rowCount;
    const isDense = dense <= records * NUMBERS_A_RECORD && this.numbers + 2 * dense <= NUMBERS_MAX;
    const periodUs = isDense ? kind.periodUs : EVER_US;
    const first = Math.floor(rows.timeMinUs / periodUs);
    const periods = periodsOf(periodUs, rows);
    this.tables.push({ kind, periodUs, first, periods, rowCount, sums: this.sums, numbers: this.numbers });
    this.sums += 2 * rowCount;
    this.numbers += 2 * periods * rowCount;
    return true;
  }

  /** Adds the picked records of a chunk, or all of them. Throws `StoreError` (`damaged`). */
  add(chunk: ColumnChunk, picked: Picked | undefined): void {
    const { tables, countsOnly } = this;
    const count = picked?.length ?? chunk.rows;
    if (tables.length === 0 || count === 0) return;
    const failures = loadFailures(chunk, picked, count);
    chunk.moved(MOVED_OF, picked, 0);
    if (!countsOnly) chunk.amounts('duration', DURATION_OF, picked);
    // Most chunks are of one period, whatever their records' times are.
    if (!countsOnly || tables.some(({ periodUs }) => !isWithin(chunk, periodUs))) chunk.times(TIME_OF, picked);
    for (const table of tables) {
      chunk.words(table.kind.dimension, ROW_OF, picked);
      const period = Math.floor(chunk.timeMinUs / table.periodUs);
      if (isWithin(chunk, table.periodUs)) addNumbers(0, count, 0, failures, period, table);
      else addPeriods(count, failures, table);
      if (!countsOnly) addMore(count, table);
    }
  }

  /** What each of the tables has come to, in the order in which they were added. */
  take(): Tallied[] {
    return this.tables.map((table) => ({
      sums: sumsOf(table, this.countsOnly),
      periods: table.periodUs === EVER_US ? undefined : countsOf(table),
    }));
  }

  /** Must be called, whatever happens. */
  end(): void {
    NUMBERS.fill(0, 0, this.numbers);
    MOVED.fill(0, 0, this.sums);
    MORE.fill(0, 0, this.sums << MORE_SHIFT);
    isTaken = false;
  }
}

function isWithin({ timeMinUs, timeMaxUs }: ColumnChunk, periodUs: number): boolean {
  return Math.floor(timeMinUs / periodUs) === Math.floor(timeMaxUs / periodUs);
}

/** Fills `FAILED`, ascending, and gives the number of records that failed. */
function loadFailures(chunk: ColumnChunk, picked: Picked | undefined, count: number): number {
  chunk.words('error', ERROR_OF, picked);
  if (chunk.isEmpty('error')) return 0;
  let failures = 0;
  for (let i = 0; i < count; i++) {
    FAILED[failures] = i;
    failures += ERROR_OF[i] === 0 ? 0 : 1;
  }
  return failures;
}

/** Records are nearly in order of time: there are as few runs of one period as there are periods. */
function addPeriods(count: number, failures: number, table: Table): void {
  const { periodUs } = table;
  let failed = 0;
  for (let from = 0; from < count; ) {
    const period = Math.floor((TIME_OF[from] as number) / periodUs);
    const startUs = period * periodUs;
    const endUs = startUs + periodUs;
    let to = from + 1;
    while (to < count && (TIME_OF[to] as number) >= startUs && (TIME_OF[to] as number) < endUs) to++;
    const failedBefore = failed;
    while (failed < failures && (FAILED[failed] as number) < to) failed++;
    addNumbers(from, to, failedBefore, failed, period, table);
    from = to;
  }
}

/** Adds records of one period; of `FAILED` those from `failedFrom` to `failedTo` are among them. */
function addNumbers(
  from: number,
  to: number,
  failedFrom: number,
  failedTo: number,
  period: number,
  { first, periods, rowCount, sums, numbers }: Table,
): void {
  // What is cut to 32 bits the engine knows to be whole.
  const base = ((period - first) * rowCount + numbers) | 0;
  for (let i = from; i < to; i++) {
    const row = ROW_OF[i] as number;
    const number = (base + row) | 0;
    NUMBERS[number] = (NUMBERS[number] as number) + 1;
    const at = (sums + row) | 0;
    MOVED[at] = (MOVED[at] as number) + (MOVED_OF[i] as number);
  }
  // Few have failed: they are taken from the others, and counted apart.
  for (let k = failedFrom; k < failedTo; k++) {
    const i = FAILED[k] as number;
    const row = ROW_OF[i] as number;
    const moved = MOVED_OF[i] as number;
    const number = base + row;
    const at = sums + row;
    NUMBERS[number] = (NUMBERS[number] as number) - 1;
    NUMBERS[number + periods * rowCount] = (NUMBERS[number + periods * rowCount] as number) + 1;
    MOVED[at] = (MOVED[at] as number) - moved;
    MOVED[at + rowCount] = (MOVED[at + rowCount] as number) + moved;
  }
}

function addMore(count: number, { rowCount, sums }: Table): void {
  for (let i = 0; i < count; i++) {
    const at = (sums + (ROW_OF[i] as number) + (ERROR_OF[i] === 0 ? 0 : rowCount)) << MORE_SHIFT;
    const timeUs = TIME_OF[i] as number;
    const durationUs = DURATION_OF[i] as number;
    if (!Number.isNaN(durationUs)) MORE[at + DURATION] = (MORE[at + DURATION] as number) + durationUs;
    const before = MORE[at + RECORDS] as number;
    MORE[at + RECORDS] = before + 1;
    if (before === 0 || timeUs < (MORE[at + FIRST] as number)) MORE[at + FIRST] = timeUs;
    if (before === 0 || timeUs > (MORE[at + LAST] as number)) MORE[at + LAST] = timeUs;
  }
}

/** Rows of which there are records, in one period. */
function sumsOf(table: Table, countsOnly: boolean): Cells {
  const { rowCount, sums, periodUs, first } = table;
  const { records, firstPeriod, lastPeriod, count } = recordsOf(table);
  const cells = emptyCells(count);
  let cell = 0;
  for (let at = 0; at < records.length; at++) {
    if (records[at] === 0) continue;
    const more = (sums + at) << MORE_SHIFT;
    cells.row[cell] = at < rowCount ? at : at - rowCount;
    cells.failed[cell] = at < rowCount ? 0 : 1;
    cells.records[cell] = records[at] as number;
    cells.rows[cell] = MOVED[sums + at] as number;
    cells.durationUs[cell] = MORE[more + DURATION] as number;
    cells.firstUs[cell] = countsOnly
      ? (first + (firstPeriod[at] as number)) * periodUs
      : (MORE[more + FIRST] as number);
    cells.lastUs[cell] = countsOnly ? (first + (lastPeriod[at] as number)) * periodUs : (MORE[more + LAST] as number);
    cell++;
  }
  return cells;
}

/** By row, those of failed records after those of the others; `count`: how many of them there are records of. */
interface RowRecords {
  readonly records: Uint32Array;
  /** Places of the first and the last period with records. */
  readonly firstPeriod: Uint32Array;
  readonly lastPeriod: Uint32Array;
  readonly count: number;
}

function recordsOf({ periods, rowCount, numbers }: Table): RowRecords {
  const records = new Uint32Array(2 * rowCount);
  const firstPeriod = new Uint32Array(2 * rowCount);
  const lastPeriod = new Uint32Array(2 * rowCount);
  let count = 0;
  for (let failed = 0; failed < 2; failed++) {
    for (let period = 0; period < periods; period++) {
      const base = numbers + (failed * periods + period) * rowCount;
      const into = failed * rowCount;
      for (let row = 0; row < rowCount; row++) {
        const number = NUMBERS[base + row] as number;
        if (number === 0) continue;
        const known = records[into + row] as number;
        if (known === 0) {
          firstPeriod[into + row] = period;
          count++;
        }
        lastPeriod[into + row] = period;
        records[into + row] = known + number;
      }
    }
  }
  return { records, firstPeriod, lastPeriod, count };
}

function countsOf({ periodUs, first, periods, rowCount, numbers }: Table): PeriodCounts {
  const size = periods * rowCount;
  return new PeriodCounts({
    periodUs,
    first,
    periods,
    rowCount,
    succeeded: NUMBERS.slice(numbers, numbers + size),
    failed: hasFailures(numbers + size, size) ? NUMBERS.slice(numbers + size, numbers + 2 * size) : undefined,
  });
}

function hasFailures(from: number, count: number): boolean {
  for (let at = from; at < from + count; at++) if (NUMBERS[at] !== 0) return true;
  return false;
}
