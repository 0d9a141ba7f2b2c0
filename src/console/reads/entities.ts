/** The pages of a user, an object, a database: what is usual there, and what is not. */
import { DAY_US, formatTime, HOUR_US } from '../../base/time.ts';
import { both, valueFilter } from '../../query/build.ts';
import type { Filter, Query } from '../../query/filter.ts';
import type { TimeRange } from '../../query/time.ts';
import type { Group } from '../../store/totals/aggregate.ts';
import type { AggregateField } from '../../store/totals/groups.ts';
import type { Entities, EntitiesQuery, EntityQuery, EntityView, Figure } from '../api/overview.ts';
import { ConsoleError } from '../error.ts';
import { bucketsOf, hourOfDay, seriesOf } from './buckets.ts';
import { questionOf } from './lists.ts';
import { alertQuery, topItems } from './overview.ts';
import { rowOf, type Sight } from './row.ts';
import type { Question, Source } from './source.ts';
import type { Seen } from './task.ts';

export type EntityKind = 'user' | 'object' | 'database';

const FIELD_OF: { readonly [K in EntityKind]: 'user' | 'object' | 'db' } = {
  user: 'user',
  object: 'object',
  database: 'db',
};

const COMPANIONS: { readonly [K in EntityKind]: readonly EntityView['related'][number]['field'][] } = {
  user: ['object', 'op', 'client', 'program', 'db', 'rule'],
  object: ['user', 'op', 'program', 'client', 'db', 'rule'],
  database: ['user', 'object', 'op', 'client', 'program', 'rule'],
};

const CHART_BUCKETS = 120;
const RELATED_MAX = 20;
const RARE_MAX = 10;
const ALERTS_MAX = 20;
/** Days from Monday to Thursday, the weekday of 1970-01-01. */
const EPOCH_WEEKDAY = 3;
/** A shape is rare when it makes less than this part of the records. */
const RARE_PART = 0.01;

export function entities(source: Source, args: Seen<EntitiesQuery>): Entities {
  const question = questionOf(source, args);
  const total = source.count(question.query);
  const limit = args.limit ?? 200;
  const { items, values } = topItems(source, question, FIELD_OF[args.kind], total, limit);
  return { asked: source.asked(question), total: values, items, others: values - items.length };
}

export function entity(source: Source, args: Seen<EntityQuery & { kind: EntityKind; name: string }>): EntityView {
  const { days = 30, t, w } = args;
  const question = source.question({ t, w });
  return source.remember(question, ['entity', args], () => makeEntity(source, args, question, days));
}

function makeEntity(
  source: Source,
  { kind, name, sight }: Seen<EntityQuery & { kind: EntityKind; name: string }>,
  question: Question,
  days: number,
): EntityView {
  const own = valueFilter(FIELD_OF[kind], name);
  const [ever] = source.aggregate({ filter: own }, { fields: [] });
  if (ever === undefined) throw new ConsoleError('not-found', `no record names the ${kind} ${name}`);
  const now: Query = { ...question.query, filter: own };
  const { fromUs, toUs } = question.range;
  const baseline: TimeRange = { fromUs: fromUs - days * DAY_US, toUs: fromUs };
  const usual: Query = { ...baseline, filter: own };
  const chart = bucketsOf(fromUs, toUs, CHART_BUCKETS);
  const usualDays = source.aggregate(usual, { fields: [], bucketUs: DAY_US });
  return {
    kind,
    name,
    asked: source.asked(question),
    first: formatTime(ever.firstUs),
    last: formatTime(ever.lastUs),
    records: ever.records,
    baseline: {
      from: formatTime(baseline.fromUs),
      to: formatTime(baseline.toUs),
      records: usualDays.reduce((sum, { records }) => sum + records, 0),
      days: usualDays.length,
    },
    series: seriesOf(
      source.aggregate(now, { fields: ['op'], bucketUs: chart.widthUs, originUs: chart.originUs, countsOnly: true }),
      chart,
    ),
    week: { usual: weekOf(source, usual), now: weekOf(source, now) },
    figures: figures(source, { kind, name, now, usual, nowDays: Math.max(1, (toUs - fromUs) / DAY_US) }),
    related: COMPANIONS[kind].map((field) => related(source, field, now, usual)),
    rare: rareShapes(source, now, sight),
    alerts: source.latest(alertQuery(now), ALERTS_MAX).map((record) => rowOf(record, sight)),
  };
}

