/** Saved searches: everyone keeps their own, and may show them to all. */
import { principalOf } from '../access/access.ts';
import { Done, IdParams } from '../api/common.ts';
import { SavedSearch, SavedSearches, SearchSave } from '../api/saved.ts';
import { type ConsoleApp, type Context, record } from '../context.ts';
import { ConsoleError } from '../error.ts';
import { isoOf, newId } from '../state.ts';

interface SearchRow {
  readonly id: string;
  readonly name: string;
  readonly by: string;
  readonly shared: number;
  readonly saved_ms: number;
  readonly q: string;
  readonly t: string | null;
  readonly db: string | null;
  readonly view: string | null;
}

const SEARCHES_MAX = 500;
const CONFIG = { role: 'viewer', right: 'save searches' } as const;

export function searchRoutes(app: ConsoleApp, context: Context): void {
  const { db } = context;
  app.get(
    '/searches',
    { config: CONFIG, schema: { summary: 'One’s own searches and shared ones', response: { 200: SavedSearches } } },
    (request) => {
      const rows = db
        .prepare<[string], SearchRow>('SELECT * FROM search WHERE by = ? OR shared = 1 ORDER BY name, by')
        .all(principalOf(request).who);
      return { searches: rows.map(viewOf) };
    },
  );
  app.post(
    '/searches',
    { config: CONFIG, schema: { summary: 'Save a search', body: SearchSave, response: { 200: SavedSearch } } },
    async (request) => {
      const { who } = principalOf(request);
      const { name, q, t = null, db: databases = null, view = null, shared = false } = request.body;
      const count = db.prepare<[string], number>('SELECT count(*) FROM search WHERE by = ?').pluck().get(who) ?? 0;
      if (count >= SEARCHES_MAX)
        throw new ConsoleError('refused', `you have ${SEARCHES_MAX} saved searches: remove some`);
      db.prepare(
        `INSERT INTO search (id, name, by, shared, saved_ms, q, t, db, view) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (by, name) DO UPDATE SET shared = excluded.shared, saved_ms = excluded.saved_ms,
           q = excluded.q, t = excluded.t, db = excluded.db, view = excluded.view`,
      ).run(newId(), name, who, shared ? 1 : 0, Date.now(), q, t, databases, view);
      await record(context, request, 'search-saved', name, q);
      const row = db
        .prepare<[string, string], SearchRow>('SELECT * FROM search WHERE by = ? AND name = ?')
        .get(who, name);
      if (row === undefined) throw new Error('a saved search is not there');
      return viewOf(row);
    },
  );
  app.delete(
    '/searches/:id',
    { config: CONFIG, schema: { summary: 'Remove one of one’s searches', params: IdParams, response: { 200: Done } } },
    async (request) => {
      const { who } = principalOf(request);
      const removed = db.prepare('DELETE FROM search WHERE id = ? AND by = ?').run(request.params.id, who).changes;
      if (removed === 0) throw new ConsoleError('not-found', 'you have no such search');
      await record(context, request, 'search-removed', request.params.id);
      return { done: true as const };
    },
  );
}

function viewOf({ id, name, by, shared, saved_ms, q, t, db, view }: SearchRow): SavedSearch {
  return {
    id,
    name,
    q,
    ...(t === null ? {} : { t }),
    ...(db === null ? {} : { db }),
    ...(view === null ? {} : { view }),
    by,
    shared: shared !== 0,
    savedAt: isoOf(saved_ms),
  };
}
