/**
 * The store's own byte format: varints, numbers and strings, written into one growing buffer and read through the
 * bounded `Cursor`. Files can be damaged, so reading never trusts a length.
 */
import { Cursor } from '../../base/cursor.ts';

/** A string's first varint is `byteLength * 2 + form`. */
const FORM_UTF8 = 0;
/** Lower-case hexadecimal of even length, packed two digits a byte. */
const FORM_HEX = 1;

/** Four bytes of a varint hold 28 bits. */
const WORD_RANGE = 2 ** 28;
/** Shorter hexadecimal strings are not worth the test. */
const HEX_DIGITS_MIN = 16;
/** Up to this length the tag of an ASCII string is one byte and a loop beats the native call. */
const SHORT_UNITS_MAX = 63;
/** Up to this length a loop beats the view that a native copy needs. */
const SHORT_BYTES_MAX = 48;
/** Up to this length a text is written as if it were ASCII, with room for the case that it is not. */
const GUESSED_UNITS_MAX = 4096;
const UTF8_UNIT_BYTES_MAX = 3;
/** Integers beyond this are written as doubles; below it `4 * value` is exact. */
const INTEGER_MAX = 2 ** 51;

/** Numbers below it have at most this many decimal digits. */
const DECIMAL_DIGITS = 9;
const DECIMAL_RANGE = 1e9;
const DECIMAL_BYTES_MAX = 20;
const MINUS = 0x2d;
const NO_DIGIT = 0xff;
const ZERO = 0x30;

export class ByteWriter {
  bytes: Buffer;
  pos = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  /** Makes room for `count` more bytes. */
  ensure(count: number): void {
    const need = this.pos + count;
    if (need <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(need, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.pos));
    this.bytes = grown;
  }

  u8(value: number): void {
    this.ensure(1);
    this.bytes[this.pos++] = value;
  }

  /** An exact integer from 0 to 2^53 - 1, 7 bits a byte, lowest first. */
  varint(value: number): void {
    this.ensure(8);
    const { bytes } = this;
    let pos = this.pos;
    let rest = value;
    // Four bytes' worth at once by whole-number arithmetic; what is above needs doubles.
    if (value >= WORD_RANGE) {
      const low = value % WORD_RANGE;
      rest = (value - low) / WORD_RANGE;
      bytes[pos] = low | 0x80;
      bytes[pos + 1] = (low >>> 7) | 0x80;
      bytes[pos + 2] = (low >>> 14) | 0x80;
      bytes[pos + 3] = (low >>> 21) | 0x80;
      pos += 4;
    }
    for (; rest >= 0x80; rest >>>= 7) bytes[pos++] = rest | 0x80;
    bytes[pos++] = rest;
    this.pos = pos;
  }

  /** Any double; exact integers are short. */
  number(value: number): void {
    if ((value | 0) === value && value > 0 && value < WORD_RANGE) {
      this.varint(value * 4);
      return;
    }
    if (Number.isInteger(value) && Math.abs(value) < INTEGER_MAX && !Object.is(value, -0)) {
      this.varint(value >= 0 ? value * 4 : -value * 4 - 2);
      return;
    }
    this.ensure(9);
    this.bytes[this.pos++] = 1;
    this.pos = this.bytes.writeDoubleLE(value, this.pos);
  }

  optionalNumber(value: number | undefined): void {
    if (value === undefined) this.u8(NUMBER_ABSENT);
    else this.number(value);
  }

  /** Any string; lone surrogates become U+FFFD. */
  text(value: string): void {
    if (value.length >= HEX_DIGITS_MIN && value.length % 2 === 0 && this.packedHex(value)) return;
    if (value.length <= SHORT_UNITS_MAX && this.shortText(value)) return;
    const byteLength = Buffer.byteLength(value);
    this.varint(byteLength * 2 + FORM_UTF8);
    this.ensure(byteLength);
    this.pos += this.bytes.write(value, this.pos, byteLength, 'utf8');
  }

  /** `undefined` takes one byte, as the empty string does. */
  optionalText(value: string | undefined): void {
    if (value === undefined) this.u8(TEXT_ABSENT);
    else this.text(value);
  }

  raw(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.ensure(length);
    if (length <= SHORT_BYTES_MAX) {
      for (let i = 0; i < length; i++) this.bytes[this.pos + i] = source[start + i] as number;
    } else {
      this.bytes.set(source.subarray(start, end), this.pos);
    }
    this.pos += length;
  }

  /** The length of its UTF-8 plus 1, and that. */
  sizedText(value: string): void {
    const mark = this.pos;
    const { length } = value;
    if (length <= GUESSED_UNITS_MAX) {
      // Nearly always ASCII: one call tells its length and writes it.
      this.varint(length + 1);
      this.ensure(length * UTF8_UNIT_BYTES_MAX);
      const written = this.bytes.write(value, this.pos, 'utf8');
      this.pos += written;
      if (written === length) return;
      this.pos = mark;
    }
    const byteLength = Buffer.byteLength(value);
    this.varint(byteLength + 1);
    this.ensure(byteLength);
    this.pos += this.bytes.write(value, this.pos, byteLength, 'utf8');
  }

