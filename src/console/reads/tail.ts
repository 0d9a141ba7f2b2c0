/** What arrived since a position: the live page asks about once a second. */
import type { Scope } from '../api/common.ts';
import { arrivals } from './arrivals.ts';
import { questionOf } from './lists.ts';
import { rowOf } from './row.ts';
import type { Loose, Source } from './source.ts';
import type { LiveTail, Seen } from './task.ts';

/** Without `after`, from now on. A position of another store, or of one made anew, counts as now. */
export function tail(
  source: Source,
  { q, db, sight, after, limit }: Seen<Loose<Pick<Scope, 'q' | 'db'>> & { after: number | undefined; limit: number }>,
): LiveTail {
  const { query } = questionOf(source, { q, db, sight });
  const position = source.reader.lastSeq();
  if (after === undefined || after >= position) return { position, received: 0, matching: 0, rows: [] };
  const { matching, first } = arrivals(source.reader, query.filter, after, position, limit);
  const rows = first.map(({ seq, record }) => ({ position: seq, row: rowOf(record, sight) }));
  return { position, received: position - after, matching, rows };
}
