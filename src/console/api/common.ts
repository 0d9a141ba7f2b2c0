/**
 * Shapes that several routes share. This folder describes the console's API under `/api/v1`: schemas that the server
 * validates by and the browser's code takes its types from. It imports nothing of the server.
 *
 * Times are RFC 3339 in UTC with microseconds; durations are microseconds; counts are exact.
 */
import Type, { type Static, type TSchema } from 'typebox';

export const API_PREFIX = '/api/v1';

/** An object that takes no other properties. */
export function closed<P extends Record<string, TSchema>>(properties: P) {
  return Type.Object(properties, { additionalProperties: false });
}

/** One of some words. */
export function word<W extends readonly string[]>(words: W) {
  return Type.Unsafe<W[number]>({ type: 'string', enum: [...words] });
}

/** In rising order, as in `contracts/record.ts`. */
export const SEVERITY_NAMES = ['info', 'low', 'medium', 'high', 'critical'] as const;
export type SeverityName = (typeof SEVERITY_NAMES)[number];

export const ROLES = ['viewer', 'auditor', 'administrator'] as const;
export type Role = (typeof ROLES)[number];

/** Names of the databases whose records somebody may see, case aside; or all. */
export const Databases = Type.Union([
  Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { minItems: 1, maxItems: 100 }),
  Type.Literal('all'),
]);
export type Databases = Static<typeof Databases>;

export const QUERY_CHARS_MAX = 16_384;

/** What all questions about records have in common. */
export const scopeProperties = {
  /** Query language; empty means everything. */
  q: Type.Optional(Type.String({ maxLength: QUERY_CHARS_MAX })),
  /** Time expression (`-24h`, `2026-11-20`, `A/B`); absent: as far as the store reaches. */
  t: Type.Optional(Type.String({ maxLength: 200 })),
  /** Names of databases, separated by commas; absent: all. */
  db: Type.Optional(Type.String({ maxLength: 2000 })),
  /** Watermark of an earlier answer: nothing that arrived later is looked at. */
  w: Type.Optional(Type.String({ maxLength: 40 })),
};
export const Scope = closed(scopeProperties);
export type Scope = Static<typeof Scope>;

/** What an answer was made from; every answer about records carries it. */
export const Asked = closed({
  /** Absolute range, half open. */
  from: Type.String(),
  to: Type.String(),
  /** Arrival position up to which the store was read; hand it back as `w` to see the same records. */
  watermark: Type.String(),
  /** Time of the newest record read. */
  readTo: Type.Optional(Type.String()),
  /** What could not be read, one line each; empty when the answer is whole. */
  problems: Type.Array(Type.String()),
  tookMs: Type.Number(),
});
export type Asked = Static<typeof Asked>;

/** Every error the API answers. `column` counts from 1 within the query. */
export const Problem = closed({
  code: Type.String(),
  message: Type.String(),
  column: Type.Optional(Type.Integer()),
  /** Names an unexpected error in the server's log. */
  id: Type.Optional(Type.String()),
});
export type Problem = Static<typeof Problem>;

export const Done = closed({ done: Type.Literal(true) });
export type Done = Static<typeof Done>;

export const IdParams = closed({ id: Type.String({ minLength: 1, maxLength: 200 }) });
export const NameParams = closed({ name: Type.String({ minLength: 1, maxLength: 1000 }) });

/** A value and how often it occurs. */
export const Counted = closed({ value: Type.String(), count: Type.Integer() });
export type Counted = Static<typeof Counted>;

/** Part of a range that was not, or not wholly, seen. */
export const Gap = closed({
  from: Type.String(),
  to: Type.String(),
  reason: Type.String(),
  /** As the record says it: `eth1: 31 packets since the last entry`. */
  detail: Type.String(),
  lostBytes: Type.Optional(Type.Integer()),
  sensor: Type.Optional(Type.String()),
});
export type Gap = Static<typeof Gap>;

/** What a sensor's heartbeats say of a range (`traffic/coverage.ts`). */
export const Watched = closed({
  sensor: Type.String(),
  /** Share of the range that it watched, 0 to 1. */
  share: Type.Number(),
  kernelDrops: Type.Integer(),
  /** Frames that the snap length cut, and frames that could not be read. */
  cutPackets: Type.Integer(),
  undecodedPackets: Type.Integer(),
  /** Not for readers limited to databases: it is that of all. */
  traffic: Type.Optional(
    closed({
      packets: Type.Integer(),
      bytes: Type.Integer(),
      /** TCP payload by what became of it. */
      understoodBytes: Type.Integer(),
      encryptedBytes: Type.Integer(),
      otherBytes: Type.Integer(),
      gapBytes: Type.Integer(),
      sessions: Type.Integer(),
      cutSessions: Type.Integer(),
    }),
  ),
});
export type Watched = Static<typeof Watched>;

/** How much of a range was seen, from the loss records and heartbeats in it. */
export const Coverage = closed({
  /** Share of the range's minutes in which nothing was lost, 0 to 1. */
  share: Type.Number(),
  /** A sensor each; empty for stores without heartbeats. */
  watched: Type.Array(Watched),
  /** Stretches in which no sensor watched, the first ones; empty for stores without heartbeats. */
  unwatched: Type.Array(closed({ from: Type.String(), to: Type.String() })),
  lossRecords: Type.Integer(),
  lostBytes: Type.Integer(),
  /** Connections that could not be read because they were encrypted. */
  opaque: Type.Integer(),
  gaps: Type.Array(Gap),
  /** The completeness in words, as reports print it. */
  statement: Type.String(),
});
export type Coverage = Static<typeof Coverage>;
