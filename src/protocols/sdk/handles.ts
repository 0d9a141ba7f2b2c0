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

/** A map that drops its least recently used entries when there are too many of them or they weigh too much. */
export class HandleTable<K extends string | number, T> {
  /** Entries dropped because there was no room: executing them is executing an unknown handle. */
  evicted = 0;
  private readonly entries = new Map<K, T>();
  /** What each weighed when it was stored. */
  private readonly weights = new Map<K, number>();
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
    return this.entries.size;
  }

  /** What may be added before entries have to go. */
  get weightLeft(): number {
    return this.weightMax - this.weight;
  }

  /** Looks `key` up and makes it the most recently used. */
  get(key: K): T | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined || key === this.latest) return entry;
    this.entries.delete(key);
    this.entries.set(key, entry);
    this.latest = key;
    return entry;
  }

  /** Looks `key` up without counting that as use. */
  peek(key: K): T | undefined {
    return this.entries.get(key);
  }

  /** Stores `entry`; `gone` receives another one that it replaces, and those that are dropped for it. */
  set(key: K, entry: T, gone?: (entry: T) => void): void {
    const replaced = this.delete(key);
    if (replaced !== undefined && replaced !== entry) gone?.(replaced);
    this.entries.set(key, entry);
    this.latest = key;
    this.takeWeight(key, this.weigh(key, entry));
    this.makeRoom(gone);
  }

  /** Has `change` alter what `entry` weighs, whether it is (still) kept under `key` or not; `gone` as for `set`. */
  reweigh(key: K, entry: T, change: () => void, gone?: (entry: T) => void): void {
    change();
    if (this.entries.get(key) !== entry) return;
    this.takeWeight(key, this.weigh(key, entry));
    this.makeRoom(gone);
  }

  private makeRoom(gone: ((entry: T) => void) | undefined): void {
    while (this.entries.size > this.entriesMax || this.weight > this.weightMax) {
      const oldest = this.entries.keys().next();
      if (oldest.done === true) return;
      const dropped = this.delete(oldest.value);
      this.evicted++;
      if (dropped !== undefined) gone?.(dropped);
    }
  }

  delete(key: K): T | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined) return undefined;
    this.entries.delete(key);
    this.takeWeight(key, 0);
    this.weights.delete(key);
    if (key === this.latest) this.latest = undefined;
    return entry;
  }

  values(): IterableIterator<T> {
    return this.entries.values();
  }

  clear(): void {
    this.entries.clear();
    this.weights.clear();
    this.memory.add(-this.weight);
    this.weight = 0;
    this.latest = undefined;
  }

  /** Drops all entries for want of memory; `gone` as for `set`. */
  evictAll(gone?: (entry: T) => void): void {
    const dropped = [...this.entries.values()];
    this.evicted += dropped.length;
    this.clear();
    if (gone !== undefined) for (const entry of dropped) gone(entry);
  }

  /** The entry under `key` weighs this much now. */
  private takeWeight(key: K, weight: number): void {
    const change = weight - (this.weights.get(key) ?? 0);
    this.weights.set(key, weight);
    this.weight += change;
    this.memory.add(change);
  }
}
