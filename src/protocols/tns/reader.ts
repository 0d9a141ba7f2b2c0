/**
 * TTC integers, pointers and counted bytes in the four dialects that are seen on the wire.
 *
 * U: integers as a length byte and that many big-endian bytes. F1, F8, N: fixed little-endian integers; pointers of
 * one byte (F1) or eight (F8, N). N, spoken where both ends have the same platform, writes composite values as C
 * structs behind a byte 01.
 */
import { Cursor } from '../../base/cursor.ts';

export const DIALECT_UNKNOWN = 0;
export const DIALECT_U = 1;
export const DIALECT_F1 = 2;
export const DIALECT_F8 = 3;
export const DIALECT_N = 4;
export type Dialect = 0 | 1 | 2 | 3 | 4;

const CLR_ESCAPE = 0xfd;
const CLR_CHUNKED = 0xfe;
const CLR_NULL = 0xff;
const CHUNKS_MAX = 65_536;
const NONE = new Uint8Array(0);

export class TtcReader extends Cursor {
  dialect: Dialect = DIALECT_U;
  /** Chunk lengths of long values are integers, not bytes; both sides must have agreed. */
  bigChunks = false;

  universal(): boolean {
    return this.dialect === DIALECT_U;
  }

  /** A one- or two-byte integer (`fixedBytes` in fixed dialects). */
  ub(fixedBytes: 1 | 2 | 4 | 8): number {
    if (this.dialect === DIALECT_U) return this.variable();
    switch (fixedBytes) {
      case 1:
        return this.u8();
      case 2:
        return this.u16le();
      case 4:
        return this.u32le();
      default: {
        const low = this.u32le();
        return this.u32le() * 2 ** 32 + low;
      }
    }
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

  /** A pointer: whether it points at something. Anything but the two legal forms fails. */
  pointer(): boolean {
    if (this.dialect === DIALECT_U || this.dialect === DIALECT_F1) {
      const flag = this.u8();
      if (flag > 1) this.fail();
      return flag === 1;
    }
    const first = this.u8();
    const filler = first === 0 ? 0 : 0xff;
    if (first !== 0 && first !== 0xfe) this.fail();
    for (let i = 1; i < 8; i++) if (this.u8() !== filler) this.fail();
    return first !== 0;
  }

  /** Four bytes of padding, which only the native dialect has. */
  pad(): void {
    if (this.dialect === DIALECT_N) this.skip(4);
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
