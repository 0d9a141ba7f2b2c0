/**
 * Time as people write it in queries, always UTC, always half-open ranges:
 * - ISO 8601: a date or time (the day, hour, minute or second it names), `A/B`, `A/PT30M`, `PT30M/B`;
 * - the expressions of Argus clients (`ra -t`), as its programs resolve them rather than as its manual says:
 *   `-3d` is three days including today; `A+L` the length L from A's start; relative `A-L` the length L before it;
 *   absolute `A-B` ends where B starts. `**` stands for every day of a month.
 * For single moments (`--from`, `--to`) `-1h` is exactly an hour ago.
 */
import { DAY_US, floorTo, HOUR_US, MINUTE_US, SECOND_US } from '../base/time.ts';
import { QueryError } from './errors.ts';

/** Microseconds since 1970; `toUs` is the first moment after it. */
export interface TimeRange {
  readonly fromUs: number;
  readonly toUs: number;
}

/** The years 1 to 9999, which RFC 3339 can write. */
const TIME_US_MIN = -62_135_596_800e6;
const TIME_US_MAX = 253_402_300_800e6;

const UNITS_US: Readonly<Record<string, number>> = { s: SECOND_US, m: MINUTE_US, h: HOUR_US, d: DAY_US, w: 7 * DAY_US };

/** A single moment: ISO 8601, `now`, or a distance back from now (`-90s`, `-2h30m`, `-7d`). Throws `QueryError`. */
export function parseMoment(text: string, nowUs: number): number {
  if (text === 'now') return nowUs;
  if (text.startsWith('-')) {
    const lengthUs = parseLength(text.slice(1));
    if (lengthUs !== undefined) return checked(text, nowUs - lengthUs);
  }
  const moment = isoRange(text);
  if (moment === undefined) throw wrongTime(text, 'expected ISO 8601, now, or a distance such as -1h or -2d');
  return checked(text, moment.fromUs);
}

/** One range, or several (`**.14`: an hour of every day), in order. Throws `QueryError`. */
export function parseRanges(text: string, nowUs: number): readonly TimeRange[] {
  const ranges = parseIso(text) ?? parseRelative(text, nowUs) ?? parseAbsolute(text, nowUs);
  if (ranges === undefined) throw wrongTime(text, 'expected an ISO 8601 interval or an expression such as -1h');
  for (const { fromUs, toUs } of ranges) {
    if (checked(text, toUs) <= checked(text, fromUs)) throw wrongTime(text, 'it ends before it begins');
  }
  return ranges;
}

/** The time, when it is one that can be written. */
function checked(text: string, timeUs: number): number {
  if (timeUs >= TIME_US_MIN && timeUs <= TIME_US_MAX) return timeUs;
  throw wrongTime(text, 'out of range: the years are 1 to 9999');
}

function wrongTime(text: string, reason: string): QueryError {
  return new QueryError(`time ${JSON.stringify(text)}: ${reason}`);
}

/** `2h30m` in microseconds; months and years have no fixed length. */
function parseLength(text: string): number | undefined {
  if (!/^(\d{1,9}[smhdw])+$/.test(text)) return undefined;
  let total = 0;
  for (const part of text.matchAll(/(\d+)([smhdw])/g)) total += Number(part[1]) * (UNITS_US[part[2] ?? ''] ?? 0);
  return total;
}

const ISO_MOMENT =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2})(?::(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?)?(Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?)?$/;
const ISO_LENGTH = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/;

function parseIso(text: string): TimeRange[] | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) {
    const single = isoRange(text);
    return single && [single];
  }
  const left = text.slice(0, slash);
  const right = text.slice(slash + 1);
  const from = isoRange(left);
  const to = isoRange(right);
  if (from !== undefined && to !== undefined) return [{ fromUs: from.fromUs, toUs: to.fromUs }];
  const leftLength = isoLength(left);
  const rightLength = isoLength(right);
  if (from !== undefined && rightLength !== undefined)
    return [{ fromUs: from.fromUs, toUs: from.fromUs + rightLength }];
  if (to !== undefined && leftLength !== undefined) return [{ fromUs: to.fromUs - leftLength, toUs: to.fromUs }];
  return undefined;
}

