/** The records with most of something: found in the columns of segments, and read only once they are known. */
import type { AuditRecord } from '../../contracts/record.ts';
import type { Query } from '../../query/filter.ts';
import type { AmountColumn, ColumnChunk } from '../../store/columns.ts';
import type { StoreReader } from '../../store/reader.ts';
import type { SegmentReader } from '../../store/rows.ts';
import { ChunkSelector, planSelection, type Selection } from '../../store/select.ts';
import type { ChunkView } from '../../store/view.ts';

export type Amount = 'duration' | 'rows';

interface Place {
  readonly amount: number;
  readonly seq: number;
  readonly segment: number;
}

/** Greatest first; those without any are left out. Exact. */
export function greatest(reader: StoreReader, query: Query, by: Amount, limit: number): AuditRecord[] {
  const candidates = reader.candidates(query);
  const selector = new ChunkSelector(query);
  let best: Place[] = [];
  candidates.forEach((candidate, segment) => {
    reader.withSegment(candidate, (pooled) => {
      const selection = pooled.withIndex((index) => planSelection(pooled.segment, query.filter, index));
      if (selection.never) return;
      const steps = pooled.withColumns(function* ({ chunks }) {
        // Columns found damaged half-way are read again from the rows: nothing of the first try may stay.
        const found = new Greatest(best, limit);
        for (const chunk of chunks) {
          found.add(selector, pooled.segment, chunk, selection, by, segment);
          yield;
        }
        best = found.places;
      });
      for (const _ of steps);
    });
  });
  return best.flatMap(({ seq, segment }) => {
    const candidate = candidates[segment];
    const record = candidate && reader.withSegment(candidate, (pooled) => pooled.segment.record(seq));
    return record === undefined ? [] : [record];
  });
}

class Greatest {
  readonly places: Place[];
  private readonly limit: number;

  constructor(places: readonly Place[], limit: number) {
    this.places = [...places];
    this.limit = limit;
  }

  add(
    selector: ChunkSelector,
    reader: SegmentReader,
    chunk: ColumnChunk,
    selection: Selection,
    by: Amount,
    segment: number,
  ): void {
    const count = selector.select(reader, chunk, selection);
    if (count === 0) return;
    const amounts = amountsOf(selector.view, by);
    for (let i = 0; i < count; i++) {
      const at = selector.picked?.[i] ?? i;
      const amount = amounts(i);
      if (amount > this.least()) this.insert({ amount, seq: chunk.firstSeq + at, segment });
    }
  }

  private least(): number {
    return this.places.length < this.limit ? 0 : (this.places[this.limit - 1]?.amount ?? 0);
  }

  private insert(place: Place): void {
    const at = this.places.findIndex(({ amount }) => amount < place.amount);
    this.places.splice(at < 0 ? this.places.length : at, 0, place);
    if (this.places.length > this.limit) this.places.pop();
  }
}

/** Rows are those returned, or else affected; 0 where nothing is known. */
function amountsOf(view: ChunkView, by: Amount): (at: number) => number {
  const column = (name: AmountColumn): Float64Array => view.amounts(name);
  if (by === 'duration') {
    const durations = column('duration');
    return (at) => durations[at] || 0;
  }
  const returned = column('returned');
  const affected = column('affected');
  return (at) => returned[at] || affected[at] || 0;
}
