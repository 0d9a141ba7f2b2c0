/** Counts by fields and time buckets, by going through the records one by one. */
import type { AuditRecord } from '../../contracts/record.ts';
import { worstOf } from './row.ts';

export type GroupField =
  | 'user'
  | 'client'
  | 'server'
  | 'system'
  | 'program'
  | 'db'
  | 'session'
  | 'sensor'
  | 'kind'
  | 'op'
  | 'object'
  | 'fingerprint'
  | 'error'
  | 'rule'
  | 'severity'
  | 'outcome';

export interface GroupBy {
  readonly fields: readonly GroupField[];
  /** Width of the time buckets that are told apart, and the moment that one of them starts at. */
  readonly bucketUs?: number;
  readonly originUs?: number;
}

export interface AggregateRow {
  /** In the order of the fields; empty where a record has no value. */
  readonly labels: readonly string[];
  /** Start of the time bucket; 0 when none was asked for. */
  readonly bucketUs: number;
  readonly records: number;
  readonly failed: number;
  /** Rows returned, or else affected. */
  readonly rows: number;
  readonly durationUs: number;
  readonly firstUs: number;
  readonly lastUs: number;
}

type MutableRow = { -readonly [K in keyof AggregateRow]: AggregateRow[K] };

export class SlowAggregation {
  private readonly by: GroupBy;
  private readonly groups = new Map<string, MutableRow>();

  constructor(by: GroupBy) {
    this.by = by;
  }

  add(record: AuditRecord): void {
    const { fields, bucketUs, originUs = 0 } = this.by;
    const start = bucketUs === undefined ? 0 : originUs + Math.floor((record.timeUs - originUs) / bucketUs) * bucketUs;
    let labels: string[][] = [[]];
    for (const field of fields) {
      const values = valuesOf(record, field);
      labels = labels.flatMap((row) => values.map((value) => [...row, value]));
    }
    for (const row of labels) this.count(row, start, record);
  }

  rows(): readonly AggregateRow[] {
    return [...this.groups.values()];
  }

  private count(labels: string[], bucketUs: number, record: AuditRecord): void {
    const key = `${bucketUs}\u0000${labels.join('\u0000')}`;
    let group = this.groups.get(key);
    if (group === undefined) {
      const { timeUs } = record;
      group = { labels, bucketUs, records: 0, failed: 0, rows: 0, durationUs: 0, firstUs: timeUs, lastUs: timeUs };
      this.groups.set(key, group);
    }
    group.records++;
    if (record.errorCode !== undefined) group.failed++;
    group.rows += record.returnedRows ?? record.affectedRows ?? 0;
    group.durationUs += record.durationUs ?? 0;
    group.firstUs = Math.min(group.firstUs, record.timeUs);
    group.lastUs = Math.max(group.lastUs, record.timeUs);
  }
}

function valuesOf(record: AuditRecord, field: GroupField): readonly string[] {
  switch (field) {
    case 'object':
      return orEmpty(record.objects);
    case 'rule':
      return orEmpty(record.policy?.map(({ rule }) => rule));
    case 'severity':
      return [worstOf(record) ?? ''];
    case 'outcome':
      return [record.errorCode === undefined ? 'ok' : 'error'];
    default:
      return [String(record[FIELD_OF[field]] ?? '')];
  }
}

const FIELD_OF = {
  user: 'user',
  client: 'clientAddress',
  server: 'serverAddress',
  system: 'system',
  program: 'program',
  db: 'namespace',
  session: 'session',
  sensor: 'sensor',
  kind: 'kind',
  op: 'operation',
  fingerprint: 'fingerprint',
  error: 'errorCode',
} as const;

function orEmpty(values: readonly string[] | undefined): readonly string[] {
  return values === undefined || values.length === 0 ? [''] : values;
}
