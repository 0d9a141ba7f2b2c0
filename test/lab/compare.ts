/**
 * Holds audit records against what the servers logged: every logged statement recorded exactly once, none invented,
 * user, database, values and errors equal.
 *
 * The two are laid beside each other session by session (a session is a client's address and port), in the order in
 * which each was written: a statement ends before the next one of its session does, on the server as on the wire. Times
 * would not do: where a frame came late, so did its time.
 * What may differ in form, and how it is made equal:
 * - White space and semicolons around a text do not count: servers trim them, each in its way.
 * - PostgreSQL logs a message of several statements as one, MariaDB too; a record is one executed statement. So one
 *   logged text may be covered by several records in a row, in its order, up to its end or to the one that failed.
 * - MariaDB logs an executed prepared statement with its values in the text; a record has the template and the values.
 * - MariaDB logs a bulk execution once or once a row, by kind of statement: a run of them matches a run of records.
 * - MariaDB logs nothing for an execution whose prepare failed just before it, in one flight (pipelining): it knows no
 *   such statement. The client did ask, so there is a record; it counts as a command.
 * - Where a record says that a secret was removed, literals are compared as literals only.
 * - Statements on encrypted connections can't be recorded: the connection must have its `opaque` record instead.
 */
import type { LoggedEntry, LoggedLogin, LoggedStatement } from './log.ts';
import { inlinedValues, sameValue } from './values.ts';

/** One audit record as a line of JSON has it; keys as in `contracts/record.ts`. */
export type RecordLine = Readonly<Record<string, unknown>>;

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
  /** Records that have their statement, but not in its place: written too late or too early. */
  readonly outOfOrder: number;
  readonly missing: readonly LoggedStatement[];
  readonly invented: readonly RecordLine[];
  readonly differing: readonly Difference[];
  /** Statements and connections that were encrypted. */
  readonly unreadable: number;
  readonly opaque: number;
  readonly logins: number;
  /** Records of commands that run no statement (ping, quit): the logs do not have them all, so they are only counted. */
  readonly commands: number;
}

interface Findings {
  loggedMatched: number;
  recordedMatched: number;
  outOfOrder: number;
  readonly missing: LoggedStatement[];
  readonly invented: RecordLine[];
  readonly differing: Difference[];
}

/** How far the two sides are searched for the next statement that fits, where one doesn't. */
const RESYNC_WINDOW = 500;

export function compare(entries: readonly LoggedEntry[], records: readonly RecordLine[]): Comparison {
  const findings: Findings = {
    loggedMatched: 0,
    recordedMatched: 0,
    outOfOrder: 0,
    missing: [],
    invented: [],
    differing: [],
  };
  const bySession = groupBy(records, clientOf);
  const tls = new Set(entries.filter((entry) => entry.kind === 'login' && entry.tls).map((entry) => entry.client));
  const logins = entries.filter((entry) => entry.kind === 'login' && entry.changeUser !== true);
  for (const login of logins) compareLogin(login as LoggedLogin, bySession.get(login.client) ?? [], findings);
  const statements = entries.filter((entry) => entry.kind === 'statement');
  const readable = statements.filter((entry) => !tls.has(entry.client));
  const logged = groupBy(readable, (entry) => entry.client);
  let recorded = 0;
  let commands = 0;
  for (const client of new Set([...logged.keys(), ...bySession.keys()])) {
    const inOrder = (bySession.get(client) ?? []).filter(isStatement);
    const withText = inOrder.filter((record) => !isCommand(record));
    commands += inOrder.length - withText.length;
    recorded += withText.length;
    align(logged.get(client) ?? [], withText, findings);
  }
  return {
    ...findings,
    logged: readable.length,
    recorded,
    unreadable: statements.length - readable.length,
    opaque: tls.size,
    logins: logins.length,
    commands,
  };
}

/** All that must hold, in a few lines of text; `ok` when it does. */
export function verdict(result: Comparison): { ok: boolean; text: string } {
  const percent = (part: number, whole: number): string =>
    `${whole === 0 ? '100' : ((100 * part) / whole).toFixed(3)} %`;
  const lines = [
    `${result.logged} statements logged, ${result.recorded} recorded: ` +
      `recall ${percent(result.loggedMatched, result.logged)}, precision ${percent(result.recordedMatched, result.recorded)}`,
    `${result.logins} logins, ${result.opaque} encrypted connections (${result.unreadable} statements), ${result.commands} commands without text`,
    `missing ${result.missing.length}, invented ${result.invented.length}, differing ${result.differing.length}, out of order ${result.outOfOrder}`,
    ...sample(result.missing).map((entry) => `  missing: ${JSON.stringify(entry)}`),
    ...sample(result.invented).map((record) => `  invented: ${JSON.stringify(record)}`),
    ...sample(result.differing).map((difference) => `  differing: ${JSON.stringify(difference)}`),
  ];
  const ok = result.missing.length + result.invented.length + result.differing.length + result.outOfOrder === 0;
  return { ok, text: lines.join('\n') };
}

