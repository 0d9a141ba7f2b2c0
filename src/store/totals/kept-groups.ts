/**
 * Counts of sealed segments, kept: such segments never change, so that a question asked again, or over a range that only
 * grew, counts what has arrived since and nothing else.
 */
import type { GroupBy } from './aggregate.ts';
import { countOf, type PackedGroups } from './packed-groups.ts';

/** Groups kept at most, over all questions; the question asked longest ago is forgotten first. */
const KEPT_GROUPS_MAX = 400_000;
/** Of one question: counts by session, say, are made anew. */
const SET_GROUPS_MAX = 50_000;

/** Groups of a list of segments. Never changed once made. */
export class GroupSet {
  readonly paths: readonly string[];
  readonly groups: PackedGroups;

  constructor(paths: readonly string[], groups: PackedGroups) {
    this.paths = paths;
    this.groups = groups;
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
    const count = countOf(set.groups);
    if (count > SET_GROUPS_MAX) return;
    const key = keyOf(filter, by, set.paths);
    this.forget(key);
    this.sets.set(key, set);
    this.kept += count;
    for (const oldest of this.sets.keys()) {
      if (this.kept <= KEPT_GROUPS_MAX || oldest === key) return;
      this.forget(oldest);
    }
  }

  private forget(key: string): void {
    const known = this.sets.get(key);
    if (known !== undefined) this.kept -= countOf(known.groups);
    this.sets.delete(key);
  }
}

function keyOf(filter: unknown, by: GroupBy, paths: readonly string[]): string {
  return JSON.stringify([filter, by, paths[0]]);
}
