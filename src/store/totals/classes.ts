/**
 * What a session, shape or verdict row says of the fields that records are counted by is the same for all its records, so
 * each row is given the number of a class once a segment: rows of a class have the same values. Sealed segments never
 * change, so their classes are kept.
 */
import type { SegmentReader } from '../segment/rows.ts';
import {
  type Cell,
  combinations,
  isPolicy,
  type Labels,
  labelsOf,
  type RowField,
  searchedValues,
  sourceOf,
  type ValueTest,
} from './groups.ts';

/** Rows of small tables whose classes are kept, of all segments and fields together. */
const KEPT_ROWS_MAX = 4_000_000;

/** Classes of segments. */
export class ClassCache {
  private readonly single = new KeptClasses<RowClasses>();
  private readonly combined = new KeptClasses<CombinedClasses>();
  private readonly labels = new SharedLabels();
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
    const classes = this.single.get(nameOf(segment, fields), () => new RowClasses(fields, this.labels));
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
    const ofFields = [...new Set(tests.map(({ field }) => field))].map((field) => {
      const classes = this.rowClasses(segment, [field]);
      const { classOf } = classes;
      return { classOf, wanted: classes.passing(tests.filter((test) => test.field === field)) };
    });
    const rows: number[] = [];
    const last = ofFields[0]?.classOf.length ?? 0;
    for (let row = 1; row < last; row++) {
      for (const { classOf, wanted } of ofFields) {
        if (wanted[classOf[row] as number] !== 1) continue;
        rows.push(row);
        break;
      }
    }
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

/** Rows of a small table by what they say of some fields. Grows with the segment: rows are added, and never changed. */
export interface Classes {
  /** By row number; row 0 is no row at all. Class 0: no value. */
  readonly classOf: Uint32Array;
  /** Number of classes. */
  readonly count: number;
  /** Of a class: one combination of values, or several where a field has several (objects, rules). */
  labelsOf(number: number): readonly Labels[];
}

/** Labels of values, which the segments of a store have in common: made once for all of them. */
class SharedLabels {
  private readonly made = new Map<string, readonly Labels[]>();

  of(field: RowField, cell: Cell): readonly Labels[] {
    const key = `${field} ${cell}`;
    let labels = this.made.get(key);
    if (labels === undefined) {
      labels = labelsOf([field], [cell]);
      // Those in use stay with their classes.
      if (this.made.size >= SHARED_LABELS_MAX) this.made.clear();
      this.made.set(key, labels);
    }
    return labels;
  }
}

const SHARED_LABELS_MAX = 200_000;

class RowClasses implements Classes {
  classOf: Uint32Array = new Uint32Array(1);
  private readonly labels: (readonly Labels[])[];
  private readonly fields: readonly RowField[];
  private readonly shared: SharedLabels;
  private readonly numbers = new Map<Cell, number>();
  /** Classes by lower-case value of the only field: mostly one. */
  private readonly byValue = new Map<string, number | number[]>();
  /** What was looked for last, while there were so many values. */
  private withText: { readonly text: string; readonly of: number; readonly values: readonly string[] } | undefined =
    undefined;

  constructor(fields: readonly RowField[], shared: SharedLabels) {
    this.fields = fields;
    this.shared = shared;
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
    const [table] = sourceOf(fields[0] ?? 'user');
    const rowMax = segment.rowMax(table);
    if (rowMax < rowCount) return;
    const classOf = new Uint32Array(rowMax + 1);
    classOf.set(this.classOf);
    // A column at a time: half of what it takes to read rows.
    const column = (name: string): Cell[] => {
      const sql = `SELECT ${name} FROM ${table} WHERE ${table}_row BETWEEN ? AND ? ORDER BY ${table}_row`;
      return segment.column<Cell>(sql, [rowCount, rowMax]);
    };
    const values = fields.map((field) => column(sourceOf(field)[1]));
    for (const [i, row] of column(`${table}_row`).entries()) {
      classOf[Number(row)] = this.numberOf(values.map((cells) => cells[i] ?? null));
    }
    this.classOf = classOf;
    // There will be no more: the collector need not go through them.
    if (segment.isSealed) this.numbers.clear();
  }

  /** By class: 1 where its value passes one of the tests, which are all of the only field. */
  passing(tests: readonly ValueTest[]): Uint8Array {
    const wanted = new Uint8Array(this.labels.length);
    const pass = (numbers: number | readonly number[] = []): void => {
      if (typeof numbers === 'number') wanted[numbers] = 1;
      else for (const number of numbers) wanted[number] = 1;
    };
    for (const { exact, otherwise, matches } of tests) {
      if (exact !== undefined) pass(this.byValue.get(exact));
      if (exact !== undefined && otherwise === undefined) continue;
      const values = otherwise === undefined ? this.byValue.keys() : this.valuesWith(otherwise);
      for (const value of values) if (matches(value)) pass(this.byValue.get(value));
    }
    return wanted;
  }

  /** Values with that text in them. */
  private valuesWith(text: string): readonly string[] {
    if (this.withText?.text !== text || this.withText.of !== this.byValue.size) {
      const values = [...this.byValue.keys()].filter((value) => value.includes(text));
      this.withText = { text, of: this.byValue.size, values };
    }
    return this.withText.values;
  }

  private numberOf(cells: readonly Cell[]): number {
    if (cells.every((cell) => cell === null)) return 0;
    const [only] = cells;
    const key = cells.length === 1 ? (only ?? null) : JSON.stringify(cells);
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    const [field] = this.fields;
    const isSingle = this.fields.length === 1 && field !== undefined;
    const labels = isSingle ? this.shared.of(field, only ?? null) : labelsOf(this.fields, cells);
    const number = this.labels.push(labels) - 1;
    // The text that segments have in common, in place of each one's own.
    const text = labels.length === 1 && labels[0]?.[0] === only ? (labels[0]?.[0] ?? null) : (only ?? null);
    this.numbers.set(cells.length === 1 ? text : key, number);
    if (isSingle) {
      for (const value of searchedValues(field, text)) this.addValue(value.toLowerCase(), number);
    }
    return number;
  }

  private addValue(value: string, number: number): void {
    const known = this.byValue.get(value);
    if (typeof known === 'object') known.push(number);
    else this.byValue.set(value, known === undefined ? number : [known, number]);
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
