/** Routes of the console's own trail. */
import type { FastifyRequest } from 'fastify';
import { principalOf } from '../access/access.ts';
import { Completion } from '../api/records.ts';
import { Trail, TrailCompleteQuery, TrailQuery } from '../api/trail.ts';
import type { ConsoleApp, Context } from '../context.ts';
import { ConsoleError } from '../error.ts';
import { History } from '../history.ts';
import { completeTrail, searchTrail, type TrailAsker } from '../trail-search.ts';

export function trailRoutes(app: ConsoleApp, { db, trail }: Context): void {
  const history = new History(db);
  const config = { role: 'auditor', right: 'read what was done in the console' } as const;
  app.get(
    '/trail',
    {
      config,
      schema: { summary: 'The console’s own trail, newest first', querystring: TrailQuery, response: { 200: Trail } },
    },
    async (request) => ({ ...(await searchTrail(db, request.query, askerOf(request))), intact: trail.isIntact() }),
  );
  app.get(
    '/trail/complete',
    {
      config,
      schema: {
        summary: 'Completion of a query for the trail',
        querystring: TrailCompleteQuery,
        response: { 200: Completion },
      },
    },
    async (request) => {
      const completion = await completeTrail(db, request.query, askerOf(request));
      return history.completed(principalOf(request).who, 'trail', completion, request.query.text);
    },
  );
}

/** What others did names what they looked at: who may see some databases sees what they did themselves. */
function askerOf(request: FastifyRequest): TrailAsker {
  const { who, limit, tokenId } = principalOf(request);
  // Names of tokens may be given twice, to one with more rights as well.
  if (limit !== undefined && tokenId !== undefined)
    throw new ConsoleError('people-only', 'a token limited to databases has no trail of its own');
  return { only: limit === undefined ? undefined : who, gone: request.gone };
}
