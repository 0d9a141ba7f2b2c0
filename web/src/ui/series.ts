/** Time series of the API as stacked lines for a chart: cumulated from the last line up, the first line on the bottom. */
import type { Series } from '#src/console/api/records.js';

export interface Stacked {
  /** Start of each bucket in seconds since 1970, and one more for the end of the last. */
  readonly xs: readonly number[];
  /** For each line the height up to which it reaches. */
  readonly tops: readonly (readonly number[])[];
}

export function bucketStartMs(series: Series, bucket: number): number {
  return Date.parse(series.from) + (bucket * series.bucketUs) / 1000;
}

export function stack(series: Series, hidden: ReadonlySet<string>): Stacked {
  const xs = Array.from({ length: series.buckets }, (_, bucket) => bucketStartMs(series, bucket) / 1000);
  const sums = new Array<number>(series.buckets).fill(0);
  const tops = series.lines.map((line) => {
    if (!hidden.has(line.name)) {
      for (let bucket = 0; bucket < series.buckets; bucket++) {
        sums[bucket] = (sums[bucket] ?? 0) + (line.counts[bucket] ?? 0);
      }
    }
    return [...sums];
  });
  return { xs, tops };
}

/** Colour token of the n-th line: outcomes have their own, anything past the palette shares the last. */
export function lineColour(name: string, index: number): string {
  if (name === 'ok') return 'ok';
  if (name === 'error' || name === 'failed') return 'error';
  if (name === 'denied') return 'denied';
  if (name === 'other') return 'series-7';
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
