/** The hour of the day (and weekday) that a heat map's cell stands for, as a condition of the query language. */

const HOUR_MS = 3_600_000;
/** Longer conditions are not written; the cell then stands for the row alone. */
const HOURS_MAX = 62;

/**
 * `time:2026-11-20T14Z,2026-11-21T14Z`: that hour of every day in `[fromMs, toMs)`, of one weekday (0 is Monday) when
 * given; `undefined` when there are none or too many.
 */
export function hourTerm(fromMs: number, toMs: number, hour: number, weekday?: number): string | undefined {
  const start = Math.floor(fromMs / HOUR_MS) * HOUR_MS;
  const found: string[] = [];
  const shift = (hour - new Date(start).getUTCHours() + 24) % 24;
  for (let ms = start + shift * HOUR_MS; ms < toMs; ms += 24 * HOUR_MS) {
    const date = new Date(ms);
    if (weekday !== undefined && (date.getUTCDay() + 6) % 7 !== weekday) continue;
    if (found.length === HOURS_MAX) return undefined;
    found.push(`${date.toISOString().slice(0, 13)}Z`);
  }
  return found.length === 0 ? undefined : `time:${found.join(',')}`;
}
