/** One writer a store, by a lock that the system releases however the process ends. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { StoreError, toStoreError } from '../errors.ts';
import { LOCK_FILE } from '../segment/schema.ts';

/** Closing what this gives releases the lock. Throws `StoreError` (`locked`) while another process has it. */
export function takeLock(directory: string): Database.Database {
  const path = join(directory, LOCK_FILE);
  let lock: Database.Database | undefined;
  try {
    lock = new Database(path, { timeout: 0 });
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    const reason = toStoreError(error, path);
    if (reason.code === 'locked') {
      throw new StoreError('locked', `${directory}: another process is writing to this store`, { cause: error });
    }
    throw reason;
  }
}
