/**
 * Lays one session's logged statements and its records beside each other. See compare.ts for what may differ in form.
 *
 * First in order, and only where the values agree too; then what is left over on both sides, in whatever order it fits
 * by its text, so that one lost record does not make differences of all that follow.
 */
import type { LoggedStatement, LoggedValue, ServerKind } from './log.ts';
import { inlinedValues, sameValue } from './values.ts';

/** One audit record as a line of JSON has it; keys as in `contracts/record.ts`. */
export type RecordLine = Readonly<Record<string, unknown>>;

/** Logged statements and the records that belong together; both have at least one. */
export interface Pair {
  readonly logged: readonly LoggedStatement[];
  readonly records: readonly RecordLine[];
}

export interface Alignment {
  readonly pairs: readonly Pair[];
  readonly missing: readonly LoggedStatement[];
  readonly invented: readonly RecordLine[];
  /** Records that have their statement, but not in its place. */
  readonly outOfOrder: number;
}

/** How far the two sides are searched for the next statement that fits, where one doesn't. */
const RESYNC_WINDOW = 500;
/** A message with a secret in one of its statements is compared without literals as a whole. */
const REDACTION_WINDOW = 16;

export function align(logged: readonly LoggedStatement[], records: readonly RecordLine[]): Alignment {
  const pairs: Pair[] = [];
  const missing: LoggedStatement[] = [];
  const invented: RecordLine[] = [];
  let l = 0;
  let r = 0;
  while (l < logged.length || r < records.length) {
    const fit = fitAt(logged, l, records, r, true);
    const step = fit ?? nextFit(logged, l, records, r);
    if (fit !== undefined) {
      pairs.push({ logged: logged.slice(l, l + step.logged), records: records.slice(r, r + step.recorded) });
    } else {
      missing.push(...logged.slice(l, l + step.logged));
      invented.push(...records.slice(r, r + step.recorded));
    }
    l += step.logged;
    r += step.recorded;
  }
  const outOfOrder = pairLeftovers(missing, invented, pairs);
  return { pairs, missing, invented, outOfOrder };
}

/** Moves what fits from `missing` and `invented` to `pairs`; returns how many records that were out of their place. */
function pairLeftovers(missing: LoggedStatement[], invented: RecordLine[], pairs: Pair[]): number {
  let outOfOrder = 0;
  for (const strict of [true, false]) {
    for (let r = 0; r < invented.length; ) {
      const at = missing.findIndex((_, index) => fitAt(missing, index, invented, r, strict) !== undefined);
      const fit = at < 0 ? undefined : fitAt(missing, at, invented, r, strict);
      if (fit === undefined) {
        r++;
        continue;
      }
      pairs.push({ logged: missing.splice(at, fit.logged), records: invented.splice(r, fit.recorded) });
      if (strict) outOfOrder += fit.recorded;
    }
  }
  return outOfOrder;
}

interface Fit {
  readonly logged: number;
  readonly recorded: number;
}

/**
 * How many of both sides to pass over so that they fit again. One that is missing on one side is likelier than one that
 * is wrong on both; and a run of equal bulk executions would fit from its second one on as well.
 */
function nextFit(logged: readonly LoggedStatement[], l: number, records: readonly RecordLine[], r: number): Fit {
  if (l >= logged.length) return { logged: 0, recorded: records.length - r };
  if (r >= records.length) return { logged: logged.length - l, recorded: 0 };
  for (let distance = 1; distance <= RESYNC_WINDOW; distance++) {
    if (fitAt(logged, l, records, r + distance, true)) return { logged: 0, recorded: distance };
    if (fitAt(logged, l + distance, records, r, true)) return { logged: distance, recorded: 0 };
    if (fitAt(logged, l + distance, records, r + distance, true)) return { logged: distance, recorded: distance };
  }
  return { logged: 1, recorded: 1 };
}

/** What belongs together from (`l`, `r`) on; `strict` wants equal values too. */
function fitAt(
  logged: readonly LoggedStatement[],
  l: number,
  records: readonly RecordLine[],
  r: number,
  strict: boolean,
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
  if (sameStatement(entry, record)) {
    return strict && sameValues(entry, record) === false ? undefined : { logged: 1, recorded: 1 };
  }
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

/** The values the log has for the statement; `undefined` where it has none to compare. */
export function loggedValues(entry: LoggedStatement, record: RecordLine): readonly LoggedValue[] | undefined {
  if (entry.command === 'bulk' || hasMark(record, 'masked', 'redacted')) return undefined;
  if (entry.command === 'inlined') return inlinedValues(trimmed(textOf(record)), trimmed(entry.text));
  return entry.parameters;
}

/** `undefined` where the log has no values to compare. */
export function sameValues(entry: LoggedStatement, record: RecordLine): boolean | undefined {
  const logged = loggedValues(entry, record);
  if (logged === undefined) return undefined;
  const recorded = (record['db.query.parameters'] ?? []) as readonly unknown[];
  return recorded.length === logged.length && logged.every((value, index) => sameValue(value, recorded[index]));
}

export function hasMark(record: RecordLine, ...marks: readonly string[]): boolean {
  const set = record['audit.marks'];
  return Array.isArray(set) && marks.some((mark) => set.includes(mark));
}

export function textOf(record: RecordLine): string {
  const text = record['db.query.text'];
  return typeof text === 'string' ? text : '';
}

const SERVER_PORTS: Readonly<Record<string, ServerKind>> = { '5432': 'postgres', '3306': 'mariadb' };

/** Derby listens where there is room. */
const SERVER_SYSTEMS: Readonly<Record<string, ServerKind>> = { derby: 'derby' };

/** `server client-address:port`: a client may use one port of its own towards both servers. */
export function sessionOf(record: RecordLine): string {
  const { 'server.port': port, 'db.system.name': system } = record;
  const server = SERVER_PORTS[String(port)] ?? SERVER_SYSTEMS[String(system)] ?? 'unknown';
  return `${server} ${record['client.address']}:${record['client.port']}`;
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
