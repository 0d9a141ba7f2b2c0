/**
 * Groups as arrays. As objects, those kept for later questions would be a million small things that the collector goes
 * through again and again, for a tenth of a second each time; arrays also cost less to send to another thread.
 */
import type { Group, Measures, Mutable } from './aggregate.ts';
import type { Labels } from './groups.ts';

/** Never changed once made. */
export interface PackedGroups {
  /** Of all groups, one after the other, of each as many. */
  readonly labels: readonly string[];
  /** Of each group what `NUMBERS` names. */
  readonly numbers: Float64Array;
}

const NUMBERS = ['bucketUs', 'records', 'failed', 'rows', 'durationUs', 'firstUs', 'lastUs'] as const;
const WIDTH = NUMBERS.length;

export const NO_GROUPS: PackedGroups = { labels: [], numbers: new Float64Array(0) };

export function countOf({ numbers }: PackedGroups): number {
  return numbers.length / WIDTH;
}

export function packGroups(groups: readonly Group[]): PackedGroups {
  const labels: string[] = [];
  const numbers = new Float64Array(groups.length * WIDTH);
  let at = 0;
  for (const group of groups) {
    for (const label of group.labels) labels.push(label);
    for (const name of NUMBERS) numbers[at++] = group[name];
  }
  return { labels, numbers };
}

export function unpackGroups(packed: PackedGroups): Mutable<Group>[] {
  return Array.from({ length: countOf(packed) }, (_, i) => groupAt(packed, i));
}

function groupAt(packed: PackedGroups, i: number): Mutable<Group> {
  const { numbers } = packed;
  const of = (place: number): number => numbers[i * WIDTH + place] as number;
  const sums = { records: of(1), failed: of(2), rows: of(3), durationUs: of(4), firstUs: of(5), lastUs: of(6) };
  return { labels: labelsAt(packed, i), bucketUs: of(0), ...sums };
}

function labelsAt(packed: PackedGroups, i: number): Labels {
  const width = packed.labels.length / countOf(packed);
  return packed.labels.slice(i * width, (i + 1) * width);
}

/**
 * Groups of different records, those of the same labels and bucket added up. `own` belongs to the caller, who gives it up:
 * it is what comes back, its groups changed.
 */
export function mergedGroups(own: Mutable<Group>[], more: PackedGroups): Mutable<Group>[] {
  const count = countOf(more);
  if (count === 0) return own;
  if (own.length === 0) return unpackGroups(more);
  // Most groups without time are told apart by one label, most by time have few.
  const places = new Map<number, Map<string, Mutable<Group>>>();
  for (const group of own) {
    const names = places.get(group.bucketUs) ?? new Map<string, Mutable<Group>>();
    if (names.size === 0) places.set(group.bucketUs, names);
    names.set(nameOf(group.labels), group);
  }
  const { labels, numbers } = more;
  const isNamedByOne = labels.length === count;
  for (let i = 0; i < count; i++) {
    const name = isNamedByOne ? (labels[i] as string) : nameOf(labelsAt(more, i));
    const known = places.get(numbers[i * WIDTH] as number)?.get(name);
    if (known === undefined) own.push(groupAt(more, i));
    else addTo(known, numbers, i * WIDTH);
  }
  return own;
}

function addTo(sums: Mutable<Measures>, numbers: Float64Array, at: number): void {
  sums.records += numbers[at + 1] as number;
  sums.failed += numbers[at + 2] as number;
  sums.rows += numbers[at + 3] as number;
  sums.durationUs += numbers[at + 4] as number;
  sums.firstUs = Math.min(sums.firstUs, numbers[at + 5] as number);
  sums.lastUs = Math.max(sums.lastUs, numbers[at + 6] as number);
}

/** Labels come from the wire and may hold any character: where there are several, lengths keep them apart. */
function nameOf(labels: Labels): string {
  const [only] = labels;
  if (labels.length === 1 && only !== undefined) return only;
  return labels.reduce((name, label) => `${name} ${label.length} ${label}`, '');
}
