/**
 * The store as one asker sees it: a scope becomes a query, and every answer says what it was made from. Tasks have no
 * other way to the records, so that what somebody may not see is left out here and nowhere else (`limit.ts`).
 */

import { formatTime } from '../../base/time.ts';
import type { AuditRecord } from '../../contracts/record.ts';
import { both, valueFilter, valuesFilter } from '../../query/build.ts';
import type { Filter, Place, Query } from '../../query/filter.ts';
import { parseFilter } from '../../query/language.ts';
import type { TimeRange } from '../../query/time.ts';
import type { RecordExplainer } from '../../sensor/explainer.ts';
import type { RuleTitles } from '../../sensor/policy-archive.ts';
import type { Found, StoreSummary } from '../../store/reader.ts';
import { recordById } from '../../store/search/by-id.ts';
import type { Group, GroupBy } from '../../store/totals/aggregate.ts';
import type { AggregateField } from '../../store/totals/groups.ts';
import type { Asked, Counted, Scope } from '../api/common.ts';
import { ConsoleError } from '../error.ts';
import { type Arrival, arrivals } from './arrivals.ts';
import type { Amount } from './greatest.ts';
import { isWithin, type Limit, limitFilter, sealed, unsealed } from './limit.ts';
import type { OpenStore } from './open-store.ts';
import { rangeOf } from './range.ts';

/** A scope made absolute. */
export interface Question {
  /** Up to the watermark. */
  readonly query: Query;
  readonly range: TimeRange;
  readonly startedMs: number;
}

/** With properties that may be `undefined`. */
export type Loose<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** Of times and numbers of records, as far as they may be seen. */
export type Extent = Omit<StoreSummary, 'segments'>;

export class Source {
  /** Of this asker; `undefined`: all records may be seen. */
  readonly limit: Limit | undefined;
  private readonly store: OpenStore;
  private readonly within: Filter | undefined;

  constructor(store: OpenStore, limit: Limit | undefined) {
    this.store = store;
    this.limit = limit;
    this.within = limit && limitFilter(limit);
  }

  get directory(): string {
    return this.store.directory;
  }

  get explainer(): RecordExplainer {
    return this.store.explainer;
  }

  get titles(): RuleTitles {
    return this.store.titles;
  }

  /** Throws `QueryError` for a query or time that makes no sense. */
  question(scope: Loose<Scope>, options: { readonly mayReadTexts?: boolean } = {}): Question {
    const startedMs = performance.now();
    this.store.reader.problems.length = 0;
    const nowUs = Date.now() * 1000;
    const range = rangeOf(scope.t, nowUs, () => this.extent());
    const filter = both(parseFilter(scope.q ?? '', nowUs), databasesFilter(scope.db));
    if (options.mayReadTexts === false && filter !== undefined && asksText(filter))
      throw new ConsoleError(
        'role-needed',
        'searching in texts needs the role auditor; ask by op:, table: or fingerprint:',
      );
    const seqMax = this.watermarkOf(scope.w) ?? this.lastSeq();
    return { query: { fromUs: range.fromUs, toUs: range.toUs, filter, seqMax }, range, startedMs };
  }

  asked({ range, query, startedMs }: Question): Asked {
    const { timeMaxUs } = this.extent();
    return {
      from: formatTime(range.fromUs),
      to: formatTime(range.toUs),
      watermark: this.positionText(query.seqMax ?? 0),
      ...(timeMaxUs === undefined ? {} : { readTo: formatTime(timeMaxUs) }),
      problems: [...this.store.reader.problems],
      tookMs: Math.round((performance.now() - startedMs) * 10) / 10,
    };
  }

  /** How many records may be seen, and of what time. */
  extent(): Extent {
    if (this.limit === undefined) {
      const { records, timeMinUs, timeMaxUs } = this.store.reader.summary();
      return { records, timeMinUs, timeMaxUs };
    }
    const [all] = this.aggregate({}, { fields: [] });
    return { records: all?.records ?? 0, timeMinUs: all?.firstUs, timeMaxUs: all?.lastUs };
  }

  /** Position of the newest record of all. Leaves the console by `positionText` only. */
  lastSeq(): number {
    return this.store.reader.lastSeq();
  }

