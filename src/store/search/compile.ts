/**
 * Filters into SQL over one segment. Values travel as bound parameters only. What session, shape and verdict rows
 * decide is asked of those small tables once (`IN (SELECT …)`), so that records are compared by row number.
 *
 * No condition is ever NULL, so that `NOT` means what it says: absent values compare as false.
 */
import { MARK_NAMES } from '../../contracts/event.ts';
import type { AddressField, Comparison, Filter, NumberField, Pattern, Query, TextField } from '../../query/filter.ts';
import { filterText } from '../../query/filter-text.ts';
import { type AddressRange, addressPredicate, globMatches, parseAddress } from '../../query/match.ts';
import type { TimeRange } from '../../query/time.ts';
import { StoreError } from '../errors.ts';
import { isUtf8, type KeyField, type SearchKey, shortestAddress } from '../segment/keys.ts';
import type { Dimension } from '../segment/postings.ts';
import type { RowField, ValueTest } from '../totals/groups.ts';
import { boundTerms, type SegmentBounds } from './bounds.ts';

export interface Condition {
  readonly sql: string;
  readonly values: readonly (string | number)[];
  /** Set when the condition says no more than which rows of one small table a record may refer to. */
  readonly need?: Need;
}

/** `SELECT … FROM dimension WHERE sql` gives the rows a record must refer to. */
export interface Need {
  readonly dimension: Dimension;
  readonly sql: string;
  readonly values: readonly (string | number)[];
  /** The same in other words, where that is possible: rows with a value that passes one of them. */
  readonly tests?: readonly ValueTest[] | undefined;
  /** The tests are passed by rows too that `sql` does not give. */
  readonly testsPassMore?: boolean;
}

/** A condition, and what it says in words. */
export interface Term extends Condition {
  readonly label: string;
  /** Whether every record within the bounds meets it. */
  readonly always?: (bounds: SegmentBounds) => boolean;
}

/** A record matches when it meets every term. */
export interface CompiledQuery {
  readonly fromUs: number | undefined;
  readonly toUs: number | undefined;
  readonly terms: readonly Term[];
}

/** SQL of the condition that every record meets. */
export const EVERYTHING = '1';

/** Functions that `functions.ts` adds to SQLite. */
export const FUNCTION_GLOB = 'wt_glob';
export const FUNCTION_GLOB_LIST = 'wt_glob_list';
export const FUNCTION_OBJECT = 'wt_object';
export const FUNCTION_NETWORK = 'wt_network';
export const FUNCTION_TEXT = 'wt_text';
export const FUNCTION_POLICY = 'wt_policy';

/** Deeper filters are refused: SQLite limits the depth of expressions. */
const DEPTH_MAX = 200;

/** A query as conditions on `record AS r`. Throws `StoreError` (`usage`). */
export function compileQuery(query: Query): CompiledQuery {
  const { filter } = query;
  const { fromUs, toUs } = timeRangeOf(query);
  const terms = [...boundTerms(query, fromUs, toUs)];
  const filters = filter === undefined ? [] : filter.kind === 'and' ? filter.terms : [filter];
  for (const term of filters) terms.push({ ...compile(term, 0), label: filterText(term) });
  return { fromUs, toUs, terms };
}

/** The time in which an answer can lie: what the query says, narrowed by the place after which it goes on. */
export function timeRangeOf({ fromUs, toUs, after, order }: Query): Partial<TimeRange> {
  if (after === undefined) return { ...(fromUs !== undefined && { fromUs }), ...(toUs !== undefined && { toUs }) };
  if (order === 'oldest') return { fromUs: Math.max(fromUs ?? 0, after.timeUs), ...(toUs !== undefined && { toUs }) };
  return { ...(fromUs !== undefined && { fromUs }), toUs: Math.min(toUs ?? after.timeUs + 1, after.timeUs + 1) };
}

/** One filter as a condition. Throws `StoreError` (`usage`). */
export function compileFilter(filter: Filter): Condition {
  return compile(filter, 0);
}

/** All of the conditions at once. */
export function conjunction(conditions: readonly Condition[]): Condition {
  return joined(conditions, 'AND', EVERYTHING);
}

