/** What arrived since a position: the live page asks about once a second. */
import type { Scope } from '../api/common.ts';
import { questionOf } from './lists.ts';
import { rowOf } from './row.ts';
import type { Loose, Source } from './source.ts';
import type { LiveTail, Seen } from './task.ts';

/** Without `after`, from now on. */
export function tail(
  source: Source,
  { q, db, sight, after, limit }: Seen<Loose<Pick<Scope, 'q' | 'db'>> & { after: number | undefined; limit: number }>,
): LiveTail {
  const { query } = questionOf(source, { q, db, sight });
  const end = source.arrived();
  if (after === undefined || after >= end) return { position: end, received: 0, matching: 0, rows: [] };
  let matching = 0;
  const rows: { position: number; row: ReturnType<typeof rowOf> }[] = [];
  for (const { position, record } of source.arrivals(query.filter, after, end)) {
    matching++;
    if (rows.length < limit) rows.push({ position, row: rowOf(record, sight) });
  }
  return { position: end, received: end - after, matching, rows };
}
