/** Pinned records: each person's own, as a list and as marks of a result. */
import type { FastifyRequest } from 'fastify';
import { principalOf } from '../access/access.ts';
import { IdParams } from '../api/common.ts';
import { RecordMarks, RecordMarksQuery } from '../api/marks.ts';
import { Pins } from '../api/pins.ts';
import { type ConsoleApp, type Context, sightFor } from '../context.ts';
import { PinnedRecords } from '../pins.ts';
import { isoOf } from '../state.ts';

export function pinRoutes(app: ConsoleApp, { db, reads }: Context): void {
  const pinned = new PinnedRecords(db);
  const config = { role: 'viewer', right: 'pin records, for oneself' } as const;
  const response = { 200: Pins };
  const listed = async (request: FastifyRequest): Promise<Pins> => {
    const pins = pinned.of(principalOf(request).who);
    if (pins.length === 0) return { pins: [], gone: 0 };
    const sight = { ...sightFor(request), literals: false };
    const rows = new Map((await reads.ask('pinned', { pins, sight }, request.gone)).map((row) => [row.id, row]));
    const shown = pins.flatMap(({ id, pinnedMs }) => {
      const row = rows.get(id);
      return row === undefined ? [] : [{ pinnedAt: isoOf(pinnedMs), row }];
    });
    return { pins: shown, gone: pins.length - shown.length };
  };
  app.get('/pins', { config, schema: { summary: 'One’s pinned records', response } }, listed);
  app.get(
    '/records/marks',
    {
      config: { role: 'viewer', right: 'read records, statements without literals' },
      schema: {
        summary: 'Where gaps and one’s pins stand in the whole result',
        querystring: RecordMarksQuery,
        response: { 200: RecordMarks },
      },
    },
    (request) => {
      const pins = pinned.of(principalOf(request).who);
      return reads.ask('recordMarks', { ...request.query, pins, sight: sightFor(request) }, request.gone);
    },
  );
  app.put('/pins/:id', { config, schema: { summary: 'Pin a record', params: IdParams, response } }, async (request) => {
    const place = await reads.ask('placeOf', { id: request.params.id, sight: sightFor(request) });
    pinned.add(principalOf(request).who, place);
    return listed(request);
  });
  app.delete('/pins/:id', { config, schema: { summary: 'Take a pin away', params: IdParams, response } }, (request) => {
    pinned.remove(principalOf(request).who, request.params.id);
    return listed(request);
  });
  app.delete('/pins', { config, schema: { summary: 'Take all pins away', response } }, (request) => {
    pinned.removeAll(principalOf(request).who);
    return listed(request);
  });
}
