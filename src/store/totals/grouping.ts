/**
 * Groups of all segments that a question is about. Those of sealed segments are kept, and what is new is shared with
 * other threads that read the same store: each looks at some segments, always the same ones, and so finds again what
 * it made for the question before.
 */
import type { Query } from '../../query/filter.ts';
import { type CompiledQuery, compileQuery } from '../search/compile.ts';
import type { Candidate } from '../search/merge.ts';
import type { PooledSegment } from '../search/pool.ts';
import type { Progress, Steps } from '../steps.ts';
import { Aggregation, type Group, type GroupBy, type Mutable } from './aggregate.ts';
import type { ClassCache } from './classes.ts';
import { GroupSet, KeptGroups, mergedGroups } from './kept-groups.ts';
import type { ScopeCache } from './scope.ts';

/** Groups that another thread made, and what it could not read. */
export interface PeerGroups {
  readonly groups: readonly Group[];
  readonly problems: readonly string[];
}

/** A thread among those that read the same store, by number from 0. Whoever asks, each looks at the same segments. */
export interface Place {
  readonly own: number;
  readonly threads: number;
}

export const ALONE: Place = { own: 0, threads: 1 };

/** Another thread with a reader of the same store. */
export interface GroupPeer {
  /** Hands over some segments. The function fetches their groups; `undefined`: the other had something else to do. */
  offerGroups(query: Query, by: GroupBy, paths: readonly string[]): () => PeerGroups | undefined;
}

/** What a reader gives to its grouping. */
export interface GroupingSource {
  /** Times something could not be read. */
  readonly failures: number;
  candidates(query: Query): Candidate[];
  /** Reads the segments; `read` yields the records it went through, of `total` and after those `before`. */
  eachSegment(
    candidates: readonly Candidate[],
    query: CompiledQuery,
    read: (pooled: PooledSegment) => Generator<number, void, void>,
    total: number,
    before: number,
  ): Generator<Progress, void, void>;
  /** Says what could not be read; answers lack it. */
  leaveOut(problem: string): void;
}

export class Grouping {
  /** Who else reads the store, by place. */
  readonly peers: Map<number, GroupPeer> = new Map<number, GroupPeer>();
  place: Place = ALONE;
  private readonly source: GroupingSource;
  private readonly classes: ClassCache;
  private readonly scopes: ScopeCache;
  private readonly kept = new KeptGroups();

  constructor(source: GroupingSource, classes: ClassCache, scopes: ScopeCache) {
    this.source = source;
    this.classes = classes;
    this.scopes = scopes;
  }

  /** All groups, in no order. Throws `StoreError` (`usage`). */
  *steps(query: Query, by: GroupBy): Steps<Group[]> {
    compileQuery(query);
    const candidates = this.source.candidates({ ...query, after: undefined });
    const whole = candidates.filter((candidate) => covers(query, candidate));
    const total = rowsOf(candidates);
    const kept = yield* this.ofWhole(query, by, whole, total);
    if (whole.length === candidates.length) return [...kept.groups];
    const rest = candidates.filter((candidate) => !whole.includes(candidate));
    return mergedGroups(yield* this.shared(query, by, rest, total, rowsOf(whole)), kept.groups);
  }

  /** Groups of these segments, made here and now: for another thread. */
  *of(query: Query, by: GroupBy, paths: readonly string[]): Steps<Group[]> {
    const wanted = new Set(paths);
    const candidates = this.source.candidates({}).filter(({ path }) => wanted.has(path));
    const aggregation = this.aggregation(query, by);
    yield* this.add(aggregation, query, candidates, rowsOf(candidates), 0);
    return aggregation.all();
  }

  /** Groups of sealed segments that the query covers whole: only those not asked for before are read. */
  private *ofWhole({ filter }: Query, by: GroupBy, whole: readonly Candidate[], total: number): Steps<GroupSet> {
    const paths = whole.map(({ path }) => path);
    const known = this.kept.find(filter, by, paths) ?? new GroupSet([], []);
    if (known.paths.length === paths.length) return known;
    const failuresBefore = this.source.failures;
    const counted = known.paths.length;
    const more = yield* this.shared({ filter }, by, whole.slice(counted), total, rowsOf(whole.slice(0, counted)));
    const set = new GroupSet(paths, mergedGroups(more, known.groups));
    // What could not be read may be there the next time.
    if (this.source.failures === failuresBefore) this.kept.keep(filter, by, set);
    return set;
  }

  /** Groups of segments, of which peers make what they have time for. */
  private *shared(
    query: Query,
    by: GroupBy,
    candidates: readonly Candidate[],
    total: number,
    before: number,
  ): Steps<Mutable<Group>[]> {
    const { own, others } = sharesOf(candidates, this.place);
    const offers = others.map(({ thread, share }) => {
      const paths = share.map(({ path }) => path);
      return { share, fetch: this.peers.get(thread)?.offerGroups(query, by, paths) };
    });
    const aggregation = this.aggregation(query, by);
    yield* this.add(aggregation, query, own, total, before);
    let done = before + rowsOf(own);
    const given: (readonly Group[])[] = [];
    for (const { share, fetch } of offers) {
      const answer = fetch?.();
      if (answer === undefined) {
        yield* this.add(aggregation, query, share, total, done);
      } else {
        for (const problem of answer.problems) this.source.leaveOut(problem);
        given.push(answer.groups);
      }
      done += rowsOf(share);
    }
    return given.reduce(mergedGroups, aggregation.all());
  }

  /** Much will be asked about the same records: what the next questions need is made along with the first. */
  expectPages(): void {
    this.scopes.expectPages();
  }

  private aggregation(query: Query, by: GroupBy): Aggregation {
    return new Aggregation(query, by, this.classes, this.scopes);
  }

  private add(
    aggregation: Aggregation,
    query: Query,
    candidates: readonly Candidate[],
    total: number,
    before: number,
  ): Generator<Progress, void, void> {
    return this.source.eachSegment(candidates, compileQuery(query), (pooled) => aggregation.add(pooled), total, before);
  }
}

/**
 * What falls to each thread: a sealed segment to the one that has least so far, so that those there are already stay where
 * they are when one is added. The open one is one's own: another may see it with more records.
 */
export function sharesOf<T extends { readonly sealed: boolean; readonly rows: number }>(
  candidates: readonly T[],
  { own, threads }: Place,
): { readonly own: T[]; readonly others: readonly { readonly thread: number; readonly share: readonly T[] }[] } {
  const shares: T[][] = Array.from({ length: threads }, () => []);
  const rows = shares.map(() => 0);
  for (const candidate of candidates) {
    const least = candidate.sealed ? rows.indexOf(Math.min(...rows)) : own;
    shares[least]?.push(candidate);
    if (candidate.sealed) rows[least] = (rows[least] ?? 0) + candidate.rows;
  }
  const others = shares.flatMap((share, thread) => (thread === own || share.length === 0 ? [] : [{ thread, share }]));
  return { own: shares[own] ?? [], others };
}

export function rowsOf(candidates: readonly Candidate[]): number {
  return candidates.reduce((sum, { rows }) => sum + rows, 0);
}

/** Whether a segment can change no more, and all of its records are within the query's time and watermark. */
export function covers(query: Query, { sealed, firstSeq, rows, timeMinUs, timeMaxUs }: Candidate): boolean {
  const {
    fromUs = Number.NEGATIVE_INFINITY,
    toUs = Number.POSITIVE_INFINITY,
    seqMax = Number.POSITIVE_INFINITY,
  } = query;
  return sealed && timeMinUs >= fromUs && timeMaxUs < toUs && firstSeq + rows - 1 <= seqMax;
}
