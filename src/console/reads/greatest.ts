/** The records with most of something: their amounts and times are found in the columns of segments, then they are read. */
import type { AuditRecord } from '../../contracts/record.ts';
import type { Query } from '../../query/filter.ts';
import type { StoreReader } from '../../store/reader.ts';
import { ChunkSelector, planSelection } from '../../store/select.ts';
import type { RecordView } from '../../store/view.ts';

export type Amount = 'duration' | 'rows';

interface Peak {
  readonly amount: number;
  readonly timeUs: number;
}

/** Greatest first; those without any are left out. Exact. */
export function greatest(reader: StoreReader, query: Query, by: Amount, limit: number): AuditRecord[] {
  const selector = new ChunkSelector(query);
  let peaks: readonly Peak[] = [];
  for (const candidate of reader.candidates(query)) {
    reader.withSegment(candidate, (pooled) => {
      const { segment } = pooled;
      const selection = pooled.withIndex((index) => planSelection(segment, query.filter, index));
      if (selection.never) return;
      const steps = pooled.withColumns(function* ({ chunks }) {
        // Columns found damaged half-way are made again from the rows: nothing of the first try may stay.
        const found = [...peaks];
        for (const chunk of chunks) {
          if (selector.select(segment, chunk, selection) > 0) addPeaks(found, selector.view, by, limit);
          yield;
        }
        peaks = found;
      });
      for (const _ of steps);
    });
  }
  return readPeaks(reader, query, by, peaks);
}

function addPeaks(peaks: Peak[], view: RecordView, by: Amount, limit: number): void {
  const times = view.times();
  const amounts = by === 'duration' ? view.amounts('duration') : view.amounts('returned');
  const instead = by === 'duration' ? amounts : view.amounts('affected');
  for (let i = 0; i < view.rows; i++) {
    const first = amounts[i] as number;
    const amount = Number.isNaN(first) ? (instead[i] as number) : first;
    const least = peaks.length < limit ? 0 : (peaks[limit - 1]?.amount ?? 0);
    if (!(amount > least)) continue;
    const at = peaks.findIndex((peak) => peak.amount < amount);
    peaks.splice(at < 0 ? peaks.length : at, 0, { amount, timeUs: times[i] as number });
    if (peaks.length > limit) peaks.pop();
  }
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