  positionText(seq: number): string {
    return this.limit === undefined ? String(seq) : sealed(this.limit, seq);
  }

  /** The position that a text of `positionText` stands for; `undefined` for any other text. */
  positionOf(text: string): number | undefined {
    if (this.limit !== undefined) return unsealed(this.limit, text);
    return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  }

  /** Throws `bad-request`. */
  private watermarkOf(w: string | undefined): number | undefined {
    if (w === undefined) return undefined;
    const seq = this.positionOf(w);
    if (seq === undefined) throw new ConsoleError('bad-request', 'this watermark is none of ours');
    return seq;
  }

  /** The query as far as its answer may be seen. */
  private limited(query: Query): Query {
    return this.within === undefined ? query : { ...query, filter: both(query.filter, this.within) };
  }

  /** All groups, in no order. Kept while nothing new arrives: pages ask for much the same, and people come back. */
  aggregate(query: Query, by: GroupBy): readonly Group[] {
    return this.groups(this.limited(query), by);
  }

  private groups(query: Query, by: GroupBy): readonly Group[] {
    const { reader } = this.store;
    // Records that arrive or expire change the answer.
    const key = JSON.stringify([query, by, reader.lastSeq(), reader.summary().records]);
    return this.store.groups(key, () => reader.grouping.groups(query, by));
  }

  /** Records that the query finds, or those of them that meet `only`. */
  count(query: Query, only?: Filter): number {
    const by = only === undefined ? { fields: [], recordsOnly: true } : { fields: [], only, countsOnly: true };
    return this.aggregate(query, by).reduce((sum, { records }) => sum + records, 0);
  }

  /**
   * An answer, kept as long as nothing arrives or expires: people go back and forth between pages. `args` are all that
   * it depends on beside the question's range and the asker's rights; what could not be read is asked again.
   */
  remember<T extends { readonly asked: Asked }>(question: Question, args: unknown, make: () => T): T {
    const { range, query } = question;
    const key = JSON.stringify([args, range, query.seqMax, this.store.reader.summary().records, this.within]);
    const known = this.store.recall<T>(key);
    if (known !== undefined) return { ...known, asked: this.asked(question) };
    const answer = make();
    this.store.keep(key, answer);
    return answer;
  }

  /** What was made of all that may be seen, the latest of that name kept as long as nothing arrives or expires. */
  ofAll<T>(name: string, make: () => T): T {
    const state = `${this.lastSeq()} ${this.store.reader.summary().records}`;
    const key = JSON.stringify([name, this.within]);
    const known = this.store.recall<{ readonly state: string; readonly made: T }>(key);
    if (known?.state === state) return known.made;
    const made = make();
    this.store.keep(key, { state, made });
    return made;
  }

  /** Matching records in order of time, one at a time. */
  query(query: Query): Generator<AuditRecord, void, undefined> {
    return this.store.reader.query(this.limited(query));
  }

  /** As `query`, with the place of each record. */
  find(query: Query): Generator<Found, void, undefined> {
    return this.store.reader.find(this.limited(query));
  }

  latest(query: Query, limit: number): readonly AuditRecord[] {
    return [...this.query({ ...query, order: 'newest', limit })];
  }

  /** Greatest first, of the records that the query finds and that meet `only` (`greatest.ts`). */
  greatest(query: Query, only: Filter | undefined, by: Amount, limit: number): readonly AuditRecord[] {
    return this.store.peaks.greatest(this.limited(query), only, by, limit);
  }

  /** Places of all the records that the query finds, newest first, when there are so many; `undefined` otherwise. */
  places(query: Query, count: number): readonly Place[] | undefined {
    const places = this.store.peaks.places(this.limited(query), count);
    return places.length === count ? places : undefined;
  }

  /** The records at places of this asker's queries, without those that cannot be read. */
  found(places: readonly Place[]): readonly Found[] {
    return this.store.peaks.found(places);
  }

