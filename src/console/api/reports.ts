/** Reports: a catalogue by purpose, runs that were sealed, schedules. */
import Type, { type Static } from 'typebox';
import { closed, Databases, scopeProperties, word } from './common.ts';
import { TotpCode } from './session.ts';

export const REPORT_KINDS = ['privileged', 'schema', 'logins', 'objects', 'alerts', 'completeness', 'console'] as const;
export type ReportKind = (typeof REPORT_KINDS)[number];
export const REPORT_FORMATS = ['pdf', 'html'] as const;

export const SIGN_VERDICTS = ['signed', 'sent back'] as const;

export const Signature = closed({
  who: Type.String(),
  time: Type.String(),
  verdict: word(SIGN_VERDICTS),
  comment: Type.String(),
});
export type Signature = Static<typeof Signature>;

/** `POST /reports/:id/sign`: of a finished report; sending it back needs a comment. Answers the run. */
export const ReportSign = closed({
  verdict: word(SIGN_VERDICTS),
  comment: Type.Optional(Type.String({ maxLength: 2000 })),
  code: Type.Optional(TotpCode),
});
export type ReportSign = Static<typeof ReportSign>;

export const REPORT_TASKS = ['view', 'sign'] as const;
export type ReportTask = (typeof REPORT_TASKS)[number];

/** Somebody who has to read a report, or to sign it or send it back. */
export const Receiver = closed({ who: Type.String({ minLength: 1, maxLength: 100 }), must: word(REPORT_TASKS) });
export type Receiver = Static<typeof Receiver>;
/** Each person once. */
export const Receivers = Type.Array(Receiver, { maxItems: 20 });

export const ReportRun = closed({
  id: Type.String(),
  kind: word(REPORT_KINDS),
  title: Type.String(),
  from: Type.String(),
  to: Type.String(),
  q: Type.String(),
  createdAt: Type.String(),
  by: Type.String(),
  /** Whose records are in it: the rights of who asked. */
  databases: Databases,
  state: word(['running', 'done', 'failed'] as const),
  message: Type.Optional(Type.String()),
  records: Type.Optional(Type.Integer()),
  /** SHA-256 of the files. */
  pdfSha256: Type.Optional(Type.String()),
  htmlSha256: Type.Optional(Type.String()),
  signatures: Type.Array(Signature),
  /** `doneAt`: when they did what they had to. */
  receivers: Type.Array(closed({ ...Receiver.properties, doneAt: Type.Optional(Type.String()) })),
});
export type ReportRun = Static<typeof ReportRun>;

export const Schedule = closed({
  id: Type.String(),
  kind: word(REPORT_KINDS),
  /** Query that narrows it; may be empty. */
  q: Type.String(),
  every: word(['day', 'week', 'month'] as const),
  /** Hour of the day in UTC; weeks begin on Monday, months on the first. */
  hour: Type.Integer(),
  by: Type.String(),
  next: Type.String(),
  last: Type.Optional(Type.String()),
  /** Of each run. */
  receivers: Receivers,
});
export type Schedule = Static<typeof Schedule>;

/** `GET /reports`. `GET /reports/:id/pdf` and `/html` give the files. `DELETE /reports/schedules/:id`. */
export const Reports = closed({
  catalogue: Type.Array(closed({ kind: word(REPORT_KINDS), title: Type.String(), purpose: Type.String() })),
  runs: Type.Array(ReportRun),
  schedules: Type.Array(Schedule),
  /** What the asker has to read or sign: finished reports, the oldest first. */
  todo: Type.Array(closed({ must: word(REPORT_TASKS), run: ReportRun })),
  /** Who can be a receiver; for auditors. */
  readers: Type.Array(Type.String()),
});
export type Reports = Static<typeof Reports>;

/** `POST /reports`: starts a run. */
export const ReportCreate = closed({
  kind: word(REPORT_KINDS),
  q: scopeProperties.q,
  t: scopeProperties.t,
  db: scopeProperties.db,
  receivers: Type.Optional(Receivers),
});
export type ReportCreate = Static<typeof ReportCreate>;

/** `POST /reports/schedules`. */
export const ScheduleCreate = closed({
  kind: word(REPORT_KINDS),
  q: scopeProperties.q,
  every: word(['day', 'week', 'month'] as const),
  hour: Type.Integer({ minimum: 0, maximum: 23 }),
  receivers: Type.Optional(Receivers),
});
export type ScheduleCreate = Static<typeof ScheduleCreate>;
