/** Records in the order in which they arrived, by sequence number: what the live page follows. */
import type { AuditRecord } from '../../contracts/record.ts';
import type { Filter } from '../../query/filter.ts';
import type { StoreReader } from '../../store/reader.ts';
import { compileQuery, conjunction } from '../../store/search/compile.ts';

export interface Arrival {
  readonly seq: number;
  readonly record: AuditRecord;
}

/** Of the records after `afterSeq` up to `seqMax`, how many meet the filter, and the first `limit` of those. */
export function arrivals(
  reader: StoreReader,
  filter: Filter | undefined,
  afterSeq: number,
  seqMax: number,
  limit: number,
): { readonly matching: number; readonly first: readonly Arrival[] } {
  const condition = conjunction(compileQuery({ filter }).terms);
  const first: Arrival[] = [];
  let matching = 0;
  const due = reader
    .candidates({})
    .filter(({ firstSeq, rows }) => firstSeq + rows - 1 > afterSeq && firstSeq <= seqMax);
  due.sort((a, b) => a.firstSeq - b.firstSeq);
  for (const candidate of due) {
    reader.withSegment(candidate, ({ segment }) => {
      const seqMin = Math.max(afterSeq + 1, candidate.firstSeq);
      for (const { seq } of segment.scan(condition, seqMin, seqMax, 'oldest')) {
        matching++;
        if (first.length < limit) first.push({ seq, record: segment.record(seq) });
      }
    });
  }
  return { matching, first };
}
