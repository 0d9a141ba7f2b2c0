/** `numeric` in binary format (numeric_send): base-10000 digits, a weight, a sign, and the scale to show. */
import type { Cursor } from '../../base/cursor.ts';

const SIGN_NEGATIVE = 0x4000;
const SIGN_NAN = 0xc000;
const SIGN_INFINITE = 0xd000;
const SIGN_NEGATIVE_INFINITE = 0xf000;
const SCALE_MAX = 0x3fff;
/** Decimal digits of one on the wire. */
const DIGITS = 4;
/**
 * Eight bytes can stand for 10^131068, or for a 0 with 16,383 decimals. Numbers are left as bytes when they take more
 * zeros than this beside the digits that they carry: a double's greatest has 309 digits.
 */
const ZEROS_MAX = 320;

/** The exact decimal, as the server prints it; `undefined` when malformed. */
export function decodeNumeric(cursor: Cursor): string | undefined {
  const count = cursor.u16be();
  const weight = cursor.i16be();
  const sign = cursor.u16be();
  const scale = cursor.u16be();
  if (sign === SIGN_NAN) return 'NaN';
  if (sign === SIGN_INFINITE) return 'Infinity';
  if (sign === SIGN_NEGATIVE_INFINITE) return '-Infinity';
  if ((sign !== 0 && sign !== SIGN_NEGATIVE) || scale > SCALE_MAX || count * 2 > cursor.remaining()) return undefined;
  if (DIGITS * Math.max(weight + 1, 1) + scale > DIGITS * count + ZEROS_MAX) return undefined;
  const digits: string[] = [];
  for (let i = 0; i < count; i++) {
    const digit = cursor.u16be();
    if (digit > 9999) return undefined;
    digits.push(String(digit).padStart(DIGITS, '0'));
  }
  const group = (position: number): string => digits[position] ?? '0000';
  let whole = '';
  for (let i = 0; i <= weight; i++) whole += group(i);
  let fraction = '';
  for (let i = weight + 1; fraction.length < scale; i++) fraction += i < 0 ? '0000' : group(i);
  const text = whole.replace(/^0+(?=\d)/, '') || '0';
  return `${sign === SIGN_NEGATIVE ? '-' : ''}${text}${scale > 0 ? `.${fraction.slice(0, scale)}` : ''}`;
}
