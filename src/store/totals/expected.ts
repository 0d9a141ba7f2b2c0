/** For tests: what totals must be, from the records themselves, one by one. */
import assert from 'node:assert/strict';
import type { AuditRecord } from '../../contracts/record.ts';
import type { Group } from './aggregate.ts';
import type { AggregateField } from './groups.ts';

/** What a record counts under; several values for objects and rules. */
function valuesOf(record: AuditRecord, field: AggregateField): readonly string[] {
  const period = (units: number): string =>
    record.timeUs > 8.64e18 ? '' : new Date(Math.floor(record.timeUs / 60e6) * 60e3).toISOString().slice(0, units);
  const orNone = (values: readonly string[]): readonly string[] => (values.length === 0 ? [''] : [...new Set(values)]);
  const matches = record.policy ?? [];
  const severities = ['info', 'low', 'medium', 'high', 'critical'] as const;
  switch (field) {
    case 'minute':
      return [period(16)];
    case 'hour':
      return [period(13)];
    case 'day':
      return [period(10)];
    case 'outcome':
      return [record.errorCode === undefined ? 'ok' : 'failed'];
    case 'object':
      return orNone(record.objects ?? []);
    case 'operations':
      return orNone(record.operations ?? []);
    case 'rule':
      return orNone(matches.map((match) => match.rule));
    case 'action':
      return orNone(matches.map((match) => match.action));
    case 'severity':
      return [severities[Math.max(-1, ...matches.map((match) => severities.indexOf(match.severity)))] ?? ''];
    default:
      return [String(singleOf(record, field) ?? '')];
  }
}

function singleOf(record: AuditRecord, field: AggregateField): string | number | undefined {
  const names = {
    effective: 'effectiveUser',
    osuser: 'osUser',
    host: 'clientHost',
    client: 'clientAddress',
    server: 'serverAddress',
    port: 'serverPort',
    db: 'namespace',
    op: 'operation',
    error: 'errorCode',
  } as const;
  const name = Object.hasOwn(names, field) ? names[field as keyof typeof names] : (field as keyof AuditRecord);
  const value = record[name];
  return typeof value === 'object' ? undefined : value;
}

export interface Sums {
  records: number;
  failed: number;
  rows: number;
  durationUs: number;
  firstUs: number;
  lastUs: number;
}

/** Totals of the records by the values of fields, by the JSON text of their labels, and their bucket when one is asked for. */
export function expected(
  records: Iterable<AuditRecord>,
  fields: readonly AggregateField[],
  bucketOf: (record: AuditRecord) => number = () => 0,
): Map<string, Sums> {
  const groups = new Map<string, Sums>();
  for (const record of records) {
    const keys = fields.reduce<string[][]>(
      (rows, field) => rows.flatMap((row) => valuesOf(record, field).map((value) => [...row, value])),
      [[]],
    );
    for (const key of keys) {
      const text = nameOf({ labels: key, bucketUs: bucketOf(record) });
      const group = groups.get(text) ?? { records: 0, failed: 0, rows: 0, durationUs: 0, firstUs: Infinity, lastUs: 0 };
      group.records++;
      if (record.errorCode !== undefined) group.failed++;
      group.rows += record.returnedRows ?? record.affectedRows ?? 0;
      group.durationUs += record.durationUs ?? 0;
      group.firstUs = Math.min(group.firstUs, record.timeUs);
      group.lastUs = Math.max(group.lastUs, record.timeUs);
      groups.set(text, group);
    }
  }
  return groups;
}

function sameSums(actual: Sums, wanted: Sums, what: string): void {
  for (const name of ['records', 'failed', 'firstUs', 'lastUs'] as const)
    assert.equal(actual[name], wanted[name], `${what} ${name}`);
  // Doubles of any size, added in another order.
  for (const name of ['rows', 'durationUs'] as const) {
    const error = Math.abs(actual[name] - wanted[name]);
    assert.ok(
      error <= 1e-9 * Math.max(Math.abs(wanted[name]), 2 ** 53),
      `${what} ${name}: ${actual[name]}, ${wanted[name]}`,
    );
  }
}

/** The name of a group among those expected. */
export function nameOf({ labels, bucketUs }: Pick<Group, 'labels' | 'bucketUs'>): string {
  return JSON.stringify([...labels, bucketUs]);
}

/** The groups are those of the records, with the same sums. */
export function sameGroups(groups: readonly Group[], wanted: ReadonlyMap<string, Sums>): void {
  assert.deepEqual(groups.map(nameOf).sort(), [...wanted.keys()].sort());
  for (const group of groups) {
    const name = nameOf(group);
    const sums = wanted.get(name);
    if (sums !== undefined) sameSums(group, sums, name);
  }
}