function compile(filter: Filter, depth: number): Condition {
  if (depth > DEPTH_MAX) throw new StoreError('usage', 'the query is nested too deeply');
  switch (filter.kind) {
    case 'and':
      return joined(
        filter.terms.map((term) => compile(term, depth + 1)),
        'AND',
        '1',
      );
    case 'or':
      return joined(
        filter.terms.map((term) => compile(term, depth + 1)),
        'OR',
        '0',
      );
    case 'not': {
      const inner = compile(filter.term, depth + 1);
      return { sql: `NOT (${inner.sql})`, values: inner.values };
    }
    case 'match':
      return anyOf(filter.patterns, (pattern) => matchField(filter.field, pattern));
    case 'number':
      return compareNumber(filter.field, filter.comparison, filter.value);
    case 'address':
      return anyOf(filter.patterns, (pattern) => matchAddress(filter.field, pattern));
    case 'text':
      return {
        sql: `${FUNCTION_TEXT}(r.body, r.shape_row, ?)`,
        values: [filter.needle.toLowerCase()],
      };
    case 'failed':
      return { sql: `(r.error_code IS ${filter.value ? 'NOT ' : ''}NULL)`, values: [] };
    case 'time': {
      const inRange = ({ fromUs, toUs }: TimeRange) => ({
        sql: '(r.time_us >= ? AND r.time_us < ?)',
        values: [fromUs, toUs],
      });
      return joined(filter.ranges.map(inRange), 'OR', '0');
    }
  }
}

function joined(conditions: readonly Condition[], word: 'AND' | 'OR', empty: string): Condition {
  const [first] = conditions;
  if (first === undefined) return { sql: empty, values: [] };
  if (conditions.length === 1) return first;
  const sql = `(${conditions.map((condition) => condition.sql).join(` ${word} `)})`;
  const values = conditions.flatMap((condition) => condition.values);
  const need = word === 'OR' ? eitherNeed(conditions) : undefined;
  return need === undefined ? { sql, values } : { sql, values, need };
}

/** The need of an OR: there is one when all its conditions are about the same table. */
function eitherNeed(conditions: readonly Condition[]): Need | undefined {
  const needs = conditions.flatMap((condition) => condition.need ?? []);
  const [first] = needs;
  if (first === undefined || needs.length < conditions.length) return undefined;
  if (needs.some((need) => need.dimension !== first.dimension)) return undefined;
  const sql = needs.map((need) => `(${need.sql})`).join(' OR ');
  const tests = needs.flatMap((need) => need.tests ?? []);
  const values = needs.flatMap((need) => need.values);
  return {
    dimension: first.dimension,
    sql,
    values,
    tests: needs.every((need) => need.tests) ? tests : undefined,
    testsPassMore: needs.some((need) => need.testsPassMore === true),
  };
}

function anyOf(patterns: readonly Pattern[], one: (pattern: Pattern) => Condition): Condition {
  return joined(patterns.map(one), 'OR', '0');
}

function inSession(
  sql: string,
  values: readonly (string | number)[],
  tests: readonly ValueTest[] | undefined,
): Condition {
  const need: Need = { dimension: 'session', sql, values, tests };
  return { sql: `r.session_row IN (SELECT session_row FROM session WHERE ${sql})`, values, need };
}

function inShape(
  sql: string,
  values: readonly (string | number)[],
  tests: readonly ValueTest[],
  testsPassMore = false,
): Condition {
  const need: Need = { dimension: 'shape', sql, values, tests, testsPassMore };
  return { sql: `r.shape_row IN (SELECT shape_row FROM shape WHERE ${sql})`, values, need };
}

function inVerdict(
  sql: string,
  values: readonly (string | number)[],
  tests: readonly ValueTest[] | undefined,
): Condition {
  const need: Need = { dimension: 'verdict', sql, values, tests };
  return { sql: `((r.verdict_row IN (SELECT verdict_row FROM verdict WHERE ${sql})) IS TRUE)`, values, need };
}

const SESSION_COLUMNS: { readonly [F in TextField]?: readonly string[] } = {
  user: ['user', 'effective_user'],
  osuser: ['os_user'],
  host: ['client_host'],
  program: ['program'],
  db: ['namespace'],
  system: ['system'],
  session: ['session'],
  sensor: ['sensor'],
};

const SHAPE_COLUMNS: { readonly [F in TextField]?: string } = {
  kind: 'kind',
  call: 'call',
  procedure: 'procedure',
  fingerprint: 'fingerprint',
};

