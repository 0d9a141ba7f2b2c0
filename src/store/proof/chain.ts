/**
 * The hash chain of a store. Every row that is written goes into it. Rows form blocks; the digest of a block is
 *
 *   SHA-256(digest of the block before, lengths of the parts, the parts)
 *
 * across segments too. The parts of a block: the rows of sessions, shapes and verdicts that its records are the first to
 * refer to, a part for each table; the numbers of its records as text (`NUMBERS_SQL`); their other columns as bytes, one
 * after the other (`BYTES_SQL`). The last two are what SQLite itself can put together from the rows, so that `verify`
 * takes a block at a time and not a value at a time. Digests are kept in table `chain` under the `seq` of the block's
 * last record, the last one of a sealed segment also in the catalog. Each record carries a CRC-32 besides, not as
 * protection but to name the record when a block does not hold.
 */
import { createHash } from 'node:crypto';
import { ByteWriter } from '../segment/bytes.ts';
import { crc32 } from '../segment/crc32.ts';

export type SqlValue = string | number | Uint8Array | null;

export const TABLES = ['session', 'shape', 'verdict'] as const;
export type SmallTable = (typeof TABLES)[number];

/** What the first block of a store follows. */
export const CHAIN_START: Uint8Array = new Uint8Array(32);

/** A block ends at a commit, or when it has this many records or bytes. */
const BLOCK_RECORDS = 256;
const BLOCK_BYTES = 1024 * 1024;

const VALUE_NULL = 0;
const VALUE_NUMBER = 1;
const VALUE_TEXT = 2;
const VALUE_BYTES = 3;

/** A row of table `record` before its check sum, in the order of its columns. */
export type RecordTuple = readonly [
  seq: number,
  timeUs: number,
  id: Uint8Array | string,
  session: number,
  shape: number,
  verdict: number | null,
  duration: number | null,
  returned: number | null,
  affected: number | null,
  marks: number,
  errorCode: string | null,
  endUser: string | null,
  body: Uint8Array,
];

const byteLength = (column: string): string => `coalesce(length(CAST(${column} AS BLOB)), '')`;

/**
 * The numbers of a record, always fourteen, empty where there is none; those of a block are joined by semicolons. The
 * last five are the lengths of what is in its bytes, an id that is no blob with a minus sign, and the check sum.
 */
const NUMBERS = `concat_ws(',', seq, time_us, session_row, shape_row, coalesce(verdict_row, ''),
  coalesce(duration_us, ''), coalesce(returned_rows, ''), coalesce(affected_rows, ''), marks,
  ${byteLength('error_code')}, ${byteLength('end_user')},
  CASE typeof(id) WHEN 'blob' THEN length(id) ELSE -length(CAST(id AS BLOB)) END, length(body), check_sum)`;

/** Of the rows of `record` that are selected: the two parts of a block, as bytes. */
export const NUMBERS_SQL: string = `CAST(group_concat(${NUMBERS}, ';') AS BLOB)`;
export const BYTES_SQL: string = `CAST(group_concat(coalesce(error_code, '') || coalesce(end_user, '') || id || body, '') AS BLOB)`;

export class Chain {
  /** Digest of the last complete block. */
  digest: Uint8Array;
  /** Records since then. */
  records = 0;
  private readonly rows: Readonly<Record<SmallTable, ByteWriter>> = {
    session: new ByteWriter(4096),
    shape: new ByteWriter(4096),
    verdict: new ByteWriter(1024),
  };
  private readonly numbers = new ByteWriter(32 * 1024);
  private readonly bytes = new ByteWriter(64 * 1024);

  constructor(digest: Uint8Array) {
    this.digest = digest;
  }

  /** A new row of a small table: its number and its other columns in order. */
  addRow(table: SmallTable, row: number, values: readonly SqlValue[]): void {
    const out = this.rows[table];
    out.varint(row);
    for (const value of values) addValue(out, value);
  }

  /** A record, and the check sum to be kept with it. */
  addRecord(tuple: RecordTuple): number {
    const [seq, timeUs, id, session, shape, verdict, duration, returned, affected, marks, error, user, body] = tuple;
    const { numbers, bytes } = this;
    if (this.records > 0) numbers.u8(SEMICOLON);
    const start = numbers.pos;
    numbers.decimal(seq);
    addNumber(numbers, timeUs);
    addNumber(numbers, session);
    addNumber(numbers, shape);
    addNumber(numbers, verdict);
    addNumber(numbers, duration);
    addNumber(numbers, returned);
    addNumber(numbers, affected);
    addNumber(numbers, marks);
    const from = bytes.pos;
    addNumber(numbers, error === null ? null : bytes.plainText(error));
    addNumber(numbers, user === null ? null : bytes.plainText(user));
    addNumber(numbers, typeof id === 'string' ? -bytes.plainText(id) : id.length);
    addNumber(numbers, body.length);
    if (typeof id !== 'string') bytes.raw(id, 0, id.length);
    bytes.raw(body, 0, body.length);
    const checkSum = crc32(bytes.bytes, from, bytes.pos, crc32(numbers.bytes, start, numbers.pos));
    addNumber(numbers, checkSum);
    this.records++;
    return checkSum;
  }

  /** Whether the block has reached its size. */
  get full(): boolean {
    return this.records >= BLOCK_RECORDS || this.bytes.pos >= BLOCK_BYTES;
  }

  /** Ends the block of the records that were added and gives its digest. */
  close(): Uint8Array {
    const { numbers, bytes } = this;
    const digest = this.closeWith(numbers.bytes.subarray(0, numbers.pos), bytes.bytes.subarray(0, bytes.pos));
    numbers.pos = 0;
    bytes.pos = 0;
    this.records = 0;
    return digest;
  }

  /** Ends the block of the rows that were added, with records as `NUMBERS_SQL` and `BYTES_SQL` give them. */
  closeWith(numbers: Uint8Array, bytes: Uint8Array): Uint8Array {
    const parts: Uint8Array[] = TABLES.map((table) => this.rows[table].bytes.subarray(0, this.rows[table].pos));
    parts.push(numbers, bytes);
    const hash = createHash('sha256').update(this.digest);
    hash.update(`${parts.map((part) => part.length).join()};`);
    for (const part of parts) if (part.length > 0) hash.update(part);
    this.digest = hash.digest();
    for (const table of TABLES) this.rows[table].pos = 0;
    return this.digest;
  }
}

const SEMICOLON = 0x3b;
const COMMA = 0x2c;

function addNumber(out: ByteWriter, value: number | null): void {
  out.u8(COMMA);
  if (value !== null) out.decimal(value);
}

function addValue(out: ByteWriter, value: SqlValue): void {
  if (value === null) {
    out.u8(VALUE_NULL);
  } else if (typeof value === 'number') {
    out.u8(VALUE_NUMBER);
    out.number(value);
  } else if (typeof value === 'string') {
    out.u8(VALUE_TEXT);
    out.text(value);
  } else {
    out.u8(VALUE_BYTES);
    out.varint(value.length);
    out.raw(value, 0, value.length);
  }
}
