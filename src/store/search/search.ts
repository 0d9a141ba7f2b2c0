/**
 * Finds records within one segment. Where the segment has an index and a condition of the query names few enough
 * records, only those are looked at; else the rows are read in order. Either way in order of time, as a stream.
 */

import type { SegmentReader } from '../segment/rows.ts';
import type { SegmentBounds } from './bounds.ts';
import { type CompiledQuery, type Condition, conjunction, EVERYTHING, type Need, type Term } from './compile.ts';
import { type ChosenRows, type FoundRecords, NO_FOUND, type RowFinder } from './finder.ts';
import { inTimeOrder, type Order, type RecordPlace } from './order.ts';

/** How a segment is searched. */
export interface SearchPlan {
  /** What finds the candidates. */
  readonly by: RowFinder['kind'] | undefined;
  /** The only records that can match; `undefined`: read the rows. */
  readonly candidates: FoundRecords | undefined;
  /** The terms that the candidates meet already, and those asked of each. */
  readonly narrowed: readonly Term[];
  readonly asked: readonly Term[];
  /** `asked`, as one condition. */
  readonly condition: Condition;
  /** The query's time lies within these sequence numbers. */
  readonly seqMin: number;
  readonly seqMax: number;
}

/** A segment to search. It is opened when it has to be: often the index alone tells that there is nothing in it. */
export interface SearchedSegment {
  readonly rows: number;
  readonly firstSeq: number;
  readonly segment: SegmentReader;
  /** `undefined` while they can change. */
  readonly bounds: SegmentBounds | undefined;
  /** As `SegmentReader.seqRange`. */
  seqRange(fromUs: number | undefined, toUs: number | undefined): { seqMin: number; seqMax: number };
}

/** Above this part of a segment's records, reading them in order is faster than picking them. */
const SELECTIVE_PART = 0.25;
/** Candidates are looked at in groups that grow, so that the first results come soon. */
const GROUP_MIN = 128;
const GROUP_MAX = 8192;

/** `finder` is `undefined` where only rows can be read. Throws `StoreError`. */
export function planSearch(searched: SearchedSegment, query: CompiledQuery, finder: RowFinder | undefined): SearchPlan {
  const asked: Term[] = [];
  const narrowed: Term[] = [];
  const choices: ChosenRows[] = [];
  const { bounds } = searched;
  for (const term of query.terms) {
    if (bounds !== undefined && term.always?.(bounds) === true) continue;
    const chosen = term.need && chooseRows(searched, finder, term.need);
    if (chosen?.rows.length === 0) return nothing([...narrowed, term], finder?.kind);
    if (chosen === undefined || finder === undefined || finder.estimate(chosen) > searched.rows * SELECTIVE_PART) {
      asked.push(term);
      continue;
    }
    narrowed.push(term);
    choices.push(chosen);
  }
  const candidates = choices.length > 0 ? finder?.records(choices) : undefined;
  if (candidates?.none === true) return nothing(narrowed, finder?.kind);
  return {
    by: finder?.kind,
    candidates,
    narrowed,
    asked,
    condition: conjunction(asked),
    ...searched.seqRange(query.fromUs, query.toUs),
  };
}

/** `narrowed`: why there is none. */
function nothing(narrowed: readonly Term[], by: SearchPlan['by']): SearchPlan {
  return { by, candidates: NO_FOUND, narrowed, asked: [], condition: conjunction([]), seqMin: 0, seqMax: 0 };
}

/** The rows that meet a need. */
function chooseRows(searched: SearchedSegment, finder: RowFinder | undefined, need: Need): ChosenRows {
  const { dimension, tests, testsPassMore } = need;
  const known = tests && finder?.rowsOf(tests);
  const areRows = known !== undefined && (testsPassMore !== true || known.length === 0);
  return { dimension, rows: areRows ? known : searched.segment.rowsOf(need, known) };
}

/** Places of the records that match, by time, then by order of arrival. */
export function searchPlaces(
  { segment, firstSeq }: SearchedSegment,
  plan: SearchPlan,
  order: Order,
): Generator<RecordPlace, void, undefined> {
  const places =
    plan.candidates === undefined
      ? segment.scan(plan.condition, plan.seqMin, plan.seqMax, order)
      : pick(segment, firstSeq, plan, plan.candidates, order);
  return inTimeOrder(places, order, segment.facts.disorderUs);
}

/** Matching records, when the index alone tells; `rows`: all of the segment. */
export function indexCount(plan: SearchPlan, rows: number): number | undefined {
  if (plan.candidates?.none === true) return 0;
  const wholeSegment = plan.seqMax - plan.seqMin + 1 === rows;
  return wholeSegment && plan.condition.sql === EVERYTHING ? plan.candidates?.count() : undefined;
}

function* pick(
  segment: SegmentReader,
  firstSeq: number,
  { condition, seqMin, seqMax }: SearchPlan,
  candidates: FoundRecords,
  order: Order,
): Generator<RecordPlace, void, undefined> {
  if (condition.sql === EVERYTHING) {
    for (const part of candidates.parts(order)) yield* segment.places(part, firstSeq, seqMin, seqMax, order);
    return;
  }
  for (const group of inGroups(candidates, order)) {
    const seqs = group.map((index) => firstSeq + index);
    yield* segment.among(seqs, condition, seqMin, seqMax, order);
  }
}

/** The candidates from one end on, each group ascending. */
function* inGroups(candidates: FoundRecords, order: Order): Generator<number[], void, undefined> {
  const newest = order === 'newest';
  let groupMax = GROUP_MIN;
  let group: number[] = [];
  for (const part of candidates.parts(order)) {
    for (let left = 0, right = part.length; left < right; ) {
      const room = groupMax - group.length;
      const from = newest ? Math.max(left, right - room) : left;
      const to = newest ? right : Math.min(right, left + room);
      const taken = part.subarray(from, to);
      group = newest ? [...taken, ...group] : [...group, ...taken];
      if (newest) right = from;
      else left = to;
      if (group.length < groupMax) continue;
      yield group;
      group = [];
      groupMax = Math.min(GROUP_MAX, groupMax * 4);
    }
  }
  if (group.length > 0) yield group;
}
