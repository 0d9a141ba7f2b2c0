/**
 * The characters of a summary as they are written, and their hash, the fingerprint.
 *
 * The fingerprint is 64 bits: two 32-bit lanes over the UTF-16 units of the summary with ASCII letters folded, each
 * `lane = (rotl(lane, 5) ^ unit) * odd constant`, then the murmur3 finaliser with the lanes crossed; 16 hex digits.
 * It is part of the record's format: changing the summary or the hash changes stored fingerprints.
 */
import { decodeText } from '../base/text.ts';
import { KEYWORDS, writeKeyword } from './keywords.ts';
import type { Tokens } from './tokens.ts';

/** Longest summary, UTF-16 units; the rest is cut and marked with `…`. */
export const SUMMARY_LENGTH_MAX = 16_384;

const LENGTH_MAX = SUMMARY_LENGTH_MAX;
/** Characters are written four at a time: so many bytes more may be behind the last. */
const OVERHANG = 4;
const SPACE = 0x20;
const ELLIPSIS = '\u2026';
const ELLIPSIS_UNIT = 0x2026;

/**
 * Where all of the text is ASCII, its bytes; else its units. One buffer for all summaries, as each is written from its
 * first character to its last with none between: the engine knows a constant's address and length, not those of a field.
 */
const narrow: Uint8Array = new Uint8Array(LENGTH_MAX + OVERHANG);
const data: DataView = new DataView(narrow.buffer);
const wide: Uint16Array = new Uint16Array(LENGTH_MAX);

export class SummaryText {
  length = 0;
  /** Something did not fit. */
  isFull = false;

  private isNarrow = true;
  private low = 0;
  private high = 0;

  reset(isAscii: boolean): void {
    this.isNarrow = isAscii;
    this.length = 0;
    this.isFull = false;
  }

  // Each of these writes a space before, when `gap` is 1 and not 0. A space alone is written where no more has room.

  put(unit: number, gap: number): void {
    const at = this.begin(gap, 1);
    if (at < 0) return;
    if (this.isNarrow) narrow[at] = unit;
    else wide[at] = unit;
    this.length = at + 1;
  }

  /** Writes token `i` as it is. */
  copy(tokens: Tokens, i: number, gap: number): void {
    const start = tokens.start[i] as number;
    const size = (tokens.end[i] as number) - start;
    const at = this.begin(gap, size);
    if (at < 0) return;
    if (this.isNarrow) {
      const from = tokens.codes.data;
      for (let done = 0; done < size; done += 4) data.setInt32(at + done, from.getInt32(start + done, true), true);
    } else {
      for (let done = 0; done < size; done++) wide[at + done] = tokens.text.charCodeAt(start + done);
    }
    this.length = at + size;
  }

  /** Writes the keyword with that id, which has `size` letters. */
  keyword(id: number, size: number, gap: number): void {
    const at = this.begin(gap, size);
    if (at < 0) return;
    if (this.isNarrow) writeKeyword(id, data, at);
    else for (let i = 0; i < size; i++) wide[at + i] = (KEYWORDS[id] as string).charCodeAt(i);
    this.length = at + size;
  }

  /** Writes the gap: where `size` units have room behind it, or -1. */
  private begin(gap: number, size: number): number {
    const { length } = this;
    if (length + gap <= LENGTH_MAX) {
      // Written in any case: without a gap the next unit takes its place.
      if (this.isNarrow) narrow[length] = SPACE;
      else if (gap === 1) wide[length] = SPACE;
      if (length + gap + size <= LENGTH_MAX) return length + gap;
      this.length = length + gap;
    }
    this.isFull = true;
    return -1;
  }

  /** Whether two ranges of what was written are the same. */
  isSame(aStart: number, aEnd: number, bStart: number, bEnd: number): boolean {
    if (aEnd - aStart !== bEnd - bStart) return false;
    const units = this.isNarrow ? narrow : wide;
    for (let i = 0; i < aEnd - aStart; i++) if (units[aStart + i] !== units[bStart + i]) return false;
    return true;
  }

  /** Ends the summary, with an ellipsis if it is not all of it, and gives it. */
  end(hasMore: boolean): string {
    this.hash(hasMore);
    const text = this.isNarrow
      ? decodeText(narrow, 0, this.length, 'latin1')
      : Buffer.from(wide.buffer, 0, 2 * this.length).toString('utf16le');
    return hasMore ? text + ELLIPSIS : text;
  }

  /** Hash of the summary that was ended last, as 16 hex digits. */
  fingerprint(): string {
    const { high: h, low: l } = this;
    // One call with all digits makes the string without leaving compiled code.
    return String.fromCharCode(
      hex(h >>> 28),
      hex(h >>> 24),
      hex(h >>> 20),
      hex(h >>> 16),
      hex(h >>> 12),
      hex(h >>> 8),
      hex(h >>> 4),
      hex(h),
      hex(l >>> 28),
      hex(l >>> 24),
      hex(l >>> 20),
      hex(l >>> 16),
      hex(l >>> 12),
      hex(l >>> 8),
      hex(l >>> 4),
      hex(l),
    );
  }

  private hash(hasMore: boolean): void {
    const { length } = this;
    let a = 0x243f6a88;
    let b = 0x85a308d3 | 0;
    if (this.isNarrow) {
      for (let i = 0; i < length; i++) {
        const unit = FOLDED[narrow[i] as number] as number;
        a = lane(a, unit, 0x9e3779b1);
        b = lane(b, unit, 0x85ebca77);
      }
    } else {
      for (let i = 0; i < length; i++) {
        const unit = wide[i] as number;
        const folded = unit < 0x80 ? (FOLDED[unit] as number) : unit;
        a = lane(a, folded, 0x9e3779b1);
        b = lane(b, folded, 0x85ebca77);
      }
    }
    if (hasMore) {
      a = lane(a, ELLIPSIS_UNIT, 0x9e3779b1);
      b = lane(b, ELLIPSIS_UNIT, 0x85ebca77);
    }
    a ^= hasMore ? length + 1 : length;
    const low = finalMix(a ^ ((b << 15) | (b >>> 17)));
    this.low = low;
    this.high = finalMix(b ^ low);
  }
}

function lane(hash: number, unit: number, factor: number): number {
  return Math.imul(((hash << 5) | (hash >>> 27)) ^ unit, factor);
}

/** By character: itself, or the small letter. A table, since where letters end is hard for a processor to foresee. */
const FOLDED: Uint8Array = Uint8Array.from({ length: 256 }, (_, c) => (c >= 0x41 && c <= 0x5a ? c + 32 : c));

function finalMix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** The digit of the lowest four bits, as ASCII. */
function hex(value: number): number {
  return HEX_DIGITS[value & 15] as number;
}

const HEX_DIGITS: Uint8Array = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
