/** One segment, read: rows of its tables back into audit records, exactly as they were written. */
import type Database from 'better-sqlite3';
import { decodeText, toHex } from '../../base/text.ts';
import { AuditRecord, type PolicyMatch, type RecordKind } from '../../contracts/record.ts';
import { StoreError } from '../errors.ts';
import type { Condition, Need } from '../search/compile.ts';
import { parseList, registerFunctions } from '../search/functions.ts';
import type { Order, RecordPlace } from '../search/order.ts';
import type { ClassCache } from '../totals/classes.ts';
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

interface RecordRow extends RecordPlace {
  readonly id: Uint8Array | string;
  readonly session_row: number;
  readonly shape_row: number;
  readonly verdict_row: number | null;
  readonly duration_us: number | null;
  readonly returned_rows: number | null;
  readonly affected_rows: number | null;
  readonly marks: number;
  readonly error_code: string | null;
  readonly end_user: string | null;
  readonly body: Uint8Array;
}

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

export type SessionRow = Readonly<Record<string, string | number | null>>;

const DIRECTION: Readonly<Record<Order, string>> = { newest: 'DESC', oldest: 'ASC' };

/** Statements kept for the next query. */
const STATEMENTS_MAX = 8;
/** Rows of the small tables kept at hand. */
const CACHED_ROWS_MAX = 4096;

export class SegmentReader {
  readonly path: string;
  readonly facts: OpenSegmentFacts;
  readonly firstSeq: number;
  private readonly db: Database.Database;
  private readonly classes: ClassCache | undefined;
  private readonly timeBySeq: Database.Statement<[number], number>;
  private readonly recordBySeq: Database.Statement<[number], RecordRow>;
  private readonly sessions: RowCache<SessionRow>;
  private readonly shapes: RowCache<ShapeRow>;
  private readonly verdicts: RowCache<VerdictRow>;
  private readonly scratch = new ByteWriter(4096);
  private readonly statements = new Map<string, Database.Statement<unknown[]>>();
  private readonly rowMaxima: Partial<Record<Dimension, number>> = {};
  private lookup: Lookup | undefined = undefined;

  /** `classes`: what is known of small tables, to be used and added to. Throws what SQLite throws. */
  constructor(path: string, classes?: ClassCache) {
    this.path = path;
    this.classes = classes;
    this.db = openForReading(path);
    try {
      checkVersion(this.db, path);
      // One snapshot for all that follows, also while the segment is being written.
      this.db.exec('BEGIN');
      this.facts = this.readFacts();
      this.firstSeq = this.numbers('SELECT min(seq) FROM record', [])[0] ?? 0;
      this.timeBySeq = this.db.prepare<[number], number>('SELECT time_us FROM record WHERE seq = ?').pluck();
      this.shapes = new RowCache(this.db, 'shape');
      registerFunctions(this.db, (row) => this.referenceOf(row));
      this.recordBySeq = this.db.prepare('SELECT * FROM record WHERE seq = ?');
      this.sessions = new RowCache(this.db, 'session');
      this.verdicts = new RowCache(this.db, 'verdict');
    } catch (error) {
      this.db.close();
      throw error;
    }
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

  /** Rows of a small table that meet the need, ascending. */
  rowsOf({ dimension, sql, values, tests }: Need): number[] {
    if (tests !== undefined && this.classes?.isWorth(this, tests) === true) return this.classes.rows(this, tests);
    return this.numbers(`SELECT ${dimension}_row FROM ${dimension} WHERE ${sql} ORDER BY ${dimension}_row`, values);
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
    const row = this.recordBySeq.get(seq);
    const session = row && this.session(row.session_row);
    const shape = row && this.shape(row.shape_row);
    if (row === undefined || session === undefined || shape === undefined) throw this.damaged(seq);
    const record = new AuditRecord();
    record.id = typeof row.id === 'string' ? row.id : toHex(row.id, 0, row.id.length);
    record.timeUs = row.time_us;
    record.durationUs = row.duration_us ?? undefined;
    record.returnedRows = row.returned_rows ?? undefined;
    record.affectedRows = row.affected_rows ?? undefined;
    record.marks = row.marks;
    record.errorCode = row.error_code ?? undefined;
    record.endUser = row.end_user ?? undefined;
    fillSession(record, session);
    fillShape(record, shape);
    if (row.verdict_row !== null) {
      record.policy = parseList(this.verdict(row.verdict_row)?.policy) as PolicyMatch[];
    }
    const cursor = cursorOver(row.body);
    const text = readTextForm(cursor, shape.reference ?? undefined, this.scratch);
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
    const timeUs = this.timeBySeq.get(seq);
    if (timeUs === undefined) throw this.damaged(seq);
    return timeUs;
  }

  /** For SQL functions, which may not use the connection that calls them. */
  private referenceOf(shapeRow: number): Uint8Array | undefined {
    if (this.lookup === undefined) {
      const db = openForReading(this.path);
      this.lookup = { db, shapes: new RowCache(db, 'shape') };
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
  private readonly select: Database.Statement<[number], T>;
  private readonly rows = new Map<number, T>();

  constructor(db: Database.Database, table: 'session' | 'shape' | 'verdict') {
    this.select = db.prepare(`SELECT * FROM ${table} WHERE ${table}_row = ?`);
  }

  get(row: number): T | undefined {
    const cached = this.rows.get(row);
    if (cached !== undefined) return cached;
    const found = this.select.get(row);
    if (found === undefined) return undefined;
    if (this.rows.size >= CACHED_ROWS_MAX) this.rows.clear();
    this.rows.set(row, found);
    return found;
  }
}

const SESSION_TEXT_COLUMNS = SESSION_TEXTS.map((field) => ({ field, column: columnOf(field) }));
const SESSION_NUMBER_COLUMNS = SESSION_NUMBERS.map((field) => ({ field, column: columnOf(field) }));

function fillSession(record: AuditRecord, row: SessionRow): void {
  for (const { field, column } of SESSION_TEXT_COLUMNS) {
    const value = row[column];
    if (typeof value === 'string') record[field] = value;
  }
  for (const { field, column } of SESSION_NUMBER_COLUMNS) {
    const value = row[column];
    if (typeof value === 'number') record[field] = value;
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
