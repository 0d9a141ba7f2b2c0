/** Queries that somebody asked in the query field: a person's own, offered again at the end of its completions. */
import Type, { type Static } from 'typebox';
import { closed, QUERY_CHARS_MAX, word } from './common.ts';

/** What was asked about: each has a language of its own. */
export const ASKED_OF = ['records', 'trail'] as const;
export type AskedOf = (typeof ASKED_OF)[number];

/** Of each kind a person has no more; the oldest go. */
export const HISTORY_MAX = 100;
/** Longer ones are not kept. */
export const HISTORY_CHARS_MAX = 2000;

/** `GET /history`, the latest first. */
export const AskedQueries = closed({
  queries: Type.Array(closed({ of: word(ASKED_OF), q: Type.String(), askedAt: Type.String() })),
});
export type AskedQueries = Static<typeof AskedQueries>;
/** `POST /history`: what makes no sense, is empty or too long is not kept, and that is no error. */
export const AskedQuery = closed({ of: word(ASKED_OF), q: Type.String({ maxLength: QUERY_CHARS_MAX }) });
export type AskedQuery = Static<typeof AskedQuery>;
/** `POST /history/forget`: one query, or all of them. */
export const AskedForget = closed({ query: Type.Optional(AskedQuery) });
export type AskedForget = Static<typeof AskedForget>;