  /** Of the records that arrived after one position and up to another, how many match, and the first `limit` of those. */
  arrivals(
    filter: Filter | undefined,
    afterSeq: number,
    seqMax: number,
    limit: number,
  ): { readonly matching: number; readonly first: readonly Arrival[] } {
    return arrivals(this.store.reader, both(filter, this.within), afterSeq, seqMax, limit);
  }

  /**
   * What sensors say they lost in a range. They know of no database, so that everybody is told: nobody shall take for
   * whole what is not.
   */
  losses(range: TimeRange): Generator<AuditRecord, void, undefined> {
    return this.store.reader.query({ ...range, filter: LOSSES, order: 'newest' });
  }

  /** How many losses each sensor told of. */
  lossesBySensor(): readonly Group[] {
    return this.groups({ filter: LOSSES }, { fields: ['sensor'] });
  }

  /** Whether every record that the filter finds may be seen. */
  isWhole(filter: Filter): boolean {
    if (this.limit === undefined) return true;
    const all = this.groups({ filter }, { fields: [] });
    return all.reduce((sum, { records }) => sum + records, 0) === this.count({ filter });
  }

  get segments(): number {
    return this.store.reader.candidates({}).length;
  }

  /** Brings the segment at a place, the newest at 0, to memory. */
  warmSegment(at: number): void {
    const segment = this.store.reader.candidates({}).at(-1 - at);
    if (segment !== undefined) this.store.reader.warm(segment);
  }

  /**
   * Values of a field with as many records as a condition on each finds, in no order; the empty one stands for none. `op:`
   * looks at all operations of a statement, of which only those with several have a list.
   */
  countValues(query: Query, field: AggregateField): readonly Counted[] {
    if (field !== 'op') {
      const by = field === 'error' ? { recordsOnly: true } : { countsOnly: true };
      const groups = this.aggregate(query, { fields: [field], ...by });
      return groups.map(({ labels, records }) => ({ value: labels[0] ?? '', count: records }));
    }
    const counts = new Map<string, number>();
    for (const { labels, records } of this.aggregate(query, { fields: ['op', 'operations'], countsOnly: true })) {
      const [main = '', one = ''] = labels;
      const value = one === '' ? main : one;
      counts.set(value, (counts.get(value) ?? 0) + records);
    }
    return [...counts].map(([value, count]) => ({ value, count }));
  }

  /** Values of a field in records before `beforeUs`. */
  valuesBefore(field: AggregateField, beforeUs: number): ReadonlySet<string> {
    // Asked of the whole store, which pages of all ranges have in common.
    const rows = this.aggregate({}, { fields: [field] }).filter(({ firstUs }) => firstUs < beforeUs);
    return new Set(rows.map(({ labels }) => labels[0] ?? ''));
  }

  /** The record with that id, and its place. Throws `not-found`, also for one that may not be seen. */
  get(id: string): Found {
    const found = recordById(this.store.reader, id);
    if (found === undefined || (this.limit !== undefined && !isWithin(this.limit, found.record.namespace)))
      throw new ConsoleError('not-found', 'there is no such record: it may have expired');
    return found;
  }

  /** How the query would be answered, in words. */
  explain(query: Query): string[] {
    // Which segments hold a value, and how often, would tell of records that may not be seen.
    if (this.limit !== undefined)
      return [`Only records of ${this.limit.databases.join(', ')} are looked at: others are not yours to see.`];
    const plans = this.store.reader.explain(query);
    const inTime = plans.filter(({ how }) => how !== 'other time');
    const read = inTime.filter(({ how }) => how !== 'filter');
    const records = read.reduce((sum, { looked }) => sum + looked, 0);
    const indexed = read.filter(({ how }) => how === 'index').length;
    return [
      `${inTime.length} of ${plans.length} segments lie in the time asked for; ${inTime.length - read.length} of them hold none of the values.`,
      `${indexed} are searched by their index, ${read.length - indexed} by reading rows.`,
      `${records.toLocaleString('en')} records are looked at.`,
    ];
  }
}

export function databasesFilter(db: string | undefined): Filter | undefined {
  if (db === undefined || db === '') return undefined;
  return valuesFilter('db', db.split(','));
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

/** What sensors write when they lost something (`sensor/loss-ledger.ts`). */
const LOSSES: Filter = valueFilter('kind', 'loss');
