/** What was not seen: the loss records that sensors write, put beside what was. */

import { formatTime, MINUTE_US } from '../../base/time.ts';
import type { AuditRecord } from '../../contracts/record.ts';
import { both, valueFilter, valuesFilter } from '../../query/build.ts';
import type { Filter } from '../../query/filter.ts';
import type { TimeRange } from '../../query/time.ts';
import { type Coverage as SensorCoverage, coverageOf as watchOf } from '../../traffic/coverage.ts';
import { TrafficReader } from '../../traffic/reader.ts';
import type { Coverage, Gap, Watched } from '../api/common.ts';
import type { CoverageQuery, CoverageView } from '../api/sensors.ts';
import { addToLine, type Buckets, bucketsOf, emptyLine } from './buckets.ts';
import type { Limit } from './limit.ts';
import { databasesFilter, type Source } from './source.ts';
import type { Seen } from './task.ts';

const GAPS_MAX = 200;
const STRIPS_MAX = 50;
const HOLES_MAX = 200;
const COVERAGE_BUCKETS = 96;

/** A loss record speaks of the minute that ends with it (`sensor/loss-ledger.ts`). */
function gapOf({ timeUs, reason, errorText, lostBytes, sensor }: AuditRecord): Gap {
  return {
    from: formatTime(timeUs - MINUTE_US),
    to: formatTime(timeUs),
    reason: reason ?? '',
    detail: errorText ?? '',
    ...(lostBytes === undefined ? {} : { lostBytes }),
    ...(sensor === undefined ? {} : { sensor }),
  };
}

export function lossesOf(
  source: Source,
  range: TimeRange,
): { gaps: Gap[]; minutes: number; count: number; bytes: number } {
  const gaps: Gap[] = [];
  const minutes = new Set<number>();
  let count = 0;
  let bytes = 0;
  for (const record of source.losses(range)) {
    count++;
    bytes += record.lostBytes ?? 0;
    minutes.add(Math.floor((record.timeUs - 1) / MINUTE_US));
    if (gaps.length < GAPS_MAX) gaps.push(gapOf(record));
  }
  return { gaps, minutes: minutes.size, count, bytes };
}

export function coverageOf(source: Source, range: TimeRange, db: string | undefined): Coverage {
  const losses = lossesOf(source, range);
  const total = Math.max(1, Math.ceil((range.toUs - range.fromUs) / MINUTE_US));
  const filter = both(databasesFilter(db), valueFilter('kind', 'opaque'));
  const opaque = source.count({ ...range, filter });
  const share = Math.max(0, 1 - losses.minutes / total);
  const { watched, holes } = watchedBy(source, range);
  return {
    share,
    watched,
    unwatched: holes
      .slice(0, HOLES_MAX)
      .map(({ fromUs, toUs }) => ({ from: formatTime(fromUs), to: formatTime(toUs) })),
    lossRecords: losses.count,
    lostBytes: losses.bytes,
    opaque,
    gaps: losses.gaps,
    statement: [statementOf(source.limit, range, losses, opaque), ...watched.map(watchStatement)].join(' '),
  };
}

/** What each sensor says of the range, and the stretches in which none watched; none for stores without heartbeats. */
export function watchedBy(
  { directory, limit }: Source,
  range: TimeRange,
): { readonly watched: Watched[]; readonly holes: readonly TimeRange[] } {
  const traffic = new TrafficReader(directory);
  try {
    const sensors = watchOf(traffic.heartbeats(range), range);
    const watched = sensors.map((coverage) => ({
      sensor: coverage.sensor,
      share: coverage.watchedUs / (range.toUs - range.fromUs),
      kernelDrops: coverage.kernelDrops,
      cutPackets: coverage.cutPackets,
      undecodedPackets: coverage.undecodedPackets,
      // Traffic of all databases together is not for those who may see some.
      ...(limit === undefined ? { traffic: trafficOf(coverage) } : {}),
    }));
    const holes = sensors.map((coverage) => coverage.holes);
    return { watched, holes: holes.slice(1).reduce(overlaps, holes[0] ?? []) };
  } finally {
    traffic.close();
  }
}

function trafficOf(coverage: SensorCoverage): NonNullable<Watched['traffic']> {
  return {
    packets: coverage.packets,
    bytes: coverage.bytes,
    understoodBytes: coverage.understoodBytes,
    encryptedBytes: coverage.encryptedBytes,
    otherBytes: coverage.otherBytes,
    gapBytes: coverage.gapBytes,
    sessions: coverage.connections,
    cutSessions: coverage.cutSessions,
  };
}

/** Where stretches of both lists lie; each list is in order and its stretches apart. */
export function overlaps(a: readonly TimeRange[], b: readonly TimeRange[]): readonly TimeRange[] {
  const found: TimeRange[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const [left, right] = [a[i] as TimeRange, b[j] as TimeRange];
    const fromUs = Math.max(left.fromUs, right.fromUs);
    const toUs = Math.min(left.toUs, right.toUs);
    if (fromUs < toUs) found.push({ fromUs, toUs });
    if (left.toUs < right.toUs) i++;
    else j++;
  }
  return found;
}

/** Never rounded to nothing or to all. */
function percentOf(share: number): string {
  const percent = 100 * share;
  if (percent > 0 && percent < 0.1) return 'less than 0.1 %';
  return percent < 100 && percent > 99.9 ? 'more than 99.9 %' : `${percent.toFixed(1)} %`;
}