function matchField(field: TextField, pattern: Pattern): Condition {
  const glob = patternText(pattern);
  const sessionColumns = SESSION_COLUMNS[field];
  if (sessionColumns !== undefined) {
    const tests = sessionColumns.map((column) => matchColumn(column, pattern));
    const sql = tests.map((each) => each.sql).join(' OR ');
    const values = tests.flatMap((each) => each.values);
    return inSession(
      sql,
      values,
      valueTests(field === 'user' ? ['user', 'effective'] : [field as RowKeyField], pattern),
    );
  }
  const shapeColumn = SHAPE_COLUMNS[field];
  if (shapeColumn !== undefined) {
    const { sql, values } = matchColumn(shapeColumn, pattern);
    return inShape(sql, values, valueTests([field as RowKeyField], pattern));
  }
  switch (field) {
    case 'op':
      return matchOperation(pattern);
    case 'object':
      if (pattern.exact === true) {
        // Names are looked up with and without their schema: one without a dot may be either.
        const { sql, values } = matchList(FUNCTION_GLOB_LIST, 'objects', pattern);
        return inShape(sql, values, valueTests(['object'], pattern), !pattern.text.includes('.'));
      }
      return matchObject(pattern);
    case 'rule':
    case 'action':
      return inVerdict(`${FUNCTION_POLICY}(policy, ?, ?)`, [field, glob], valueTests([field], pattern));
    case 'error':
      return { sql: `${FUNCTION_GLOB}(r.error_code, ?)`, values: [glob] };
    case 'enduser':
      return { sql: `${FUNCTION_GLOB}(r.end_user, ?)`, values: [glob] };
    case 'mark':
      return matchMark(pattern.text.toLowerCase());
    case 'id':
      return { sql: `${FUNCTION_GLOB}(CASE typeof(r.id) WHEN 'blob' THEN hex(r.id) ELSE r.id END, ?)`, values: [glob] };
    default:
      throw new StoreError('usage', `cannot search by ${field}`);
  }
}

/**
 * SQLite folds the case of ASCII only. Beyond it one letter alone has its small form in ASCII (the Kelvin sign, a `k`):
 * other values of more bytes than characters are left to our function, which costs a call for each.
 */
const FOLDED_BY_SQLITE = /^[\0-jl-\x7f]*$/;

function matchColumn(column: string, pattern: Pattern): Condition {
  const glob = patternText(pattern);
  if (glob.startsWith('*')) return { sql: `${FUNCTION_GLOB}(${column}, ?)`, values: [glob] };
  const wanted = glob.slice(1);
  const folded = `${column} = ? COLLATE NOCASE`;
  if (FOLDED_BY_SQLITE.test(wanted)) return { sql: folded, values: [wanted] };
  const isAscii = `octet_length(${column}) = length(${column})`;
  return { sql: `(${folded} OR (NOT ${isAscii} AND ${FUNCTION_GLOB}(${column}, ?)))`, values: [wanted, glob] };
}

