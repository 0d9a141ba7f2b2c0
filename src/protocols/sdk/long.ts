/**
 * Texts and values that are longer than what is kept: the first part is kept, cut on a character, and the whole is
 * measured and hashed (SHA-256) while it passes by, so that nothing of its length is ever held.
 */
import { createHash, type Hash } from 'node:crypto';
import { decodeText, type TextEncodingName } from '../../base/text.ts';

/** SHA-256 of `bytes[start, end)` in lower-case hexadecimal. */
export function sha256(bytes: Uint8Array, start: number, end: number): string {
  return createHash('sha256').update(bytes.subarray(start, end)).digest('hex');
}

/** Decodes `bytes[start, end)`, but at most `bytesMax` of them and no part of a character. */
export function keptText(
  bytes: Uint8Array,
  start: number,
  end: number,
  encoding: TextEncodingName,
  bytesMax: number,
): string {
  if (end - start <= bytesMax) return decodeText(bytes, start, end, encoding);
  return beginningOf(bytes, start, start + bytesMax, encoding);
}

/** Decodes `bytes[start, cut)`, the first part of a longer text, without the part of a character at its end. */
export function beginningOf(bytes: Uint8Array, start: number, cut: number, encoding: TextEncodingName): string {
  const text = decodeText(bytes, start, characterEnd(bytes, start, cut, encoding), encoding);
  return encoding === 'utf8' || encoding === 'latin1' ? text : text.replace(/\uFFFD$/, '');
}

/** `end`, moved back over an incomplete character at the end of a cut text, where the encoding's own bytes tell. */
export function characterEnd(bytes: Uint8Array, start: number, end: number, encoding: TextEncodingName): number {
  if (encoding === 'utf16le') return utf16End(bytes, start, end);
  if (encoding !== 'utf8') return end;
  let at = end;
  while (at > start && end - at < 3 && ((bytes[at - 1] as number) & 0xc0) === 0x80) at--;
  if (at === start) return end;
  const lead = bytes[at - 1] as number;
  const size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return size > 1 && end - (at - 1) < size ? at - 1 : end;
}

/** Whole units, and no first half of a surrogate pair. */
function utf16End(bytes: Uint8Array, start: number, end: number): number {
  const whole = end - ((end - start) & 1);
  const isHigh = whole > start && ((bytes[whole - 1] as number) & 0xfc) === 0xd8;
  return isHigh ? whole - 2 : whole;
}

/** Measures and hashes bytes that come in pieces. */
export class Digest {
  lengthBytes = 0;
  private readonly hash: Hash = createHash('sha256');

  add(bytes: Uint8Array, start: number, end: number): this {
    this.lengthBytes += end - start;
    this.hash.update(bytes.subarray(start, end));
    return this;
  }

  /** SHA-256 of what came so far; more may follow. */
  sha256(): string {
    return this.hash.copy().digest('hex');
  }
}

/** Takes bytes in pieces: keeps the first ones, and once there are more than it may keep, hashes all. */
export class LongBytes {
  lengthBytes = 0;
  /** What is kept: `kept[0, keptBytes)`. */
  kept: Uint8Array = NOTHING;
  keptBytes = 0;
  private readonly keptBytesMax: number;
  private digest: Digest | undefined = undefined;

  constructor(keptBytesMax: number) {
    this.keptBytesMax = keptBytesMax;
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    this.lengthBytes += end - start;
    if (this.lengthBytes > this.keptBytesMax && this.digest === undefined) {
      this.digest = new Digest().add(this.kept, 0, this.keptBytes);
    }
    this.digest?.add(bytes, start, end);
    this.keep(bytes, start, Math.min(end, start + this.keptBytesMax - this.keptBytes));
  }

  /** SHA-256 of all that came; `undefined` when all of it is kept. */
  sha256(): string | undefined {
    return this.digest?.sha256();
  }

  /** Grown by what came, never by what a length promises. */
  private keep(bytes: Uint8Array, start: number, end: number): void {
    if (start >= end) return;
    const needed = this.keptBytes + end - start;
    if (needed > this.kept.length) {
      const grown = new Uint8Array(Math.min(this.keptBytesMax, Math.max(FIRST_BYTES, 2 * this.kept.length, needed)));
      grown.set(this.kept.subarray(0, this.keptBytes));
      this.kept = grown;
    }
    this.kept.set(bytes.subarray(start, end), this.keptBytes);
    this.keptBytes = needed;
  }
}

const FIRST_BYTES = 64;
const NOTHING = new Uint8Array(0);
