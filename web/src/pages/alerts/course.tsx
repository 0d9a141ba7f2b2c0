/** How an alert goes by itself, in words. */
import type { JSX } from 'preact';
import type { AlertCourse, AlertGroup } from '#src/console/api/alerts.js';
import { formatCount, plural } from '../../base/format.ts';

export const COURSES: readonly AlertCourse[] = ['new', 'ongoing', 'escalating', 'regressed'];

export const COURSE_TEXTS: Readonly<Record<AlertCourse, string>> = {
  new: 'new',
  ongoing: 'ongoing',
  escalating: 'escalating',
  regressed: 'came back',
};

export const COURSE_HINTS: Readonly<Record<AlertCourse, string>> = {
  new: 'Matched for the first time within the last day of the store',
  ongoing: 'Matched before the last day, and no more often than it did',
  escalating: 'At least ten matches in the last day, and twice as many as on any of the seven days before',
  regressed: 'Was closed, and matched again or what it was closed until happened',
};

/** Nothing for what goes on as it did. */
export function CourseTag({ group }: { readonly group: AlertGroup }): JSX.Element | null {
  const { course } = group;
  if (course === undefined || course === 'ongoing') return null;
  return (
    <span class="tag new" title={COURSE_HINTS[course]}>
      {COURSE_TEXTS[course]}
    </span>
  );
}

/** The numbers that it was told from. */
export function CourseLine({ group }: { readonly group: AlertGroup }): JSX.Element {
  const { course, lastDay, busiestBefore } = group;
  return (
    <p class="small">
      {course !== undefined && <span class="tag">{COURSE_TEXTS[course]}</span>} {plural(lastDay, 'match', 'matches')} in
      the last day of the store; {formatCount(busiestBefore)} on the busiest of the seven days before.
    </p>
  );
}
