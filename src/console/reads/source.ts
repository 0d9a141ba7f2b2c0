/** The store as the tasks of a reading thread see it: a scope becomes a query, and every answer says what it was made from. */

import type { MessagePort } from 'node:worker_threads';
import { formatTime } from '../../base/time.ts';
import type { AuditRecord } from '../../contracts/record.ts';
import type { Filter, Query, TextField } from '../../query/filter.ts';
import { parseFilter } from '../../query/language.ts';
import { parseRanges, type TimeRange } from '../../query/time.ts';
import { RecordExplainer } from '../../sensor/explainer.ts';
import { RuleTitles } from '../../sensor/policy-archive.ts';
import { type Found, StoreReader, type StoreSummary } from '../../store/reader.ts';
import { finish } from '../../store/steps.ts';
import type { Group, GroupBy } from '../../store/totals/aggregate.ts';
import { recordById } from '../../store/totals/answers.ts';
import { ALONE, type Place } from '../../store/totals/grouping.ts';
import type { AggregateField } from '../../store/totals/groups.ts';
import { countOf, type PackedGroups, unpackGroups } from '../../store/totals/packed-groups.ts';
import type { Asked, Counted, Scope } from '../api/common.ts';
import { ConsoleError } from '../error.ts';
import { PeakFinder } from './greatest.ts';
import { Peer, type PeerAnswer, type PeerWork } from './peers.ts';

/** A scope made absolute. */
export interface Question {
  /** Up to the watermark. */
  readonly query: Query;
  readonly range: TimeRange;
  readonly startedMs: number;
}

/** With properties that may be `undefined`. */
export type Loose<T> = { readonly [K in keyof T]?: T[K] | undefined };

const SECOND_US = 1_000_000;
/** Answers kept by a thread, and groups in them, at most. */
const KEPT_ANSWERS_MAX = 500;
const KEPT_GROUPS_MAX = 200_000;
/** Whole answers kept: an overview has some 100 kB. */
const KEPT_WHOLE_MAX = 100;

export class Source {
  readonly directory: string;
  readonly reader: StoreReader;
  readonly peaks: PeakFinder;
  readonly explainer: RecordExplainer;
  readonly titles: RuleTitles;
  private readonly answers = new Map<string, PackedGroups>();
  private kept = 0;
  private readonly whole = new Map<string, unknown>();

  /** `place`: of this thread among those that read the store. */
  constructor(directory: string, place: Place = ALONE) {
    this.directory = directory;
    this.reader = new StoreReader(directory);
    this.reader.grouping.place = place;
    this.reader.grouping.expectPages();
    this.peaks = new PeakFinder(this.reader);
    this.explainer = new RecordExplainer(directory);
    this.titles = new RuleTitles(directory);
  }

  /** The thread at a place reads the store as well: it helps with long questions unless it is busy, and is helped. */
  meet(thread: number, port: MessagePort, isBusy: () => boolean): void {
    const { grouping } = this.reader;
    const peer = new Peer(port, (work) => this.helpWith(work), isBusy);
    grouping.peers.set(thread, peer);
    this.peaks.peers.set(thread, peer);
    port.once('close', () => {
      // Unless another one has come in its place.
      if (grouping.peers.get(thread) === peer) grouping.peers.delete(thread);
      if (this.peaks.peers.get(thread) === peer) this.peaks.peers.delete(thread);
    });
  }

  private helpWith(work: PeerWork): PeerAnswer {
    const { reader, peaks } = this;
    reader.problems.length = 0;
    return reader.atOneMoment(() => {
      const done =
        work.kind === 'groups'
          ? { groups: finish(reader.grouping.of(work.query, work.by, work.paths)) }
          : { peaks: peaks.among(work.question, work.paths) };
      return { ...done, problems: [...reader.problems] };
    });
  }

  /** Throws `QueryError` for a query or time that makes no sense. */
  question(scope: Loose<Scope>, options: { readonly mayReadTexts?: boolean } = {}): Question {
    const startedMs = performance.now();
    this.reader.problems.length = 0;
    const nowUs = Date.now() * 1000;
    const range = rangeOf(scope.t, nowUs, this.reader.summary());
    const filter = both(parseFilter(scope.q ?? '', nowUs), databasesFilter(scope.db));
    if (options.mayReadTexts === false && filter !== undefined && asksText(filter))
      throw new ConsoleError(
        'role-needed',
        'searching in texts needs the role auditor; ask by op:, table: or fingerprint:',
      );
    const seqMax = watermarkOf(scope.w) ?? this.reader.lastSeq();
    return { query: { fromUs: range.fromUs, toUs: range.toUs, filter, seqMax }, range, startedMs };
  }

