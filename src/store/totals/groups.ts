/**
 * Values of the fields that records are counted by, as small numbers. What a session, shape or verdict row says of such
 * a field is the same for all its records, so each row is given the number of a class once a segment: rows of a class
 * have the same values. Sealed segments never change, so their classes are kept.
 */
import { SEVERITIES } from '../../contracts/record.ts';
import { parseList } from '../search/functions.ts';
import type { SearchKey } from '../segment/keys.ts';
import type { Dimension } from '../segment/postings.ts';
import type { SegmentReader } from '../segment/rows.ts';

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
  /** The only value that matches, when there is only one. */
  readonly exact: string | undefined;
  /** Where a dictionary tells: under one of these keys are all values that match, and no others. */
  readonly keys: readonly SearchKey[] | undefined;
  /** What every value that matches begins with. */
  readonly prefix: string;
  matches(value: string): boolean;
}

/** Rows of small tables whose classes are kept, of all segments and fields together. */
const KEPT_ROWS_MAX = 4_000_000;

/** Classes of segments. */
export class ClassCache {
  private readonly single = new KeptClasses<RowClasses>();
  private readonly combined = new KeptClasses<CombinedClasses>();
  /** What rows were asked for when there were no classes yet. */
  private readonly asked = new Set<string>();

  /** `fields` are all of one table. */
  classes(segment: SegmentReader, fields: readonly RowField[]): Classes {
    // A rule and its action stay together: they are not values by themselves.
    return fields.length < 2 || fields.some(isPolicy)
      ? this.rowClasses(segment, fields)
      : this.combine(segment, fields);
  }

  private rowClasses(segment: SegmentReader, fields: readonly RowField[]): RowClasses {
    const classes = this.single.get(nameOf(segment, fields), () => new RowClasses(fields));
    classes.extend(segment);
    return classes;
  }

  private combine(segment: SegmentReader, fields: readonly RowField[]): CombinedClasses {
    const singles = fields.map((field) => this.rowClasses(segment, [field]));
    const classes = this.combined.get(nameOf(segment, fields), () => new CombinedClasses(fields.length));
    classes.extend(singles);
    return classes;
  }

  /** Whether classes are worth making for these tests: one question is answered sooner by the table itself. */
  isWorth(segment: SegmentReader, tests: readonly ValueTest[]): boolean {
    const keys = tests.map(({ field }) => nameOf(segment, [field]));
    const known = keys.every((key) => this.single.has(key) || this.asked.has(key));
    if (this.asked.size > ASKED_MAX) this.asked.clear();
    for (const key of keys) this.asked.add(key);
    return known;
  }

  /** Rows of a small table that pass one of the tests, ascending. */
  rows(segment: SegmentReader, tests: readonly ValueTest[]): number[] {
    let found = new Uint8Array(0);
    for (const test of tests) {
      const classes = this.rowClasses(segment, [test.field]);
      if (found.length === 0) found = new Uint8Array(classes.classOf.length);
      classes.mark(test, found);
    }
    const rows: number[] = [];
    for (let row = found.indexOf(1); row >= 0; row = found.indexOf(1, row + 1)) rows.push(row);
    return rows;
  }
}

const ASKED_MAX = 10_000;

function nameOf({ path }: SegmentReader, fields: readonly RowField[]): string {
  return `${path}\n${fields.join(' ')}`;
}

/** Up to so many rows; the most recently used last. */
class KeptClasses<T extends Classes> {
  private readonly kept = new Map<string, T>();

  has(key: string): boolean {
    return this.kept.has(key);
  }

  get(key: string, make: () => T): T {
    const classes = this.kept.get(key) ?? make();
    this.kept.delete(key);
    this.kept.set(key, classes);
    let rows = 0;
    for (const each of this.kept.values()) rows += each.classOf.length;
    for (const [oldest, each] of this.kept) {
      if (rows <= KEPT_ROWS_MAX || oldest === key) break;
      this.kept.delete(oldest);
      rows -= each.classOf.length;
    }
    return classes;
  }
}

type Cell = string | number | null;

/** Rows of a small table by what they say of some fields. Grows with the segment: rows are added, and never changed. */
export interface Classes {
  /** By row number; row 0 is no row at all. Class 0: no value. */
  readonly classOf: Uint32Array;
  /** Number of classes. */
  readonly count: number;
  /** Of a class: one combination of values, or several where a field has several (objects, rules). */
  labelsOf(number: number): readonly Labels[];
}

class RowClasses implements Classes {
  classOf: Uint32Array = new Uint32Array(1);
  private readonly labels: (readonly Labels[])[];
  private readonly fields: readonly RowField[];
  private readonly numbers = new Map<Cell, number>();
  /** Classes by lower-case value of the only field. */
  private readonly byValue = new Map<string, number[]>();

  constructor(fields: readonly RowField[]) {
    this.fields = fields;
    this.labels = [[fields.map(() => '')]];
  }

