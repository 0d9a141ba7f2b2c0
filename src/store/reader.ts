/**
 * Reads a store: finds the segments a query touches, merges what they give by time, streams the result. Works while
 * another process or thread writes; a segment that is missing or damaged is reported and the rest still answers.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditRecord } from '../contracts/record.ts';
import type { Query } from '../query/filter.ts';
import { type AggregateField, type AggregateRow, Aggregation } from './aggregate.ts';
import { Catalog, type SegmentEntry } from './catalog.ts';
import { type CompiledQuery, compileQuery, conjunction } from './compile.ts';
import { StoreError, toStoreError } from './errors.ts';
import { explainPlan, explainSkipped, type SegmentPlan } from './explain.ts';
import { comparePlaces, type Order, type RecordPlace } from './order.ts';
import { indexPath, PostingIndex } from './postings.ts';
import { SegmentReader } from './rows.ts';
import { CATALOG_FILE } from './schema.ts';
import { planSearch, searchCount, searchPlaces } from './search.ts';

export interface StoreSummary {
  readonly segments: number;
  readonly records: number;
  readonly timeMinUs: number | undefined;
  readonly timeMaxUs: number | undefined;
}

/** A segment that may hold an answer, and the time it spans. */
interface Candidate {
  readonly path: string;
  readonly sealed: boolean;
  readonly firstSeq: number;
  readonly rows: number;
  readonly timeMinUs: number;
  readonly timeMaxUs: number;
}

/** A segment being read for a query, at its next record. */
interface Stream {
  readonly segment: SegmentReader;
  readonly places: Iterator<RecordPlace>;
  head: RecordPlace;
}

export class StoreReader {
  /** What could not be read so far, one line each. */
  readonly problems: string[] = [];
  private readonly directory: string;
  private readonly catalog: Catalog;

  /** Throws `StoreError` when the directory holds no store. */
  constructor(directory: string) {
    const path = join(directory, CATALOG_FILE);
    if (!existsSync(path)) throw new StoreError('not-a-store', `${directory}: no audit store here`);
    this.directory = directory;
    this.catalog = Catalog.open(path, 'read');
  }

  /** Matching records in order of time, one at a time. Throws `StoreError` (`usage`) for a query that makes no sense. */
  *query(query: Query): Generator<AuditRecord, void, undefined> {
    const compiled = compileQuery(query);
    const order = query.order ?? 'newest';
    const pending = sortCandidates(this.candidates(query), order);
    const streams: Stream[] = [];
    let left = query.limit ?? Number.MAX_SAFE_INTEGER;
    try {
      while (left > 0) {
        this.openDue(pending, streams, compiled, order);
        const stream = first(streams, order);
        if (stream === undefined) return;
        const record = this.attempt(stream.segment.path, () => stream.segment.record(stream.head.seq));
        if (record !== undefined) {
          left--;
          yield record;
        }
        this.advance(stream, streams);
      }
    } finally {
      for (const stream of streams) closeStream(stream);
    }
  }

  count(query: Query): number {
    const compiled = compileQuery(query);
    let total = 0;
    for (const candidate of this.candidates(query)) {
      const count = this.withSegment(candidate.path, (segment) =>
        this.withIndex(candidate, (index) => searchCount(segment, planSearch(segment, compiled, index))),
      );
      total += count ?? 0;
    }
    return total;
  }

  /** How the query is answered, oldest segment first. Throws `StoreError` (`usage`). */
  explain(query: Query): SegmentPlan[] {
    const compiled = compileQuery(query);
    const due = new Set(this.candidates(query).map((candidate) => candidate.path));
    return this.candidates({}).flatMap((candidate) => {
      const { path, rows } = candidate;
      if (!due.has(path)) return [explainSkipped(path, rows)];
      const plan = this.withSegment(path, (segment) =>
        this.withIndex(candidate, (index) => explainPlan(path, rows, planSearch(segment, compiled, index))),
      );
      return plan === undefined ? [] : [plan];
    });
  }

  /** Counts by the values of one or more fields, biggest first; `query.limit` and `query.order` do not apply. */
  aggregate(query: Query, by: readonly AggregateField[], limit: number): AggregateRow[] {
    const { terms, fromUs, toUs } = compileQuery(query);
    const condition = conjunction(terms);
    const aggregation = new Aggregation(by);
    for (const candidate of this.candidates(query)) {
      this.withSegment(candidate.path, (segment) => {
        const { seqMin, seqMax } = segment.seqRange(fromUs, toUs);
        aggregation.add(segment, condition, seqMin, seqMax);
      });
    }
    return aggregation.top(limit);
  }

  summary(): StoreSummary {
    const candidates = this.candidates({});
    let summary: StoreSummary = { segments: 0, records: 0, timeMinUs: undefined, timeMaxUs: undefined };
    for (const { rows, timeMinUs, timeMaxUs } of candidates) {
      summary = {
        segments: summary.segments + 1,
        records: summary.records + rows,
        timeMinUs: Math.min(summary.timeMinUs ?? timeMinUs, timeMinUs),
        timeMaxUs: Math.max(summary.timeMaxUs ?? timeMaxUs, timeMaxUs),
      };
    }
    return summary;
  }

