/**
 * What a filter picks of a part of a segment, found once: where those records are, and what they sum to. A page asks
 * much about the same records; its second question finds here what the first one made. What is here depends on records
 * that are written already, and they never change, so it can only be forgotten.
 */
import type { Filter, Query } from '../../query/filter.ts';
import type { PooledSegment } from '../search/pool.ts';
import type { ColumnChunk } from '../segment/columns.ts';
import { CellBuilder, type Cells, emptyCells, ROLLUPS, type RollupKind } from '../segment/rollup.ts';
import type { SegmentReader } from '../segment/rows.ts';
import { ChunkView } from '../segment/view.ts';
import { canTest, cellsWithin, joinedCells, withoutPeriods } from './cells.ts';
import { ChunkPick } from './chunk-pick.ts';
import type { ClassCache } from './classes.ts';
import type { CountedRows, PeriodCounts } from './period-counts.ts';
import { ChunkSelector, planSelection, type Selection, type Span } from './select.ts';
import { EVER_US, type Tallied, Tally } from './tally.ts';

/** Of a segment that still grows, parts of so many records are looked at on their own: all but the last are complete. */
const PART_ROWS = 65_536;
/** What scopes may keep together, in bytes; those asked for longest ago are forgotten first. */
const KEPT_BYTES_MAX = 128 * 1024 * 1024;
const SCOPE_BYTES = 500;
const CELL_BYTES = 56;

/** The parts of a segment that a query is about. */
export function partsOfSegment({ ref, segment }: PooledSegment, { fromUs, toUs, seqMax }: Query): Span[] {
  const { firstSeq, facts } = segment;
  const { timeMinUs = 0, timeMaxUs = 0, rows } = facts;
  // The same for all questions that are about all of the segment.
  const time = {
    fromUs: fromUs === undefined || fromUs <= timeMinUs ? Number.NEGATIVE_INFINITY : fromUs,
    toUs: toUs === undefined || toUs > timeMaxUs ? Number.POSITIVE_INFINITY : toUs,
  };
  const last = Math.min(firstSeq + rows - 1, seqMax ?? Number.POSITIVE_INFINITY);
  const partRows = ref.sealed ? rows : PART_ROWS;
  const parts: Span[] = [];
  for (let seqMin = firstSeq; seqMin <= last; seqMin += partRows) {
    parts.push({ ...time, seqMin, seqMax: Math.min(last, seqMin + partRows - 1) });
  }
  return parts;
}

/** What the scopes of a reader share. */
interface Shared {
  readonly classes: ClassCache;
  forPages: boolean;
  /** Of one chunk at a time: whoever needs it turns it to a chunk first. */
  readonly view: ChunkView;
}

export class ScopeCache {
  /** Most recently used last. */
  private readonly kept = new Map<string, Scope>();
  private readonly shared: Shared;

  constructor(classes: ClassCache) {
    this.shared = { classes, forPages: false, view: new ChunkView() };
  }

  /** Of the same records much will be asked: what the next questions need is made along with the first. */
  expectPages(): void {
    this.shared.forPages = true;
  }

  /** Of one chunk at a time: whoever needs it turns it to a chunk first. */
  get view(): ChunkView {
    return this.shared.view;
  }

  /** The scope of a part of the segment at `path`. */
  of(path: string, filter: Filter | undefined, span: Span): Scope {
    const { fromUs, toUs, seqMin, seqMax } = span;
    const key = `${path}\n${seqMin} ${seqMax} ${fromUs} ${toUs}\n${JSON.stringify(filter)}`;
    const scope = this.kept.get(key) ?? new Scope(filter, span, this.shared);
    this.kept.delete(key);
    this.kept.set(key, scope);
    let bytes = 0;
    for (const each of this.kept.values()) bytes += each.bytes;
    for (const [oldest, each] of this.kept) {
      if (bytes <= KEPT_BYTES_MAX || oldest === key) break;
      this.kept.delete(oldest);
      bytes -= each.bytes;
    }
    return scope;
  }
}

