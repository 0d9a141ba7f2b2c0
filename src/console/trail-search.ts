/**
 * Searches the console's own trail. It is read in slices between which other requests have their turn, so that a trail of
 * years delays nobody: the file is the console's own, which the threads that read the store do not open.
 */
import { setImmediate } from 'node:timers/promises';
import { formatTime } from '../base/time.ts';
import type { TimeRange } from '../query/time.ts';
import type { Asked } from './api/common.ts';
import type { Completion } from './api/records.ts';
import type { TrailCompleteQuery, Trail as TrailPage, TrailQuery } from './api/trail.ts';
import { completionOf, countedCandidates, placeIn } from './completion.ts';
import { ConsoleError } from './error.ts';
import { rangeOf, type Times } from './reads/range.ts';
import { isoOf, type StateDb } from './state.ts';
import type { TrailRow } from './trail.ts';
import { TRAIL_COLUMNS, TRAIL_LANGUAGE, trailTest } from './trail-language.ts';

/** Entries looked at in a turn: some milliseconds. */
const SLICE_ROWS = 4000;
const PAGE_ROWS = 100;

/** Who asks. */
export interface TrailAsker {
  /** Entries of others are not there at all. */
  readonly only: string | undefined;
  /** Fires when nobody waits for the answer any more. */
  readonly gone: AbortSignal | undefined;
}

/** Entries that may be seen: their number, the newest of them, and their times. */
interface Extent extends Times {
  readonly total: number;
  readonly seqMax: number;
}

interface Slice {
  readonly after: number;
  readonly upTo: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly only: string | null;
}

const IN_SLICE =
  'seq > @after AND seq <= @upTo AND time_ms >= @fromMs AND time_ms < @toMs AND (@only IS NULL OR who = @only)';

/** One page, and how many there are on all of them. Throws `QueryError`, `ConsoleError`. */
export async function searchTrail(
  db: StateDb,
  { q = '', t, before = Number.MAX_SAFE_INTEGER, limit = PAGE_ROWS }: TrailQuery,
  asker: TrailAsker,
): Promise<Omit<TrailPage, 'intact'>> {
  const startedMs = performance.now();
  const nowUs = Date.now() * 1000;
  const test = trailTest(q, nowUs);
  const extent = extentOf(db, asker);
  const range = rangeOf(t, nowUs, () => extent);
  const count = db.prepare<Slice, number>(`SELECT count(*) FROM trail WHERE ${IN_SLICE}`).pluck();
  const read = db.prepare<Slice, TrailRow>(`SELECT * FROM trail WHERE ${IN_SLICE} ORDER BY seq DESC`);
  const rows: TrailRow[] = [];
  let matched = 0;
  for await (const slice of slices(extent, range, asker)) {
    const isShown = rows.length < limit && slice.after + 1 < before;
    if (test === undefined && !isShown) {
      matched += count.get(slice) ?? 0;
      continue;
    }
    for (const row of read.iterate(slice)) {
      if (test !== undefined && !test(row)) continue;
      matched++;
      if (row.seq < before && rows.length < limit) rows.push(row);
    }
  }
  const entries = rows.map(({ time_ms, ...rest }) => ({ ...rest, time: isoOf(time_ms) }));
  return { asked: askedOf(extent, range, startedMs), entries, matched, total: extent.total };
}

/** Completion of a query: fields of the trail, and values that occur in the range. */
export async function completeTrail(
  db: StateDb,
  { text, pos, t }: TrailCompleteQuery,
  asker: TrailAsker,
): Promise<Completion> {
  const place = placeIn(TRAIL_LANGUAGE, text, pos);
  const column = TRAIL_COLUMNS[place.field ?? ''];
  if (column === undefined) return completionOf(TRAIL_LANGUAGE, text, place, []);
  const extent = extentOf(db, asker);
  const range = rangeOf(t, Date.now() * 1000, () => extent);
  const group = db.prepare<Slice, { value: string; count: number }>(
    `SELECT ${column} AS value, count(*) AS count FROM trail WHERE ${IN_SLICE} GROUP BY ${column}`,
  );
  const counts = new Map<string, number>();
  for await (const slice of slices(extent, range, asker))
    for (const { value, count } of group.iterate(slice)) counts.set(value, (counts.get(value) ?? 0) + count);
  const found = [...counts].map(([value, count]) => ({ value, count }));
  return completionOf(TRAIL_LANGUAGE, text, place, countedCandidates(found, place.prefix));
}

function extentOf(db: StateDb, { only }: TrailAsker): Extent {
  const sql = `SELECT count(*) AS total, max(seq) AS seqMax, min(time_ms) * 1000 AS timeMinUs, max(time_ms) * 1000 AS timeMaxUs
    FROM trail WHERE @only IS NULL OR who = @only`;
  const found = db.prepare<object, { readonly [K in keyof Extent]: number | null }>(sql).get({ only: only ?? null });
  return {
    total: found?.total ?? 0,
    seqMax: found?.seqMax ?? 0,
    timeMinUs: found?.timeMinUs ?? undefined,
    timeMaxUs: found?.timeMaxUs ?? undefined,
  };
}

/** The newest first. Entries that come meanwhile are left out. */
async function* slices(
  { seqMax }: Extent,
  { fromUs, toUs }: TimeRange,
  { only, gone }: TrailAsker,
): AsyncGenerator<Slice> {
  const fixed = { fromMs: fromUs / 1000, toMs: toUs / 1000, only: only ?? null };
  for (let upTo = seqMax; upTo > 0; upTo -= SLICE_ROWS) {
    if (gone?.aborted === true) throw new ConsoleError('unavailable', 'nobody waits for the answer any more');
    yield { ...fixed, after: Math.max(0, upTo - SLICE_ROWS), upTo };
    await setImmediate();
  }
}

function askedOf({ seqMax, timeMaxUs }: Extent, { fromUs, toUs }: TimeRange, startedMs: number): Asked {
  return {
    from: formatTime(fromUs),
    to: formatTime(toUs),
    watermark: String(seqMax),
    ...(timeMaxUs === undefined ? {} : { readTo: formatTime(timeMaxUs) }),
    problems: [],
    tookMs: Math.round((performance.now() - startedMs) * 10) / 10,
  };
}
