/**
 * Groups of all segments that a question is about. Those of sealed segments are kept, and what is new is shared with
 * other threads that read the same store: each looks at some segments, always the same ones, and so finds again what
 * it made for the question before.
 */
import type { Query } from '../../query/filter.ts';
import { type CompiledQuery, compileQuery } from '../search/compile.ts';
import type { Candidate } from '../search/merge.ts';
import type { PooledSegment } from '../search/pool.ts';
import { Aggregation, type GroupBy } from './aggregate.ts';
import type { ClassCache } from './classes.ts';
import { GroupSet, KeptGroups } from './kept-groups.ts';
import { NO_GROUPS, type PackedGroups } from './packed-groups.ts';
import type { ScopeCache } from './scope.ts';

/** Groups that another thread made, and what it could not read. */
export interface PeerGroups {
  readonly groups: PackedGroups;
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
  /** Calls `read` with each of the segments that the query may find something in. */
  eachSegment(candidates: readonly Candidate[], query: CompiledQuery, read: (pooled: PooledSegment) => void): void;
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
  groups(query: Query, by: GroupBy): PackedGroups {
    compileQuery(query);
    const candidates = this.source.candidates({ ...query, after: undefined });
    const whole = candidates.filter((candidate) => covers(query, candidate));
    const rest = candidates.filter((candidate) => !whole.includes(candidate));
    const { filter } = query;
    const paths = whole.map(({ path }) => path);
    // Of sealed segments that the query covers whole only those not asked for before are read.
    const known = this.kept.find(filter, by, paths) ?? new GroupSet([], NO_GROUPS);
    const counted = known.paths.length;
    const ofWhole = this.share({ filter }, by, whole.slice(counted));
    const ofRest = this.share(query, by, rest);
    // What is one's own first: meanwhile the others do theirs.
    this.addTo(ofWhole, ofWhole.own);
    this.addTo(ofRest, ofRest.own);
    this.gather(ofWhole);
    this.gather(ofRest);
    let groups = known.groups;
    if (counted < paths.length) {
      ofWhole.aggregation.addPacked(known.groups);
      groups = ofWhole.aggregation.pack();
      // What could not be read may be there the next time.
      if (!ofWhole.hasFailed) this.kept.keep(filter, by, new GroupSet(paths, groups));
    }
    if (rest.length === 0) return groups;
    ofRest.aggregation.addPacked(groups);
    return ofRest.aggregation.pack();
  }

  /** Groups of these segments, made here and now: for another thread. */
  of(query: Query, by: GroupBy, paths: readonly string[]): PackedGroups {
    const wanted = new Set(paths);
    const candidates = this.source.candidates({}).filter(({ path }) => wanted.has(path));
    const aggregation = new Aggregation(query, by, this.classes, this.scopes);
    this.source.eachSegment(candidates, compileQuery(query), (pooled) => aggregation.add(pooled));
    return aggregation.pack();
  }

  /** Divides segments among the threads; the others begin as soon as they have time. */
  private share(query: Query, by: GroupBy, candidates: readonly Candidate[]): Shared {
    const { own, others } = sharesOf(candidates, this.place);
    const offers = others.map(({ thread, share }) => {
      const paths = share.map(({ path }) => path);
      return { share, fetch: this.peers.get(thread)?.offerGroups(query, by, paths) };
    });
    const aggregation = new Aggregation(query, by, this.classes, this.scopes);
    return { query, own, offers, aggregation, hasFailed: false };
  }

  /** Waits for the others, and does what they had no time for. */
  private gather(shared: Shared): void {
    const failuresBefore = this.source.failures;
    for (const { share, fetch } of shared.offers) {
      const answer = fetch?.();
      if (answer === undefined) {
        this.addTo(shared, share);
        continue;
      }
      for (const problem of answer.problems) this.source.leaveOut(problem);
      shared.aggregation.addPacked(answer.groups);
    }
    shared.hasFailed ||= this.source.failures !== failuresBefore;
  }

  /** Much will be asked about the same records: what the next questions need is made along with the first. */
  expectPages(): void {
    this.scopes.expectPages();
  }

  private addTo(shared: Shared, candidates: readonly Candidate[]): void {
    const { query, aggregation } = shared;
    const failuresBefore = this.source.failures;
    this.source.eachSegment(candidates, compileQuery(query), (pooled) => aggregation.add(pooled));
    shared.hasFailed ||= this.source.failures !== failuresBefore;
  }
}

/** Segments divided among the threads, for one question. */
interface Shared {
  readonly query: Query;
  readonly own: readonly Candidate[];
  readonly offers: readonly {
    readonly share: readonly Candidate[];
    /** Waits for the groups; `undefined`: the other thread had no time. */
    readonly fetch: (() => PeerGroups | undefined) | undefined;
  }[];
  readonly aggregation: Aggregation;
  /** Something could not be read. */
  hasFailed: boolean;
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

/** Whether a segment can change no more, and all of its records are within the query's time and watermark. */
export function covers(query: Query, { sealed, firstSeq, rows, timeMinUs, timeMaxUs }: Candidate): boolean {
  const {
    fromUs = Number.NEGATIVE_INFINITY,
    toUs = Number.POSITIVE_INFINITY,
    seqMax = Number.POSITIVE_INFINITY,
  } = query;
  return sealed && timeMinUs >= fromUs && timeMaxUs < toUs && firstSeq + rows - 1 <= seqMax;
}
