/**
 * Paging that stays right while data arrives and expires. A cursor names the place of the last record shown, the newest
 * sequence number there was when the first page was asked for, and the moment relative times count from: what arrives
 * later is on no further page, what expires is missing and shifts nothing.
 */
import { crc32 } from 'node:zlib';
import type { Place } from '../../query/filter.ts';
import { parseFilter } from '../../query/language.ts';
import { StoreError } from '../errors.ts';
import type { Found, StoreReader } from '../reader.ts';
import type { Order } from './order.ts';

export interface PageRequest {
  /** In the query language. */
  readonly expression: string;
  readonly fromUs?: number | undefined;
  readonly toUs?: number | undefined;
  readonly order?: Order | undefined;
  /** Records of a page. */
  readonly size: number;
  /** `next` of the page before, of the same request; without it the first page. */
  readonly cursor?: string | undefined;
  /** What relative times count from, on the first page. */
  readonly nowUs: number;
}

export interface Page {
  readonly found: readonly Found[];
  /** `undefined` on the last page. */
  readonly next: string | undefined;
  /** The newest record that any page of this request can show. */
  readonly seqMax: number;
  readonly nowUs: number;
}

interface Position extends Place {
  readonly seqMax: number;
  readonly nowUs: number;
}

/** Throws `StoreError` (`usage`) for a query that makes no sense, and for a cursor that is not of this request. */
export function readPage(reader: StoreReader, request: PageRequest): Page {
  const { expression, fromUs, toUs, order = 'newest', size, cursor } = request;
  const check = crc32(JSON.stringify([expression, fromUs, toUs, order]));
  const position = cursor === undefined ? undefined : parseCursor(cursor, check);
  const nowUs = position?.nowUs ?? request.nowUs;
  const seqMax = position?.seqMax ?? reader.lastSeq();
  const filter = parseFilter(expression, nowUs);
  const found: Found[] = [];
  // One more than shown tells whether there are more.
  for (const each of reader.find({ fromUs, toUs, filter, order, seqMax, after: position, limit: size + 1 })) {
    if (found.length < size) found.push(each);
    else return { found, next: cursorAfter(found.at(-1), seqMax, nowUs, check), seqMax, nowUs };
  }
  return { found, next: undefined, seqMax, nowUs };
}

const VERSION = 1;

function cursorAfter(last: Found | undefined, seqMax: number, nowUs: number, check: number): string | undefined {
  if (last === undefined) return undefined;
  return Buffer.from(JSON.stringify([VERSION, last.timeUs, last.seq, seqMax, nowUs, check])).toString('base64url');
}

const FIELDS = 6;
const CURSOR_UNITS_MAX = 200;

function parseCursor(cursor: string, wanted: number): Position {
  const [version, timeUs, seq, seqMax, nowUs, check] = cursor.length > CURSOR_UNITS_MAX ? [] : numbersOf(cursor);
  const known = timeUs !== undefined && seq !== undefined && seqMax !== undefined && nowUs !== undefined;
  if (version !== VERSION || !known || check !== wanted) {
    throw new StoreError('usage', 'the cursor does not belong to this query: start again from the first page');
  }
  return { timeUs, seq, seqMax, nowUs };
}

/** Nothing when the text is not a cursor. */
function numbersOf(cursor: string): number[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(parsed) && parsed.length === FIELDS && parsed.every(Number.isSafeInteger) ? parsed : [];
  } catch {
    return []; // SyntaxError: not JSON
  }
}
