/**
 * Counts by the values of fields, exactly, from the columns of segments: a chunk at a time, without touching a row
 * unless the filter asks for what only rows tell.
 */

import { both } from '../../query/build.ts';
import type { Filter, Query } from '../../query/filter.ts';
import type { PooledSegment } from '../search/pool.ts';
import { CHUNK_ROWS_MAX } from '../segment/columns.ts';
import type { Cells } from '../segment/rollup.ts';
import type { RecordView } from '../segment/view.ts';
import { cellChunks, tablesFor } from './cells.ts';
import type { ClassCache } from './classes.ts';
import { GroupTable } from './group-table.ts';
import { type AggregateField, isPeriod, type Labels, PERIODS_US } from './groups.ts';
import { oneGroup, type PackedGroups } from './packed-groups.ts';
import { type KeyPart, partsOf } from './parts.ts';
import { type PeriodCounts, PeriodView } from './period-counts.ts';
import { partsOfSegment, type Scope, type ScopeCache } from './scope.ts';
import { type Mask, pickMasked, planSelection } from './select.ts';
import { SegmentSums } from './sums.ts';

/** What is known of the records of a group. */
export interface Measures {
  readonly records: number;
  readonly failed: number;
  /** Rows returned, or else affected. */
  readonly rows: number;
  /** Durations added up, in microseconds. */
  readonly durationUs: number;
  /** Time of the oldest and of the newest. */
  readonly firstUs: number;
  readonly lastUs: number;
}

export interface AggregateRow extends Measures {
  /** In the order of the fields asked for; empty where a record has no value. Periods as their ISO 8601 start. */
  readonly labels: Labels;
}

/** What to count by. */
export interface GroupBy {
  readonly fields: readonly AggregateField[];
  /** Width of the time buckets that are told apart, and the moment that one of them starts at; not with fields that name periods. */
  readonly bucketUs?: number | undefined;
  readonly originUs?: number | undefined;
  /** Of the records that the query finds, those only: for several questions about the same records. */
  readonly only?: Filter | undefined;
  /**
   * Nothing but the numbers of records is asked for and, of groups without time, `rows`: what else there is of a group means
   * nothing.
   */
  readonly countsOnly?: boolean | undefined;
  /** Nothing but the number of records is asked for: of all together, or by error; not with buckets or `only`. */
  readonly recordsOnly?: boolean | undefined;
}

/** A group, and the start of its time bucket (0 when none was asked for). */
export interface Group extends AggregateRow {
  readonly bucketUs: number;
}

export class Aggregation {
  private readonly by: GroupBy;
  private readonly query: Query;
  private readonly cache: ClassCache;
  private readonly scopes: ScopeCache;
  private readonly table: GroupTable;
  private readonly bucketUs: number | undefined;
  /** Tables that can answer, by number; none: the columns are asked. */
  private readonly tables: readonly number[];

  constructor(query: Query, by: GroupBy, cache: ClassCache, scopes: ScopeCache) {
    this.query = query;
    this.by = by;
    this.cache = cache;
    this.scopes = scopes;
    this.table = new GroupTable(by);
    const periods = by.fields.filter(isPeriod).map((field) => PERIODS_US[field]);
    const shortest = Math.min(...periods, by.bucketUs ?? Number.POSITIVE_INFINITY);
    this.bucketUs = Number.isFinite(shortest) ? shortest : undefined;
    this.tables = tablesFor(by, this.bucketUs);
  }

  /** Adds a segment. Throws `StoreError`. */
  add(pooled: PooledSegment): void {
    const { recordsOnly, fields } = this.by;
    if (recordsOnly === true && fields.length === 0) this.addRecords(pooled);
    else if (recordsOnly === true) this.addErrors(pooled);
    else if (this.tables.length === 0) this.addColumns(pooled);
    else this.addTables(pooled);
  }

  private addRecords(pooled: PooledSegment): void {
    for (const span of partsOfSegment(pooled, this.query)) {
      const records = this.scopes.of(pooled.segment.path, this.query.filter, span).records(pooled);
      if (records > 0) this.table.addPacked(oneGroup([], records));
    }
  }

  /** Most records have no error: those that have one are looked at, the rest is known. */
  private addErrors(pooled: PooledSegment): void {
    const { scopes, query, table } = this;
    for (const span of partsOfSegment(pooled, query)) {
      const scope = scopes.of(pooled.segment.path, query.filter, span);
      pooled.withColumns(({ chunks }) => {
        const numbers = new Map<string, number>();
        for (const { chunk, count, picked } of scope.pick(pooled, chunks)) {
          const failed = chunk.markedAmong('error', FAILED, picked);
          const codes = chunk.errorCodes();
          for (let i = 0; i < failed; i++) {
            const place = FAILED[i] as number;
            const code = codes[chunk.wordAt('error', picked?.[place] ?? place) - 1] ?? '';
            numbers.set(code, (numbers.get(code) ?? 0) + 1);
          }
          if (count > failed) numbers.set('', (numbers.get('') ?? 0) + count - failed);
        }
        for (const [code, records] of numbers) table.addPacked(oneGroup([code], records));
      });
    }
  }

