/** The bars of the overview's chart at an earlier time: asked once the overview is shown, so that it never waits for them. */
import { formatTime } from '../../base/time.ts';
import type { OverviewBefore, OverviewBeforeQuery } from '../api/overview.ts';
import { bucketsOf, DAY_US } from './buckets.ts';
import { questionOf } from './lists.ts';
import { CHART_BUCKETS } from './overview.ts';
import type { Source } from './source.ts';
import type { Seen } from './task.ts';

const WEEK_US = 7 * DAY_US;

export function overviewBefore(source: Source, args: Seen<OverviewBeforeQuery>): OverviewBefore {
  const question = questionOf(source, args);
  const { fromUs, toUs } = question.range;
  const backUs = args.back === 'week' ? WEEK_US : toUs - fromUs;
  const range = { fromUs: fromUs - backUs, toUs: toUs - backUs };
  const { originUs, widthUs, count } = bucketsOf(fromUs, toUs, CHART_BUCKETS);
  const by = { fields: [], bucketUs: widthUs, originUs: originUs - backUs, countsOnly: true };
  const counts = Array<number>(count).fill(0);
  let total = 0;
  for (const { bucketUs, records } of source.aggregate({ ...question.query, ...range }, by)) {
    const bar = Math.round((bucketUs - by.originUs) / widthUs);
    if (bar >= 0 && bar < count) counts[bar] = (counts[bar] ?? 0) + records;
    total += records;
  }
  return { asked: source.asked(question), from: formatTime(range.fromUs), to: formatTime(range.toUs), total, counts };
}
