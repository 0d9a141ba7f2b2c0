/** Counts by field values. SQLite groups by row numbers, which are short; their labels are looked up afterwards. */
import { SEVERITIES } from '../contracts/record.ts';
import type { Condition } from './compile.ts';
import { parseList } from './functions.ts';
import type { SegmentReader } from './rows.ts';

export const AGGREGATE_FIELDS = [
  'user',
  'client',
  'server',
  'system',
  'program',
  'db',
  'session',
  'sensor',
  'kind',
  'op',
  'object',
  'fingerprint',
  'error',
  'rule',
  'severity',
  'hour',
  'day',
] as const;
export type AggregateField = (typeof AGGREGATE_FIELDS)[number];

export interface AggregateRow {
  /** In the order of the fields asked for; empty where a record has no value. */
  readonly labels: readonly string[];
  readonly records: number;
  readonly failed: number;
  /** Rows returned or affected. */
  readonly rows: number;
}

/** Different combinations of values kept; further ones are summed under `…`. */
const GROUPS_MAX = 100_000;
const OTHERS = '…';
const HOUR_US = 3_600_000_000;
const DAY_US = 24 * HOUR_US;

/** The column of `record` that decides a field's value. */
const GROUPED_BY: { readonly [F in AggregateField]: string } = {
  user: 'session_row',
  client: 'session_row',
  server: 'session_row',
  system: 'session_row',
  program: 'session_row',
  db: 'session_row',
  session: 'session_row',
  sensor: 'session_row',
  kind: 'shape_row',
  op: 'shape_row',
  object: 'shape_row',
  fingerprint: 'shape_row',
  error: 'error_code',
  rule: 'verdict_row',
  severity: 'verdict_row',
  hour: 'hour',
  day: 'hour',
};

interface GroupRow {
  readonly session_row: number;
  readonly shape_row: number;
  readonly verdict_row: number | null;
  readonly error_code: string | null;
  readonly hour: number;
  readonly records: number;
  readonly failed: number;
  readonly total_rows: number | null;
}

export class Aggregation {
  private readonly by: readonly AggregateField[];
  private readonly groups = new Map<string, { labels: string[]; records: number; failed: number; rows: number }>();

  constructor(by: readonly AggregateField[]) {
    this.by = by;
  }

  add(segment: SegmentReader, condition: Condition, seqMin: number, seqMax: number): void {
    const columns = [...new Set(this.by.map((field) => GROUPED_BY[field]))];
    const selected = columns.map((column) => (column === 'hour' ? `r.time_us / ${HOUR_US} AS hour` : `r.${column}`));
    const grouping = columns.length === 0 ? '' : `GROUP BY ${columns.join(', ')}`;
    const sql = `SELECT ${[...selected, 'count(*) AS records', 'count(r.error_code) AS failed'].join(', ')},
      sum(coalesce(r.returned_rows, r.affected_rows)) AS total_rows FROM record r
      WHERE r.seq BETWEEN ? AND ? AND ${condition.sql} ${grouping}`;
    for (const row of segment.rows<GroupRow>(sql, [seqMin, seqMax, ...condition.values])) {
      for (const labels of combinations(this.by.map((field) => labelsOf(segment, field, row)))) this.count(labels, row);
    }
  }

  /** Biggest groups first. */
  top(limit: number): AggregateRow[] {
    const rows = [...this.groups.values()];
    rows.sort((a, b) => b.records - a.records || compareLabels(a.labels, b.labels));
    return rows.slice(0, limit);
  }

  private count(labels: string[], row: GroupRow): void {
    let key = labels.join('\u0000');
    if (!this.groups.has(key) && this.groups.size >= GROUPS_MAX) {
      labels.fill(OTHERS);
      key = OTHERS;
    }
    let group = this.groups.get(key);
    if (group === undefined) {
      group = { labels, records: 0, failed: 0, rows: 0 };
      this.groups.set(key, group);
    }
    group.records += row.records;
    group.failed += row.failed;
    group.rows += row.total_rows ?? 0;
  }
}

/** Values of a field for the rows of a group: several for objects and rules, one empty one when there is none. */
function labelsOf(segment: SegmentReader, field: AggregateField, row: GroupRow): string[] {
  switch (field) {
    case 'hour':
      return [new Date((row.hour * HOUR_US) / 1000).toISOString().slice(0, 13)];
    case 'day':
      return [new Date((Math.floor((row.hour * HOUR_US) / DAY_US) * DAY_US) / 1000).toISOString().slice(0, 10)];
    case 'error':
      return [row.error_code ?? ''];
    case 'kind':
      return [segment.shape(row.shape_row)?.kind ?? ''];
    case 'op':
      return [segment.shape(row.shape_row)?.operation ?? ''];
    case 'fingerprint':
      return [segment.shape(row.shape_row)?.fingerprint ?? ''];
    case 'object':
      return orEmpty(parseList(segment.shape(row.shape_row)?.objects).map(String));
    case 'severity':
      return [SEVERITIES[verdictOf(segment, row)?.severity ?? -1] ?? ''];
    case 'rule':
      return orEmpty(
        parseList(verdictOf(segment, row)?.policy).map((match) => String(Reflect.get(Object(match), 'rule'))),
      );
    default:
      return [String(segment.session(row.session_row)?.[SESSION_COLUMN[field]] ?? '')];
  }
}

const SESSION_COLUMN = {
  user: 'user',
  client: 'client_address',
  server: 'server_address',
  system: 'system',
  program: 'program',
  db: 'namespace',
  session: 'session',
  sensor: 'sensor',
} as const;

function verdictOf(segment: SegmentReader, row: GroupRow): { severity: number; policy: string } | undefined {
  return row.verdict_row === null ? undefined : segment.verdict(row.verdict_row);
}

function orEmpty(labels: string[]): string[] {
  return labels.length === 0 ? [''] : labels;
}

function combinations(lists: readonly (readonly string[])[]): string[][] {
  let rows: string[][] = [[]];
  for (const list of lists) rows = rows.flatMap((row) => list.map((label) => [...row, label]));
  return rows;
}

function compareLabels(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < a.length; i++) {
    const left = a[i] ?? '';
    const right = b[i] ?? '';
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}