  private addTables(pooled: PooledSegment): void {
    const { segment } = pooled;
    const { filter } = this.query;
    const { never, mask } = planSelection(segment, this.by.only, undefined);
    if (never) return;
    const parts = partsOf(this.by, this.bucketUs, this.query, segment, [], this.cache);
    const sums = sumsOf(parts);
    for (const span of partsOfSegment(pooled, this.query)) {
      const scope = this.scopes.of(segment.path, filter, span);
      const table = scope.tableFor(pooled, this.tables);
      const counts = this.wantsCounts ? scope.counts(pooled, table) : undefined;
      if (counts === undefined) addCells(this.cellsOf(scope, pooled, table), mask, parts, sums);
      else addCounts(counts, mask, parts, sums);
    }
    this.table.add(parts, sums);
    sums.release();
  }

  private get wantsCounts(): boolean {
    return this.bucketUs !== undefined && this.by.countsOnly === true;
  }

  private cellsOf(scope: Scope, pooled: PooledSegment, table: number): Cells {
    const countsOnly = this.by.countsOnly === true;
    return this.bucketUs === undefined ? scope.totals(pooled, table, countsOnly) : scope.cells(pooled, table);
  }

  /** Nothing is added when the columns turn out to be damaged. */
  private addColumns(pooled: PooledSegment): void {
    const { query, by, bucketUs, cache, scopes, table } = this;
    const { segment } = pooled;
    const filter = both(query.filter, by.only);
    for (const span of partsOfSegment(pooled, query)) {
      const scope = scopes.of(segment.path, filter, span);
      pooled.withColumns(({ chunks }) => {
        const picks = scope.pick(pooled, chunks);
        const parts = partsOf(
          by,
          bucketUs,
          query,
          segment,
          picks.map(({ chunk }) => chunk),
          cache,
        );
        const sums = sumsOf(parts);
        for (const { chunk, picked } of picks) {
          scopes.view.use(chunk, picked);
          setKeys(scopes.view, parts);
          sums.add(scopes.view, KEYS);
        }
        table.add(parts, sums);
        sums.release();
      });
    }
  }

  /** Adds groups of the same question about other records. */
  addPacked(groups: PackedGroups): void {
    this.table.addPacked(groups);
  }

  /** All groups, in no order. */
  pack(): PackedGroups {
    return this.table.pack();
  }
}

/** Hold nothing between two calls. */
const KEYS = new Float64Array(CHUNK_ROWS_MAX);
const MASK = new Uint8Array(CHUNK_ROWS_MAX);
const FAILED = new Uint16Array(CHUNK_ROWS_MAX);

function addCells(cells: Cells, mask: Mask | undefined, parts: readonly KeyPart[], sums: SegmentSums): void {
  for (const { view, start } of cellChunks(cells)) {
    if (mask !== undefined) {
      mask(view, MASK);
      view.use(start, view.rows, pickMasked(MASK, undefined, view.rows));
    }
    setKeys(view, parts);
    sums.addCells(view, KEYS);
  }
}

function addCounts(counts: PeriodCounts, mask: Mask | undefined, parts: readonly KeyPart[], sums: SegmentSums): void {
  for (const failed of [false, true]) {
    const { starts, rows, records } = counts.of(failed);
    const view = new PeriodView(counts, failed);
    for (let start = 0; start < counts.rowCount && rows.length > 0; start += CHUNK_ROWS_MAX) {
      const end = Math.min(counts.rowCount, start + CHUNK_ROWS_MAX);
      // What a period adds to a key is the same for all rows, and a row passes in all periods or in none.
      const periodKeys = Array.from({ length: counts.periods }, (_, period) => {
        view.use(period, start, 1);
        setKeys(view, parts);
        return KEYS[0] as number;
      });
      view.use(0, start, end - start);
      if (mask === undefined) MASK.fill(1, 0, end - start);
      else mask(view, MASK);
      setKeys(view, parts);
      const ofRows = { start, mask: MASK, keys: KEYS };
      for (const [period, key] of periodKeys.entries()) {
        const [from, to] = [starts[period], starts[period + 1]];
        const more = { keyMore: key - (periodKeys[0] ?? 0), timeUs: counts.startUs(period), failed };
        sums.addCounts(rows.subarray(from, to), records.subarray(from, to), ofRows, more);
      }
    }
  }
}

function setKeys(view: RecordView, parts: readonly KeyPart[]): void {
  KEYS.fill(0, 0, view.rows);
  let scale = 1;
  for (const part of parts) {
    part.addTo(view, KEYS, scale);
    scale *= part.size;
  }
}

function sumsOf(parts: readonly KeyPart[]): SegmentSums {
  return new SegmentSums(parts.reduce((product, part) => product * part.size, 1));
}

/** Mostly a few of thousands of groups are asked for: to sort all of them would take longer than it took to count them. */
const FEW_GROUPS = 32;

/** The biggest groups by a measure, biggest first. */
export function topGroups(groups: readonly Group[], limit: number, by: keyof Measures = 'records'): Group[] {
  const order = (a: Group, b: Group): number => b[by] - a[by] || compareLabels(a.labels, b.labels);
  if (limit < 1 || limit > FEW_GROUPS) return [...groups].sort(order).slice(0, limit);
  const top: Group[] = [];
  for (const group of groups) {
    const last = top[limit - 1];
    if (last !== undefined && order(group, last) >= 0) continue;
    let place = Math.min(top.length, limit - 1);
    while (place > 0 && order(group, top[place - 1] as Group) < 0) place--;
    top.splice(place, 0, group);
    if (top.length > limit) top.pop();
  }
  return top;
}

function compareLabels(a: Labels, b: Labels): number {
  for (let i = 0; i < a.length; i++) {
    const left = a[i] ?? '';
    const right = b[i] ?? '';
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}
