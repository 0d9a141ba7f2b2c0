/** The store as the tasks of a reading thread see it: a scope becomes a query, and every answer says what it was made from. */

import { formatTime } from '../../base/time.ts';
import type { AuditRecord } from '../../contracts/record.ts';
import type { Filter, Query } from '../../query/filter.ts';
import { parseFilter } from '../../query/language.ts';
import { parseRanges, type TimeRange } from '../../query/time.ts';
import { StoreReader, type StoreSummary } from '../../store/reader.ts';
import type { Asked, Scope } from '../api/common.ts';
import { ConsoleError } from '../error.ts';
import { type AggregateRow, type GroupBy, type GroupField, SlowAggregation } from './aggregate.ts';
import { type Arrival, Arrivals } from './arrivals.ts';

/** A scope made absolute. */
export interface Question {
  readonly query: Query;
  readonly range: TimeRange;
  readonly watermark: string;
  readonly startedMs: number;
}

/** With properties that may be `undefined`. */
export type Loose<T> = { readonly [K in keyof T]?: T[K] | undefined };

const SECOND_US = 1_000_000;

export class Source {
  readonly directory: string;
  private readonly reader: StoreReader;
  private readonly arrivalOrder: Arrivals;

  constructor(directory: string) {
    this.directory = directory;
    this.reader = new StoreReader(directory);
    this.arrivalOrder = new Arrivals(directory);
  }

  /** Throws `StoreError` (`usage`) for a query or time that makes no sense. */
  question(scope: Loose<Scope>, options: { readonly mayReadTexts?: boolean } = {}): Question {
    const startedMs = performance.now();
    const nowUs = Date.now() * 1000;
    const summary = this.summary();
    const range = rangeOf(scope.t, nowUs, summary);
    const filter = both(parseFilter(scope.q ?? '', nowUs), databasesFilter(scope.db));
    if (options.mayReadTexts === false && filter !== undefined && asksText(filter))
      throw new ConsoleError(
        'role-needed',
        'searching in texts needs the role auditor; ask by op:, table: or fingerprint:',
      );
    const query = { fromUs: range.fromUs, toUs: range.toUs, filter };
    return { query, range, watermark: scope.w ?? String(this.arrived()), startedMs };
  }

  asked({ range, watermark, startedMs }: Question): Asked {
    const { timeMaxUs } = this.summary();
    return {
      from: formatTime(range.fromUs),
      to: formatTime(range.toUs),
      watermark,
      ...(timeMaxUs === undefined ? {} : { readTo: formatTime(timeMaxUs) }),
      problems: [...this.reader.problems],
      tookMs: Math.round((performance.now() - startedMs) * 10) / 10,
    };
  }

  summary(): StoreSummary {
    return this.reader.summary();
  }

  records(query: Query): Generator<AuditRecord, void, undefined> {
    return this.reader.query(query);
  }

  count(query: Query): number {
    return this.reader.count(query);
  }

  /** All groups, in no order. */
  aggregate(query: Query, by: GroupBy): readonly AggregateRow[] {
    const aggregation = new SlowAggregation(by);
    for (const record of this.reader.query({ ...query, order: 'oldest' })) aggregation.add(record);
    return aggregation.rows();
  }

  latest(query: Query, limit: number): readonly AuditRecord[] {
    return [...this.reader.query({ ...query, order: 'newest', limit })];
  }

  /** Records with the longest duration or most rows, greatest first. */
  greatest(query: Query, by: 'slow' | 'rows', limit: number): readonly AuditRecord[] {
    const amountOf = (record: AuditRecord): number =>
      by === 'slow' ? (record.durationUs ?? 0) : (record.returnedRows ?? record.affectedRows ?? 0);
    const best: AuditRecord[] = [];
    for (const record of this.reader.query(query)) {
      const value = amountOf(record);
      if (value <= 0 || (best.length === limit && value <= amountOf(best[limit - 1] as AuditRecord))) continue;
      const at = best.findIndex((other) => amountOf(other) < value);
      best.splice(at < 0 ? best.length : at, 0, record);
      if (best.length > limit) best.pop();
    }
    return best;
  }

  /** Values of a field in records before `beforeUs`. */
  valuesBefore(field: GroupField, beforeUs: number): ReadonlySet<string> {
    const rows = this.aggregate({ toUs: beforeUs }, { fields: [field] });
    return new Set(rows.map(({ labels }) => labels[0] ?? ''));
  }

  /** The record with that id. Throws `not-found`. */
  get(id: string): AuditRecord {
    const filter = { kind: 'match', field: 'id', patterns: [{ text: id, wildcards: false }] } as const;
    for (const record of this.reader.query({ filter, limit: 1 })) return record;
    throw new ConsoleError('not-found', 'there is no such record: it may have expired');
  }

  /** Sequence number behind the record that arrived last. */
  arrived(): number {
    return this.arrivalOrder.end();
  }

  /** In order of arrival, from one position to another. */
  arrivals(filter: Filter | undefined, from: number, to: number): Generator<Arrival, void, undefined> {
    return this.arrivalOrder.between(filter, from, to);
  }

  /** How the query would be answered, in words. */
  explain(query: Query): string[] {
    const plans = this.reader.explain(query);
    const read = plans.filter(({ how }) => how !== 'other time');
    const records = read.reduce((sum, { looked }) => sum + looked, 0);
    const indexed = read.filter(({ how }) => how === 'index').length;
    return [
      `${read.length} of ${plans.length} segments lie in the time asked for.`,
      `${indexed} are searched by their index, ${read.length - indexed} by reading rows.`,
      `${records.toLocaleString('en')} records are looked at.`,
    ];
  }
}

/** Half open; without an expression as far as the store reaches, in whole seconds. */
function rangeOf(t: string | undefined, nowUs: number, { timeMinUs, timeMaxUs }: StoreSummary): TimeRange {
  if (t === undefined || t === '') {
    const fromUs = timeMinUs ?? nowUs;
    return { fromUs: floorTo(fromUs, SECOND_US), toUs: floorTo(timeMaxUs ?? nowUs, SECOND_US) + SECOND_US };
  }
  const ranges = parseRanges(t, nowUs);
  const [range] = ranges;
  if (range === undefined || ranges.length > 1)
    throw new ConsoleError('query', `${t} means several ranges: write time:${t} into the query`);
  return range;
}

export function floorTo(timeUs: number, stepUs: number): number {
  return Math.floor(timeUs / stepUs) * stepUs;
}

export function databasesFilter(db: string | undefined): Filter | undefined {
  if (db === undefined || db === '') return undefined;
  const patterns = db.split(',').map((text) => ({ text, wildcards: false }));
  return { kind: 'match', field: 'db', patterns };
}

export function both(a: Filter | undefined, b: Filter | undefined): Filter | undefined {
  return a && b ? { kind: 'and', terms: [a, b] } : (a ?? b);
}

/** `value` of a field, as it stands. */
export function valueFilter(
  field: 'user' | 'object' | 'db' | 'session' | 'rule' | 'fingerprint' | 'kind',
  value: string,
): Filter {
  return { kind: 'match', field, patterns: [{ text: value, wildcards: false }] };
}

function asksText(filter: Filter): boolean {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.terms.some(asksText);
    case 'not':
      return asksText(filter.term);
    default:
      return filter.kind === 'text';
  }
}
