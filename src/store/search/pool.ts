/** Segments that a reader has open. Sealed ones stay open for the next query, as many as the limit allows. */
import { existsSync } from 'node:fs';
import { StoreError, toStoreError } from '../errors.ts';
import { ColumnBudget, openColumns, RowColumns, type SegmentColumns } from '../segment/column-file.ts';
import { type ColumnChunk, columnsPath } from '../segment/columns.ts';
import type { SegmentFilters } from '../segment/filters.ts';
import { indexPath, PostingIndex } from '../segment/postings.ts';
import { type Rollup, readRollup, rollupPath } from '../segment/rollup.ts';
import { SegmentReader } from '../segment/rows.ts';
import type { ClassCache } from '../totals/classes.ts';
import type { SegmentBounds } from './bounds.ts';
import { type ChosenRows, ColumnFinder, IndexFinder, type RowFinder } from './finder.ts';

/** Which segment, as the catalog has it. */
export interface SegmentRef {
  readonly path: string;
  readonly sealed: boolean;
  readonly firstSeq: number;
  readonly rows: number;
  /** Of its records, once it is sealed. */
  readonly timeMinUs?: number;
  readonly timeMaxUs?: number;
}

const OPEN_MAX = 128;
/** Columns kept in memory: those of some 15 million records. */
const COLUMN_BYTES_MAX = 256 * 1024 * 1024;

/** What the segments of a pool share. */
interface Shared {
  readonly budget: ColumnBudget;
  readonly classes: ClassCache;
  readonly filters: SegmentFilters;
  /** Columns made from rows, by the segment's path. */
  readonly ofRows: Map<string, RowColumns>;
}

/** A segment open for reading. Whoever took it from the pool gives it back. */
export class PooledSegment {
  readonly ref: SegmentRef;
  /** Queries that use it now. */
  users = 0;
  private readonly report: (line: string) => void;
  private readonly shared: Shared;
  private reader: SegmentReader | undefined = undefined;
  private postings: PostingIndex | undefined = undefined;
  private columns: SegmentColumns | undefined = undefined;
  private sums: Rollup | undefined = undefined;
  private isSettled = false;
  /** Files found damaged. */
  private readonly distrusted = new Set<string>();

  /** Throws what SQLite throws. */
  constructor(ref: SegmentRef, shared: Shared, report: (line: string) => void) {
    this.ref = ref;
    this.shared = shared;
    this.report = report;
    if (!existsSync(ref.path)) throw new StoreError('damaged', `${ref.path}: the file is missing`);
  }

  /** Its file, opened when first asked for: of a sealed one the index may tell all there is to know. */
  get segment(): SegmentReader {
    this.reader ??= new SegmentReader(this.ref.path, this.shared.classes, this.ref.sealed);
    return this.reader;
  }

  get rows(): number {
    return this.ref.sealed ? this.ref.rows : this.segment.facts.rows;
  }

  get firstSeq(): number {
    return this.ref.firstSeq;
  }

  /** `undefined` for a segment that can still change. */
  get bounds(): SegmentBounds | undefined {
    const { sealed, firstSeq, rows, timeMinUs, timeMaxUs } = this.ref;
    if (!sealed || timeMinUs === undefined || timeMaxUs === undefined) return undefined;
    return { timeMinUs, timeMaxUs, lastSeq: firstSeq + rows - 1 };
  }

  /** As `SegmentReader.seqRange`. */
  seqRange(fromUs: number | undefined, toUs: number | undefined): { seqMin: number; seqMax: number } {
    const { bounds, firstSeq } = this;
    const { timeMinUs = Number.NEGATIVE_INFINITY, timeMaxUs = Number.POSITIVE_INFINITY } = bounds ?? {};
    const whole = (fromUs === undefined || timeMinUs >= fromUs) && (toUs === undefined || timeMaxUs < toUs);
    if (bounds !== undefined && whole) return { seqMin: firstSeq, seqMax: bounds.lastSeq };
    return this.segment.seqRange(fromUs, toUs);
  }

