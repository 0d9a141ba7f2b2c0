/** The records with most of something, or the newest: found in the columns of segments, then read. */
import { setNewest } from '../../base/bounded-map.ts';
import type { AuditRecord } from '../../contracts/record.ts';
import type { Filter, Place, Query } from '../../query/filter.ts';
import type { StoreReader } from '../../store/reader.ts';
import type { Candidate } from '../../store/search/merge.ts';
import { CHUNK_ROWS_MAX } from '../../store/segment/columns.ts';
import { ChunkView } from '../../store/segment/view.ts';
import type { ChunkPick } from '../../store/totals/chunk-pick.ts';
import { covers, sharesOf } from '../../store/totals/grouping.ts';
import { type Mask, planSelection } from '../../store/totals/select.ts';

export type Amount = 'duration' | 'rows' | 'time';

export interface Peak {
  readonly amount: number;
  readonly seq: number;
}

/** What is looked for: of the records that the query finds and that meet `only`. */
export interface PeakQuestion {
  readonly query: Query;
  readonly only: Filter | undefined;
  readonly by: Amount;
  readonly limit: number;
}

/** A segment that a peer looks at, and what fetches its peaks; `undefined`: it did not, or could not read it. */
interface Offered {
  readonly candidate: Candidate;
  fetch(): readonly Peak[] | undefined;
}

/** Another thread that reads the same store. */
export interface PeakPeer {
  /** Hands over some segments. The function fetches their peaks; `undefined`: the other had something else to do. */
  offerPeaks(work: PeakQuestion & { readonly paths: readonly string[] }): () => PeerPeaks | undefined;
}

/** Peaks by segment, in the order of the paths; `undefined` for one that could not be read. */
export interface PeerPeaks {
  readonly peaks: readonly (readonly Peak[] | undefined)[];
  readonly problems: readonly string[];
}

/** Lists of peaks kept at most, and peaks in one. */
const KEPT_MAX = 20_000;
const KEPT_PEAKS_MAX = 32;

/** Finds records with most of something. Remembers the peaks of segments that can change no more. */
export class PeakFinder {
  /** Who else reads the store, by place. */
  readonly peers: Map<number, PeakPeer> = new Map<number, PeakPeer>();
  private readonly reader: StoreReader;
  private readonly kept = new Map<string, readonly Peak[]>();
  private readonly view = new ChunkView();
  private readonly mask = new Uint8Array(CHUNK_ROWS_MAX);

  constructor(reader: StoreReader) {
    this.reader = reader;
  }

  /**
   * Greatest first, those without any left out, of the records that the query finds and that meet `only`, which columns
   * can tell. Exact.
   */
  greatest(query: Query, only: Filter | undefined, by: Amount, limit: number): AuditRecord[] {
    // The newest are in few segments; of other amounts each may have some.
    const peaks = this.peaks({ query, only, by, limit }, by !== 'time');
    return this.found(peaks).map(({ record }) => record);
  }

  /** Places of the newest records that the query finds, newest first: of few that may lie in any segment. */
  places(query: Query, limit: number): Place[] {
    const peaks = this.peaks({ query, only: undefined, by: 'time', limit }, true);
    return peaks.map(({ amount, seq }) => ({ timeUs: amount, seq }));
  }

  /** The records at these places, without those that cannot be read. */
  found<P extends { readonly seq: number }>(places: readonly P[]): (P & { readonly record: AuditRecord })[] {
    const candidates = this.reader.candidates({});
    return places.flatMap((place) => {
      const { seq } = place;
      const candidate = candidates.find(({ firstSeq, rows }) => seq >= firstSeq && seq < firstSeq + rows);
      const record = candidate && this.reader.withSegment(candidate, ({ segment }) => segment.record(seq));
      return record === undefined ? [] : [{ ...place, record }];
    });
  }

  /** `together`: the peers look at their share. */
  private peaks(question: PeakQuestion, together: boolean): Peak[] {
    const { query, by, limit } = question;
    const peaks: Peak[] = [];
    const offers = together ? this.offer(question) : new Map<string, Offered>();
    // Newest first: most of the older ones need not be looked at then.
    for (const candidate of this.reader.candidates(query).reverse()) {
      if (by === 'time' && candidate.timeMaxUs < leastOf(peaks, limit)) continue;
      if (offers.has(candidate.path)) continue;
      for (const peak of this.peaksIn(candidate, question) ?? []) insertPeak(peaks, peak, limit);
    }
    for (const { candidate, fetch } of offers.values()) {
      for (const peak of fetch() ?? this.peaksIn(candidate, question) ?? []) insertPeak(peaks, peak, limit);
    }
    return peaks;
  }

  /** Peaks of these segments, in their order: for another thread. */
  among(question: PeakQuestion, paths: readonly string[]): (readonly Peak[] | undefined)[] {
    const candidates = new Map(this.reader.candidates({}).map((candidate) => [candidate.path, candidate]));
    return paths.map((path) => {
      const candidate = candidates.get(path);
      return candidate && this.peaksIn(candidate, question);
    });
  }