const SAMPLE = 20;

function sample<T>(list: readonly T[]): readonly T[] {
  return list.slice(0, SAMPLE);
}

/** One session: in order first, then what is left over on both sides in whatever order it fits. */
function align(logged: readonly LoggedStatement[], records: readonly RecordLine[], findings: Findings): void {
  const missing: LoggedStatement[] = [];
  const invented: RecordLine[] = [];
  let l = 0;
  let r = 0;
  while (l < logged.length || r < records.length) {
    const fit = fitAt(logged, l, records, r);
    const step = fit ?? nextFit(logged, l, records, r);
    if (fit !== undefined) {
      settle(logged.slice(l, l + fit.logged), records.slice(r, r + fit.recorded), findings);
    } else {
      missing.push(...logged.slice(l, l + step.logged));
      invented.push(...records.slice(r, r + step.recorded));
    }
    l += step.logged;
    r += step.recorded;
  }
  for (r = 0; r < invented.length; ) {
    const at = missing.findIndex((_, index) => fitAt(missing, index, invented, r) !== undefined);
    const fit = at < 0 ? undefined : fitAt(missing, at, invented, r);
    if (fit === undefined) {
      r++;
      continue;
    }
    settle(missing.splice(at, fit.logged), invented.splice(r, fit.recorded), findings);
    findings.outOfOrder += fit.recorded;
  }
  findings.missing.push(...missing);
  findings.invented.push(...invented);
}

/** Logged statements and their records have met. */
function settle(logged: readonly LoggedStatement[], records: readonly RecordLine[], findings: Findings): void {
  for (const entry of logged) compareFacts(entry, records, findings);
  findings.loggedMatched += logged.length;
  findings.recordedMatched += records.length;
}

interface Fit {
  readonly logged: number;
  readonly recorded: number;
}

/** How many of both sides to pass over so that they fit again. */
function nextFit(logged: readonly LoggedStatement[], l: number, records: readonly RecordLine[], r: number): Fit {
  if (l >= logged.length) return { logged: 0, recorded: records.length - r };
  if (r >= records.length) return { logged: logged.length - l, recorded: 0 };
  for (let distance = 1; distance <= RESYNC_WINDOW; distance++) {
    if (fitAt(logged, l, records, r + distance) !== undefined) return { logged: 0, recorded: distance };
    if (fitAt(logged, l + distance, records, r) !== undefined) return { logged: distance, recorded: 0 };
  }
  return { logged: 1, recorded: 1 };
}

function fitAt(
  logged: readonly LoggedStatement[],
  l: number,
  records: readonly RecordLine[],
  r: number,
): Fit | undefined {
  const entry = logged[l];
  const record = records[r];
  if (entry === undefined || record === undefined) return undefined;
  if (entry.command === 'bulk') {
    if (!sameStatement(entry, record)) return undefined;
    const same = (other: LoggedStatement): boolean => other.command === 'bulk' && other.text === entry.text;
    const fits = (other: RecordLine): boolean => sameStatement(entry, other);
    return { logged: runLength(logged, l, same), recorded: runLength(records, r, fits) };
  }
  if (sameStatement(entry, record)) return { logged: 1, recorded: 1 };
  const recorded = entry.command === 'query' ? partsAt(entry, records, r) : 0;
  return recorded > 0 ? { logged: 1, recorded } : undefined;
}

function sameStatement(entry: LoggedStatement, record: RecordLine): boolean {
  const text = textOf(record);
  if (entry.command === 'inlined' && inlinedValues(trimmed(text), trimmed(entry.text)) !== undefined) return true;
  if (trimmed(text) === trimmed(entry.text)) return true;
  const length = record['audit.query.length'];
  if (typeof length === 'number') return length >= text.length && entry.text.startsWith(text.trimEnd());
  return hasMark(record, 'redacted', 'masked') && withoutLiterals(text) === withoutLiterals(entry.text);
}

/** A message with a secret in one of its statements is compared without literals as a whole. */
const REDACTION_WINDOW = 16;

/** How many records from `r` on are the statements of one logged text, in order; 0 when they aren't. */
function partsAt(entry: LoggedStatement, records: readonly RecordLine[], r: number): number {
  const redacted = records.slice(r, r + REDACTION_WINDOW).some((record) => hasMark(record, 'redacted', 'masked'));
  const view = redacted ? withoutLiterals : trimmed;
  const whole = view(entry.text);
  let at = 0;
  for (let count = 0; ; count++) {
    if (onlySeparators(whole.slice(at))) return count;
    const record = records[r + count];
    if (record === undefined) return 0;
    const part = view(textOf(record));
    const found = part === '' ? -1 : whole.indexOf(part, at);
    if (found < 0 || !onlySeparators(whole.slice(at, found))) return 0;
    at = found + part.length;
    if (record['db.response.status_code'] !== undefined) return count + 1;
  }
}

