/**
 * Named counters of a stage. Plain numbers on a plain object, so that counting costs one store on the packet path and
 * every stage is printed, summed over workers and exported the same way.
 */
export type Counters = Record<string, number>;

/** Adds `from` to `into`, key by key. */
export function addCounters(into: Counters, from: Readonly<Counters>): void {
  for (const key of Object.keys(from)) into[key] = (into[key] ?? 0) + (from[key] as number);
}
