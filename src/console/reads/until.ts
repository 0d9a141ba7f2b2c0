/** Closed alerts that stay closed until something happens: a date comes, they become frequent, somebody new causes them. */
import { DAY_US } from '../../base/time.ts';
import type { Query } from '../../query/filter.ts';
import type { Until } from '../api/alerts.ts';
import type { Source } from './source.ts';

/**
 * Whether it happened since: one of the conditions holds. `own` finds the alert's records, `sinceUs` is the time of the
 * newest of them when it was closed. Asked of all the store, so that it does not depend on the range of a page.
 */
export function hasHappened(source: Source, own: Query, until: Until, sinceUs: number, nowUs: number): boolean {
  const since = { filter: own.filter, fromUs: sinceUs + 1 };
  const [matched] = source.aggregate(since, { fields: [] });
  if (matched === undefined) return false;
  const { at, perDay, newUser } = until;
  if (at !== undefined && nowUs >= Date.parse(at) * 1000) return true;
  if (perDay !== undefined) {
    const days = source.aggregate(since, { fields: [], bucketUs: DAY_US, countsOnly: true });
    if (days.some(({ records }) => records > perDay)) return true;
  }
  if (newUser !== true) return false;
  const before = source.aggregate({ filter: own.filter, toUs: sinceUs + 1 }, { fields: ['user'] });
  const known = new Set(before.map(({ labels }) => labels[0]));
  return source.aggregate(since, { fields: ['user'] }).some(({ labels }) => !known.has(labels[0]));
}
