/**
 * One sealed or open segment, read: what SQL finds in its tables, and records by their numbers. A sealed segment's file
 * is read without SQLite as far as only rows by their numbers are asked for.
 */
import type Database from 'better-sqlite3';
import type { AuditRecord } from '../../contracts/record.ts';
import { StoreError } from '../errors.ts';
import type { Condition, Need } from '../search/compile.ts';
import { registerFunctions } from '../search/functions.ts';
import type { Order, RecordPlace } from '../search/order.ts';
import type { ClassCache } from '../totals/classes.ts';
import { openForReading } from './open.ts';
import type { Dimension } from './postings.ts';
import { RecordReader } from './records.ts';
import { type RowSource, SqliteRows } from './row-source.ts';
import { checkVersion, type OpenSegmentFacts } from './segment.ts';
import { TableFile } from './table-file.ts';

const DIRECTION: Readonly<Record<Order, string>> = { newest: 'DESC', oldest: 'ASC' };

/** Statements kept for the next query. */
const STATEMENTS_MAX = 8;
export class SegmentReader {
  readonly path: string;
  /** The file changes no more. */
  readonly isSealed: boolean;
  readonly facts: OpenSegmentFacts;
  private readonly classes: ClassCache | undefined;
  private readonly source: RowSource;
  private readonly records: RecordReader;
  private readonly statements = new Map<string, Database.Statement<unknown[]>>();
  private readonly rowMaxima: Partial<Record<Dimension, number>> = {};
  private connection: Database.Database | undefined = undefined;
  private first: number | undefined = undefined;
  private lookup: Lookup | undefined = undefined;

  /**
   * `classes`: what is known of small tables, to be used and added to. `isSealed`: the file changes no more. Throws what
   * SQLite and the file system throw.
   */
  constructor(path: string, classes?: ClassCache, isSealed = false) {
    this.path = path;
    this.isSealed = isSealed;
    this.classes = classes;
    this.source = (isSealed ? TableFile.open(path) : undefined) ?? new SqliteRows(this.db);
    this.records = new RecordReader(path, this.source);
    try {
      this.facts = this.readFacts();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  private get db(): Database.Database {
    this.connection ??= this.connect();
    return this.connection;
  }

  private connect(): Database.Database {
    const db = openForReading(this.path);
    try {
      checkVersion(db, this.path);
      // One snapshot for all that follows, also while the segment is being written.
      db.exec('BEGIN');
      registerFunctions(db, (row) => this.referenceOf(row));
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
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
      const timeUs = seq < seqMin || seq > seqMax ? undefined : this.records.timeOf(seq);
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

  /** The record with that sequence number. Throws `StoreError` (`damaged`) when it cannot be put together. */
  record(seq: number): AuditRecord {
    return this.records.record(seq);
  }

  close(): void {
    this.lookup?.source.close();
    this.source.close();
    this.connection?.close();
  }

  private readFacts(): OpenSegmentFacts {
    const [, rows, timeMinUs, timeMaxUs, disorderUs] = (this.source.get('meta', 1) ?? []) as Partial<MetaRow>;
    if (rows === undefined || disorderUs === undefined) {
      throw new StoreError('damaged', `${this.path}: the file is damaged`);
    }
    return { rows, timeMinUs: timeMinUs ?? undefined, timeMaxUs: timeMaxUs ?? undefined, disorderUs };
  }

  private timeAt(seq: number): number {
    const timeUs = this.records.timeOf(seq);
    if (timeUs === undefined) throw this.records.damaged(seq);
    return timeUs;
  }

  /** For SQL functions, which may not use the connection that calls them. */
  private referenceOf(shapeRow: number): Uint8Array | undefined {
    if (this.source instanceof TableFile) return this.records.referenceOf(shapeRow);
    if (this.lookup === undefined) {
      const source = new SqliteRows(openForReading(this.path));
      this.lookup = { source, records: new RecordReader(this.path, source) };
    }
    return this.lookup.records.referenceOf(shapeRow);
  }
}

/** A second connection to the segment. */
interface Lookup {
  readonly source: RowSource;
  readonly records: RecordReader;
}

/** As `ROW_COLUMNS` names them. */
type MetaRow = readonly [
  number: number,
  rows: number,
  timeMinUs: number | null,
  timeMaxUs: number | null,
  disorderUs: number,
];
