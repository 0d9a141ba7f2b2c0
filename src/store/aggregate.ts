/**
 * Counts by the values of fields, exactly, from the columns of segments: a chunk at a time, without touching a row
 * unless the filter asks for what only rows tell.
 */

import type { Query } from '../query/filter.ts';
import type { ColumnChunk } from './columns.ts';
import { CHUNK_ROWS_MAX } from './columns.ts';
import { type AggregateField, type ClassCache, isPeriod, type Labels, PERIODS_US } from './groups.ts';
import { type KeyPart, partsOf } from './parts.ts';
import type { SegmentReader } from './rows.ts';
import { ChunkSelector, planSelection } from './select.ts';
import { SegmentSums, type Sums } from './sums.ts';

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

/** Groups kept; further ones are summed under `…`. */
const GROUPS_MAX = 250_000;
export const OTHERS = '…';
interface MutableGroup {
  labels: string[];
  bucketUs: number;
  records: number;
  failed: number;
  rows: number;
  durationUs: number;
  firstUs: number;
  lastUs: number;
}

/** A group, and the start of its time bucket (0 when none was asked for). */
export interface Group extends AggregateRow {
  readonly bucketUs: number;
}

export class Aggregation {
  private readonly by: GroupBy;
  private readonly query: Query;
  private readonly cache: ClassCache;
  private readonly groups = new Map<string, MutableGroup>();
  private readonly selector: ChunkSelector;
  private readonly keys = new Float64Array(CHUNK_ROWS_MAX);
  private readonly bucketUs: number | undefined;

  constructor(query: Query, by: GroupBy, cache: ClassCache) {
    this.query = query;
    this.selector = new ChunkSelector(query);
    this.by = by;
    this.cache = cache;
    const periods = by.fields.filter(isPeriod).map((field) => PERIODS_US[field]);
    const shortest = Math.min(...periods, by.bucketUs ?? Number.POSITIVE_INFINITY);
    this.bucketUs = Number.isFinite(shortest) ? shortest : undefined;
  }

  /** Adds a segment, a chunk a step; gives the number of records gone through. Throws `StoreError`. */
  *add(segment: SegmentReader, chunks: readonly ColumnChunk[], sealed: boolean): Generator<number, void, void> {
    const { selector } = this;
    const selection = planSelection(segment, this.query.filter);
    if (selection.never) return;
    const parts = partsOf({ ...this.by, bucketUs: this.bucketUs }, this.query, segment, chunks, this.cache, sealed);
    const keys = parts.reduce((product, part) => product * part.size, 1);
    const sums = new SegmentSums(keys, CHUNK_ROWS_MAX);
    for (const chunk of chunks) {
      const count = selector.select(segment, chunk, selection);
      const { picked, view } = selector;
      this.keys.fill(0, 0, count);
      let scale = 1;
      for (const part of parts) {
        part.addTo(view, picked, this.keys, count, scale);
        scale *= part.size;
      }
      if (count > 0) sums.add(view, picked, this.keys, count);
      yield chunk.rows;
    }
    this.collect(parts, sums);
  }

  /** All groups, in no order. */
  *all(): Generator<Group, void, undefined> {
    for (const group of this.groups.values()) yield group;
  }

  /** Adds the sums of a segment to those of all, under their labels. */
  private collect(parts: readonly KeyPart[], sums: SegmentSums): void {
    for (const [slot, key] of sums.used()) {
      let rest = key;
      let rows: string[][] = [this.by.fields.map(() => '')];
      for (const { size, labelsOf, places } of parts) {
        const tuples = labelsOf(rest % size);
        rest = Math.floor(rest / size);
        rows = rows.flatMap((row) => tuples.map((tuple) => placed(row, tuple, places)));
      }
      for (const row of rows) this.count(row, sums.sums, slot);
    }
  }

  private count(row: string[], sums: Sums, slot: number): void {
    const labels = row.slice(0, this.by.fields.length);
    const bucketUs = this.by.bucketUs === undefined ? 0 : Number(row[labels.length]);
    let key = `${bucketUs}\u0000${labels.join('\u0000')}`;
    if (!this.groups.has(key) && this.groups.size >= GROUPS_MAX) {
      labels.fill(OTHERS);
      key = `${bucketUs}\u0000${OTHERS}`;
    }
    let group = this.groups.get(key);
    if (group === undefined) {
      const none = { records: 0, failed: 0, rows: 0, durationUs: 0 };
      group = { labels, bucketUs, ...none, firstUs: Number.POSITIVE_INFINITY, lastUs: Number.NEGATIVE_INFINITY };
      this.groups.set(key, group);
    }
    group.records += sums.records[slot] as number;
    group.failed += sums.failed[slot] as number;
    group.rows += sums.rows[slot] as number;
    group.durationUs += sums.durationUs[slot] as number;
    group.firstUs = Math.min(group.firstUs, sums.firstUs[slot] as number);
    group.lastUs = Math.max(group.lastUs, sums.lastUs[slot] as number);
  }
}

/** The row with the tuple's values in their places. */
function placed(row: readonly string[], tuple: Labels, places: readonly number[]): string[] {
  const labels = [...row];
  for (const [i, place] of places.entries()) labels[place] = tuple[i] ?? '';
  return labels;
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
