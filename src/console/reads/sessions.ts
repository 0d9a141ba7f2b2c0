/** Sessions: a list, and one of them from login to logout. */
import { formatTime } from '../../base/time.ts';
import { MARK_GAP } from '../../contracts/event.ts';
import type { AuditRecord } from '../../contracts/record.ts';
import { valueFilter, valuesFilter } from '../../query/build.ts';
import type { TimeRange } from '../../query/time.ts';
import { type Group, topGroups } from '../../store/totals/aggregate.ts';
import type { Gap } from '../api/common.ts';
import type { LANES, Relation, SessionRow, Sessions, SessionsQuery, SessionView } from '../api/records.ts';
import { ConsoleError } from '../error.ts';
import { questionOf } from './lists.ts';
import { defined, endOf, rowOf } from './row.ts';
import type { Source } from './source.ts';
import type { Seen } from './task.ts';

const ITEMS_MAX = 5000;

export function sessions(source: Source, args: Seen<SessionsQuery>): Sessions {
  const question = questionOf(source, args);
  const { range, query } = question;
  // A session is older than the range where it began before: it is looked at as a whole.
  const whole = { seqMax: query.seqMax };
  const matching = { ...whole, filter: query.filter };
  const by = { fields: ['session'] as const };
  const fitting =
    query.filter && new Set(source.aggregate(matching, { ...by, countsOnly: true }).map(({ labels }) => labels[0]));
  const relates = RELATED[args.relation ?? 'overlaps'];
  const all = source
    .aggregate(whole, by)
    .filter((group) => group.labels[0] !== '' && relates(group, range) && fitting?.has(group.labels[0]) !== false);
  const limit = args.limit ?? 100;
  const latest = topGroups(all, limit, 'firstUs');
  // What else there is to say of a session is asked of those shown only.
  const only = valuesFilter(
    'session',
    latest.map(({ labels }) => labels[0] ?? ''),
  );
  const bySession = new Map<string, Summed>();
  for (const group of latest.length === 0 ? [] : source.aggregate(matching, { fields: SESSION_FIELDS, only })) {
    const [session = ''] = group.labels;
    const row = sessionRow(session, group);
    const other = bySession.get(session);
    bySession.set(session, other === undefined ? row : together(other, row));
  }
  const shown = latest.flatMap((group) => {
    const row = bySession.get(group.labels[0] ?? '');
    return row === undefined ? [] : [apiRow(row, group)];
  });
  return { asked: source.asked(question), sessions: shown, more: all.length > limit };
}

const RELATED: Readonly<Record<Relation, (session: Pick<Group, 'firstUs' | 'lastUs'>, range: TimeRange) => boolean>> = {
  overlaps: ({ firstUs, lastUs }, { fromUs, toUs }) => firstUs < toUs && lastUs >= fromUs,
  covers: ({ firstUs, lastUs }, { fromUs, toUs }) => firstUs < fromUs && lastUs >= toUs,
  inside: ({ firstUs, lastUs }, { fromUs, toUs }) => firstUs >= fromUs && lastUs < toUs,
  not: ({ firstUs, lastUs }, { fromUs, toUs }) => firstUs >= toUs || lastUs < fromUs,
};

const SESSION_FIELDS = ['session', 'user', 'program', 'client', 'server', 'port', 'db', 'system'] as const;

type Summed = SessionRow & { readonly firstUs: number; readonly lastUs: number };

function sessionRow(session: string, { labels, records, failed, rows, firstUs, lastUs }: Group): Summed {
  const [, user, program, client, server, port, db, system] = labels.map((label) => (label === '' ? undefined : label));
  return defined<Summed>({
    session,
    user,
    program,
    client,
    server: endOf(server, port === undefined ? undefined : Number(port)),
    db,
    system,
    first: formatTime(firstUs),
    last: formatTime(lastUs),
    records,
    errors: failed,
    rows,
    firstUs,
    lastUs,
  });
}

/** As the session was last, with all it did. */
function sessionOf(session: string, latest: AuditRecord, sums: Group | undefined): SessionRow {
  return defined<SessionRow>({
    session,
    user: latest.user,
    program: latest.program,
    client: latest.clientAddress,
    server: endOf(latest.serverAddress, latest.serverPort),
    db: latest.namespace,
    system: latest.system,
    first: formatTime(sums?.firstUs ?? latest.timeUs),
    last: formatTime(sums?.lastUs ?? latest.timeUs),
    records: sums?.records ?? 0,
    errors: sums?.failed ?? 0,
    rows: sums?.rows ?? 0,
  });
}

/** With the times of the whole session. */
function apiRow({ firstUs: _firstUs, lastUs: _lastUs, ...row }: Summed, whole: Group): SessionRow {
  return { ...row, first: formatTime(whole.firstUs), last: formatTime(whole.lastUs) };
}

/** A session whose user, program or database changed: as it was last, with all it did. */
function together(a: Summed, b: Summed): Summed {
  const [older, newer] = a.lastUs < b.lastUs ? [a, b] : [b, a];
  return {
    ...newer,
    first: older.firstUs < newer.firstUs ? older.first : newer.first,
    firstUs: Math.min(a.firstUs, b.firstUs),
    records: a.records + b.records,
    errors: a.errors + b.errors,
    rows: a.rows + b.rows,
  };
}

