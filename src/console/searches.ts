/** Saved searches: everyone keeps their own, and may show them to all. In the query field `@name` brings one. */

import type { Completion } from './api/records.ts';
import type { SavedSearch, SearchSave } from './api/saved.ts';
import { ConsoleError } from './error.ts';
import { isoOf, newId, type StateDb } from './state.ts';

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
const CANDIDATES_MAX = 20;
const SIGN = '@';

export class Searches {
  private readonly db: StateDb;

  constructor(db: StateDb) {
    this.db = db;
  }

  /** One's own and shared ones, by name. */
  visibleTo(who: string): SavedSearch[] {
    return this.db
      .prepare<[string], SearchRow>('SELECT * FROM search WHERE by = ? OR shared = 1 ORDER BY name, by')
      .all(who)
      .map(viewOf);
  }

  /** The same name again replaces one's own. Throws `refused` when there are too many. */
  save(who: string, { name, q, t, db, view, shared = false }: SearchSave): SavedSearch {
    const others = 'SELECT count(*) FROM search WHERE by = ? AND name <> ?';
    const count = this.db.prepare<[string, string], number>(others).pluck().get(who, name) ?? 0;
    if (count >= SEARCHES_MAX)
      throw new ConsoleError('refused', `you have ${SEARCHES_MAX} saved searches: remove some`);
    this.db
      .prepare(
        `INSERT INTO search (id, name, by, shared, saved_ms, q, t, db, view) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (by, name) DO UPDATE SET shared = excluded.shared, saved_ms = excluded.saved_ms,
           q = excluded.q, t = excluded.t, db = excluded.db, view = excluded.view`,
      )
      .run(newId(), name, who, shared ? 1 : 0, Date.now(), q, t ?? null, db ?? null, view ?? null);
    const row = this.db
      .prepare<[string, string], SearchRow>('SELECT * FROM search WHERE by = ? AND name = ?')
      .get(who, name);
    if (row === undefined) throw new Error('a saved search is not there');
    return viewOf(row);
  }

  /** Throws `not-found`; others' are not one's to remove. */
  remove(who: string, id: string): void {
    if (this.db.prepare('DELETE FROM search WHERE id = ? AND by = ?').run(id, who).changes === 0)
      throw new ConsoleError('not-found', 'you have no such search');
  }

  /** The completion of a query with saved searches in place of `@name`, where the cursor stands in one. */
  completed(who: string, completion: Completion, text: string, pos: number): Completion {
    const typed = text.slice(completion.from, pos);
    if (!typed.startsWith(SIGN)) return completion;
    const part = typed.slice(SIGN.length).toLowerCase();
    const found = this.visibleTo(who).filter(({ name, q }) => q !== '' && name.toLowerCase().includes(part));
    const candidates = found.slice(0, CANDIDATES_MAX).map(({ name, q, by }) => ({
      insert: conditionOf(q),
      kind: 'search' as const,
      label: `${SIGN}${name}`,
      hint: by === who ? q : `${q} · shared by ${by}`,
    }));
    return { ...completion, candidates };
  }
}

/** As one condition among others. */
function conditionOf(q: string): string {
  return /\bor\b/i.test(q) ? `(${q})` : q;
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
