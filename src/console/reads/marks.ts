/**
 * Where in a result something stands that its scroll bar shows: stretches of time that were not wholly seen, and pinned
 * records. A position is the number of records before it, counted: whole buckets of time once for all, the part of one
 * bucket for each.
 */
import { formatTime } from '../../base/time.ts';
import type { TimeRange } from '../../query/time.ts';
import type { RecordMarks, RecordMarksQuery } from '../api/records.ts';
import { type Buckets, bucketsOf } from './buckets.ts';
import { LOSS_US, watchedBy } from './coverage.ts';
import { questionOf } from './lists.ts';
import type { PinnedPlace } from './pinned.ts';
import { both, type Question, type Source, valueFilter } from './source.ts';
import type { Seen } from './task.ts';

type Gap = RecordMarks['gaps'][number];
interface Stretch {
  readonly kind: Gap['kind'];
  fromUs: number;
  readonly toUs: number;
}

/** Stretches told of at most; a scroll bar has some hundred pixels. */
const GAPS_MAX = 100;
/** Loss records read for them at most. */
const LOSSES_MAX = 10_000;
const BUCKETS = 400;

export function recordMarks(
  source: Source,
  args: Seen<RecordMarksQuery & { pins: readonly PinnedPlace[] }>,
): RecordMarks {
  const question = questionOf(source, args);
  const isNewest = args.dir !== 'oldest';
  const ranks = new Ranks(source, question);
  const { stretches, more } = stretchesOf(source, question.range);
  const gaps = stretches.slice(0, GAPS_MAX).map(({ kind, fromUs, toUs }) => {
    const [newer, all] = [ranks.since(toUs), ranks.since(fromUs)];
    const [first, end] = isNewest ? [newer, all] : [ranks.total - all, ranks.total - newer];
    return { kind, from: formatTime(fromUs), to: formatTime(toUs), first, end };
  });
  const pins = args.pins.flatMap((pin) => {
    const position = positionOf(source, question, ranks, pin, isNewest);
    return position === undefined ? [] : [{ id: pin.id, time: formatTime(pin.timeUs), position }];
  });
  return {
    asked: source.asked(question),
    total: ranks.total,
    gaps: gaps.sort((a, b) => a.first - b.first || a.end - b.end),
    moreGaps: more || stretches.length > GAPS_MAX,
    pins: pins.sort((a, b) => a.position - b.position),
  };
}

/** Numbers of records from a moment on. */
class Ranks {
  readonly total: number;
  private readonly source: Source;
  private readonly question: Question;
  private readonly buckets: Buckets;
  /** By bucket: records in it and in later ones. */
  private readonly from: Float64Array;

  constructor(source: Source, question: Question) {
    this.source = source;
    this.question = question;
    this.buckets = bucketsOf(question.range.fromUs, question.range.toUs, BUCKETS);
    const { originUs, widthUs, count } = this.buckets;
    this.from = new Float64Array(count + 1);
    const by = { fields: [], bucketUs: widthUs, originUs, countsOnly: true };
    for (const { bucketUs, records } of source.aggregate(question.query, by)) {
      const index = Math.round((bucketUs - originUs) / widthUs);
      this.from[index] = (this.from[index] ?? 0) + records;
    }
    for (let i = count - 1; i >= 0; i--) this.from[i] = (this.from[i] ?? 0) + (this.from[i + 1] ?? 0);
    this.total = this.from[0] ?? 0;
  }

  /** Records at the moment and after it. */
  since(timeUs: number): number {
    const { fromUs, toUs } = this.question.range;
    if (timeUs <= fromUs) return this.total;
    if (timeUs >= toUs) return 0;
    const { originUs, widthUs } = this.buckets;
    const index = Math.floor((timeUs - originUs) / widthUs);
    const later = this.from[index + 1] ?? 0;
    if (this.from[index] === later) return later;
    const end = Math.min(toUs, originUs + (index + 1) * widthUs);
    return later + this.source.count({ ...this.question.query, fromUs: timeUs, toUs: end });
  }
}

/** `undefined`: it is not in the result. */
function positionOf(
  source: Source,
  { query, range }: Question,
  ranks: Ranks,
  { id, timeUs }: PinnedPlace,
  isNewest: boolean,
): number | undefined {
  if (timeUs < range.fromUs || timeUs >= range.toUs) return undefined;
  const moment = { ...query, fromUs: timeUs, toUs: timeUs + 1 };
  const [found] = source.find({ ...moment, filter: both(query.filter, valueFilter('id', id)), limit: 1 });
  if (found === undefined) return undefined;
  // Records of one moment stand in the order of their arrival.
  const arrived = source.count({ ...moment, seqMax: found.seq });
  return isNewest
    ? ranks.since(timeUs + 1) + source.count(moment) - arrived
    : ranks.total - ranks.since(timeUs) + arrived - 1;
}

/** The latest first of each kind, as far as they reach into the range. */
function stretchesOf(source: Source, range: TimeRange): { readonly stretches: Stretch[]; readonly more: boolean } {
  const lost = lostStretches(source, range);
  const { holes } = watchedBy(source, range);
  const unwatched = holes.map((hole): Stretch => ({ ...hole, kind: 'unwatched' }));
  const stretches = [...lost.stretches, ...unwatched]
    .map((one) => ({ ...one, fromUs: Math.max(one.fromUs, range.fromUs), toUs: Math.min(one.toUs, range.toUs) }))
    .filter(({ fromUs, toUs }) => fromUs < toUs)
    .sort((a, b) => b.toUs - a.toUs);
  return { stretches, more: lost.more };
}

/** Minutes of losses that touch each other as one stretch. */
function lostStretches(source: Source, range: TimeRange): { readonly stretches: Stretch[]; readonly more: boolean } {
  const stretches: Stretch[] = [];
  let read = 0;
  for (const { timeUs } of source.losses({ fromUs: range.fromUs, toUs: range.toUs + LOSS_US })) {
    if (++read > LOSSES_MAX) return { stretches, more: true };
    const last = stretches.at(-1);
    if (last !== undefined && timeUs >= last.fromUs) last.fromUs = Math.min(last.fromUs, timeUs - LOSS_US);
    else if (stretches.length === GAPS_MAX) return { stretches, more: true };
    else stretches.push({ kind: 'loss', fromUs: timeUs - LOSS_US, toUs: timeUs });
  }
  return { stretches, more: false };
}
