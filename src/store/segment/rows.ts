/** One segment, read: rows of its tables back into audit records, exactly as they were written. */
import type Database from 'better-sqlite3';
import { decodeText, toHex } from '../../base/text.ts';
import { AuditRecord, type PolicyMatch, type RecordKind } from '../../contracts/record.ts';
import { StoreError } from '../errors.ts';
import type { Condition, Need } from '../search/compile.ts';
import { parseList, registerFunctions } from '../search/functions.ts';
import type { Order, RecordPlace } from '../search/order.ts';
import type { ClassCache } from '../totals/groups.ts';
import { readRest, SESSION_NUMBERS, SESSION_TEXTS } from '../write/codec.ts';
import { ByteWriter, cursorOver } from './bytes.ts';
import { readTextForm } from './delta.ts';
import { openForReading } from './open.ts';
import type { Dimension } from './postings.ts';
import { columnOf } from './schema.ts';
import { checkVersion, type OpenSegmentFacts } from './segment.ts';

interface MetaRow {
  readonly rows: number;
  readonly time_min_us: number | null;
  readonly time_max_us: number | null;
  readonly disorder_us: number;
}

/** A row of `record` as far as it is read back. Arrays take SQLite half the time of objects. */
type RecordRow = readonly [
  timeUs: number,
  id: Uint8Array | string,
  sessionRow: number,
  shapeRow: number,
  verdictRow: number | null,
  durationUs: number | null,
  returnedRows: number | null,
  affectedRows: number | null,
  marks: number,
  errorCode: string | null,
  endUser: string | null,
  body: Uint8Array,
];

const RECORD_SQL = `SELECT time_us, id, session_row, shape_row, verdict_row, duration_us, returned_rows, affected_rows,
  marks, error_code, end_user, body FROM record WHERE seq = ?`;

export interface ShapeRow {
  readonly kind: RecordKind;
  readonly call: string | null;
  readonly operation: string | null;
  readonly operations: string | null;
  readonly objects: string | null;
  readonly procedure: string | null;
  readonly summary: string | null;
  readonly fingerprint: string | null;
  readonly reference: Uint8Array | null;
}

export interface VerdictRow {
  readonly severity: number;
  readonly policy: string;
}

/** What a record says of its session, in the order of `SESSION_FIELDS`. */
export type SessionRow = readonly (string | number | null)[];

const SESSION_FIELDS = [...SESSION_TEXTS, ...SESSION_NUMBERS];

const DIRECTION: Readonly<Record<Order, string>> = { newest: 'DESC', oldest: 'ASC' };

/** Statements kept for the next query. */
const STATEMENTS_MAX = 8;
/** Rows of the small tables kept at hand. */
const CACHED_ROWS_MAX = 4096;
/** Used again by every call: it holds nothing between two. */
const SCRATCH = new ByteWriter(4096);

export class SegmentReader {
  readonly path: string;
  readonly facts: OpenSegmentFacts;
  private readonly db: Database.Database;
  private readonly classes: ClassCache | undefined;
  private readonly sessions: RowCache<SessionRow>;
  private readonly shapes: RowCache<ShapeRow>;
  private readonly verdicts: RowCache<VerdictRow>;
  private readonly statements = new Map<string, Database.Statement<unknown[]>>();
  private readonly rowMaxima: Partial<Record<Dimension, number>> = {};
  private first: number | undefined = undefined;
  private timeBySeq: Database.Statement<[number], number> | undefined = undefined;
  private recordBySeq: Database.Statement<[number], RecordRow> | undefined = undefined;
  private lookup: Lookup | undefined = undefined;

