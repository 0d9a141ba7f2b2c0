/**
 * The filters (`filter.ts`) of a store's sealed segments, in one file (`segments/filters.db`), so that a search for a
 * rare value opens only the segments that may hold it: reading all filters of a big store is cheaper than opening a few
 * of its segments. Made of a segment's keys when it is sealed, never the only place of anything: a filter that is
 * missing excludes nothing, one that is damaged is reported and not believed, and both are made again.
 */
import { existsSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import Database from 'better-sqlite3';
import { StoreError, toStoreError } from '../errors.ts';
import type { CompiledQuery } from '../search/compile.ts';
import { hashKey, isFilter, type KeyHash, mayHold } from './filter.ts';
import { keyBytes } from './keys.ts';
import { openForReading } from './open.ts';

export const FILTERS_FILE = 'filters.db';

/** `PRAGMA application_id`: "WTF1". `user_version`: changes with the filter and with what is a key. */
const APPLICATION_ID = 0x57544631;
const VERSION = 1;
/** A filter of some ten thousand keys lies on two or three pages. */
const PAGE_BYTES = 16_384;
/** Filters that a reader keeps in memory. */
const KEPT_BYTES_MAX = 64 * 1024 * 1024;

const FILTERS_SQL = `
CREATE TABLE filter (first_seq INTEGER PRIMARY KEY, file TEXT, rows INTEGER, crc INTEGER, bits BLOB);
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${VERSION};
`;

/** A sealed segment. */
export interface FilteredSegment {
  readonly path: string;
  readonly firstSeq: number;
  readonly rows: number;
}

interface FilterRow {
  readonly file: string;
  readonly first_seq: number;
  readonly rows: number;
  readonly crc: number;
  readonly bits: Buffer;
}

/** Where the filter of a segment is. */
function filtersPath(segmentPath: string): string {
  return join(dirname(segmentPath), FILTERS_FILE);
}

/** Puts the filter of a segment into the file; takes out those of segments that are gone. Throws `StoreError`. */
export function writeFilter({ path, firstSeq, rows }: FilteredSegment, bits: Buffer): void {
  const file = filtersPath(path);
  try {
    const db = openForWriting(file);
    try {
      db.transaction(() => {
        const names = db.prepare<[], string>('SELECT file FROM filter').pluck().all();
        const remove = db.prepare('DELETE FROM filter WHERE file = ?');
        for (const name of names) if (!existsSync(join(dirname(path), name))) remove.run(name);
        const insert = db.prepare('INSERT OR REPLACE INTO filter VALUES (?, ?, ?, ?, ?)');
        insert.run(firstSeq, basename(path), rows, checkSum(firstSeq, rows, bits), bits);
      })();
    } finally {
      db.close();
    }
  } catch (error) {
    throw toStoreError(error, file);
  }
}

/** A file that cannot be used is begun anew. */
function openForWriting(file: string): Database.Database {
  if (existsSync(file) && !isUsable(file)) {
    for (const each of [file, `${file}-journal`]) rmSync(each, { force: true });
  }
  const db = new Database(file);
  try {
    db.pragma(`page_size = ${PAGE_BYTES}`);
    db.transaction(() => {
      if (db.pragma('user_version', { simple: true }) === 0) db.exec(FILTERS_SQL);
    })();
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function isUsable(file: string): boolean {
  let db: Database.Database | undefined;
  try {
    db = openForReading(file);
    return isOurs(db) && db.pragma('quick_check(1)', { simple: true }) === 'ok';
  } catch (error) {
    return toStoreError(error, file).code !== 'damaged';
  } finally {
    db?.close();
  }
}

function isOurs(db: Database.Database): boolean {
  return (
    db.pragma('application_id', { simple: true }) === APPLICATION_ID &&
    db.pragma('user_version', { simple: true }) === VERSION
  );
}

function checkSum(firstSeq: number, rows: number, bits: Uint8Array): number {
  const head = Buffer.alloc(16);
  head.writeDoubleLE(firstSeq, 0);
  head.writeDoubleLE(rows, 8);
  return crc32(bits, crc32(head));
}

/** For each term of a query that names its values one by one: hashes of the keys, one of which a record must have. */
export type FilterQuestion = readonly (readonly KeyHash[])[];

export function filterQuestion({ terms }: CompiledQuery): FilterQuestion {
  return terms.flatMap(({ need }) => {
    const tests = need?.tests ?? [];
    const keys = tests.flatMap((test) => test.keys ?? []);
    const named = tests.length > 0 && tests.every((test) => test.keys !== undefined);
    return named ? [keys.map((key) => hashKey(keyBytes(key)))] : [];
  });
}

/** The filters of a store, for one reader: read as they are needed, and kept. */
export class SegmentFilters {
  private readonly file: string;
  private readonly report: (line: string) => void;
  private db: Database.Database | undefined = undefined;
  private select: Database.Statement<[number], FilterRow> | undefined = undefined;
  private readonly kept = new Map<number, FilterRow>();
  private keptBytes = 0;
  private distrusted = false;

  /** `folder`: of the segments. */
  constructor(folder: string, report: (line: string) => void) {
    this.file = join(folder, FILTERS_FILE);
    this.report = report;
  }

  /** Whether the filter says that no record of the segment can meet the query. */
  excludes(segment: FilteredSegment, question: FilterQuestion): boolean {
    if (question.length === 0) return false;
    const bits = this.bitsOf(segment);
    return bits !== undefined && question.some((hashes) => !hashes.some((hash) => mayHold(bits, hash)));
  }

  /** Whether the filter allows that the segment has the key. */
  mayHold(segment: FilteredSegment, key: Uint8Array): boolean {
    const bits = this.bitsOf(segment);
    return bits === undefined || mayHold(bits, hashKey(key));
  }

  close(): void {
    this.db?.close();
    this.db = undefined;
    this.select = undefined;
  }

  /** `undefined` where there is none to be believed. */
  bitsOf({ firstSeq, rows }: FilteredSegment): Buffer | undefined {
    const known = this.kept.get(firstSeq) ?? this.read(firstSeq);
    return known?.rows === rows ? known.bits : undefined;
  }

  private read(firstSeq: number): FilterRow | undefined {
    if (this.distrusted) return undefined;
    try {
      this.select ??= this.open();
      const row = this.select?.get(firstSeq);
      if (row === undefined) return undefined;
      if (row.crc !== checkSum(row.first_seq, row.rows, row.bits) || !isFilter(row.bits)) throw this.damaged();
      if (this.keptBytes + row.bits.length > KEPT_BYTES_MAX) {
        this.kept.clear();
        this.keptBytes = 0;
      }
      this.kept.set(firstSeq, row);
      this.keptBytes += row.bits.length;
      return row;
    } catch (error) {
      const reason = toStoreError(error, this.file);
      if (reason.code === 'damaged') {
        this.distrusted = true;
        this.close();
        this.report(`${reason.message}; no segment was left out because of it`);
      }
      return undefined;
    }
  }

  private open(): Database.Statement<[number], FilterRow> | undefined {
    if (!existsSync(this.file)) return undefined;
    this.db = openForReading(this.file);
    if (!isOurs(this.db)) throw this.damaged();
    return this.db.prepare('SELECT * FROM filter WHERE first_seq = ?');
  }

  private damaged(): StoreError {
    return new StoreError('damaged', `${this.file}: the filters are damaged`);
  }
}

/** The filter of a segment as it is in the file; `undefined` without one to be believed. */
export function readFilter({ path, firstSeq, rows }: FilteredSegment): Buffer | undefined {
  const filters = new SegmentFilters(dirname(path), () => undefined);
  try {
    return filters.bitsOf({ path, firstSeq, rows });
  } finally {
    filters.close();
  }
}

/** Names of the segment files that have a filter to be believed. */
export function filteredFiles(folder: string): ReadonlySet<string> {
  const file = join(folder, FILTERS_FILE);
  const names = new Set<string>();
  if (!existsSync(file)) return names;
  let db: Database.Database | undefined;
  try {
    db = openForReading(file);
    if (!isOurs(db)) return names;
    const rows = db.prepare<[], FilterRow>('SELECT * FROM filter');
    for (const row of rows.iterate()) {
      if (isFilter(row.bits) && row.crc === checkSum(row.first_seq, row.rows, row.bits)) names.add(row.file);
    }
  } catch {
    // Damaged: those read so far are whole, the others are made again.
  } finally {
    db?.close();
  }
  return names;
}
