/**
 * `GET /live`: server-sent events. `event: row` carries a `Row` with the arrival position as id; a reconnect with
 * `Last-Event-ID` goes on behind it. `event: counts` comes once a second. Rows above the rate shown are counted, not sent.
 */
import Type, { type Static } from 'typebox';
import { closed, scopeProperties } from './common.ts';

export const LiveQuery = closed({
  q: scopeProperties.q,
  db: scopeProperties.db,
  /** Rows a second at most. */
  rate: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
});
export type LiveQuery = Static<typeof LiveQuery>;

export const LIVE_ROW = 'row';
export const LIVE_COUNTS = 'counts';

/** Since the stream began. */
export const LiveCounts = closed({
  time: Type.String(),
  /** Records that the store took. */
  received: Type.Integer(),
  matching: Type.Integer(),
  shown: Type.Integer(),
  notShown: Type.Integer(),
});
export type LiveCounts = Static<typeof LiveCounts>;