/** The day, hour, minute, second or microsecond that an ISO 8601 text names. */
function isoRange(text: string): TimeRange | undefined {
  const parts = ISO_MOMENT.exec(text);
  if (parts === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction, zone] = parts;
  const fields = [year, month, day, hour, minute, second].filter((field) => field !== undefined).map(Number);
  const range = calendarRange(fields);
  if (range === undefined) return undefined;
  const shift = fraction === undefined ? 0 : Number(fraction.padEnd(6, '0'));
  const fromUs = range.fromUs + shift - zoneUs(zone);
  return { fromUs, toUs: fraction === undefined ? fromUs + (range.toUs - range.fromUs) : fromUs + 1 };
}

function zoneUs(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z') return 0;
  const sign = zone.startsWith('-') ? -1 : 1;
  return sign * (Number(zone.slice(1, 3)) * 3600e6 + Number(zone.slice(-2)) * 60e6);
}

function isoLength(text: string): number | undefined {
  const parts = ISO_LENGTH.exec(text);
  if (parts === null || text.length < 3 || text.endsWith('T')) return undefined;
  const [weeks, days, hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0));
  return (((((weeks ?? 0) * 7 + (days ?? 0)) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)) * 1e6;
}

/** The period that leading calendar fields name: `[2026, 11]` is that November. `undefined` when there is no such date. */
function calendarRange(fields: readonly number[]): TimeRange | undefined {
  const [year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0] = fields;
  const startMs = Date.UTC(year, month - 1, day, hour, minute, second);
  const date = new Date(startMs);
  const same =
    date.getUTCFullYear() === year &&
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour &&
    date.getUTCMinutes() === minute &&
    date.getUTCSeconds() === second;
  if (!same || fields.length === 0) return undefined;
  const next = [year, month, day, hour, minute, second];
  const last = Math.min(fields.length, next.length) - 1;
  next[last] = (next[last] ?? 0) + 1;
  const [y = 0, mo = 1, d = 1, h = 0, mi = 0, s = 0] = next;
  return { fromUs: startMs * 1000, toUs: Date.UTC(y, mo - 1, d, h, mi, s) * 1000 };
}

/** `-Nu`, `-NuMv` (v units later), then `+L` or `-L`. */
function parseRelative(text: string, nowUs: number): TimeRange[] | undefined {
  const parts = /^-(\d{1,9})([smhdMy])((?:\d{1,9}[smhd])*)(?:([+-])((?:\d{1,9}[smhdw])+))?$/.exec(text);
  if (parts === null) return undefined;
  const period = periodsBack(Number(parts[1]), parts[2] ?? '', nowUs);
  const later = parseLength(parts[3] ?? '') ?? 0;
  const fromUs = period.fromUs + later;
  const lengthUs = parseLength(parts[5] ?? '');
  if (lengthUs === undefined) return [{ fromUs, toUs: period.toUs }];
  return [withLength(fromUs, parts[4] ?? '+', lengthUs)];
}

/** `count` periods of a unit, aligned, the current one included. */
function periodsBack(count: number, unit: string, nowUs: number): TimeRange {
  const now = new Date(nowUs / 1000);
  const year = now.getUTCFullYear();
  const month = now.getUTCMonth();
  if (unit === 'y') {
    // Counted in months: Date.UTC takes the years 0 to 99 for those of the 20th century.
    return { fromUs: Date.UTC(year, 12 * (1 - count)) * 1000, toUs: Date.UTC(year + 1, 0) * 1000 };
  }
  if (unit === 'M') {
    return { fromUs: Date.UTC(year, month - count + 1) * 1000, toUs: Date.UTC(year, month + 1) * 1000 };
  }
  const unitUs = UNITS_US[unit] ?? 1e6;
  const currentUs = floorTo(nowUs, unitUs);
  return { fromUs: currentUs - (count - 1) * unitUs, toUs: currentUs + unitUs };
}

