/** Routes of the queries that somebody asked. They are nobody else's, so that what is done with them is not written down. */
import Type from 'typebox';
import { principalOf } from '../access/access.ts';
import { closed, Done } from '../api/common.ts';
import { AskedForget, AskedQueries, AskedQuery } from '../api/history.ts';
import type { ConsoleApp, Context } from '../context.ts';
import { History } from '../history.ts';

export function historyRoutes(app: ConsoleApp, { db }: Context): void {
  const history = new History(db);
  const config = { role: 'viewer', right: 'have one’s own queries offered again' } as const;
  app.get(
    '/history',
    { config, schema: { summary: 'Queries that one asked', response: { 200: AskedQueries } } },
    (request) => ({ queries: history.list(principalOf(request).who) }),
  );
  app.post(
    '/history',
    {
      config,
      schema: {
        summary: 'Keep a query among those that one asked',
        body: AskedQuery,
        response: { 200: closed({ kept: Type.Boolean() }) },
      },
    },
    (request) => ({ kept: history.keep(principalOf(request).who, request.body) }),
  );
  app.post(
    '/history/forget',
    { config, schema: { summary: 'Forget one of them, or all', body: AskedForget, response: { 200: Done } } },
    (request) => {
      history.forget(principalOf(request).who, request.body.query);
      return { done: true as const };
    },
  );
}
