/** The records with most of something, or the newest: found in the columns of segments, then read. */
import type { AuditRecord } from '../../contracts/record.ts';
import type { Filter, Query } from '../../query/filter.ts';
import { covers, type StoreReader } from '../../store/reader.ts';
import type { Candidate } from '../../store/search/merge.ts';
import { CHUNK_ROWS_MAX } from '../../store/segment/columns.ts';
import { ChunkView } from '../../store/segment/view.ts';
import type { ChunkPick } from '../../store/totals/scope.ts';
import { type Mask, planSelection } from '../../store/totals/select.ts';

export type Amount = 'duration' | 'rows' | 'time';

interface Peak {
  readonly amount: number;
  readonly seq: number;
}

/** Lists of peaks kept at most. */
const KEPT_MAX = 20_000;

/** Finds records with most of something. Remembers the peaks of segments that can change no more. */
export class PeakFinder {
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
    const peaks: Peak[] = [];
    // Newest first: most of the older ones need not be looked at then.
    for (const candidate of this.reader.candidates(query).reverse()) {
      if (by === 'time' && candidate.timeMaxUs < leastOf(peaks, limit)) continue;
      const isWhole = covers(query, candidate);
      const key = JSON.stringify([candidate.path, query.filter, only, by, limit]);
      let found = isWhole ? this.kept.get(key) : undefined;
      if (found === undefined) {
        found = this.peaksOf(candidate, query, only, by, limit);
        if (isWhole && found !== undefined) this.keep(key, found);
      }
      for (const peak of found ?? []) insertPeak(peaks, peak, limit);
    }
    return this.records(peaks);
  }

  /** `undefined` when the segment cannot be read. */
  private peaksOf(
    candidate: Candidate,
    query: Query,
    only: Filter | undefined,
    by: Amount,
    limit: number,
  ): readonly Peak[] | undefined {
    const selection = this.reader.withSegment(candidate, ({ segment }) => planSelection(segment, only, undefined));
    if (selection?.never === true) return [];
    const parts = this.reader.withPicks(candidate, query, (picks) => {
      const peaks: Peak[] = [];
      for (const pick of picks.toReversed()) {
        if (boundOf(pick, by) > leastOf(peaks, limit)) this.addPeaks(peaks, pick, selection?.mask, by, limit);
      }
      return peaks;
    });
    return parts?.reduce((all, part) => {
      for (const peak of part) insertPeak(all, peak, limit);
      return all;
    });
  }

  private addPeaks(
    peaks: Peak[],
    { chunk, picked }: ChunkPick,
    only: Mask | undefined,
    by: Amount,
    limit: number,
  ): void {
    const { view, mask } = this;
    view.use(chunk, picked);
    if (only === undefined) mask.fill(1, 0, view.rows);
    else only(view, mask);
    const amounts = by === 'time' ? view.times() : by === 'duration' ? view.amounts('duration') : view.moved();
    let least = leastOf(peaks, limit);
    for (let i = 0; i < view.rows; i++) {
      const amount = amounts[i] as number;
      if (mask[i] === 0 || !(amount >= least)) continue;
      insertPeak(peaks, { amount, seq: chunk.firstSeq + (picked?.[i] ?? i) }, limit);
      least = leastOf(peaks, limit);
    }
  }

  private records(peaks: readonly Peak[]): AuditRecord[] {
    const candidates = this.reader.candidates({});
    return peaks.flatMap(({ seq }) => {
      const candidate = candidates.find(({ firstSeq, rows }) => seq >= firstSeq && seq < firstSeq + rows);
      return (candidate && this.reader.withSegment(candidate, ({ segment }) => segment.record(seq))) ?? [];
    });
  }

  private keep(key: string, peaks: readonly Peak[]): void {
    this.kept.set(key, peaks);
    const oldest = this.kept.keys().next();
    if (this.kept.size > KEPT_MAX && oldest.done !== true) this.kept.delete(oldest.value);
  }
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
