/**
 * Groups as arrays. As objects, those kept for later questions would be a million small things that the collector goes
 * through again and again, for a tenth of a second each time; arrays also cost less to send to another thread.
 */
import type { Group } from './aggregate.ts';
import type { Labels } from './groups.ts';

/** Never changed once made. */
export interface PackedGroups {
  /** Of all groups, one after the other, of each as many. */
  readonly labels: readonly string[];
  /** Of each group what `NUMBERS` names. */
  readonly numbers: Float64Array;
}

/** Oldest and newest come last. */
const NUMBERS = ['bucketUs', 'records', 'failed', 'rows', 'durationUs', 'firstUs', 'lastUs'] as const;
export const GROUP_NUMBERS: number = NUMBERS.length;

export const NO_GROUPS: PackedGroups = { labels: [], numbers: new Float64Array(0) };

/** A group of so many records, of which nothing else is known. */
export function oneGroup(labels: Labels, records: number): PackedGroups {
  const numbers = new Float64Array(GROUP_NUMBERS);
  numbers[1] = records;
  return { labels, numbers };
}

export function countOf({ numbers }: PackedGroups): number {
  return numbers.length / GROUP_NUMBERS;
}

export function labelsAt(packed: PackedGroups, i: number): Labels {
  const width = packed.labels.length / countOf(packed);
  return packed.labels.slice(i * width, (i + 1) * width);
}

export function unpackGroups(packed: PackedGroups): Group[] {
  return Array.from({ length: countOf(packed) }, (_, i) => groupAt(packed, i));
}

function groupAt(packed: PackedGroups, i: number): Group {
  const { numbers } = packed;
  const of = (place: number): number => numbers[i * GROUP_NUMBERS + place] as number;
  const sums = { records: of(1), failed: of(2), rows: of(3), durationUs: of(4), firstUs: of(5), lastUs: of(6) };
  return { labels: labelsAt(packed, i), bucketUs: of(0), ...sums };
}
