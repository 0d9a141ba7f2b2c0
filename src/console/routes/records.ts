/** Everything that is read from the store: overview, lists, one record, sessions, users, objects, databases. */

import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { hasRole, principalOf } from '../access/access.ts';
import { IdParams, NameParams, Scope } from '../api/common.ts';
import {
  Entities,
  EntitiesQuery,
  EntityQuery,
  EntityView,
  Overview,
  OverviewBefore,
  OverviewBeforeQuery,
  OverviewFigures,
} from '../api/overview.ts';
import {
  CompleteQuery,
  Completion,
  Count,
  Explanation,
  ExportQuery,
  Facets,
  FacetsQuery,
  Histogram,
  HistogramQuery,
  Records,
  RecordsAt,
  RecordsAtQuery,
  RecordsQuery,
  RecordView,
  Reveal,
  Revealed,
  SessionQuery,
  Sessions,
  SessionsQuery,
  SessionView,
} from '../api/records.ts';
import { askRecorded, type ConsoleApp, type Context, record, sightFor } from '../context.ts';
import { ConsoleError } from '../error.ts';
import { History } from '../history.ts';
import { Notes } from '../notes.ts';
import type { ExportChunk } from '../reads/task.ts';
import { Searches } from '../searches.ts';

const READ = { role: 'viewer', right: 'read records, statements without literals' } as const;

export function recordRoutes(app: ConsoleApp, context: Context): void {
  overviewRoutes(app, context);
  listRoutes(app, context);
  oneRecordRoutes(app, context);
  surroundingRoutes(app, context);
  exportRoute(app, context);
}

function overviewRoutes(app: ConsoleApp, context: Context): void {
  const { reads } = context;
  app.get(
    '/overview',
    { config: READ, schema: { summary: 'What happened in a range', querystring: Scope, response: { 200: Overview } } },
    (request) =>
      askRecorded(context, request, 'overview', () =>
        reads.ask('overview', { ...request.query, sight: sightFor(request) }, request.gone),
      ),
  );
  app.get(
    '/overview/figures',
    {
      config: READ,
      schema: {
        summary: 'The overview’s figures and chart, before the rest of it is counted',
        querystring: Scope,
        response: { 200: OverviewFigures },
      },
    },
    (request) =>
      askRecorded(context, request, 'overview', () =>
        reads.ask('overviewFigures', { ...request.query, sight: sightFor(request) }, request.gone),
      ),
  );
  app.get(
    '/overview/before',
    {
      config: READ,
      schema: {
        summary: 'The overview’s chart at an earlier time',
        querystring: OverviewBeforeQuery,
        response: { 200: OverviewBefore },
      },
    },
    (request) => reads.ask('overviewBefore', { ...request.query, sight: sightFor(request) }, request.gone),
  );
}

function listRoutes(app: ConsoleApp, context: Context): void {
  const { reads } = context;
  const searches = new Searches(context.db);
  const history = new History(context.db);
  app.get(
    '/records',
    { config: READ, schema: { summary: 'Rows, by cursor', querystring: RecordsQuery, response: { 200: Records } } },
    (request) =>
      askRecorded(context, request, 'search', () =>
        reads.ask('records', { ...request.query, sight: sightFor(request) }, request.gone),
      ),
  );
  app.get(
    '/records/at',
    {
      config: READ,
      schema: { summary: 'Rows, by position in the result', querystring: RecordsAtQuery, response: { 200: RecordsAt } },
    },
    (request) =>
      askRecorded(context, request, 'search', () =>
        reads.ask('recordsAt', { ...request.query, sight: sightFor(request) }, request.gone),
      ),
  );
  app.get(
    '/count',
    { config: READ, schema: { summary: 'How many records match', querystring: Scope, response: { 200: Count } } },
    (request) => reads.ask('count', { ...request.query, sight: sightFor(request) }, request.gone),
  );
  app.get(
    '/histogram',
    {
      config: READ,
      schema: { summary: 'Counts over time', querystring: HistogramQuery, response: { 200: Histogram } },
    },
    (request) => reads.ask('histogram', { ...request.query, sight: sightFor(request) }, request.gone),
  );
  app.get(
    '/facets',
    { config: READ, schema: { summary: 'Counts by value', querystring: FacetsQuery, response: { 200: Facets } } },
    (request) => reads.ask('facets', { ...request.query, sight: sightFor(request) }, request.gone),
  );
  app.get(
    '/complete',
    {
      config: READ,
      schema: { summary: 'Completion of a query', querystring: CompleteQuery, response: { 200: Completion } },
    },
    async (request) => {
      const { text, pos } = request.query;
      const completion = await reads.ask('complete', { ...request.query, sight: sightFor(request) }, request.gone);
      const { who } = principalOf(request);
      return history.completed(who, 'records', searches.completed(who, completion, text, pos), text);
    },
  );
  app.get(
    '/explain',
    {
      config: READ,
      schema: { summary: 'What a query would read', querystring: Scope, response: { 200: Explanation } },
    },
    (request) => reads.ask('explain', { ...request.query, sight: sightFor(request) }, request.gone),
  );
}

