/** Sign-ins are kept by the server: the cookie is 256 random bits, of which the file has a digest. */
import { HOUR_MS } from '../../base/time.ts';
import { digestOf, isoOf, newId, newSecret, type StateDb } from '../state.ts';

const SIGN_IN_MS = 12 * HOUR_MS;
const IDLE_MS = 2 * HOUR_MS;
const PER_PERSON_MAX = 20;
/** How old the time of last use may be before it is written again. */
const SEEN_MS = 60_000;
const AGENT_CHARS_MAX = 200;

export interface SignInRow {
  readonly digest: string;
  readonly id: string;
  readonly person: string;
  readonly created_ms: number;
  readonly seen_ms: number;
  readonly ends_ms: number;
  readonly address: string;
  readonly agent: string;
}

export class SignIns {
  private readonly db: StateDb;

  constructor(db: StateDb) {
    this.db = db;
  }

  /** The secret for the cookie. Of more sign-ins than a person may have, the oldest end. */
  begin(person: string, address: string, agent: string): string {
    const secret = newSecret();
    const now = Date.now();
    this.db.prepare('DELETE FROM sign_in WHERE ends_ms <= ?').run(now);
    this.db
      .prepare('INSERT INTO sign_in VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
      .run(digestOf(secret), newId(), person, now, now, now + SIGN_IN_MS, address, agent.slice(0, AGENT_CHARS_MAX));
    this.db
      .prepare(
        `DELETE FROM sign_in WHERE person = ? AND digest IN
         (SELECT digest FROM sign_in WHERE person = ? ORDER BY created_ms DESC LIMIT -1 OFFSET ?)`,
      )
      .run(person, person, PER_PERSON_MAX);
    return secret;
  }

  /** `undefined` when it ended, or nobody used it for too long. */
  find(secret: string): SignInRow | undefined {
    const now = Date.now();
    const row = this.db
      .prepare<[string, number, number], SignInRow>(
        'SELECT * FROM sign_in WHERE digest = ? AND ends_ms > ? AND seen_ms > ?',
      )
      .get(digestOf(secret), now, now - IDLE_MS);
    if (row !== undefined && now - row.seen_ms > SEEN_MS)
      this.db.prepare('UPDATE sign_in SET seen_ms = ? WHERE digest = ?').run(now, row.digest);
    return row;
  }

  isOpen(id: string): boolean {
    return this.db.prepare('SELECT 1 FROM sign_in WHERE id = ? AND ends_ms > ?').get(id, Date.now()) !== undefined;
  }

  of(person: string): readonly SignInRow[] {
    return this.db
      .prepare<[string, number], SignInRow>(
        'SELECT * FROM sign_in WHERE person = ? AND ends_ms > ? ORDER BY seen_ms DESC',
      )
      .all(person, Date.now());
  }

  /** `false` when the person has no such sign-in. */
  end(person: string, id: string): boolean {
    return this.db.prepare('DELETE FROM sign_in WHERE person = ? AND id = ?').run(person, id).changes > 0;
  }

  /** All of a person's, but for the one with `exceptId`. */
  endAll(person: string, exceptId = ''): void {
    this.db.prepare('DELETE FROM sign_in WHERE person = ? AND id <> ?').run(person, exceptId);
  }
}

export function describeSignIn(row: SignInRow, currentId: string | undefined): SignInView {
  const { id, created_ms, seen_ms, address, agent } = row;
  return { id, current: id === currentId, since: isoOf(created_ms), lastSeen: isoOf(seen_ms), address, agent };
}

interface SignInView {
  readonly id: string;
  readonly current: boolean;
  readonly since: string;
  readonly lastSeen: string;
  readonly address: string;
  readonly agent: string;
}
