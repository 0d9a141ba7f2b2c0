/** Alerts: records with a rule that says `alert`, in groups of one rule and one fingerprint. */
import Type, { type Static } from 'typebox';
import { Asked, Counted, closed, Databases, SEVERITY_NAMES, scopeProperties, word } from './common.ts';
import { Row, Series } from './records.ts';

export const ALERT_STATES = ['open', 'acknowledged', 'closed'] as const;
export type AlertState = (typeof ALERT_STATES)[number];
/**
 * How an alert goes, by itself, as long as it is not closed: it matched for the first time within the last day; it goes on;
 * it matched at least ten times in the last day, and twice as often as on any of the seven days before; it was closed, and
 * matched again or what it was closed until happened. The last day ends with the hour of the store's newest record.
 */
export const COURSES = ['new', 'ongoing', 'escalating', 'regressed'] as const;
export type AlertCourse = (typeof COURSES)[number];
/** What an alert turned out to be; required to close it. */
export const VERDICTS = ['expected', 'problem', 'noise'] as const;

/** `GET /alerts`. */
export const AlertsQuery = closed({
  ...scopeProperties,
  /** One or more of the states, separated by commas; absent: open and acknowledged. */
  state: Type.Optional(Type.String({ maxLength: 40 })),
  severity: Type.Optional(word(SEVERITY_NAMES)),
  mine: Type.Optional(Type.Boolean()),
  /** Only those that go so. */
  course: Type.Optional(word(COURSES)),
});
export type AlertsQuery = Static<typeof AlertsQuery>;

/** A closed alert stays closed until one of these holds; without, until it matches again. */
export const Until = Type.Object(
  {
    /** A moment, RFC 3339: from then on, if it matched since. */
    at: Type.Optional(Type.String({ format: 'date-time' })),
    /** It matched more often than so on a day (UTC). */
    perDay: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000_000 })),
    /** A user caused it who never had before it was closed. */
    newUser: Type.Optional(Type.Literal(true)),
  },
  { additionalProperties: false, minProperties: 1 },
);
export type Until = Static<typeof Until>;

export const Decision = closed({
  time: Type.String(),
  who: Type.String(),
  state: word(ALERT_STATES),
  verdict: Type.Optional(word(VERDICTS)),
  until: Type.Optional(Until),
  /** What who decided could see, and decided about. */
  databases: Databases,
  /** Absent when it speaks of databases that the reader may not see. */
  reason: Type.Optional(Type.String()),
  /** Matches there were at that moment; absent as `reason` is. */
  count: Type.Optional(Type.Integer()),
});
export type Decision = Static<typeof Decision>;

export const AlertGroup = closed({
  /** `RULE~FINGERPRINT`; stable over time. */
  id: Type.String(),
  rule: Type.String(),
  title: Type.Optional(Type.String()),
  severity: word(SEVERITY_NAMES),
  fingerprint: Type.Optional(Type.String()),
  /** Normalised text of the statements. */
  summary: Type.Optional(Type.String()),
  count: Type.Integer(),
  first: Type.String(),
  last: Type.String(),
  users: Type.Array(Counted),
  state: word(ALERT_STATES),
  verdict: Type.Optional(word(VERDICTS)),
  /** Who took or closed it. */
  by: Type.Optional(Type.String()),
  until: Type.Optional(Until),
  /** Absent when it is closed. */
  course: Type.Optional(word(COURSES)),
  /** Matches in the last day, and on the busiest of the seven days before it, whatever the range. */
  lastDay: Type.Integer(),
  busiestBefore: Type.Integer(),
  trend: Type.Array(Type.Integer()),
});
export type AlertGroup = Static<typeof AlertGroup>;

export const Alerts = closed({
  asked: Asked,
  groups: Type.Array(AlertGroup),
  /** Groups by state, whatever states were asked for. */
  counts: closed({
    open: Type.Integer(),
    acknowledged: Type.Integer(),
    closed: Type.Integer(),
  }),
  /** Groups by course, among those of the states asked for. */
  courses: closed({
    new: Type.Integer(),
    ongoing: Type.Integer(),
    escalating: Type.Integer(),
    regressed: Type.Integer(),
  }),
});
export type Alerts = Static<typeof Alerts>;

/** `GET /alerts/:id`. */
export const AlertQuery = closed(scopeProperties);
export type AlertQuery = Static<typeof AlertQuery>;
export const AlertView = closed({
  asked: Asked,
  group: AlertGroup,
  reason: Type.Optional(Type.String()),
  references: Type.Array(Type.String()),
  series: Series,
  /** Latest matches. */
  rows: Type.Array(Row),
  /** The query that finds all of them. */
  q: Type.String(),
  trail: Type.Array(Decision),
});
export type AlertView = Static<typeof AlertView>;

/** `POST /alerts/decide`: the answer lists exactly the groups that were changed. */
export const AlertDecide = closed({
  ids: Type.Array(Type.String({ maxLength: 300 }), { minItems: 1, maxItems: 500 }),
  state: word(ALERT_STATES),
  verdict: Type.Optional(word(VERDICTS)),
  /** Only where it is closed. */
  until: Type.Optional(Until),
  reason: Type.String({ minLength: 3, maxLength: 2000 }),
});
export type AlertDecide = Static<typeof AlertDecide>;
export const AlertDecided = closed({ ids: Type.Array(Type.String()) });
export type AlertDecided = Static<typeof AlertDecided>;
