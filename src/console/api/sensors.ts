/** Sensors and coverage: what captures, and what it did not see. */
import Type, { type Static } from 'typebox';
import { Asked, Coverage, closed, Gap, scopeProperties, word } from './common.ts';

export const SensorInfo = closed({
  name: Type.String(),
  state: word(['running', 'silent', 'seen'] as const),
  /** Of the sensor that the control socket reaches; others are known by their records only. */
  pid: Type.Optional(Type.Integer()),
  interfaces: Type.Array(Type.String()),
  started: Type.Optional(Type.String()),
  policy: Type.Optional(closed({ version: Type.String(), rules: Type.Integer(), since: Type.String() })),
  packets: Type.Optional(Type.Integer()),
  drops: Type.Optional(Type.Integer()),
  records: Type.Integer(),
  lossRecords: Type.Integer(),
  last: Type.Optional(Type.String()),
  alarms: Type.Array(
    closed({ name: Type.String(), sent: Type.Integer(), failed: Type.Integer(), dropped: Type.Integer() }),
  ),
  /** Every counter of its stages, by dotted name. */
  counters: Type.Record(Type.String(), Type.Number()),
});
export type SensorInfo = Static<typeof SensorInfo>;

/** `GET /sensors`. */
export const Sensors = closed({
  sensors: Type.Array(SensorInfo),
  /** Why the control socket gave no answer, when it gave none. */
  problem: Type.Optional(Type.String()),
});
export type Sensors = Static<typeof Sensors>;

/** `GET /coverage`. */
export const CoverageQuery = closed({
  t: scopeProperties.t,
  db: scopeProperties.db,
  w: scopeProperties.w,
  buckets: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 96 })),
});
export type CoverageQuery = Static<typeof CoverageQuery>;
export const CoverageView = closed({
  asked: Asked,
  coverage: Coverage,
  from: Type.String(),
  bucketUs: Type.Integer(),
  /** A strip a database: records, errors of capture, encrypted connections by bucket. */
  strips: Type.Array(
    closed({
      db: Type.String(),
      system: Type.Optional(Type.String()),
      server: Type.Optional(Type.String()),
      records: Type.Array(Type.Integer()),
      /** Records marked as touched by a gap. */
      touched: Type.Array(Type.Integer()),
      opaque: Type.Array(Type.Integer()),
      statement: Type.String(),
    }),
  ),
  /** Losses that the sensor wrote down, latest first. */
  losses: Type.Array(Gap),
});
export type CoverageView = Static<typeof CoverageView>;

/** `GET /store`: what is kept, what has gone, and what must not go. */
export const Kept = closed({
  records: Type.Integer(),
  /** Times of the oldest and newest record. */
  first: Type.Optional(Type.String()),
  last: Type.Optional(Type.String()),
  segments: Type.Integer(),
  /** Segments with a signature. */
  signed: Type.Integer(),
  bytes: Type.Integer(),
  expired: closed({ segments: Type.Integer(), records: Type.Integer() }),
  /** Legal holds; none for viewers. */
  holds: Type.Array(
    closed({
      name: Type.String(),
      /** What it finds, in the query language; relative times count from `since`. */
      expression: Type.String(),
      since: Type.String(),
      records: Type.Integer(),
    }),
  ),
});
export type Kept = Static<typeof Kept>;