  close(): void {
    this.catalog.close();
  }

  private candidates(query: Query): Candidate[] {
    const found: Candidate[] = [];
    for (const entry of this.catalog.segments()) {
      const candidate = this.candidateOf(entry);
      if (candidate === undefined) continue;
      if (query.fromUs !== undefined && candidate.timeMaxUs < query.fromUs) continue;
      if (query.toUs !== undefined && candidate.timeMinUs >= query.toUs) continue;
      found.push(candidate);
    }
    return found;
  }

  private candidateOf(entry: SegmentEntry): Candidate | undefined {
    const path = join(this.directory, entry.file);
    if (entry.state === 'new' || entry.state === 'dropping' || entry.state === 'dropped') return undefined;
    if (entry.state === 'damaged') {
      this.report(`${path}: the segment is damaged and was left out`);
      return undefined;
    }
    const facts = entry.state === 'sealed' ? entry : this.withSegment(path, (segment) => segment.facts);
    if (facts?.timeMinUs === undefined || facts.timeMaxUs === undefined) return undefined;
    const { rows, timeMinUs, timeMaxUs } = facts;
    return { path, sealed: entry.state === 'sealed', firstSeq: entry.firstSeq, rows, timeMinUs, timeMaxUs };
  }

  /** Opens the segments that may hold a record before the earliest head, in result order. */
  private openDue(pending: Candidate[], streams: Stream[], query: CompiledQuery, order: Order): void {
    for (let next = pending[0]; next !== undefined; next = pending[0]) {
      const head = first(streams, order)?.head;
      if (head !== undefined) {
        const reaches = order === 'newest' ? next.timeMaxUs >= head.time_us : next.timeMinUs <= head.time_us;
        if (!reaches) return;
      }
      pending.shift();
      const due = next;
      const stream = this.attempt(due.path, () => this.openStream(due, query, order));
      if (stream !== undefined) streams.push(stream);
    }
  }

  private advance(stream: Stream, streams: Stream[]): void {
    const next = this.attempt(stream.segment.path, () => stream.places.next());
    if (next !== undefined && next.done !== true) {
      stream.head = next.value;
      return;
    }
    streams.splice(streams.indexOf(stream), 1);
    closeStream(stream);
  }

  private withSegment<T>(path: string, use: (segment: SegmentReader) => T): T | undefined {
    return this.attempt(path, () => {
      const segment = new SegmentReader(path);
      try {
        return use(segment);
      } finally {
        segment.close();
      }
    });
  }

  /** `undefined` when the segment holds no match. */
  private openStream(candidate: Candidate, query: CompiledQuery, order: Order): Stream | undefined {
    const segment = new SegmentReader(candidate.path);
    try {
      const plan = this.withIndex(candidate, (index) => planSearch(segment, query, index));
      const places = searchPlaces(segment, plan, order);
      const head = places.next();
      if (head.done !== true) return { segment, places, head: head.value };
    } catch (error) {
      segment.close();
      throw error;
    }
    segment.close();
    return undefined;
  }

  /** `use` with the segment's index; without one when it has none, or when what it holds cannot be believed. */
  private withIndex<T>(candidate: Candidate, use: (index: PostingIndex | undefined) => T): T {
    const path = indexPath(candidate.path);
    if (!candidate.sealed || !existsSync(path)) return use(undefined);
    try {
      const index = new PostingIndex(path, candidate.firstSeq, candidate.rows);
      try {
        return use(index);
      } finally {
        index.close();
      }
    } catch (error) {
      const reason = toStoreError(error, path);
      if (reason.code !== 'damaged') throw reason;
      this.report(`${reason.message}; its rows were read instead`);
      return use(undefined);
    }
  }

  /** What `step` gives; `undefined`, and a problem reported, when the segment cannot be read. */
  private attempt<T>(path: string, step: () => T): T | undefined {
    try {
      return step();
    } catch (error) {
      const reason = existsSync(path) ? toStoreError(error, path).message : `${path}: the file is missing`;
      this.report(reason);
      return undefined;
    }
  }

  private report(line: string): void {
    if (this.problems.length < PROBLEMS_MAX && !this.problems.includes(line)) this.problems.push(line);
  }
}

const PROBLEMS_MAX = 100;

function sortCandidates(candidates: Candidate[], order: Order): Candidate[] {
  if (order === 'newest') return candidates.sort((a, b) => b.timeMaxUs - a.timeMaxUs);
  return candidates.sort((a, b) => a.timeMinUs - b.timeMinUs);
}

/** The stream whose head comes first. */
function first(streams: readonly Stream[], order: Order): Stream | undefined {
  const sign = order === 'newest' ? -1 : 1;
  let best: Stream | undefined;
  for (const stream of streams) {
    if (best === undefined || sign * comparePlaces(stream.head, best.head) < 0) best = stream;
  }
  return best;
}

/** An iterator that was left early must be ended before its connection can close. */
function closeStream(stream: Stream): void {
  stream.places.return?.();
  stream.segment.close();
}
