/** Saved searches, a person's own or shared. */
import Type, { type Static } from 'typebox';
import { closed, QUERY_CHARS_MAX } from './common.ts';

export const SavedSearch = closed({
  id: Type.String(),
  name: Type.String(),
  q: Type.String(),
  t: Type.Optional(Type.String()),
  db: Type.Optional(Type.String()),
  /** Rest of the page's state, as it stands in the address. */
  view: Type.Optional(Type.String()),
  by: Type.String(),
  shared: Type.Boolean(),
  savedAt: Type.String(),
});
export type SavedSearch = Static<typeof SavedSearch>;
/** `GET /searches`. `DELETE /searches/:id`. */
export const SavedSearches = closed({ searches: Type.Array(SavedSearch) });
export type SavedSearches = Static<typeof SavedSearches>;
/** `POST /searches`: answers the saved search. The same name again replaces one's own. */
export const SearchSave = closed({
  name: Type.String({ minLength: 1, maxLength: 100 }),
  q: Type.String({ maxLength: QUERY_CHARS_MAX }),
  t: Type.Optional(Type.String({ maxLength: 200 })),
  db: Type.Optional(Type.String({ maxLength: 2000 })),
  view: Type.Optional(Type.String({ maxLength: 4000 })),
  shared: Type.Optional(Type.Boolean()),
});
export type SearchSave = Static<typeof SearchSave>;
