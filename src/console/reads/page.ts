/**
 * Pages of a result in order of time. A cursor names the last record shown, so that paging stays right while records
 * arrive and expire. A position is found by counting: buckets of time are narrowed until few records are left to skip.
 */
import type { AuditRecord } from '../../contracts/record.ts';
import type { Order } from '../../store/order.ts';
import { ConsoleError } from '../error.ts';
import { bucketsOf } from './buckets.ts';
import type { Question, Source } from './source.ts';

export interface Page {
  readonly records: readonly AuditRecord[];
  /** Cursor of the next page; `undefined` at the end. */
  readonly next: string | undefined;
}

/** Records skipped one by one at most, before buckets are narrowed further. */
const SKIPPED_MAX = 500;
const NARROWING_BUCKETS = 400;

/** Throws `bad-request` for a cursor that is none. */
export function pageFrom(
  source: Source,
  question: Question,
  cursor: string | undefined,
  order: Order,
  limit: number,
): Page {
  if (cursor === undefined) return take(source.records({ ...question.query, order }), limit);
  const { timeUs, id } = readCursor(cursor);
  const { query } = question;
  const rest = order === 'newest' ? { toUs: Math.min(query.toUs ?? timeUs + 1, timeUs + 1) } : { fromUs: timeUs };
  return take(behind(source.records({ ...query, ...rest, order }), timeUs, id), limit);
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
  let { fromUs, toUs } = question.range;
  let skip = position;
  while (skip > SKIPPED_MAX && toUs - fromUs > 1) {
    const { originUs, widthUs } = bucketsOf(fromUs, toUs, NARROWING_BUCKETS);
    const rows = [
      ...source.aggregate({ ...question.query, fromUs, toUs }, { fields: [], bucketUs: widthUs, originUs }),
    ];
    rows.sort((a, b) => (order === 'newest' ? b.bucketUs - a.bucketUs : a.bucketUs - b.bucketUs));
    const bucket = rows.find(({ records }) => {
      if (skip < records) return true;
      skip -= records;
      return false;
    });
    if (bucket === undefined) return { records: [], next: undefined, total };
    fromUs = Math.max(fromUs, bucket.bucketUs);
    toUs = Math.min(toUs, bucket.bucketUs + widthUs);
    if (bucket.records <= SKIPPED_MAX || widthUs <= 1000) break;
  }
  const rest = order === 'newest' ? { toUs } : { fromUs };
  const records = source.records({ ...question.query, ...rest, order });
  return { ...take(skipped(records, skip), limit), total };
}

function* skipped(records: Iterable<AuditRecord>, count: number): Generator<AuditRecord> {
  let left = count;
  for (const record of records) if (left-- <= 0) yield record;
}

/** What comes after the record with that id. If it is gone, what comes after its moment. */
function* behind(records: Iterable<AuditRecord>, timeUs: number, id: string): Generator<AuditRecord> {
  const held: AuditRecord[] = [];
  let isBehind = false;
  for (const record of records) {
    if (isBehind) yield record;
    else if (record.id === id) isBehind = true;
    else if (record.timeUs === timeUs) held.push(record);
    else {
      isBehind = true;
      yield* held;
      yield record;
    }
  }
}

function take(records: Iterator<AuditRecord>, limit: number): Page {
  const taken: AuditRecord[] = [];
  let next: string | undefined;
  for (;;) {
    const step = records.next();
    if (step.done === true) break;
    if (taken.length === limit) {
      const last = taken.at(-1);
      next = last && writeCursor(last);
      break;
    }
    taken.push(step.value);
  }
  records.return?.();
  return { records: taken, next };
}

function writeCursor({ timeUs, id }: AuditRecord): string {
  return Buffer.from(`${timeUs} ${id}`).toString('base64url');
}

function readCursor(cursor: string): { timeUs: number; id: string } {
  const [, time, id] = /^(\d{1,17}) (\S{1,100})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (time === undefined || id === undefined) throw new ConsoleError('bad-request', 'this cursor is none of ours');
  return { timeUs: Number(time), id };
}
