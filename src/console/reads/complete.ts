/** What may stand at the cursor of the query field: fields, operators, and values that occur in the range, with counts. */
import { MARK_NAMES } from '../../contracts/event.ts';
import { SEVERITIES } from '../../contracts/record.ts';
import { QueryError } from '../../query/errors.ts';
import { NUMBER_FIELDS } from '../../query/filter.ts';
import { parseFilter } from '../../query/language.ts';
import { QUERY_FIELDS } from '../../query/vocabulary.ts';
import type { AggregateField } from '../../store/totals/groups.ts';
import { type CompleteQuery, type Completion, KINDS } from '../api/records.ts';
import { isQueryField, type QueryToken, queryTerms, queryTokens } from './query-tokens.ts';
import type { Source } from './source.ts';
import type { Seen } from './task.ts';

type Candidate = Completion['candidates'][number];

const CANDIDATES_MAX = 20;

const HINTS: Readonly<Record<string, string>> = {
  user: 'login user',
  enduser: 'user of the application behind the connection',
  osuser: 'user of the client machine',
  host: 'name of the client machine',
  program: 'program of the client',
  db: 'database or schema',
  system: 'kind of database',
  session: 'id of a session',
  sensor: 'who captured it',
  kind: 'statement, login, logout, opaque, loss',
  call: 'simple, prepared, bulk, …',
  op: 'SELECT, DELETE, CREATE TABLE, …',
  object: 'table or view, * and ? allowed; := for the whole name',
  procedure: 'procedure or function called',
  fingerprint: 'all statements of one shape',
  error: 'error code',
  rule: 'rule that matched, * allowed',
  action: 'what the rule did: alert, record, mask, …',
  mark: 'gap, truncated, masked, …',
  id: 'one record',
  rows: 'rows returned or affected',
  returned: 'rows returned',
  affected: 'rows changed',
  duration: 'how long it took: >1s, >500ms',
  port: 'server port',
  vlan: 'VLAN id',
  severity: 'of rules that matched: >=high',
  client: 'address, network or name',
  server: 'address, network or name',
  text: 'words within the statement',
  failed: 'yes or no',
  time: 'a range: 2026-11-20, -2d',
  since: 'from a moment on: -2h',
  until: 'before a moment',
};

/** Fields whose values are looked up. */
const COUNTED: Readonly<Record<string, AggregateField>> = {
  user: 'user',
  client: 'client',
  server: 'server',
  system: 'system',
  program: 'program',
  app: 'program',
  db: 'db',
  database: 'db',
  op: 'op',
  operation: 'op',
  object: 'object',
  table: 'object',
  rule: 'rule',
  error: 'error',
  sensor: 'sensor',
};

const FIXED: Readonly<Record<string, readonly string[]>> = {
  kind: KINDS,
  severity: SEVERITIES,
  failed: ['yes', 'no'],
  mark: MARK_NAMES,
  action: ['alert', 'record', 'ignore', 'mask', 'shadow'],
};

export function complete(source: Source, args: Seen<CompleteQuery>): Completion {
  const { text, pos } = args;
  const tokens = queryTokens(text);
  const problem = problemOf(text);
  const place = placeOf(text, tokens, pos);
  return {
    from: place.from,
    to: place.to,
    candidates: candidatesAt(source, args, place).slice(0, CANDIDATES_MAX),
    tokens,
    terms: queryTerms(text, tokens),
    ...(problem === undefined ? {} : { problem }),
  };
}

function problemOf(text: string): Completion['problem'] {
  try {
    parseFilter(text, Date.now() * 1000);
    return undefined;
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    const { reason, column } = error;
    return { message: reason, ...(column === undefined ? {} : { column }) };
  }
}

interface Place {
  readonly from: number;
  readonly to: number;
  /** Name of the field whose value is being written; `undefined`: a field or a word is. */
  readonly field: string | undefined;
  readonly prefix: string;
}

function placeOf(text: string, tokens: readonly QueryToken[], pos: number): Place {
  const at = tokens.findLastIndex(({ start, end }) => start < pos && pos <= end);
  const token = tokens[at];
  if (token === undefined) return { from: pos, to: pos, field: undefined, prefix: '' };
  const prefix = text.slice(token.start, pos);
  if (token.kind === 'operator') return { from: pos, to: pos, field: fieldBefore(text, tokens, at), prefix: '' };
  if (token.kind === 'value' || token.kind === 'time')
    return { from: token.start, to: token.end, field: fieldBefore(text, tokens, at), prefix };
  return { from: token.start, to: token.end, field: undefined, prefix };
}

function fieldBefore(text: string, tokens: readonly QueryToken[], at: number): string | undefined {
  for (let i = at; i >= 0; i--) {
    const token = tokens[i];
    if (token?.kind === 'field') return text.slice(token.start, token.end).toLowerCase();
    if (token?.kind === 'keyword' || token?.kind === 'bracket' || token?.kind === 'text') return undefined;
  }
  return undefined;
}

function candidatesAt(source: Source, args: CompleteQuery, { field, prefix }: Place): Candidate[] {
  if (field === undefined) return fieldCandidates(prefix);
  const fixed = FIXED[field];
  if (fixed !== undefined)
    return fixed.filter((value) => startsWith(value, prefix)).map((value) => valueCandidate(value));
  const counted = COUNTED[field];
  return counted === undefined ? [] : countedCandidates(source, args, counted, prefix);
}

function fieldCandidates(prefix: string): Candidate[] {
  const known = QUERY_FIELDS.filter((name) => startsWith(name, prefix));
  const near = known.length === 0 && prefix.length > 2 && !isQueryField(prefix) ? nearest(prefix) : [];
  return [...known, ...near].map((name) => {
    const order = (NUMBER_FIELDS as readonly string[]).includes(name) && name !== 'port' && name !== 'vlan';
    const hint = HINTS[name];
    return { insert: `${name}${order ? '>=' : ':'}`, kind: 'field' as const, ...(hint === undefined ? {} : { hint }) };
  });
}

function nearest(word: string): string[] {
  const letters = new Set(word.toLowerCase());
  const common = (name: string): number => [...new Set(name)].filter((letter) => letters.has(letter)).length;
  return [...QUERY_FIELDS].sort((a, b) => common(b) / b.length - common(a) / a.length).slice(0, 1);
}

function countedCandidates(
  source: Source,
  { t, db }: CompleteQuery,
  field: AggregateField,
  prefix: string,
): Candidate[] {
  const { query } = source.question({ t, db });
  const plain = prefix.replace(/^"/, '');
  const found = source.countValues(query, field).filter(({ value }) => value !== '' && contains(value, plain));
  const sorted = [...found].sort((a, b) => b.count - a.count);
  return sorted.slice(0, CANDIDATES_MAX).map(({ value, count }) => valueCandidate(value, count));
}

function valueCandidate(value: string, count?: number): Candidate {
  const insert = /^(?!=)[^\s()",*?]+$/.test(value) ? value : JSON.stringify(value);
  return { insert, kind: 'value', ...(count === undefined ? {} : { count }) };
}

function startsWith(value: string, prefix: string): boolean {
  return value.toLowerCase().startsWith(prefix.toLowerCase());
}

function contains(value: string, part: string): boolean {
  return value.toLowerCase().includes(part.toLowerCase());
}
