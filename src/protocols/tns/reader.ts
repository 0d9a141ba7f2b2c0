/**
 * TTC integers, pointers and counted bytes in the dialects that are seen on the wire.
 *
 * U: integers as a length byte and that many big-endian bytes. F: fixed integers; pointers of one, four or eight
 * bytes. N, spoken where both ends have the same platform, writes composite values as C structs behind a byte 01;
 * some native clients also align the pointers among a call's arguments. F and N come in both byte orders.
 */
import { Cursor } from '../../base/cursor.ts';

/** One of the constants below, plus `BIG_ENDIAN` for the fixed dialects of such machines. */
export type Dialect = number;
export const DIALECT_UNKNOWN = 0;
export const DIALECT_U = 1;
export const DIALECT_F1 = 2;
export const DIALECT_F8 = 3;
/** 64-bit, arguments packed. */
export const DIALECT_N = 4;
export const DIALECT_F4 = 5;
/** 32-bit. */
export const DIALECT_N4 = 6;
/** 64-bit, arguments aligned. */
export const DIALECT_NA = 7;
/** Added to a fixed dialect. */
export const BIG_ENDIAN = 8;

/** A dialect without its byte order. */
export function baseDialect(dialect: Dialect): Dialect {
  return dialect & 7;
}

/** Whether composite values are C structs. */
export function isNative(dialect: Dialect): boolean {
  const base = baseDialect(dialect);
  return base === DIALECT_N || base === DIALECT_N4 || base === DIALECT_NA;
}

/** Bytes of a pointer. */
function pointerBytes(dialect: Dialect): 1 | 4 | 8 {
  const base = baseDialect(dialect);
  if (base === DIALECT_F4 || base === DIALECT_N4) return 4;
  return base === DIALECT_F8 || base === DIALECT_N || base === DIALECT_NA ? 8 : 1;
}

const CLR_ESCAPE = 0xfd;
const CLR_CHUNKED = 0xfe;
const CLR_NULL = 0xff;
const CHUNKS_MAX = 65_536;
const NONE = new Uint8Array(0);

export class TtcReader extends Cursor {
  /** Chunk lengths of long values are integers, not bytes; both sides must have agreed. */
  bigChunks = false;
  /** The bytes ended before the message did; `failed` without it means that they contradict each other. */
  starved = false;
  private spoken: Dialect = DIALECT_U;
  private universal = true;
  private bigEndian = false;
  private pointerSize = 1;
  private aligned = false;
  private native = false;
  /** Where a call's arguments begin: alignment counts from there. */
  private origin = 0;

  get dialect(): Dialect {
    return this.spoken;
  }

  set dialect(dialect: Dialect) {
    this.spoken = dialect;
    this.universal = dialect === DIALECT_U;
    this.bigEndian = (dialect & BIG_ENDIAN) !== 0;
    this.pointerSize = pointerBytes(dialect);
    this.aligned = baseDialect(dialect) === DIALECT_NA;
    this.native = isNative(dialect);
  }

  override reset(bytes: Uint8Array, start: number, end: number): this {
    this.starved = false;
    this.origin = start;
    return super.reset(bytes, start, end);
  }

  /** Goes back to where reading was sound, to try another reading; alignment stays. */
  resume(bytes: Uint8Array, pos: number, end: number): void {
    this.bytes = bytes;
    this.pos = pos;
    this.end = end;
    this.failed = false;
    this.starved = false;
  }

  override skip(count: number): boolean {
    if (count > this.end - this.pos) this.starved = true;
    return super.skip(count);
  }

  /** A call's arguments begin here. */
  beginArguments(): void {
    this.origin = this.pos;
  }

  /** An integer: variable in U, of `fixedBytes` elsewhere. Beyond 2^53 it is not exact. */
  ub(fixedBytes: 1 | 2 | 4 | 8): number {
    if (this.universal) return this.variable();
    switch (fixedBytes) {
      case 1:
        return this.u8();
      case 2:
        return this.bigEndian ? this.u16be() : this.u16le();
      case 4:
        return this.bigEndian ? this.u32be() : this.u32le();
      default:
        return this.u64();
    }
  }

  private u64(): number {
    const first = this.ub(4);
    const second = this.ub(4);
    return this.bigEndian ? first * 2 ** 32 + second : second * 2 ** 32 + first;
  }

  /** A variable integer: length byte (sign in bit 7), then at most eight bytes. Beyond 2^53 it is not exact. */
  variable(): number {
    const head = this.u8();
    const length = head & 0x7f;
    if (length > 8) {
      this.fail();
      return 0;
    }
    let value = 0;
    for (let i = 0; i < length; i++) value = value * 256 + this.u8();
    return head & 0x80 ? -value : value;
  }

  /** A pointer: whether it points at something. Anything but the legal forms fails. */
  pointer(): boolean {
    const size = this.pointerSize;
    if (size === 1) {
      const flag = this.u8();
      if (flag > 1) this.fail();
      return flag === 1;
    }
    if (this.aligned) this.align(8);
    const start = this.pos;
    if (!this.skip(size)) return false;
    const { bytes, pos: end } = this;
    const last = this.bigEndian ? end - 1 : start;
    const filler = (bytes[this.bigEndian ? start : end - 1] as number) === 0 ? 0 : 0xff;
    for (let at = start; at < end; at++) {
      const expected = at === last && filler !== 0 ? 0xfe : filler;
      if (bytes[at] !== expected) return this.fail();
    }
    return filler !== 0;
  }

  /** A pointer of any value: native clients leave stale addresses where nothing is pointed at. */
  anyPointer(): void {
    if (this.aligned) this.align(8);
    this.skip(this.pointerSize);
  }

  /** The end of arguments whose pointers are aligned. */
  alignArguments(): void {
    if (this.aligned) this.align(8);
  }

  private align(bytes: number): void {
    const over = (this.pos - this.origin) % bytes;
    if (over !== 0) this.skip(bytes - over);
  }

  /** The end of a struct of 64-bit native clients, which a word may leave half filled. */
  pad(): void {
    if (this.native && this.pointerSize === 8) this.align(8);
  }

  /** Counted bytes; `undefined` for null. Chunks are joined into a copy, everything else is a view of the message. */
  clr(): Uint8Array | undefined {
    const length = this.u8();
    if (this.failed || length === 0 || length === CLR_NULL) return undefined;
    if (length === CLR_ESCAPE) {
      this.skip(1);
      return undefined;
    }
    if (length !== CLR_CHUNKED) return this.take(length);
    return this.chunks();
  }

  private chunks(): Uint8Array | undefined {
    const parts: Uint8Array[] = [];
    let total = 0;
    for (let i = 0; i < CHUNKS_MAX; i++) {
      const size = this.bigChunks ? this.ub(4) : this.u8();
      if (size === 0 && !this.failed) return parts.length === 1 ? parts[0] : join(parts, total);
      if (size < 0 || size > this.remaining()) {
        parts.push(this.take(this.remaining()));
        total += (parts.at(-1) as Uint8Array).length;
        this.starved = true;
        this.fail();
        return join(parts, total);
      }
      parts.push(this.take(size));
      total += size;
    }
    this.fail();
    return undefined;
  }

  take(length: number): Uint8Array {
    const start = this.pos;
    return this.skip(length) ? this.bytes.subarray(start, this.pos) : NONE;
  }

  /** A length and, unless it is zero, counted bytes. */
  dlc(): Uint8Array | undefined {
    return this.ub(4) === 0 || this.failed ? undefined : this.clr();
  }
}

function join(parts: readonly Uint8Array[], total: number): Uint8Array {
  const whole = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