function compareFacts(entry: LoggedStatement, records: readonly RecordLine[], findings: Findings): void {
  const differ = (field: string, logged: unknown, recorded: unknown): void => {
    findings.differing.push({ client: entry.client, text: entry.text.slice(0, 200), field, logged, recorded });
  };
  for (const record of records) {
    const user = record['user.name'];
    const effective = record['audit.effective_user'] ?? user;
    if (entry.loginUser === undefined ? user !== entry.user : ![user, effective].includes(entry.user)) {
      differ('user', entry.user, user);
    }
    const database = typeof record['db.namespace'] === 'string' ? record['db.namespace'].split('|')[0] : undefined;
    if (database !== entry.database) differ('database', entry.database, database);
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
  const [first] = records;
  if (first !== undefined && records.length === 1) compareValues(entry, first, differ);
}

type Differ = (field: string, logged: unknown, recorded: unknown) => void;

function compareValues(entry: LoggedStatement, record: RecordLine, differ: Differ): void {
  if (hasMark(record, 'masked', 'redacted')) return;
  const inlined = entry.command === 'inlined' ? inlinedValues(trimmed(textOf(record)), trimmed(entry.text)) : undefined;
  const logged = entry.parameters ?? inlined;
  if (logged === undefined) return;
  const recorded = (record['db.query.parameters'] ?? []) as readonly unknown[];
  if (recorded.length !== logged.length) differ('number of values', logged, recorded);
  else if (logged.some((value, index) => !sameValue(value, recorded[index]))) differ('values', logged, recorded);
}

/** MariaDB's audit log has native codes alone: where the record has the SQLSTATE, only that it failed is compared. */
function sameError(entry: LoggedStatement | LoggedLogin, code: unknown): boolean {
  if (entry.errorCode === undefined || code === undefined) return entry.errorCode === code;
  return entry.errorCode === code || (entry.server === 'mariadb' && /^[0-9A-Z]{5}$/.test(String(code)));
}

function compareLogin(login: LoggedLogin, records: readonly RecordLine[], findings: Findings): void {
  const differ = (field: string, logged: unknown, recorded: unknown): void => {
    findings.differing.push({ client: login.client, text: 'login', field, logged, recorded });
  };
  if (login.tls) {
    const count = records.filter((record) => record['audit.kind'] === 'opaque').length;
    if (count !== 1) differ('opaque records', 1, count);
    return;
  }
  const [record, ...more] = records.filter((other) => other['audit.kind'] === 'login');
  if (record === undefined) {
    differ('login', login.user, undefined);
    return;
  }
  if (login.server === 'postgres' && more.length > 0) differ('logins', 1, 1 + more.length);
  if (record['user.name'] !== login.user) differ('user', login.user, record['user.name']);
  if (login.program !== undefined && record['audit.program'] !== login.program) {
    differ('program', login.program, record['audit.program']);
  }
  if (!sameError(login, record['db.response.status_code'])) {
    differ('error', login.errorCode, record['db.response.status_code']);
  }
}

function isStatement(record: RecordLine): boolean {
  return record['audit.kind'] === 'statement';
}

const UNKNOWN_HANDLER = 'Unknown prepared statement handler';

/** A command of the protocol without SQL. A statement whose text is unknown is none: it counts as invented. */
function isCommand(record: RecordLine): boolean {
  if (String(record['error.message']).startsWith(UNKNOWN_HANDLER)) return true;
  return record['db.query.text'] === undefined && !hasMark(record, 'unknown_handle', 'gap', 'midstream');
}

function hasMark(record: RecordLine, ...marks: readonly string[]): boolean {
  const set = record['audit.marks'];
  return Array.isArray(set) && marks.some((mark) => set.includes(mark));
}

function textOf(record: RecordLine): string {
  const text = record['db.query.text'];
  return typeof text === 'string' ? text : '';
}

function clientOf(record: RecordLine): string {
  return `${record['client.address']}:${record['client.port']}`;
}

function trimmed(text: string): string {
  return text.replace(/^[\s;]+|[\s;]+$/g, '');
}

function onlySeparators(text: string): boolean {
  return /^(?:[\s;]|--[^\n]*(?:\n|$)|\/\*.*?\*\/)*$/s.test(text);
}

function withoutLiterals(text: string): string {
  return trimmed(text.replace(/'(?:[^'\\]|\\.|'')*'|\*{3,}|\?/gs, '?'));
}

function runLength<T>(list: readonly T[], from: number, holds: (item: T) => boolean): number {
  let end = from;
  while (end < list.length && holds(list[end] as T)) end++;
  return end - from;
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