/** 7 × 24 counts, Monday first. */
function weekOf(source: Source, query: Query): number[][] {
  const week = Array.from({ length: 7 }, () => Array<number>(24).fill(0));
  for (const { bucketUs, records } of source.aggregate(query, { fields: [], bucketUs: HOUR_US, countsOnly: true })) {
    const day = week[(Math.floor(bucketUs / DAY_US) + EPOCH_WEEKDAY) % 7];
    const hour = hourOfDay(bucketUs);
    if (day !== undefined) day[hour] = (day[hour] ?? 0) + records;
  }
  return week;
}

interface Compared {
  readonly kind: EntityKind;
  readonly name: string;
  readonly now: Query;
  readonly usual: Query;
  readonly nowDays: number;
}

/** Figures of now, altogether and a day, beside those of the baseline's days. */
function figures(source: Source, { kind, name, now, usual, nowDays }: Compared): Figure[] {
  const own = `${FIELD_OF[kind]}:${JSON.stringify(name)}`;
  const daily = (query: Query): readonly Group[] => source.aggregate(query, { fields: [], bucketUs: DAY_US });
  const usualRows = daily(usual);
  const [nowAll] = source.aggregate(now, { fields: [] });
  const measured = (title: string, unit: string, of: (row: Group) => number, more: string): Figure => ({
    name: title,
    unit,
    total: nowAll === undefined ? 0 : of(nowAll),
    now: nowAll === undefined ? 0 : of(nowAll) / nowDays,
    ...band(usualRows.map(of)),
    q: `${own}${more}`,
  });
  const distinct = (title: string, field: AggregateField): Figure => {
    const values = source.aggregate(now, { fields: [field] }).filter(({ labels }) => labels[0] !== '').length;
    const byDay = new Map<number, number>();
    for (const { labels, bucketUs } of source.aggregate(usual, { fields: [field], bucketUs: DAY_US, countsOnly: true }))
      if (labels[0] !== '') byDay.set(bucketUs, (byDay.get(bucketUs) ?? 0) + 1);
    return { name: title, unit: '', total: values, now: values, ...band([...byDay.values()]), q: own };
  };
  return [
    measured('records', 'a day', ({ records }) => records, ''),
    measured('rows', 'a day', ({ rows }) => rows, ' rows>0'),
    measured('errors', 'a day', ({ failed }) => failed, ' failed:yes'),
    distinct('clients', 'client'),
    kind === 'object' ? distinct('users', 'user') : distinct('objects', 'object'),
    distinct('programs', 'program'),
  ];
}

/** 5th, 50th and 95th percentile, by the nearest rank. */
function band(values: readonly number[]): Pick<Figure, 'low' | 'median' | 'high'> {
  if (values.length === 0) return {};
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number): number => sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0;
  return { low: at(0.05), median: at(0.5), high: at(0.95) };
}

function related(
  source: Source,
  field: EntityView['related'][number]['field'],
  now: Query,
  usual: Query,
): EntityView['related'][number] {
  const known = new Set(source.countValues(usual, field).map(({ value }) => value));
  const values = source
    .countValues(now, field)
    .filter(({ value }) => value !== '')
    .map((one) => ({ ...one, isNew: !known.has(one.value) }));
  values.sort((a, b) => Number(b.isNew) - Number(a.isNew) || b.count - a.count || (a.value < b.value ? -1 : 1));
  return { field, total: values.length, values: values.slice(0, RELATED_MAX) };
}

function rareShapes(source: Source, now: Query, sight: Sight): EntityView['rare'] {
  const rows = source.aggregate(now, { fields: ['fingerprint'] }).filter(({ labels }) => labels[0] !== '');
  const total = rows.reduce((sum, { records }) => sum + records, 0);
  const rare = rows.filter(({ records }) => records <= Math.max(1, total * RARE_PART));
  rare.sort((a, b) => a.records - b.records || b.lastUs - a.lastUs);
  return rare.slice(0, RARE_MAX).flatMap(({ labels, records, lastUs }) => {
    const fingerprint = labels[0] ?? '';
    const filter: Filter | undefined = both(now.filter, valueFilter('fingerprint', fingerprint));
    const [example] = source.latest({ filter, fromUs: lastUs, toUs: lastUs + 1 }, 1);
    if (example === undefined) return [];
    return [{ fingerprint, summary: example.summary ?? '', count: records, example: rowOf(example, sight) }];
  });
}