  /** The string's UTF-8 and nothing else; gives its length in bytes. */
  plainText(value: string): number {
    const length = Buffer.byteLength(value);
    this.ensure(length);
    this.bytes.write(value, this.pos, length, 'utf8');
    this.pos += length;
    return length;
  }

  /** A whole number, at most 2^53 either way, in decimal digits. */
  decimal(value: number): void {
    this.ensure(DECIMAL_BYTES_MAX);
    let rest = value;
    if (rest < 0) {
      this.bytes[this.pos++] = MINUS;
      rest = -rest;
    }
    if (rest >= DECIMAL_RANGE) {
      const low = rest % DECIMAL_RANGE;
      this.digits((rest - low) / DECIMAL_RANGE, 1);
      this.digits(low, DECIMAL_DIGITS);
    } else {
      this.digits(rest, 1);
    }
  }

  /** A number below 2^31, with zeros in front to fill `width`. */
  private digits(value: number, width: number): void {
    const { bytes } = this;
    let count = width;
    for (let power = 10 ** width; count < DECIMAL_DIGITS && value >= power; power *= 10) count++;
    let rest = value | 0;
    for (let at = this.pos + count - 1; at >= this.pos; at--) {
      const tenth = (rest / 10) | 0;
      bytes[at] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    this.pos += count;
  }

  /** False, and nothing is written, when it is not ASCII. */
  private shortText(value: string): boolean {
    const length = value.length;
    this.ensure(1 + length);
    const bytes = this.bytes;
    let pos = this.pos;
    bytes[pos++] = length * 2;
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit >= 0x80) return false;
      bytes[pos++] = unit;
    }
    this.pos = pos;
    return true;
  }

  /** False, and nothing is written, when it holds anything but digits. */
  private packedHex(value: string): boolean {
    const mark = this.pos;
    const { length } = value;
    this.varint(length + FORM_HEX);
    this.ensure(length / 2);
    const { bytes } = this;
    let pos = this.pos;
    for (let i = 0; i < length; i += 2) {
      const high = HEX_DIGITS[value.charCodeAt(i)] as number;
      const low = HEX_DIGITS[value.charCodeAt(i + 1)] as number;
      if ((high | low) > 0xf) {
        this.pos = mark;
        return false;
      }
      bytes[pos++] = (high << 4) | low;
    }
    this.pos = pos;
    return true;
  }
}

/** First byte of an absent string: a packed string of no digits, which the writer never makes. */
const TEXT_ABSENT = FORM_HEX;
/** First byte of an absent number: form 3, unused otherwise. */
const NUMBER_ABSENT = 3;

/** By code unit: what a lower-case hexadecimal digit stands for, `NO_DIGIT` for all else. A look-up, as digits are random. */
const HEX_DIGITS: Uint8Array = hexDigits();

function hexDigits(): Uint8Array {
  const values = new Uint8Array(0x10000).fill(NO_DIGIT);
  for (let digit = 0; digit < 16; digit++) values[digit.toString(16).charCodeAt(0)] = digit;
  return values;
}

export function readVarint(cursor: Cursor): number {
  const first = cursor.peek();
  if (first >= 0 && first < 0x80) {
    cursor.pos++;
    return first;
  }
  let value = 0;
  let scale = 1;
  for (let i = 0; i < 8; i++) {
    const byte = cursor.u8();
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 0x80;
  }
  cursor.fail();
  return 0;
}

export function readNumber(cursor: Cursor): number {
  return readOptionalNumber(cursor) ?? 0;
}

export function readOptionalNumber(cursor: Cursor): number | undefined {
  const coded = readVarint(cursor);
  switch (coded % 4) {
    case 0:
      return coded / 4;
    case 2:
      return -(coded + 2) / 4;
    case 1: {
      const start = cursor.pos;
      if (!cursor.skip(8)) return 0;
      return new DataView(cursor.bytes.buffer, cursor.bytes.byteOffset + start, 8).getFloat64(0, true);
    }
    default:
      return undefined;
  }
}

export function readText(cursor: Cursor): string {
  return readOptionalText(cursor) ?? '';
}

export function readOptionalText(cursor: Cursor): string | undefined {
  const coded = readVarint(cursor);
  if (coded === TEXT_ABSENT) return undefined;
  const length = Math.floor(coded / 2);
  return coded % 2 === FORM_HEX ? cursor.hex(length) : cursor.text(length, 'utf8');
}

/** Moves past a string; its first content byte is `cursor.pos - returned length`. -1 when it is absent. */
export function skipText(cursor: Cursor): number {
  const coded = readVarint(cursor);
  if (coded === TEXT_ABSENT) return -1;
  const length = Math.floor(coded / 2);
  return cursor.skip(length) ? length : -1;
}

/** A cursor over all of `bytes`. */
export function cursorOver(bytes: Uint8Array): Cursor {
  return new Cursor().reset(bytes, 0, bytes.length);
}