export function session(
  source: Source,
  args: Seen<{ id: string; after: string | undefined }>,
): Omit<SessionView, 'notes'> {
  const filter = valueFilter('session', args.id);
  const [latest] = source.latest({ filter }, 1);
  if (latest === undefined) throw new ConsoleError('not-found', 'there is no such session: it may have expired');
  const [sums] = source.aggregate({ filter }, { fields: [] });
  const after = args.after === undefined ? undefined : source.get(args.after);
  // One more than shown tells whether there are more.
  const query = { filter, order: 'oldest', after, limit: ITEMS_MAX + 1 } as const;
  const found = [...source.query(query)];
  const records = found.slice(0, ITEMS_MAX);
  const timeline = new Timeline();
  for (const record of records) timeline.add(record);
  const login = records.find(({ kind }) => kind === 'login');
  const logout = records.findLast(({ kind }) => kind === 'logout');
  return {
    session: sessionOf(args.id, latest, sums),
    ...(login === undefined ? {} : { login: rowOf(login, args.sight) }),
    ...(logout === undefined ? {} : { logout: rowOf(logout, args.sight) }),
    items: records.map((record, i) => ({
      row: rowOf(record, args.sight),
      lane: laneOf(record),
      idleUs: timeline.idleUs[i] ?? 0,
    })),
    transactions: timeline.finished(),
    gaps: records.filter(({ marks, lostBytes }) => lostBytes !== undefined || (marks & MARK_GAP) !== 0).map(gapOf),
    idleUsMax: timeline.idleUs.reduce((most, idle) => Math.max(most, idle), 0),
    errors: sums?.failed ?? 0,
    more: found.length > records.length,
  };
}

function gapOf({ timeUs, durationUs, lostBytes, marks }: AuditRecord): Gap {
  return {
    from: formatTime(timeUs),
    to: formatTime(timeUs + (durationUs ?? 0)),
    reason: (marks & MARK_GAP) !== 0 ? 'gap' : 'lost',
    detail: lostBytes === undefined ? 'an unknown number of bytes was not seen' : `${lostBytes} bytes were not seen`,
    ...(lostBytes === undefined ? {} : { lostBytes }),
  };
}

type Lane = (typeof LANES)[number];

const READS = /^(SELECT|SHOW|DESCRIBE|EXPLAIN|FETCH|VALUES|TABLE|WITH|HELP)\b/;
const WRITES = /^(INSERT|UPDATE|DELETE|MERGE|REPLACE|UPSERT|COPY|LOAD|TRUNCATE|BULK|IMPORT)\b/;
const NEUTRAL =
  /^(BEGIN|START|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET|USE|PREPARE|EXECUTE|DEALLOCATE|CLOSE|OPEN|PING|DECLARE)\b/;

/** Reading, writing, or changing what the database is; the rest stands for itself. */
function laneOf({ kind, operation }: AuditRecord): Lane {
  if (kind !== 'statement' || operation === undefined) return 'other';
  if (READS.test(operation)) return 'read';
  if (WRITES.test(operation)) return 'write';
  return NEUTRAL.test(operation) ? 'other' : 'admin';
}

type Transaction = SessionView['transactions'][number];

/** Follows a session's records in order: idle times, and where transactions begin and end. */
class Timeline {
  readonly idleUs: number[] = [];
  private readonly transactions: Transaction[] = [];
  private open: Transaction | undefined = undefined;
  private endUs: number | undefined = undefined;
  private index = -1;

  add(record: AuditRecord): void {
    this.index++;
    this.idleUs.push(this.endUs === undefined ? 0 : Math.max(0, record.timeUs - this.endUs));
    this.endUs = Math.max(this.endUs ?? 0, record.timeUs + (record.durationUs ?? 0));
    if (record.kind !== 'statement') return;
    const state = record.transaction;
    const ends = /^(COMMIT|END|ROLLBACK(?! TO))\b/.exec(record.operation ?? '');
    if (this.open === undefined) {
      const begins = /^(BEGIN|START TRANSACTION)\b/.test(record.operation ?? '');
      if (!begins && state !== 'open' && state !== 'failed') return;
      this.open = { first: this.index, last: this.index, end: 'open', writes: 0, rows: 0 };
    }
    const open = this.open;
    open.last = this.index;
    if (laneOf(record) === 'write') open.writes++;
    open.rows += record.returnedRows ?? record.affectedRows ?? 0;
    if (ends !== null || state === 'idle') {
      open.end =
        ends?.[1]?.startsWith('ROLLBACK') === true ? 'rollback' : record.errorCode !== undefined ? 'failed' : 'commit';
      this.close();
    } else if (state === 'failed') {
      open.end = 'failed';
    }
  }

  finished(): Transaction[] {
    this.close();
    return this.transactions;
  }

  private close(): void {
    if (this.open !== undefined) this.transactions.push(this.open);
    this.open = undefined;
  }
}