  /**
   * What is not needed by every search is prepared when it is first asked for: a search for a rare value opens many
   * segments for a record of each. `classes`: what is known of small tables, to be used and added to. Throws what
   * SQLite throws.
   */
  constructor(path: string, classes?: ClassCache) {
    this.path = path;
    this.classes = classes;
    this.db = openForReading(path);
    try {
      checkVersion(this.db, path);
      // One snapshot for all that follows, also while the segment is being written.
      this.db.exec('BEGIN');
      this.facts = this.readFacts();
    } catch (error) {
      this.db.close();
      throw error;
    }
    this.shapes = new RowCache(this.db, SHAPE_SQL);
    this.sessions = new RowCache(this.db, SESSION_SQL, true);
    this.verdicts = new RowCache(this.db, 'SELECT * FROM verdict WHERE verdict_row = ?');
    registerFunctions(this.db, (row) => this.referenceOf(row));
  }

  /** Sequence number of the first record; 0 where there is none. */
  get firstSeq(): number {
    this.first ??= this.numbers('SELECT min(seq) FROM record', [])[0] ?? 0;
    return this.first;
  }

  /** The records from `seqMin` to `seqMax` that meet the condition, by `seq`. */
  scan(condition: Condition, seqMin: number, seqMax: number, order: Order): IterableIterator<RecordPlace> {
    const sql = `SELECT r.seq, r.time_us FROM record r
      WHERE r.seq BETWEEN ? AND ? AND ${condition.sql} ORDER BY r.seq ${DIRECTION[order]}`;
    return this.rows<RecordPlace>(sql, [seqMin, seqMax, ...condition.values]);
  }

  /** As `scan`, of the given records only. */
  among(
    seqs: readonly number[],
    condition: Condition,
    seqMin: number,
    seqMax: number,
    order: Order,
  ): IterableIterator<RecordPlace> {
    const sql = `SELECT r.seq, r.time_us FROM record r WHERE r.seq IN (SELECT value FROM json_each(?))
      AND r.seq BETWEEN ? AND ? AND ${condition.sql} ORDER BY r.seq ${DIRECTION[order]}`;
    return this.rows<RecordPlace>(sql, [JSON.stringify(seqs), seqMin, seqMax, ...condition.values]);
  }

  /**
   * As `among`, for the condition that every record meets: each is looked up when its turn comes. `indexes`: sequence
   * numbers less `firstSeq`, ascending.
   */
  *places(
    indexes: Uint32Array,
    firstSeq: number,
    seqMin: number,
    seqMax: number,
    order: Order,
  ): Generator<RecordPlace, void, undefined> {
    const last = indexes.length - 1;
    for (let i = 0; i <= last; i++) {
      const seq = firstSeq + (indexes[order === 'newest' ? last - i : i] as number);
      const timeUs = seq < seqMin || seq > seqMax ? undefined : this.timeOf(seq);
      if (timeUs !== undefined) yield { seq, time_us: timeUs };
    }
  }

  count(condition: Condition, seqMin: number, seqMax: number): number {
    const sql = `SELECT count(*) FROM record r WHERE r.seq BETWEEN ? AND ? AND ${condition.sql}`;
    return this.numbers(sql, [seqMin, seqMax, ...condition.values])[0] ?? 0;
  }

  /** First column of a query's rows. */
  numbers(sql: string, values: readonly unknown[]): number[] {
    return this.column<number>(sql, values);
  }

  /** The same, of any kind. */
  column<T>(sql: string, values: readonly unknown[]): T[] {
    return this.db
      .prepare<unknown[], T>(sql)
      .pluck()
      .all(...values);
  }

  /** Any rows of the segment's tables as arrays, streamed. */
  tuples<T>(sql: string, values: readonly unknown[]): IterableIterator<T> {
    return this.db
      .prepare<unknown[], T>(sql)
      .raw()
      .iterate(...values);
  }

  /** Rows of a small table that meet the need, ascending. `passed`: those that pass its tests, where they are known. */
  rowsOf({ dimension, sql, values, tests, testsPassMore }: Need, passed?: readonly number[]): number[] {
    let known = passed;
    if (known === undefined && tests !== undefined && this.classes?.isWorth(this, tests) === true) {
      const rows = this.classes.rows(this, tests);
      if (testsPassMore !== true) return rows;
      known = rows;
    }
    const row = `${dimension}_row`;
    const among = known === undefined ? '' : `${row} IN (SELECT value FROM json_each(?)) AND `;
    const asked = known === undefined ? values : [JSON.stringify(known), ...values];
    return this.numbers(`SELECT ${row} FROM ${dimension} WHERE ${among}(${sql}) ORDER BY ${row}`, asked);
  }

