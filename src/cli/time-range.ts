/** The options that say which time a command is about. */
import type { Command } from 'commander';
import { UserError } from '../base/errors.ts';
import { formatTime } from '../base/time.ts';
import { parseMoment, parseRanges, type TimeRange } from '../query/time.ts';
import { say } from './text.ts';

export interface TimeOptions {
  readonly from?: string;
  readonly to?: string;
  readonly time?: string;
}

export function timeOptions(command: Command): Command {
  return command
    .option('--from <time>', 'first moment: ISO 8601, or a distance back such as -1h')
    .option('--to <time>', 'moment at which to end')
    .option('-t, --time <range>', 'a range: 2026-11-20, 2026-11-20T10:00Z/PT30M, -2d, …');
}

/** The range asked for, echoed as absolute times; `undefined` when none was. Throws a UserError. */
export function timeRange({ from, to, time }: TimeOptions, nowUs: number): TimeRange | undefined {
  const range = rangeOf(from, to, time, nowUs);
  if (range !== undefined) say(`time: ${formatTime(range.fromUs)} to ${formatTime(range.toUs)}`);
  return range;
}

function rangeOf(
  from: string | undefined,
  to: string | undefined,
  time: string | undefined,
  nowUs: number,
): TimeRange | undefined {
  if (time !== undefined) {
    if (from !== undefined || to !== undefined) throw new UserError('give --time, or --from and --to, not both');
    const ranges = parseRanges(time, nowUs);
    if (ranges.length > 1)
      throw new UserError(`--time ${time} means several ranges: use time:${time} in the expression`);
    return ranges[0];
  }
  if (from === undefined && to === undefined) return undefined;
  const fromUs = from === undefined ? 0 : parseMoment(from, nowUs);
  const toUs = to === undefined ? nowUs : parseMoment(to, nowUs);
  if (toUs <= fromUs) throw new UserError('the time range ends before it begins: check --from and --to');
  return { fromUs, toUs };
}
