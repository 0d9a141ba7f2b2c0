/**
 * The limits of a query: its time, the newest record it may show, the place after which it goes on. Most segments lie
 * within them as a whole, and then no record of theirs has to be asked.
 */
import { formatTime } from '../../base/time.ts';
import type { Query } from '../../query/filter.ts';
import type { Term } from './compile.ts';

/** What is known of a segment without looking at its rows. */
export interface SegmentBounds {
  readonly timeMinUs: number;
  readonly timeMaxUs: number;
  readonly lastSeq: number;
}

/** What the query says besides its filter. Most segments lie within it as a whole. */
export function* boundTerms(
  { after, seqMax, order }: Query,
  fromUs: number | undefined,
  toUs: number | undefined,
): Generator<Term, void, undefined> {
  if (fromUs !== undefined) {
    const always = ({ timeMinUs }: SegmentBounds): boolean => timeMinUs >= fromUs;
    yield { sql: 'r.time_us >= ?', values: [fromUs], label: `from ${formatTime(fromUs)}`, always };
  }
  if (toUs !== undefined) {
    const always = ({ timeMaxUs }: SegmentBounds): boolean => timeMaxUs < toUs;
    yield { sql: 'r.time_us < ?', values: [toUs], label: `before ${formatTime(toUs)}`, always };
  }
  if (seqMax !== undefined) {
    const always = ({ lastSeq }: SegmentBounds): boolean => lastSeq <= seqMax;
    yield { sql: 'r.seq <= ?', values: [seqMax], label: `up to record ${seqMax}`, always };
  }
  if (after !== undefined) {
    const { timeUs, seq } = after;
    const oldest = order === 'oldest';
    const always = ({ timeMinUs, timeMaxUs }: SegmentBounds): boolean =>
      oldest ? timeMinUs > timeUs : timeMaxUs < timeUs;
    const sql = `(r.time_us, r.seq) ${oldest ? '>' : '<'} (?, ?)`;
    yield { sql, values: [timeUs, seq], label: `beyond record ${seq}`, always };
  }
}
