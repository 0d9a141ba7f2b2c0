/**
 * Walks the values of one row without holding them: MS-TDS §2.2.7.19 (ROW), §2.2.7.15 (NBCROW), §2.2.7.2 (ALTROW). A
 * row has no length of its own, so every value is passed over by its length; the walk stops and goes on at any byte.
 */
import type { RowShape } from './shape.ts';
import { KIND_BYTE, KIND_FIXED, KIND_LONG, KIND_PLP, KIND_SHORT, KIND_TEXT } from './types.ts';

const TEXT_TIMESTAMP_BYTES = 8;

export class RowWalk {
  /** Bytes the next attempt needs at the position that `walk` returned; 0 when the row is complete. */
  need = 0;
  /** Bytes of a value that are still to come. */
  skipLeft = 0;
  /** A value whose length no row can have: nothing more can be told. */
  broken = false;
  private shape: RowShape | undefined = undefined;
  private column = 0;
  private inChunks = false;
  private hasNulls = false;
  private nulls: Uint8Array = new Uint8Array(0);

  begin(shape: RowShape): void {
    this.shape = shape;
    this.column = 0;
    this.skipLeft = 0;
    this.need = 0;
    this.inChunks = false;
    this.hasNulls = false;
    this.broken = false;
  }

  /** There is no row. */
  forget(): void {
    this.shape = undefined;
    this.skipLeft = 0;
  }

  /** Takes the bitmap of a NBCROW: a bit for each column, set where it is NULL. */
  beginWithNulls(shape: RowShape, bytes: Uint8Array, start: number, end: number): void {
    this.begin(shape);
    const size = end - start;
    if (this.nulls.length < size) this.nulls = new Uint8Array(size);
    for (let i = 0; i < size; i++) this.nulls[i] = bytes[start + i] as number;
    this.hasNulls = true;
  }

  /** Passes over `bytes[start, end)`; returns where it stopped. The row is over when `need` is 0 and `skipLeft` is 0. */
  walk(bytes: Uint8Array, start: number, end: number, bigEndian: boolean): number {
    let pos = this.takeSkipped(start, end);
    const shape = this.shape;
    if (shape === undefined || this.skipLeft > 0) return pos;
    const { kinds, sizes } = shape;
    this.need = 0;
    while (this.column < kinds.length) {
      if (this.hasNulls && !this.inChunks && this.isNull(this.column)) {
        this.column++;
        continue;
      }
      const header = this.headerBytes(kinds[this.column] as number, bytes, pos, end);
      if (header > end - pos) {
        this.need = header;
        return pos;
      }
      const size = this.valueBytes(kinds[this.column] as number, sizes[this.column] as number, bytes, pos, bigEndian);
      if (size < 0) {
        this.broken = true;
        return pos;
      }
      pos += header;
      if (!this.inChunks) this.column++;
      if (size > end - pos) {
        this.skipLeft = size - (end - pos);
        return end;
      }
      pos += size;
    }
    return pos;
  }

  get isOver(): boolean {
    return this.need === 0 && this.skipLeft === 0 && this.column >= (this.shape?.columns ?? 0);
  }

  private takeSkipped(start: number, end: number): number {
    const count = Math.min(this.skipLeft, end - start);
    this.skipLeft -= count;
    return start + count;
  }

  private isNull(column: number): boolean {
    return ((this.nulls[column >> 3] as number) & (1 << (column & 7))) !== 0;
  }

  /** Bytes before a value that tell its length. */
  private headerBytes(kind: number, bytes: Uint8Array, pos: number, end: number): number {
    switch (kind) {
      case KIND_FIXED:
        return 0;
      case KIND_BYTE:
        return 1;
      case KIND_SHORT:
        return 2;
      case KIND_LONG:
        return 4;
      case KIND_TEXT: {
        if (pos >= end) return 1;
        const pointer = bytes[pos] as number;
        return pointer === 0 ? 1 : 1 + pointer + TEXT_TIMESTAMP_BYTES + 4;
      }
      default:
        return this.inChunks ? 4 : 8;
    }
  }

  /** Bytes of the value whose header stands at `pos`; -1 when there can be none. Goes in and out of PLP chunks. */
  private valueBytes(kind: number, size: number, bytes: Uint8Array, pos: number, bigEndian: boolean): number {
    switch (kind) {
      case KIND_FIXED:
        return size;
      case KIND_BYTE:
        return bytes[pos] as number;
      case KIND_SHORT: {
        const length = (bytes[pos] as number) | ((bytes[pos + 1] as number) << 8);
        return length === 0xffff ? 0 : length;
      }
      case KIND_LONG:
        return positive(u32(bytes, pos, bigEndian));
      case KIND_TEXT: {
        const pointer = bytes[pos] as number;
        return pointer === 0 ? 0 : positive(u32(bytes, pos + 1 + pointer + TEXT_TIMESTAMP_BYTES, bigEndian));
      }
      case KIND_PLP:
        return this.chunk(bytes, pos);
      default:
        return -1;
    }
  }

  private chunk(bytes: Uint8Array, pos: number): number {
    if (!this.inChunks) {
      this.inChunks = u32(bytes, pos, false) !== 0xffffffff || u32(bytes, pos + 4, false) !== 0xffffffff;
      return 0;
    }
    const length = u32(bytes, pos, false);
    if (length === 0) this.inChunks = false;
    return positive(length);
  }
}

/** No value is longer than 2^31 - 1 bytes. */
function positive(length: number): number {
  return length > 0x7fffffff ? -1 : length;
}

function u32(bytes: Uint8Array, at: number, bigEndian: boolean): number {
  const b0 = bytes[at] as number;
  const b1 = bytes[at + 1] as number;
  const b2 = bytes[at + 2] as number;
  const b3 = bytes[at + 3] as number;
  return (bigEndian ? (b0 << 24) | (b1 << 16) | (b2 << 8) | b3 : b0 | (b1 << 8) | (b2 << 16) | (b3 << 24)) >>> 0;
}
