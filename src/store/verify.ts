/**
 * Proof that a store is as it was written: every row goes through the hash chain again (`chain.ts`) and must give the
 * digests that were kept. What cannot be seen from inside, a tail that was cut off together with its digests, is seen
 * against an anchor: a line printed earlier and kept elsewhere.
 */
import type { KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { Catalog, type SegmentEntry } from './catalog.ts';
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
import { StoreError, toStoreError } from './errors.ts';
import { openForReading } from './open.ts';
import { CATALOG_FILE } from './schema.ts';
import { checkVersion } from './segment.ts';
import { isSigned, type Signed } from './sign.ts';

export interface VerifyReport {
  readonly segments: number;
  readonly records: number;
  /** Records of segments that retention has removed. */
  readonly expired: number;
  readonly timeMinUs: number | undefined;
  readonly timeMaxUs: number | undefined;
  /** Number of the last record; 0 for an empty store. */
  readonly lastSeq: number;
  /** Records up to here are signed; 0 when no key was given or no segment is signed. */
  readonly signedSeq: number;
  /** Names the last record and the digest up to it; `undefined` for an empty store. */
  readonly anchor: string | undefined;
  /** The first thing wrong in each segment, in order; empty when everything holds. */
  readonly faults: readonly string[];
}

const ANCHOR = /^wiretrail-anchor-1 (\d{1,15}) ([0-9a-f]{64})$/;

/**
 * Reads the whole store once. `anchor`: a line that an earlier report gave. `key`: with it every segment that is
 * complete or was dropped must be signed. Throws `StoreError` when there is no store.
 */
export function verifyStore(directory: string, anchor?: string, key?: KeyObject): VerifyReport {
  const wanted = anchor === undefined ? undefined : parseAnchor(anchor);
  const verifier = new Verifier(directory, wanted, key);
  for (const entry of segmentsOf(directory)) verifier.segment(entry);
  return verifier.report();
}

/**
 * The anchor of the store as it is now, without reading it all; `undefined` for an empty store. Throws `StoreError`.
 */
export function anchorOf(directory: string): string | undefined {
  for (const { state, file, firstSeq, rows, chainAfter } of segmentsOf(directory).reverse()) {
    if (state === 'new') continue;
    if (chainAfter !== undefined) return anchorLine(firstSeq + rows - 1, chainAfter);
    const path = join(directory, file);
    const last = lastBlock(path);
    if (last !== undefined) return anchorLine(last.seq, last.digest);
  }
  return undefined;
}

function segmentsOf(directory: string): SegmentEntry[] {
  const path = join(directory, CATALOG_FILE);
  if (!existsSync(path)) throw new StoreError('not-a-store', `${directory}: no audit store here`);
  const catalog = Catalog.open(path, 'read');
  try {
    return catalog.segments();
  } finally {
    catalog.close();
  }
}

function lastBlock(path: string): Anchored | undefined {
  try {
    const db = openForReading(path);
    try {
      return db.prepare<[], Anchored>('SELECT seq, digest FROM chain ORDER BY seq DESC LIMIT 1').get();
    } finally {
      db.close();
    }
  } catch (error) {
    throw toStoreError(error, path);
  }
}

interface Anchored {
  readonly seq: number;
  readonly digest: Uint8Array;
}

function anchorLine(seq: number, digest: Uint8Array): string {
  return `wiretrail-anchor-1 ${seq} ${toHexText(digest)}`;
}

interface Anchor {
  readonly seq: number;
  readonly digest: string;
}

function parseAnchor(line: string): Anchor {
  const parts = ANCHOR.exec(line.trim());
  if (parts === null) throw new StoreError('usage', 'the anchor is not a line that verify printed');
  return { seq: Number(parts[1]), digest: parts[2] ?? '' };
}

/** Why a segment does not hold; never leaves this module. */
class Fault extends Error {}

class Verifier {
  private readonly directory: string;
  private readonly anchor: Anchor | undefined;
  private readonly faults: string[] = [];
  private readonly key: KeyObject | undefined;
  private anchorMet = false;
  private digest: Uint8Array = CHAIN_START;
  private lastNumber = 0;
  private lastSeq = 0;
  private segments = 0;
  private records = 0;
  private expired = 0;
  private signedSeq = 0;
  private timeMinUs = Number.POSITIVE_INFINITY;
  private timeMaxUs = Number.NEGATIVE_INFINITY;

  constructor(directory: string, anchor: Anchor | undefined, key: KeyObject | undefined) {
    this.directory = directory;
    this.anchor = anchor;
    this.key = key;
  }

  segment(entry: SegmentEntry): void {
    if (entry.state === 'new') return;
    const path = join(this.directory, entry.file);
    if (entry.number !== this.lastNumber + 1)
      this.faults.push(`${path}: the segment before it is missing from the list`);
    else if (!sameBytes(entry.chainBefore, this.digest))
      this.faults.push(`${path}: does not follow the segment before it`);
    this.lastNumber = entry.number;
    this.digest = entry.chainAfter ?? CHAIN_START;
    if (entry.state !== 'open') this.signatures(entry, path);
    if (entry.state === 'dropping' || entry.state === 'dropped') {
      this.expired += entry.rows;
      this.expiredAnchor(entry);
      return;
    }
    this.segments++;
    if (entry.state === 'damaged') {
      this.faults.push(`${path}: damaged, its records are lost`);
      return;
    }
    try {
      if (!existsSync(path)) throw new Fault('the file is missing');
      this.openSegment(entry, path);
    } catch (error) {
      this.faults.push(error instanceof Fault ? `${path}: ${error.message}` : toStoreError(error, path).message);
    }
  }

  /** What a key outside the store has signed cannot be made up by who holds the store. */
  private signatures(entry: SegmentEntry, path: string): void {
    const { key } = this;
    const { chainAfter } = entry;
    if (key === undefined) return;
    const signed = (what: Signed, signature: Uint8Array | undefined): boolean =>
      chainAfter !== undefined && isSigned(key, what, { ...entry, chainAfter }, signature);
    if (!signed('sealed', entry.signature)) {
      this.faults.push(`${path}: the segment's entry in the list is not signed by this key`);
    } else if (entry.dropSignature !== undefined || entry.state === 'dropping' || entry.state === 'dropped') {
      if (!signed('dropped', entry.dropSignature)) this.faults.push(`${path}: removed, but its expiry is not signed`);
    }
    this.signedSeq = entry.firstSeq + entry.rows - 1;
  }

  /** An anchor within an expired segment cannot be compared, except at its end; that is not a fault. */
  private expiredAnchor({ firstSeq, rows, chainAfter }: SegmentEntry): void {
    const { anchor } = this;
    if (anchor === undefined || anchor.seq < firstSeq || anchor.seq >= firstSeq + rows) return;
    const atEnd = anchor.seq === firstSeq + rows - 1 && chainAfter !== undefined;
    this.anchorMet = !atEnd || toHexText(chainAfter) === anchor.digest;
  }

  report(): VerifyReport {
    const faults = [...this.faults];
    if (this.anchor !== undefined && !this.anchorMet) {
      faults.push(
        `record ${this.anchor.seq} of the anchor is not there, or not as it was: the store was cut or rewritten`,
      );
    }
    const empty = this.records === 0;
    return {
      segments: this.segments,
      records: this.records,
      expired: this.expired,
      lastSeq: this.lastSeq,
      signedSeq: this.signedSeq,
      timeMinUs: empty ? undefined : this.timeMinUs,
      timeMaxUs: empty ? undefined : this.timeMaxUs,
      anchor: empty ? undefined : anchorLine(this.lastSeq, this.digest),
      faults,
    };
  }

  private openSegment(entry: SegmentEntry, path: string): void {
    const db = openForReading(path);
    try {
      checkVersion(db, path);
      db.exec('BEGIN');
      const check = new SegmentCheck(db, entry);
      for (const block of check.blocks()) {
        this.records += block.records;
        this.timeMinUs = Math.min(this.timeMinUs, block.timeMinUs);
        this.timeMaxUs = Math.max(this.timeMaxUs, block.timeMaxUs);
        this.lastSeq = block.seq;
        if (entry.chainAfter === undefined) this.digest = block.digest;
        if (block.seq === this.anchor?.seq) this.anchorMet = toHexText(block.digest) === this.anchor.digest;
      }
    } finally {
      db.close();
    }
  }
}

/** A block that holds. */
interface Block {
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

class SegmentCheck {
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

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function toHexText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
