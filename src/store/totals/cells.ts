/** Which questions the cells of tables answer (`rollup.ts`), and cells as records of a view. */
import type { Filter } from '../../query/filter.ts';
import { compileFilter } from '../search/compile.ts';
import { CHUNK_ROWS_MAX, type Picked, type WordColumn } from '../segment/columns.ts';
import type { Dimension } from '../segment/postings.ts';
import { CELL_COLUMNS, type Cells, emptyCells, ROLLUPS, type RollupKind } from '../segment/rollup.ts';
import type { GroupBy } from './aggregate.ts';
import { dimensionOf, isRowField } from './groups.ts';
import type { Mask } from './select.ts';
import { SumView } from './sum-view.ts';

/** What a question is about, as far as that can be said of rows of small tables. */
interface Subject {
  readonly dimensions: Set<Dimension>;
  /** Only the kind and the operations of statements. */
  operationsOnly: boolean;
}

/**
 * Numbers of the tables (of `ROLLUPS`) whose cells can be counted that way: in order of preference. `bucketUs`: the
 * shortest of the periods to be told apart.
 */
export function tablesFor(by: GroupBy, bucketUs: number | undefined): readonly number[] {
  const subject: Subject = { dimensions: new Set(), operationsOnly: true };
  if (by.fields.includes('error')) return [];
  if (by.only !== undefined && !addFilter(subject, by.only)) return [];
  for (const field of by.fields) {
    if (!isRowField(field)) continue;
    subject.dimensions.add(dimensionOf(field));
    if (!isOperation(field)) subject.operationsOnly = false;
  }
  const { originUs = 0 } = by;
  const fits = ({ periodUs }: RollupKind): boolean =>
    bucketUs === undefined || (bucketUs % periodUs === 0 && originUs % periodUs === 0);
  return ROLLUPS.flatMap((kind, table) => (isAbout(kind, subject) && fits(kind) ? [table] : []));
}

/** Whether a cell's records all meet the filter, or none does. */
export function canTest(kind: RollupKind, filter: Filter | undefined): boolean {
  const subject: Subject = { dimensions: new Set(), operationsOnly: true };
  return filter === undefined || (addFilter(subject, filter) && isAbout(kind, subject));
}

function isOperation(field: string): boolean {
  return field === 'op' || field === 'operations' || field === 'kind';
}

function isAbout(kind: RollupKind, { dimensions, operationsOnly }: Subject): boolean {
  if (kind.operationsOnly && !operationsOnly) return false;
  return dimensions.size === 0 || (dimensions.size === 1 && dimensions.has(kind.dimension));
}

/** False when the filter asks for anything that cells do not keep apart. */
function addFilter(subject: Subject, filter: Filter): boolean {
  const need = compileFilter(filter).need;
  if (need !== undefined) {
    subject.dimensions.add(need.dimension);
    if (filter.kind !== 'match' || !isOperation(filter.field)) subject.operationsOnly = false;
    return true;
  }
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.terms.every((term) => addFilter(subject, term));
    case 'not':
      return addFilter(subject, filter.term);
    default:
      return filter.kind === 'failed';
  }
}

/** What a view of some cells only is gathered in; nothing is kept in them from one view to the next. */
const PERIODS = new Float64Array(CHUNK_ROWS_MAX);
const ROWS = new Uint32Array(CHUNK_ROWS_MAX);
const FAILED = new Uint32Array(CHUNK_ROWS_MAX);

/** Cells as records: each at the start of its period. They have sums in place of amounts, which nobody asks for. */
export class CellView extends SumView {
  readonly cells: Cells;
  private start = 0;
  private picked: Picked | undefined = undefined;

  constructor(cells: Cells) {
    super();
    this.cells = cells;
  }

  /** Turns to `rows` cells from `start` on, or to those picked of them. */
  use(start: number, rows: number, picked?: Picked): void {
    this.start = start;
    this.picked = picked;
    this.rows = picked?.length ?? rows;
  }

  /** Which of the cells number `i` of the view is. */
  placeOf(i: number): number {
    const { start, picked } = this;
    return picked === undefined ? start + i : start + (picked[i] as number);
  }

