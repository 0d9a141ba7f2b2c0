/**
 * The dictionary of a segment's index: keys in order, each with the rows it is in, in blocks of some four thousand
 * bytes that are read one at a time, with a directory of the blocks. One key is found by reading one block; the keys
 * with a prefix lie side by side.
 *
 *   directory  varint blocks; per block: varint bytes, u32 CRC-32 of the block, varint bytes of its first key, that key;
 *              then u32 CRC-32 of all before
 *   block      per key: varint bytes shared with the key before (0 for the first), varint further bytes, those bytes,
 *              varint rows, the first row and then the differences as varints
 */
import { crc32 } from 'node:zlib';
import type { Cursor } from '../../base/cursor.ts';
import { ByteWriter, cursorOver, readVarint } from './bytes.ts';
import { KEY_FIELDS, type KeyField, type KeyRows } from './keys.ts';

const BLOCK_BYTES = 4096;
const CRC_BYTES = 4;

export interface EncodedTable {
  readonly directory: Buffer;
  readonly blocks: Buffer;
}

/** `keys`: in order of their bytes, no two the same. */
export function encodeKeyTable(keys: readonly KeyRows[]): EncodedTable {
  const blocks = new ByteWriter(BLOCK_BYTES * 16);
  const entries = new ByteWriter(4096);
  let count = 0;
  let start = 0;
  let first: Uint8Array | undefined;
  let previous = NO_BYTES;
  const endBlock = (): void => {
    if (first === undefined) return;
    const bytes = blocks.pos - start;
    entries.varint(bytes);
    entries.ensure(CRC_BYTES);
    entries.pos = entries.bytes.writeUInt32LE(crc32(blocks.bytes.subarray(start, blocks.pos)), entries.pos);
    entries.varint(first.length);
    entries.raw(first, 0, first.length);
    count++;
    start = blocks.pos;
    first = undefined;
    previous = NO_BYTES;
  };
  for (const { key, rows } of keys) {
    first ??= key;
    writeKey(blocks, previous, key, rows);
    previous = key;
    if (blocks.pos - start >= BLOCK_BYTES) endBlock();
  }
  endBlock();
  return { directory: directoryOf(count, entries), blocks: blocks.bytes.subarray(0, blocks.pos) };
}

const NO_BYTES: Uint8Array = new Uint8Array(0);

function directoryOf(count: number, entries: ByteWriter): Buffer {
  const out = new ByteWriter(entries.pos + 16);
  out.varint(count);
  out.raw(entries.bytes, 0, entries.pos);
  out.ensure(CRC_BYTES);
  out.pos = out.bytes.writeUInt32LE(crc32(out.bytes.subarray(0, out.pos)), out.pos);
  return out.bytes.subarray(0, out.pos);
}

function writeKey(out: ByteWriter, previous: Uint8Array, key: Uint8Array, rows: readonly number[]): void {
  const shared = sharedBytes(previous, key);
  out.varint(shared);
  out.varint(key.length - shared);
  out.raw(key, shared, key.length);
  out.varint(rows.length);
  let before = 0;
  for (const row of rows) {
    out.varint(row - before);
    before = row;
  }
}

function sharedBytes(a: Uint8Array, b: Uint8Array): number {
  const most = Math.min(a.length, b.length);
  let shared = 0;
  while (shared < most && a[shared] === b[shared]) shared++;
  return shared;
}

interface Block {
  readonly offset: number;
  readonly bytes: number;
  readonly crc: number;
  readonly first: Uint8Array;
}

/** Bytes of the blocks, put into a buffer that is long enough; throws when they are not there. */
export type BlockRead = (offset: number, bytes: number, into?: Buffer) => Buffer;

/** Most blocks fit. Used again by every look for one key: it holds nothing between two. */
const BLOCK = Buffer.allocUnsafeSlow(BLOCK_BYTES * 2);

/** A dictionary opened for reading. */
export class KeyTable {
  private readonly blocks: readonly Block[];
  private readonly readBlock: BlockRead;
  private readonly rowMax: number;
  private readonly damaged: () => Error;

  /** `damaged` makes what is thrown when bytes are not as they were written. No row is above `rowMax`. */
  constructor(directory: Buffer, readBlock: BlockRead, rowMax: number, damaged: () => Error) {
    this.readBlock = readBlock;
    this.rowMax = rowMax;
    this.damaged = damaged;
    const blocks = readDirectory(directory);
    if (blocks === undefined) throw damaged();
    this.blocks = blocks;
  }

