/** Expressions of time as absolute ranges. */
import { floorTo, SECOND_US } from '../../base/time.ts';
import { parseRanges, type TimeRange } from '../../query/time.ts';
import { ConsoleError } from '../error.ts';

/** First and last moment of what there is. */
export interface Times {
  readonly timeMinUs: number | undefined;
  readonly timeMaxUs: number | undefined;
}

/** Half open; without an expression as far as `extent` reaches, in whole seconds. Throws `QueryError`, `ConsoleError`. */
export function rangeOf(t: string | undefined, nowUs: number, extent: () => Times): TimeRange {
  if (t === undefined || t === '') {
    const { timeMinUs, timeMaxUs } = extent();
    const fromUs = timeMinUs ?? nowUs;
    return { fromUs: floorTo(fromUs, SECOND_US), toUs: floorTo(timeMaxUs ?? nowUs, SECOND_US) + SECOND_US };
  }
  const ranges = parseRanges(t, nowUs);
  const [range] = ranges;
  if (range === undefined || ranges.length > 1)
    throw new ConsoleError('query', `${t} means several ranges: write time:${t} into the query`);
  return range;
}
