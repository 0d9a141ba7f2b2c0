/** One record with all there is to say about it: its text in colours, why rules matched, what stands around it. */
import { recordToJson } from '../../audit/json.ts';
import { DAY_US, floorTo, formatTime, HOUR_US } from '../../base/time.ts';
import type { BindValue } from '../../contracts/event.ts';
import { type AuditRecord, RECORD_KEYS } from '../../contracts/record.ts';
import { valueFilter } from '../../query/build.ts';
import type { Query } from '../../query/filter.ts';
import { StoreError } from '../../store/errors.ts';
import { evidenceOf } from '../../store/proof/evidence.ts';
import type { Found } from '../../store/reader.ts';
import type { Bind, RecordView, Revealed } from '../api/records.ts';
import { hourOfDay } from './buckets.ts';
import { explainMatches } from './matches.ts';
import { rowOf, type Sight, textOf } from './row.ts';
import type { Source } from './source.ts';
import { sqlSpans } from './spans.ts';
import type { Seen } from './task.ts';

const NEIGHBOURS = 10;
const ELSEWHERE = 10;
const USERS = 5;

export function record(
  source: Source,
  { id, sight }: Seen<{ id: string }>,
): Omit<RecordView, 'mayReveal' | 'packets' | 'notes'> {
  const place = source.get(id);
  const found = place.record;
  const text = textOf(found, sight);
  const { before, after } = neighbours(source, place);
  const fingerprint = sameShape(source, found, sight);
  return {
    row: rowOf(found, sight),
    fields: fieldsOf(found, sight),
    ...(text === undefined ? {} : { text }),
    spans: text === undefined ? [] : sqlSpans(text, found.system),
    normalised: text !== found.text,
    binds: (found.parameters ?? []).map(bindOf),
    matches: explainMatches(source, found, sight),
    ...(found.policyVersion === undefined ? {} : { policyVersion: found.policyVersion }),
    before: before.map((row) => rowOf(row, sight)),
    after: after.map((row) => rowOf(row, sight)),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...evidence(source, place),
  };
}

/** None rather than no page, when the chain cannot be read: `wiretrail verify` says what is wrong. */
function evidence({ directory, limit }: Source, { seq }: Found): Pick<RecordView, 'evidence'> {
  try {
    const found = evidenceOf(directory, seq);
    if (found === undefined) return {};
    const { segment, firstSeq, lastSeq, digest, anchor, isSigned } = found;
    const block = { first: firstSeq, last: lastSeq };
    const shown = { segment, sha256: digest, signed: isSigned };
    // Numbers of records tell how many there are of others.
    return { evidence: limit === undefined ? { ...shown, record: seq, block, anchor } : shown };
  } catch (error) {
    if (error instanceof StoreError) return {};
    throw error;
  }
}

/** Values as text, in full. */
export function reveal(source: Source, { id }: Seen<{ id: string }>): Revealed {
  const { parameters = [] } = source.get(id).record;
  const values = parameters.map((value, position) => ({ position, type: typeOf(value), value: shownValue(value) }));
  return { values };
}

/** Every field but the bind values; texts with literals only for who may see them. */
function fieldsOf(found: AuditRecord, sight: Sight): Record<string, unknown> {
  const fields = recordToJson(found);
  delete fields[RECORD_KEYS.parameters];
  if (!sight.literals) {
    delete fields[RECORD_KEYS.text];
    delete fields[RECORD_KEYS.errorText];
  }
  return fields;
}

function bindOf(value: BindValue, position: number): Bind {
  const shown = shownValue(value);
  return { position, type: typeOf(value), isNull: value === null, ...(shown === null ? {} : { length: shown.length }) };
}

function typeOf(value: BindValue): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value === 'string' ? 'text' : typeof value;
  return value.type;
}

function shownValue(value: BindValue): string | null {
  if (value === null) return null;
  if (typeof value !== 'object') return String(value);
  const shown = 'hex' in value ? `0x${value.hex}` : value.text;
  return 'length' in value ? `${shown}… (${value.length} bytes, SHA-256 ${value.sha256})` : shown;
}

/** Records of its session just before and after it, oldest first. */
function neighbours(
  source: Source,
  place: Found,
): { readonly before: readonly AuditRecord[]; readonly after: readonly AuditRecord[] } {
  const { session } = place.record;
  if (session === undefined) return { before: [], after: [] };
  const query = { filter: valueFilter('session', session), after: place, limit: NEIGHBOURS };
  const before = [...source.query({ ...query, order: 'newest' })].reverse();
  return { before, after: [...source.query({ ...query, order: 'oldest' })] };
}

function sameShape(source: Source, found: AuditRecord, sight: Sight): RecordView['fingerprint'] {
  if (found.fingerprint === undefined) return undefined;
  const query: Query = { filter: valueFilter('fingerprint', found.fingerprint) };
  const users = [...source.aggregate(query, { fields: ['user'] })].sort((a, b) => b.records - a.records);
  const [first] = users;
  if (first === undefined) return undefined;
  const elsewhere: AuditRecord[] = [];
  for (const row of source.query({ ...query, order: 'newest' })) {
    if (row.session !== found.session) elsewhere.push(row);
    if (elsewhere.length >= ELSEWHERE) break;
  }
  const records = users.reduce((sum, user) => sum + user.records, 0);
  return {
    count: records,
    first: formatTime(Math.min(...users.map(({ firstUs }) => firstUs))),
    last: formatTime(Math.max(...users.map(({ lastUs }) => lastUs))),
    users: users.slice(0, USERS).map(({ labels, records: count }) => ({ value: labels[0] ?? '', count })),
    meanUs: users.reduce((sum, user) => sum + user.durationUs, 0) / records,
    ...usualTimes(source, query),
    elsewhere: elsewhere.map((row) => rowOf(row, sight)),
  };
}

function usualTimes(source: Source, query: Query): { readonly days: number; readonly hours: number[] } {
  const hours = Array<number>(24).fill(0);
  const days = new Set<number>();
  for (const { bucketUs, records } of source.aggregate(query, { fields: [], bucketUs: HOUR_US, countsOnly: true })) {
    const hour = hourOfDay(bucketUs);
    hours[hour] = (hours[hour] ?? 0) + records;
    days.add(floorTo(bucketUs, DAY_US));
  }
  return { days: days.size, hours };
}
