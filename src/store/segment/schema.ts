/**
 * The files of a store, as SQL.
 *
 *   catalog.db          the list of segments
 *   writer.lock         held by the process that writes
 *   segments/000001.db  rows of one day or less, with the facts that repeat kept apart; no secondary indexes
 */
import type { RecordField } from '../../contracts/record.ts';
import { SESSION_NUMBERS, SESSION_TEXTS } from '../write/codec.ts';

export const SCHEMA_VERSION = 4;
/** `PRAGMA application_id` of our files: "WTR1". */
export const APPLICATION_ID = 0x57545231;

export const CATALOG_FILE = 'catalog.db';
export const LOCK_FILE = 'writer.lock';
export const SEGMENT_FOLDER = 'segments';

/**
 * Life of a segment. `new`: listed, its file may not exist yet. `open`: being written. `sealed`: complete, never
 * changes. `damaged`: what is in it cannot be trusted; kept for the people who will look. `dropping`: expired, its files
 * are being removed. `dropped`: they are gone; the entry stays, for the hash chain runs through it.
 */
export type SegmentState = 'new' | 'open' | 'sealed' | 'damaged' | 'dropping' | 'dropped';

/**
 * `chain_before`, `chain_after`: digests of the hash chain (`chain.ts`) at either end of a segment. `signature`,
 * `drop_signature`: made when it was sealed and when it was dropped (`sign.ts`). `hold`: what must not expire (`hold.ts`).
 */
export const CATALOG_SQL: string = `
CREATE TABLE segment (
  number INTEGER PRIMARY KEY,
  file TEXT NOT NULL,
  state TEXT NOT NULL,
  first_seq INTEGER NOT NULL,
  rows INTEGER NOT NULL DEFAULT 0,
  time_min_us INTEGER,
  time_max_us INTEGER,
  bytes INTEGER NOT NULL DEFAULT 0,
  chain_before BLOB NOT NULL,
  chain_after BLOB,
  signature BLOB,
  drop_signature BLOB
);
CREATE TABLE hold (name TEXT PRIMARY KEY, expression TEXT NOT NULL, since_us INTEGER NOT NULL);
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** Column of a field: `clientAddress` → `client_address`. */
export function columnOf(field: RecordField): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const sessionColumns = [
  ...SESSION_TEXTS.map((field) => `${columnOf(field)} TEXT`),
  ...SESSION_NUMBERS.map((field) => `${columnOf(field)} INTEGER`),
];

/**
 * `meta.disorder_us`: the most by which a record is older than one with a lower `seq`.
 * `shape.reference` is the first text of that shape: `record.body` holds the others as
 * differences from it.
 */
export const SEGMENT_SQL: string = `
CREATE TABLE meta (
  number INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  time_min_us INTEGER,
  time_max_us INTEGER,
  disorder_us INTEGER NOT NULL
);
CREATE TABLE session (session_row INTEGER PRIMARY KEY, ${sessionColumns.join(', ')});
CREATE TABLE shape (
  shape_row INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  call TEXT,
  operation TEXT,
  operations TEXT,
  objects TEXT,
  procedure TEXT,
  summary TEXT,
  fingerprint TEXT,
  reference BLOB
);
CREATE TABLE verdict (verdict_row INTEGER PRIMARY KEY, severity INTEGER NOT NULL, policy TEXT NOT NULL);
CREATE TABLE record (
  seq INTEGER PRIMARY KEY,
  time_us INTEGER NOT NULL,
  id BLOB NOT NULL,
  session_row INTEGER NOT NULL,
  shape_row INTEGER NOT NULL,
  verdict_row INTEGER,
  duration_us INTEGER,
  returned_rows INTEGER,
  affected_rows INTEGER,
  marks INTEGER NOT NULL,
  error_code TEXT,
  end_user TEXT,
  body BLOB NOT NULL,
  check_sum INTEGER NOT NULL
);
CREATE TABLE chain (seq INTEGER PRIMARY KEY, digest BLOB NOT NULL);
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${SCHEMA_VERSION};
`;
