/** The list of segments: which exist, in what state, and what time they span. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { StoreError, toStoreError } from '../errors.ts';
import { openForReading } from './open.ts';
import { CATALOG_FILE, CATALOG_SQL, type SegmentState } from './schema.ts';
import { checkVersion, type SegmentFacts } from './segment.ts';

export interface SegmentEntry {
  readonly number: number;
  /** Path relative to the store's directory. */
  readonly file: string;
  readonly state: SegmentState;
  /** Sequence number of its first record. */
  readonly firstSeq: number;
  /** Exact once sealed; for an open segment ask its file. */
  readonly rows: number;
  readonly timeMinUs: number | undefined;
  readonly timeMaxUs: number | undefined;
  readonly bytes: number;
  /** Digest of the hash chain where it begins and, once sealed, where it ends. */
  readonly chainBefore: Uint8Array;
  readonly chainAfter: Uint8Array | undefined;
  /** Made when it was sealed, and when it was dropped. */
  readonly signature: Uint8Array | undefined;
  readonly dropSignature: Uint8Array | undefined;
}

/** What must not expire: records that an expression of the query language finds. */
export interface Hold {
  readonly name: string;
  readonly expression: string;
  readonly sinceUs: number;
}

interface SegmentRow {
  readonly number: number;
  readonly file: string;
  readonly state: SegmentState;
  readonly first_seq: number;
  readonly rows: number;
  readonly time_min_us: number | null;
  readonly time_max_us: number | null;
  readonly bytes: number;
  readonly chain_before: Uint8Array;
  readonly chain_after: Uint8Array | null;
  readonly signature: Uint8Array | null;
  readonly drop_signature: Uint8Array | null;
}

/** Path of the catalog of the store in `directory`. Throws `StoreError` when there is no store. */
export function catalogOf(directory: string): string {
  const path = join(directory, CATALOG_FILE);
  if (!existsSync(path))
    throw new StoreError(
      'not-a-store',
      `${directory}: no audit store here (--store names its folder; 'replay' and 'sensor' make one)`,
    );
  return path;
}

export class Catalog {
  private readonly db: Database.Database;
  private readonly version: Database.Statement<[], number>;
  /** The list as it was read last, and of which version of the file. */
  private list: readonly SegmentEntry[] = [];
  private listVersion: number | undefined = undefined;

  private constructor(db: Database.Database) {
    this.db = db;
    this.version = db.prepare<[], number>('PRAGMA data_version').pluck();
  }

  /** Opens the catalog, making it for a writer when there is none. Throws `StoreError`. */
  static open(path: string, mode: 'read' | 'write'): Catalog {
    let db: Database.Database | undefined;
    try {
      db = mode === 'read' ? openForReading(path) : new Database(path);
      if (mode === 'write') {
        // Not WAL: a store on read-only media must open too, and this file changes once a segment.
        db.pragma('journal_mode = DELETE');
        db.pragma('synchronous = FULL');
        if (db.pragma('user_version', { simple: true }) === 0) createCatalog(db, path);
      }
      checkVersion(db, path);
      return new Catalog(db);
    } catch (error) {
      db?.close();
      throw toStoreError(error, path);
    }
  }

  /** In order of writing. Read again only when another connection has changed the file: not for the one that writes. */
  unchangedSegments(): readonly SegmentEntry[] {
    const version = this.version.get();
    if (version === undefined || version !== this.listVersion) this.list = this.segments();
    this.listVersion = version;
    return this.list;
  }

  /** In order of writing. */
  segments(): SegmentEntry[] {
    const rows = this.db.prepare<[], SegmentRow>('SELECT * FROM segment ORDER BY number').all();
    return rows.map((row) => ({
      number: row.number,
      file: row.file,
      state: row.state,
      firstSeq: row.first_seq,
      rows: row.rows,
      timeMinUs: row.time_min_us ?? undefined,
      timeMaxUs: row.time_max_us ?? undefined,
      bytes: row.bytes,
      chainBefore: row.chain_before,
      chainAfter: row.chain_after ?? undefined,
      signature: row.signature ?? undefined,
      dropSignature: row.drop_signature ?? undefined,
    }));
  }

  /** Makes the changes of `step` one change: all or none, with one wait for the disk. */
  together(step: () => void): void {
    this.db.transaction(step)();
  }

  add(number: number, file: string, firstSeq: number, chainBefore: Uint8Array): void {
    this.db
      .prepare(`INSERT INTO segment (number, file, state, first_seq, chain_before) VALUES (?, ?, 'new', ?, ?)`)
      .run(number, file, firstSeq, chainBefore);
  }

  setState(number: number, state: SegmentState): void {
    this.db.prepare('UPDATE segment SET state = ? WHERE number = ?').run(state, number);
  }

  sealed(
    number: number,
    facts: SegmentFacts,
    bytes: number,
    chainAfter: Uint8Array,
    signature: Uint8Array | undefined,
  ): void {
    const { rows, timeMinUs, timeMaxUs } = facts;
    this.db
      .prepare(
        `UPDATE segment SET state = 'sealed', rows = ?, time_min_us = ?, time_max_us = ?, bytes = ?,
         chain_after = ?, signature = ? WHERE number = ?`,
      )
      .run(rows, timeMinUs ?? null, timeMaxUs ?? null, bytes, chainAfter, signature ?? null, number);
  }

  /** The segment's files are about to go. */
  dropping(number: number, signature: Uint8Array | undefined): void {
    this.db
      .prepare(`UPDATE segment SET state = 'dropping', drop_signature = ? WHERE number = ?`)
      .run(signature ?? null, number);
  }

  holds(): Hold[] {
    return this.db.prepare<[], Hold>('SELECT name, expression, since_us AS sinceUs FROM hold ORDER BY name').all();
  }

  /** Adds a hold, or replaces the one of that name. */
  addHold({ name, expression, sinceUs }: Hold): void {
    this.db.prepare('INSERT OR REPLACE INTO hold VALUES (?, ?, ?)').run(name, expression, sinceUs);
  }

  /** False when there is none of that name. */
  removeHold(name: string): boolean {
    return this.db.prepare('DELETE FROM hold WHERE name = ?').run(name).changes > 0;
  }

  /** A number kept under a name; `undefined` when there is none. */
  mark(name: string): number | undefined {
    const table = this.db.prepare<[], number>(`SELECT 1 FROM sqlite_schema WHERE name = 'mark'`).pluck().get();
    if (table === undefined) return undefined;
    return this.db.prepare<[string], number>('SELECT value FROM mark WHERE name = ?').pluck().get(name);
  }

  /** Sets the number, unless the one that is kept is higher. */
  setMark(name: string, value: number): void {
    this.db.exec('CREATE TABLE IF NOT EXISTS mark (name TEXT PRIMARY KEY, value INTEGER NOT NULL)');
    this.db
      .prepare('INSERT INTO mark VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)')
      .run(name, value);
  }

  close(): void {
    this.db.close();
  }
}

function createCatalog(db: Database.Database, path: string): void {
  const tables = db.prepare<[], { n: number }>('SELECT count(*) AS n FROM sqlite_schema').get();
  if (tables !== undefined && tables.n > 0) throw new StoreError('not-a-store', `${path}: not an audit store`);
  db.transaction(() => db.exec(CATALOG_SQL))();
}
