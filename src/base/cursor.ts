/**
 * A bounded reader over borrowed bytes. Reads past the end return 0 or an empty string and set `failed`, which sticks:
 * a parser reads a whole message and checks once, so hostile lengths can neither throw nor reach a neighbour's bytes.
 */
import { decodeText, type TextEncodingName } from './text.ts';

export class Cursor {
  bytes: Uint8Array = EMPTY;
  pos = 0;
  end = 0;
  failed = false;

  reset(bytes: Uint8Array, start: number, end: number): this {
    this.bytes = bytes;
    this.pos = start;
    this.end = end;
    this.failed = false;
    return this;
  }

  remaining(): number {
    return this.end - this.pos;
  }

  /** True and advanced when `count` (≥ 0) bytes are there; otherwise failed, at the end. */
  skip(count: number): boolean {
    if (count >= 0 && count <= this.end - this.pos) {
      this.pos += count;
      return true;
    }
    return this.fail();
  }

  fail(): false {
    this.failed = true;
    this.pos = this.end;
    return false;
  }

  peek(): number {
    return this.pos < this.end ? (this.bytes[this.pos] as number) : -1;
  }

  u8(): number {
    const p = this.pos;
    return this.skip(1) ? (this.bytes[p] as number) : 0;
  }

  u16be(): number {
    const p = this.pos;
    return this.skip(2) ? ((this.bytes[p] as number) << 8) | (this.bytes[p + 1] as number) : 0;
  }

  u16le(): number {
    const p = this.pos;
    return this.skip(2) ? (this.bytes[p] as number) | ((this.bytes[p + 1] as number) << 8) : 0;
  }

  i16be(): number {
    return (this.u16be() << 16) >> 16;
  }

  u24le(): number {
    const p = this.pos;
    if (!this.skip(3)) return 0;
    return (this.bytes[p] as number) | ((this.bytes[p + 1] as number) << 8) | ((this.bytes[p + 2] as number) << 16);
  }

  i32be(): number {
    const p = this.pos;
    if (!this.skip(4)) return 0;
    const b = this.bytes;
    return ((b[p] as number) << 24) | ((b[p + 1] as number) << 16) | ((b[p + 2] as number) << 8) | (b[p + 3] as number);
  }

  u32be(): number {
    return this.i32be() >>> 0;
  }

  i32le(): number {
    const p = this.pos;
    if (!this.skip(4)) return 0;
    const b = this.bytes;
    return (b[p] as number) | ((b[p + 1] as number) << 8) | ((b[p + 2] as number) << 16) | ((b[p + 3] as number) << 24);
  }

  u32le(): number {
    return this.i32le() >>> 0;
  }

  u64be(): bigint {
    const high = this.u32be();
    return (BigInt(high) << 32n) | BigInt(this.u32be());
  }

  u64le(): bigint {
    const low = this.u32le();
    return (BigInt(this.u32le()) << 32n) | BigInt(low);
  }

  i64be(): bigint {
    return BigInt.asIntN(64, this.u64be());
  }

  i64le(): bigint {
    return BigInt.asIntN(64, this.u64le());
  }

  /** Text up to the next NUL, which is consumed. Fails when there is none. */
  cstring(encoding: TextEncodingName): string {
    const start = this.pos;
    const nul = indexOfByte(this.bytes, 0, start, this.end);
    if (nul < 0) {
      this.fail();
      return '';
    }
    this.pos = nul + 1;
    return decodeText(this.bytes, start, nul, encoding);
  }

  /** Text of exactly `length` bytes. */
  text(length: number, encoding: TextEncodingName): string {
    const start = this.pos;
    return this.skip(length) ? decodeText(this.bytes, start, this.pos, encoding) : '';
  }

  /** Lower-case hexadecimal of exactly `length` bytes. */
  hex(length: number): string {
    const start = this.pos;
    return this.skip(length) ? Buffer.prototype.hexSlice.call(this.bytes, start, this.pos) : '';
  }
}

/** First `value` in `bytes[start, end)`, or -1. Never looks beyond `end`. */
export function indexOfByte(bytes: Uint8Array, value: number, start: number, end: number): number {
  const near = Math.min(end, start + NEAR_BYTES);
  for (let i = start; i < near; i++) if (bytes[i] === value) return i;
  if (near === end) return -1;
  const found = bytes.subarray(near, end).indexOf(value);
  return found < 0 ? -1 : near + found;
}

/** Below this a loop beats the native search and its view object. */
const NEAR_BYTES = 256;

const EMPTY = new Uint8Array(0);
