/**
 * Reads a store: finds the segments a query touches, merges what they give by time, streams the result. Works while
 * another process or thread writes; a segment that is missing or damaged is reported and the rest still answers.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditRecord } from '../contracts/record.ts';
import type { Place, Query } from '../query/filter.ts';
import { toStoreError } from './errors.ts';
import { type CompiledQuery, compileQuery, timeRangeOf } from './search/compile.ts';
import { explainPlan, explainSkipped, type SegmentPlan } from './search/explain.ts';
import { type Candidate, type MergeSource, SegmentMerge } from './search/merge.ts';
import { type PooledSegment, SegmentPool, type SegmentRef } from './search/pool.ts';
import { indexCount, planSearch } from './search/search.ts';
import { Catalog, catalogOf, type SegmentEntry } from './segment/catalog.ts';
import { type FilterQuestion, filterQuestion, SegmentFilters } from './segment/filters.ts';
import { SEGMENT_FOLDER } from './segment/schema.ts';
import { type AggregateRow, type Group, type GroupBy, topGroups } from './totals/aggregate.ts';
import type { ChunkPick } from './totals/chunk-pick.ts';
import { ClassCache } from './totals/classes.ts';
import { Grouping, type GroupingSource } from './totals/grouping.ts';
import type { AggregateField } from './totals/groups.ts';
import { unpackGroups } from './totals/packed-groups.ts';
import { partsOfSegment, ScopeCache } from './totals/scope.ts';
import { ChunkSelector, planSelection, spanOf } from './totals/select.ts';

export interface StoreSummary {
  readonly segments: number;
  readonly records: number;
  readonly timeMinUs: number | undefined;
  readonly timeMaxUs: number | undefined;
}

/** A record and where it stands. */
export interface Found extends Place {
  readonly record: AuditRecord;
}

export class StoreReader implements GroupingSource {
  /** What could not be read so far, one line each. */
  readonly problems: string[] = [];
  /** Set when a segment or a record was left out because it could not be read: answers lack what is in it. */
  isIncomplete = false;
  private readonly directory: string;
  private readonly catalog: Catalog;
  private readonly pool: SegmentPool;
  private readonly classes = new ClassCache();
  private readonly filters: SegmentFilters;
  private readonly scopes = new ScopeCache(this.classes);
  /** Of sealed segments. */
  private readonly sealed = new WeakMap<SegmentEntry, Candidate>();
  /** Counts by fields; other threads may be told to it (`peers`). */
  readonly grouping: Grouping = new Grouping(this, this.classes, this.scopes);
  /** Times something could not be read. */
  failures = 0;
  /** The segments as they were when they were first asked for; `undefined`: asked anew each time. */
  private moment: Candidate[] | undefined = undefined;
  private isHeld = false;

  /** Throws `StoreError` when the directory holds no store. */
  constructor(directory: string) {
    const path = catalogOf(directory);
    this.directory = directory;
    this.catalog = Catalog.open(path, 'read');
    this.filters = new SegmentFilters(join(directory, SEGMENT_FOLDER), (line) => this.report(line));
    this.pool = new SegmentPool(this.classes, this.filters, (line) => this.report(line));
  }

  /** Matching records in order of time, one at a time. Throws `StoreError` (`usage`) for a query that makes no sense. */
  *query(query: Query): Generator<AuditRecord, void, undefined> {
    for (const { record } of this.find(query)) yield record;
  }

  /** As `query`, with the place of each record. */
  *find(query: Query): Generator<Found, void, undefined> {
    const compiled = compileQuery(query);
    const question = filterQuestion(compiled);
    const source: MergeSource = {
      mayHold: (candidate) => !this.isExcluded(candidate, question),
      take: (candidate) => this.pool.take(candidate),
      give: (pooled) => this.pool.give(pooled),
      attempt: (path, step) => this.attempt(path, step),
    };
    // The segment being written is asked for its span of time first, and then nearly always searched: opened once.
    const merge = this.pool.hold(() => {
      const merged = new SegmentMerge(this.candidates(query), compiled, query.order ?? 'newest', source);
      merged.first();
      return merged;
    });
    let left = query.limit ?? Number.MAX_SAFE_INTEGER;
    try {
      for (let next = left > 0 ? merge.first() : undefined; next !== undefined; next = merge.first()) {
        const { segment, path } = next;
        const { seq, time_us: timeUs } = next.place;
        const record = this.attempt(path, () => segment.record(seq));
        if (record !== undefined) {
          yield { record, seq, timeUs };
          if (--left === 0) return;
        }
        merge.advance();
      }
    } finally {
      merge.close();
    }
  }

