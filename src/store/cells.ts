/** Which questions the cells of a rollup answer (`rollup.ts`), and cells as records of a view. */
import type { Filter, Query } from '../query/filter.ts';
import type { GroupBy } from './aggregate.ts';
import type { WordColumn } from './columns.ts';
import { compileFilter } from './compile.ts';
import { dimensionOf, isRowField } from './groups.ts';
import type { Dimension } from './postings.ts';
import { type Cells, ROLLUPS, type Rollup, type RollupKind } from './rollup.ts';
import type { RecordView } from './view.ts';

/** Cells that answer a question for all whole periods from `fromUs` to `toUs`. */
export interface CellPlan {
  readonly cells: Cells;
  readonly dimension: Dimension;
  readonly fromUs: number;
  readonly toUs: number;
}

/** What a question is about, as far as that can be said of rows of small tables. */
interface Subject {
  readonly dimensions: Set<Dimension>;
  /** Only the kind and the operations of statements. */
  operationsOnly: boolean;
}

/** `undefined` when cells cannot tell: the filter is about other things, or no whole period lies within the range. */
export function planCells(
  rollup: Rollup,
  query: Query,
  by: GroupBy,
  span: { readonly timeMinUs: number; readonly timeMaxUs: number; readonly lastSeq: number },
): CellPlan | undefined {
  const subject: Subject = { dimensions: new Set(), operationsOnly: true };
  if (query.filter !== undefined && !addFilter(subject, query.filter)) return undefined;
  if ((query.seqMax ?? span.lastSeq) < span.lastSeq || by.fields.includes('error')) return undefined;
  for (const field of by.fields) {
    if (!isRowField(field)) continue;
    subject.dimensions.add(dimensionOf(field));
    if (!isOperation(field)) subject.operationsOnly = false;
  }
  for (const [i, kind] of ROLLUPS.entries()) {
    const cells = rollup[i];
    if (cells === undefined || !isAbout(kind, subject) || !fitsBuckets(kind, by)) continue;
    const { periodUs, dimension } = kind;
    const fromUs = (query.fromUs ?? 0) <= span.timeMinUs ? 0 : Math.ceil((query.fromUs ?? 0) / periodUs) * periodUs;
    const ends = query.toUs !== undefined && query.toUs <= span.timeMaxUs;
    const toUs = ends ? Math.floor((query.toUs ?? 0) / periodUs) * periodUs : Number.POSITIVE_INFINITY;
    if (fromUs < toUs) return { cells, dimension, fromUs, toUs };
  }
  return undefined;
}

function isOperation(field: string): boolean {
  return field === 'op' || field === 'operations' || field === 'kind';
}

function isAbout(kind: RollupKind, { dimensions, operationsOnly }: Subject): boolean {
  if (kind.operationsOnly && !operationsOnly) return false;
  return dimensions.size === 0 || (dimensions.size === 1 && dimensions.has(kind.dimension));
}

function fitsBuckets({ periodUs }: RollupKind, { bucketUs, originUs = 0 }: GroupBy): boolean {
  return bucketUs === undefined || (bucketUs % periodUs === 0 && originUs % periodUs === 0);
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

const NO_AMOUNTS = new Float64Array(0);

/** Cells as records: each at the start of its period. They have sums in place of amounts, which no plan asks for. */
export class CellView implements RecordView {
  rows = 0;
  private readonly plan: CellPlan;
  private readonly rowWords: Uint32Array;
  private readonly failedWords: Uint32Array;
  private start = 0;

  constructor(plan: CellPlan) {
    this.plan = plan;
    this.rowWords = Uint32Array.from(plan.cells.row);
    this.failedWords = Uint32Array.from(plan.cells.failed);
  }

  /** Turns to `rows` cells from `start` on. */
  use(start: number, rows: number): void {
    this.start = start;
    this.rows = rows;
  }

  errorCodes(): readonly string[] {
    return [];
  }

  times(): Float64Array {
    return this.plan.cells.period.subarray(this.start);
  }

  words(name: WordColumn): Uint32Array {
    return (name === 'error' ? this.failedWords : this.rowWords).subarray(this.start);
  }

  amounts(): Float64Array {
    return NO_AMOUNTS;
  }
}
