/**
 * The segment being written: one SQLite file in WAL mode, rows appended in big transactions, facts that repeat
 * written once. Once it is complete, the sealer (`seal.ts`) folds the log into the file, which then never changes.
 */
import { existsSync, rmSync, statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { AuditRecord, severityRank } from '../../contracts/record.ts';
import { StoreError, toStoreError } from '../errors.ts';
import { Chain, type RecordTuple, type SqlValue } from '../proof/chain.ts';
import { type BatchRow, ID_BYTES } from '../write/batch.ts';
import { readSession, readShape, readVerdict, SESSION_NUMBERS, SESSION_TEXTS } from '../write/codec.ts';
import { ByteWriter, cursorOver } from './bytes.ts';
import type { ColumnRow } from './column-builder.ts';
import { COLUMN_SQL, ColumnLog, type ColumnTuple } from './column-file.ts';
import { columnsPath } from './columns.ts';
import { DELTA_BYTES_MAX, writeTextForm } from './delta.ts';
import { BoundedDictionary } from './dictionary.ts';
import { APPLICATION_ID, columnOf, SCHEMA_VERSION, SEGMENT_SQL } from './schema.ts';

/** `audit`: what is acknowledged survives a power cut. `fast`: it survives the end of the process, not of the machine. */
export type Durability = 'audit' | 'fast';

export interface SegmentFacts {
  rows: number;
  timeMinUs: number | undefined;
  timeMaxUs: number | undefined;
}

export interface OpenSegmentFacts extends SegmentFacts {
  /** The most by which a record is older than one that arrived before it. */
  disorderUs: number;
}

const PAGE_BYTES = 8192;
/** The log is folded into the file when it has this many pages: 64 MiB. */
const CHECKPOINT_PAGES = 8192;
const DICTIONARY_BYTES_MAX = 32 * 1024 * 1024;
const BODY_BYTES = 64 * 1024;
/** Rows of `record` written by one statement: a third cheaper a row than one by one. */
const GROUP_ROWS = 16;
const RECORD_COLUMNS = 14;

interface ShapeRow {
  readonly row: number;
  readonly reference: Uint8Array | undefined;
}

interface MetaRow {
  readonly rows: number;
  readonly time_min_us: number | null;
  readonly time_max_us: number | null;
  readonly disorder_us: number;
}

export class SegmentWriter {
  readonly path: string;
  readonly facts: OpenSegmentFacts;
  /** Digest of the hash chain where the segment begins. */
  readonly chainBefore: Uint8Array;
  private readonly db: Database.Database;
  private readonly insertRecord: Database.Statement;
  private readonly insertGroup: Database.Statement;
  private readonly insertSession: Database.Statement;
  private readonly insertShape: Database.Statement;
  private readonly insertVerdict: Database.Statement;
  private readonly updateMeta: Database.Statement;
  private readonly begin: Database.Statement;
  private readonly commitStatement: Database.Statement;
  private readonly sessions = new BoundedDictionary<number>(DICTIONARY_BYTES_MAX);
  private readonly shapes = new BoundedDictionary<ShapeRow>(DICTIONARY_BYTES_MAX);
  private readonly verdicts = new BoundedDictionary<number>(DICTIONARY_BYTES_MAX);
  /** Bodies of the rows in `group`. */
  private readonly body = new ByteWriter(BODY_BYTES);
  /** Rows to be written together, their columns one after the other; of a row that was taken back what it held stays. */
  private readonly group: SqlValue[] = Array.from({ length: GROUP_ROWS * RECORD_COLUMNS }, () => null);
  private groupRows = 0;
  /** Room for the ids of the rows in `group`, made once: a view takes longer to make than to fill. */
  private readonly ids: readonly Buffer[] = Array.from({ length: GROUP_ROWS }, () => Buffer.alloc(ID_BYTES));
  private readonly scratch = new AuditRecord();
  private readonly insertChain: Database.Statement;
  private readonly chain: Chain;
  /** `undefined` when there are too few, or they could not be written: they are made from rows when it is sealed. */
  private columns: ColumnLog | undefined;
  private lastSeq = 0;
  private inTransaction = false;

  private constructor(
    path: string,
    db: Database.Database,
    facts: OpenSegmentFacts,
    chainBefore: Uint8Array,
    chain: Chain,
  ) {
    this.path = path;
    this.db = db;
    this.facts = facts;
    this.chainBefore = chainBefore;
    this.chain = chain;
    this.columns = facts.rows === 0 ? newColumns(path) : resumedColumns(db, path, facts.rows);
    const row = `(${marksOf(RECORD_COLUMNS)})`;
    this.insertRecord = db.prepare(`INSERT INTO record VALUES ${row}`);
    this.insertGroup = db.prepare(
      `INSERT INTO record VALUES ${Array.from({ length: GROUP_ROWS }, () => row).join(', ')}`,
    );
    const sessionColumns = [...SESSION_TEXTS, ...SESSION_NUMBERS].map(columnOf);
    this.insertSession = db.prepare(
      `INSERT INTO session (${sessionColumns.join(', ')}) VALUES (${marksOf(sessionColumns.length)})`,
    );
    this.insertShape = db.prepare(
      `INSERT INTO shape (kind, call, operation, operations, objects, procedure, summary, fingerprint, reference)
       VALUES (${marksOf(9)})`,
    );
    this.insertVerdict = db.prepare('INSERT INTO verdict (severity, policy) VALUES (?, ?)');
    this.insertChain = db.prepare('INSERT INTO chain VALUES (?, ?)');
    this.updateMeta = db.prepare('UPDATE meta SET rows = ?, time_min_us = ?, time_max_us = ?, disorder_us = ?');
    this.begin = db.prepare('BEGIN IMMEDIATE');
    this.commitStatement = db.prepare('COMMIT');
  }

  /**
   * Makes the file, or continues one that an earlier process left. `chainBefore`: digest of the hash chain where the
   * segment begins. Throws `StoreError`.
   */
  static open(path: string, number: number, durability: Durability, chainBefore: Uint8Array): SegmentWriter {
    let db: Database.Database | undefined;
    try {
      db = new Database(path);
      db.pragma(`page_size = ${PAGE_BYTES}`);
      db.pragma('journal_mode = WAL');
      db.pragma(`synchronous = ${durability === 'audit' ? 'FULL' : 'NORMAL'}`);
      db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
      db.pragma('cache_size = -32768');
      createSchema(db, number, path);
      const meta = db.prepare<[], MetaRow>('SELECT * FROM meta').get();
      if (meta === undefined) throw new StoreError('damaged', `${path}: the file is damaged`);
      const facts = {
        rows: meta.rows,
        timeMinUs: meta.time_min_us ?? undefined,
        timeMaxUs: meta.time_max_us ?? undefined,
        disorderUs: meta.disorder_us,
      };
      const last = db.prepare<[], Uint8Array>('SELECT digest FROM chain ORDER BY seq DESC LIMIT 1').pluck().get();
      return new SegmentWriter(path, db, facts, chainBefore, new Chain(last ?? chainBefore));
    } catch (error) {
      db?.close();
      throw toStoreError(error, path);
    }
  }

  /** Row of packed session facts, written now if it is new. */
  sessionRow(bytes: Buffer): number {
    const key = bytes.toString('latin1');
    const known = this.sessions.get(key);
    if (known !== undefined) return known;
    this.beginOnce();
    const facts = this.scratch;
    readSession(cursorOver(bytes), facts);
    const values = [...SESSION_TEXTS, ...SESSION_NUMBERS].map((field) => facts[field] ?? null);
    const row = Number(this.insertSession.run(values).lastInsertRowid);
    this.chain.addRow('session', row, values);
    this.sessions.set(key, row, 0);
    return row;
  }

  /** Row of a packed shape. When it is new, the text of `first`, a row of `batch`, becomes its reference. */
  shapeRow(bytes: Buffer, batch: Buffer, first: BatchRow): ShapeRow {
    const key = bytes.toString('latin1');
    const known = this.shapes.get(key);
    if (known !== undefined) return known;
    this.beginOnce();
    const facts = this.scratch;
    readShape(cursorOver(bytes), facts);
    const hasReference = first.textStart >= 0 && first.textEnd - first.textStart <= DELTA_BYTES_MAX;
    const reference = hasReference ? Buffer.from(batch.subarray(first.textStart, first.textEnd)) : undefined;
    const { kind, call, operation, operations, objects, procedure, summary, fingerprint } = facts;
    const texts = [kind, call, operation, listText(operations), listText(objects), procedure, summary, fingerprint];
    const values = [...texts.map((value) => value ?? null), reference ?? null];
    const row = Number(this.insertShape.run(values).lastInsertRowid);
    this.chain.addRow('shape', row, values);
    const shape = { row, reference };
    this.shapes.set(key, shape, reference?.length ?? 0);
    return shape;
  }

  verdictRow(bytes: Buffer): number {
    const key = bytes.toString('latin1');
    const known = this.verdicts.get(key);
    if (known !== undefined) return known;
    this.beginOnce();
    const policy = readVerdict(cursorOver(bytes));
    const severity = Math.max(-1, ...policy.map((match) => severityRank(match.severity)));
    const values = [severity, JSON.stringify(policy)];
    const row = Number(this.insertVerdict.run(values).lastInsertRowid);
    this.chain.addRow('verdict', row, values);
    this.verdicts.set(key, row, 0);
    return row;
  }

  append(
    seq: number,
    bytes: Buffer,
    row: BatchRow,
    sessionRow: number,
    shape: ShapeRow,
    verdictRow: number | null,
  ): void {
    this.beginOnce();
    const body = this.body;
    const bodyStart = body.pos;
    writeTextForm(body, shape.reference, bytes, row.textStart, row.textEnd);
    body.raw(bytes, row.restStart, row.restEnd);
    const values: RecordTuple = [
      seq,
      row.timeUs,
      row.idStart < 0 ? row.idText : this.idOf(bytes, row.idStart),
      sessionRow,
      shape.row,
      verdictRow,
      exactNumber(row.durationUs),
      exactNumber(row.returnedRows),
      exactNumber(row.affectedRows),
      row.marks,
      row.errorCode ?? null,
      row.endUser ?? null,
      body.bytes.subarray(bodyStart, body.pos),
    ];
    this.addToGroup(values, this.chain.addRecord(values));
    this.columns?.add(seq, columnRow(values));
    this.lastSeq = seq;
    if (this.chain.full) this.closeBlock();
    const facts = this.facts;
    facts.rows++;
    if (facts.timeMinUs === undefined || row.timeUs < facts.timeMinUs) facts.timeMinUs = row.timeUs;
    if (facts.timeMaxUs === undefined || row.timeUs > facts.timeMaxUs) facts.timeMaxUs = row.timeUs;
    else if (facts.timeMaxUs - row.timeUs > facts.disorderUs) facts.disorderUs = facts.timeMaxUs - row.timeUs;
  }

  /** Everything appended so far is on disk when this returns. */
  commit(): void {
    if (!this.inTransaction) return;
    for (let row = 0; row < this.groupRows; row++) {
      const at = row * RECORD_COLUMNS;
      this.insertRecord.run(...this.group.slice(at, at + RECORD_COLUMNS));
    }
    this.clearGroup();
    if (this.chain.records > 0) this.closeBlock();
    const { rows, timeMinUs, timeMaxUs, disorderUs } = this.facts;
    this.updateMeta.run(rows, timeMinUs ?? null, timeMaxUs ?? null, disorderUs);
    this.commitStatement.run();
    this.inTransaction = false;
    this.commitColumns(false);
  }

  /** No more records will come; all are committed. */
  complete(): void {
    this.commitColumns(true);
  }

  /** The records are stored by now. What is only derived from them must not make it look otherwise. */
  private commitColumns(last: boolean): void {
    try {
      this.columns?.commit(this.lastSeq, last);
    } catch {
      this.columns = undefined;
    }
  }

  /** Columns of its records are written beside it while it grows. */
  get hasColumns(): boolean {
    return this.columns !== undefined;
  }

  /** Commits and closes; the segment can be continued. */
  close(): void {
    this.commit();
    leaveWal(this.db);
    this.db.close();
  }

  /** Closes without a commit, after an error. What was committed before stays. */
  abandon(): void {
    this.db.close();
  }

  /** Size on disk, the log included. */
  bytesOnDisk(): number {
    return sizeOf(this.path) + sizeOf(`${this.path}-wal`);
  }

  /** Digest of the hash chain up to the last commit. */
  get chainDigest(): Uint8Array {
    return this.chain.digest;
  }

  private idOf(bytes: Uint8Array, start: number): Buffer {
    const id = this.ids[this.groupRows] as Buffer;
    for (let i = 0; i < ID_BYTES; i++) id[i] = bytes[start + i] as number;
    return id;
  }

  private addToGroup(values: RecordTuple, checkSum: number): void {
    const { group } = this;
    let at = this.groupRows * RECORD_COLUMNS;
    for (const value of values) group[at++] = value;
    group[at] = checkSum;
    this.groupRows++;
    if (this.groupRows < GROUP_ROWS) return;
    // As arguments of their own: the addon asks the engine for each element of an array.
    this.insertGroup.run(...group);
    this.clearGroup();
  }

  private clearGroup(): void {
    this.groupRows = 0;
    this.body.pos = 0;
  }

  private closeBlock(): void {
    this.insertChain.run(this.lastSeq, this.chain.close());
  }

  private beginOnce(): void {
    if (this.inTransaction) return;
    this.begin.run();
    this.inTransaction = true;
  }
}

function newColumns(path: string): ColumnLog {
  rmSync(columnsPath(path), { force: true });
  return new ColumnLog(path);
}

function resumedColumns(db: Database.Database, path: string, rows: number): ColumnLog | undefined {
  const firstSeq = db.prepare<[], number | null>('SELECT min(seq) FROM record').pluck().get() ?? 0;
  const select = db.prepare<[number, number], ColumnTuple>(`${COLUMN_SQL} WHERE seq BETWEEN ? AND ? ORDER BY seq`);
  return ColumnLog.resume(path, firstSeq, firstSeq + rows - 1, (first, last) => select.raw().iterate(first, last));
}

function columnRow(tuple: RecordTuple): ColumnRow {
  const [, timeUs, id, session, shape, verdict, duration, returned, affected, marks, errorCode] = tuple;
  return { timeUs, session, shape, verdict, errorCode, marks, id, duration, returned, affected };
}

/** What SQLite and the hash chain write the same way: counts are whole numbers by contract. */
function exactNumber(value: number | undefined): number | null {
  if (value === undefined || Number.isSafeInteger(value)) return value ?? null;
  return Number.isNaN(value)
    ? null
    : Math.round(Math.max(-Number.MAX_SAFE_INTEGER, Math.min(value, Number.MAX_SAFE_INTEGER)));
}

/** A file in WAL mode can only be opened where its log can be made; at rest it should open on read-only media. */
export function leaveWal(db: Database.Database): void {
  try {
    db.pragma('journal_mode = DELETE');
  } catch {
    // SQLITE_BUSY: somebody is reading. The file stays in WAL mode, which harms nothing where it can be written.
  }
}

export function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}

function createSchema(db: Database.Database, number: number, path: string): void {
  if (db.pragma('user_version', { simple: true }) === 0) {
    db.transaction(() => {
      db.exec(SEGMENT_SQL);
      db.prepare('INSERT INTO meta (number, rows, disorder_us) VALUES (?, 0, 0)').run(number);
    })();
  }
  checkVersion(db, path);
}

/** Refuses files that are not ours or come from a later version. */
export function checkVersion(db: Database.Database, path: string): void {
  if (db.pragma('application_id', { simple: true }) !== APPLICATION_ID) {
    throw new StoreError('not-a-store', `${path}: not a file of an audit store`);
  }
  const version = db.pragma('user_version', { simple: true });
  if (version !== SCHEMA_VERSION) {
    throw new StoreError('not-a-store', `${path}: store version ${version}, this program reads ${SCHEMA_VERSION}`);
  }
}

function listText(list: readonly string[] | undefined): string | undefined {
  return list === undefined ? undefined : JSON.stringify(list);
}

function marksOf(count: number): string {
  return Array.from({ length: count }, () => '?').join(', ');
}