export class Scope {
  /** What this takes of memory, roughly. */
  bytes: number = SCOPE_BYTES;
  private readonly filter: Filter | undefined;
  private readonly span: Span;
  private readonly shared: Shared;
  private selection: Selection | undefined = undefined;
  private chunks: readonly ColumnChunk[] | undefined = undefined;
  private picks: readonly ChunkPick[] = [];
  /** By number of the table, as all that follow. */
  private readonly fitting: (boolean | undefined)[] = [];
  private readonly tables: (Cells | undefined)[] = [];
  private readonly sums: (Cells | undefined)[] = [];
  /** As `sums`, of which only numbers of records and what they moved are true. */
  private readonly counted: (Cells | undefined)[] = [];
  private readonly periods: (PeriodCounts | undefined)[] = [];

  constructor(filter: Filter | undefined, span: Span, shared: Shared) {
    this.filter = filter;
    this.span = span;
    this.shared = shared;
  }

  /** Which of the tables is there, or can be with least to do: else the last, whose periods are the longest. */
  tableFor(pooled: PooledSegment, tables: readonly number[]): number {
    const known = tables.find((table) => (this.tables[table] ?? this.sums[table] ?? this.counted[table]) !== undefined);
    return known ?? tables.find((table) => this.sumsOf(pooled, table) !== undefined) ?? tables.at(-1) ?? 0;
  }

  /** A table of the records. */
  cells(pooled: PooledSegment, table: number): Cells {
    return this.tables[table] ?? this.makeCells(pooled, table);
  }

  /**
   * The same sums without telling periods apart. `countsOnly`: durations may be 0, and times no nearer than periods.
   */
  totals(pooled: PooledSegment, table: number, countsOnly: boolean): Cells {
    const known = this.sums[table] ?? (countsOnly ? this.counted[table] : undefined);
    if (known !== undefined) return known;
    if (this.tables[table] !== undefined || this.sumsOf(pooled, table) !== undefined) {
      const cells = this.cells(pooled, table);
      const sums = withoutPeriods(cells, pooled.segment.rowMax(kindOf(table).dimension));
      this.sums[table] = sums;
      this.bytes += bytesOf(sums);
      return sums;
    }
    this.tally(pooled, table, countsOnly);
    return (countsOnly ? this.counted[table] : this.sums[table]) ?? emptyCells(0);
  }

  /** Number of the records: they are looked for, but not summed. */
  records(pooled: PooledSegment): number {
    const table = ROLLUPS.findIndex(
      (_, i) => (this.tables[i] ?? this.sums[i] ?? this.counted[i] ?? this.sumsOf(pooled, i)) !== undefined,
    );
    if (table >= 0) {
      const { records } = this.totals(pooled, table, true);
      return records.reduce((sum, number) => sum + number, 0);
    }
    const picks = pooled.withColumns(({ chunks }) => this.pick(pooled, chunks));
    return picks.reduce((sum, { count }) => sum + count, 0);
  }

  /** Numbers of records by period; `undefined` when cells tell them with less to do. */
  counts(pooled: PooledSegment, table: number): PeriodCounts | undefined {
    const hasCells = this.tables[table] !== undefined || this.sumsOf(pooled, table) !== undefined;
    if (hasCells || kindOf(table).operationsOnly) return undefined;
    if (this.sums[table] === undefined && this.counted[table] === undefined) this.tally(pooled, table, true);
    return this.periods[table];
  }

  /** The records, of the chunks of their segment. */
  pick(pooled: PooledSegment, all: readonly ColumnChunk[]): readonly ChunkPick[] {
    const { seqMin, seqMax } = this.span;
    const chunks = all.filter(({ firstSeq, rows }) => firstSeq <= seqMax && firstSeq + rows > seqMin);
    // Columns found damaged are made again from rows: their chunks are other ones.
    const { chunks: known } = this;
    if (known?.length === chunks.length && known.every((chunk, i) => chunk === chunks[i])) return this.picks;
    const picks: ChunkPick[] = [];
    this.eachPicked(pooled, [this.span], chunks, (chunk, { picked }) => picks.push(new ChunkPick(chunk, picked)));
    this.chunks = chunks;
    this.picks = picks;
    this.bytes += picks.reduce((sum, { bytes }) => sum + bytes, chunks.length * 8);
    return picks;
  }

