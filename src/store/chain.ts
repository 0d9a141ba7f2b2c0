/**
 * The hash chain of a store. Every row that is written goes into it, in order: the row of a session, shape or verdict
 * when the first record that refers to it comes, then the record. Rows form blocks; the digest of a block is
 * SHA-256(digest of the block before, bytes of the rows), across segments too. Digests are kept in table `chain` under
 * the `seq` of the block's last record, the last one of a sealed segment also in the catalog. Each record carries a
 * CRC-32 besides, not as protection but to name the record when a block does not hold.
 */
import { createHash } from 'node:crypto';
import { ByteWriter } from './bytes.ts';
import { crc32 } from './crc32.ts';

export type SqlValue = string | number | Uint8Array | null;

export const TABLES = ['session', 'shape', 'verdict'] as const;
export type SmallTable = (typeof TABLES)[number];

/** What the first block of a store follows. */
export const CHAIN_START: Uint8Array = new Uint8Array(32);

/** A block ends at a commit, or when it has this many records or bytes. */
const BLOCK_RECORDS = 256;
const BLOCK_BYTES = 1024 * 1024;

const TAG_RECORD = 0xff;
const VALUE_NULL = 0;
const VALUE_NUMBER = 1;
const VALUE_TEXT = 2;
const VALUE_BYTES = 3;

export class Chain {
  /** Digest of the last complete block. */
  digest: Uint8Array;
  /** Records since then. */
  records = 0;
  private readonly out = new ByteWriter(64 * 1024);

  constructor(digest: Uint8Array) {
    this.digest = digest;
  }

  /** A new row of a small table: its number and its other columns in order. */
  addRow(table: SmallTable, row: number, values: readonly SqlValue[]): void {
    this.out.u8(TABLES.indexOf(table));
    this.out.varint(row);
    this.addValues(values);
  }

  /** A record's columns, `seq` first, without the check sum, which this gives. */
  addRecord(values: readonly SqlValue[]): number {
    const start = this.out.pos;
    this.out.u8(TAG_RECORD);
    this.addValues(values);
    this.records++;
    return crc32(this.out.bytes, start, this.out.pos);
  }

  /** Whether the block has reached its size. */
  get full(): boolean {
    return this.records >= BLOCK_RECORDS || this.out.pos >= BLOCK_BYTES;
  }

  /** Ends the block and gives its digest. */
  close(): Uint8Array {
    const hash = createHash('sha256').update(this.digest).update(this.out.bytes.subarray(0, this.out.pos));
    this.digest = hash.digest();
    this.out.pos = 0;
    this.records = 0;
    return this.digest;
  }

  private addValues(values: readonly SqlValue[]): void {
    const out = this.out;
    for (const value of values) {
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
  }
}
