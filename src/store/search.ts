/**
 * Finds records within one segment. Where the segment has an index and a condition of the query names few enough
 * records, only those are looked at; else the rows are read in order. Either way in order of time, as a stream.
 */
import { type CompiledQuery, type Condition, conjunction, EVERYTHING } from './compile.ts';
import type { RowFinder } from './finder.ts';
import { inTimeOrder, type Order, type RecordPlace } from './order.ts';
import { intersection } from './postings.ts';
import type { SegmentReader } from './rows.ts';

/** How a segment is searched. */
export interface SearchPlan {
  /** Indexes of the only records that can match, ascending; `undefined`: read the rows. */
  readonly candidates: Uint32Array | undefined;
  /** The conditions that the candidates meet already. */
  readonly narrowed: readonly Condition[];
  /** What a candidate or row must meet besides. */
  readonly condition: Condition;
  /** The query's time lies within these sequence numbers. */
  readonly seqMin: number;
  readonly seqMax: number;
}

/** Above this part of a segment's records, reading them in order is faster than picking them. */
const SELECTIVE_PART = 0.25;
/** Candidates are looked at in groups that grow, so that the first results come soon. */
const GROUP_MIN = 128;
const GROUP_MAX = 8192;

/** `index` is `undefined` for a segment whose index is missing or damaged. Throws `StoreError`. */
export function planSearch(segment: SegmentReader, query: CompiledQuery, index: RowFinder | undefined): SearchPlan {
  const { seqMin, seqMax } = segment.seqRange(query.fromUs, query.toUs);
  let candidates: Uint32Array | undefined;
  const remaining: Condition[] = [];
  const narrowed: Condition[] = [];
  for (const term of query.terms) {
    const chosen = narrow(segment, index, term);
    (chosen === undefined ? remaining : narrowed).push(term);
    if (chosen === undefined) continue;
    candidates = candidates === undefined ? chosen : intersection(candidates, chosen);
  }
  return { candidates, narrowed, condition: conjunction(remaining), seqMin, seqMax };
}

const NO_RECORDS = new Uint32Array(0);

/** Exactly the records that meet the term, when they are few and an index can tell, or when there are none. */
function narrow(segment: SegmentReader, index: RowFinder | undefined, term: Condition): Uint32Array | undefined {
  const need = term.need;
  if (need === undefined) return undefined;
  const { dimension } = need;
  const rows = segment.rowsOf(need);
  if (rows.length === 0) return NO_RECORDS;
  if (index === undefined || index.estimate(dimension, rows) > segment.facts.rows * SELECTIVE_PART) return undefined;
  return index.indexes(dimension, rows);
}

/** Places of the records that match, by time, then by order of arrival. */
export function searchPlaces(
  segment: SegmentReader,
  plan: SearchPlan,
  order: Order,
): Generator<RecordPlace, void, undefined> {
  const places =
    plan.candidates === undefined
      ? segment.scan(plan.condition, plan.seqMin, plan.seqMax, order)
      : pick(segment, plan, plan.candidates, order);
  return inTimeOrder(places, order, segment.facts.disorderUs);
}

/** Matching records, when the index alone tells; `rows`: all of the segment. */
export function indexCount(plan: SearchPlan, rows: number): number | undefined {
  const wholeSegment = plan.seqMax - plan.seqMin + 1 === rows;
  return wholeSegment && plan.condition.sql === EVERYTHING ? plan.candidates?.length : undefined;
}

function* pick(
  segment: SegmentReader,
  plan: SearchPlan,
  candidates: Uint32Array,
  order: Order,
): Generator<RecordPlace, void, undefined> {
  const firstSeq = segment.firstSeq;
  let groupMax = GROUP_MIN;
  let left = 0;
  let right = candidates.length;
  while (left < right) {
    const newest = order === 'newest';
    const from = newest ? Math.max(left, right - groupMax) : left;
    const to = newest ? right : Math.min(right, left + groupMax);
    const seqs = Array.from(candidates.subarray(from, to), (index) => firstSeq + index);
    yield* segment.among(seqs, plan.condition, plan.seqMin, plan.seqMax, order);
    if (newest) right = from;
    else left = to;
    groupMax = Math.min(GROUP_MAX, groupMax * 4);
  }
}