function oneRecordRoutes(app: ConsoleApp, context: Context): void {
  const { reads, settings, access } = context;
  const kept = new Notes(context.db);
  app.get(
    '/records/:id',
    {
      config: READ,
      schema: { summary: 'One record and its surroundings', params: IdParams, response: { 200: RecordView } },
    },
    async (request) => {
      const sight = sightFor(request);
      const view = await reads.ask('record', { id: request.params.id, sight }, request.gone);
      // Statements with their literals are sensitive: who looked at which is written down.
      if (sight.literals) await record(context, request, 'view', request.params.id);
      const packets = view.row.session !== undefined && sight.literals && settings.evidence !== undefined;
      const mayReveal =
        view.binds.length > 0 &&
        hasRole(principalOf(request).role, 'auditor') &&
        principalOf(request).signIn !== undefined;
      const notes = sight.literals ? kept.ofRecord(view.row.id) : [];
      return { ...view, mayReveal, packets, notes };
    },
  );
  app.post(
    '/records/:id/reveal',
    {
      config: { role: 'auditor', right: 'see bind values, giving a reason' },
      schema: {
        summary: 'Bind values, for a reason that is recorded',
        params: IdParams,
        body: Reveal,
        response: { 200: Revealed },
      },
    },
    async (request) => {
      const { reason, code } = request.body;
      access.stepUp(principalOf(request), code);
      const values = await reads.ask('reveal', { id: request.params.id, sight: sightFor(request) });
      await record(context, request, 'reveal', request.params.id, reason);
      return values;
    },
  );
  app.get(
    '/records/:id/packets',
    {
      config: { role: 'auditor', right: 'download packets' },
      schema: { summary: 'Packets of the record’s session, as pcapng', params: IdParams },
    },
    async (request, reply) => {
      const sight = sightFor(request);
      const view = await reads.ask('record', { id: request.params.id, sight });
      const { session } = view.row;
      const { evidence } = settings;
      const packets =
        session === undefined || evidence === undefined
          ? undefined
          : await reads.ask('packets', { evidence, session, sight });
      // One answer whether there are none or not all of them may be seen, so that it tells nothing of the others.
      if (packets === undefined)
        throw new ConsoleError('not-found', 'no packets of this session are kept that are yours to see');
      await record(context, request, 'packets', request.params.id, `session ${session}`);
      return sendFile(reply, `${session}.pcapng`, 'application/x-pcapng').send(Buffer.from(packets));
    },
  );
}

function surroundingRoutes(app: ConsoleApp, context: Context): void {
  const { reads } = context;
  const kept = new Notes(context.db);
  app.get(
    '/sessions',
    { config: READ, schema: { summary: 'Sessions', querystring: SessionsQuery, response: { 200: Sessions } } },
    (request) => reads.ask('sessions', { ...request.query, sight: sightFor(request) }, request.gone),
  );
  app.get(
    '/sessions/:id',
    {
      config: READ,
      schema: {
        summary: 'One session, login to logout',
        params: IdParams,
        querystring: SessionQuery,
        response: { 200: SessionView },
      },
    },
    async (request) => {
      const { id } = request.params;
      const sight = sightFor(request);
      const view = await askRecorded(context, request, `session ${id}`, () =>
        reads.ask('session', { id, after: request.query.after, sight }, request.gone),
      );
      if (!sight.literals) return { ...view, notes: [] };
      const notes = kept.ofSession(id);
      if (sight.limit === undefined) return { ...view, notes };
      // A session may have gone from one database to another.
      const shown = new Set(view.items.map(({ row }) => row.id));
      return { ...view, notes: notes.filter((note) => shown.has(note.record)) };
    },
  );
  app.get(
    '/entities',
    {
      config: READ,
      schema: { summary: 'Users, objects or databases', querystring: EntitiesQuery, response: { 200: Entities } },
    },
    (request) => reads.ask('entities', { ...request.query, sight: sightFor(request) }, request.gone),
  );
  const pages = { users: 'user', objects: 'object', databases: 'database' } as const;
  for (const [path, kind] of Object.entries(pages)) {
    app.get(
      `/${path}/:name`,
      {
        config: READ,
        schema: {
          summary: `One ${kind}: now beside what is usual`,
          params: NameParams,
          querystring: EntityQuery,
          response: { 200: EntityView },
        },
      },
      (request) => {
        const { name } = request.params;
        return askRecorded(context, request, `${kind} ${name}`, () =>
          reads.ask('entity', { ...request.query, kind, name, sight: sightFor(request) }, request.gone),
        );
      },
    );
  }
}

function exportRoute(app: ConsoleApp, context: Context): void {
  app.get(
    '/export',
    {
      config: { role: 'auditor', right: 'export records' },
      schema: {
        summary: 'All matching records, streamed; the last line has their number and hash',
        querystring: ExportQuery,
      },
    },
    async (request, reply) => {
      const { query } = request;
      const chunks = context.reads.stream('export', { ...query, sight: sightFor(request) });
      // The first chunk tells whether the query makes sense, before anything is sent.
      const first = await chunks.next();
      const asked = JSON.stringify({ q: query.q, t: query.t, db: query.db, format: query.format });
      await record(context, request, 'export', query.format, asked);
      const type = query.format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson';
      const written = noteEnd(context, request, asked, following(first, chunks));
      return sendFile(reply, `wiretrail.${query.format}`, type).send(Readable.from(written, { objectMode: false }));
    },
  );
}

async function* following(
  first: IteratorResult<ExportChunk, void>,
  rest: AsyncGenerator<ExportChunk, void>,
): AsyncGenerator<ExportChunk> {
  if (first.done !== true) yield first.value;
  yield* rest;
}

/** The trail also has how an export ended: how many rows left the console. */
async function* noteEnd(
  context: Context,
  request: FastifyRequest,
  asked: string,
  chunks: AsyncGenerator<ExportChunk>,
): AsyncGenerator<Buffer> {
  let rows = 0;
  let whole = false;
  try {
    for await (const chunk of chunks) {
      rows = chunk.rows;
      if (chunk.text !== '') yield Buffer.from(chunk.text);
    }
    whole = true;
  } finally {
    await record(context, request, whole ? 'export-done' : 'export-cut', `${rows} rows`, asked);
  }
}

function sendFile(reply: FastifyReply, name: string, type: string): FastifyReply {
  return reply.type(type).header('content-disposition', `attachment; filename="${name}"`);
}