  /** Rows of a key; none when it is not there. */
  rows(key: Uint8Array): number[] {
    const block = this.blocks[this.blockOf(key)];
    if (block === undefined) return [];
    const cursor = cursorOver(this.load(block, BLOCK));
    let found: number[] = [];
    // How many bytes the key and the one just read have in common tells, with what that one shares with the next,
    // whether the next can be the key: most keys are passed without looking at them.
    let common = 0;
    while (cursor.remaining() > 0) {
      const shared = readVarint(cursor);
      const further = readVarint(cursor);
      const start = cursor.pos;
      if (!cursor.skip(further)) throw this.damaged();
      if (shared < common) return found;
      if (shared === common) {
        while (common < key.length && common - shared < further) {
          if (cursor.bytes[start + common - shared] !== key[common]) break;
          common++;
        }
        const keyIsHere = common === key.length && shared + further === key.length;
        if (keyIsHere) found = this.readRows(cursor);
        if (keyIsHere || isAfter(cursor.bytes, start, shared + further, shared, key, common)) return found;
      }
      skipRows(cursor);
      if (cursor.failed) throw this.damaged();
    }
    return found;
  }

  /** Every key of the field whose value begins so, in order. */
  *startingWith(field: KeyField, prefix: string): Generator<{ value: string; rows: number[] }, void, undefined> {
    const wanted = Buffer.from(`\0${prefix}`);
    wanted[0] = KEY_FIELDS.indexOf(field);
    for (let i = Math.max(0, this.blockOf(wanted)); i < this.blocks.length; i++) {
      const block = this.blocks[i] as Block;
      if (i > 0 && Buffer.compare(block.first, wanted) > 0 && !startsWith(block.first, wanted)) return;
      for (const { key, rows } of this.entries(block)) {
        if (startsWith(key, wanted)) yield { value: key.toString('utf8', 1), rows };
        else if (Buffer.compare(key, wanted) > 0) return;
      }
    }
  }

  /** Every key, in order. */
  *keys(): Generator<Buffer, void, undefined> {
    for (const block of this.blocks) for (const { key } of this.entries(block)) yield key;
  }

  private *entries(block: Block): Generator<{ key: Buffer; rows: number[] }, void, undefined> {
    const cursor = cursorOver(this.load(block));
    let key: Buffer = Buffer.alloc(0);
    while (cursor.remaining() > 0) {
      const shared = readVarint(cursor);
      const further = readVarint(cursor);
      const start = cursor.pos;
      if (shared > key.length || !cursor.skip(further)) throw this.damaged();
      key = Buffer.concat([key.subarray(0, shared), cursor.bytes.subarray(start, start + further)]);
      yield { key, rows: this.readRows(cursor) };
    }
  }

  /** Index of the last block whose first key is not after this one; -1 when there is none. */
  private blockOf(key: Uint8Array): number {
    let low = -1;
    for (let high = this.blocks.length - 1; low < high; ) {
      const middle = Math.ceil((low + high) / 2);
      if (Buffer.compare((this.blocks[middle] as Block).first, key) <= 0) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  private load({ offset, bytes, crc }: Block, into?: Buffer): Buffer {
    const block = this.readBlock(offset, bytes, into);
    if (crc32(block) !== crc) throw this.damaged();
    return block;
  }

  private readRows(cursor: Cursor): number[] {
    const count = readVarint(cursor);
    if (count > cursor.remaining()) throw this.damaged();
    const rows: number[] = [];
    let row = 0;
    for (let i = 0; i < count; i++) {
      row += readVarint(cursor);
      rows.push(row);
    }
    if (cursor.failed || row > this.rowMax) throw this.damaged();
    return rows;
  }
}

function readDirectory(bytes: Buffer): Block[] | undefined {
  const end = bytes.length - CRC_BYTES;
  if (end < 1 || crc32(bytes.subarray(0, end)) !== bytes.readUInt32LE(end)) return undefined;
  const cursor = cursorOver(bytes.subarray(0, end));
  const count = readVarint(cursor);
  const blocks: Block[] = [];
  let offset = 0;
  for (let i = 0; i < count && !cursor.failed; i++) {
    const length = readVarint(cursor);
    const crc = cursor.i32le() >>> 0;
    const keyBytes = readVarint(cursor);
    const start = cursor.pos;
    cursor.skip(keyBytes);
    blocks.push({ offset, bytes: length, crc, first: bytes.subarray(start, start + keyBytes) });
    offset += length;
  }
  return cursor.failed ? undefined : blocks;
}

/** Most of what is read of a block is skipped: the last byte of each number tells where it ends. */
function skipRows(cursor: Cursor): void {
  let left = readVarint(cursor);
  const { bytes, end } = cursor;
  let pos = cursor.pos;
  for (; left > 0 && pos < end; pos++) if ((bytes[pos] as number) < 0x80) left--;
  cursor.pos = pos;
  if (left > 0) cursor.fail();
}

/** Whether a key read (its bytes from `shared` on at `start`) is after the wanted one, which shares `common` with it. */
function isAfter(
  bytes: Uint8Array,
  start: number,
  length: number,
  shared: number,
  wanted: Uint8Array,
  common: number,
): boolean {
  if (common === wanted.length) return length > common;
  return common < length && (bytes[start + common - shared] as number) > (wanted[common] as number);
}

function startsWith(key: Uint8Array, prefix: Uint8Array): boolean {
  return key.length >= prefix.length && Buffer.compare(key.subarray(0, prefix.length), prefix) === 0;
}