  /** Shares the segments whose peaks are not known with the peers. By path: those that one of them got. */
  private offer(question: PeakQuestion): Map<string, Offered> {
    const due = this.reader.candidates(question.query).filter((each) => this.known(each, question) === undefined);
    const offers = new Map<string, Offered>();
    for (const { thread, share } of sharesOf(due, this.reader.grouping.place).others) {
      const fetch = this.peers.get(thread)?.offerPeaks({ ...question, paths: share.map(({ path }) => path) });
      const answer = once(() => {
        const fetched = fetch?.();
        for (const problem of fetched?.problems ?? []) this.reader.leaveOut(problem);
        return fetched;
      });
      for (const [at, candidate] of share.entries()) {
        const fetchOne = (): readonly Peak[] | undefined => {
          const peaks = answer()?.peaks[at];
          if (peaks !== undefined && covers(question.query, candidate)) this.keep(keyOf(candidate, question), peaks);
          return peaks;
        };
        offers.set(candidate.path, { candidate, fetch: fetchOne });
      }
    }
    return offers;
  }

  private known(candidate: Candidate, question: PeakQuestion): readonly Peak[] | undefined {
    return covers(question.query, candidate) ? this.kept.get(keyOf(candidate, question)) : undefined;
  }

  /** `undefined` when the segment cannot be read. */
  private peaksIn(candidate: Candidate, question: PeakQuestion): readonly Peak[] | undefined {
    const known = this.known(candidate, question);
    if (known !== undefined) return known;
    const found = this.peaksOf(candidate, question);
    if (found !== undefined && covers(question.query, candidate)) this.keep(keyOf(candidate, question), found);
    return found;
  }

  /** `undefined` when the segment cannot be read. */
  private peaksOf(candidate: Candidate, question: PeakQuestion): readonly Peak[] | undefined {
    const { query, only, by, limit } = question;
    const selection = this.reader.withSegment(candidate, ({ segment }) => planSelection(segment, only, undefined));
    if (selection?.never === true) return [];
    const parts = this.reader.withPicks(candidate, query, (picks) => {
      const peaks: Peak[] = [];
      for (const pick of picks.toReversed()) {
        if (boundOf(pick, by) > leastOf(peaks, limit)) this.addPeaks(peaks, pick, selection?.mask, question);
      }
      return peaks;
    });
    return parts?.reduce((all, part) => {
      for (const peak of part) insertPeak(all, peak, limit);
      return all;
    });
  }

  /** `meets`: which of the picked records meet `question.only`; `undefined`: all. */
  private addPeaks(
    peaks: Peak[],
    { chunk, picked }: ChunkPick,
    meets: Mask | undefined,
    { by, limit }: PeakQuestion,
  ): void {
    const { view, mask } = this;
    view.use(chunk, picked);
    if (meets === undefined) mask.fill(1, 0, view.rows);
    else meets(view, mask);
    const amounts = by === 'time' ? view.times() : by === 'duration' ? view.amounts('duration') : view.moved();
    let least = leastOf(peaks, limit);
    for (let i = 0; i < view.rows; i++) {
      const amount = amounts[i] as number;
      if (mask[i] === 0 || !(amount >= least)) continue;
      insertPeak(peaks, { amount, seq: chunk.firstSeq + (picked?.[i] ?? i) }, limit);
      least = leastOf(peaks, limit);
    }
  }

  private keep(key: string, peaks: readonly Peak[]): void {
    if (peaks.length <= KEPT_PEAKS_MAX) setNewest(this.kept, key, peaks, KEPT_MAX);
  }
}

function keyOf({ path }: Candidate, { query, only, by, limit }: PeakQuestion): string {
  return JSON.stringify([path, query.filter, only, by, limit]);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** No amount of the chunk is above it. */
function boundOf({ chunk }: ChunkPick, by: Amount): number {
  if (by === 'time') return chunk.timeMaxUs;
  return by === 'duration'
    ? chunk.greatest('duration')
    : Math.max(chunk.greatest('returned'), chunk.greatest('affected'));
}

/** What an amount must not be below to be among the greatest. */
function leastOf(peaks: readonly Peak[], limit: number): number {
  return peaks.length < limit ? Number.MIN_VALUE : (peaks[limit - 1]?.amount ?? 0);
}

/** Of equal amounts the later record comes first. */
function insertPeak(peaks: Peak[], peak: Peak, limit: number): void {
  if (!(peak.amount >= leastOf(peaks, limit))) return;
  const at = peaks.findIndex(({ amount, seq }) => amount < peak.amount || (amount === peak.amount && seq < peak.seq));
  if (at < 0 && peaks.length === limit) return;
  peaks.splice(at < 0 ? peaks.length : at, 0, peak);
  if (peaks.length > limit) peaks.pop();
}
