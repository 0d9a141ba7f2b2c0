/** The groups of all segments together: sums under labels. */
import type { Group, GroupBy } from './aggregate.ts';
import type { Labels } from './groups.ts';
import type { KeyPart } from './parts.ts';
import type { SegmentSums } from './sums.ts';

/** Groups kept; further ones are summed under `…`. */
const GROUPS_MAX = 250_000;
export const OTHERS = '…';
/** Two numbers below it make one that is exact. */
const PAIR_SCALE = 2 ** 26;

/** Values of one part of the keys, numbered for all segments. */
class Interner {
  readonly values: Labels[] = [];
  private readonly numbers = new Map<string, number>();

  numberOf(labels: Labels): number {
    const key = labels.length === 1 ? (labels[0] ?? '') : labels.join('\u0000');
    let number = this.numbers.get(key);
    if (number === undefined) {
      number = this.values.push(labels) - 1;
      this.numbers.set(key, number);
    }
    return number;
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class GroupTable {
  private readonly by: GroupBy;
  private readonly interners: Interner[] = [];
  private readonly found = new Map<number | string, Mutable<Group>>();

  constructor(by: GroupBy) {
    this.by = by;
  }

  /** In no order. */
  groups(): Group[] {
    return [...this.found.values()];
  }

  /** Adds what a segment has. Parts are those of every segment, in the same order. */
  add(parts: readonly KeyPart[], sums: SegmentSums): void {
    // Nothing is made for a slot that is only counted: there may be very many.
    const known = parts.map((): (number | readonly number[] | undefined)[] => []);
    const ids = new Array<number>(parts.length).fill(0);
    for (let slot = 0; slot < sums.count; slot++) {
      let rest = sums.keyOf(slot);
      let several: number[][] | undefined;
      for (let p = 0; p < parts.length; p++) {
        const part = parts[p] as KeyPart;
        const number = rest % part.size;
        rest = Math.floor(rest / part.size);
        const cache = known[p] ?? [];
        const id = cache[number] ?? this.idsOf(p, part.labelsOf(number));
        cache[number] = id;
        if (typeof id !== 'number')
          several = (several ?? [ids.slice(0, p)]).flatMap((row) => id.map((one) => [...row, one]));
        else if (several === undefined) ids[p] = id;
        else for (const row of several) row.push(id);
      }
      if (several === undefined) this.count(parts, ids, sums, slot);
      else for (const each of several) this.count(parts, each, sums, slot);
    }
  }

  /** Numbers of the values of a class: mostly there is one. */
  private idsOf(part: number, labels: readonly Labels[]): number | readonly number[] {
    const interner = this.interner(part);
    const [only] = labels;
    return labels.length === 1 && only !== undefined
      ? interner.numberOf(only)
      : labels.map((each) => interner.numberOf(each));
  }

  private interner(part: number): Interner {
    let interner = this.interners[part];
    if (interner === undefined) {
      interner = new Interner();
      this.interners[part] = interner;
    }
    return interner;
  }

  private count(parts: readonly KeyPart[], ids: readonly number[], sums: SegmentSums, slot: number): void {
    const group = this.groupOf(parts, ids);
    group.records += sums.of(slot, 'records');
    group.failed += sums.of(slot, 'failed');
    group.rows += sums.of(slot, 'rows');
    group.durationUs += sums.of(slot, 'durationUs');
    group.firstUs = Math.min(group.firstUs, sums.of(slot, 'firstUs'));
    group.lastUs = Math.max(group.lastUs, sums.of(slot, 'lastUs'));
  }

  private groupOf(parts: readonly KeyPart[], ids: readonly number[]): Mutable<Group> {
    const [first = 0, second = 0] = ids;
    const paired = ids.length <= 2 && first < PAIR_SCALE && second < PAIR_SCALE;
    const key = paired ? first * PAIR_SCALE + second : ids.join();
    const known = this.found.get(key);
    if (known !== undefined) return known;
    const full = this.found.size >= GROUPS_MAX;
    const labels: string[] = this.by.fields.map(() => (full ? OTHERS : ''));
    let bucketUs = 0;
    for (const [p, { places }] of parts.entries()) {
      const values = this.interner(p).values[ids[p] ?? 0] ?? [];
      for (const [i, place] of places.entries()) {
        if (place === this.by.fields.length) bucketUs = Number(values[i]);
        else if (!full) labels[place] = values[i] ?? '';
      }
    }
    return this.startGroup(full ? `${OTHERS}${bucketUs}` : key, labels, bucketUs);
  }

  private startGroup(key: number | string, labels: Labels, bucketUs: number): Mutable<Group> {
    const known = this.found.get(key);
    if (known !== undefined) return known;
    const none = { records: 0, failed: 0, rows: 0, durationUs: 0 };
    const group = { labels, bucketUs, ...none, firstUs: Number.POSITIVE_INFINITY, lastUs: Number.NEGATIVE_INFINITY };
    this.found.set(key, group);
    return group;
  }
}
