/** Queries that people asked, each their own; the query field offers them behind everything else. */
import { QueryError } from '../query/errors.ts';
import { parseFilter } from '../query/language.ts';
import { type AskedOf, type AskedQueries, type AskedQuery, HISTORY_CHARS_MAX, HISTORY_MAX } from './api/history.ts';
import type { Completion } from './api/records.ts';
import { isoOf, type StateDb } from './state.ts';
import { TRAIL_LANGUAGE } from './trail-language.ts';

interface AskedRow {
  readonly of: AskedOf;
  readonly q: string;
  readonly asked_ms: number;
}

const CANDIDATES_MAX = 5;

export class History {
  private readonly db: StateDb;

  constructor(db: StateDb) {
    this.db = db;
  }

  /** The latest first. */
  list(who: string): AskedQueries['queries'] {
    return this.rows(who).map(({ of, q, asked_ms }) => ({ of, q, askedAt: isoOf(asked_ms) }));
  }

  /** Asking again makes it the latest. Whether it is kept: what is no query, or too long, is not. */
  keep(who: string, { of, q }: AskedQuery): boolean {
    const text = q.trim();
    if (text === '' || text.length > HISTORY_CHARS_MAX || !isQuery(of, text)) return false;
    this.db.transaction(() => {
      const latest = this.db
        .prepare<[string], number | null>('SELECT max(asked_ms) FROM asked WHERE person = ?')
        .pluck()
        .get(who);
      // In the order in which they were asked, whatever the clock says.
      const askedMs = Math.max(Date.now(), (latest ?? 0) + 1);
      this.db
        .prepare(
          `INSERT INTO asked VALUES (?, ?, ?, ?)
           ON CONFLICT (person, of, q) DO UPDATE SET asked_ms = excluded.asked_ms`,
        )
        .run(who, of, text, askedMs);
      this.db
        .prepare(
          `DELETE FROM asked WHERE person = @who AND of = @of AND q NOT IN
             (SELECT q FROM asked WHERE person = @who AND of = @of ORDER BY asked_ms DESC LIMIT @max)`,
        )
        .run({ who, of, max: HISTORY_MAX });
    })();
    return true;
  }

  /** One of them, or all. */
  forget(who: string, query?: AskedQuery): void {
    if (query === undefined) this.db.prepare('DELETE FROM asked WHERE person = ?').run(who);
    else this.db.prepare('DELETE FROM asked WHERE person = ? AND of = ? AND q = ?').run(who, query.of, query.q);
  }

  /** With the latest of one's queries that contain what is written, at the end. */
  completed(who: string, of: AskedOf, completion: Completion, text: string): Completion {
    const part = text.trim().toLowerCase();
    const found = this.rows(who).filter(
      (row) => row.of === of && row.q.toLowerCase() !== part && row.q.toLowerCase().includes(part),
    );
    const candidates = found.slice(0, CANDIDATES_MAX).map(({ q }) => ({
      insert: q,
      kind: 'history' as const,
      hint: 'asked before; Shift+Delete forgets it',
    }));
    return { ...completion, candidates: [...completion.candidates, ...candidates] };
  }

  private rows(who: string): AskedRow[] {
    const sql = 'SELECT of, q, asked_ms FROM asked WHERE person = ? ORDER BY asked_ms DESC';
    return this.db.prepare<[string], AskedRow>(sql).all(who);
  }
}

function isQuery(of: AskedOf, text: string): boolean {
  const check = of === 'records' ? parseFilter : TRAIL_LANGUAGE.check;
  try {
    check(text, Date.now() * 1000);
    return true;
  } catch (error) {
    if (error instanceof QueryError) return false;
    throw error;
  }
}
