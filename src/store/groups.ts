/**
 * Values of the fields that records are counted by, as small numbers. What a session, shape or verdict row says of such
 * a field is the same for all its records, so each row is given the number of a class once a segment: rows of a class
 * have the same values. Sealed segments never change, so their classes are kept.
 */
import { SEVERITIES } from '../contracts/record.ts';
import { parseList } from './functions.ts';
import type { Dimension } from './postings.ts';
import type { SegmentReader } from './rows.ts';

/** Fields whose values a row of a small table tells. */
export const ROW_FIELDS = [
  'user',
  'effective',
  'osuser',
  'host',
  'client',
  'server',
  'port',
  'system',
  'program',
  'db',
  'session',
  'sensor',
  'kind',
  'call',
  'op',
  'object',
  'procedure',
  'fingerprint',
  'summary',
  'rule',
  'action',
  'severity',
] as const;
export type RowField = (typeof ROW_FIELDS)[number];

const SOURCES: Readonly<Record<RowField, readonly [table: Dimension, column: string]>> = {
  user: ['session', 'user'],
  effective: ['session', 'effective_user'],
  osuser: ['session', 'os_user'],
  host: ['session', 'client_host'],
  client: ['session', 'client_address'],
  server: ['session', 'server_address'],
  port: ['session', 'server_port'],
  system: ['session', 'system'],
  program: ['session', 'program'],
  db: ['session', 'namespace'],
  session: ['session', 'session'],
  sensor: ['session', 'sensor'],
  kind: ['shape', 'kind'],
  call: ['shape', 'call'],
  op: ['shape', 'operation'],
  object: ['shape', 'objects'],
  procedure: ['shape', 'procedure'],
  fingerprint: ['shape', 'fingerprint'],
  summary: ['shape', 'summary'],
  rule: ['verdict', 'policy'],
  action: ['verdict', 'policy'],
  severity: ['verdict', 'severity'],
};

/** The start of the period in which a record began, UTC. */
export const PERIODS = ['minute', 'hour', 'day'] as const;
export type PeriodField = (typeof PERIODS)[number];
export const PERIODS_US: Readonly<Record<PeriodField, number>> = { minute: 60e6, hour: 3600e6, day: 86_400e6 };

/** `outcome`: `ok` or `failed`. */
export type AggregateField = RowField | PeriodField | 'error' | 'outcome';
export const AGGREGATE_FIELDS: readonly AggregateField[] = [...ROW_FIELDS, 'error', 'outcome', ...PERIODS];

export function isRowField(field: AggregateField): field is RowField {
  return Object.hasOwn(SOURCES, field);
}

export function isPeriod(field: AggregateField): field is PeriodField {
  return Object.hasOwn(PERIODS_US, field);
}

export function dimensionOf(field: RowField): Dimension {
  return SOURCES[field][0];
}

/** Values of several fields of one table, in their order. */
export type Labels = readonly string[];

export interface RowClasses {
  /** By row number; row 0 is no row at all. */
  readonly classOf: Uint32Array;
  /** By class: one combination of values, or several where a field has several (objects, rules). */
  readonly labels: readonly (readonly Labels[])[];
}

/** Entries of all classes kept at most. */
const KEPT_ROWS_MAX = 2_000_000;

/** Classes of sealed segments, the most recently used last. */
export class ClassCache {
  private readonly kept = new Map<string, RowClasses>();
  private rows = 0;

  /** `fields` are all of one table. `sealed`: the segment will not change any more. */
  classes(segment: SegmentReader, dimension: Dimension, fields: readonly RowField[], sealed: boolean): RowClasses {
    const key = `${segment.path}\n${fields.join(' ')}`;
    const found = this.kept.get(key);
    if (found !== undefined) {
      this.kept.delete(key);
      this.kept.set(key, found);
      return found;
    }
    const classes = classify(segment, dimension, fields);
    if (sealed) this.keep(key, classes);
    return classes;
  }

  private keep(key: string, classes: RowClasses): void {
    this.kept.set(key, classes);
    this.rows += classes.classOf.length;
    for (const [oldest, { classOf }] of this.kept) {
      if (this.rows <= KEPT_ROWS_MAX || oldest === key) return;
      this.kept.delete(oldest);
      this.rows -= classOf.length;
    }
  }
}

type Cell = string | number | null;

function classify(segment: SegmentReader, dimension: Dimension, fields: readonly RowField[]): RowClasses {
  const columns = fields.map((field) => SOURCES[field][1]);
  const classOf = new Uint32Array(segment.rowMax(dimension) + 1);
  const labels: (readonly Labels[])[] = [[fields.map(() => '')]];
  const numbers = new Map<string, number>();
  const sql = `SELECT ${dimension}_row, ${columns.join(', ')} FROM ${dimension}`;
  for (const [row, ...cells] of segment.tuples<[row: number, ...cells: Cell[]]>(sql, [])) {
    const key = cells.length === 1 ? String(cells[0] ?? '') : JSON.stringify(cells);
    let number = numbers.get(key);
    if (number === undefined) {
      number = labels.push(labelsOf(fields, cells)) - 1;
      numbers.set(key, number);
    }
    classOf[row] = number;
  }
  return { classOf, labels };
}

/** Every combination of the values that a row has for the fields. A rule and its action stay together. */
function labelsOf(fields: readonly RowField[], cells: readonly Cell[]): Labels[] {
  const policy = cells.find((_, i) => isPolicy(fields[i]));
  const matches = policy === undefined ? [undefined] : orOne(parseList(policy), undefined);
  const labels = new Map<string, Labels>();
  for (const match of matches) {
    const lists = fields.map((field, i) =>
      isPolicy(field) ? [textOf(match, field)] : valuesOf(field, cells[i] ?? null),
    );
    for (const row of combinations(lists)) labels.set(JSON.stringify(row), row);
  }
  return [...labels.values()];
}

function isPolicy(field: RowField | undefined): field is 'rule' | 'action' {
  return field === 'rule' || field === 'action';
}

function textOf(match: unknown, field: 'rule' | 'action'): string {
  return match === undefined ? '' : String(Reflect.get(Object(match), field) ?? '');
}

/** One empty value when there is none. */
function valuesOf(field: RowField, cell: Cell): readonly string[] {
  if (cell === null) return [''];
  if (field === 'object') return orOne(parseList(cell).map(String), '');
  return [field === 'severity' ? (SEVERITIES[Number(cell)] ?? '') : String(cell)];
}

function orOne<T>(values: readonly T[], none: T): readonly T[] {
  return values.length === 0 ? [none] : values;
}

function combinations(lists: readonly (readonly string[])[]): string[][] {
  let rows: string[][] = [[]];
  for (const list of lists) rows = rows.flatMap((row) => list.map((label) => [...row, label]));
  return rows;
}