  private makeCells(pooled: PooledSegment, table: number): Cells {
    const inner = this.innerCells(pooled, table);
    if (inner === undefined) {
      return this.keepCells(
        table,
        pooled.withColumns(({ chunks }) => this.sumPicks(pooled, table, chunks)),
      );
    }
    const edges = [
      { ...this.span, toUs: inner.fromUs },
      { ...this.span, fromUs: inner.toUs },
    ].filter((edge) => edge.fromUs < edge.toUs);
    if (edges.length > 0) {
      const all = pooled.withColumns(({ chunks }) => this.sumEdges(pooled, table, chunks, inner.cells, edges));
      return this.keepCells(table, all);
    }
    if (inner.cells !== pooled.rollup()?.[table]) return this.keepCells(table, inner.cells);
    // The segment has them anyway.
    this.tables[table] = inner.cells;
    return inner.cells;
  }

  /** Sums and counts of a table, and of those that will be asked for next. */
  private tally(pooled: PooledSegment, table: number, countsOnly: boolean): void {
    const { forPages } = this.shared;
    const into = countsOnly ? this.counted : this.sums;
    const tables = forPages || this.chunks !== undefined ? this.tablesDue(pooled, table, into) : [table];
    const made = pooled.withColumns(({ chunks }) => this.tallyPicks(pooled, tables, countsOnly, chunks));
    for (const [i, { sums, periods }] of made.entries()) {
      const own = tables[i] ?? table;
      into[own] = sums;
      this.bytes += bytesOf(sums);
      if (periods === undefined || this.periods[own] !== undefined) continue;
      this.periods[own] = periods;
      this.bytes += periods.bytes;
    }
  }

  private keepCells(table: number, cells: Cells): Cells {
    this.tables[table] = cells;
    this.bytes += bytesOf(cells);
    return cells;
  }

  /**
   * The tables to be summed when one is asked for: that alone for who asks once, for a page the others together, but for
   * the one of short periods, which only charts of short ranges ask for.
   */
  private tablesDue(pooled: PooledSegment, table: number, made: readonly (Cells | undefined)[]): readonly number[] {
    const isDue = (other: number): boolean =>
      !kindOf(other).operationsOnly && made[other] === undefined && this.sumsOf(pooled, other) === undefined;
    return ROLLUPS.flatMap((_, other) => (other === table || isDue(other) ? [other] : []));
  }

  /** The segment's own sums, when they can tell which of their records are picked. */
  private sumsOf(pooled: PooledSegment, table: number): Cells | undefined {
    const { firstSeq, facts } = pooled.segment;
    const isWhole = this.span.seqMin <= firstSeq && this.span.seqMax >= firstSeq + facts.rows - 1;
    if (!isWhole || !this.fits(table)) return undefined;
    const { never, candidates } = this.selectionIn(pooled);
    // Few enough records to look at each of them.
    return candidates !== undefined && !never ? undefined : pooled.rollup()?.[table];
  }

  /** Whether cells of that table can tell which of their records are picked. */
  private fits(table: number): boolean {
    let fits = this.fitting[table];
    if (fits === undefined) {
      fits = canTest(kindOf(table), this.filter);
      this.fitting[table] = fits;
    }
    return fits;
  }

  /** The segment's own sums of whole periods within the span, and where those begin and end. */
  private innerCells(
    pooled: PooledSegment,
    table: number,
  ): { readonly cells: Cells; readonly fromUs: number; readonly toUs: number } | undefined {
    const sums = this.sumsOf(pooled, table);
    if (sums === undefined) return undefined;
    const { periodUs } = kindOf(table);
    const fromUs = Math.ceil(this.span.fromUs / periodUs) * periodUs;
    const toUs = Math.floor(this.span.toUs / periodUs) * periodUs;
    if (fromUs >= toUs) return undefined;
    const { never, mask } = this.selectionIn(pooled);
    return { cells: never ? emptyCells(0) : cellsWithin(sums, mask, fromUs, toUs), fromUs, toUs };
  }

  private sumPicks(pooled: PooledSegment, table: number, chunks: readonly ColumnChunk[]): Cells {
    const picks = this.pick(pooled, chunks);
    const builder = this.builder(pooled.segment, kindOf(table));
    const { view } = this.shared;
    for (const { chunk, picked } of picks) {
      view.use(chunk, picked);
      builder.add(view);
    }
    return takeCells(builder);
  }