  times(): Float64Array {
    const { cells, start, picked } = this;
    const periods = cells.period.subarray(start);
    if (picked === undefined) return periods;
    for (let i = 0; i < picked.length; i++) PERIODS[i] = periods[picked[i] as number] as number;
    return PERIODS;
  }

  words(name: WordColumn): Uint32Array {
    const { cells, start, picked } = this;
    const isError = name === 'error';
    const words = (isError ? cells.failed : cells.row).subarray(start);
    if (picked === undefined) return words;
    const into = isError ? FAILED : ROWS;
    for (let i = 0; i < picked.length; i++) into[i] = words[picked[i] as number] as number;
    return into;
  }
}

/** Goes through cells as through the chunks of a segment: as many at once as arrays that are used again have room for. */
export function* cellChunks(cells: Cells): Generator<{ readonly view: CellView; readonly start: number }, void, void> {
  const view = new CellView(cells);
  for (let start = 0; start < cells.row.length; start += CHUNK_ROWS_MAX) {
    view.use(start, Math.min(CHUNK_ROWS_MAX, cells.row.length - start));
    yield { view, start };
  }
}

/** The cells of periods from `fromUs` to `toUs`, half-open, that the mask lets through. */
export function cellsWithin(cells: Cells, mask: Mask | undefined, fromUs: number, toUs: number): Cells {
  const keep = new Uint8Array(cells.row.length).fill(1);
  if (mask !== undefined) for (const { view, start } of cellChunks(cells)) mask(view, keep.subarray(start));
  let count = 0;
  for (let i = 0; i < keep.length; i++) {
    const periodUs = cells.period[i] as number;
    if (periodUs < fromUs || periodUs >= toUs) keep[i] = 0;
    count += keep[i] as number;
  }
  if (count === keep.length) return cells;
  const kept = emptyCells(count);
  for (const name of CELL_COLUMNS) {
    const from = cells[name];
    const into = kept[name];
    for (let i = 0, at = 0; i < keep.length; i++) if (keep[i] === 1) into[at++] = from[i] as number;
  }
  return kept;
}

/** The cells of two lists, one after the other; those of one period and row may stand in both. */
export function joinedCells(a: Cells, b: Cells): Cells {
  if (b.row.length === 0) return a;
  const all = emptyCells(a.row.length + b.row.length);
  for (const name of CELL_COLUMNS) {
    all[name].set(a[name]);
    all[name].set(b[name], a.row.length);
  }
  return all;
}

/** The same sums without telling periods apart. `rowMax`: highest row of their small table. */
export function withoutPeriods(cells: Cells, rowMax: number): Cells {
  const places = new Int32Array((rowMax + 1) * 2).fill(-1);
  const sums = emptyCells(Math.min(cells.row.length, places.length));
  let count = 0;
  for (let i = 0; i < cells.row.length; i++) {
    const key = (cells.row[i] as number) * 2 + (cells.failed[i] as number);
    let at = places[key] as number;
    if (at < 0) {
      at = count++;
      places[key] = at;
      sums.row[at] = cells.row[i] as number;
      sums.failed[at] = cells.failed[i] as number;
      sums.firstUs[at] = Number.POSITIVE_INFINITY;
      sums.lastUs[at] = Number.NEGATIVE_INFINITY;
    }
    sums.records[at] = (sums.records[at] as number) + (cells.records[i] as number);
    sums.rows[at] = (sums.rows[at] as number) + (cells.rows[i] as number);
    sums.durationUs[at] = (sums.durationUs[at] as number) + (cells.durationUs[i] as number);
    sums.firstUs[at] = Math.min(sums.firstUs[at] as number, cells.firstUs[i] as number);
    sums.lastUs[at] = Math.max(sums.lastUs[at] as number, cells.lastUs[i] as number);
  }
  return firstCells(sums, count);
}

function firstCells(cells: Cells, count: number): Cells {
  const first = emptyCells(count);
  for (const name of CELL_COLUMNS) first[name].set(cells[name].subarray(0, count));
  return first;
}
