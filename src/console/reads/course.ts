/**
 * How alerts go, by themselves: whether one is new, goes on as before, or becomes frequent. Asked of all the store up to its
 * newest record, so that it depends neither on the range of a page nor on when one looks at a store that is no longer written.
 */
import { DAY_US, floorTo, HOUR_US } from '../../base/time.ts';
import type { AlertGroup } from '../api/alerts.ts';
import { alertQuery } from './overview.ts';
import type { Source } from './source.ts';

/** With the day before it, a week and a day. */
const DAYS = 8;
/** What matched less often in a day does not escalate, however rare it was. */
const ESCALATING_MIN = 10;
/** And it is so many times what the busiest of the days before had. */
const ESCALATING_FACTOR = 2;

export type Course = Pick<AlertGroup, 'lastDay' | 'busiestBefore'> & {
  readonly course: Exclude<AlertGroup['course'], undefined | 'regressed'>;
};

/** Courses of alerts by rule and fingerprint. */
export class Courses {
  /** End of the last day, in whole hours: what was counted up to it serves until it has passed. */
  private readonly endUs: number;
  private readonly firstUs = new Map<string, number>();
  /** By day, the last one first. */
  private readonly days = new Map<string, number[]>();

  constructor(source: Source) {
    this.endUs = floorTo(source.extent().timeMaxUs ?? 0, HOUR_US) + HOUR_US;
    const fields = ['rule', 'fingerprint'] as const;
    for (const { labels, firstUs } of source.aggregate(alertQuery({}), { fields })) {
      const [rule = '', fingerprint = ''] = labels;
      this.firstUs.set(keyOf(rule, fingerprint), firstUs);
    }
    const fromUs = this.endUs - DAYS * DAY_US;
    const by = { fields, bucketUs: DAY_US, originUs: fromUs, countsOnly: true };
    for (const { labels, bucketUs, records } of source.aggregate(alertQuery({ fromUs, toUs: this.endUs }), by)) {
      const [rule = '', fingerprint = ''] = labels;
      const key = keyOf(rule, fingerprint);
      const days = this.days.get(key) ?? Array<number>(DAYS).fill(0);
      this.days.set(key, days);
      const day = DAYS - 1 - Math.round((bucketUs - fromUs) / DAY_US);
      if (day >= 0 && day < DAYS) days[day] = (days[day] ?? 0) + records;
    }
  }

  of(rule: string, fingerprint: string): Course {
    const key = keyOf(rule, fingerprint);
    const [lastDay = 0, ...before] = this.days.get(key) ?? [];
    const busiestBefore = Math.max(0, ...before);
    const isNew = (this.firstUs.get(key) ?? 0) >= this.endUs - DAY_US;
    const isEscalating = lastDay >= ESCALATING_MIN && lastDay >= ESCALATING_FACTOR * busiestBefore;
    return { course: isNew ? 'new' : isEscalating ? 'escalating' : 'ongoing', lastDay, busiestBefore };
  }
}

function keyOf(rule: string, fingerprint: string): string {
  return `${rule}\n${fingerprint}`;
}
