/** The groups of all segments together: sums under labels. */
import type { Group, GroupBy, Mutable } from './aggregate.ts';
import type { Labels } from './groups.ts';
import type { KeyPart } from './parts.ts';
import type { SegmentSums } from './sums.ts';

/** Groups kept; further ones are summed under `…`. */
const GROUPS_MAX = 250_000;
export const OTHERS = '…';
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

export class GroupTable {
  private readonly by: GroupBy;
  private readonly interners: Interner[] = [];
  /** Of keys of one part or two, by the numbers of their values. */
  private readonly pairs: (Mutable<Group> | undefined)[][] = [];
  /** Of longer keys, and of those that are one group too many. */
  private readonly found = new Map<string, Mutable<Group>>();
  private size = 0;

  constructor(by: GroupBy) {
    this.by = by;
  }

  /** In no order. */
  groups(): Mutable<Group>[] {
    return [...this.pairs.flatMap((places) => places.filter((group) => group !== undefined)), ...this.found.values()];
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
    sums.addTo(this.groupOf(parts, ids), slot);
  }

  private groupOf(parts: readonly KeyPart[], ids: readonly number[]): Mutable<Group> {
    const [first = 0, second = 0] = ids;
    // Numbers of values are small and without gaps: places of arrays.
    const places = ids.length <= 2 ? (this.pairs[first] ?? []) : undefined;
    const known = places === undefined ? this.found.get(ids.join()) : places[second];
    if (known !== undefined) return known;
    const full = this.size >= GROUPS_MAX;
    const labels: string[] = this.by.fields.map(() => (full ? OTHERS : ''));
    let bucketUs = 0;
    for (const [p, { places: own }] of parts.entries()) {
      const values = this.interner(p).values[ids[p] ?? 0] ?? [];
      for (const [i, place] of own.entries()) {
        if (place === this.by.fields.length) bucketUs = Number(values[i]);
        else if (!full) labels[place] = values[i] ?? '';
      }
    }
    if (full)
      return this.found.get(`${OTHERS}${bucketUs}`) ?? this.startGroup(`${OTHERS}${bucketUs}`, labels, bucketUs);
    if (places === undefined) return this.startGroup(ids.join(), labels, bucketUs);
    const group = newGroup(labels, bucketUs);
    places[second] = group;
    this.pairs[first] = places;
    this.size++;
    return group;
  }

  private startGroup(key: string, labels: Labels, bucketUs: number): Mutable<Group> {
    const group = newGroup(labels, bucketUs);
    this.found.set(key, group);
    this.size++;
    return group;
  }
}

function newGroup(labels: Labels, bucketUs: number): Mutable<Group> {
  const none = { records: 0, failed: 0, rows: 0, durationUs: 0 };
  return { labels, bucketUs, ...none, firstUs: Number.POSITIVE_INFINITY, lastUs: Number.NEGATIVE_INFINITY };
}