  /** `use` with what finds records in the segment: its index, or its columns as long as it has none. */
  withFinder<T>(use: (finder: RowFinder) => T): T {
    const { filters } = this.shared;
    return this.withIndex((index) =>
      index === undefined
        ? this.withColumnFinder(use)
        : use(new IndexFinder(index, (key) => filters.mayHold(this.ref, key))),
    );
  }

  private withColumnFinder<T>(use: (finder: RowFinder) => T): T {
    const { path, firstSeq } = this.ref;
    const asked = this.shared.ofRows.has(path);
    const madeAnew = (error: unknown): readonly ColumnChunk[] => {
      this.distrustColumns(error);
      return this.columnsOfRows(false).chunks;
    };
    let chunks: readonly ColumnChunk[];
    try {
      const trusted = !this.distrusted.has(columnsPath(path));
      // For one question it does not pay to make columns of the rows that are in no chunk yet.
      chunks = asked ? this.columnsOfRows(trusted).chunks : this.rowColumns(trusted).logChunks(this.segment);
    } catch (error) {
      chunks = madeAnew(error);
    }
    return use(new ColumnFinder(chunks, firstSeq, { replace: madeAnew, rowsAfter: this.recordsAfter.bind(this) }));
  }

  /** Indexes of the records after that one that refer to one row of each choice, ascending. */
  private recordsAfter(index: number, choices: readonly ChosenRows[]): Uint32Array {
    const { segment, ref } = this;
    const conditions = choices.map(({ dimension }) => `AND ${dimension}_row IN (SELECT value FROM json_each(?))`);
    const rows = choices.map((choice) => JSON.stringify(choice.rows));
    const sql = `SELECT seq FROM record WHERE seq > ? ${conditions.join(' ')} ORDER BY seq`;
    return Uint32Array.from(segment.numbers(sql, [ref.firstSeq + index, ...rows]), (seq) => seq - ref.firstSeq);
  }

  /** `use` with the segment's index; without one when it has none, or when what it holds cannot be believed. */
  withIndex<T>(use: (index: PostingIndex | undefined) => T): T {
    const { path, sealed, firstSeq, rows } = this.ref;
    const file = indexPath(path);
    if (!sealed || this.distrusted.has(file)) return use(undefined);
    if (this.postings === undefined && !existsSync(file)) return use(undefined);
    try {
      this.postings ??= new PostingIndex(file, firstSeq, rows);
      return use(this.postings);
    } catch (error) {
      this.postings?.close();
      this.postings = undefined;
      this.distrust(file, error);
      return use(undefined);
    }
  }

  /**
   * `use` with the columns of the file; where there are none to be believed, with such as are made of the rows. Called
   * anew when columns turn out to be damaged while it uses them.
   */
  withColumns<T>(use: (columns: SegmentColumns) => T): T {
    const { path, sealed, firstSeq, rows } = this.ref;
    const file = columnsPath(path);
    if (this.distrusted.has(file) || !existsSync(file)) return use(this.columnsOfRows(false));
    try {
      if (!sealed) return use(this.columnsOfRows(true));
      this.columns ??= openColumns(path, firstSeq, rows, this.shared.budget);
      return use(this.columns);
    } catch (error) {
      this.distrustColumns(error);
      return use(this.columnsOfRows(false));
    }
  }

  private distrustColumns(error: unknown): void {
    const { path } = this.ref;
    this.columns?.close();
    this.columns = undefined;
    this.shared.ofRows.get(path)?.close();
    this.shared.ofRows.delete(path);
    this.distrust(columnsPath(path), error);
  }

  /** Sums of its records; `undefined` when it has none, or when they cannot be believed. */
  rollup(): Rollup | undefined {
    const { path, sealed } = this.ref;
    const file = rollupPath(path);
    if (!sealed || this.distrusted.has(file) || !existsSync(file)) return undefined;
    try {
      this.sums ??= readRollup(path);
    } catch (error) {
      this.distrust(file, error);
    }
    return this.sums;
  }

