/** What can go wrong with a store, in one line a person can act on. */
import { UserError } from '../base/errors.ts';

export type StoreErrorCode =
  /** The directory holds no store, or something else. */
  | 'not-a-store'
  /** Nothing can be written there (permissions, read-only file system). */
  | 'read-only'
  | 'disk-full'
  /** A file of the store is missing, cut or altered. */
  | 'damaged'
  /** Another process is writing to this store. */
  | 'locked'
  | 'io'
  /** The store was closed. */
  | 'closed'
  /** A query, time or language expression is wrong. */
  | 'usage';

export class StoreError extends UserError {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Names of SQLite and system error codes, by prefix, in order of precedence. */
const CODES: readonly (readonly [prefix: string, code: StoreErrorCode, says: string])[] = [
  ['SQLITE_FULL', 'disk-full', 'no space left on the device'],
  ['ENOSPC', 'disk-full', 'no space left on the device'],
  ['SQLITE_READONLY', 'read-only', 'cannot be written'],
  ['EROFS', 'read-only', 'the file system is read-only'],
  ['EACCES', 'read-only', 'permission denied'],
  ['EPERM', 'read-only', 'permission denied'],
  // What a recursive mkdir says on a read-only file system.
  ['ENOENT', 'read-only', 'cannot be made'],
  ['ENOTDIR', 'not-a-store', 'a part of this path is a file, not a folder'],
  ['SQLITE_CANTOPEN', 'read-only', 'cannot be opened'],
  ['SQLITE_CORRUPT', 'damaged', 'the file is damaged'],
  ['SQLITE_NOTADB', 'damaged', 'the file is not a database'],
  ['SQLITE_BUSY', 'locked', 'in use by another process'],
  ['SQLITE_IOERR', 'io', 'input/output error'],
];

/** Turns what SQLite or the file system threw into a `StoreError` about `what` (a path). */
export function toStoreError(error: unknown, what: string): StoreError {
  if (error instanceof StoreError) return error;
  const code = codeOf(error);
  for (const [prefix, storeCode, says] of CODES) {
    if (code.startsWith(prefix)) return new StoreError(storeCode, `${what}: ${says}`, { cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new StoreError('io', `${what}: ${message}`, { cause: error });
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
