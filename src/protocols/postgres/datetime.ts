/**
 * Dates and times in binary format: days or microseconds since 2000-01-01 in the proleptic Gregorian calendar, printed
 * as the server does under `DateStyle = ISO` and `IntervalStyle = postgres`; instants in UTC.
 */
import type { Cursor } from '../../base/cursor.ts';

const DAY_US = 86_400_000_000n;
const INT32_MAX = 0x7fffffff;
const INT32_MIN = -0x80000000;
const INT64_MAX = 0x7fffffffffffffffn;
const INT64_MIN = -0x8000000000000000n;
/** Days from 0000-03-01 to 2000-01-01: years that start in March put the leap day last. */
const EPOCH_DAYS = 730_425;
/** Days of 400 years. */
const ERA_DAYS = 146_097;

export function decodeDate(cursor: Cursor): string {
  const days = cursor.i32be();
  if (days === INT32_MAX) return 'infinity';
  if (days === INT32_MIN) return '-infinity';
  const { text, bc } = calendarDay(days);
  return bc ? `${text} BC` : text;
}

/** `zoned`: timestamptz, an instant. */
export function decodeTimestamp(cursor: Cursor, zoned: boolean): string {
  const us = cursor.i64be();
  if (us === INT64_MAX) return 'infinity';
  if (us === INT64_MIN) return '-infinity';
  const ofDay = ((us % DAY_US) + DAY_US) % DAY_US;
  const { text, bc } = calendarDay(Number((us - ofDay) / DAY_US));
  return `${text} ${clock(ofDay)}${zoned ? '+00' : ''}${bc ? ' BC' : ''}`;
}

/** Undefined beyond 24:00:00, which no clock shows. */
export function decodeTime(cursor: Cursor): string | undefined {
  const us = cursor.i64be();
  return us < 0n || us > DAY_US ? undefined : clock(us);
}

/** Time of day and zone in seconds west of Greenwich. */
export function decodeTimetz(cursor: Cursor): string | undefined {
  const time = decodeTime(cursor);
  const west = cursor.i32be();
  if (time === undefined || Math.abs(west) > 16 * 3600) return undefined;
  const east = Math.abs(west);
  const parts = [Math.floor(east / 3600), Math.floor(east / 60) % 60, east % 60];
  while (parts.length > 1 && parts.at(-1) === 0) parts.pop();
  return `${time}${west <= 0 ? '+' : '-'}${parts.map(twoDigits).join(':')}`;
}

/** Microseconds, days, months. */
export function decodeInterval(cursor: Cursor): string {
  const us = cursor.i64be();
  const days = cursor.i32be();
  const months = cursor.i32be();
  const years = Math.trunc(months / 12);
  const parts: string[] = [];
  let negative = false;
  const add = (count: number, unit: string): void => {
    if (count === 0) return;
    // After a negative part the server writes the plus of a positive one.
    const plus = negative && count > 0 ? '+' : '';
    parts.push(`${plus}${count} ${unit}${count === 1 ? '' : 's'}`);
    negative = count < 0;
  };
  add(years, 'year');
  add(months % 12, 'mon');
  add(days, 'day');
  if (us !== 0n || parts.length === 0) {
    const sign = us < 0n ? '-' : negative ? '+' : '';
    parts.push(`${sign}${clock(us < 0n ? -us : us)}`);
  }
  return parts.join(' ');
}

/** `HH:MM:SS` and up to six decimals of `us` microseconds (≥ 0); hours may exceed 24. */
function clock(us: bigint): string {
  const seconds = us / 1_000_000n;
  const decimals = String(us % 1_000_000n)
    .padStart(6, '0')
    .replace(/0+$/, '');
  const text = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n].map(twoDigits).join(':');
  return decimals === '' ? text : `${text}.${decimals}`;
}

function twoDigits(value: number | bigint): string {
  return String(value).padStart(2, '0');
}

/** `days` since 2000-01-01 as YYYY-MM-DD; years before 1 count backwards from 1 BC. */
function calendarDay(days: number): { readonly text: string; readonly bc: boolean } {
  const since = days + EPOCH_DAYS;
  const era = Math.floor(since / ERA_DAYS);
  const dayOfEra = since - era * ERA_DAYS;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const bc = year <= 0;
  const shown = String(bc ? 1 - year : year).padStart(4, '0');
  return { text: `${shown}-${twoDigits(month)}-${twoDigits(day)}`, bc };
}