  /** Number of matching records; `limit`, `order` and `after` do not apply. Throws `StoreError` (`usage`). */
  count(query: Query): number {
    const compiled = compileQuery({ ...query, after: undefined });
    const selector = new ChunkSelector(spanOf(query));
    let total = 0;
    this.eachSegment(this.candidates({ ...query, after: undefined }), compiled, (pooled) => {
      const quick = pooled.ref.sealed
        ? pooled.withFinder((finder) => indexCount(planSearch(pooled, compiled, finder), pooled.rows))
        : undefined;
      if (quick !== undefined) {
        total += quick;
        return;
      }
      const { segment } = pooled;
      const selection = pooled.withIndex((index) => planSelection(segment, query.filter, index));
      // Collected here, so that columns found damaged half-way leave no half count behind.
      total += selection.never
        ? 0
        : pooled.withColumns((columns) => selector.count(segment, columns.chunks, selection));
    });
    return total;
  }

  /** How the query is answered, oldest segment first. Throws `StoreError` (`usage`). */
  explain(query: Query): SegmentPlan[] {
    const compiled = compileQuery(query);
    const question = filterQuestion(compiled);
    const due = new Set(this.candidates(query).map((candidate) => candidate.path));
    return this.candidates({}).flatMap((candidate) => {
      const { path, rows } = candidate;
      if (!due.has(path)) return [explainSkipped(path, rows, 'other time')];
      if (this.isExcluded(candidate, question)) return [explainSkipped(path, rows, 'filter')];
      const plan = this.withSegment(candidate, (pooled) =>
        pooled.withFinder((finder) => explainPlan(path, rows, planSearch(pooled, compiled, finder))),
      );
      return plan === undefined ? [] : [plan];
    });
  }

  /** Counts by the values of one or more fields, biggest first; `query.limit`, `order` and `after` do not apply. */
  aggregate(query: Query, by: readonly AggregateField[], limit: number): AggregateRow[] {
    return topGroups(this.groups(query, { fields: by }), limit);
  }

  /** All groups, in no order. Throws `StoreError` (`usage`). */
  groups(query: Query, by: GroupBy): Group[] {
    return unpackGroups(this.grouping.groups(query, by));
  }

  /** Brings to memory, as far as there is room, what questions need of a sealed segment. */
  warm(candidate: Candidate): void {
    if (!candidate.sealed) return;
    this.withSegment(candidate, (pooled) => {
      pooled.rollup();
      for (const field of WARMED_FIELDS) this.classes.classes(pooled.segment, [field]);
      pooled.withColumns(({ chunks }) => chunks.every((chunk) => chunk.keep()));
    });
  }

  /** Sequence number of the newest record; 0 in an empty store. */
  lastSeq(): number {
    return this.candidates({}).reduce((last, { firstSeq, rows }) => Math.max(last, firstSeq + rows - 1), 0);
  }

  /** The segments whose span of time the query touches, oldest first. */
  candidates(query: Query): Candidate[] {
    const { fromUs = Number.NEGATIVE_INFINITY, toUs = Number.POSITIVE_INFINITY } = timeRangeOf(query);
    return this.allCandidates().filter(({ timeMinUs, timeMaxUs }) => timeMaxUs >= fromUs && timeMinUs < toUs);
  }

  private allCandidates(): Candidate[] {
    const known = this.moment ?? this.catalog.unchangedSegments().flatMap((entry) => this.candidateOf(entry) ?? []);
    if (this.isHeld) this.moment = known;
    return known;
  }

