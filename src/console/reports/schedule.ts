/** When scheduled reports are made, and which period each covers: always the whole one before, in UTC. */
import { DAY_MS, HOUR_MS } from '../../base/time.ts';

export type Period = 'day' | 'week' | 'month';

/** Days from Monday to Thursday, the weekday of 1970-01-01. */
const EPOCH_WEEKDAY = 3;

/** The first moment after `nowMs` at which a report is due: at `hour` of a day, of a Monday, or of the first of a month. */
export function nextRun(every: Period, hour: number, nowMs: number): number {
  let start = periodStart(every, nowMs);
  while (start + hour * HOUR_MS <= nowMs) start = following(every, start);
  return start + hour * HOUR_MS;
}

/** The period that ended last before a moment. */
export function periodBefore(every: Period, timeMs: number): { readonly fromMs: number; readonly toMs: number } {
  const toMs = periodStart(every, timeMs);
  return { fromMs: periodStart(every, toMs - 1), toMs };
}

function periodStart(every: Period, timeMs: number): number {
  const day = Math.floor(timeMs / DAY_MS);
  if (every === 'day') return day * DAY_MS;
  if (every === 'week') return (day - ((day + EPOCH_WEEKDAY) % 7)) * DAY_MS;
  const date = new Date(timeMs);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
}

function following(every: Period, startMs: number): number {
  if (every !== 'month') return startMs + (every === 'day' ? DAY_MS : 7 * DAY_MS);
  const date = new Date(startMs);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}
