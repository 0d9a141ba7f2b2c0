/** What arrived since a position: the live page asks about once a second. */
import type { Scope } from '../api/common.ts';
import { questionOf } from './lists.ts';
import { rowOf } from './row.ts';
import type { Loose, Source } from './source.ts';
import type { LiveTail, Seen } from './task.ts';

/** Without `after`, from now on. A position of another store, or of one made anew, counts as now. */
export function tail(
  source: Source,
  { q, db, sight, after, limit }: Seen<Loose<Pick<Scope, 'q' | 'db'>> & { after: string | undefined; limit: number }>,
): LiveTail {
  const { query } = questionOf(source, { q, db, sight });
  const last = source.lastSeq();
  const position = source.positionText(last);
  const from = after === undefined ? undefined : source.positionOf(after);
  if (from === undefined || from >= last) return { position, received: 0, matching: 0, rows: [] };
  const { matching, first } = source.arrivals(query.filter, from, last, limit);
  const rows = first.map(({ seq, record }) => ({ position: source.positionText(seq), row: rowOf(record, sight) }));
  // What others' databases had is not told.
  const received = source.limit === undefined ? last - from : source.arrivals(undefined, from, last, 0).matching;
  return { position, received, matching, rows };
}