  /** All questions that `use` asks see the store as it was at one moment, which also spares looking each time. */
  atOneMoment<T>(use: () => T): T {
    if (this.isHeld) return use();
    this.isHeld = true;
    try {
      return this.pool.hold(use);
    } finally {
      this.isHeld = false;
      this.moment = undefined;
    }
  }

  /**
   * Where the matching records of a segment are, of which one question leaves what the next one needs. `use` is called
   * once for each part of the segment, and anew for one whose columns turn out to be damaged. `undefined`, and a problem
   * reported, when the segment cannot be read.
   */
  withPicks<T>(candidate: Candidate, query: Query, use: (picks: readonly ChunkPick[]) => T): T[] | undefined {
    return this.withSegment(candidate, (pooled) =>
      partsOfSegment(pooled, query).map((span) => {
        const scope = this.scopes.of(candidate.path, query.filter, span);
        return pooled.withColumns(({ chunks }) => use(scope.pick(pooled, chunks)));
      }),
    );
  }

  /** What `use` gives; `undefined`, and a problem reported, when the segment cannot be read. */
  withSegment<T>(ref: SegmentRef, use: (pooled: PooledSegment) => T): T | undefined {
    return this.attempt(ref.path, () => {
      const pooled = this.pool.take(ref);
      try {
        return use(pooled);
      } finally {
        this.pool.give(pooled);
      }
    });
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
    this.pool.close();
    this.filters.close();
    this.catalog.close();
  }

  private candidateOf(entry: SegmentEntry): Candidate | undefined {
    const known = this.sealed.get(entry);
    if (known !== undefined) return known;
    const path = join(this.directory, entry.file);
    const { state, firstSeq } = entry;
    if (state === 'new' || state === 'dropping' || state === 'dropped') return undefined;
    if (state === 'damaged') {
      this.leaveOut(`${path}: the segment is damaged and was left out`);
      return undefined;
    }
    const sealed = state === 'sealed';
    const ref = { path, sealed, firstSeq, rows: entry.rows };
    const facts = sealed ? entry : this.withSegment(ref, ({ segment }) => segment.facts);
    if (facts?.timeMinUs === undefined || facts.timeMaxUs === undefined) return undefined;
    const candidate = { ...ref, rows: facts.rows, timeMinUs: facts.timeMinUs, timeMaxUs: facts.timeMaxUs };
    if (sealed) this.sealed.set(entry, candidate);
    return candidate;
  }

  /** Whether the segment's filter says that there is nothing in it for the query. */
  private isExcluded(candidate: Candidate, question: FilterQuestion): boolean {
    return candidate.sealed && this.filters.excludes(candidate, question);
  }

  /** Calls `read` with each of the segments that may hold an answer. One that cannot be read is reported and left out. */
  eachSegment(candidates: readonly Candidate[], query: CompiledQuery, read: (pooled: PooledSegment) => void): void {
    const question = filterQuestion(query);
    for (const candidate of candidates) {
      if (!this.isExcluded(candidate, question)) this.withSegment(candidate, read);
    }
  }

  /** What `step` gives; `undefined`, and a problem reported, when the segment cannot be read. */
  private attempt<T>(path: string, step: () => T): T | undefined {
    try {
      return step();
    } catch (error) {
      const reason = existsSync(path) ? toStoreError(error, path).message : `${path}: the file is missing`;
      this.leaveOut(reason);
      return undefined;
    }
  }

  /** Says what could not be read; answers lack it. */
  leaveOut(problem: string): void {
    this.isIncomplete = true;
    this.report(problem);
  }

  private report(line: string): void {
    this.failures++;
    if (this.problems.length < PROBLEMS_MAX && !this.problems.includes(line)) this.problems.push(line);
  }
}

const PROBLEMS_MAX = 100;
/** Fields that people filter and count by most. */
const WARMED_FIELDS = [
  ...(['user', 'effective', 'client', 'host', 'server', 'port', 'program', 'db', 'system', 'session'] as const),
  ...(['kind', 'op', 'operations', 'object', 'fingerprint', 'summary', 'rule', 'action', 'severity'] as const),
];
