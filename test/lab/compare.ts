/**
 * Holds audit records against what the servers logged: every logged statement recorded exactly once, none invented,
 * user, database, values and errors equal.
 *
 * The two are laid beside each other session by session (a session is a client's address and port at one server), in
 * the order in which each was written: a statement ends before the next one of its session does, on the server as on
 * the wire. Times would not do: where a frame came late, so did its time.
 * What may differ in form, and how it is made equal:
 * - White space and semicolons around a text do not count: servers trim them, each in its way.
 * - PostgreSQL logs a message of several statements as one, MariaDB too; a record is one executed statement. So one
 *   logged text may be covered by several records in a row, in its order, up to its end or to the one that failed.
 * - MariaDB logs an executed prepared statement with its values in the text; a record has the template and the values.
 * - MariaDB logs a bulk execution once or once a row, by kind of statement: a run of them matches a run of records.
 * - MariaDB logs nothing for an execution whose prepare failed just before it, in one flight (pipelining): it knows no
 *   such statement. The client did ask, so there is a record; it counts as a command.
 * - MariaDB's audit log has native error codes alone; where the record has the SQLSTATE, it must be that code's.
 * - Where a record says that a secret was removed, literals are compared as literals only.
 * - Derby logs a query when it is executed; its record is written when its rows have been fetched, perhaps after others.
 *   Its sessions are therefore compared in the order in which their statements began, and places do not count: a frame
 *   that came late may have begun two at once. Of logins only that one failed
 *   counts: the reason is the client's in one place and the server's in the other.
 * - Statements on encrypted connections can't be recorded: the connection must have its `opaque` record instead.
 */
import { align, hasMark, loggedValues, type RecordLine, sameValues, sessionOf } from './align.ts';
import type { LoggedEntry, LoggedLogin, LoggedStatement } from './log.ts';
import { differingRows } from './rows.ts';

export interface Difference {
  readonly client: string;
  readonly text: string;
  readonly field: string;
  readonly logged: unknown;
  readonly recorded: unknown;
}

export interface Comparison {
  /** Statements the servers logged on connections that can be read; records of statements. */
  readonly logged: number;
  readonly recorded: number;
  /** Logged statements that found their records, and the number of those. */
  readonly loggedMatched: number;
  readonly recordedMatched: number;
  /** Matched statements of which the server said how many rows they gave or changed. */
  readonly rowsCompared: number;
  readonly missing: readonly LoggedStatement[];
  readonly invented: readonly RecordLine[];
  readonly differing: readonly Difference[];
  /** Records that have their statement, but not in its place: written too late or too early. */
  readonly outOfOrder: number;
  /** Connections that were encrypted, and the statements on them. */
  readonly opaque: number;
  readonly unreadable: number;
  readonly logins: number;
  /** Records of commands that run no statement (ping, quit): the logs do not have them all, so they are only counted. */
  readonly commands: number;
}

const SAMPLE = 20;
const UNKNOWN_HANDLER = 'Unknown prepared statement handler';

export function compare(entries: readonly LoggedEntry[], records: readonly RecordLine[]): Comparison {
  const differing: Difference[] = [];
  const bySession = groupBy(records, sessionOf);
  const logins = entries.filter((entry) => entry.kind === 'login' && entry.changeUser !== true) as LoggedLogin[];
  for (const [session, group] of groupBy(logins, keyOf)) compareLogins(group, bySession.get(session) ?? [], differing);
  const encrypted = new Set(logins.filter((login) => login.tls).map((login) => `${login.server} ${login.session}`));
  const statements = entries.filter((entry) => entry.kind === 'statement');
  const readable = statements.filter((entry) => !encrypted.has(`${entry.server} ${entry.session}`));
  const logged = groupBy(readable, keyOf);
  const missing: LoggedStatement[] = [];
  const invented: RecordLine[] = [];
  const total = { recorded: 0, commands: 0, loggedMatched: 0, recordedMatched: 0, rowsCompared: 0, outOfOrder: 0 };
  for (const session of new Set([...logged.keys(), ...bySession.keys()])) {
    const all = (bySession.get(session) ?? []).filter((record) => record['audit.kind'] === 'statement');
    const statementRecords = all.filter((record) => !isCommand(record));
    const ordered = !session.startsWith('derby ');
    if (!ordered) statementRecords.sort(byTime);
    const result = align(logged.get(session) ?? [], statementRecords);
    for (const pair of result.pairs) {
      for (const entry of pair.logged) compareFacts(entry, pair.records, differing);
      total.rowsCompared += pair.logged.filter(isCounted).length;
      total.loggedMatched += pair.logged.length;
      total.recordedMatched += pair.records.length;
    }
    missing.push(...result.missing);
    invented.push(...result.invented);
    if (ordered) total.outOfOrder += result.outOfOrder;
    total.recorded += statementRecords.length;
    total.commands += all.length - statementRecords.length;
  }
  const unreadable = statements.length - readable.length;
  const counts = { logged: readable.length, unreadable, opaque: encrypted.size, logins: logins.length };
  return { ...total, ...counts, missing, invented, differing };
}

/** All that must hold, in a few lines of text; `ok` when it does. */
export function verdict(result: Comparison): { ok: boolean; text: string } {
  const percent = (part: number, whole: number): string =>
    `${whole === 0 ? '100' : ((100 * part) / whole).toFixed(3)} %`;
  const { missing, invented, differing, outOfOrder } = result;
  const lines = [
    `${result.logged} statements logged, ${result.recorded} recorded: ` +
      `recall ${percent(result.loggedMatched, result.logged)}, precision ${percent(result.recordedMatched, result.recorded)}`,
    `${result.logins} logins, ${result.opaque} encrypted connections (${result.unreadable} statements), ` +
      `${result.commands} commands; rows compared of ${result.rowsCompared} statements`,
    `missing ${missing.length}, invented ${invented.length}, differing ${differing.length}, out of order ${outOfOrder}`,
    ...sample('missing', missing),
    ...sample('invented', invented),
    ...sample('differing', differing),
  ];
  return { ok: missing.length + invented.length + differing.length + outOfOrder === 0, text: lines.join('\n') };
}

