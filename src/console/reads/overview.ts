/** The overview: what happened in a range, from a handful of exact counts. */

import { formatTime, HOUR_US } from '../../base/time.ts';
import { both, type ValueField, valueFilter, valuesFilter } from '../../query/build.ts';
import type { Filter, Query } from '../../query/filter.ts';
import { type Group, topGroups } from '../../store/totals/aggregate.ts';
import type { AggregateField } from '../../store/totals/groups.ts';
import type { Scope } from '../api/common.ts';
import { SEVERITY_NAMES } from '../api/common.ts';
import type { FirstSeen, HeatMap, Overview, OverviewFigures, TopItem } from '../api/overview.ts';
import type { Row } from '../api/records.ts';
import { addToLine, type Buckets, bucketsOf, emptyLine, hourOfDay, seriesOf } from './buckets.ts';
import { coverageOf } from './coverage.ts';
import type { Amount } from './greatest.ts';
import { questionOf } from './lists.ts';
import { rowOf } from './row.ts';
import type { Question, Source } from './source.ts';
import type { Seen } from './task.ts';

export const CHART_BUCKETS = 120;
const TREND_BUCKETS = 24;
const TOP = 10;
const EXAMPLES = 8;
const HEAT_USERS = 20;
const FIRST_SEEN_MAX = 50;
/** The slowest are looked for among these: sign-ins take long by design, as servers hash passwords. */
const STATEMENTS: Filter = valueFilter('kind', 'statement');

export function overview(source: Source, args: Seen<Scope>): Overview {
  const question = questionOf(source, args);
  return source.remember(question, ['overview', args], () => makeOverview(source, args, question));
}

/** The beginning of the overview. */
export function overviewFigures(source: Source, args: Seen<Scope>): OverviewFigures {
  const question = questionOf(source, args);
  return source.remember(question, ['overview figures', args], () => figuresOf(source, args, question));
}

function figuresOf(source: Source, args: Seen<Scope>, question: Question): OverviewFigures {
  const { query, range } = question;
  const chart = bucketsOf(range.fromUs, range.toUs, CHART_BUCKETS);
  const kinds = source.aggregate(query, { fields: ['kind'], countsOnly: true });
  const total = sum(kinds, 'records');
  const ofKind = (name: string): Group | undefined => kinds.find(({ labels }) => labels[0] === name);
  const byTime = { bucketUs: chart.widthUs, originUs: chart.originUs, countsOnly: true };
  return {
    asked: source.asked(question),
    total,
    statements: ofKind('statement')?.records ?? 0,
    errors: sum(kinds, 'failed'),
    alerts: source.count(query, ALERTS),
    rows: sum(kinds, 'rows'),
    failedLogins: ofKind('login')?.failed ?? 0,
    opaque: ofKind('opaque')?.records ?? 0,
    before: totalsBefore(source, question),
    coverage: coverageOf(source, range, args.db),
    series: seriesOf(source.aggregate(query, { fields: ['op'], ...byTime }), chart),
    outcomes: seriesOf(source.aggregate(query, { fields: ['outcome'], ...byTime }), chart),
    severities: severities(source.aggregate(query, { fields: ['severity'], countsOnly: true })),
  };
}

function makeOverview(source: Source, args: Seen<Scope>, question: Question): Overview {
  const { query } = question;
  const figures = figuresOf(source, args, question);
  const { total } = figures;
  const list = (only: Filter, best: Amount): Row[] =>
    source.greatest(query, only, best, EXAMPLES).map((record) => rowOf(record, args.sight));
  const users = topItems(source, question, 'user', total, HEAT_USERS).items;
  return {
    ...figures,
    users: users.slice(0, TOP),
    objects: topItems(source, question, 'object', total, TOP).items,
    clients: topItems(source, question, 'client', total, TOP).items,
    databases: topItems(source, question, 'db', total, TOP).items,
    rules: titled(source, topItems(source, question, 'rule', total, TOP).items),
    slow: list(STATEMENTS, 'duration'),
    failing: list({ kind: 'failed', value: true }, 'time'),
    extracted: list({ kind: 'number', field: 'returned', comparison: '>', value: 0 }, 'rows'),
    heat: heatMap(source, query, users),
    firstSeen: firstSeen(source, question),
  };
}

const ALERTS: Filter = valueFilter('action', 'alert');

export function alertQuery(query: Query): Query {
  return { ...query, filter: both(query.filter, ALERTS) };
}

function sum(rows: readonly Group[], measure: 'records' | 'failed' | 'rows'): number {
  return rows.reduce((total, row) => total + row[measure], 0);
}

