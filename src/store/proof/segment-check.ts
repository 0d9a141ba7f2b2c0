/**
 * One segment against its hash chain, a block at a time: SQLite puts the bytes of a block together, and only one that
 * does not hold is gone through record by record, to name what is wrong.
 */
import type Database from 'better-sqlite3';
import type { SegmentEntry } from '../segment/catalog.ts';
import {
  BYTES_SQL,
  CHAIN_START,
  Chain,
  NUMBERS_SQL,
  type RecordTuple,
  type SmallTable,
  type SqlValue,
  TABLES,
} from './chain.ts';

/** Why a segment does not hold. */
export class Fault extends Error {}

/** A block that holds. */
export interface Block {
  /** Its last record. */
  readonly seq: number;
  readonly digest: Uint8Array;
  readonly records: number;
  readonly timeMinUs: number;
  readonly timeMaxUs: number;
}

/** What SQLite puts together of a block's records. */
type BlockTuple = readonly [
  records: number,
  timeMinUs: number,
  timeMaxUs: number,
  session: number,
  shape: number,
  verdict: number | null,
  numbers: Uint8Array | null,
  bytes: Uint8Array | null,
];

const BLOCK_SQL = `SELECT count(*), min(time_us), max(time_us), max(session_row), max(shape_row), max(verdict_row),
  ${NUMBERS_SQL}, ${BYTES_SQL} FROM record WHERE seq BETWEEN ? AND ?`;

type Row = SqlValue[];

/** Records of a block at most, unless somebody altered the chain; a writer's blocks are smaller. */
const BLOCK_RECORDS_MAX = 65_536;

export class SegmentCheck {
  private readonly db: Database.Database;
  private readonly entry: SegmentEntry;
  private readonly chain: Chain;
  private readonly block: Database.Statement<[number, number], BlockTuple>;
  private readonly lookups: Readonly<Record<SmallTable, Database.Statement<[number], Row>>>;
  /** Rows of the small tables that were in the chain so far. */
  private readonly rows: Record<SmallTable, number> = { session: 0, shape: 0, verdict: 0 };

  constructor(db: Database.Database, entry: SegmentEntry) {
    this.db = db;
    this.entry = entry;
    this.chain = new Chain(entry.chainBefore);
    this.block = db.prepare<[number, number], BlockTuple>(BLOCK_SQL).raw();
    const lookup = (table: SmallTable): Database.Statement<[number], Row> =>
      db.prepare<[number], Row>(`SELECT * FROM ${table} WHERE ${table}_row = ?`).raw();
    this.lookups = { session: lookup('session'), shape: lookup('shape'), verdict: lookup('verdict') };
  }

  /** Throws `Fault` at the first thing wrong. */
  *blocks(): Generator<Block, void, undefined> {
    const { firstSeq } = this.entry;
    const ends = this.db.prepare<[], [seq: number, digest: Uint8Array]>('SELECT * FROM chain ORDER BY seq').raw().all();
    const [lowest, highest] = this.span();
    if (lowest < firstSeq) throw new Fault(`record ${lowest} was inserted`);
    let seq = firstSeq - 1;
    for (const [endSeq, digest] of ends) {
      const first = seq + 1;
      if (endSeq - seq > BLOCK_RECORDS_MAX) throw new Fault(`the chain of records ${first} to ${endSeq} was cut`);
      yield this.checked(first, endSeq, digest);
      seq = endSeq;
    }
    if (highest > seq) throw new Fault(`record ${seq + 1} was inserted`);
    this.end(seq);
  }

  private checked(first: number, last: number, digest: Uint8Array): Block {
    const [records, timeMinUs, timeMaxUs, session, shape, verdict, numbers, bytes] =
      this.block.get(first, last) ?? NO_BLOCK;
    const holds =
      records === last - first + 1 &&
      this.takeRows('session', session) &&
      this.takeRows('shape', shape) &&
      this.takeRows('verdict', verdict ?? 0) &&
      sameBytes(this.chain.closeWith(numbers ?? NO_BYTES, bytes ?? NO_BYTES), digest);
    if (!holds) throw this.faultIn(first, last);
    return { seq: last, digest, records, timeMinUs, timeMaxUs };
  }