/** Characters that stand in a list, which is JSON, as they are. */
const PLAIN_IN_LIST = /^[ !#-[\]-~]*$/;

/**
 * Lists of texts. Our function costs a call for each: where SQLite can, it looks first whether the text is in there. For
 * it a `k` may be the Kelvin sign, as in `matchColumn`.
 */
function matchList(name: string, column: string, pattern: Pattern): Condition {
  const glob = patternText(pattern);
  const matches = `${name}(${column}, ?)`;
  const wanted = glob.slice(1);
  if (glob.startsWith('*') || !PLAIN_IN_LIST.test(wanted)) return { sql: matches, values: [glob] };
  const like = wanted.replace(/[%_]/g, '\\$&').replace(/k/g, '_');
  return { sql: `(${column} LIKE ? ESCAPE '\\' AND ${matches})`, values: [`%${like}%`, glob] };
}

function matchObject(pattern: Pattern): Condition {
  const { sql, values } = matchList(FUNCTION_OBJECT, 'objects', pattern);
  return inShape(sql, values, valueTests(['object'], pattern));
}

function matchOperation(pattern: Pattern): Condition {
  const first = matchColumn('operation', pattern);
  const all = matchList(FUNCTION_GLOB_LIST, 'operations', pattern);
  const tests = valueTests(['op', 'operations'], pattern);
  return inShape(`${first.sql} OR ${all.sql}`, [...first.values, ...all.values], tests);
}

function matchMark(name: string): Condition {
  const bit = MARK_NAMES.indexOf(name);
  if (bit < 0) throw new StoreError('usage', `unknown mark ${name}; there are ${MARK_NAMES.join(', ')}`);
  return { sql: `((r.marks & ?) <> 0)`, values: [2 ** bit] };
}

/** Lower case, with a first character that says whether `*` and `?` are wildcards (`*`) or themselves (`=`). */
function patternText(pattern: Pattern): string {
  const lower = pattern.text.toLowerCase();
  return pattern.wildcards && /[*?]/.test(lower) ? `*${lower}` : `=${lower}`;
}

const NUMBER_COLUMNS: { readonly [F in NumberField]?: string } = {
  rows: 'coalesce(r.returned_rows, r.affected_rows)',
  returned: 'r.returned_rows',
  affected: 'r.affected_rows',
  duration: 'r.duration_us',
};

function compareNumber(field: NumberField, comparison: Comparison, value: number): Condition {
  const column = NUMBER_COLUMNS[field];
  if (column !== undefined) return { sql: `((${column} ${comparison} ?) IS TRUE)`, values: [value] };
  if (field === 'severity') return inVerdict(`severity ${comparison} ?`, [value], undefined);
  return inSession(`(${field === 'port' ? 'server_port' : 'vlan_id'} ${comparison} ?) IS TRUE`, [value], undefined);
}

/** One IPv4 address is compared with others as text; only IPv6 addresses, which may contain it, take a call each. */
function matchNetwork(column: string, { network, prefixBits }: AddressRange): Condition {
  const sql = `${FUNCTION_NETWORK}(${column}, ?)`;
  const values = [`${network}/${prefixBits}`];
  if (prefixBits !== IPV4_BITS || !IPV4.test(network)) return { sql, values };
  return { sql: `(${column} = ? OR (${column} GLOB '*:*' AND ${sql}))`, values: [network, ...values] };
}

const IPV4_BITS = 32;
const IPV6_BITS = 128;
const IPV4 = /^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/;

function matchAddress(field: AddressField, pattern: Pattern): Condition {
  const range = parseAddress(pattern.text);
  if (range !== undefined) {
    const { sql, values } = matchNetwork(`${field}_address`, range);
    if (range.port === undefined) return inSession(sql, values, [addressTest(field, range)]);
    return inSession(`${sql} AND ${field}_port = ?`, [...values, range.port], undefined);
  }
  const glob = patternText(pattern);
  if (field === 'client') {
    const sql = `${FUNCTION_GLOB}(client_address, ?) OR ${FUNCTION_GLOB}(client_host, ?)`;
    return inSession(sql, [glob, glob], valueTests(['client', 'host'], pattern));
  }
  return inSession(`${FUNCTION_GLOB}(server_address, ?)`, [glob], valueTests(['server'], pattern));
}

type RowKeyField = RowField & KeyField;

/** Passed by values that the pattern matches, in one of the fields. */
function valueTests(fields: readonly RowKeyField[], pattern: Pattern): ValueTest[] {
  const lower = pattern.text.toLowerCase();
  const wildcard = pattern.wildcards ? lower.search(/[*?]/) : -1;
  const exact = wildcard < 0 && isUtf8(lower) ? lower : undefined;
  const prefix = wildcard < 0 ? lower : lower.slice(0, wildcard);
  return fields.map((field) => ({
    field,
    exact,
    otherwise: undefined,
    keys: exact === undefined ? undefined : [{ field, value: exact }],
    prefix: isUtf8(prefix) ? prefix : '',
    matches: (value) => (wildcard < 0 ? value === lower : globMatches(value, lower)),
  }));
}

function addressTest(field: AddressField, range: AddressRange): ValueTest {
  const { network, prefixBits } = range;
  const matchesRange = addressPredicate(range);
  const single = prefixBits === IPV4_BITS && IPV4.test(network);
  return {
    field,
    // An IPv6 address may contain the IPv4 one.
    exact: single ? network : undefined,
    otherwise: single ? ':' : undefined,
    keys: addressKeys(field, range),
    prefix: '',
    matches: single ? (value) => value === network || (value.includes(':') && matchesRange(value)) : matchesRange,
  };
}

/** Where one address is found, in all its spellings; `undefined` for a network. */
function addressKeys(field: AddressField, { network, prefixBits }: AddressRange): SearchKey[] | undefined {
  const shortest =
    prefixBits === (network.includes(':') ? IPV6_BITS : IPV4_BITS) ? shortestAddress(network) : undefined;
  return shortest === undefined
    ? undefined
    : [
        { field, value: shortest },
        { field: `${field}Other`, value: shortest },
      ];
}
