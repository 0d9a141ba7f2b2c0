/**
 * Reads PostgreSQL's csvlog (manual, "Using CSV-Format Log Output", PostgreSQL 15 and later) into the lab's form.
 *
 * With `log_statement=all` a Query message is one "statement: " row, however many statements it holds, written before
 * it runs; an Execute message is one "execute NAME: " row with its parameters in the detail. What fails in Parse or
 * Bind, or as a whole simple query in the grammar, has only its ERROR row. A plan's row (see plans.ts) comes when its
 * portal ends, which for the extended protocol may be behind later statements: it belongs to the first of its text
 * that has none yet.
 */
import { parseCsv } from './csv.ts';
import type { LoggedEntry, LoggedLogin, LoggedStatement, LoggedValue } from './log.ts';
import { type LoggedPlan, readPlan } from './plans.ts';

/** Columns of the csvlog, from 0. */
const USER = 1;
const DATABASE = 2;
const CONNECTION_FROM = 4;
const SESSION_ID = 5;
const COMMAND_TAG = 7;
const SEVERITY = 11;
const SQLSTATE = 12;
const MESSAGE = 13;
const DETAIL = 14;
const QUERY = 19;
const APPLICATION = 22;
const BACKEND_TYPE = 23;

const STATEMENT_PREFIX = 'statement: ';
const EXECUTE_PATTERN = /^execute (fetch from )?[^:]*: /;
const AUTHORIZED_PATTERN =
  /^(?:replication )?connection authorized: user=(\S+)(?: database=(\S+))?(?: application_name=(.*?))?( SSL enabled .*)?$/;
/** SQLSTATE classes with which a FATAL row refuses a login: 28 authorization, 3D no such database, 53 too many. */
const REFUSAL_PATTERN = /^(?:28|3D|53)/;
/** Stages of the extended protocol that come before Execute and its log row. */
const BEFORE_EXECUTE = new Set(['PARSE', 'BIND', 'idle', 'idle in transaction', 'idle in transaction (aborted)', '']);

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Entries of TCP sessions, in log order. `text` is whole rows of the csvlog. */
export function readPostgresLog(text: string): LoggedEntry[] {
  const entries: LoggedEntry[] = [];
  const lastBySession = new Map<string, Mutable<LoggedStatement>>();
  const loginBySession = new Map<string, Mutable<LoggedLogin>>();
  const unplanned = new Unplanned();
  for (const row of parseCsv(text)) {
    const from = column(row, CONNECTION_FROM);
    if (from === '' || from.startsWith('[local]')) continue;
    if (column(row, BACKEND_TYPE) !== 'client backend' && column(row, BACKEND_TYPE) !== 'walsender') continue;
    const plan = readPlan(column(row, MESSAGE));
    if (plan !== undefined) {
      unplanned.give(plan, lastBySession.get(column(row, SESSION_ID)));
      continue;
    }
    const entry = readRow(row, lastBySession, loginBySession);
    if (entry === undefined) continue;
    entries.push(entry);
    if (entry.kind === 'login') {
      loginBySession.set(entry.session, entry);
      continue;
    }
    lastBySession.set(entry.session, entry);
    unplanned.add(entry);
  }
  return entries;
}

const SQL_PREPARE_PATTERN = /^\s*prepare\s/i;
const SQL_EXECUTE_PATTERN = /^\s*execute\s/i;
/** Their plans end with other rows than they themselves give. */
const OTHER_ROWS_PATTERN = /^\s*(?:declare|explain|refresh)\s/i;

/** Statements whose plans may still come, by session and text. */
class Unplanned {
  readonly #waiting = new Map<string, Mutable<LoggedStatement>[]>();

  add(entry: Mutable<LoggedStatement>): void {
    const key = `${entry.session} ${entry.text}`;
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) this.#waiting.set(key, [entry]);
    else waiting.push(entry);
  }

  /** `last` is the session's latest statement. */
  give(plan: LoggedPlan, last: Mutable<LoggedStatement> | undefined): void {
    if (last === undefined || OTHER_ROWS_PATTERN.test(plan.text)) return;
    // EXECUTE in SQL runs the text of its PREPARE.
    if (SQL_PREPARE_PATTERN.test(plan.text)) {
      if (SQL_EXECUTE_PATTERN.test(last.text)) last.rows = [{ processed: plan.processed }];
      return;
    }
    const waiting = this.#waiting.get(`${last.session} ${plan.text}`) ?? [];
    // A message has a plan for each of its statements, and they come before the next message.
    if (last.command === 'query' && last.text === plan.text) {
      last.rows = [...(last.rows ?? []), { processed: plan.processed }];
      return;
    }
    while (waiting[0]?.errorCode !== undefined) waiting.shift();
    const entry = waiting.shift();
    if (entry !== undefined) entry.rows = [{ processed: plan.processed }];
  }
}

