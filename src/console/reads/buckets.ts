/** Time buckets of charts: round widths, so that the same question a minute later draws the same bars. */
import { formatTime } from '../../base/time.ts';
import type { Group } from '../../store/totals/aggregate.ts';
import type { Series } from '../api/records.ts';
import { floorTo } from './range.ts';

const SECOND = 1_000_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
export const DAY_US: number = 24 * HOUR;

const WIDTHS_US: readonly number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500].map((ms) => ms * 1000),
  ...[1, 2, 5, 10, 15, 30].map((s) => s * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((m) => m * MINUTE),
  ...[1, 2, 3, 6, 12].map((h) => h * HOUR),
  ...[1, 2, 7, 14, 28, 91, 182, 364, 728, 3640].map((d) => d * DAY_US),
];

export interface Buckets {
  readonly originUs: number;
  readonly widthUs: number;
  readonly count: number;
}

/** At most `countMax` buckets (one more where the range begins within one). */
export function bucketsOf(fromUs: number, toUs: number, countMax: number): Buckets {
  const widthUs = WIDTHS_US.find((width) => (toUs - fromUs) / width <= countMax) ?? (WIDTHS_US.at(-1) as number);
  const originUs = floorTo(fromUs, widthUs);
  return { originUs, widthUs, count: Math.max(1, Math.ceil((toUs - originUs) / widthUs)) };
}

const LINES_MAX = 12;
export const OTHER_LINE = 'other';

/** Rows of an aggregate by buckets and one field, as lines; the rarest values together as `other`. */
export function seriesOf(rows: readonly Group[], buckets: Buckets): Series {
  const lines = new Map<string, { name: string; total: number; counts: number[] }>();
  for (const { labels, bucketUs, records } of rows) {
    const name = labels[0] ?? '';
    let line = lines.get(name);
    if (line === undefined) {
      line = { name, total: 0, counts: Array<number>(buckets.count).fill(0) };
      lines.set(name, line);
    }
    line.total += records;
    const index = Math.round((bucketUs - buckets.originUs) / buckets.widthUs);
    if (index >= 0 && index < buckets.count) line.counts[index] = (line.counts[index] ?? 0) + records;
  }
  const sorted = [...lines.values()].sort((a, b) => b.total - a.total || (a.name < b.name ? -1 : 1));
  const kept = sorted.slice(0, LINES_MAX);
  const rest = sorted.slice(LINES_MAX);
  if (rest.length > 0) {
    const counts = Array.from({ length: buckets.count }, (_, i) =>
      rest.reduce((sum, line) => sum + (line.counts[i] ?? 0), 0),
    );
    kept.push({ name: OTHER_LINE, total: rest.reduce((sum, line) => sum + line.total, 0), counts });
  }
  return { from: formatTime(buckets.originUs), bucketUs: buckets.widthUs, buckets: buckets.count, lines: kept };
}
