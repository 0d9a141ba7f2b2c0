/**
 * Where status records lie: one SQLite file a stretch of time, named by a strftime pattern in UTC, so that a day (or
 * whatever the pattern divides time into) expires by unlinking its file.
 */
import { UserError } from '../base/errors.ts';

/** A file a day. */
export const DEFAULT_PATTERN = '%Y-%m-%d';
export const PARTITION_SUFFIX = '.flows.db';

const FIELDS: Readonly<Record<string, (time: Date) => string>> = {
  Y: (time) => String(time.getUTCFullYear()).padStart(4, '0'),
  m: (time) => two(time.getUTCMonth() + 1),
  d: (time) => two(time.getUTCDate()),
  H: (time) => two(time.getUTCHours()),
  M: (time) => two(time.getUTCMinutes()),
  j: (time) => String(dayOfYear(time)).padStart(3, '0'),
};

/** Path of the file for `timeUs`, relative to the folder of the flow records. */
export function partitionPath(pattern: string, timeUs: number): string {
  const time = new Date(timeUs / 1000);
  return pattern.replace(/%(.)/g, (_, field: string) => FIELDS[field]?.(time) ?? '') + PARTITION_SUFFIX;
}

/** Throws a UserError unless `pattern` names files inside the folder, by fields that are known. */
export function checkPattern(pattern: string): void {
  const literal = pattern.replace(/%[YmdHMj]/g, '');
  if (!/^[A-Za-z0-9._/-]*$/.test(literal) || pattern.startsWith('/') || /(^|\/)\.\.?(\/|$)/.test(pattern)) {
    throw new UserError(`${pattern}: not a name pattern for flow records; for example %Y/%m/%d (fields: Y m d H M j)`);
  }
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function dayOfYear(time: Date): number {
  return 1 + Math.floor((time.getTime() - Date.UTC(time.getUTCFullYear(), 0, 1)) / 86_400_000);
}
