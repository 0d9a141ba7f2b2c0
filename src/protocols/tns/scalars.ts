/** Oracle's scalar types by their bytes: numbers, times, intervals, floating point. Nothing here throws. */
import { doubleValue, singleValue } from '../sdk/numbers.ts';

const NUMBER_BYTES_MAX = 22;
/** Decimal digits that every double keeps. */
const EXACT_DIGITS = 15;

/**
 * NUMBER: an exponent byte (base 100, biased, complemented when negative), then base-100 digits plus one (101 minus the
 * digit, and a final 0x66, when negative). Numbers JavaScript holds exactly come as numbers, others as decimal text.
 */
export function numberValue(b: Uint8Array): number | string | undefined {
  const head = b[0];
  if (head === undefined || b.length > NUMBER_BYTES_MAX) return undefined;
  if (head === 0x80 && b.length === 1) return 0;
  const negative = head < 0x80;
  if (b.length === 1) return negative ? '-Infinity' : undefined;
  if (head === 0xff && b[1] === 0x65) return 'Infinity';
  let digits = '';
  const exponent = (negative ? ~head & 0xff : head) - 193;
  const last = negative && b.at(-1) === 0x66 ? b.length - 1 : b.length;
  for (let i = 1; i < last; i++) {
    const digit = negative ? 101 - (b[i] as number) : (b[i] as number) - 1;
    if (digit < 0 || digit > 99) return undefined;
    digits += digit < 10 ? `0${digit}` : String(digit);
  }
  const point = 2 * (exponent + 1);
  const text = `${negative ? '-' : ''}${decimal(digits, point)}`;
  const number = Number(text);
  const isExact = digits.length <= EXACT_DIGITS || (Number.isSafeInteger(number) && !text.includes('.'));
  return isExact && Number.isFinite(number) && String(number) === text ? number : text;
}

function decimal(digits: string, point: number): string {
  const whole = point <= 0 ? '' : digits.slice(0, point).padEnd(point, '0');
  const part = point <= 0 ? '0'.repeat(-point) + digits : digits.slice(point);
  const head = whole.replace(/^0+/, '') || '0';
  const tail = part.replace(/0+$/, '');
  return tail === '' ? head : `${head}.${tail}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** `YYYY-MM-DDTHH:MM:SS[.fraction]` of the first 7 or 11 bytes; `undefined` when they are no date. */
export function timestamp(b: Uint8Array): string | undefined {
  if (b.length < 7) return undefined;
  const [century, yearOf, month, day, hour, minute, second] = b as unknown as number[];
  const year = ((century as number) - 100) * 100 + (yearOf as number) - 100;
  if ((month as number) < 1 || (month as number) > 12 || (day as number) < 1 || (day as number) > 31) return undefined;
  const time = [hour, minute, second].map((part) => (part as number) - 1);
  if (time.some((part) => part < 0 || part > 60)) return undefined;
  const nanos = b.length >= 11 ? u32(b, 7) : 0;
  const fraction = nanos === 0 ? '' : `.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`;
  const sign = year < 0 ? '-' : '';
  const date = `${sign}${String(Math.abs(year)).padStart(4, '0')}-${two(month as number)}-${two(day as number)}`;
  return `${date}T${time.map(two).join(':')}${fraction}`;
}

/** The instant is in UTC on the wire; the zone it was given in stands behind it. */
export function timestampWithZone(b: Uint8Array): string | undefined {
  const utc = timestamp(b);
  if (utc === undefined || b.length < 13) return utc;
  const hour = b[11] as number;
  if (hour & 0x80) return `${utc}Z`;
  const minutes = (hour - 20) * 60 + (b[12] as number) - 60;
  if (minutes === 0) return `${utc}Z`;
  const size = Math.abs(minutes);
  return `${utc}Z (${minutes < 0 ? '-' : '+'}${two(Math.trunc(size / 60))}:${two(size % 60)})`;
}

/** IEEE bytes, big-endian; the sign bit is flipped for positive numbers, all bits for negative ones. */
export function float(b: Uint8Array): number | string {
  const flipped = Uint8Array.from(b, (byte, i) =>
    (b[0] as number) & 0x80 ? (i === 0 ? byte ^ 0x80 : byte) : byte ^ 0xff,
  );
  const view = new DataView(flipped.buffer);
  return b.length === 4 ? singleValue(view.getUint32(0)) : doubleValue(view.getUint32(0), view.getUint32(4));
}

export function intervalYm(b: Uint8Array): string | undefined {
  if (b.length !== 5) return undefined;
  const months = (u32(b, 0) - 2 ** 31) * 12 + (b[4] as number) - 60;
  const size = Math.abs(months);
  return `${months < 0 ? '-' : ''}${Math.trunc(size / 12)}-${two(size % 12)}`;
}

export function intervalDs(b: Uint8Array): string | undefined {
  if (b.length !== 11) return undefined;
  const days = u32(b, 0) - 2 ** 31;
  const parts = [(b[4] as number) - 60, (b[5] as number) - 60, (b[6] as number) - 60];
  const nanos = u32(b, 7) - 2 ** 31;
  const negative = days < 0 || nanos < 0 || parts.some((part) => part < 0);
  const fraction = nanos === 0 ? '' : `.${String(Math.abs(nanos)).padStart(9, '0').replace(/0+$/, '')}`;
  return `${negative ? '-' : ''}${Math.abs(days)} ${parts.map((part) => two(Math.abs(part))).join(':')}${fraction}`;
}

function u32(b: Uint8Array, at: number): number {
  return new DataView(b.buffer, b.byteOffset, b.length).getUint32(at);
}
