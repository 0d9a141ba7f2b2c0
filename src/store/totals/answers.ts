/**
 * What people ask of a store, as the console and the command line put it: totals, histograms, facets, one record and
 * what surrounds it. Every answer is exact. Those that may take long are `Steps` (`steps.ts`): `finish` does them at
 * once, `finishInSlices` with progress and cancelling.
 */

import type { Filter, Place, Query, TextField } from '../../query/filter.ts';
import { StoreError } from '../errors.ts';
import type { Found, StoreReader } from '../reader.ts';
import type { Candidate } from '../search/merge.ts';
import { identityOf } from '../segment/column-builder.ts';
import { ChunkView } from '../segment/view.ts';
import type { Steps } from '../steps.ts';
import { type Group, type GroupBy, type Measures, topGroups } from './aggregate.ts';
import { OTHERS } from './group-table.ts';
import type { AggregateField } from './groups.ts';

export interface Totals {
  /** The biggest groups by the measure asked for, biggest first. */
  readonly rows: readonly Group[];
  /** Groups in all. A record with several objects or rules is in the group of each. */
  readonly groups: number;
  /** Records in groups that are not among `rows`. */
  readonly otherRecords: number;
}

export interface TotalsOptions {
  readonly limit: number;
  /** Default `records`. */
  readonly sort?: keyof Measures | undefined;
}

/** Totals by the values of fields. `fields` may be empty: one row with all. Throws `StoreError` (`usage`). */
export function* aggregate(
  reader: StoreReader,
  query: Query,
  fields: readonly AggregateField[],
  { limit, sort = 'records' }: TotalsOptions,
): Steps<Totals> {
  const groups = yield* reader.groupSteps(query, { fields });
  const rows = topGroups(groups, limit, sort);
  const listed = rows.reduce((sum, row) => sum + row.records, 0);
  return { rows, groups: groups.length, otherRecords: groups.reduce((sum, each) => sum + each.records, 0) - listed };
}

/** The values of one field with most records, for a list to choose from. */
export function facet(reader: StoreReader, query: Query, field: AggregateField, limit: number): Steps<Totals> {
  return aggregate(reader, query, [field], { limit });
}

export interface HistogramOptions {
  /** Half-open; the first bucket starts at `fromUs`. */
  readonly fromUs: number;
  readonly toUs: number;
  readonly bucketUs: number;
  /** A series for each of its values; without it one series. */
  readonly by?: AggregateField | undefined;
  /** Series kept; what others count is summed into one labelled `…`. Default 10. */
  readonly seriesMax?: number | undefined;
}

export interface HistogramSeries {
  readonly label: string;
  /** A number for each bucket. */
  readonly records: readonly number[];
  readonly failed: readonly number[];
  readonly rows: readonly number[];
  readonly durationUs: readonly number[];
}

export interface Histogram {
  readonly fromUs: number;
  readonly bucketUs: number;
  readonly buckets: number;
  /** Biggest first, `…` last. */
  readonly series: readonly HistogramSeries[];
}

const BUCKETS_MAX = 10_000;
const SERIES_MAX = 10;

/** Records by time. Throws `StoreError` (`usage`) for a range of no, or of too many, buckets. */
export function* histogram(reader: StoreReader, query: Query, options: HistogramOptions): Steps<Histogram> {
  const { fromUs, toUs, bucketUs, by, seriesMax = SERIES_MAX } = options;
  const buckets = Math.ceil((toUs - fromUs) / bucketUs);
  if (!(bucketUs >= 1 && buckets >= 1 && buckets <= BUCKETS_MAX)) {
    throw new StoreError('usage', `a histogram has 1 to ${BUCKETS_MAX} buckets`);
  }
  const groupBy: GroupBy = { fields: by === undefined ? [] : [by], bucketUs, originUs: fromUs };
  const groups = yield* reader.groupSteps({ ...query, fromUs, toUs }, groupBy);
  const sizes = new Map<string, number>();
  for (const { labels, records } of groups) sizes.set(labels[0] ?? '', (sizes.get(labels[0] ?? '') ?? 0) + records);
  const names = [...sizes].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([label]) => label);
  const kept = new Map(names.slice(0, seriesMax).map((label) => [label, new Series(label, buckets)]));
  const others = new Series(OTHERS, buckets);
  for (const group of groups) {
    (kept.get(group.labels[0] ?? '') ?? others).add(Math.round((group.bucketUs - fromUs) / bucketUs), group);
  }
  const series = names.length > kept.size ? [...kept.values(), others] : [...kept.values()];
  return { fromUs, bucketUs, buckets, series };
}