  asked({ range, query, startedMs }: Question): Asked {
    const { timeMaxUs } = this.reader.summary();
    return {
      from: formatTime(range.fromUs),
      to: formatTime(range.toUs),
      watermark: String(query.seqMax),
      ...(timeMaxUs === undefined ? {} : { readTo: formatTime(timeMaxUs) }),
      problems: [...this.reader.problems],
      tookMs: Math.round((performance.now() - startedMs) * 10) / 10,
    };
  }

  /** All groups, in no order. Kept while nothing new arrives: pages ask for much the same, and people come back. */
  aggregate(query: Query, by: GroupBy): readonly Group[] {
    // Records that arrive or expire change the answer.
    const key = JSON.stringify([query, by, this.reader.lastSeq(), this.reader.summary().records]);
    const known = this.answers.get(key);
    if (known !== undefined) return unpackGroups(known);
    const groups = finish(this.reader.grouping.steps(query, by));
    // What could not be read may be there the next time.
    if (this.reader.problems.length === 0) this.keep(key, groups);
    return unpackGroups(groups);
  }

  /** Records that the query finds, or those of them that meet `only`. */
  count(query: Query, only?: Filter): number {
    return this.aggregate(query, { fields: [], only, countsOnly: true }).reduce((sum, { records }) => sum + records, 0);
  }

  /**
   * An answer, kept as long as nothing arrives or expires: people go back and forth between pages. `args` are all that
   * it depends on beside the question's range; what could not be read is asked again.
   */
  remember<T extends { readonly asked: Asked }>(question: Question, args: unknown, make: () => T): T {
    const { range, query } = question;
    const key = JSON.stringify([args, range, query.seqMax, this.reader.summary().records]);
    const known = this.whole.get(key) as T | undefined;
    if (known !== undefined) return { ...known, asked: this.asked(question) };
    const answer = make();
    if (this.reader.problems.length > 0) return answer;
    this.whole.set(key, answer);
    const oldest = this.whole.keys().next();
    if (this.whole.size > KEPT_WHOLE_MAX && oldest.done !== true) this.whole.delete(oldest.value);
    return answer;
  }

  private keep(key: string, groups: PackedGroups): void {
    this.answers.set(key, groups);
    this.kept += countOf(groups);
    for (const [oldest, answer] of this.answers) {
      if (this.kept <= KEPT_GROUPS_MAX && this.answers.size <= KEPT_ANSWERS_MAX) return;
      this.answers.delete(oldest);
      this.kept -= countOf(answer);
    }
  }

  latest(query: Query, limit: number): readonly AuditRecord[] {
    return [...this.reader.query({ ...query, order: 'newest', limit })];
  }

  /**
   * Values of a field with as many records as a condition on each finds, in no order; the empty one stands for none. `op:`
   * looks at all operations of a statement, of which only those with several have a list.
   */
  countValues(query: Query, field: AggregateField): readonly Counted[] {
    if (field !== 'op')
      return this.aggregate(query, { fields: [field], countsOnly: true }).map(({ labels, records }) => ({
        value: labels[0] ?? '',
        count: records,
      }));
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

  /** The record with that id, and its place. Throws `not-found`. */
  get(id: string): Found {
    const found = recordById(this.reader, id);
    if (found === undefined) throw new ConsoleError('not-found', 'there is no such record: it may have expired');
    return found;
  }

  /** How the query would be answered, in words. */
  explain(query: Query): string[] {
    const plans = this.reader.explain(query);
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

/** Throws `bad-request`. */
function watermarkOf(w: string | undefined): number | undefined {
  if (w === undefined) return undefined;
  if (!/^\d{1,15}$/.test(w)) throw new ConsoleError('bad-request', 'this watermark is none of ours');
  return Number(w);
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
  return valuesFilter('db', db.split(','));
}

export function both(a: Filter | undefined, b: Filter | undefined): Filter | undefined {
  return a && b ? { kind: 'and', terms: [a, b] } : (a ?? b);
}

/** Fields that a list of values may be asked of. */
export type FilterField = TextField | 'client' | 'server';

/** One of the values of a field, as they stand. */
export function valuesFilter(field: FilterField, values: readonly string[]): Filter {
  const patterns = values.map((text) => ({ text, wildcards: false }));
  return field === 'client' || field === 'server'
    ? { kind: 'address', field, patterns }
    : { kind: 'match', field, patterns };
}

export function valueFilter(field: FilterField, value: string): Filter {
  return valuesFilter(field, [value]);
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
