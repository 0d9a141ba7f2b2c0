/** Time buckets of charts: round widths, so that the same question a minute later draws the same bars. */
import { DAY_US, floorTo, formatTime, HOUR_US, MINUTE_US, SECOND_US } from '../../base/time.ts';
import type { Group } from '../../store/totals/aggregate.ts';
import type { Series } from '../api/records.ts';

const WIDTHS_US: readonly number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500].map((ms) => ms * 1000),
  ...[1, 2, 5, 10, 15, 30].map((s) => s * SECOND_US),
  ...[1, 2, 5, 10, 15, 30].map((m) => m * MINUTE_US),
  ...[1, 2, 3, 6, 12].map((h) => h * HOUR_US),
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

/** A count for each bucket, all 0. */
export function emptyLine({ count }: Buckets): number[] {
  return Array<number>(count).fill(0);
}

/** Adds the records of a group to the bucket that it is of. Groups outside of the buckets are left out. */
export function addToLine(line: number[], { originUs, widthUs }: Buckets, { bucketUs, records }: Group): void {
  const index = Math.round((bucketUs - originUs) / widthUs);
  if (index >= 0 && index < line.length) line[index] = (line[index] ?? 0) + records;
}

/** 0 to 23, in UTC. */
export function hourOfDay(timeUs: number): number {
  return Math.floor((timeUs - floorTo(timeUs, DAY_US)) / HOUR_US);
}

const LINES_MAX = 12;
const OTHER_LINE = 'other';

/** Rows of an aggregate by buckets and one field, as lines; the rarest values together as `other`. */
export function seriesOf(rows: readonly Group[], buckets: Buckets): Series {
  const lines = new Map<string, { name: string; total: number; counts: number[] }>();
  for (const row of rows) {
    const name = row.labels[0] ?? '';
    let line = lines.get(name);
    if (line === undefined) {
      line = { name, total: 0, counts: emptyLine(buckets) };
      lines.set(name, line);
    }
    line.total += row.records;
    addToLine(line.counts, buckets, row);
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