function readRow(
  row: readonly string[],
  lastBySession: ReadonlyMap<string, Mutable<LoggedStatement>>,
  loginBySession: ReadonlyMap<string, Mutable<LoggedLogin>>,
): Mutable<LoggedEntry> | undefined {
  const severity = column(row, SEVERITY);
  const message = column(row, MESSAGE);
  if (severity === 'FATAL' && REFUSAL_PATTERN.test(column(row, SQLSTATE))) {
    // An unknown database is found out after the authorization was logged.
    const authorizedLogin = loginBySession.get(column(row, SESSION_ID));
    if (authorizedLogin === undefined) return refusal(row);
    authorizedLogin.errorCode = column(row, SQLSTATE);
    return undefined;
  }
  if (severity === 'ERROR' || severity === 'FATAL') return failure(row, lastBySession.get(column(row, SESSION_ID)));
  if (severity !== 'LOG') return undefined;
  const authorized = AUTHORIZED_PATTERN.exec(message);
  if (authorized) return login(row, authorized);
  if (message.startsWith(STATEMENT_PREFIX)) return statement(row, 'query', message.slice(STATEMENT_PREFIX.length));
  const execute = EXECUTE_PATTERN.exec(message);
  // "fetch from": a portal is continued, its statement was logged when it began
  if (!execute || execute[1] !== undefined) return undefined;
  const entry = statement(row, 'execute', message.slice(execute[0].length));
  const detail = column(row, DETAIL);
  const parameters = /^parameters: /i.test(detail) ? readParameters(detail) : [];
  return { ...entry, parameters };
}

function login(row: readonly string[], [, user = '', database, program, tls]: RegExpExecArray): LoggedLogin {
  return {
    kind: 'login',
    server: 'postgres',
    session: column(row, SESSION_ID),
    client: column(row, CONNECTION_FROM),
    user,
    ...(database === undefined ? {} : { database }),
    ...(program === undefined ? {} : { program }),
    tls: tls !== undefined,
  };
}

function refusal(row: readonly string[]): LoggedEntry {
  return {
    kind: 'login',
    server: 'postgres',
    session: column(row, SESSION_ID),
    client: column(row, CONNECTION_FROM),
    user: column(row, USER),
    database: column(row, DATABASE),
    tls: false,
    errorCode: column(row, SQLSTATE),
  };
}

function statement(row: readonly string[], command: LoggedStatement['command'], text: string): LoggedStatement {
  return {
    kind: 'statement',
    server: 'postgres',
    session: column(row, SESSION_ID),
    client: column(row, CONNECTION_FROM),
    user: column(row, USER),
    database: column(row, DATABASE),
    program: column(row, APPLICATION),
    command,
    text,
  };
}

/** Completes `last` when the error is its own; otherwise the error is a statement that was never logged as run. */
function failure(row: readonly string[], last: Mutable<LoggedStatement> | undefined): LoggedEntry | undefined {
  const text = column(row, QUERY);
  const error = { errorCode: column(row, SQLSTATE), errorText: column(row, MESSAGE) };
  const ran = !BEFORE_EXECUTE.has(column(row, COMMAND_TAG));
  if (last !== undefined && last.errorCode === undefined && (text === '' || (ran && text === last.text))) {
    last.errorCode = error.errorCode;
    last.errorText = error.errorText;
    return undefined;
  }
  if (text === '') return undefined;
  const command = column(row, COMMAND_TAG) === 'PARSE' || column(row, COMMAND_TAG) === 'BIND' ? 'execute' : 'query';
  return { ...statement(row, command, text), ...error };
}

/** `parameters: $1 = 'it''s', $2 = NULL`, in order. */
function readParameters(detail: string): LoggedValue[] {
  const values: LoggedValue[] = [];
  const pattern = /\$\d+ = (?:'((?:[^']|'')*)'|(NULL))/g;
  for (const [, quoted] of detail.matchAll(pattern)) {
    if (quoted === undefined) values.push(null);
    else if (/^\\x(?:[0-9a-f]{2})*$/.test(quoted)) values.push({ hex: quoted.slice(2) });
    else values.push(quoted.replaceAll("''", "'"));
  }
  return values;
}

function column(row: readonly string[], index: number): string {
  return row[index] ?? '';
}
