/** The console's own trail: what people did here. Nobody can change or remove an entry. */
import Type, { type Static } from 'typebox';
import { Asked, closed, scopeProperties } from './common.ts';
import { CompleteQuery } from './records.ts';

export const TrailEntry = closed({
  seq: Type.Integer(),
  time: Type.String(),
  /** Person, `token:NAME`, or `console`. */
  who: Type.String(),
  address: Type.String(),
  /** `login`, `login-refused`, `reveal`, `export`, `policy-push`, … */
  action: Type.String(),
  /** What it was done to. */
  subject: Type.String(),
  detail: Type.String(),
  /** Hash of this entry, chained to the one before. */
  hash: Type.String(),
});
export type TrailEntry = Static<typeof TrailEntry>;

/** `GET /trail`, newest first; `before` is the `seq` to go on from. */
export const TrailQuery = closed({
  /** Query language with the fields `user`, `action`, `subject`, `client`, `text` (subject and detail), `time`, `since`, `until`. */
  q: scopeProperties.q,
  t: scopeProperties.t,
  before: Type.Optional(Type.Integer({ minimum: 1 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
});
export type TrailQuery = Static<typeof TrailQuery>;
export const Trail = closed({
  /** The watermark is the newest entry's `seq`. */
  asked: Asked,
  entries: Type.Array(TrailEntry),
  /** Entries that match. */
  matched: Type.Integer(),
  /** All that may be seen. */
  total: Type.Integer(),
  /** Whether the whole chain of hashes was found unbroken. */
  intact: Type.Boolean(),
});
export type Trail = Static<typeof Trail>;

/** `GET /trail/complete`: what may stand at `pos` (in UTF-16 units) of the query `text`. */
export const TrailCompleteQuery = closed({
  text: CompleteQuery.properties.text,
  pos: CompleteQuery.properties.pos,
  t: scopeProperties.t,
});
export type TrailCompleteQuery = Static<typeof TrailCompleteQuery>;
