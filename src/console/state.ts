/**
 * What the console itself remembers, in one SQLite file beside the store: people, sign-ins, tokens, saved searches,
 * queries asked, decisions on alerts, notes, pins, drafts, reports, and the trail of all that was done. Passwords are there as argon2id hashes,
 * sign-ins, tokens and links as SHA-256 of what their owner holds.
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { UserError } from '../base/errors.ts';

export const STATE_FILE = 'console.db';
const STATE_VERSION = 7;
/** `PRAGMA application_id`: "WTC1". */
const APPLICATION_ID = 0x57544331;

/**
 * The first version. Entries of the trail and decisions are added, never changed: the file refuses it to everyone who uses
 * SQL.
 */
const SCHEMA = `
CREATE TABLE person (
  name TEXT PRIMARY KEY COLLATE NOCASE,
  role TEXT NOT NULL,
  password TEXT,
  totp_secret TEXT,
  totp_pending TEXT,
  totp_step INTEGER NOT NULL DEFAULT 0,
  disabled INTEGER NOT NULL DEFAULT 0,
  created_ms INTEGER NOT NULL,
  signed_in_ms INTEGER,
  invitation TEXT,
  invitation_ms INTEGER
);
CREATE TABLE attempt (name TEXT PRIMARY KEY COLLATE NOCASE, failures INTEGER NOT NULL, locked_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL);
CREATE TABLE sign_in (
  digest TEXT PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  person TEXT NOT NULL COLLATE NOCASE,
  created_ms INTEGER NOT NULL,
  seen_ms INTEGER NOT NULL,
  ends_ms INTEGER NOT NULL,
  address TEXT NOT NULL,
  agent TEXT NOT NULL
);
CREATE TABLE token (
  id TEXT PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER,
  used_ms INTEGER,
  revoked INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE trail (
  seq INTEGER PRIMARY KEY,
  time_ms INTEGER NOT NULL,
  who TEXT NOT NULL,
  address TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL,
  hash TEXT NOT NULL
);
CREATE TRIGGER trail_keeps BEFORE UPDATE ON trail BEGIN SELECT raise(ABORT, 'the trail cannot be changed'); END;
CREATE TRIGGER trail_stays BEFORE DELETE ON trail BEGIN SELECT raise(ABORT, 'the trail cannot be removed'); END;
CREATE TABLE search (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  by TEXT NOT NULL COLLATE NOCASE,
  shared INTEGER NOT NULL,
  saved_ms INTEGER NOT NULL,
  q TEXT NOT NULL,
  t TEXT,
  db TEXT,
  view TEXT,
  UNIQUE (by, name)
);
CREATE TABLE decision (
  seq INTEGER PRIMARY KEY,
  group_id TEXT NOT NULL,
  time_ms INTEGER NOT NULL,
  who TEXT NOT NULL,
  state TEXT NOT NULL,
  verdict TEXT,
  reason TEXT NOT NULL,
  count INTEGER NOT NULL,
  last_us INTEGER NOT NULL
);
CREATE INDEX decision_of ON decision (group_id, seq);
CREATE TRIGGER decision_keeps BEFORE UPDATE ON decision BEGIN SELECT raise(ABORT, 'decisions cannot be changed'); END;
CREATE TRIGGER decision_stays BEFORE DELETE ON decision BEGIN SELECT raise(ABORT, 'decisions cannot be removed'); END;
CREATE TABLE draft (
  name TEXT PRIMARY KEY,
  by TEXT NOT NULL,
  saved_ms INTEGER NOT NULL,
  base TEXT,
  note TEXT NOT NULL,
  sources TEXT NOT NULL
);
CREATE TABLE report (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  q TEXT NOT NULL,
  from_us INTEGER NOT NULL,
  to_us INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  by TEXT NOT NULL,
  state TEXT NOT NULL,
  message TEXT,
  records INTEGER,
  pdf BLOB,
  html BLOB,
  pdf_sha256 TEXT,
  html_sha256 TEXT
);
CREATE TABLE schedule (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  q TEXT NOT NULL,
  every TEXT NOT NULL,
  hour INTEGER NOT NULL,
  by TEXT NOT NULL,
  next_ms INTEGER NOT NULL,
  last_ms INTEGER
);
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = 1;
`;

