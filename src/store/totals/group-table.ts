/**
 * The groups of all segments together: sums under labels. What is summed stands in one array, a group in one line of the
 * processor's cache; groups that other threads made, or that were kept from the last time, are added by their labels.
 */
import type { GroupBy } from './aggregate.ts';
import type { Labels } from './groups.ts';
import { countOf, GROUP_NUMBERS, labelsAt, type PackedGroups } from './packed-groups.ts';
import { type KeyPart, partPlaces } from './parts.ts';
import type { SegmentSums } from './sums.ts';

/** Groups kept; further ones are summed under `…`. */
const GROUPS_MAX = 250_000;
export const OTHERS = '…';
const GROUPS_MIN = 64;

/** Values of one part of the keys, numbered for all segments. */
class Interner {
  readonly values: Labels[] = [];
  private readonly numbers = new Map<string, number>();

  numberOf(labels: Labels): number {
    const key = labels.length === 1 ? (labels[0] ?? '') : nameOf(labels);
    let number = this.numbers.get(key);
    if (number === undefined) {
      number = this.values.push(labels) - 1;
      this.numbers.set(key, number);
    }
    return number;
  }
}

/** Labels come from the wire and may hold any character: their lengths keep them apart. */
function nameOf(labels: Labels): string {
  return labels.reduce((name, label) => `${name} ${label.length} ${label}`, '');
}

export class GroupTable {
  private readonly by: GroupBy;
  /** By part: where its values belong among a group's labels; the start of a bucket comes after those of all fields. */
  private readonly places: readonly (readonly number[])[];
  private readonly interners: readonly Interner[];
  /** Numbers of groups. Of keys of one part or two, by the numbers of their values, which are small and without gaps. */
  private readonly pairs: (number | undefined)[][] = [];
  /** Of longer keys, and of those that are one group too many. */
  private readonly found = new Map<string, number>();
  private size = 0;
  /** As in `PackedGroups`. */
  private readonly labels: string[] = [];
  private numbers: Float64Array = new Float64Array(GROUPS_MIN * GROUP_NUMBERS);

  constructor(by: GroupBy) {
    this.by = by;
    this.places = partPlaces(by);
    this.interners = this.places.map(() => new Interner());
  }

  /** All of them, in no order. */
  pack(): PackedGroups {
    return { labels: [...this.labels], numbers: this.numbers.slice(0, this.size * GROUP_NUMBERS) };
  }

  /** Adds what a segment has. */
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
      for (const each of several ?? [ids]) {
        const at = this.groupOf(each) * GROUP_NUMBERS;
        sums.addTo(this.numbers, at + 1, slot);
      }
    }
  }

  /** Adds groups of the same question about other records. */
  addPacked(groups: PackedGroups): void {
    for (let i = 0; i < countOf(groups); i++) {
      const from = i * GROUP_NUMBERS;
      const at = this.groupAs(groups, i) * GROUP_NUMBERS;
      const { numbers } = this;
      for (let n = 1; n < GROUP_NUMBERS - 2; n++) {
        numbers[at + n] = (numbers[at + n] as number) + (groups.numbers[from + n] as number);
      }
      const [first, last] = [GROUP_NUMBERS - 2, GROUP_NUMBERS - 1];
      numbers[at + first] = Math.min(numbers[at + first] as number, groups.numbers[from + first] as number);
      numbers[at + last] = Math.max(numbers[at + last] as number, groups.numbers[from + last] as number);
    }
  }

  private groupAs(groups: PackedGroups, i: number): number {
    const labels = labelsAt(groups, i);
    const bucketUs = groups.numbers[i * GROUP_NUMBERS] as number;
    // Somebody may be called like that.
    const hasOthers = countOf(groups) > GROUPS_MAX;
    if (hasOthers && labels.every((label) => label === OTHERS)) return this.others(bucketUs);
    const ids = this.places.map((places, p) => {
      const own = places.map((place) => labels[place] ?? String(bucketUs));
      return this.interners[p]?.numberOf(own) ?? 0;
    });
    return this.groupOf(ids);
  }

  /** Numbers of the values of a class: mostly there is one. */
  private idsOf(part: number, labels: readonly Labels[]): number | readonly number[] {
    const interner = this.interners[part];
    const [only] = labels;
    return labels.length === 1 && only !== undefined
      ? (interner?.numberOf(only) ?? 0)
      : labels.map((each) => interner?.numberOf(each) ?? 0);
  }

  private groupOf(ids: readonly number[]): number {
    const [first = 0, second = 0] = ids;
    const places = ids.length <= 2 ? (this.pairs[first] ?? []) : undefined;
    const known = places === undefined ? this.found.get(ids.join()) : places[second];
    if (known !== undefined) return known;
    if (this.size >= GROUPS_MAX) return this.others(this.bucketOf(ids));
    const group = this.begin(this.labelsOf(ids), this.bucketOf(ids));
    if (places === undefined) {
      this.found.set(ids.join(), group);
    } else {
      places[second] = group;
      this.pairs[first] = places;
    }
    return group;
  }

  /** The group of those that are too many. */
  private others(bucketUs: number): number {
    const name = `${OTHERS}${bucketUs}`;
    let group = this.found.get(name);
    if (group === undefined) {
      const labels = this.by.fields.map(() => OTHERS);
      group = this.begin(labels, bucketUs);
      this.found.set(name, group);
    }
    return group;
  }

  private labelsOf(ids: readonly number[]): string[] {
    const labels = this.by.fields.map(() => '');
    for (const [p, places] of this.places.entries()) {
      const values = this.interners[p]?.values[ids[p] ?? 0] ?? [];
      for (const [i, place] of places.entries()) if (place < labels.length) labels[place] = values[i] ?? '';
    }
    return labels;
  }

  /** The start of the bucket, 0 without any. */
  private bucketOf(ids: readonly number[]): number {
    const p = this.places.length - 1;
    const i = this.places[p]?.indexOf(this.by.fields.length) ?? -1;
    return i < 0 ? 0 : Number(this.interners[p]?.values[ids[p] ?? 0]?.[i]);
  }

  /** A new group of no records. */
  private begin(labels: readonly string[], bucketUs: number): number {
    const at = this.size * GROUP_NUMBERS;
    if (at === this.numbers.length) {
      const longer = new Float64Array(this.numbers.length * 2);
      longer.set(this.numbers);
      this.numbers = longer;
    }
    for (const label of labels) this.labels.push(label);
    this.numbers[at] = bucketUs;
    this.numbers[at + GROUP_NUMBERS - 2] = Number.POSITIVE_INFINITY;
    this.numbers[at + GROUP_NUMBERS - 1] = Number.NEGATIVE_INFINITY;
    return this.size++;
  }
}