  /** Highest row of a small table; 0 when it is empty. */
  rowMax(dimension: Dimension): number {
    const known = this.rowMaxima[dimension];
    if (known !== undefined) return known;
    const [rowMax = 0] = this.numbers(`SELECT coalesce(max(${dimension}_row), 0) FROM ${dimension}`, []);
    this.rowMaxima[dimension] = rowMax;
    return rowMax;
  }

  /** Sequence numbers beyond which no record can lie in `[fromUs, toUs)`: two binary searches, allowing for disorder. */
  seqRange(fromUs: number | undefined, toUs: number | undefined): { seqMin: number; seqMax: number } {
    const last = this.firstSeq + this.facts.rows - 1;
    let seqMin = this.firstSeq;
    let seqMax = last;
    if (fromUs !== undefined) {
      for (let high = last + 1; seqMin < high; ) {
        const middle = Math.floor((seqMin + high) / 2);
        if (this.timeAt(middle) + this.facts.disorderUs < fromUs) seqMin = middle + 1;
        else high = middle;
      }
    }
    if (toUs !== undefined) {
      for (let low = seqMin - 1; low < seqMax; ) {
        const middle = Math.ceil((low + seqMax) / 2);
        if (this.timeAt(middle) - this.facts.disorderUs >= toUs) seqMax = middle - 1;
        else low = middle;
      }
    }
    return { seqMin, seqMax };
  }

  /** Any rows of the segment's tables, streamed. */
  rows<T>(sql: string, values: readonly unknown[]): IterableIterator<T> {
    return this.statement(sql).iterate(...values) as IterableIterator<T>;
  }

  /** A statement that is not in use, prepared now or before. */
  private statement(sql: string): Database.Statement<unknown[]> {
    const known = this.statements.get(sql);
    if (known !== undefined && !known.busy) return known;
    const statement = this.db.prepare<unknown[]>(sql);
    if (this.statements.size >= STATEMENTS_MAX) this.statements.clear();
    this.statements.set(sql, statement);
    return statement;
  }

  session(row: number): SessionRow | undefined {
    return this.sessions.get(row);
  }

  shape(row: number): ShapeRow | undefined {
    return this.shapes.get(row);
  }

  verdict(row: number): VerdictRow | undefined {
    return this.verdicts.get(row);
  }

  /** The record with that sequence number. Throws `StoreError` (`damaged`) when it cannot be put together. */
  record(seq: number): AuditRecord {
    this.recordBySeq ??= this.db.prepare<[number], RecordRow>(RECORD_SQL).raw();
    const row = this.recordBySeq.get(seq);
    const session = row && this.session(row[2]);
    const shape = row && this.shape(row[3]);
    if (row === undefined || session === undefined || shape === undefined) throw this.damaged(seq);
    const [timeUs, id, , , verdict, duration, returned, affected, marks, errorCode, endUser, body] = row;
    const record = new AuditRecord();
    record.id = typeof id === 'string' ? id : toHex(id, 0, id.length);
    record.timeUs = timeUs;
    record.durationUs = duration ?? undefined;
    record.returnedRows = returned ?? undefined;
    record.affectedRows = affected ?? undefined;
    record.marks = marks;
    record.errorCode = errorCode ?? undefined;
    record.endUser = endUser ?? undefined;
    fillSession(record, session);
    fillShape(record, shape);
    if (verdict !== null) record.policy = parseList(this.verdict(verdict)?.policy) as PolicyMatch[];
    const cursor = cursorOver(body);
    const text = readTextForm(cursor, shape.reference ?? undefined, SCRATCH);
    if (text !== undefined) record.text = decodeText(text, 0, text.length, 'utf8');
    readRest(cursor, record);
    if (cursor.failed) throw this.damaged(seq);
    return record;
  }

