/** What conditions remember over time, by key, in bounded memory. Time is packet time. */

/** Slots a window is divided into: it forgets in steps of a 64th of its length, so it is at most that much too short. */
const SLOTS = 64;

/** Later than this is no late packet, but another capture, or a clock that was set back: a window begins anew. */
const LATE_US_MAX = 86_400e6;

interface Window {
  /** Amount by slot number modulo `SLOTS`. */
  readonly amounts: Float64Array;
  /** Highest slot number that was written. */
  slot: number;
}

/** Sums amounts over a sliding time window for each key. The key least recently used goes first when the table is full. */
export class WindowTable {
  evicted = 0;
  private readonly slotUs: number;
  private readonly lateSlotsMax: number;
  private readonly keysMax: number;
  private readonly windows = new Map<string, Window>();

  constructor(withinUs: number, keysMax: number) {
    this.slotUs = Math.max(1, withinUs / SLOTS);
    this.lateSlotsMax = Math.max(SLOTS, Math.ceil(LATE_US_MAX / this.slotUs));
    this.keysMax = keysMax;
  }

  /**
   * Adds `amount` at `timeUs` and returns the sum over the window that ends there. What is late, as a statement that took
   * long, counts as now.
   */
  add(key: string, timeUs: number, amount: number): number {
    const slot = Math.floor(timeUs / this.slotUs);
    const window = this.touch(key, slot);
    if (slot > window.slot) {
      const stale = Math.min(SLOTS, slot - window.slot);
      for (let i = 1; i <= stale; i++) window.amounts[(window.slot + i) % SLOTS] = 0;
      window.slot = slot;
    } else if (slot < window.slot - this.lateSlotsMax) {
      window.amounts.fill(0);
      window.slot = slot;
    }
    const at = window.slot % SLOTS;
    window.amounts[at] = (window.amounts[at] ?? 0) + amount;
    let sum = 0;
    for (const value of window.amounts) sum += value;
    return sum;
  }

  /** Starts the key's count anew. */
  reset(key: string): void {
    this.windows.get(key)?.amounts.fill(0);
  }

  private touch(key: string, slot: number): Window {
    let window = this.windows.get(key);
    if (window !== undefined) this.windows.delete(key);
    else {
      if (this.windows.size >= this.keysMax) this.evicted += evictOldest(this.windows);
      window = { amounts: new Float64Array(SLOTS), slot };
    }
    this.windows.set(key, window);
    return window;
  }
}

/** Remembers which keys were seen; the one least recently seen is forgotten when the table is full. */
export class SeenTable {
  evicted = 0;
  private readonly keysMax: number;
  private readonly keys = new Map<string, true>();

  constructor(keysMax: number) {
    this.keysMax = keysMax;
  }

  /** True when `key` is new; remembers it. */
  isNew(key: string): boolean {
    const known = this.keys.delete(key);
    if (!known && this.keys.size >= this.keysMax) this.evicted += evictOldest(this.keys);
    this.keys.set(key, true);
    return !known;
  }
}

/** A Map iterates in the order of insertion, and every use inserts anew. */
function evictOldest(map: Map<string, unknown>): number {
  for (const key of map.keys()) {
    map.delete(key);
    return 1;
  }
  return 0;
}
