/** Alerts: records with a rule that raised one, in groups of a rule and a shape of statement. */
import { formatTime } from '../../base/time.ts';
import { severityRank } from '../../contracts/record.ts';
import { both, valueFilter } from '../../query/build.ts';
import type { Filter, Query } from '../../query/filter.ts';
import type { Group } from '../../store/totals/aggregate.ts';
import {
  ALERT_STATES,
  type AlertGroup,
  type AlertState,
  type Alerts,
  type AlertsQuery,
  type AlertView,
  type Until,
} from '../api/alerts.ts';
import type { Scope } from '../api/common.ts';
import { ConsoleError } from '../error.ts';
import { addToLine, type Buckets, bucketsOf, emptyLine, seriesOf } from './buckets.ts';
import { type Course, Courses } from './course.ts';
import { questionOf } from './lists.ts';
import { explainMatches } from './matches.ts';
import { alertQuery } from './overview.ts';
import { rowOf } from './row.ts';
import type { Source } from './source.ts';
import type { Seen } from './task.ts';
import { hasHappened } from './until.ts';

/** The last decision on a group by those who may see some databases, or all. */
export interface DecisionFacts {
  readonly groupId: string;
  readonly state: AlertState;
  readonly verdict: 'expected' | 'problem' | 'noise' | undefined;
  readonly who: string;
  /** Time of the newest match there was when it was made. */
  readonly lastUs: number;
  /** What it is about: a group with records of others is not decided by it. `undefined`: all. */
  readonly databases: readonly string[] | undefined;
  /** What a closed one stays closed until; `undefined`: until it matches again. */
  readonly until: Until | undefined;
}

const TREND_BUCKETS = 24;
const CHART_BUCKETS = 96;
const GROUPS_MAX = 500;
const ROWS = 50;
const USERS = 5;
const SEPARATOR = '~';

export function alerts(
  source: Source,
  args: Seen<AlertsQuery & { decisions: readonly DecisionFacts[]; who: string }>,
): Alerts {
  const question = questionOf(source, args);
  const query = alertQuery(question.query);
  const buckets = bucketsOf(question.range.fromUs, question.range.toUs, TREND_BUCKETS);
  const groups = groupsOf(source, query, buckets, args.decisions);
  const counts = { open: 0, acknowledged: 0, closed: 0 };
  for (const { state } of groups) counts[state]++;
  const states = statesOf(args.state);
  const inView = groups.filter(
    ({ state, severity, by }) =>
      states.has(state) &&
      (args.severity === undefined || severity === args.severity) &&
      (args.mine !== true || by === args.who),
  );
  const courses = { new: 0, ongoing: 0, escalating: 0, regressed: 0 };
  for (const { course } of inView) if (course !== undefined) courses[course]++;
  const wanted = inView.filter(({ course }) => args.course === undefined || course === args.course);
  const shown = described(source, query, wanted.slice(0, GROUPS_MAX));
  return { asked: source.asked(question), groups: shown, counts, courses };
}

function statesOf(text: string | undefined): ReadonlySet<AlertState> {
  if (text === undefined) return new Set(['open', 'acknowledged']);
  return new Set(
    text.split(',').map((name) => {
      const state = ALERT_STATES.find((known) => known === name);
      if (state === undefined) throw new ConsoleError('bad-request', `there is no state ${name}`);
      return state;
    }),
  );
}

interface Draft {
  readonly rule: string;
  readonly fingerprint: string;
  count: number;
  firstUs: number;
  lastUs: number;
  readonly users: Map<string, number>;
  readonly trend: number[];
}
type Triaged = Omit<AlertGroup, 'title' | 'summary'> & { readonly lastUs: number };