  close(): void {
    this.lookup?.db.close();
    this.db.close();
  }

  private readFacts(): OpenSegmentFacts {
    const row = this.db.prepare<[], MetaRow>('SELECT * FROM meta').get();
    if (row === undefined) throw new StoreError('damaged', `${this.path}: the file is damaged`);
    const { rows, time_min_us, time_max_us, disorder_us } = row;
    return { rows, timeMinUs: time_min_us ?? undefined, timeMaxUs: time_max_us ?? undefined, disorderUs: disorder_us };
  }

  private timeAt(seq: number): number {
    const timeUs = this.timeOf(seq);
    if (timeUs === undefined) throw this.damaged(seq);
    return timeUs;
  }

  private timeOf(seq: number): number | undefined {
    this.timeBySeq ??= this.db.prepare<[number], number>('SELECT time_us FROM record WHERE seq = ?').pluck();
    return this.timeBySeq.get(seq);
  }

  /** For SQL functions, which may not use the connection that calls them. */
  private referenceOf(shapeRow: number): Uint8Array | undefined {
    if (this.lookup === undefined) {
      const db = openForReading(this.path);
      this.lookup = { db, shapes: new RowCache(db, SHAPE_SQL) };
    }
    return this.lookup.shapes.get(shapeRow)?.reference ?? undefined;
  }

  private damaged(seq: number): StoreError {
    return new StoreError('damaged', `${this.path}: record ${seq} is damaged`);
  }
}

/** A second connection to the segment. */
interface Lookup {
  readonly db: Database.Database;
  readonly shapes: RowCache<ShapeRow>;
}

/** Rows of a small table by number, the latest few kept. */
class RowCache<T> {
  private readonly db: Database.Database;
  private readonly sql: string;
  private readonly isRaw: boolean;
  private readonly rows = new Map<number, T>();
  private select: Database.Statement<[number], T> | undefined = undefined;

  /** `sql`: gives the row of a number, as an array where `isRaw`. */
  constructor(db: Database.Database, sql: string, isRaw = false) {
    this.db = db;
    this.sql = sql;
    this.isRaw = isRaw;
  }

  get(row: number): T | undefined {
    const cached = this.rows.get(row);
    if (cached !== undefined) return cached;
    this.select ??= this.db.prepare<[number], T>(this.sql).raw(this.isRaw);
    const found = this.select.get(row);
    if (found === undefined) return undefined;
    if (this.rows.size >= CACHED_ROWS_MAX) this.rows.clear();
    this.rows.set(row, found);
    return found;
  }
}

const SHAPE_SQL = 'SELECT * FROM shape WHERE shape_row = ?';
const SESSION_SQL = `SELECT ${SESSION_FIELDS.map(columnOf).join(', ')} FROM session WHERE session_row = ?`;

function fillSession(record: AuditRecord, row: SessionRow): void {
  const texts = SESSION_TEXTS.length;
  for (let i = 0; i < texts; i++) {
    const value = row[i];
    if (typeof value === 'string') record[SESSION_TEXTS[i] as (typeof SESSION_TEXTS)[number]] = value;
  }
  for (let i = 0; i < SESSION_NUMBERS.length; i++) {
    const value = row[texts + i];
    if (typeof value === 'number') record[SESSION_NUMBERS[i] as (typeof SESSION_NUMBERS)[number]] = value;
  }
}

function fillShape(record: AuditRecord, row: ShapeRow): void {
  record.kind = row.kind;
  record.call = row.call ?? undefined;
  record.operation = row.operation ?? undefined;
  record.procedure = row.procedure ?? undefined;
  record.summary = row.summary ?? undefined;
  record.fingerprint = row.fingerprint ?? undefined;
  if (row.operations !== null) record.operations = parseList(row.operations) as string[];
  if (row.objects !== null) record.objects = parseList(row.objects) as string[];
}
