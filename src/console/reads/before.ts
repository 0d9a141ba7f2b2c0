/** The bars of the overview's chart at an earlier time: asked once the overview is shown, so that it never waits for them. */
import { DAY_US, formatTime } from '../../base/time.ts';
import type { OverviewBefore, OverviewBeforeQuery } from '../api/overview.ts';
import { addToLine, bucketsOf, emptyLine } from './buckets.ts';
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
  const chart = bucketsOf(fromUs, toUs, CHART_BUCKETS);
  const earlier = { ...chart, originUs: chart.originUs - backUs };
  const by = { fields: [], bucketUs: earlier.widthUs, originUs: earlier.originUs, countsOnly: true };
  const counts = emptyLine(earlier);
  let total = 0;
  for (const group of source.aggregate({ ...question.query, ...range }, by)) {
    addToLine(counts, earlier, group);
    total += group.records;
  }
  return { asked: source.asked(question), from: formatTime(range.fromUs), to: formatTime(range.toUs), total, counts };
}
