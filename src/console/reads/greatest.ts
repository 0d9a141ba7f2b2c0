/** The records with most of something: their amounts and times are found in the columns of segments, then they are read. */
import type { AuditRecord } from '../../contracts/record.ts';
import type { Query } from '../../query/filter.ts';
import { type Candidate, covers, type StoreReader } from '../../store/reader.ts';
import { ChunkSelector, planSelection } from '../../store/select.ts';
import type { RecordView } from '../../store/view.ts';

export type Amount = 'duration' | 'rows';

interface Peak {
  readonly amount: number;
  readonly timeUs: number;
}

/** Lists of peaks kept at most. */
const KEPT_MAX = 20_000;

/** Finds records with most of something. Remembers the peaks of segments that can change no more. */
export class PeakFinder {
  private readonly reader: StoreReader;
  private readonly kept = new Map<string, readonly Peak[]>();

  constructor(reader: StoreReader) {
    this.reader = reader;
  }

  /** Greatest first; those without any are left out. Exact. */
  greatest(query: Query, by: Amount, limit: number): AuditRecord[] {
    const peaks: Peak[] = [];
    for (const candidate of this.reader.candidates(query)) {
      const isWhole = covers(query, candidate);
      const key = JSON.stringify([candidate.path, query.filter, by, limit]);
      let found = isWhole ? this.kept.get(key) : undefined;
      if (found === undefined) {
        found = this.peaksOf(candidate, query, by, limit);
        if (isWhole && found !== undefined) this.keep(key, found);
      }
      for (const peak of found ?? []) insertPeak(peaks, peak, limit);
    }
    return readPeaks(this.reader, query, by, peaks);
  }

  /** `undefined` when the segment cannot be read. */
  private peaksOf(candidate: Candidate, query: Query, by: Amount, limit: number): readonly Peak[] | undefined {
    const selector = new ChunkSelector(query);
    return this.reader.withSegment(candidate, (pooled) => {
      const { segment } = pooled;
      const selection = pooled.withIndex((index) => planSelection(segment, query.filter, index));
      let peaks: Peak[] = [];
      if (selection.never) return peaks;
      const steps = pooled.withColumns(function* ({ chunks }) {
        // Columns found damaged half-way are made again from the rows: nothing of the first try may stay.
        peaks = [];
        for (const chunk of chunks) {
          if (selector.select(segment, chunk, selection) > 0) addPeaks(peaks, selector.view, by, limit);
          yield;
        }
      });
      for (const _ of steps);
      return peaks;
    });
  }

  private keep(key: string, peaks: readonly Peak[]): void {
    this.kept.set(key, peaks);
    const oldest = this.kept.keys().next();
    if (this.kept.size > KEPT_MAX && oldest.done !== true) this.kept.delete(oldest.value);
  }
}

function addPeaks(peaks: Peak[], view: RecordView, by: Amount, limit: number): void {
  const times = view.times();
  const amounts = by === 'duration' ? view.amounts('duration') : view.amounts('returned');
  const instead = by === 'duration' ? amounts : view.amounts('affected');
  for (let i = 0; i < view.rows; i++) {
    const first = amounts[i] as number;
    const amount = Number.isNaN(first) ? (instead[i] as number) : first;
    if (amount > leastOf(peaks, limit)) insertPeak(peaks, { amount, timeUs: times[i] as number }, limit);
  }
}

/** What an amount must exceed to be among the greatest. */
function leastOf(peaks: readonly Peak[], limit: number): number {
  return peaks.length < limit ? 0 : (peaks[limit - 1]?.amount ?? 0);
}

function insertPeak(peaks: Peak[], peak: Peak, limit: number): void {
  if (!(peak.amount > leastOf(peaks, limit))) return;
  const at = peaks.findIndex(({ amount }) => amount < peak.amount);
  peaks.splice(at < 0 ? peaks.length : at, 0, peak);
  if (peaks.length > limit) peaks.pop();
}

/** The records at those moments that have the amounts; of several alike, each once. */
function readPeaks(reader: StoreReader, query: Query, by: Amount, peaks: readonly Peak[]): AuditRecord[] {
  const taken = new Set<string>();
  return peaks.flatMap(({ amount, timeUs }) => {
    for (const record of reader.query({ ...query, fromUs: timeUs, toUs: timeUs + 1 })) {
      if (taken.has(record.id) || amountOf(record, by) !== amount) continue;
      taken.add(record.id);
      return [record];
    }
    return [];
  });
}

function amountOf({ durationUs, returnedRows, affectedRows }: AuditRecord, by: Amount): number {
  return (by === 'duration' ? durationUs : (returnedRows ?? affectedRows)) ?? 0;
}
