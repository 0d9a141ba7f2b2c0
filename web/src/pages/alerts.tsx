/**
 * Alerts in groups of one rule and one shape of statement: what is open, why it matched, and the decision with its reason.
 * Nothing can be deleted; every decision stays in the trail.
 */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { AlertCourse, AlertGroup, Alerts as AlertsData } from '#src/console/api/alerts.js';
import { useAnswer } from '../base/answer.ts';
import type { Params } from '../base/api.ts';
import { formatCount } from '../base/format.ts';
import { useKeys } from '../base/keys.ts';
import { query, scopeParams, useEcho } from '../base/scope.ts';
import { may } from '../base/session.ts';
import { patched, place, setParams } from '../base/url.ts';
import { SeverityBadge } from '../ui/badge.tsx';
import { Chips } from '../ui/chips.tsx';
import { Moment } from '../ui/record-columns.tsx';
import { Spark } from '../ui/spark.tsx';
import { Answered, Empty } from '../ui/states.tsx';
import { Tabs } from '../ui/tabs.tsx';
import { COURSE_HINTS, COURSE_TEXTS, COURSES, CourseTag } from './alerts/course.tsx';
import { Decide } from './alerts/decide.tsx';
import { GroupDetail } from './alerts/group-detail.tsx';
import { untilText } from './alerts/until.tsx';

type View = 'open' | 'mine' | 'acknowledged' | 'closed' | 'all';

/** What the server is asked for in each view. */
const QUESTIONS: Readonly<Record<View, Params>> = {
  open: { state: 'open' },
  mine: { state: 'acknowledged', mine: true },
  acknowledged: { state: 'acknowledged' },
  closed: { state: 'closed' },
  all: { state: 'open,acknowledged,closed' },
};
const VIEWS: readonly View[] = ['open', 'mine', 'acknowledged', 'closed', 'all'];

export default function Alerts(): JSX.Element {
  const view = VIEWS.find((one) => one === place.value.params.get('state')) ?? 'open';
  const course = COURSES.find((one) => one === place.value.params.get('course'));
  const answer = useAnswer<AlertsData>('/alerts', { ...scopeParams(), q: query(), ...QUESTIONS[view], course });
  useEcho(answer.data?.asked);
  const counts = answer.data?.counts;
  const tab = (id: View, text: string): { id: View; text: string; count?: number } =>
    counts === undefined || id === 'all' || id === 'mine' ? { id, text } : { id, text, count: counts[id] };
  return (
    <>
      <Tabs
        label="State"
        chosen={view}
        onChoose={(id) => setParams({ state: id === 'open' ? undefined : id, course: undefined, group: undefined })}
        tabs={[
          tab('open', 'To review'),
          ...(may('auditor') ? [tab('mine', 'Taken by me')] : []),
          tab('acknowledged', 'Taken'),
          tab('closed', 'Closed'),
          tab('all', 'All'),
        ]}
      />
      <Chips />
      {answer.data !== undefined && <CourseChips courses={answer.data.courses} chosen={course} />}
      <Answered answer={answer}>
        {(data) =>
          data.groups.length === 0 ? (
            <Empty ofRecords title={view === 'open' ? 'Nothing to review' : 'No alerts in this state'}>
              <p>Rules alert on statements as they are seen; see Policies for what they look for.</p>
            </Empty>
          ) : (
            <>
              {data.groups.length < matching(data, view, course) && (
                <p class="note small">
                  The {formatCount(data.groups.length)} most severe of {formatCount(matching(data, view, course))} are
                  listed; narrow the time or the databases for the others.
                </p>
              )}
              <Triage groups={data.groups} onDecided={answer.reload} />
            </>
          )
        }
      </Answered>
    </>
  );
}

