/**
 * What a reading thread does before anybody asks: it brings segments to memory, newest first, and goes through the pages
 * once for one user, and with a filter of each kind, so that code is compiled and small tables are at hand. A step at a
 * time: questions come in between.
 */

import { valueFilter } from '../../query/build.ts';
import { topGroups } from '../../store/totals/aggregate.ts';
import type { AggregateField } from '../../store/totals/groups.ts';
import { alerts } from './alerts.ts';
import { entity } from './entities.ts';
import { count, facets, histogram, records } from './lists.ts';
import { overview } from './overview.ts';
import { record } from './record.ts';
import type { Sight } from './row.ts';
import { session, sessions } from './sessions.ts';
import type { Source } from './source.ts';

const sight: Sight = { literals: true, limit: undefined };

/** Does a step, numbered from 0; false when there was none left. */
export function warm(source: Source, { step }: { readonly step: number }): boolean {
  if (step === 0) overview(source, { sight });
  const { segments } = source;
  if (step > 0 && step <= segments) source.warmSegment(step - 1);
  const page = PAGES[step - 1 - segments];
  const user = page === undefined ? undefined : mostOf(source, 'user');
  if (user !== undefined) page?.(source, user);
  return step < 1 + segments + PAGES.length;
}

/**
 * As `warm`, of what one thread does while the others have nothing to do and help it: asked once, not of each. False when
 * there was nothing left.
 */
export function warmTogether(source: Source, { step }: { readonly step: number }): boolean {
  const field = FILTERS[step];
  if (field !== undefined) overviewOf(source, field, 1);
  return step + 1 < FILTERS.length;
}

/** The value of a field that most records have, or of those that follow. */
function mostOf(source: Source, field: AggregateField, rank = 0): string | undefined {
  const groups = source.aggregate({}, { fields: [field] }).filter(({ labels }) => labels[0] !== '');
  return topGroups(groups, rank + 1)[rank]?.labels[0];
}

function overviewOf(source: Source, field: AggregateField, rank: number): void {
  const value = mostOf(source, field, rank);
  if (value !== undefined) overview(source, { q: `${field}:${JSON.stringify(value)}`, sight });
}

/** Filters of every kind, of which each takes other ways through the store. */
const FILTERS: readonly AggregateField[] = ['user', 'object', 'client', 'op', 'session', 'db'];

/** Each for the user of that name. */
const PAGES: readonly ((source: Source, name: string) => void)[] = [
  (source, name) => overview(source, { q: `${queryFor(name)} rows>0`, sight }),
  (source, name) => {
    const q = queryFor(name);
    count(source, { q, sight });
    histogram(source, { q, by: 'op', sight });
    facets(source, { q, field: 'user,op,object,db', sight });
    records(source, { q, sight });
  },
  ...FILTERS.map(
    (field) =>
      (source: Source): void =>
        overviewOf(source, field, 0),
  ),
  (source, name) => entity(source, { kind: 'user', name, sight }),
  (source, name) => sessions(source, { q: queryFor(name), sight }),
  (source, name) => alerts(source, { q: queryFor(name), decisions: [], who: '', sight }),
  (source, name) => {
    const [latest] = source.latest({ filter: valueFilter('user', name) }, 1);
    if (latest === undefined) return;
    record(source, { id: latest.id, sight });
    if (latest.session !== undefined) session(source, { id: latest.session, after: undefined, sight });
  },
];

function queryFor(user: string): string {
  return `user:${JSON.stringify(user)}`;
}
