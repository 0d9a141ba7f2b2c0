/** Fields that records are counted by, and their values as rows of the small tables have them (`classes.ts`). */
import { DAY_US, HOUR_US, MINUTE_US } from '../../base/time.ts';
import { SEVERITIES } from '../../contracts/record.ts';
import { parseList } from '../search/functions.ts';
import type { SearchKey } from '../segment/keys.ts';
import type { Dimension } from '../segment/postings.ts';

/** Fields whose values a row of a small table tells. */
const ROW_FIELDS = [
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
  'operations',
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
  operations: ['shape', 'operations'],
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
export const PERIODS_US: Readonly<Record<PeriodField, number>> = { minute: MINUTE_US, hour: HOUR_US, day: DAY_US };

/** `outcome`: `ok` or `failed`. */
export type AggregateField = RowField | PeriodField | 'error' | 'outcome';
export const AGGREGATE_FIELDS: readonly AggregateField[] = [...ROW_FIELDS, 'error', 'outcome', ...PERIODS];

export function isRowField(field: AggregateField): field is RowField {
  return Object.hasOwn(SOURCES, field);
}

export function isPeriod(field: AggregateField): field is PeriodField {
  return Object.hasOwn(PERIODS_US, field);
}

/** Where the values of a field are. */
export function sourceOf(field: RowField): readonly [table: Dimension, column: string] {
  return SOURCES[field];
}

export function dimensionOf(field: RowField): Dimension {
  return SOURCES[field][0];
}

/** Values of several fields of one table, in their order. */
export type Labels = readonly string[];

/** Whether a value is looked for. Values and `exact` are lower case. */
export interface ValueTest {
  readonly field: RowField;
  /** The only value that matches, when there is only one, of those without `otherwise` in them. */
  readonly exact: string | undefined;
  readonly otherwise: string | undefined;
  /** Where a dictionary tells: under one of these keys are all values that match, and no others. */
  readonly keys: readonly SearchKey[] | undefined;
  /** What every value that matches begins with. */
  readonly prefix: string;
  matches(value: string): boolean;
}

/** A value of a small table. */
export type Cell = string | number | null;

/** What a query may say to find it: an object also by its name without the schema. */
export function searchedValues(field: RowField, cell: Cell): Iterable<string> {
  if (cell === null) return [];
  const list = isList(field) ? parseList(cell).filter((item) => typeof item === 'string') : [];
  if (field === 'object') return new Set(list.flatMap((name) => [name, name.slice(name.lastIndexOf('.') + 1)]));
  if (field === 'operations') return new Set(list);
  if (!isPolicy(field)) return [String(cell)];
  return new Set(parseList(cell).map((match) => textOf(match, field)));
}

function isList(field: RowField): boolean {
  return field === 'object' || field === 'operations';
}

/** Every combination of the values that a row has for the fields. A rule and its action stay together. */
export function labelsOf(fields: readonly RowField[], cells: readonly Cell[]): Labels[] {
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

export function isPolicy(field: RowField | undefined): field is 'rule' | 'action' {
  return field === 'rule' || field === 'action';
}

function textOf(match: unknown, field: 'rule' | 'action'): string {
  return match === undefined ? '' : String(Reflect.get(Object(match), field) ?? '');
}

/** One empty value when there is none. */
function valuesOf(field: RowField, cell: Cell): readonly string[] {
  if (cell === null) return [''];
  if (isList(field)) return orOne(parseList(cell).map(String), '');
  return [field === 'severity' ? (SEVERITIES[Number(cell)] ?? '') : String(cell)];
}

function orOne<T>(values: readonly T[], none: T): readonly T[] {
  return values.length === 0 ? [none] : values;
}

export function combinations(lists: readonly (readonly string[])[]): string[][] {
  let rows: string[][] = [[]];
  for (const list of lists) rows = rows.flatMap((row) => list.map((label) => [...row, label]));
  return rows;
}
