/** What may stand at the cursor of the query field: fields, operators, and values that occur in the range, with counts. */
import { MARK_NAMES } from '../../contracts/event.ts';
import { SEVERITIES } from '../../contracts/record.ts';
import { parseFilter } from '../../query/language.ts';
import { RECORD_VOCABULARY } from '../../query/vocabulary.ts';
import type { AggregateField } from '../../store/totals/groups.ts';
import { type CompleteQuery, type Completion, KINDS } from '../api/records.ts';
import {
  type Candidate,
  completionOf,
  countedCandidates,
  fixedCandidates,
  type Language,
  type Place,
  placeIn,
} from '../completion.ts';
import type { Source } from './source.ts';
import type { Seen } from './task.ts';

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
  db: 'db',
  op: 'op',
  object: 'object',
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

const LANGUAGE: Language = { words: RECORD_VOCABULARY, hints: HINTS, check: parseFilter };

export function complete(source: Source, args: Seen<CompleteQuery>): Completion {
  const place = placeIn(LANGUAGE, args.text, args.pos);
  return completionOf(LANGUAGE, args.text, place, valuesAt(source, args, place));
}

function valuesAt(source: Source, { t, db }: CompleteQuery, { field, prefix }: Place): Candidate[] {
  const fixed = FIXED[field ?? ''];
  if (fixed !== undefined) return fixedCandidates(fixed, prefix);
  const counted = COUNTED[field ?? ''];
  if (counted === undefined) return [];
  return countedCandidates(source.countValues(source.question({ t, db }).query, counted), prefix);
}