  /** Whether its files are complete and will not change any more: the index is made last. */
  get settled(): boolean {
    this.isSettled ||= this.ref.sealed && existsSync(indexPath(this.ref.path));
    return this.isSettled;
  }

  close(): void {
    this.postings?.close();
    this.columns?.close();
    this.reader?.close();
  }

  /** Of all rows. `withLog`: with the chunks that the segment's writer makes. */
  private columnsOfRows(withLog: boolean): RowColumns {
    const columns = this.rowColumns(withLog);
    columns.refresh(this.segment);
    return columns;
  }

  private rowColumns(withLog: boolean): RowColumns {
    const { path, firstSeq } = this.ref;
    const { ofRows, budget } = this.shared;
    const known = ofRows.get(path);
    if (known !== undefined) return known;
    for (const [oldest, each] of ofRows) {
      if (ofRows.size < ROW_COLUMNS_MAX) break;
      each.close();
      ofRows.delete(oldest);
    }
    const columns = new RowColumns(path, firstSeq, withLog ? budget : undefined);
    ofRows.set(path, columns);
    return columns;
  }

  private distrust(file: string, error: unknown): void {
    const reason = toStoreError(error, file);
    if (reason.code !== 'damaged') throw reason;
    this.distrusted.add(file);
    this.report(`${reason.message}; its rows were read instead`);
  }
}

/** Segments whose columns are made from rows and kept in memory: the open one, those being sealed or damaged. */
const ROW_COLUMNS_MAX = 8;

export class SegmentPool {
  /** Most recently used last. */
  private readonly open = new Map<string, PooledSegment>();
  /** Segments that still change, as they were when they were first taken; `undefined`: each taking sees them anew. */
  private held: Map<string, PooledSegment> | undefined = undefined;
  private readonly shared: Shared;
  private readonly report: (line: string) => void;

  constructor(classes: ClassCache, filters: SegmentFilters, report: (line: string) => void) {
    this.shared = { classes, filters, budget: new ColumnBudget(COLUMN_BYTES_MAX), ofRows: new Map() };
    this.report = report;
  }

  /** Throws what SQLite throws. */
  take(ref: SegmentRef): PooledSegment {
    const held = this.held?.get(ref.path);
    if (held !== undefined) {
      held.users++;
      return held;
    }
    const known = this.open.get(ref.path);
    this.open.delete(ref.path);
    const usable = known !== undefined && existsSync(ref.path);
    if (known !== undefined && !usable) this.closeUnused(known);
    const pooled = usable ? known : new PooledSegment(ref, this.shared, this.report);
    if (pooled.settled) this.open.set(ref.path, pooled);
    else this.held?.set(ref.path, pooled);
    pooled.users++;
    return pooled;
  }

  give(pooled: PooledSegment): void {
    pooled.users--;
    if (!this.keeps(pooled)) this.closeUnused(pooled);
    for (const [path, oldest] of this.open) {
      if (this.open.size <= OPEN_MAX) return;
      if (oldest.users > 0) continue;
      this.open.delete(path);
      oldest.close();
    }
  }

  /** While `use` runs, every segment is seen as it was when it was first taken. */
  hold<T>(use: () => T): T {
    if (this.held !== undefined) return use();
    const held = new Map<string, PooledSegment>();
    this.held = held;
    try {
      return use();
    } finally {
      this.held = undefined;
      for (const pooled of held.values()) this.closeUnused(pooled);
    }
  }

  private keeps(pooled: PooledSegment): boolean {
    return this.open.get(pooled.ref.path) === pooled || this.held?.get(pooled.ref.path) === pooled;
  }

  close(): void {
    for (const pooled of this.open.values()) this.closeUnused(pooled);
    this.open.clear();
    for (const columns of this.shared.ofRows.values()) columns.close();
    this.shared.ofRows.clear();
  }

  private closeUnused(pooled: PooledSegment): void {
    if (pooled.users === 0) pooled.close();
  }
}