  /** Rows of a small table enter the chain with the block that first refers to them. False when one is missing. */
  private takeRows(table: SmallTable, upTo: number): boolean {
    while (this.rows[table] < upTo) {
      const number = this.rows[table] + 1;
      const row = this.lookups[table].get(number);
      if (row === undefined) return false;
      this.rows[table] = number;
      this.chain.addRow(table, number, row.slice(1));
    }
    return true;
  }

  /** Goes through a block that does not hold, record by record, to name what is wrong. */
  private faultIn(first: number, last: number): Fault {
    const rows = this.db
      .prepare<[number, number], Row>('SELECT * FROM record WHERE seq BETWEEN ? AND ? ORDER BY seq')
      .raw();
    let seq = first - 1;
    for (const row of rows.iterate(first, last)) {
      const found = Number(row[0]);
      if (found > ++seq) return new Fault(`record ${seq} was removed`);
      const checkSum = row.pop();
      if (checkSumOf(row) === checkSum) continue;
      const from = writtenAs(row, checkSum);
      if (from === undefined) return new Fault(`record ${seq} was changed`);
      return new Fault(`record ${seq} was reordered: it was written as record ${from}`);
    }
    if (seq < last) return new Fault(`records ${seq + 1} to ${last} were removed`);
    return new Fault(
      `a session, statement or verdict that records ${first} to ${last} were the first to name was changed or removed, or one of them with its check sum`,
    );
  }

  /** Lowest and highest number of a record. */
  private span(): [lowest: number, highest: number] {
    // Each by itself is one look at the tree, both in one SELECT are a scan.
    const sql = 'SELECT (SELECT min(seq) FROM record), (SELECT max(seq) FROM record)';
    const row = this.db.prepare<[], [number | null, number | null]>(sql).raw().get();
    const { firstSeq } = this.entry;
    return [row?.[0] ?? firstSeq, row?.[1] ?? firstSeq - 1];
  }

  /** What was written must end where the catalog and the segment say. */
  private end(seq: number): void {
    const { entry } = this;
    if (entry.chainAfter !== undefined && !sameBytes(this.chain.digest, entry.chainAfter)) {
      throw new Fault(
        `ends with record ${seq}, ${entry.firstSeq + entry.rows - 1} in the list: records were removed or inserted`,
      );
    }
    for (const table of TABLES) {
      const count = this.db.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? 0;
      if (count !== this.rows[table]) throw new Fault(`a ${table} was inserted that no record needed`);
    }
  }
}

const NO_BYTES = new Uint8Array(0);
const NO_BLOCK: BlockTuple = [0, 0, 0, 0, 0, 0, null, null];

/** Records near which a moved one is looked for. */
const MOVED_MAX = 4096;

/** The number under which the check sum was made, when only the number of the record was changed. */
function writtenAs(row: Row, checkSum: SqlValue | undefined): number | undefined {
  const seq = Number(row[0]);
  const chain = new Chain(CHAIN_START);
  for (let distance = 1; distance <= MOVED_MAX; distance++) {
    for (const other of [seq + distance, seq - distance]) {
      if (checkSumOf([other, ...row.slice(1)], chain) === checkSum) return other;
      chain.close();
    }
  }
  return undefined;
}

/** The check sum that belongs to the columns of a record; `undefined` when they are not of the right types. */
function checkSumOf(row: Row, chain = new Chain(CHAIN_START)): number | undefined {
  return isRecord(row) ? chain.addRecord(row) : undefined;
}

function isRecord(row: Row | RecordTuple): row is RecordTuple {
  const [seq, timeUs, id, session, shape, verdict, duration, returned, affected, marks, errorCode, endUser, body] = row;
  const numbers = [seq, timeUs, session, shape, verdict ?? 0, duration ?? 0, returned ?? 0, affected ?? 0, marks];
  const texts = [errorCode ?? '', endUser ?? ''];
  return (
    numbers.every((value) => typeof value === 'number') &&
    texts.every((value) => typeof value === 'string') &&
    (typeof id === 'string' || id instanceof Uint8Array) &&
    body instanceof Uint8Array
  );
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
