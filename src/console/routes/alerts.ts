/** Triage of alerts. Decisions are added to a list that nobody can change. */
import { principalOf } from '../access/access.ts';
import { readDatabases, shownDatabases, writeDatabases } from '../access/databases.ts';
import {
  AlertDecide,
  AlertDecided,
  AlertQuery,
  Alerts,
  AlertsQuery,
  AlertView,
  type Decision,
  type Until,
} from '../api/alerts.ts';
import { IdParams } from '../api/common.ts';
import { askRecorded, type ConsoleApp, type Context, record, sightFor } from '../context.ts';
import { ConsoleError } from '../error.ts';
import type { DecisionFacts } from '../reads/alerts.ts';
import { covers, type Limit } from '../reads/limit.ts';
import { isoOf, type StateDb } from '../state.ts';

interface DecisionRow {
  readonly group_id: string;
  readonly time_ms: number;
  readonly who: string;
  readonly state: DecisionFacts['state'];
  readonly verdict: DecisionFacts['verdict'] | null;
  readonly reason: string;
  readonly count: number;
  readonly last_us: number;
  readonly databases: string | null;
  readonly until_json: string | null;
}

const READ = { role: 'viewer', right: 'read alerts' } as const;

export function alertRoutes(app: ConsoleApp, context: Context): void {
  const { db, reads } = context;
  app.get(
    '/alerts',
    {
      config: READ,
      schema: { summary: 'Alerts by rule and shape', querystring: AlertsQuery, response: { 200: Alerts } },
    },
    (request) => {
      const { who } = principalOf(request);
      const args = { ...request.query, decisions: latestDecisions(db), who, sight: sightFor(request) };
      return reads.ask('alerts', args, request.gone);
    },
  );
  app.get(
    '/alerts/:id',
    {
      config: READ,
      schema: { summary: 'One alert', params: IdParams, querystring: AlertQuery, response: { 200: AlertView } },
    },
    async (request) => {
      const { id } = request.params;
      const args = {
        ...request.query,
        id,
        decisions: latestDecisions(db),
        who: principalOf(request).who,
        sight: sightFor(request),
      };
      const view = await askRecorded(context, request, `alert ${id}`, () => reads.ask('alert', args, request.gone));
      return { ...view, trail: trailOf(db, id, principalOf(request).limit) };
    },
  );
  app.post(
    '/alerts/decide',
    {
      config: { role: 'auditor', right: 'decide on alerts' },
      schema: { summary: 'Acknowledge, close or reopen alerts', body: AlertDecide, response: { 200: AlertDecided } },
    },
    async (request) => {
      const { ids, state, verdict, until, reason } = request.body;
      if (state === 'closed' && verdict === undefined)
        throw new ConsoleError('bad-request', 'say what it was: expected, problem or noise');
      if (state !== 'closed' && until !== undefined)
        throw new ConsoleError('bad-request', 'only what is closed stays so until something happens');
      const { who, limit } = principalOf(request);
      const args = { state: 'open,acknowledged,closed', decisions: latestDecisions(db), who, sight: sightFor(request) };
      const { groups } = await reads.ask('alerts', args);
      const wanted = new Set(ids);
      const found = groups.filter(({ id }) => wanted.has(id));
      if (found.length < wanted.size)
        throw new ConsoleError(
          'not-found',
          `${wanted.size - found.length} of ${wanted.size} alerts do not exist; nothing was changed`,
        );
      const insert = db.prepare(
        `INSERT INTO decision (group_id, time_ms, who, state, verdict, reason, count, last_us, databases,
           until_json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      );
      const databases = writeDatabases(limit?.databases);
      const untilText = until === undefined ? null : JSON.stringify(until);
      db.transaction(() => {
        for (const { id, count, last } of found)
          insert.run(
            ...([id, Date.now(), who, state, verdict ?? null, reason] as const),
            ...([count, microseconds(last), databases, untilText] as const),
          );
      })();
      const noted = untilText === null ? reason : `${reason} (until ${untilText})`;
      for (const { id } of found) await record(context, request, `alert-${state}`, id, noted);
      return { ids: found.map(({ id }) => id) };
    },
  );
}

function microseconds(time: string): number {
  return Date.parse(time.slice(0, 23).concat('Z')) * 1000 + Number(time.slice(23, 26));
}

/** Of each alert the latest decision by everybody who may see the same databases, oldest first. */
function latestDecisions(db: StateDb): DecisionFacts[] {
  const rows = db
    .prepare<[], DecisionRow>(
      'SELECT * FROM decision WHERE seq IN (SELECT max(seq) FROM decision GROUP BY group_id, databases) ORDER BY seq',
    )
    .all();
  return rows.map(({ group_id, state, verdict, who, last_us, databases, until_json }) => ({
    groupId: group_id,
    state,
    verdict: verdict ?? undefined,
    who,
    lastUs: last_us,
    databases: readDatabases(databases),
    until: untilOf(until_json),
  }));
}

/** Reason and count of a decision speak of all that who decided could see: shown to those who may see as much. */
function trailOf(db: StateDb, id: string, limit: Limit | undefined): Decision[] {
  const rows = db.prepare<[string], DecisionRow>('SELECT * FROM decision WHERE group_id = ? ORDER BY seq').all(id);
  return rows.map(({ time_ms, who, state, verdict, reason, count, databases, until_json }) => ({
    time: isoOf(time_ms),
    who,
    state,
    databases: shownDatabases(databases),
    ...(verdict === null || verdict === undefined ? {} : { verdict }),
    ...untilShown(until_json),
    ...(covers(limit, readDatabases(databases)) ? { reason, count } : {}),
  }));
}

function untilShown(text: string | null): Pick<Decision, 'until'> {
  const until = untilOf(text);
  return until === undefined ? {} : { until };
}

function untilOf(text: string | null): Until | undefined {
  return text === null ? undefined : (JSON.parse(text) as Until);
}
