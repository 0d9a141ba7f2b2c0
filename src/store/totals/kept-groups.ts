/**
 * Counts of sealed segments, kept: such segments never change, so that a question asked again, or over a range that only
 * grew, counts what has arrived since and nothing else.
 */
import type { Group, GroupBy, Measures, Mutable } from './aggregate.ts';

/** Groups kept at most, over all questions; the question asked longest ago is forgotten first. */
const KEPT_GROUPS_MAX = 400_000;
/** Of one question: counts by session, say, are made anew. */
const SET_GROUPS_MAX = 50_000;

/** Groups of a list of segments. Never changed once made. */
export class GroupSet {
  readonly paths: readonly string[];
  readonly groups: readonly Group[];

  constructor(paths: readonly string[], groups: readonly Group[]) {
    this.paths = paths;
    this.groups = groups;
  }

  /** Whether these are the first of `paths`. */
  begins(paths: readonly string[]): boolean {
    return this.paths.length <= paths.length && this.paths.every((path, i) => path === paths[i]);
  }
}

/**
 * Groups of different records, those of the same labels and bucket added up. `own` belongs to the caller, who gives it up:
 * it is what comes back, its groups changed; those of `more` stay as they are, and may be in what comes back.
 */
export function mergedGroups(own: Mutable<Group>[], more: readonly Group[]): Group[] {
  if (more.length === 0) return own;
  // Most groups without time are told apart by one label, most by time have few.
  const places = new Map<number, Map<string, Mutable<Group>>>();
  for (const group of own) {
    const names = places.get(group.bucketUs) ?? new Map<string, Mutable<Group>>();
    if (names.size === 0) places.set(group.bucketUs, names);
    names.set(nameOf(group), group);
  }
  for (const group of more) {
    const known = places.get(group.bucketUs)?.get(nameOf(group));
    if (known === undefined) own.push(group);
    else addTo(known, group);
  }
  return own;
}

export class KeptGroups {
  private readonly sets = new Map<string, GroupSet>();
  private kept = 0;

  /** The longest list of segments whose groups are known, and which `paths` goes on from. */
  find(filter: unknown, by: GroupBy, paths: readonly string[]): GroupSet | undefined {
    const set = this.sets.get(keyOf(filter, by, paths));
    return set?.begins(paths) ? set : undefined;
  }

  keep(filter: unknown, by: GroupBy, set: GroupSet): void {
    if (set.groups.length > SET_GROUPS_MAX) return;
    const key = keyOf(filter, by, set.paths);
    this.forget(key);
    this.sets.set(key, set);
    this.kept += set.groups.length;
    for (const oldest of this.sets.keys()) {
      if (this.kept <= KEPT_GROUPS_MAX || oldest === key) return;
      this.forget(oldest);
    }
  }

  private forget(key: string): void {
    this.kept -= this.sets.get(key)?.groups.length ?? 0;
    this.sets.delete(key);
  }
}

function keyOf(filter: unknown, by: GroupBy, paths: readonly string[]): string {
  return JSON.stringify([filter, by, paths[0]]);
}

/** Labels come from the wire and may hold any character: where there are several, lengths keep them apart. */
function nameOf({ labels }: Group): string {
  const [only] = labels;
  if (labels.length === 1 && only !== undefined) return only;
  return labels.reduce((name, label) => `${name} ${label.length} ${label}`, '');
}

function addTo(sums: Mutable<Measures>, { records, failed, rows, durationUs, firstUs, lastUs }: Measures): void {
  sums.records += records;
  sums.failed += failed;
  sums.rows += rows;
  sums.durationUs += durationUs;
  sums.firstUs = Math.min(sums.firstUs, firstUs);
  sums.lastUs = Math.max(sums.lastUs, lastUs);
}