  get count(): number {
    return this.labels.length;
  }

  labelsOf(number: number): readonly Labels[] {
    return this.labels[number] ?? [];
  }

  extend(segment: SegmentReader): void {
    const { fields } = this;
    const rowCount = this.classOf.length;
    const [table] = SOURCES[fields[0] ?? 'user'];
    const rowMax = segment.rowMax(table);
    if (rowMax < rowCount) return;
    const classOf = new Uint32Array(rowMax + 1);
    classOf.set(this.classOf);
    // A column at a time: half of what it takes to read rows.
    const column = (name: string): Cell[] => {
      const sql = `SELECT ${name} FROM ${table} WHERE ${table}_row BETWEEN ? AND ? ORDER BY ${table}_row`;
      return segment.column<Cell>(sql, [rowCount, rowMax]);
    };
    const values = fields.map((field) => column(SOURCES[field][1]));
    for (const [i, row] of column(`${table}_row`).entries()) {
      classOf[Number(row)] = this.numberOf(values.map((cells) => cells[i] ?? null));
    }
    this.classOf = classOf;
  }

  /** Sets `found` at every row whose value passes. */
  mark({ exact, matches }: ValueTest, found: Uint8Array): void {
    const wanted = new Uint8Array(this.labels.length);
    if (exact !== undefined) {
      for (const number of this.byValue.get(exact) ?? []) wanted[number] = 1;
    } else {
      for (const [value, numbers] of this.byValue) if (matches(value)) for (const number of numbers) wanted[number] = 1;
    }
    if (!wanted.includes(1)) return;
    const { classOf } = this;
    for (let row = 1; row < classOf.length; row++) if (wanted[classOf[row] as number] === 1) found[row] = 1;
  }

  private numberOf(cells: readonly Cell[]): number {
    if (cells.every((cell) => cell === null)) return 0;
    const [only] = cells;
    const key = cells.length === 1 ? (only ?? null) : JSON.stringify(cells);
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    const number = this.labels.push(labelsOf(this.fields, cells)) - 1;
    this.numbers.set(key, number);
    const [field] = this.fields;
    if (this.fields.length === 1 && field !== undefined) {
      for (const value of searchedValues(field, only ?? null)) this.addValue(value.toLowerCase(), number);
    }
    return number;
  }

  private addValue(value: string, number: number): void {
    const numbers = this.byValue.get(value);
    if (numbers === undefined) this.byValue.set(value, [number]);
    else numbers.push(number);
  }
}

/** Two numbers below it make one that is exact. */
const PAIR_SCALE = 2 ** 26;

/** Numbers of pairs of numbers, as they occur; the pair of 0 and 0 is 0. */
class PairNumbers {
  private count = 1;
  /** By first number: the second one it came with first, and the number of that pair. Most have no other. */
  private readonly seconds: number[] = [0];
  private readonly numbers: number[] = [0];
  private readonly others = new Map<number, number>();

  numberOf(first: number, second: number): number {
    const known = this.seconds[first];
    if (known === second) return this.numbers[first] as number;
    if (known === undefined) {
      this.seconds[first] = second;
      this.numbers[first] = this.count;
      return this.count++;
    }
    const key = first * PAIR_SCALE + second;
    let number = this.others.get(key);
    if (number === undefined) {
      number = this.count++;
      this.others.set(key, number);
    }
    return number;
  }
}

/** Classes of several fields, from those of each. */
class CombinedClasses implements Classes {
  classOf: Uint32Array = new Uint32Array(1);
  /** By class: one of its rows. */
  private readonly rows: number[] = [0];
  /** By field but the first: what is the same in it and in all fields before has one number. */
  private readonly pairs: readonly PairNumbers[];
  private singles: readonly Classes[] = [];

  constructor(fields: number) {
    this.pairs = Array.from({ length: fields - 1 }, () => new PairNumbers());
  }

  get count(): number {
    return this.rows.length;
  }

  labelsOf(number: number): readonly Labels[] {
    const row = this.rows[number] ?? 0;
    const values = this.singles.map((single) => single.labelsOf(single.classOf[row] ?? 0).map(([value = '']) => value));
    return combinations(values);
  }

  /** `singles`: of each field. */
  extend(singles: readonly Classes[]): void {
    this.singles = singles;
    const [first, ...others] = singles;
    const from = this.classOf.length;
    if (first === undefined || first.classOf.length <= from) return;
    const classOf = first.classOf.slice();
    for (const [i, { classOf: next }] of others.entries()) {
      const pairs = this.pairs[i];
      for (let row = from; row < classOf.length; row++) {
        classOf[row] = pairs?.numberOf(classOf[row] as number, next[row] as number) ?? 0;
      }
    }
    classOf.set(this.classOf);
    for (let row = from; row < classOf.length; row++) if (classOf[row] === this.rows.length) this.rows.push(row);
    this.classOf = classOf;
  }
}

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
  if (isList(field)) return orOne(parseList(cell).map(String), '');
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