  private tallyPicks(
    pooled: PooledSegment,
    tables: readonly number[],
    countsOnly: boolean,
    chunks: readonly ColumnChunk[],
  ): readonly Tallied[] {
    const picks = this.pick(pooled, chunks);
    const records = picks.reduce((sum, { count }) => sum + count, 0);
    const tally = Tally.begin(countsOnly);
    try {
      // Where there are many rows for few records, those that occur are searched.
      const kinds = tables.map(kindOf);
      const isTallied = kinds.map((kind) => tally?.addTable(kind, this.rows(pooled.segment, kind), records) === true);
      const builders = kinds.map((kind, i) =>
        isTallied[i] === true ? undefined : this.builder(pooled.segment, { ...kind, periodUs: EVER_US }),
      );
      for (const { chunk, picked } of picks) {
        tally?.add(chunk, picked);
        this.shared.view.use(chunk, picked);
        for (const builder of builders) builder?.add(this.shared.view);
      }
      const tallied = tally?.take().values();
      return builders.map((builder) =>
        builder === undefined ? (tallied?.next().value ?? NOTHING) : { sums: takeCells(builder) },
      );
    } finally {
      tally?.end();
    }
  }

  private sumEdges(
    pooled: PooledSegment,
    table: number,
    chunks: readonly ColumnChunk[],
    inner: Cells,
    edges: readonly Span[],
  ): Cells {
    const builder = this.builder(pooled.segment, kindOf(table));
    this.eachPicked(pooled, edges, chunks, (_, { view }) => builder.add(view));
    return joinedCells(inner, takeCells(builder));
  }

  /** Calls `use` for each chunk in which there are records of the spans that meet the filter. */
  private eachPicked(
    pooled: PooledSegment,
    spans: readonly Span[],
    chunks: readonly ColumnChunk[],
    use: (chunk: ColumnChunk, found: ChunkSelector) => void,
  ): void {
    const { segment } = pooled;
    const selection = this.selectionIn(pooled);
    if (selection.never) return;
    const selectors = spans.map((span) => new ChunkSelector(span, this.shared.view));
    for (const chunk of chunks) {
      for (const selector of selectors) if (selector.select(segment, chunk, selection) > 0) use(chunk, selector);
    }
  }

  private selectionIn(pooled: PooledSegment): Selection {
    const { segment } = pooled;
    if (this.selection === undefined) {
      this.selection = pooled.withIndex((index) => planSelection(segment, this.filter, index));
      this.bytes += this.selection.candidates?.byteLength ?? 0;
    }
    return this.selection;
  }

  private builder(segment: SegmentReader, kind: RollupKind): CellBuilder {
    const standsFor = kind.operationsOnly ? sameOperations(segment, this.shared.classes) : undefined;
    return new CellBuilder(kind, { ...this.rows(segment, kind), standsFor });
  }

  private rows(segment: SegmentReader, { dimension }: RollupKind): CountedRows {
    const { fromUs, toUs } = this.span;
    const { timeMinUs = 0, timeMaxUs = 0 } = segment.facts;
    return {
      timeMinUs: Math.max(timeMinUs, fromUs),
      timeMaxUs: Math.min(timeMaxUs, toUs),
      rowMax: segment.rowMax(dimension),
    };
  }
}

const NOTHING: Tallied = { sums: emptyCells(0) };

function bytesOf({ row }: Cells): number {
  return row.length * CELL_BYTES;
}

function takeCells(builder: CellBuilder): Cells {
  const cells = builder.cells();
  builder.release();
  return cells;
}

function kindOf(table: number): RollupKind {
  return ROLLUPS[table] as RollupKind;
}

/** By shape row: the lowest row of the same kind and operations. */
function sameOperations(segment: SegmentReader, classes: ClassCache): Uint32Array {
  const { classOf, count } = classes.classes(segment, ['kind', 'op', 'operations']);
  const lowest = new Uint32Array(count);
  return classOf.map((number, row) => {
    if (lowest[number] === 0) lowest[number] = row;
    return lowest[number] as number;
  });
}