class Series implements HistogramSeries {
  readonly label: string;
  readonly records: number[];
  readonly failed: number[];
  readonly rows: number[];
  readonly durationUs: number[];

  constructor(label: string, buckets: number) {
    this.label = label;
    const zeros = (): number[] => new Array<number>(buckets).fill(0);
    this.records = zeros();
    this.failed = zeros();
    this.rows = zeros();
    this.durationUs = zeros();
  }

  add(bucket: number, sums: Measures): void {
    for (const measure of ['records', 'failed', 'rows', 'durationUs'] as const) {
      this[measure][bucket] = (this[measure][bucket] ?? 0) + sums[measure];
    }
  }
}

/** The record with that id, the newest if there are several; `undefined` when it is not in the store. */
export function recordById(reader: StoreReader, id: string): Found | undefined {
  const wanted = id.toLowerCase();
  const packed = /^[0-9a-f]{32}$/.test(wanted) ? Buffer.from(wanted, 'hex') : id;
  for (const candidate of reader.candidates({}).reverse()) {
    const found = recordIn(reader, candidate, packed, wanted);
    if (found !== undefined) return found;
  }
  return undefined;
}

function recordIn(
  reader: StoreReader,
  candidate: Candidate,
  packed: Uint8Array | string,
  wanted: string,
): Found | undefined {
  return reader.withSegment(candidate, (pooled) => {
    const view = new ChunkView();
    const seqs: number[] = [];
    const identity = identityOf(packed);
    const scan = pooled.withColumns(function* ({ chunks }) {
      seqs.length = 0;
      for (const chunk of chunks) {
        view.use(chunk, undefined);
        for (const at of placesOf(view, identity)) seqs.push(chunk.firstSeq + at);
        yield;
      }
    });
    for (const _ of scan);
    for (const seq of seqs.reverse()) {
      const record = pooled.segment.record(seq);
      if (record.id === wanted || record.id === packed) return { record, seq, timeUs: record.timeUs };
    }
    return undefined;
  });
}

function placesOf(view: ChunkView, identity: number): number[] {
  const identities = view.words('identity');
  const places: number[] = [];
  for (let at = identities.indexOf(identity); at >= 0 && at < view.rows; at = identities.indexOf(identity, at + 1)) {
    places.push(at);
  }
  return places;
}

/** Up to `count` records before a place and after it, whatever they are, nearest first. */
export function recordsAround(
  reader: StoreReader,
  place: Place,
  count: number,
): { readonly before: readonly Found[]; readonly after: readonly Found[] } {
  return {
    before: [...reader.find({ order: 'newest', after: place, limit: count })],
    after: [...reader.find({ order: 'oldest', after: place, limit: count })],
  };
}

/** Records of a session in the order in which they happened. */
export function sessionRecords(reader: StoreReader, session: string, limit: number, after?: Place): Found[] {
  return [...reader.find({ filter: exactly('session', session), order: 'oldest', limit, after })];
}

/** Records of the same shape as others of that fingerprint, newest first. */
export function sameShape(reader: StoreReader, fingerprint: string, limit: number, after?: Place): Found[] {
  return [...reader.find({ filter: exactly('fingerprint', fingerprint), order: 'newest', limit, after })];
}

/** The oldest record that is kept of a user, client or object; `undefined` when there is none. */
export function firstSeen(reader: StoreReader, field: 'user' | 'client' | 'object', value: string): Found | undefined {
  const patterns = [{ text: value, wildcards: false }];
  const filter: Filter = field === 'client' ? { kind: 'address', field, patterns } : { kind: 'match', field, patterns };
  return reader.find({ filter, order: 'oldest', limit: 1 }).next().value ?? undefined;
}

function exactly(field: TextField, text: string): Filter {
  return { kind: 'match', field, patterns: [{ text, wildcards: false }] };
}
