/**
 * Counts of sealed segments, kept: such segments never change, so that a question asked again, or over a range that only
 * grew, counts what has arrived since and nothing else.
 */
import type { Group, GroupBy, Measures } from './aggregate.ts';

/** Groups kept at most, over all questions; the question asked longest ago is forgotten first. */
const KEPT_GROUPS_MAX = 400_000;
/** Of one question: counts by session, say, are made anew. */
const SET_GROUPS_MAX = 50_000;

/** Groups of a list of segments. Never changed once made. */
export class GroupSet {
  readonly paths: readonly string[];
  readonly groups: readonly Group[];
  /** By bucket, then by name. */
  private named: Map<number, Map<string, number>> | undefined = undefined;

  constructor(paths: readonly string[], groups: readonly Group[]) {
    this.paths = paths;
    this.groups = groups;
  }

  /** Where a group is, among those there are; looked for by name, which is made of them all when it is first needed. */
  private placeOf(group: Group): number | undefined {
    if (this.named === undefined) {
      this.named = new Map();
      for (const [place, own] of this.groups.entries()) {
        const names = this.named.get(own.bucketUs) ?? new Map<string, number>();
        this.named.set(own.bucketUs, names.set(nameOf(own), place));
      }
    }
    return this.named.get(group.bucketUs)?.get(nameOf(group));
  }

  /** With the groups of other records. */
  with(more: readonly Group[]): Group[] {
    if (this.groups.length === 0) return [...more];
    const merged = [...this.groups];
    for (const group of more) {
      const place = this.placeOf(group);
      const known = place === undefined ? undefined : merged[place];
      if (place === undefined || known === undefined) merged.push(group);
      else merged[place] = { ...known, ...together(known, group) };
    }
    return merged;
  }

  /** Whether these are the first of `paths`. */
  begins(paths: readonly string[]): boolean {
    return this.paths.length <= paths.length && this.paths.every((path, i) => path === paths[i]);
  }
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

function together(a: Measures, b: Measures): Measures {
  return {
    records: a.records + b.records,
    failed: a.failed + b.failed,
    rows: a.rows + b.rows,
    durationUs: a.durationUs + b.durationUs,
    firstUs: Math.min(a.firstUs, b.firstUs),
    lastUs: Math.max(a.lastUs, b.lastUs),
  };
}
