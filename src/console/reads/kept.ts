/** What the store keeps: segments and their size, what has expired, and the legal holds that keep records from it. */
import { formatTime } from '../../base/time.ts';
import { parseFilter } from '../../query/language.ts';
import { listHolds } from '../../store/expiry/hold.ts';
import { listSegments, type SegmentInfo } from '../../store/expiry/maintain.ts';
import type { Kept } from '../api/sensors.ts';
import { ConsoleError } from '../error.ts';
import type { Source } from './source.ts';
import type { Seen } from './task.ts';

export function kept(source: Source, { sight }: Seen<object>): Kept {
  if (sight.limit !== undefined)
    throw new ConsoleError('role-needed', 'this speaks of the whole store, of which you may see some databases only');
  const segments = listSegments(source.directory);
  const there = segments.filter(({ state }) => state !== 'dropped');
  const expired = segments.filter(({ state }) => state === 'dropped');
  const { records, timeMinUs, timeMaxUs } = source.extent();
  return {
    records,
    ...(timeMinUs === undefined ? {} : { first: formatTime(timeMinUs) }),
    ...(timeMaxUs === undefined ? {} : { last: formatTime(timeMaxUs) }),
    segments: there.length,
    signed: there.filter(({ signed }) => signed).length,
    bytes: sum(there, ({ bytes, besideBytes }) => bytes + besideBytes),
    expired: { segments: expired.length, records: sum(expired, ({ rows }) => rows) },
    // What is held tells what is being looked into, and may quote literals.
    holds: sight.literals ? holdsOf(source) : [],
  };
}

function sum(segments: readonly SegmentInfo[], of: (segment: SegmentInfo) => number): number {
  return segments.reduce((total, segment) => total + of(segment), 0);
}

function holdsOf(source: Source): Kept['holds'] {
  return listHolds(source.directory).map(({ name, expression, sinceUs }) => ({
    name,
    expression,
    since: formatTime(sinceUs),
    records: source.count({ filter: parseFilter(expression, sinceUs) }),
  }));
}
