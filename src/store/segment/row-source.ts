/** Where rows of a segment's tables come from, by their numbers: SQLite, or the file itself (`table-file.ts`). */
import type Database from 'better-sqlite3';
import { SESSION_NUMBERS, SESSION_TEXTS } from '../write/codec.ts';
import { columnOf } from './schema.ts';

export type SegmentTable = 'meta' | 'session' | 'shape' | 'verdict' | 'record';
export type SqlCell = number | string | Uint8Array | null;

/** The columns that are read back, in the order of the tables (`schema.ts`); the first one is the row's number. */
export const ROW_COLUMNS: Readonly<Record<SegmentTable, readonly string[]>> = {
  meta: ['number', 'rows', 'time_min_us', 'time_max_us', 'disorder_us'],
  session: ['session_row', ...[...SESSION_TEXTS, ...SESSION_NUMBERS].map(columnOf)],
  shape: [
    'shape_row',
    'kind',
    'call',
    'operation',
    'operations',
    'objects',
    'procedure',
    'summary',
    'fingerprint',
    'reference',
  ],
  verdict: ['verdict_row', 'severity', 'policy'],
  record: [
    'seq',
    'time_us',
    'id',
    'session_row',
    'shape_row',
    'verdict_row',
    'duration_us',
    'returned_rows',
    'affected_rows',
    'marks',
    'error_code',
    'end_user',
    'body',
  ],
};

export interface RowSource {
  /**
   * The first columns of a row, by default those of `ROW_COLUMNS`; the first of them may be null. `undefined` when there
   * is no such row. Throws `StoreError` (`damaged`), or what SQLite throws.
   */
  get(table: SegmentTable, row: number, columns?: number): readonly SqlCell[] | undefined;
  close(): void;
}

/** Asks SQLite. Statements are prepared when they are first needed. */
export class SqliteRows implements RowSource {
  private readonly db: Database.Database;
  /** By table and number of columns. */
  private readonly statements = new Map<SegmentTable, Database.Statement<[number], SqlCell[]>[]>();

  /** The connection is closed with this. */
  constructor(db: Database.Database) {
    this.db = db;
  }

  get(table: SegmentTable, row: number, columns: number = ROW_COLUMNS[table].length): SqlCell[] | undefined {
    return (this.statements.get(table)?.[columns] ?? this.prepare(table, columns)).get(row);
  }

  private prepare(table: SegmentTable, columns: number): Database.Statement<[number], SqlCell[]> {
    const names = ROW_COLUMNS[table].slice(0, columns).join(', ');
    const sql = `SELECT ${names} FROM ${table} WHERE rowid = ?`;
    const statement = this.db.prepare<[number], SqlCell[]>(sql).raw();
    const known = this.statements.get(table) ?? [];
    known[columns] = statement;
    this.statements.set(table, known);
    return statement;
  }

  close(): void {
    this.db.close();
  }
}