export function watchStatement({ sensor, share, traffic, kernelDrops, cutPackets, undecodedPackets }: Watched): string {
  const lacks: readonly (readonly [number, string])[] = [
    [cutPackets, ', got # cut short'],
    [undecodedPackets, ', could not read #'],
    [kernelDrops, ', lost # in its queue'],
  ];
  const saw = traffic === undefined ? '' : ` and saw ${counted(traffic.packets, 'packet')}`;
  const lacking = lacks.map(([count, said]) => (count === 0 ? '' : said.replace('#', counted(count, 'packet'))));
  const part = share >= 1 ? 'all of this time' : `${percentOf(share)} of this time`;
  return `Sensor ${sensor} watched ${part}${saw}${lacking.join('')}.`;
}

/** For sentences: without a fraction where it is none. */
function moment(timeUs: number): string {
  return formatTime(timeUs).replace(/\.0+Z$/, 'Z');
}

/** Completeness in words. It can speak of what sensors knew they lost, and says so. */
function statementOf(
  limit: Limit | undefined,
  range: TimeRange,
  { count, minutes }: { readonly count: number; readonly minutes: number },
  opaque: number,
): string {
  const what = `everything ${limit === undefined ? '' : `of ${listed(limit)} `}that reached the sensors`;
  const seen =
    count === 0
      ? `${what} was recorded; no sensor reported a loss`
      : `${what} was recorded except in ${counted(minutes, 'minute')} with ${counted(count, 'reported loss', 'reported losses')}`;
  return `From ${moment(range.fromUs)} to ${moment(range.toUs)}, ${seen}. ${encryptionOf(limit, opaque)}`;
}

function listed({ databases }: Limit): string {
  return `${databases.length === 1 ? 'database' : 'databases'} ${databases.join(', ')}`;
}

/** Most encrypted connections name no database: of those, who may see some databases only is told nothing. */
function encryptionOf(limit: Limit | undefined, opaque: number): string {
  if (opaque > 0) return `${counted(opaque, 'connection')} could not be read because of encryption.`;
  if (limit === undefined) return 'No connection was encrypted.';
  return 'No encrypted connection named such a database; those that name none are not counted here.';
}

function counted(count: number, one: string, many: string = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

/** Marks of records that a gap touched. */
const TOUCHED: Filter = valuesFilter('mark', ['gap', 'truncated']);

export function coverage(source: Source, args: Seen<CoverageQuery>): CoverageView {
  const question = source.question({ t: args.t, db: args.db, w: args.w });
  const { range, query } = question;
  const buckets = bucketsOf(range.fromUs, range.toUs, args.buckets ?? COVERAGE_BUCKETS);
  const fields = ['db', 'system', 'server'] as const;
  const by = { fields, bucketUs: buckets.widthUs, originUs: buckets.originUs, countsOnly: true };
  const strips = new Map<string, CoverageView['strips'][number]>();
  const add = (filter: Filter | undefined, lane: 'records' | 'touched' | 'opaque'): void => {
    for (const group of source.aggregate({ ...query, filter: both(query.filter, filter) }, by)) {
      const [db = '', system = '', server = ''] = group.labels;
      if (server === '') continue;
      const key = `${db}\u0000${system}\u0000${server}`;
      const strip = strips.get(key) ?? newStrip(db, system, server, buckets);
      strips.set(key, strip);
      addToLine(strip[lane], buckets, group);
    }
  };
  add(undefined, 'records');
  add(TOUCHED, 'touched');
  add(valueFilter('kind', 'opaque'), 'opaque');
  const list = [...strips.values()].sort((a, b) => total(b.records) - total(a.records)).slice(0, STRIPS_MAX);
  for (const strip of list) strip.statement = stripStatement(strip, range);
  const whole = coverageOf(source, range, args.db);
  return {
    asked: source.asked(question),
    coverage: whole,
    from: formatTime(buckets.originUs),
    bucketUs: buckets.widthUs,
    strips: list,
    losses: whole.gaps,
  };
}

function newStrip(db: string, system: string, server: string, buckets: Buckets): CoverageView['strips'][number] {
  return {
    db,
    ...(system === '' ? {} : { system }),
    ...(server === '' ? {} : { server }),
    records: emptyLine(buckets),
    touched: emptyLine(buckets),
    opaque: emptyLine(buckets),
    statement: '',
  };
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function stripStatement(strip: CoverageView['strips'][number], range: TimeRange): string {
  const touched = total(strip.touched);
  const opaque = total(strip.opaque);
  const name = strip.db === '' ? 'connections without a database name' : strip.db;
  const parts = [touched === 0 ? 'no record was touched by a gap' : `${counted(touched, 'record')} touched by gaps`];
  if (opaque > 0) parts.push(`${counted(opaque, 'connection')} encrypted`);
  return `${name}: ${counted(total(strip.records), 'record')} from ${moment(range.fromUs)} to ${moment(range.toUs)}, ${parts.join(', ')}.`;
}

export interface SensorRecords {
  readonly name: string;
  readonly records: number;
  readonly lossRecords: number;
  readonly lastUs: number;
}

/** Sensors by the names on their records. */
export function sensorRecords(source: Source): readonly SensorRecords[] {
  const rows = source.aggregate({}, { fields: ['sensor'] });
  const losses = source.lossesBySensor();
  return rows.map(({ labels, records, lastUs }) => ({
    name: labels[0] ?? '',
    records,
    lossRecords: losses.find((loss) => loss.labels[0] === labels[0])?.records ?? 0,
    lastUs,
  }));
}
