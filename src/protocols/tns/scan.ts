/**
 * The SQL text in a call whose fields are not understood: counted bytes, or an announced number of bytes, that begin
 * with a word of SQL and are text to their end. For calls of clients before version 8, and layouts nobody has seen.
 */

const SCAN_BYTES_MAX = 4096;
const CHUNKED = 0xfe;
const INLINE_MAX = 252;
const TEXT_BYTES_MIN = 6;
const WORD =
  /^[\s(]*(?:select|insert|update|delete|merge|begin|declare|call|with|create|alter|drop|truncate|grant|revoke|comment|rename|lock|commit|rollback|savepoint|set|explain|analyze|audit|noaudit|purge|flashback|\/\*|--|<<)/i;
const WORD_BYTES = 40;
/** Steps of a search: where hostile bytes make a candidate of every place, it is given up. */
const STEPS_MIN = 256 * 1024;
const STEPS_PER_BYTE = 8;

/** The text without NULs at its end; `undefined` when there is none, or none that can be delimited. */
export function findSql(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  return new Search(bytes, start, end).find();
}

class Search {
  private readonly bytes: Uint8Array;
  private readonly start: number;
  private readonly end: number;
  private stepsLeft: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.stepsLeft = STEPS_MIN + STEPS_PER_BYTE * (end - start);
  }

  find(): Uint8Array | undefined {
    const limit = Math.min(this.end, this.start + SCAN_BYTES_MAX);
    for (let at = this.start; at + TEXT_BYTES_MIN < limit && this.stepsLeft > 0; at++) {
      const found = this.counted(at) ?? this.chunked(at);
      if (found !== undefined) return found;
    }
    for (let at = this.start; at + TEXT_BYTES_MIN < limit && this.stepsLeft > 0; at++) {
      const found = this.announced(at);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  private counted(at: number): Uint8Array | undefined {
    const length = this.bytes[at] as number;
    if (length < TEXT_BYTES_MIN || length > INLINE_MAX || at + 1 + length > this.end) return undefined;
    if (this.goesOn(at + 1 + length)) return undefined;
    return this.textOf(this.bytes, at + 1, at + 1 + length);
  }

  /** Chunks of at most 252 bytes each, up to an empty one. */
  private chunked(at: number): Uint8Array | undefined {
    const { bytes, end } = this;
    if (bytes[at] !== CHUNKED || !this.beginsLikeSql(bytes, at + 2, end)) return undefined;
    const parts: Uint8Array[] = [];
    for (let pos = at + 1; pos < end && this.stepsLeft > 0; ) {
      const length = bytes[pos] as number;
      if (length === 0) {
        const whole = Buffer.concat(parts);
        return this.textOf(whole, 0, whole.length);
      }
      if (length > INLINE_MAX || pos + 1 + length > end) return undefined;
      this.stepsLeft -= CHUNK_STEPS;
      parts.push(bytes.subarray(pos + 1, pos + 1 + length));
      pos += 1 + length;
    }
    return undefined;
  }

  /** Raw bytes at `at` whose number stands somewhere before them, in any form; the largest such number counts. */
  private announced(at: number): Uint8Array | undefined {
    const { bytes, start, end } = this;
    if (!this.beginsLikeSql(bytes, at, end)) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let longest: Uint8Array | undefined;
    for (let pos = start; pos + 2 <= at && this.stepsLeft > 0; pos++) {
      this.stepsLeft -= 3;
      longest = this.longer(at, variable(bytes, pos, at), longest);
      if (pos + 4 > at) continue;
      longest = this.longer(at, view.getUint32(pos, true), longest);
      longest = this.longer(at, view.getUint32(pos, false), longest);
    }
    return longest;
  }

  /** The text of `length` bytes at `at`, if it is one and longer than `than`. */
  private longer(at: number, length: number, than: Uint8Array | undefined): Uint8Array | undefined {
    if (length < TEXT_BYTES_MIN || length > this.end - at || length <= (than?.length ?? 0)) return than;
    if (this.goesOn(at + length)) return than;
    return this.textOf(this.bytes, at, at + length) ?? than;
  }

  /** A number that ends a text in its middle is another one's. */
  private goesOn(at: number): boolean {
    return at < this.end && (this.bytes[at] as number) >= 0x20;
  }

  private beginsLikeSql(bytes: Uint8Array, start: number, end: number): boolean {
    const first = bytes[start] ?? 0;
    // Letters, white space, and what comments, labels and subqueries begin with.
    if (first < 0x09 || first > 0x7a) return false;
    this.stepsLeft -= WORD_BYTES;
    const head = Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.min(WORD_BYTES, end - start));
    return WORD.test(head.toString('latin1'));
  }

  /** Without NULs at its end; nothing when a control character is in it. */
  private textOf(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
    if (!this.beginsLikeSql(bytes, start, end)) return undefined;
    let last = end;
    while (last > start && bytes[last - 1] === 0) last--;
    this.stepsLeft -= end - last;
    for (let at = start; at < last; at++) {
      if (!isControl(bytes[at] as number)) continue;
      this.stepsLeft -= at - start;
      return undefined;
    }
    return last - start < TEXT_BYTES_MIN ? undefined : bytes.subarray(start, last);
  }
}

/** A chunk is a view of its own. */
const CHUNK_STEPS = 16;

function variable(bytes: Uint8Array, at: number, end: number): number {
  const size = bytes[at] as number;
  if (size < 1 || size > 3 || at + 1 + size > end) return 0;
  let value = 0;
  for (let i = 1; i <= size; i++) value = value * 256 + (bytes[at + i] as number);
  return value;
}

function isControl(byte: number): boolean {
  return byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d;
}