/** Those there are, and the one that is chosen; a click on it again shows all. */
function CourseChips({
  courses,
  chosen,
}: {
  readonly courses: AlertsData['courses'];
  readonly chosen: AlertCourse | undefined;
}): JSX.Element | null {
  const shown = COURSES.filter((course) => courses[course] > 0 || course === chosen);
  if (shown.length === 0) return null;
  return (
    <ul class="chips" aria-label="How they go">
      {shown.map((course) => (
        <li key={course} class={course === chosen ? 'chip' : 'chip other'}>
          <a
            class="chip-text"
            href={patched({ course: course === chosen ? undefined : course, group: undefined })}
            aria-current={course === chosen ? 'true' : undefined}
            title={COURSE_HINTS[course]}
          >
            {COURSE_TEXTS[course]} <b class="num">{formatCount(courses[course])}</b>
          </a>
        </li>
      ))}
    </ul>
  );
}

/** Groups that there are in the view, listed or not; of one's own nobody takes more than are listed. */
function matching({ counts, courses }: AlertsData, view: View, course: AlertCourse | undefined): number {
  if (view === 'mine') return 0;
  if (course !== undefined) return courses[course];
  return view === 'all' ? counts.open + counts.acknowledged + counts.closed : counts[view];
}

function Triage({
  groups,
  onDecided,
}: {
  readonly groups: readonly AlertGroup[];
  readonly onDecided: () => void;
}): JSX.Element {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const openId = place.value.params.get('group') ?? groups[0]?.id;
  const index = Math.max(
    0,
    groups.findIndex((group) => group.id === openId),
  );
  const move = (by: number): void => {
    const next = groups[Math.min(groups.length - 1, Math.max(0, index + by))];
    if (next !== undefined) setParams({ group: next.id }, { replace: true });
  };
  useKeys(
    [
      { keys: 'j', label: 'Next alert', run: () => move(1) },
      { keys: 'k', label: 'Previous alert', run: () => move(-1) },
    ],
    [groups, index],
  );
  const choose = (id: string, on: boolean): void => {
    const next = new Set(chosen);
    if (on) next.add(id);
    else next.delete(id);
    setChosen(next);
  };
  const present = groups.filter((group) => chosen.has(group.id)).map((group) => group.id);
  const group = groups[index];
  return (
    <div class="triage">
      <div class="stack tight">
        <ul class="alert-list">
          {groups.map((one) => (
            <AlertLine
              key={one.id}
              group={one}
              here={one.id === group?.id}
              chosen={chosen.has(one.id)}
              onChoose={(on) => choose(one.id, on)}
            />
          ))}
        </ul>
        {present.length > 1 && may('auditor') && (
          <Decide
            ids={present}
            onDecided={() => {
              setChosen(new Set());
              onDecided();
            }}
          />
        )}
      </div>
      {group !== undefined && <GroupDetail key={group.id} group={group} onDecided={onDecided} />}
    </div>
  );
}

function AlertLine(props: {
  readonly group: AlertGroup;
  readonly here: boolean;
  readonly chosen: boolean;
  readonly onChoose: (on: boolean) => void;
}): JSX.Element {
  const { group } = props;
  return (
    <li class={props.here ? 'alert-line here' : 'alert-line'}>
      {may('auditor') && (
        <input
          type="checkbox"
          aria-label={`Choose ${group.title ?? group.rule}`}
          checked={props.chosen}
          onChange={(event) => props.onChoose(event.currentTarget.checked)}
        />
      )}
      <a href={patched({ group: group.id, id: undefined })} aria-current={props.here ? 'true' : undefined}>
        <SeverityBadge severity={group.severity} short />
        <span class="alert-title">
          <span class="strong clip">{group.title ?? group.rule}</span>
          <code class="clip small">{group.summary ?? ''}</code>
        </span>
        <span class="alert-count">
          <b class="num">×{formatCount(group.count)}</b>
          <Spark values={group.trend} />
        </span>
        <span class="small muted alert-when">
          <Moment time={group.last} /> {group.users.map((user) => user.value || 'unknown').join(', ')}
          <CourseTag group={group} />
          {group.state !== 'open' && <span class="tag">{group.verdict ?? group.state}</span>}
          {group.state === 'closed' && group.until !== undefined && <span>until {untilText(group.until)}</span>}
        </span>
      </a>
    </li>
  );
}
