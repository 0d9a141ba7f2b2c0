/** The keys of a segment's small tables, and the rows that each is in: what its dictionary and its filter are made of. */
import type Database from 'better-sqlite3';
import { type RowField, searchedValues, sourceOf } from '../totals/groups.ts';
import { KEY_FIELDS, type KeyField, type KeyRows, keyBytes, shortestAddress } from './keys.ts';

/** In order of the keys' bytes. Throws what SQLite throws. */
export function readRowKeys(db: Database.Database): KeyRows[] {
  return KEY_FIELDS.flatMap((field) => (field === 'clientOther' || field === 'serverOther' ? [] : keysOf(db, field)));
}

type RowsByValue = Map<string, number[]>;

function keysOf(db: Database.Database, field: KeyField & RowField): KeyRows[] {
  const [table, column] = sourceOf(field);
  const select = db.prepare<[], [row: number, cell: string | number]>(
    `SELECT ${table}_row, ${column} FROM ${table} WHERE ${column} IS NOT NULL ORDER BY ${table}_row`,
  );
  const rowsByValue: RowsByValue = new Map();
  const rowsByOther: RowsByValue = new Map();
  const other = field === 'client' ? 'clientOther' : field === 'server' ? 'serverOther' : undefined;
  for (const [row, cell] of select.raw().iterate()) {
    for (const value of searchedValues(field, cell)) {
      const lower = value.toLowerCase();
      add(rowsByValue, lower, row);
      const shortest = other && shortestAddress(value);
      if (shortest !== undefined && shortest !== lower) add(rowsByOther, shortest, row);
    }
  }
  const keys = sorted(field, rowsByValue);
  return other === undefined ? keys : [...keys, ...sorted(other, rowsByOther)];
}

/** Two values of a row may differ in case only. */
function add(rowsByValue: RowsByValue, value: string, row: number): void {
  const rows = rowsByValue.get(value);
  if (rows === undefined) rowsByValue.set(value, [row]);
  else if (rows.at(-1) !== row) rows.push(row);
}

function sorted(field: KeyField, rowsByValue: RowsByValue): KeyRows[] {
  const keys = [...rowsByValue].map(([value, rows]) => ({ key: keyBytes({ field, value }), rows }));
  return keys.sort((a, b) => Buffer.compare(a.key, b.key));
}
