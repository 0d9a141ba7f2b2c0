/**
 * Sums by row of small tables, and how many records there are in each period: all that a page asks of the records which a
 * filter picks, from one pass over them. Rows that occur in no record have their place too, so that nothing is searched.
 *
 * What the innermost loop reads and writes are arrays of this module alone: the compiler knows them as constants, and does
 * not look at each access whether they are still what they were. That is a third of its time.
 */
import { CHUNK_ROWS_MAX, type ColumnChunk, type Picked } from '../segment/columns.ts';
import { type Cells, countCells, emptyCells, type RollupKind } from '../segment/rollup.ts';
import { type CountedRows, PeriodCounts, periodsOf, type RowCounts } from './period-counts.ts';

/** What else than rows is summed of a small table's row stands side by side. */
const MORE_SHIFT = 2;
const DURATION = 0;
const FIRST = 1;
const LAST = 2;
const RECORDS = 3;

/** So many rows and periods may be there in any case, more only for as many records. */
const ROWS_MIN = 2 ** 16;
const PERIODS_MIN = 2 ** 10;
/** Where there are more numbers than that for each record, those that are not zero are noted instead of looked for. */
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
/** Which of the records failed, ascending. */
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
  /** Places of `NUMBERS` that are not zero, in no order, as far as `noted` says; `undefined`: all have to be looked at. */
  readonly places: Uint32Array | undefined;
  noted: number;
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
   * moved; durations and times are 0.
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
    const wanted = periodsOf(kind.periodUs, rows);
    const isByPeriod = wanted <= Math.max(PERIODS_MIN, records) && this.numbers + 2 * wanted * rowCount <= NUMBERS_MAX;
    const periodUs = isByPeriod ? kind.periodUs : EVER_US;
    const first = Math.floor(rows.timeMinUs / periodUs);
    const periods = periodsOf(periodUs, rows);
    // A record that failed is moved from one place to another.
    const places = periods * rowCount > records * NUMBERS_A_RECORD ? new Uint32Array(2 * records) : undefined;
    const { sums, numbers } = this;
    this.tables.push({ kind, periodUs, first, periods, rowCount, sums, numbers, places, noted: 0 });
    this.sums += 2 * rowCount;
    this.numbers += 2 * periods * rowCount;
    return true;
  }

  /** Adds the picked records of a chunk, or all of them. Throws `StoreError` (`damaged`). */
  add(chunk: ColumnChunk, picked: Picked | undefined): void {
    const { tables, countsOnly } = this;
    const count = picked?.length ?? chunk.rows;
    if (tables.length === 0 || count === 0) return;
    const failures = chunk.failures(FAILED, picked);
    chunk.moved(MOVED_OF, picked, 0);
    if (!countsOnly) {
      chunk.words('error', ERROR_OF, picked);
      chunk.amounts('duration', DURATION_OF, picked);
    }
    // Most chunks are of one period, whatever their records' times are.
    if (!countsOnly || tables.some(({ periodUs }) => !isWithin(chunk, periodUs))) chunk.times(TIME_OF, picked);
    for (const table of tables) {
      loadRows(chunk, picked, count, table);
      const period = Math.floor(chunk.timeMinUs / table.periodUs);
      if (!isWithin(chunk, table.periodUs)) addPeriods(chunk, count, failures, table);
      else if (hasPeriod(table, period)) addNumbers(0, count, 0, failures, period, table);
      else throw chunk.damage();
      if (!countsOnly) addMore(count, table);
    }
  }

  /** What each of the tables has come to, in the order in which they were added. */
  take(): Tallied[] {
    return this.tables.map((table) => {
      const counts = countsOf(table);
      const sums = sumsOf(table, counts, this.countsOnly);
      return { sums, periods: table.periodUs === EVER_US ? undefined : counts };
    });
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

/** Fills `ROW_OF`. What is outside of a table would be counted into the next one: columns may have been forged. */
function loadRows(chunk: ColumnChunk, picked: Picked | undefined, count: number, { kind, rowCount }: Table): void {
  chunk.words(kind.dimension, ROW_OF, picked);
  // Of a chunk that still grows only records that are not picked may be of newer rows.
  if (chunk.greatestWord(kind.dimension) < rowCount) return;
  for (let i = 0; i < count; i++) if ((ROW_OF[i] as number) >= rowCount) throw chunk.damage();
}

function hasPeriod({ first, periods }: Table, period: number): boolean {
  return period >= first && period < first + periods;
}

/** Records are nearly in order of time: there are as few runs of one period as there are periods. */
function addPeriods(chunk: ColumnChunk, count: number, failures: number, table: Table): void {
  const { periodUs } = table;
  let failed = 0;
  for (let from = 0; from < count; ) {
    const period = Math.floor((TIME_OF[from] as number) / periodUs);
    if (!hasPeriod(table, period)) throw chunk.damage();
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
  table: Table,
): void {
  const { first, periods, rowCount, sums, numbers, places } = table;
  const base = (period - first) * rowCount + numbers;
  const failures = periods * rowCount;
  if (places !== undefined) {
    for (let i = from; i < to; i++) notePlace(table, places, base + (ROW_OF[i] as number));
    for (let k = failedFrom; k < failedTo; k++) {
      notePlace(table, places, base + failures + (ROW_OF[FAILED[k] as number] as number));
    }
  }
  countRecords(from, to, base, sums);
  // Few have failed: they are taken from the others, and counted apart.
  for (let k = failedFrom; k < failedTo; k++) {
    const i = FAILED[k] as number;
    const row = ROW_OF[i] as number;
    const moved = MOVED_OF[i] as number;
    const number = base + row;
    const at = sums + row;
    NUMBERS[number] = (NUMBERS[number] as number) - 1;
    NUMBERS[number + failures] = (NUMBERS[number + failures] as number) + 1;
    MOVED[at] = (MOVED[at] as number) - moved;
    MOVED[at + rowCount] = (MOVED[at + rowCount] as number) + moved;
  }
}

/** Notes a place for each record that is counted there: which may be several times the same. */
function notePlace(table: Table, places: Uint32Array, number: number): void {
  if (NUMBERS[number] === 0) places[table.noted++] = number;
}

/** The innermost loop. What is cut to 32 bits the engine knows to be whole. */
function countRecords(from: number, to: number, base: number, sums: number): void {
  for (let i = from; i < to; i++) {
    const row = ROW_OF[i] as number;
    const number = (base + row) | 0;
    NUMBERS[number] = (NUMBERS[number] as number) + 1;
    const at = (sums + row) | 0;
    MOVED[at] = (MOVED[at] as number) + (MOVED_OF[i] as number);
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
function sumsOf({ rowCount, sums }: Table, counts: PeriodCounts, countsOnly: boolean): Cells {
  const records = recordsOf(counts);
  const count = records.reduce((sum, number) => sum + (number === 0 ? 0 : 1), 0);
  const cells = countsOnly ? countCells(count) : emptyCells(count);
  let cell = 0;
  for (let at = 0; at < records.length; at++) {
    if (records[at] === 0) continue;
    cells.row[cell] = at < rowCount ? at : at - rowCount;
    cells.failed[cell] = at < rowCount ? 0 : 1;
    cells.records[cell] = records[at] as number;
    cells.rows[cell] = MOVED[sums + at] as number;
    if (!countsOnly) {
      const more = (sums + at) << MORE_SHIFT;
      cells.durationUs[cell] = MORE[more + DURATION] as number;
      cells.firstUs[cell] = MORE[more + FIRST] as number;
      cells.lastUs[cell] = MORE[more + LAST] as number;
    }
    cell++;
  }
  return cells;
}

/** By row, those of failed records after those of the others. */
function recordsOf(counts: PeriodCounts): Uint32Array {
  const all = new Uint32Array(2 * counts.rowCount);
  for (const failed of [false, true]) {
    const { rows, records } = counts.of(failed);
    const into = failed ? counts.rowCount : 0;
    for (let i = 0; i < rows.length; i++) {
      const at = into + (rows[i] as number);
      all[at] = (all[at] as number) + (records[i] as number);
    }
  }
  return all;
}

function countsOf({ periodUs, first, periods, rowCount, numbers, places, noted }: Table): PeriodCounts {
  const failures = numbers + periods * rowCount;
  const end = failures + periods * rowCount;
  const known = places?.subarray(0, noted).sort();
  const counts = (from: number, to: number): RowCounts =>
    rowCountsOf(placesOf(known, from, to), from, periods, rowCount);
  return new PeriodCounts({
    periodUs,
    first,
    periods,
    rowCount,
    succeeded: counts(numbers, failures),
    failed: counts(failures, end),
  });
}

/** Places of numbers that are not zero, ascending; `known`: those that may be, ascending. */
function placesOf(known: Uint32Array | undefined, from: number, to: number): Uint32Array {
  if (known !== undefined) {
    // Some are noted several times, and what was taken back may be zero again.
    return known.filter((at, i) => at >= from && at < to && NUMBERS[at] !== 0 && at !== known[i - 1]);
  }
  let count = 0;
  for (let at = from; at < to; at++) count += NUMBERS[at] === 0 ? 0 : 1;
  const places = new Uint32Array(count);
  let place = 0;
  for (let at = from; at < to; at++) if (NUMBERS[at] !== 0) places[place++] = at;
  return places;
}

/** `first`: where the numbers of the first period begin. */
function rowCountsOf(places: Uint32Array, first: number, periods: number, rowCount: number): RowCounts {
  const starts = new Uint32Array(periods + 1);
  const rows = new Uint32Array(places.length);
  const records = new Uint32Array(places.length);
  let place = 0;
  for (let period = 0; period < periods; period++) {
    const base = first + period * rowCount;
    for (; place < places.length && (places[place] as number) < base + rowCount; place++) {
      rows[place] = (places[place] as number) - base;
      records[place] = NUMBERS[places[place] as number] as number;
    }
    starts[period + 1] = place;
  }
  return { starts, rows, records };
}