/** From each version to the next. */
const UPGRADES: readonly { readonly from: number; readonly sql: string }[] = [
  {
    from: 1,
    sql: `
CREATE TABLE note (
  seq INTEGER PRIMARY KEY,
  record TEXT NOT NULL,
  session TEXT,
  who TEXT NOT NULL,
  time_ms INTEGER NOT NULL,
  text TEXT NOT NULL
);
CREATE INDEX note_of ON note (record, seq);
CREATE INDEX note_within ON note (session, seq);
CREATE TRIGGER note_keeps BEFORE UPDATE ON note BEGIN SELECT raise(ABORT, 'notes cannot be changed'); END;
CREATE TRIGGER note_stays BEFORE DELETE ON note BEGIN SELECT raise(ABORT, 'notes cannot be removed'); END;
PRAGMA user_version = 2;`,
  },
  {
    from: 2,
    sql: `
CREATE TABLE signature (
  seq INTEGER PRIMARY KEY,
  report TEXT NOT NULL,
  who TEXT NOT NULL,
  time_ms INTEGER NOT NULL,
  verdict TEXT NOT NULL,
  comment TEXT NOT NULL,
  pdf_sha256 TEXT NOT NULL
);
CREATE INDEX signature_of ON signature (report, seq);
CREATE TRIGGER signature_keeps BEFORE UPDATE ON signature BEGIN SELECT raise(ABORT, 'signatures cannot be changed'); END;
CREATE TRIGGER signature_stays BEFORE DELETE ON signature BEGIN SELECT raise(ABORT, 'signatures cannot be removed'); END;
PRAGMA user_version = 3;`,
  },
  {
    // Rights by database: a JSON list of names; NULL for all of them.
    from: 3,
    sql: `
ALTER TABLE person ADD COLUMN databases TEXT;
ALTER TABLE token ADD COLUMN databases TEXT;
ALTER TABLE decision ADD COLUMN databases TEXT;
ALTER TABLE report ADD COLUMN databases TEXT;
ALTER TABLE schedule ADD COLUMN databases TEXT;
CREATE TABLE secret (name TEXT PRIMARY KEY, value TEXT NOT NULL);
PRAGMA user_version = 4;`,
  },
  {
    // `until_json`: until when a closed alert stays closed, as the API has it; NULL: until it matches again.
    from: 4,
    sql: `
ALTER TABLE decision ADD COLUMN until_json TEXT;
CREATE TABLE pin (
  person TEXT NOT NULL COLLATE NOCASE,
  record TEXT NOT NULL,
  time_us INTEGER NOT NULL,
  pinned_ms INTEGER NOT NULL,
  PRIMARY KEY (person, record)
);
PRAGMA user_version = 5;`,
  },
  {
    from: 5,
    sql: `
CREATE TABLE asked (
  person TEXT NOT NULL COLLATE NOCASE,
  of TEXT NOT NULL,
  q TEXT NOT NULL,
  asked_ms INTEGER NOT NULL,
  PRIMARY KEY (person, of, q)
);
PRAGMA user_version = 6;`,
  },
  {
    // `schedule.receivers`: a JSON list as the API has it; NULL: none.
    from: 6,
    sql: `
CREATE TABLE receiver (
  report TEXT NOT NULL,
  person TEXT NOT NULL COLLATE NOCASE,
  must TEXT NOT NULL,
  done_ms INTEGER,
  PRIMARY KEY (report, person)
);
CREATE INDEX receiver_todo ON receiver (person) WHERE done_ms IS NULL;
ALTER TABLE schedule ADD COLUMN receivers TEXT;
PRAGMA user_version = 7;`,
  },
];

export type StateDb = Database.Database;

/** Opens the file, making it when there is none, readable by its owner alone. Throws a UserError. */
export function openState(path: string): StateDb {
  let db: StateDb | undefined;
  try {
    const isNew = path === ':memory:' || !existsSync(path);
    db = new Database(path);
    if (path !== ':memory:') chmodSync(path, 0o600);
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    if (isNew) db.transaction((file: StateDb) => file.exec(SCHEMA))(db);
    if (db.pragma('application_id', { simple: true }) !== APPLICATION_ID) throw new Error('no console state');
    db.transaction(upgrade)(db);
    const version = db.pragma('user_version', { simple: true });
    if (version !== STATE_VERSION) throw new Error(`version ${version}, this program writes ${STATE_VERSION}`);
    return db;
  } catch (error) {
    db?.close();
    throw new UserError(`${path}: cannot be used for the console's state (${(error as Error).message})`);
  }
}

/** A file of an earlier version becomes one of this; a later one stays as it is. */
function upgrade(db: StateDb): void {
  for (const { from, sql } of UPGRADES) if (db.pragma('user_version', { simple: true }) === from) db.exec(sql);
}

/** A secret for a cookie, token or link: 256 random bits. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** A key of 128 random bits, in hexadecimal. */
export function newKey(): string {
  return randomBytes(16).toString('hex');
}

/** What is kept of a secret. It has 256 random bits, so a plain hash cannot be turned back. */
export function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

export function newId(): string {
  return randomBytes(9).toString('base64url');
}

export function isoOf(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
