/**
 * Lockout: after a few wrong passwords or codes in a row a name is locked for a while that doubles with each further
 * one. Names that nobody has are treated alike, so that a lock tells nothing.
 */
import { ConsoleError } from '../error.ts';
import type { StateDb } from '../state.ts';

const FREE_FAILURES = 4;
const LOCK_MS_MIN = 30_000;
const LOCK_MS_MAX = 15 * 60_000;
const NAMES_MAX = 10_000;

interface AttemptRow {
  readonly failures: number;
  readonly locked_ms: number;
}

export class Attempts {
  private readonly db: StateDb;

  constructor(db: StateDb) {
    this.db = db;
  }

  lockedUntil(name: string): number {
    return this.row(name)?.locked_ms ?? 0;
  }

  /** Throws `locked` while the name is. */
  check(name: string): void {
    const leftMs = this.lockedUntil(name) - Date.now();
    if (leftMs <= 0) return;
    const retryAfterS = Math.ceil(leftMs / 1000);
    throw new ConsoleError('locked', `too many wrong passwords: try again in ${retryAfterS} seconds`, { retryAfterS });
  }

  failed(name: string): void {
    const failures = (this.row(name)?.failures ?? 0) + 1;
    const over = failures - FREE_FAILURES;
    const lockMs = over < 1 ? 0 : Math.min(LOCK_MS_MAX, LOCK_MS_MIN * 2 ** Math.min(over - 1, 10));
    const now = Date.now();
    this.db
      .prepare('INSERT OR REPLACE INTO attempt (name, failures, locked_ms, last_ms) VALUES (?, ?, ?, ?)')
      .run(name, failures, lockMs === 0 ? 0 : now + lockMs, now);
    this.db
      .prepare('DELETE FROM attempt WHERE name IN (SELECT name FROM attempt ORDER BY last_ms DESC LIMIT -1 OFFSET ?)')
      .run(NAMES_MAX);
  }

  forget(name: string): void {
    this.db.prepare('DELETE FROM attempt WHERE name = ?').run(name);
  }

  private row(name: string): AttemptRow | undefined {
    return this.db.prepare<[string], AttemptRow>('SELECT failures, locked_ms FROM attempt WHERE name = ?').get(name);
  }
}
