/** Tokens for scripts: `Authorization: Bearer wtr_…`. The file has their digests; a token is shown once. */

import type { Static } from 'typebox';
import { DAY_MS } from '../../base/time.ts';
import type { Role } from '../api/common.ts';
import type { ApiToken } from '../api/people.ts';
import { ConsoleError } from '../error.ts';
import { digestOf, isoOf, newId, newSecret, type StateDb } from '../state.ts';
import { shownDatabases, writeDatabases } from './databases.ts';

interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly databases: string | null;
  readonly created_by: string;
  readonly created_ms: number;
  readonly expires_ms: number | null;
  readonly used_ms: number | null;
  readonly revoked: number;
}

const TOKEN_PREFIX = 'wtr_';
const TOKENS_MAX = 1000;
const USED_MS = 60_000;

export class Tokens {
  private readonly db: StateDb;

  constructor(db: StateDb) {
    this.db = db;
  }

  list(): Static<typeof ApiToken>[] {
    const rows = this.db.prepare<[], TokenRow>('SELECT * FROM token ORDER BY created_ms DESC').all();
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      role: row.role,
      databases: shownDatabases(row.databases),
      createdBy: row.created_by,
      createdAt: isoOf(row.created_ms),
      ...(row.expires_ms === null ? {} : { expiresAt: isoOf(row.expires_ms) }),
      ...(row.used_ms === null ? {} : { lastUsed: isoOf(row.used_ms) }),
      revoked: row.revoked !== 0,
    }));
  }

  create(
    made: { readonly name: string; readonly role: Role; readonly databases: readonly string[] | undefined },
    by: string,
    days: number | undefined,
  ): { id: string; token: string } {
    const { name, role, databases } = made;
    const count = this.db.prepare<[], number>('SELECT count(*) FROM token').pluck().get() ?? 0;
    if (count >= TOKENS_MAX) throw new ConsoleError('refused', `there are ${TOKENS_MAX} tokens already`);
    const id = newId();
    const token = `${TOKEN_PREFIX}${newSecret()}`;
    const now = Date.now();
    const expiresMs = days === undefined ? null : now + days * DAY_MS;
    this.db
      .prepare(
        `INSERT INTO token (id, digest, name, role, databases, created_by, created_ms, expires_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(id, digestOf(token), name, role, writeDatabases(databases), by, now, expiresMs);
    return { id, token };
  }

  /** The token's name. Throws `not-found`. */
  revoke(id: string): string {
    const name = this.db.prepare<[string], string>('SELECT name FROM token WHERE id = ?').pluck().get(id);
    if (name === undefined) throw new ConsoleError('not-found', 'there is no such token');
    this.db.prepare('UPDATE token SET revoked = 1 WHERE id = ?').run(id);
    return name;
  }

  isOpen(id: string): boolean {
    const sql = 'SELECT 1 FROM token WHERE id = ? AND revoked = 0 AND (expires_ms IS NULL OR expires_ms > ?)';
    return this.db.prepare(sql).get(id, Date.now()) !== undefined;
  }

  find(token: string): TokenRow | undefined {
    if (!token.startsWith(TOKEN_PREFIX)) return undefined;
    const now = Date.now();
    const row = this.db
      .prepare<[string, number], TokenRow>(
        'SELECT * FROM token WHERE digest = ? AND revoked = 0 AND (expires_ms IS NULL OR expires_ms > ?)',
      )
      .get(digestOf(token), now);
    if (row !== undefined && now - (row.used_ms ?? 0) > USED_MS)
      this.db.prepare('UPDATE token SET used_ms = ? WHERE id = ?').run(now, row.id);
    return row;
  }
}