function groupsOf(source: Source, query: Query, buckets: Buckets, decisions: readonly DecisionFacts[]): Triaged[] {
  const severities = alertRules(source, query);
  const decided = decisionsOf(source, query, decisions);
  const courses = source.ofAll('courses', () => new Courses(source));
  const drafts = new Map<string, Draft>();
  const by = {
    fields: ['rule', 'fingerprint', 'user'] as const,
    bucketUs: buckets.widthUs,
    originUs: buckets.originUs,
  };
  for (const row of source.aggregate(query, by)) {
    const [rule = '', fingerprint = ''] = row.labels;
    if (!severities.has(rule)) continue;
    const id = groupId(rule, fingerprint);
    const draft = drafts.get(id) ?? newDraft(rule, fingerprint, buckets);
    drafts.set(id, draft);
    addRow(draft, row, buckets);
  }
  const groups = [...drafts].map(([id, draft]) => {
    const { rule, fingerprint, count, firstUs, lastUs, trend } = draft;
    const users = [...draft.users].map(([value, found]) => ({ value, count: found }));
    const { course, lastDay, busiestBefore } = courses.of(rule, fingerprint);
    return {
      id,
      rule,
      severity: severities.get(rule) ?? ('info' as const),
      ...(fingerprint === '' ? {} : { fingerprint }),
      count,
      first: formatTime(firstUs),
      last: formatTime(lastUs),
      lastUs,
      users: users.sort((a, b) => b.count - a.count).slice(0, USERS),
      trend,
      lastDay,
      busiestBefore,
      ...stateOf(source, { rule, ...(fingerprint === '' ? {} : { fingerprint }), lastUs, course }, decided.get(id)),
    };
  });
  return groups.sort((a, b) => rank(b) - rank(a) || b.lastUs - a.lastUs);
}

/** By group the latest decision that is about all of its records. `decisions` are in order of time. */
function decisionsOf(
  source: Source,
  query: Query,
  decisions: readonly DecisionFacts[],
): ReadonlyMap<string, DecisionFacts> {
  const databases = new Map<string, string[]>();
  // Asked only where somebody decided about some databases.
  const by = { fields: ['rule', 'fingerprint', 'db'] as const };
  for (const { labels } of decisions.some((one) => one.databases !== undefined) ? source.aggregate(query, by) : []) {
    const [rule = '', fingerprint = '', db = ''] = labels;
    const id = groupId(rule, fingerprint);
    const names = databases.get(id) ?? [];
    names.push(db);
    databases.set(id, names);
  }
  const decided = new Map<string, DecisionFacts>();
  for (const decision of decisions) {
    const about = decision.databases?.map((name) => name.toLowerCase());
    const names = databases.get(decision.groupId) ?? [];
    if (about === undefined || names.every((name) => about.includes(name.toLowerCase())))
      decided.set(decision.groupId, decision);
  }
  return decided;
}

export function groupId(rule: string, fingerprint: string): string {
  return `${rule}${SEPARATOR}${fingerprint}`;
}

function newDraft(rule: string, fingerprint: string, buckets: Buckets): Draft {
  const times = { firstUs: Number.MAX_SAFE_INTEGER, lastUs: 0 };
  return { rule, fingerprint, count: 0, ...times, users: new Map(), trend: emptyLine(buckets) };
}

function addRow(draft: Draft, group: Group, buckets: Buckets): void {
  const { labels, records, firstUs, lastUs } = group;
  const user = labels[2] ?? '';
  draft.count += records;
  draft.firstUs = Math.min(draft.firstUs, firstUs);
  draft.lastUs = Math.max(draft.lastUs, lastUs);
  if (user !== '') draft.users.set(user, (draft.users.get(user) ?? 0) + records);
  addToLine(draft.trend, buckets, group);
}

/** Rules that raised alerts, with their severity: what the latest record of each says. */
function alertRules(source: Source, query: Query): ReadonlyMap<string, AlertGroup['severity']> {
  const rules = new Map<string, AlertGroup['severity']>();
  for (const { labels } of source.aggregate(query, { fields: ['rule'] })) {
    const [rule = ''] = labels;
    const [record] = source.latest({ ...query, filter: both(query.filter, valueFilter('rule', rule)) }, 1);
    const match = record?.policy?.find((one) => one.rule === rule);
    if (match?.action === 'alert') rules.set(rule, match.severity);
  }
  return rules;
}

