/** The overview, and the pages of a user, an object, a database. */
import Type, { type Static } from 'typebox';
import { Asked, Counted, Coverage, closed, Scope, SEVERITY_NAMES, scopeProperties, word } from './common.ts';
import { Row, Series } from './records.ts';

/** `GET /overview`. */
export const OverviewQuery = Scope;
export type OverviewQuery = Scope;

/** One line of a top list. */
export const TopItem = closed({
  value: Type.String(),
  /** Of a rule, as the latest policy calls it. */
  title: Type.Optional(Type.String()),
  count: Type.Integer(),
  /** Of all matching records, 0 to 1. */
  share: Type.Number(),
  errors: Type.Integer(),
  rows: Type.Integer(),
  /** Counts over the range, a few buckets, for a sparkline. */
  trend: Type.Array(Type.Integer()),
});
export type TopItem = Static<typeof TopItem>;

/** A value seen for the first time within the range. */
export const FirstSeen = closed({
  field: word(['user', 'client', 'object', 'db', 'program'] as const),
  value: Type.String(),
  /** When, and the record that showed it. */
  time: Type.String(),
  id: Type.Optional(Type.String()),
});
export type FirstSeen = Static<typeof FirstSeen>;

export const HeatMap = closed({
  /** Rows of the map, most active first. */
  users: Type.Array(Type.String()),
  /** For each user 24 counts, by the hour of the day in UTC. */
  counts: Type.Array(Type.Array(Type.Integer())),
});
export type HeatMap = Static<typeof HeatMap>;

/** What the tiles and the chart show: told at once, while the rest is still counted. */
const figures = {
  asked: Asked,
  total: Type.Integer(),
  statements: Type.Integer(),
  errors: Type.Integer(),
  /** Records with a rule that raised an alert. */
  alerts: Type.Integer(),
  /** Rows returned or affected. */
  rows: Type.Integer(),
  failedLogins: Type.Integer(),
  opaque: Type.Integer(),
  /** The same range just before: totals, for "more or less than before". */
  before: closed({ total: Type.Integer(), errors: Type.Integer(), alerts: Type.Integer() }),
  coverage: Coverage,
  /** Records over time by operation; rare ones together as `other`. */
  series: Series,
  /** Records over time by outcome: `ok`, `failed`. */
  outcomes: Series,
  /** Counts by severity of records that matched rules. */
  severities: Type.Array(closed({ severity: word(SEVERITY_NAMES), count: Type.Integer() })),
};

/** `GET /overview/figures`: the beginning of the overview, which a page shows before it has the rest. */
export const OverviewFigures = closed(figures);
export type OverviewFigures = Static<typeof OverviewFigures>;

export const Overview = closed({
  ...figures,
  users: Type.Array(TopItem),
  objects: Type.Array(TopItem),
  clients: Type.Array(TopItem),
  databases: Type.Array(TopItem),
  rules: Type.Array(TopItem),
  /** Longest statements, longest first. */
  slow: Type.Array(Row),
  /** Latest statements that failed. */
  failing: Type.Array(Row),
  /** Statements that gave most rows. */
  extracted: Type.Array(Row),
  heat: HeatMap,
  firstSeen: Type.Array(FirstSeen),
});
export type Overview = Static<typeof Overview>;

export const BEFORE_BACKS = ['range', 'week'] as const;
/** `GET /overview/before`: the overview's chart at an earlier time, to be laid over it. */
export const OverviewBeforeQuery = closed({
  ...scopeProperties,
  /** How far back: by the range's own length, or by a week. */
  back: Type.Optional(word(BEFORE_BACKS)),
});
export type OverviewBeforeQuery = Static<typeof OverviewBeforeQuery>;
export const OverviewBefore = closed({
  asked: Asked,
  /** The earlier range, half open. */
  from: Type.String(),
  to: Type.String(),
  total: Type.Integer(),
  /** One number for each bar of `Overview.series`. */
  counts: Type.Array(Type.Integer()),
});
export type OverviewBefore = Static<typeof OverviewBefore>;

/** `GET /users/:name`, `/objects/:name`, `/databases/:name`. `t` is "now"; the baseline is the `days` before it. */
export const EntityQuery = closed({
  t: scopeProperties.t,
  w: scopeProperties.w,
  days: Type.Optional(Type.Integer({ minimum: 1, maximum: 365, default: 30 })),
});
export type EntityQuery = Static<typeof EntityQuery>;

/** A figure of now beside what is usual. */
export const Figure = closed({
  name: Type.String(),
  unit: Type.String(),
  /** In the range altogether: as many as `q` finds, for records and errors. */
  total: Type.Integer(),
  /** A day, to be held against what is usual. */
  now: Type.Number(),
  /** 5th, 50th and 95th percentile of the baseline's days; absent without a baseline. */
  low: Type.Optional(Type.Number()),
  median: Type.Optional(Type.Number()),
  high: Type.Optional(Type.Number()),
  /** The query that shows the statements behind `total`. */
  q: Type.String(),
});
export type Figure = Static<typeof Figure>;

export const EntityView = closed({
  kind: word(['user', 'object', 'database'] as const),
  name: Type.String(),
  asked: Asked,
  /** Over the whole store. */
  first: Type.Optional(Type.String()),
  last: Type.Optional(Type.String()),
  records: Type.Integer(),
  baseline: closed({
    from: Type.String(),
    to: Type.String(),
    records: Type.Integer(),
    /** Days of it that have records: the size of the sample. */
    days: Type.Integer(),
  }),
  series: Series,
  /** 7 × 24 counts, Monday first, UTC. */
  week: closed({ usual: Type.Array(Type.Array(Type.Integer())), now: Type.Array(Type.Array(Type.Integer())) }),
  figures: Type.Array(Figure),
  /** Companions by kind: a user's objects, clients, programs, databases; an object's users, … */
  related: Type.Array(
    closed({
      field: word(['user', 'object', 'client', 'db', 'program', 'op', 'rule'] as const),
      total: Type.Integer(),
      values: Type.Array(
        closed({
          value: Type.String(),
          count: Type.Integer(),
          /** Never in the baseline. */
          isNew: Type.Boolean(),
        }),
      ),
    }),
  ),
  /** Shapes of statement that are rare here, rarest first. */
  rare: Type.Array(closed({ fingerprint: Type.String(), summary: Type.String(), count: Type.Integer(), example: Row })),
  alerts: Type.Array(Row),
});
export type EntityView = Static<typeof EntityView>;

/** `GET /entities`: names with counts, for the pages that list users, objects, databases. */
export const EntitiesQuery = closed({
  ...scopeProperties,
  kind: word(['user', 'object', 'database'] as const),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 200 })),
});
export type EntitiesQuery = Static<typeof EntitiesQuery>;
export const Entities = closed({
  asked: Asked,
  total: Type.Integer(),
  items: Type.Array(TopItem),
  others: Counted.properties.count,
});
export type Entities = Static<typeof Entities>;
