/**
 * Joins MariaDB's three logs into the lab's form.
 *
 * The general log (as a table, see mariadb.ts) has one row for each request, with the user in force; it has no outcome,
 * and no row for a prepare that failed. The audit plugin has one row for each statement that ended, with its error code,
 * but none for bulk executions, and its user and database go stale after COM_CHANGE_USER. So the general log says what
 * was asked, and the plugin's rows are laid beside it, text in text, to say what failed; and those of the slow log, one
 * for each statement of a message too, to say how many rows it gave and changed. Of bulk executions that log counts none.
 */
import type { LoggedEntry, LoggedRows, LoggedStatement } from './log.ts';

/** One row of `mysql.general_log`. */
export interface GeneralRow {
  readonly thread: string;
  readonly userHost: string;
  readonly command: string;
  readonly argument: string;
}

/** One QUERY or FAILED_CONNECT row of the audit plugin. */
export interface AuditRow {
  readonly thread: string;
  readonly queryId: number;
  readonly operation: string;
  readonly text: string;
  readonly errorCode: number;
}

/** One row of `mysql.slow_log`. */
export interface SlowRow {
  readonly thread: string;
  /** As the log has them: `rows_sent`, `rows_affected`. */
  readonly returned: number;
  readonly affected: number;
  readonly text: string;
}

