/**
 * Counts by the values of fields, exactly, from the columns of segments: a chunk at a time, without touching a row
 * unless the filter asks for what only rows tell.
 */

import type { Query } from '../query/filter.ts';
import { type CellPlan, CellView, planCells } from './cells.ts';
import type { SegmentColumns } from './column-file.ts';
import { CHUNK_ROWS_MAX } from './columns.ts';
import { GroupTable } from './group-table.ts';
import { type AggregateField, type ClassCache, isPeriod, type Labels, PERIODS_US } from './groups.ts';
import { type KeyPart, partsOf } from './parts.ts';
import type { PooledSegment } from './pool.ts';
import { ChunkSelector, planSelection, type Selection } from './select.ts';
import { SegmentSums } from './sums.ts';
import type { ChunkView, RecordView } from './view.ts';

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
  /** Width of the time buckets that are told apart, and the moment that one of them starts at. */
  readonly bucketUs?: number | undefined;
  readonly originUs?: number | undefined;
}

/** A group, and the start of its time bucket (0 when none was asked for). */
export interface Group extends AggregateRow {
  readonly bucketUs: number;
}

export class Aggregation {
  private readonly by: GroupBy;
  private readonly query: Query;
  private readonly cache: ClassCache;
  private readonly table: GroupTable;
  private readonly keys = new Float64Array(CHUNK_ROWS_MAX);
  private readonly mask = new Uint8Array(CHUNK_ROWS_MAX);
  private readonly bucketUs: number | undefined;

  constructor(query: Query, by: GroupBy, cache: ClassCache) {
    this.query = query;
    this.by = by;
    this.cache = cache;
    this.table = new GroupTable(by);
    const periods = by.fields.filter(isPeriod).map((field) => PERIODS_US[field]);
    const shortest = Math.min(...periods, by.bucketUs ?? Number.POSITIVE_INFINITY);
    this.bucketUs = Number.isFinite(shortest) ? shortest : undefined;
  }

  /** Adds a segment, a chunk a step; gives the number of records gone through. Throws `StoreError`. */
  *add(pooled: PooledSegment): Generator<number, void, void> {
    const { segment } = pooled;
    const { timeMinUs = 0, timeMaxUs = 0 } = segment.facts;
    const { by } = this;
    const rollup = pooled.rollup();
    const span = { timeMinUs, timeMaxUs, lastSeq: segment.firstSeq + segment.facts.rows - 1 };
    const plan = rollup && planCells(rollup, this.query, { ...by, bucketUs: this.bucketUs }, span);
    if (plan === undefined) {
      const selection = pooled.withIndex((index) => planSelection(segment, this.query.filter, index));
      if (!selection.never) yield* this.addColumns(pooled, by, selection, [this.query]);
      return;
    }
    const selection = planSelection(segment, this.query.filter, undefined);
    if (selection.never) return;
    const parts = partsOf(by, this.bucketUs, this.query, segment, [], this.cache);
    const sums = sumsOf(parts);
    this.addCells(plan, selection, parts, sums);
    this.table.add(parts, sums);
    const { fromUs = 0, toUs = Number.POSITIVE_INFINITY } = this.query;
    const edges = [
      { fromUs, toUs: plan.fromUs },
      { fromUs: plan.toUs, toUs },
    ].filter((edge) => edge.fromUs < edge.toUs);
    if (edges.length > 0) yield* this.addColumns(pooled, by, selection, edges);
  }

  /** Adds the records of the ranges from the columns. Nothing is added when the columns turn out to be damaged. */
  private addColumns(
    pooled: PooledSegment,
    by: GroupBy,
    selection: Selection,
    ranges: readonly Pick<Query, 'fromUs' | 'toUs'>[],
  ): Generator<number, void, void> {
    const { segment } = pooled;
    const selectors = ranges.map(({ fromUs, toUs }) => new ChunkSelector({ ...this.query, fromUs, toUs }));
    const add = function* (this: Aggregation, { chunks }: SegmentColumns): Generator<number, void, void> {
      const parts = partsOf(by, this.bucketUs, this.query, segment, chunks, this.cache);
      const sums = sumsOf(parts);
      for (const chunk of chunks) {
        for (const selector of selectors) {
          if (selector.select(segment, chunk, selection) > 0) this.addView(selector.view, parts, sums);
        }
        yield chunk.rows;
      }
      this.table.add(parts, sums);
    };
    return pooled.withColumns((columns) => add.call(this, columns));
  }

  private addCells(plan: CellPlan, { mask }: Selection, parts: readonly KeyPart[], sums: SegmentSums): void {
    const { cells, fromUs, toUs } = plan;
    const view = new CellView(plan);
    for (let start = 0; start < cells.row.length; start += CHUNK_ROWS_MAX) {
      view.use(start, Math.min(CHUNK_ROWS_MAX, cells.row.length - start));
      if (mask === undefined) this.mask.fill(1);
      else mask(view, this.mask);
      const periods = view.times();
      for (let i = 0; i < view.rows; i++) {
        const periodUs = periods[i] as number;
        if (periodUs < fromUs || periodUs >= toUs) this.mask[i] = 0;
      }
      this.setKeys(view, parts);
      sums.addCells(cells, start, this.keys, this.mask, view.rows);
    }
  }

  private addView(view: ChunkView, parts: readonly KeyPart[], sums: SegmentSums): void {
    this.setKeys(view, parts);
    sums.add(view, this.keys);
  }

  private setKeys(view: RecordView, parts: readonly KeyPart[]): void {
    this.keys.fill(0, 0, view.rows);
    let scale = 1;
    for (const part of parts) {
      part.addTo(view, this.keys, scale);
      scale *= part.size;
    }
  }

  /** All groups, in no order. */
  all(): Group[] {
    return this.table.groups();
  }
}

function sumsOf(parts: readonly KeyPart[]): SegmentSums {
  return new SegmentSums(
    parts.reduce((product, part) => product * part.size, 1),
    CHUNK_ROWS_MAX,
  );
}

/** The biggest groups by a measure, biggest first. */
export function topGroups(groups: readonly Group[], limit: number, by: keyof Measures = 'records'): Group[] {
  return [...groups].sort((a, b) => b[by] - a[by] || compareLabels(a.labels, b.labels)).slice(0, limit);
}

function compareLabels(a: Labels, b: Labels): number {
  for (let i = 0; i < a.length; i++) {
    const left = a[i] ?? '';
    const right = b[i] ?? '';
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}