/** Without a decision an alert is open; a closed one that came back is open once more, as its course says. */
function stateOf(
  source: Source,
  group: Pick<AlertGroup, 'rule' | 'fingerprint'> & Pick<Course, 'course'> & { readonly lastUs: number },
  decision: DecisionFacts | undefined,
): Pick<AlertGroup, 'state' | 'course' | 'by' | 'verdict' | 'until'> {
  const { course } = group;
  if (decision === undefined) return { state: 'open', course };
  const { state, who, verdict, until } = decision;
  const returned = state === 'closed' && cameBack(source, group, decision);
  return {
    state: returned ? 'open' : state,
    ...(returned ? { course: 'regressed' as const } : state === 'closed' ? {} : { course }),
    by: who,
    ...(verdict === undefined ? {} : { verdict }),
    ...(until === undefined ? {} : { until }),
  };
}

function cameBack(
  source: Source,
  group: Pick<AlertGroup, 'rule' | 'fingerprint'> & { readonly lastUs: number },
  { verdict, until, lastUs }: DecisionFacts,
): boolean {
  if (until === undefined) return verdict !== 'noise' && group.lastUs > lastUs;
  return hasHappened(source, alertQuery({ filter: groupFilter(group) }), until, lastUs, Date.now() * 1000);
}

function rank({ severity, course }: Triaged): number {
  return severityRank(severity) + (course === 'regressed' || course === 'escalating' ? 0.5 : 0);
}

/** With the title of each group's rule, and the normalised text of its statements. */
function described(source: Source, query: Query, groups: readonly Triaged[]): AlertGroup[] {
  const rows = groups.length === 0 ? [] : source.aggregate(query, { fields: ['fingerprint', 'summary'] });
  const summaries = new Map(rows.map(({ labels: [fingerprint = '', summary = ''] }) => [fingerprint, summary]));
  source.titles.refresh();
  return groups.map(({ lastUs: _lastUs, ...group }) => {
    const summary = summaries.get(group.fingerprint ?? '');
    const title = source.titles.get(group.rule);
    return {
      ...group,
      ...(title === undefined ? {} : { title }),
      ...(summary === undefined || summary === '' ? {} : { summary }),
    };
  });
}

function groupFilter({ rule, fingerprint }: Pick<AlertGroup, 'rule' | 'fingerprint'>): Filter | undefined {
  const byRule = valueFilter('rule', rule);
  return fingerprint === undefined ? byRule : both(byRule, valueFilter('fingerprint', fingerprint));
}

export function alert(
  source: Source,
  args: Seen<Scope & { id: string; decisions: readonly DecisionFacts[]; who: string }>,
): Omit<AlertView, 'trail'> {
  const question = questionOf(source, args);
  const query = alertQuery(question.query);
  const at = args.id.lastIndexOf(SEPARATOR);
  if (at < 1) throw new ConsoleError('not-found', 'there is no such alert');
  const rule = args.id.slice(0, at);
  const fingerprint = args.id.slice(at + 1);
  const filter = groupFilter({ rule, ...(fingerprint === '' ? {} : { fingerprint }) });
  const own = { ...query, filter: both(query.filter, filter) };
  const buckets = bucketsOf(question.range.fromUs, question.range.toUs, CHART_BUCKETS);
  const group = groupsOf(source, own, buckets, args.decisions).find(({ id }) => id === args.id);
  if (group === undefined) throw new ConsoleError('not-found', 'this alert has no records in the time asked for');
  const [shown = group] = described(source, own, [group]);
  const rows = source.latest(own, ROWS);
  const [latest] = rows;
  const match = latest && explainMatches(source, latest, args.sight).find((one) => one.rule === rule);
  const byTime = { fields: [], bucketUs: buckets.widthUs, originUs: buckets.originUs, countsOnly: true };
  return {
    asked: source.asked(question),
    group: shown,
    ...(match?.reason === undefined ? {} : { reason: match.reason }),
    references: match?.references ?? [],
    series: seriesOf(source.aggregate(own, byTime), buckets),
    rows: rows.map((record) => rowOf(record, args.sight)),
    q: `rule:${JSON.stringify(rule)}${fingerprint === '' ? '' : ` fingerprint:${fingerprint}`}`,
  };
}
