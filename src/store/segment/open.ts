/** Opening a file of the store for reading. */
import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';

/**
 * A connection that cannot write. A writer that was killed in the middle of a change leaves a journal, which such a
 * connection may not take back: that is done first. Throws what SQLite throws.
 */
export function openForReading(path: string): Database.Database {
  if (existsSync(`${path}-journal`)) rollBack(path);
  return new Database(path, { readonly: true, fileMustExist: true });
}

function rollBack(path: string): void {
  try {
    const db = new Database(path, { fileMustExist: true });
    try {
      db.pragma('user_version');
    } finally {
      db.close();
    }
  } catch {
    // Where nothing can be written the journal stays; the open for reading says what is wrong.
  }
}