/** The record says itself that it isn't the whole truth. */
export function isMarkedIncomplete(record: RecordLine): boolean {
  return hasMark(record, 'gap', 'truncated', 'midstream', 'no_reply', 'unknown_handle', 'malformed');
}

function sample(title: string, list: readonly unknown[]): string[] {
  return list.slice(0, SAMPLE).map((item) => `  ${title}: ${JSON.stringify(item)}`);
}

function compareFacts(entry: LoggedStatement, records: readonly RecordLine[], differing: Difference[]): void {
  const differ = (field: string, logged: unknown, recorded: unknown): void => {
    differing.push({ client: entry.client, text: entry.text.slice(0, 200), field, logged, recorded });
  };
  for (const record of records) {
    const user = record['user.name'];
    const effective = record['audit.effective_user'] ?? user;
    // PostgreSQL logs who logged in, MariaDB who is in force (after COM_CHANGE_USER another one).
    if (entry.loginUser === undefined ? user !== entry.user : ![user, effective].includes(entry.user)) {
      differ('user', entry.user, user);
    }
    const database = typeof record['db.namespace'] === 'string' ? record['db.namespace'].split('|')[0] : undefined;
    if (database !== entry.database) differ('database', entry.database, database);
    const program = record['audit.program'] ?? '';
    if (entry.program !== undefined && program !== entry.program) differ('program', entry.program, program);
    if (hasMark(record, 'gap', 'midstream', 'unknown_handle', 'malformed', 'no_reply')) {
      differ('marks', [], record['audit.marks']);
    }
  }
  const failed = records.find((record) => record['db.response.status_code'] !== undefined);
  if (!sameError(entry, failed?.['db.response.status_code'])) {
    differ('error', entry.errorCode, failed?.['db.response.status_code']);
  } else if (entry.errorText !== undefined && failed?.['error.message'] !== entry.errorText) {
    differ('error text', entry.errorText, failed?.['error.message']);
  }
  const rows = differingRows(entry, records);
  if (rows !== undefined) differ('rows', rows.logged, rows.recorded);
  const [record] = records;
  if (record !== undefined && records.length === 1 && sameValues(entry, record) === false) {
    differ('values', loggedValues(entry, record), record['db.query.parameters']);
  }
}

function isCounted(entry: LoggedStatement): boolean {
  return entry.rows !== undefined && entry.errorCode === undefined;
}

/** SQLSTATE of MariaDB's native codes (its manual, "MariaDB Error Code Reference"); of others only that it failed counts. */
const SQLSTATES: ReadonlyMap<string, string> = new Map([
  ['1044', '42000'],
  ['1045', '28000'],
  ['1049', '42000'],
  ['1054', '42S22'],
  ['1062', '23000'],
  ['1064', '42000'],
  ['1146', '42S02'],
]);

function sameError(entry: LoggedStatement | LoggedLogin, code: unknown): boolean {
  if (entry.errorCode === undefined || code === undefined) return entry.errorCode === code;
  if (entry.errorCode === code || (entry.server === 'derby' && entry.kind === 'login')) return true;
  const isSqlState = entry.server === 'mariadb' && /^[0-9A-Z]{5}$/.test(String(code));
  return isSqlState && (SQLSTATES.get(entry.errorCode) ?? code) === code;
}

/** `logins` of one session key: several when the client's port was used again. */
function compareLogins(logins: readonly LoggedLogin[], records: readonly RecordLine[], differing: Difference[]): void {
  const [first] = logins;
  if (first === undefined) return;
  const differ = (field: string, logged: unknown, recorded: unknown): void => {
    differing.push({ client: first.client, text: 'login', field, logged, recorded });
  };
  const opaque = records.filter((record) => record['audit.kind'] === 'opaque');
  const readable = logins.filter((login) => !login.tls);
  if (opaque.length !== logins.length - readable.length)
    differ('opaque', logins.length - readable.length, opaque.length);
  const recorded = records.filter((record) => record['audit.kind'] === 'login');
  // After COM_CHANGE_USER a MariaDB session may have a login record more, a connection of Derby's pool one for each use.
  const mayHaveMore = first.server !== 'postgres';
  if (mayHaveMore ? recorded.length < readable.length : recorded.length !== readable.length) {
    differ('logins', readable.length, recorded.length);
    return;
  }
  for (const [index, login] of readable.entries()) {
    const record = recorded[index] ?? {};
    if (record['user.name'] !== login.user) differ('user', login.user, record['user.name']);
    if (login.program !== undefined && record['audit.program'] !== login.program) {
      differ('program', login.program, record['audit.program']);
    }
    if (!sameError(login, record['db.response.status_code'])) {
      differ('error', login.errorCode, record['db.response.status_code']);
    }
  }
}

/** Asked for no statement of its own. A statement whose text is unknown is none of these: it counts as invented. */
function isCommand(record: RecordLine): boolean {
  if (String(record['error.message']).startsWith(UNKNOWN_HANDLER)) return true;
  return record['db.query.text'] === undefined && !hasMark(record, 'unknown_handle', 'gap', 'midstream');
}

function byTime(one: RecordLine, other: RecordLine): number {
  return String(one['time']).localeCompare(String(other['time']));
}

function keyOf(entry: LoggedEntry): string {
  return `${entry.server} ${entry.client}`;
}

function groupBy<T>(list: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of list) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}
