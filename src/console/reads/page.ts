/**
 * Pages of a result in order of time. A cursor names the place of the last record shown, so that paging stays right while
 * records arrive and expire. A position is found by counting: buckets of time are narrowed until few are left to skip.
 */
import type { AuditRecord } from '../../contracts/record.ts';
import type { Place } from '../../query/filter.ts';
import type { Found } from '../../store/reader.ts';
import type { Order } from '../../store/search/order.ts';
import { ConsoleError } from '../error.ts';
import { bucketsOf } from './buckets.ts';
import type { Question, Source } from './source.ts';

export interface Page {
  readonly records: readonly AuditRecord[];
  /** Cursor of the next page; `undefined` at the end. */
  readonly next: string | undefined;
}

/** Where there are not more records, it is known where they all are: they were just counted. */
const FEW_RECORDS = 500;
/** Records skipped one by one at most, before buckets are narrowed further. */
const SKIPPED_MAX = 500;
const NARROWING_BUCKETS = 400;
/** Buckets are no narrower than this, in microseconds. */
const BUCKET_US_MIN = 1000;

/** Throws `bad-request` for a cursor that is none. */
export function pageFrom(
  source: Source,
  { query }: Question,
  cursor: string | undefined,
  order: Order,
  limit: number,
): Page {
  const after = cursor === undefined ? undefined : readCursor(source, cursor);
  return take(source, source.find({ ...query, order, after, limit: limit + 1 }), limit);
}

/** From position 0 on. */
export function pageAt(
  source: Source,
  question: Question,
  position: number,
  order: Order,
  limit: number,
): Page & { readonly total: number } {
  const total = source.count(question.query);
  if (position >= total) return { records: [], next: undefined, total };
  const places = total <= FEW_RECORDS ? source.places(question.query, total) : undefined;
  if (places !== undefined) {
    const ordered = order === 'newest' ? places : places.toReversed();
    return { ...take(source, source.found(ordered.slice(position, position + limit + 1)), limit), total };
  }
  let { fromUs, toUs } = question.range;
  let skip = position;
  while (skip > SKIPPED_MAX) {
    const { originUs, widthUs } = bucketsOf(fromUs, toUs, NARROWING_BUCKETS);
    const by = { fields: [], bucketUs: widthUs, originUs, countsOnly: true };
    const groups = [...source.aggregate({ ...question.query, fromUs, toUs }, by)];
    groups.sort((a, b) => (order === 'newest' ? b.bucketUs - a.bucketUs : a.bucketUs - b.bucketUs));
    const bucket = groups.find(({ records }) => {
      if (skip < records) return true;
      skip -= records;
      return false;
    });
    if (bucket === undefined) return { records: [], next: undefined, total };
    fromUs = Math.max(fromUs, bucket.bucketUs);
    toUs = Math.min(toUs, bucket.bucketUs + widthUs);
    if (widthUs <= BUCKET_US_MIN) break;
  }
  const rest = order === 'newest' ? { toUs } : { fromUs };
  const found = source.find({ ...question.query, ...rest, order, limit: skip + limit + 1 });
  for (let i = 0; i < skip; i++) found.next();
  return { ...take(source, found, limit), total };
}

/** One more than shown tells whether there are more. */
function take(source: Source, found: Iterable<Found>, limit: number): Page {
  const taken = [...found];
  const last = taken[limit - 1];
  const next = taken.length > limit && last !== undefined ? writeCursor(source, last) : undefined;
  return { records: taken.slice(0, limit).map(({ record }) => record), next };
}

function writeCursor(source: Source, { timeUs, seq }: Place): string {
  return Buffer.from(`${timeUs} ${source.positionText(seq)}`).toString('base64url');
}

function readCursor(source: Source, cursor: string): Place {
  const [, timeUs, position = ''] =
    /^(\d{1,16}) ([\w-]{1,32})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  const seq = source.positionOf(position);
  if (timeUs === undefined || seq === undefined)
    throw new ConsoleError('bad-request', 'this cursor is none of ours: start from the first page');
  return { timeUs: Number(timeUs), seq };
}
