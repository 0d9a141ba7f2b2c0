/**
 * Sums by row of small tables, and how many records there are in each period: all that a page asks of the records which a
 * filter picks, from one pass over them. Rows that occur in no record have their place too, so that nothing is searched.
 *
 * What the innermost loop reads and writes are arrays of this module alone: the compiler knows them as constants, and does
 * not look at each access whether they are still what they were. That is a third of its time.
 */
import { CHUNK_ROWS_MAX } from '../segment/columns.ts';
import { type Cells, emptyCells, type RollupKind } from '../segment/rollup.ts';
import type { ChunkView } from '../segment/view.ts';
import { type CountedRows, PeriodCounts, periodsOf } from './period-counts.ts';

/** The sums of a row stand side by side, in one line of the processor's cache. */
const ROW_SHIFT = 3;
const ROWS = 1;
const DURATION = 2;
const FIRST = 3;
const LAST = 4;

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
const ROW_OF = new Uint32Array(CHUNK_ROWS_MAX);
/** All zero while nobody tallies. */
const SUMS = new Float64Array(SUMS_MAX << ROW_SHIFT);
const NUMBERS = new Uint32Array(NUMBERS_MAX);
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
  private readonly tables: Table[] = [];
  private sums = 0;
  private numbers = 0;

  /** `undefined` while another one is at work. */
  static begin(): Tally | undefined {
    if (isTaken) return undefined;
    isTaken = true;
    return new Tally();
  }

  private constructor() {}

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

  add(view: ChunkView): void {
    const count = view.rows;
    if (this.tables.length === 0) return;
    TIME_OF.set(view.times().subarray(0, count));
    ERROR_OF.set(view.words('error').subarray(0, count));
    DURATION_OF.set(view.amounts('duration').subarray(0, count));
    MOVED_OF.set(view.moved().subarray(0, count));
    for (const table of this.tables) {
      ROW_OF.set(view.words(table.kind.dimension).subarray(0, count));
      addRecords(count, table);
    }
  }

  /** What each of the tables has come to, in the order in which they were added. */
  take(): Tallied[] {
    return this.tables.map((table) => ({
      sums: sumsOf(table),
      periods: table.periodUs === EVER_US ? undefined : countsOf(table),
    }));
  }

  /** Must be called, whatever happens. */
  end(): void {
    SUMS.fill(0, 0, this.sums << ROW_SHIFT);
    NUMBERS.fill(0, 0, this.numbers);
    isTaken = false;
  }
}

function addRecords(count: number, { periodUs, first, periods, rowCount, sums, numbers }: Table): void {
  const failures = periods * rowCount;
  // Records are nearly in order of time: most are of the period of the one before.
  let startUs = 0;
  let endUs = 0;
  let base = 0;
  for (let i = 0; i < count; i++) {
    const timeUs = TIME_OF[i] as number;
    if (timeUs < startUs || timeUs >= endUs) {
      const period = Math.floor(timeUs / periodUs);
      startUs = period * periodUs;
      endUs = startUs + periodUs;
      // As a whole number, so that what is added to it is one.
      base = ((period - first) * rowCount + numbers) | 0;
    }
    const row = ROW_OF[i] as number;
    const failed = ERROR_OF[i] !== 0;
    const number = base + row + (failed ? failures : 0);
    NUMBERS[number] = (NUMBERS[number] as number) + 1;
    const at = (sums + row + (failed ? rowCount : 0)) << ROW_SHIFT;
    const records = SUMS[at] as number;
    SUMS[at] = records + 1;
    const moved = MOVED_OF[i] as number;
    if (!Number.isNaN(moved)) SUMS[at + ROWS] = (SUMS[at + ROWS] as number) + moved;
    const durationUs = DURATION_OF[i] as number;
    if (!Number.isNaN(durationUs)) SUMS[at + DURATION] = (SUMS[at + DURATION] as number) + durationUs;
    if (records === 0 || timeUs < (SUMS[at + FIRST] as number)) SUMS[at + FIRST] = timeUs;
    if (records === 0 || timeUs > (SUMS[at + LAST] as number)) SUMS[at + LAST] = timeUs;
  }
}

/** Rows of which there are records, in one period. */
function sumsOf({ rowCount, sums }: Table): Cells {
  let count = 0;
  for (let row = 0; row < 2 * rowCount; row++) if (SUMS[(sums + row) << ROW_SHIFT] !== 0) count++;
  const cells = emptyCells(count);
  let cell = 0;
  for (let row = 0; row < 2 * rowCount; row++) {
    const at = (sums + row) << ROW_SHIFT;
    const records = SUMS[at] as number;
    if (records === 0) continue;
    cells.row[cell] = row < rowCount ? row : row - rowCount;
    cells.failed[cell] = row < rowCount ? 0 : 1;
    cells.records[cell] = records;
    cells.rows[cell] = SUMS[at + ROWS] as number;
    cells.durationUs[cell] = SUMS[at + DURATION] as number;
    cells.firstUs[cell] = SUMS[at + FIRST] as number;
    cells.lastUs[cell] = SUMS[at + LAST] as number;
    cell++;
  }
  return cells;
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
