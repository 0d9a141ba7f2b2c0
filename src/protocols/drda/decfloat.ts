/**
 * DECFLOAT: IEEE 754-2008 decimal64 and decimal128 (§3.5.2), in the decimal encoding (densely packed: ten bits for three
 * digits), which DB2 uses on all its platforms; most significant byte first whatever the data representation.
 */

interface Format {
  /** Bits of the exponent behind the combination field. */
  readonly exponentBits: number;
  /** Groups of ten bits behind it. */
  readonly declets: number;
  readonly bias: number;
}

const FORMATS: ReadonlyMap<number, Format> = new Map([
  [8, { exponentBits: 8, declets: 5, bias: 398 }],
  [16, { exponentBits: 12, declets: 11, bias: 6176 }],
]);

const COMBINATION_BITS = 5;
const DECLET_BITS = 10;
/** Values of the combination field from which on the first digit is 8 or 9, and those of what is no number. */
const COMBINATION_LARGE = 0b11000;
const COMBINATION_INFINITY = 0b11110;
const COMBINATION_NAN = 0b11111;
/** Numbers with more zeros than this behind the point are written with an exponent. */
const LEADING_ZEROS_MAX = 6;

/**
 * The number as exact decimal text, its trailing zeros kept: `-12.50`, `1.5E+400`, `Infinity`, `NaN`. `undefined` when
 * the bytes are neither 8 nor 16.
 */
export function decimalFloat(bytes: Uint8Array, start: number, end: number): string | undefined {
  const format = FORMATS.get(end - start);
  if (format === undefined) return undefined;
  const field = (from: number, count: number): number => {
    let value = 0;
    for (let i = from; i < from + count; i++) {
      value = value * 2 + (((bytes[start + (i >> 3)] as number) >> (7 - (i & 7))) & 1);
    }
    return value;
  };
  const sign = field(0, 1) === 1 ? '-' : '';
  const combination = field(1, COMBINATION_BITS);
  if (combination === COMBINATION_NAN) return 'NaN';
  if (combination === COMBINATION_INFINITY) return `${sign}Infinity`;
  const isLarge = combination >= COMBINATION_LARGE;
  let digits = String(isLarge ? 8 + (combination & 1) : combination & 7);
  const high = isLarge ? (combination >> 1) & 3 : combination >> 3;
  const exponentAt = 1 + COMBINATION_BITS;
  const exponent = high * 2 ** format.exponentBits + field(exponentAt, format.exponentBits) - format.bias;
  for (let i = 0; i < format.declets; i++) {
    digits += threeDigits(field(exponentAt + format.exponentBits + i * DECLET_BITS, DECLET_BITS));
  }
  return sign + written(digits.replace(/^0+(?=\d)/, ''), exponent);
}

/** `digits` times ten to the power of `exponent`, as IEEE 754 writes it (§5.12.1, and Java's BigDecimal). */
function written(digits: string, exponent: number): string {
  const magnitude = exponent + digits.length - 1;
  if (exponent > 0 || magnitude < -LEADING_ZEROS_MAX) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
    return `${digits.charAt(0)}${fraction}E${magnitude < 0 ? '' : '+'}${magnitude}`;
  }
  if (exponent === 0) return digits;
  const padded = digits.padStart(1 - exponent, '0');
  return `${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
}

/**
 * Three digits of ten bits. A digit up to 7 has three bits of its own; of 8 and 9 only the last bit is kept, and the bits
 * that this frees say which digits are so large.
 */
function threeDigits(declet: number): string {
  const high = declet >> 7;
  const middle = (declet >> 4) & 7;
  const low = declet & 7;
  if ((declet & 8) === 0) return `${high}${middle}${low}`;
  const highLarge = 8 + (high & 1);
  const middleLarge = 8 + (middle & 1);
  const lowLarge = 8 + (low & 1);
  switch (low >> 1) {
    case 0:
      return `${high}${middle}${lowLarge}`;
    case 1:
      return `${high}${middleLarge}${(middle & 6) | (low & 1)}`;
    case 2:
      return `${highLarge}${middle}${(high & 6) | (low & 1)}`;
    default:
      break;
  }
  switch (middle >> 1) {
    case 0:
      return `${highLarge}${middleLarge}${(high & 6) | (low & 1)}`;
    case 1:
      return `${highLarge}${(high & 6) | (middle & 1)}${lowLarge}`;
    case 2:
      return `${high}${middleLarge}${lowLarge}`;
    default:
      return `${highLarge}${middleLarge}${lowLarge}`;
  }
}