const CONNECT_PATTERN = /^(\S+)@\S* (?:as \S+ )?on (\S*) ?using (.*)$/;
const USER_PATTERN = /^([^[]*)\[/;
const USE_PATTERN = /^\s*use\s+`?([^`;\s]+)`?\s*;?\s*$/i;
const SQL_PREPARE_PATTERN = /^\s*prepare\s/i;
const SQL_EXECUTE_PATTERN = /^\s*execute\s/i;

interface Session {
  readonly thread: string;
  readonly client: string;
  loginUser: string;
  database: string | undefined;
  /** Text of the last Query row: the Prepare or Execute row after an SQL-level PREPARE or EXECUTE belongs to it. */
  lastQuery: string;
  prepared: Set<string>;
  last: LoggedStatement | undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Thread id to `address:port` of its client. */
type Clients = ReadonlyMap<string, string>;

/** Entries of TCP sessions in log order, failed prepares where they came. */
export function readMariadbLog(
  rows: readonly GeneralRow[],
  audit: readonly AuditRow[],
  slow: readonly SlowRow[],
  clients: Clients,
): LoggedEntry[] {
  const entries: LoggedEntry[] = [];
  const sessions = new Map<string, Session>();
  const statements = new Map<string, Mutable<LoggedStatement>[]>();
  const executed = new Map<LoggedEntry, string>();
  for (const row of rows) {
    // Only the lab's own hands come by the socket.
    if (row.userHost.includes('localhost')) continue;
    const entry = readRow(row, sessions, clients, executed);
    if (entry === undefined) continue;
    entries.push(entry);
    if (entry.kind === 'statement') append(statements, entry.session, entry);
  }
  const audited = groupByThread(audit.filter((row) => row.operation === 'QUERY'));
  const refusals = new Map<string, string>();
  for (const row of audit) {
    if (row.operation === 'FAILED_CONNECT') refusals.set(row.thread, String(row.errorCode));
  }
  const counted = groupByThread(slow);
  const before = new Map<LoggedEntry, LoggedStatement[]>();
  for (const [thread, list] of statements) {
    addOutcomes(list, audited.get(thread) ?? [], before);
    addRows(list, counted.get(thread) ?? [], executed);
  }
  return entries.flatMap((entry): LoggedEntry[] => {
    const errorCode = refusals.get(entry.session);
    if (entry.kind === 'login') return [errorCode === undefined ? entry : { ...entry, errorCode }];
    return [...(before.get(entry) ?? []), entry];
  });
}

function append<V>(lists: Map<string, V[]>, key: string, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

function groupByThread<T extends { readonly thread: string }>(rows: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) append(groups, row.thread, row);
  return groups;
}

/** `executed` gets the text that an EXECUTE in SQL stands for. */
function readRow(
  row: GeneralRow,
  sessions: Map<string, Session>,
  clients: Clients,
  executed: Map<LoggedEntry, string>,
): LoggedEntry | undefined {
  const session = sessions.get(row.thread);
  switch (row.command) {
    case 'Connect':
      // "Access denied" follows the row of the attempt; the audit log has its code.
      return CONNECT_PATTERN.test(row.argument) ? login(row, sessions, clients) : undefined;
    case 'Change user':
      return login(row, sessions, clients);
    case 'Init DB':
      if (session) session.database = row.argument;
      return undefined;
    case 'Query':
      if (!session) return undefined;
      session.lastQuery = row.argument;
      session.last = query(row, session);
      return session.last;
    case 'Prepare':
      if (session && !(SQL_PREPARE_PATTERN.test(session.lastQuery) && session.lastQuery.includes(row.argument))) {
        session.prepared.add(row.argument);
        session.lastQuery = '';
      }
      return undefined;
    case 'Execute':
      if (!session) return undefined;
      if (SQL_EXECUTE_PATTERN.test(session.lastQuery)) {
        if (session.last) executed.set(session.last, row.argument);
        session.lastQuery = '';
        return undefined;
      }
      return statement(
        row,
        session,
        session.prepared.has(row.argument) && row.argument.includes('?') ? 'bulk' : 'inlined',
      );
    default:
      return undefined;
  }
}

function login(row: GeneralRow, sessions: Map<string, Session>, clients: Clients): LoggedEntry | undefined {
  const client = clients.get(row.thread) ?? '';
  const common = { kind: 'login', server: 'mariadb', session: row.thread, client } as const;
  const [, user = '', database = '', transport = ''] = CONNECT_PATTERN.exec(row.argument) ?? [];
  const changeUser = row.command === 'Change user';
  const before = sessions.get(row.thread);
  sessions.set(row.thread, {
    thread: row.thread,
    client,
    loginUser: changeUser && before ? before.loginUser : user,
    database: database === '' ? undefined : database,
    lastQuery: '',
    prepared: new Set(),
    last: undefined,
  });
  const tls = transport.includes('SSL');
  return { ...common, user, ...(database === '' ? {} : { database }), tls, ...(changeUser ? { changeUser } : {}) };
}

function query(row: GeneralRow, session: Session): LoggedStatement {
  const entry = statement(row, session, 'query');
  const used = USE_PATTERN.exec(row.argument)?.[1];
  if (used !== undefined) session.database = used;
  return entry;
}

function statement(row: GeneralRow, session: Session, command: LoggedStatement['command']): LoggedStatement {
  return {
    kind: 'statement',
    server: 'mariadb',
    session: session.thread,
    client: session.client,
    user: USER_PATTERN.exec(row.userHost)?.[1] ?? '',
    loginUser: session.loginUser,
    ...(session.database === undefined ? {} : { database: session.database }),
    command,
    text: row.argument.replace(ESCAPED_CHARACTER, (escapes) =>
      Buffer.from(escapes.replaceAll('\\x', ''), 'hex').toString(),
    ),
  };
}

/** The log table's character set ends at U+FFFF; the server writes what lies beyond as its four UTF-8 bytes. */
const ESCAPED_CHARACTER = /\\xF[0-4](?:\\x[89AB][0-9A-F]){3}/g;

/**
 * Gives each statement the error of the audit rows whose text is in its own. Errors that fit none are prepares that
 * failed, put into `before` the statement that follows; but inside a CALL that failed they are the procedure's own.
 */
function addOutcomes(
  list: Mutable<LoggedStatement>[],
  audit: readonly AuditRow[],
  before: Map<LoggedEntry, LoggedStatement[]>,
): void {
  const rows = [...audit].sort((a, b) => a.queryId - b.queryId);
  const texts = list.map((entry) => masked(entry.text));
  let at = 0;
  let searchFrom = 0;
  for (const row of rows) {
    const text = masked(row.text);
    const found = findText(texts, text, at, searchFrom);
    if (found !== undefined) {
      ({ at, searchFrom } = found);
      const entry = list[at] as Mutable<LoggedStatement>;
      if (row.errorCode !== 0) entry.errorCode ??= String(row.errorCode);
      continue;
    }
    const last = list[at] as Mutable<LoggedStatement>;
    if (row.errorCode === 0 || (CALL_PATTERN.test(last.text) && last.errorCode !== undefined)) continue;
    const follower = list[searchFrom === 0 ? at : at + 1] ?? last;
    const failed = before.get(follower) ?? [];
    failed.push(failedPrepare(row, last));
    before.set(follower, failed);
  }
}

/** Gives each statement the counts of the slow log's rows whose text is in its own, or in what it executed. */
function addRows(
  list: Mutable<LoggedStatement>[],
  slow: readonly SlowRow[],
  executed: ReadonlyMap<LoggedEntry, string>,
): void {
  const texts = list.map((entry) => masked(`${entry.text}\0${executed.get(entry) ?? ''}`));
  let at = 0;
  let searchFrom = 0;
  for (const { text, returned, affected } of slow) {
    const found = findText(texts, masked(text), at, searchFrom);
    if (found === undefined) continue;
    ({ at, searchFrom } = found);
    const entry = list[at] as Mutable<LoggedStatement>;
    const rows: LoggedRows = { returned, affected };
    if (entry.command !== 'bulk') entry.rows = [...(entry.rows ?? []), rows];
  }
}

const CALL_PATTERN = /^\s*call\s/i;

/** How far ahead a statement may be whose audit rows are missing (bulk executions have none). */
const LOOKAHEAD = 64;

/** The next place of `text` from (`at`, `searchFrom`) on: which statement, and where behind it the search goes on. */
function findText(
  texts: readonly string[],
  text: string,
  at: number,
  searchFrom: number,
): { at: number; searchFrom: number } | undefined {
  for (let i = at; i < Math.min(texts.length, at + LOOKAHEAD); i++) {
    const found = (texts[i] as string).indexOf(text, i === at ? searchFrom : 0);
    if (found >= 0) return { at: i, searchFrom: found + text.length };
  }
  return undefined;
}

function failedPrepare(row: AuditRow, near: LoggedStatement): LoggedStatement {
  const { errorText: _text, errorCode: _code, parameters: _values, ...rest } = near;
  return { ...rest, command: 'execute', text: row.text, errorCode: String(row.errorCode) };
}

/** The audit plugin hides passwords as `*****`, and the two logs escape bytes differently: literals are left out. */
function masked(text: string): string {
  return text
    .replace(/'(?:[^'\\]|\\.|'')*'/gs, '*')
    .replace(/\*+/g, '*')
    .replace(/\s+/g, ' ');
}
