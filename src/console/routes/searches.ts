/** Routes of saved searches. */
import { principalOf } from '../access/access.ts';
import { Done, IdParams } from '../api/common.ts';
import { SavedSearch, SavedSearches, SearchSave } from '../api/saved.ts';
import { type ConsoleApp, type Context, record } from '../context.ts';
import { Searches } from '../searches.ts';

const CONFIG = { role: 'viewer', right: 'save searches' } as const;

export function searchRoutes(app: ConsoleApp, context: Context): void {
  const searches = new Searches(context.db);
  app.get(
    '/searches',
    { config: CONFIG, schema: { summary: 'One’s own searches and shared ones', response: { 200: SavedSearches } } },
    (request) => ({ searches: searches.visibleTo(principalOf(request).who) }),
  );
  app.post(
    '/searches',
    { config: CONFIG, schema: { summary: 'Save a search', body: SearchSave, response: { 200: SavedSearch } } },
    async (request) => {
      const saved = searches.save(principalOf(request).who, request.body);
      await record(context, request, 'search-saved', saved.name, saved.q);
      return saved;
    },
  );
  app.delete(
    '/searches/:id',
    { config: CONFIG, schema: { summary: 'Remove one of one’s searches', params: IdParams, response: { 200: Done } } },
    async (request) => {
      searches.remove(principalOf(request).who, request.params.id);
      await record(context, request, 'search-removed', request.params.id);
      return { done: true as const };
    },
  );
}
