/** What a session remembers of its statements under the handles by which they are executed, within limits. */
import type { HeldMemory } from '../../base/memory-budget.ts';

/** What holds a statement's text: an event, or a handle until it is executed. */
export interface TextHolder {
  text: string | undefined;
  /** True length in bytes and SHA-256 of the whole text, when `text` was cut. */
  textLength: number | undefined;
  textSha256: string | undefined;
  /** `MARK_*` bits that every execution inherits. */
  marks: number;
}

export function copyText(from: TextHolder, to: TextHolder): void {
  to.text = from.text;
  to.textLength = from.textLength;
  to.textSha256 = from.textSha256;
  to.marks |= from.marks;
}

/** An entry, and what it weighed when it was stored. */
interface Kept<T> {
  readonly entry: T;
  weight: number;
}

/** A map that drops its least recently used entries when there are too many of them or they weigh too much. */
export class HandleTable<K extends string | number, T> {
  /** Entries dropped because there was no room: executing them is executing an unknown handle. */
  evicted = 0;
  /** Made for the first entry: many sessions have none. */
  private made: Map<K, Kept<T>> | undefined = undefined;
  private readonly entriesMax: number;
  private readonly weightMax: number;
  private readonly weigh: (key: K, entry: T) => number;
  private readonly memory: HeldMemory;
  private weight = 0;
  /** The most recently used key, which need not be moved to be that. */
  private latest: K | undefined = undefined;

  /** `weigh`: what an entry costs to keep, roughly in bytes; asked when it is stored, and by `reweigh`. */
  constructor(entriesMax: number, weightMax: number, weigh: (key: K, entry: T) => number, memory: HeldMemory) {
    this.entriesMax = entriesMax;
    this.weightMax = weightMax;
    this.weigh = weigh;
    this.memory = memory;
  }

  get size(): number {
    return this.made?.size ?? 0;
  }

  /** What may be added before entries have to go. */
  get weightLeft(): number {
    return this.weightMax - this.weight;
  }

  /** Looks `key` up and makes it the most recently used. */
  get(key: K): T | undefined {
    const kept = this.made?.get(key);
    if (kept === undefined || key === this.latest) return kept?.entry;
    this.made?.delete(key);
    this.made?.set(key, kept);
    this.latest = key;
    return kept.entry;
  }

  /** Looks `key` up without counting that as use. */
  peek(key: K): T | undefined {
    return this.made?.get(key)?.entry;
  }

  /** Stores `entry`; `gone` receives another one that it replaces, and those that are dropped for it. */
  set(key: K, entry: T, gone?: (entry: T) => void): void {
    const replaced = this.delete(key);
    if (replaced !== undefined && replaced !== entry) gone?.(replaced);
    const weight = this.weigh(key, entry);
    this.made ??= new Map();
    this.made.set(key, { entry, weight });
    this.latest = key;
    this.hold(weight);
    this.makeRoom(gone);
  }

  /** Has `change` alter what `entry` weighs, whether it is (still) kept under `key` or not; `gone` as for `set`. */
  reweigh(key: K, entry: T, change: () => void, gone?: (entry: T) => void): void {
    change();
    const kept = this.made?.get(key);
    if (kept?.entry !== entry) return;
    const weight = this.weigh(key, entry);
    this.hold(weight - kept.weight);
    kept.weight = weight;
    this.makeRoom(gone);
  }

  private makeRoom(gone: ((entry: T) => void) | undefined): void {
    while (this.size > this.entriesMax || this.weight > this.weightMax) {
      const oldest = this.made?.keys().next();
      if (oldest === undefined || oldest.done === true) return;
      const dropped = this.delete(oldest.value);
      this.evicted++;
      if (dropped !== undefined) gone?.(dropped);
    }
  }

  delete(key: K): T | undefined {
    const kept = this.made?.get(key);
    if (kept === undefined) return undefined;
    this.made?.delete(key);
    this.hold(-kept.weight);
    if (key === this.latest) this.latest = undefined;
    return kept.entry;
  }

  /** Entries may be deleted on the way. */
  *values(): Generator<T, void> {
    if (this.made === undefined) return;
    for (const { entry } of this.made.values()) yield entry;
  }

  clear(): void {
    this.made = undefined;
    this.hold(-this.weight);
    this.latest = undefined;
  }

  /** Drops all entries for want of memory; `gone` as for `set`. */
  evictAll(gone?: (entry: T) => void): void {
    const dropped = [...this.values()];
    this.evicted += dropped.length;
    this.clear();
    if (gone !== undefined) for (const entry of dropped) gone(entry);
  }

  private hold(weight: number): void {
    this.weight += weight;
    this.memory.add(weight);
  }
}
