/** Reports: a catalogue, runs, their files, schedules. */
import type { FastifyRequest } from 'fastify';
import { hasRole, principalOf } from '../access/access.ts';
import { Done, IdParams } from '../api/common.ts';
import {
  REPORT_FORMATS,
  REPORT_KINDS,
  type Receiver,
  ReportCreate,
  type ReportKind,
  ReportRun,
  ReportSign,
  Reports,
  Schedule,
  ScheduleCreate,
} from '../api/reports.ts';
import { type ConsoleApp, type Context, note, record, sightFor } from '../context.ts';
import { ConsoleError } from '../error.ts';
import type { Sight } from '../reads/row.ts';
import { CATALOGUE, isFor } from '../reports/model.ts';
import { ReportRuns } from '../reports/runs.ts';

const READ = { role: 'viewer', right: 'see which reports there are' } as const;
const MAKE = { role: 'auditor', right: 'make, read and schedule reports' } as const;

export function reportRoutes(app: ConsoleApp, context: Context): void {
  const { reads, db, settings, access } = context;
  const runs = new ReportRuns(db, reads, settings.version, (row) => access.limitOf(row));
  runs.startSchedules(({ id, kind, by }) => {
    // What runs by itself is written down too; should that fail, the run is in the list of reports all the same.
    note(context, { who: by, address: '', action: 'report', subject: id, detail: `${kind}, scheduled` }).catch(
      () => undefined,
    );
  });
  app.addHook('onClose', async () => runs.stop());
  app.get(
    '/reports',
    { config: READ, schema: { summary: 'Catalogue, runs, schedules', response: { 200: Reports } } },
    (request) => {
      const { who, role, limit } = principalOf(request);
      const mayRead = hasRole(role, 'auditor');
      return {
        catalogue: REPORT_KINDS.filter((kind) => isFor(kind, limit)).map((kind) => ({ kind, ...CATALOGUE[kind] })),
        runs: runs.list(limit),
        schedules: runs.schedules(limit),
        todo: mayRead ? runs.todo(who, limit) : [],
        readers: mayRead ? runs.receivers.candidates() : [],
      };
    },
  );
  app.post(
    '/reports',
    { config: MAKE, schema: { summary: 'Make a report', body: ReportCreate, response: { 200: ReportRun } } },
    async (request) => {
      const { kind, q = '', t, db: databases } = request.body;
      const sight = demandKind(request, kind);
      const receivers = runs.receivers.checked(request.body.receivers ?? [], kind, sight.limit);
      const range = await reads.ask('range', { q, t, db: databases, sight });
      const run = runs.start({ kind, q, db: databases, ...range, by: principalOf(request).who, sight, receivers });
      await record(context, request, 'report', run.id, `${kind} ${run.from} ${run.to} ${q}${listed(receivers)}`);
      return run;
    },
  );
  app.get(
    '/reports/:id',
    { config: MAKE, schema: { summary: 'One run', params: IdParams, response: { 200: ReportRun } } },
    (request) => runs.get(request.params.id, principalOf(request).limit),
  );
  const types = { pdf: 'application/pdf', html: 'text/html; charset=utf-8' } as const;
  for (const format of REPORT_FORMATS) {
    app.get(
      `/reports/:id/${format}`,
      { config: MAKE, schema: { summary: `The report as ${format.toUpperCase()}`, params: IdParams } },
      async (request, reply) => {
        const { id } = request.params;
        const { limit } = principalOf(request);
        const file = runs.file(id, format, limit);
        await record(context, request, 'report-read', id, format);
        runs.receivers.done(id, principalOf(request).who, 'view');
        const name = `wiretrail-${runs.get(id, limit).kind}-${id}.${format}`;
        // Never shown within the console: what it holds came from the wire.
        return reply.type(types[format]).header('content-disposition', `attachment; filename="${name}"`).send(file);
      },
    );
  }
  signRoute(app, context, runs);
  scheduleRoutes(app, context, runs);
}

/** For the trail: who has to do what with it. */
function listed(receivers: readonly Receiver[]): string {
  return receivers.map(({ who, must }) => `, ${who} to ${must}`).join('');
}

/** What the asker may see. Throws `role-needed` for a report that is not for them. */
function demandKind(request: FastifyRequest, kind: ReportKind): Sight {
  const sight = sightFor(request);
  if (!isFor(kind, sight.limit))
    throw new ConsoleError('role-needed', 'this report speaks of all databases, of which you may see some only');
  return sight;
}

function signRoute(app: ConsoleApp, context: Context, runs: ReportRuns): void {
  app.post(
    '/reports/:id/sign',
    {
      config: { role: 'auditor', right: 'sign reports, or send them back' },
      schema: {
        summary: 'Sign a report, or send it back',
        params: IdParams,
        body: ReportSign,
        response: { 200: ReportRun },
      },
    },
    async (request) => {
      const { id } = request.params;
      const { verdict, comment = '', code } = request.body;
      const { who, limit } = principalOf(request);
      const { pdfSha256 } = runs.get(id, limit);
      if (pdfSha256 === undefined) throw new ConsoleError('conflict', 'this report is not finished');
      if (verdict === 'sent back' && comment.trim() === '')
        throw new ConsoleError('bad-request', 'say why it is sent back');
      context.access.stepUp(principalOf(request), code);
      runs.signatures.add(id, who, pdfSha256, { verdict, comment });
      runs.receivers.done(id, who, 'sign');
      await record(context, request, 'report-signed', id, `${verdict}, PDF SHA-256 ${pdfSha256} ${comment}`.trim());
      return runs.get(id, limit);
    },
  );
}

function scheduleRoutes(app: ConsoleApp, context: Context, runs: ReportRuns): void {
  app.post(
    '/reports/schedules',
    { config: MAKE, schema: { summary: 'Schedule a report', body: ScheduleCreate, response: { 200: Schedule } } },
    async (request) => {
      const { kind, q = '', every, hour } = request.body;
      const sight = demandKind(request, kind);
      const { limit } = sight;
      const receivers = runs.receivers.checked(request.body.receivers ?? [], kind, limit);
      await context.reads.ask('range', { q, sight });
      const id = runs.schedule({ kind, q, every, hour, by: principalOf(request).who, limit, receivers });
      await record(context, request, 'schedule-created', id, `${kind} every ${every}${listed(receivers)}`);
      const schedule = runs.schedules(limit).find((one) => one.id === id);
      if (schedule === undefined) throw new Error('a saved schedule is not there');
      return schedule;
    },
  );
  app.delete(
    '/reports/schedules/:id',
    { config: MAKE, schema: { summary: 'Remove a schedule', params: IdParams, response: { 200: Done } } },
    async (request) => {
      runs.removeSchedule(request.params.id, principalOf(request).limit);
      await record(context, request, 'schedule-removed', request.params.id);
      return { done: true as const };
    },
  );
}
