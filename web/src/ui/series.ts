/** Time series of the API as stacked lines for a chart: cumulated from the last line up, the first line on the bottom. */
import type { Series } from '#src/console/api/records.js';
import { formatMoment, type Zone } from '../base/format.ts';

export interface Stacked {
  /** Start of each bucket in seconds since 1970, and one more for the end of the last. */
  readonly xs: readonly number[];
  /** For each line the height up to which it reaches. */
  readonly tops: readonly (readonly number[])[];
}

export function bucketStartMs(series: Series, bucket: number): number {
  return Date.parse(series.from) + (bucket * series.bucketUs) / 1000;
}

export function stack(series: Series): Stacked {
  const xs = Array.from({ length: series.buckets }, (_, bucket) => bucketStartMs(series, bucket) / 1000);
  const sums = new Array<number>(series.buckets).fill(0);
  const tops = series.lines.map((line) => {
    for (let bucket = 0; bucket < series.buckets; bucket++) {
      sums[bucket] = (sums[bucket] ?? 0) + (line.counts[bucket] ?? 0);
    }
    return [...sums];
  });
  return { xs, tops };
}

/** Lines that are told apart by colour; the rest stand together as `other`. */
const LINES_MAX = 6;

export const OTHER = 'other';

export function folded(whole: Series): Series {
  const series = whole.lines.length === 1 && whole.lines[0]?.name === '' ? named(whole) : whole;
  const rest = series.lines.filter((line, index) => index >= LINES_MAX || line.name === OTHER);
  if (rest.length === 0) return series;
  const counts = Array.from({ length: series.buckets }, (_, bucket) =>
    rest.reduce((sum, line) => sum + (line.counts[bucket] ?? 0), 0),
  );
  const total = rest.reduce((sum, line) => sum + line.total, 0);
  const kept = series.lines.filter((line) => !rest.includes(line));
  return { ...series, lines: [...kept, { name: OTHER, total, counts }] };
}

/** Counts that were not told apart. */
function named(series: Series): Series {
  return { ...series, lines: series.lines.map((line) => ({ ...line, name: 'records' })) };
}

/** Records of a line without a name are no statements, or ones whose operation is not known. */
export function lineText(name: string): string {
  return name === '' ? 'no operation' : name;
}

/** Colour token of the n-th line: outcomes have their own, anything past the palette shares the last. */
export function lineColour(name: string, index: number): string {
  if (name === 'ok') return 'ok';
  if (name === 'error' || name === 'failed') return 'error';
  if (name === 'denied') return 'denied';
  if (name === OTHER) return 'series-7';
  const severity = /^(critical|high|medium|low|info)$/.exec(name);
  if (severity !== null) return name;
  return `series-${Math.min(index, 6) + 1}`;
}

/** `5 min`: the width of a bucket. */
export function bucketName(bucketUs: number): string {
  const seconds = bucketUs / 1e6;
  if (seconds < 1) return `${bucketUs / 1000} ms`;
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${seconds / 60} min`;
  if (seconds < 86_400) return `${seconds / 3600} h`;
  return `${seconds / 86_400} d`;
}

const DAY_SECONDS = 86_400;

/** Marks of a time axis, `stepSeconds` apart: the clock, with the date below where a day begins; dates when they are days apart. */
export function timeMarks(ticks: readonly number[], stepSeconds: number, zone: Zone): string[] {
  let day = '';
  return ticks.map((seconds) => {
    const text = formatMoment(seconds * 1000, zone, stepSeconds < 1 ? 'ms' : 'second');
    const date = text.slice(0, 10);
    if (stepSeconds >= DAY_SECONDS) {
      const year = date.slice(0, 4);
      const mark = stepSeconds >= 28 * DAY_SECONDS ? date.slice(0, 7) : date.slice(5);
      const first = year !== day;
      day = year;
      return first && mark.length === 5 ? `${mark}\n${year}` : mark;
    }
    const clock = text.slice(11, stepSeconds >= 60 ? 16 : stepSeconds < 1 ? 23 : 19);
    const first = date !== day;
    day = date;
    return first ? `${clock}\n${date}` : clock;
  });
}
