/**
 * Dates and times in ISO 8601 form with a space between the two: MS-TDS §2.2.5.5.1.8 and .9. Years 1 to 9999 of the
 * proleptic Gregorian calendar; a day beyond that is given as a count, not as a wrong date.
 */

const DAY_MS = 86_400_000;
/** Days from 0001-01-01 to 1970-01-01, and from 1900-01-01. */
const EPOCH_FROM_YEAR_1 = 719_162;
const EPOCH_FROM_1900 = 25_567;
/** Days from 0001-01-01 to 9999-12-31. */
const DAYS_MAX = 3_652_058;

/** `days` since 0001-01-01; `undefined` outside the calendar. */
export function dateOf(days: number): string | undefined {
  if (days < 0 || days > DAYS_MAX) return undefined;
  return new Date((days - EPOCH_FROM_YEAR_1) * DAY_MS).toISOString().slice(0, 10);
}

/** `days` since 1900-01-01. */
export function dateOf1900(days: number): string | undefined {
  return dateOf(days - EPOCH_FROM_1900 + EPOCH_FROM_YEAR_1);
}

/** `units` of 10^-scale seconds since midnight; `undefined` when that is more than a day. */
export function timeOf(units: number, scale: number): string | undefined {
  const perSecond = 10 ** scale;
  if (units >= 86_400 * perSecond) return undefined;
  const seconds = Math.floor(units / perSecond);
  const text = clock(seconds);
  return scale === 0 ? text : `${text}.${String(units % perSecond).padStart(scale, '0')}`;
}

function clock(seconds: number): string {
  return `${pad(Math.floor(seconds / 3600))}:${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`;
}

/** A datetime: days since 1900-01-01, and ticks of 1/300 second, shown in milliseconds as the server does. */
export function dateTime(days: number, ticks: number): string | undefined {
  const date = dateOf1900(days);
  const time = timeOf(Math.round((ticks * 10) / 3), 3);
  return date === undefined || time === undefined ? undefined : `${date} ${time}`;
}

/** A smalldatetime: days since 1900-01-01 and minutes. */
export function smallDateTime(days: number, minutes: number): string | undefined {
  const date = dateOf1900(days);
  const time = timeOf(minutes * 60, 0);
  return date === undefined || time === undefined ? undefined : `${date} ${time}`;
}

/** A datetimeoffset: UTC as sent, shown in the zone that is `offset` minutes east of it. */
export function dateTimeOffset(units: number, scale: number, days: number, offset: number): string | undefined {
  const dayUnits = 86_400 * 10 ** scale;
  let local = units + offset * 60 * 10 ** scale;
  let day = days;
  if (local < 0) {
    local += dayUnits;
    day--;
  } else if (local >= dayUnits) {
    local -= dayUnits;
    day++;
  }
  const date = dateOf(day);
  const time = timeOf(local, scale);
  if (date === undefined || time === undefined || Math.abs(offset) > 14 * 60) return undefined;
  const size = Math.abs(offset);
  return `${date} ${time} ${offset < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
