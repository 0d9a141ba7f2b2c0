/**
 * SQL over the whole store, for questions that the query language cannot put. `records` is a virtual table in an empty
 * database in memory: SQL never touches a file of the store, and statements that do anything but select are refused.
 * `records('user:alice since:-1d')` takes an expression of the query language, by which indexes narrow what is read.
 */
import Database from 'better-sqlite3';
import { formatTime } from '../../base/time.ts';
import { markNames } from '../../contracts/event.ts';
import { type AuditRecord, RECORD_KEYS, type RecordField } from '../../contracts/record.ts';
import { parseFilter } from '../../query/language.ts';
import { StoreError } from '../errors.ts';
import type { StoreReader } from '../reader.ts';
import { columnOf } from '../segment/schema.ts';

export type SqlCell = string | number | bigint | Buffer | null;

export interface SqlResult {
  readonly columns: readonly string[];
  /** Read while it is iterated. Throws `StoreError` (`usage`). */
  readonly rows: IterableIterator<SqlCell[]>;
}

const FIELDS = Object.keys(RECORD_KEYS) as RecordField[];

/** Names of the columns of `records`: `time` in RFC 3339, then every field of a record; lists and objects as JSON. */
const SQL_COLUMNS: readonly string[] = ['time', ...FIELDS.map(columnOf)];

/** Runs one SELECT. `nowUs`: what relative times in `records('…')` count from. Throws `StoreError` (`usage`). */
export function querySql(reader: StoreReader, sql: string, nowUs: number): SqlResult {
  const db = new Database(':memory:');
  db.table('records', {
    columns: [...SQL_COLUMNS],
    parameters: ['expression'],
    *rows(expression: unknown) {
      const filter = typeof expression === 'string' ? parseFilter(expression, nowUs) : undefined;
      for (const record of reader.query({ filter, order: 'oldest' })) yield cellsOf(record);
    },
  });
  try {
    const statement = db.prepare<[], SqlCell[]>(sql);
    // ATTACH, VACUUM INTO and their like return no rows, or are not read-only.
    if (!statement.reader || !statement.readonly) throw new StoreError('usage', 'only SELECT is possible');
    statement.raw();
    const columns = statement.columns().map((column) => column.name);
    return { columns, rows: statement.iterate() };
  } catch (error) {
    throw usage(error);
  }
}

function usage(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  return new StoreError('usage', `SQL: ${(error as Error).message}`, { cause: error });
}

function cellsOf(record: AuditRecord): SqlCell[] {
  const cells: SqlCell[] = [formatTime(record.timeUs)];
  for (const field of FIELDS) cells.push(field === 'marks' ? marksCell(record) : cellOf(record[field]));
  return cells;
}

function marksCell(record: AuditRecord): string | null {
  return record.marks === 0 ? null : JSON.stringify(markNames(record.marks));
}

function cellOf(value: AuditRecord[RecordField]): SqlCell {
  if (value === undefined) return null;
  return typeof value === 'object' ? JSON.stringify(value) : value;
}