function totalsBefore(source: Source, { query, range }: Question): Overview['before'] {
  const before = { ...query, fromUs: range.fromUs - (range.toUs - range.fromUs), toUs: range.fromUs };
  const rows = source.aggregate(before, { fields: [], countsOnly: true });
  return { total: sum(rows, 'records'), errors: sum(rows, 'failed'), alerts: source.count(before, ALERTS) };
}

function severities(rows: readonly Group[]): Overview['severities'] {
  return SEVERITY_NAMES.map((severity) => ({
    severity,
    count: rows.find(({ labels }) => labels[0] === severity)?.records ?? 0,
  }));
}

/** Most frequent values of a field, those without one left out, with a line of counts over the range each. */
export function topItems(
  source: Source,
  question: Question,
  field: ValueField & AggregateField,
  total: number,
  limit: number,
): { readonly items: TopItem[]; readonly values: number } {
  const { fromUs, toUs } = question.range;
  const { query } = question;
  const groups = source
    .aggregate(query, { fields: [field], countsOnly: true })
    .filter(({ labels }) => labels[0] !== '');
  const top = topGroups(groups, limit);
  const buckets = bucketsOf(fromUs, toUs, TREND_BUCKETS);
  // Lines are drawn for the values listed only: of the others there may be very many.
  const only = valuesFilter(
    field,
    top.map(({ labels }) => labels[0] ?? ''),
  );
  const by = { fields: [field], bucketUs: buckets.widthUs, originUs: buckets.originUs, countsOnly: true, only };
  const rows = top.length === 0 ? [] : source.aggregate(query, by);
  const trends = trendsOf(rows, buckets);
  const items = top.map(({ labels: [value = ''], records, failed, rows: found }) => ({
    value,
    count: records,
    share: total === 0 ? 0 : records / total,
    errors: failed,
    rows: found,
    trend: trends.get(value) ?? [],
  }));
  return { items, values: groups.length };
}

function trendsOf(rows: readonly Group[], buckets: Buckets): ReadonlyMap<string, number[]> {
  const trends = new Map<string, number[]>();
  for (const row of rows) {
    const value = row.labels[0] ?? '';
    const trend = trends.get(value) ?? emptyLine(buckets);
    trends.set(value, trend);
    addToLine(trend, buckets, row);
  }
  return trends;
}

/** Of the users with most records, by the hour of the day. */
function heatMap(source: Source, query: Query, users: readonly TopItem[]): HeatMap {
  const names = users.map(({ value }) => value);
  const hours = new Map(names.map((name) => [name, Array<number>(24).fill(0)]));
  const by = { fields: ['user'] as const, bucketUs: HOUR_US, countsOnly: true, only: valuesFilter('user', names) };
  for (const { labels, bucketUs, records } of names.length === 0 ? [] : source.aggregate(query, by)) {
    const row = hours.get(labels[0] ?? '');
    const hour = hourOfDay(bucketUs);
    if (row !== undefined) row[hour] = (row[hour] ?? 0) + records;
  }
  return { users: names, counts: [...hours.values()] };
}

const FIRST_SEEN_FIELDS = ['user', 'client', 'object', 'db', 'program'] as const;

/** Values of which the store has no record before the range; none when the range begins where the store does. */
export function firstSeen(source: Source, { query, range }: Question): FirstSeen[] {
  const { timeMinUs } = source.extent();
  if (timeMinUs === undefined || timeMinUs >= range.fromUs) return [];
  const found: FirstSeen[] = [];
  for (const field of FIRST_SEEN_FIELDS) {
    const known = source.valuesBefore(field, range.fromUs);
    const isNew = ({ labels: [value = ''] }: Group): boolean => value !== '' && !known.has(value);
    // Mostly there is none: their times are asked for only then.
    if (!source.aggregate(query, { fields: [field], countsOnly: true }).some(isNew)) continue;
    for (const { labels, firstUs } of source.aggregate(query, { fields: [field] }).filter(isNew)) {
      found.push({ field, value: labels[0] ?? '', time: formatTime(firstUs) });
    }
  }
  return found.sort((a, b) => (a.time < b.time ? 1 : -1)).slice(0, FIRST_SEEN_MAX);
}

function titled(source: Source, rules: readonly TopItem[]): TopItem[] {
  source.titles.refresh();
  return rules.map((rule) => {
    const title = source.titles.get(rule.value);
    return title === undefined ? rule : { ...rule, title };
  });
}