function withLength(startUs: number, sign: string, lengthUs: number): TimeRange {
  return sign === '+' ? { fromUs: startUs, toUs: startUs + lengthUs } : { fromUs: startUs - lengthUs, toUs: startUs };
}

/** `A`, `A+L`, `A-B`, where A is `[[[yyyy/]mm/]dd.]hh[:mm[:ss]]`, `yyyy/mm[/dd]` or `2026y11m20d10h`. */
function parseAbsolute(text: string, nowUs: number): TimeRange[] | undefined {
  const [, left = '', sign, right = ''] = /^([^+-]+)(?:([+-])([^+-]+))?$/.exec(text) ?? [];
  const everyDay = left.replace(/^(.*\/)?\*\*?\./, '$1**.');
  if (everyDay.includes('**.')) {
    if (sign !== undefined && sign !== '-') return undefined;
    return eachDay(everyDay, sign === undefined ? '' : `-${right}`, nowUs);
  }
  const fields = absoluteFields(left, nowUs);
  const start = fields && calendarRange(fields);
  if (fields === undefined || start === undefined) return undefined;
  if (sign === undefined) return [start];
  if (sign === '+') {
    const lengthUs = parseLength(right);
    return lengthUs === undefined ? undefined : [withLength(start.fromUs, '+', lengthUs)];
  }
  const timeOfDay = clockFields(right);
  const endFields = timeOfDay === undefined ? absoluteFields(right, nowUs) : [...fields.slice(0, 3), ...timeOfDay];
  const end = endFields && calendarRange(endFields);
  return end && [{ fromUs: start.fromUs, toUs: end.fromUs }];
}

/** The expression for every day of the month it names, or of this one. */
function eachDay(left: string, rest: string, nowUs: number): TimeRange[] | undefined {
  const found: TimeRange[] = [];
  for (let day = 1; day <= 31; day++) {
    const one = parseAbsolute(left.replace('**', String(day)) + rest, nowUs);
    if (one !== undefined) found.push(...one);
  }
  return found.length === 0 ? undefined : found;
}

const LETTERS = /^(\d{4})y(?:(\d{1,2})m(?:(\d{1,2})d(?:(\d{1,2})h(?:(\d{1,2})m(?:(\d{1,2})s)?)?)?)?)?$/;

/** Calendar fields, year first; what is not written is taken from now. */
function absoluteFields(text: string, nowUs: number): number[] | undefined {
  const letters = LETTERS.exec(text);
  if (letters !== null)
    return letters
      .slice(1)
      .filter((field) => field !== undefined)
      .map(Number);
  const now = new Date(nowUs / 1000);
  const today = [now.getUTCFullYear(), now.getUTCMonth() + 1, now.getUTCDate()];
  const clockOnly = clockFields(text);
  if (clockOnly !== undefined) return [...today, ...clockOnly];
  const [, dateText = '', clockText] = /^([\d/]+)(?:\.([\d:]+))?$/.exec(text) ?? [];
  const date = dateText.split('/');
  const clock = clockText === undefined ? [] : clockFields(clockText);
  if (clock === undefined || date.some((part) => !/^\d{1,4}$/.test(part)) || date.length > 3) return undefined;
  const withYear = date[0]?.length === 4;
  if (date.length === 3 && !withYear) return undefined;
  if (date.length === 1 && clockText === undefined) return undefined;
  if (clockText !== undefined && withYear && date.length !== 3) return undefined;
  const numbers = date.map(Number);
  return [...(withYear ? [] : today.slice(0, 3 - numbers.length)), ...numbers, ...clock];
}

function clockFields(text: string): number[] | undefined {
  const parts = /^(\d{1,2})(?::(\d{2})(?::(\d{2}))?)?$/.exec(text);
  return parts
    ?.slice(1)
    .filter((field) => field !== undefined)
    .map(Number);
}
