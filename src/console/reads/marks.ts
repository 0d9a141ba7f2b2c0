/**
 * Where in a result something stands that its scroll bar shows: stretches of time that were not wholly seen, and pinned
 * records. A position is the number of records before it, counted: whole buckets of time once for all, the part of one
 * bucket for each.
 */
import { formatTime, MINUTE_US } from '../../base/time.ts';
import { both, valueFilter } from '../../query/build.ts';
import type { TimeRange } from '../../query/time.ts';
import type { RecordMarks, RecordMarksQuery } from '../api/marks.ts';
import { type Buckets, bucketsOf } from './buckets.ts';
import { overlaps, watchedBy } from './coverage.ts';
import { questionOf } from './lists.ts';
import type { PinnedPlace } from './pinned.ts';
import type { Question, Source } from './source.ts';
import type { Seen } from './task.ts';

type Gap = RecordMarks['gaps'][number];
interface Stretch {
  readonly kind: Gap['kind'];
  readonly fromUs: number;
  toUs: number;
  /** Gaps in it, with time that was seen between them. */
  parts: number;
}

/** Stretches of a kind that are told; each costs two counts. */
const GAPS_MAX = 24;
/** A loss record speaks of the minute that ends with it (`sensor/loss-ledger.ts`). */
const LOSS_US = MINUTE_US;
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
  const gaps = stretches.map(({ kind, fromUs, toUs, parts }) => {
    const [newer, all] = [ranks.since(toUs), ranks.since(fromUs)];
    const [first, end] = isNewest ? [newer, all] : [ranks.total - all, ranks.total - newer];
    return { kind, from: formatTime(fromUs), to: formatTime(toUs), parts, first, end };
  });
  const pins = args.pins.flatMap((pin) => {
    const position = positionOf(source, question, ranks, pin, isNewest);
    return position === undefined ? [] : [{ id: pin.id, time: formatTime(pin.timeUs), position }];
  });
  return {
    asked: source.asked(question),
    total: ranks.total,
    gaps: gaps.sort((a, b) => a.first - b.first || a.end - b.end),
    moreGaps: more,
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

/** In order of time, of each kind no more than are told. */
function stretchesOf(source: Source, range: TimeRange): { readonly stretches: Stretch[]; readonly more: boolean } {
  const { losses, more } = lossesIn(source, range);
  const { holes } = watchedBy(source, range);
  return { stretches: [...joined('loss', overlaps(losses, [range])), ...joined('unwatched', holes)], more };
}

/** Minutes of losses, those that touch each other as one, in order of time. */
function lossesIn(source: Source, range: TimeRange): { readonly losses: TimeRange[]; readonly more: boolean } {
  const losses: { fromUs: number; readonly toUs: number }[] = [];
  let read = 0;
  for (const { timeUs } of source.losses({ fromUs: range.fromUs, toUs: range.toUs + LOSS_US })) {
    if (++read > LOSSES_MAX) break;
    const later = losses.at(-1);
    if (later !== undefined && timeUs >= later.fromUs) later.fromUs = timeUs - LOSS_US;
    else losses.push({ fromUs: timeUs - LOSS_US, toUs: timeUs });
  }
  return { losses: losses.reverse(), more: read > LOSSES_MAX };
}

/** Where there are too many, those with the least time between them are told together. */
function joined(kind: Stretch['kind'], ranges: readonly TimeRange[]): Stretch[] {
  const distanceUs = (i: number): number => (ranges[i]?.fromUs ?? 0) - (ranges[i - 1]?.toUs ?? 0);
  const behindFirst = ranges.map((_, i) => i).slice(1);
  const nearest = behindFirst
    .sort((a, b) => distanceUs(a) - distanceUs(b))
    .slice(0, Math.max(0, ranges.length - GAPS_MAX));
  const isJoined = new Set(nearest);
  const stretches: Stretch[] = [];
  for (const [i, { fromUs, toUs }] of ranges.entries()) {
    const before = stretches.at(-1);
    if (before !== undefined && isJoined.has(i)) {
      before.toUs = toUs;
      before.parts++;
    } else stretches.push({ kind, fromUs, toUs, parts: 1 });
  }
  return stretches;
}
