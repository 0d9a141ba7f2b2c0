/**
 * What a reading thread does before anybody asks: it brings segments to memory, newest first, and goes through the pages
 * once for one user, so that code is compiled and small tables are at hand. A step at a time: questions come in between.
 */
import { type Group, topGroups } from '../../store/totals/aggregate.ts';
import { alerts } from './alerts.ts';
import { entity } from './entities.ts';
import { count, facets, histogram, records } from './lists.ts';
import { overview } from './overview.ts';
import { record } from './record.ts';
import type { Sight } from './row.ts';
import { session, sessions } from './sessions.ts';
import { type Source, valueFilter } from './source.ts';

const sight: Sight = { literals: true };

/** Does a step, numbered from 0; false when there was none left. */
export function warm(source: Source, { step }: { readonly step: number }): boolean {
  if (step === 0) overview(source, { sight });
  const segments = source.reader.candidates({}).reverse();
  const segment = segments[step - 1];
  if (segment !== undefined) source.reader.warm(segment);
  const page = PAGES[step - 1 - segments.length];
  const [user] = page === undefined ? [] : topGroups(usersOf(source), 1);
  if (user !== undefined) page?.(source, user.labels[0] ?? '');
  return step < 1 + segments.length + PAGES.length;
}

function usersOf(source: Source): readonly Group[] {
  return source.aggregate({}, { fields: ['user'] }).filter(({ labels }) => labels[0] !== '');
}

/** Each for the user of that name. */
const PAGES: readonly ((source: Source, name: string) => void)[] = [
  (source, name) => overview(source, { q: queryFor(name), sight }),
  (source, name) => overview(source, { q: `${queryFor(name)} rows>0`, sight }),
  (source, name) => {
    const q = queryFor(name);
    count(source, { q, sight });
    histogram(source, { q, by: 'op', sight });
    facets(source, { q, field: 'user,op,object,db', sight });
    records(source, { q, sight });
  },
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
