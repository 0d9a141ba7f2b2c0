/**
 * Memory that many holders share, within one limit. Each holder says what it takes and gives back; when all together
 * hold too much, those that hold most give back first, the one that has held so much for longest before others.
 *
 * Saying so costs a few additions. A holder moves in the ranking only when what it holds doubles or halves.
 */

/** Who can give memory back. */
export interface MemoryHolder {
  /** Gives back what is least missed, or `all` that it can; `tsUs` is the time of the packet being read. */
  relieve(all: boolean, tsUs: number): void;
}

/** Holders of less are not asked: there is nothing to gain. */
const RANKED_BYTES_MIN = 1024;
const RANKS = 23;

/** 0: not ranked. Each rank holds twice what the one below does. */
function rankOf(bytes: number): number {
  return bytes < RANKED_BYTES_MIN ? 0 : RANKS - 1 - Math.clz32(bytes);
}

export class MemoryBudget {
  readonly bytesMax: number;
  /** What all holders hold together. */
  bytes = 0;
  /** Times that a holder was asked to give back. */
  reliefs = 0;
  /** By rank: who came into it first, and who last. */
  private readonly oldest: (HeldMemory | undefined)[] = new Array<undefined>(RANKS).fill(undefined);
  private readonly youngest: (HeldMemory | undefined)[] = new Array<undefined>(RANKS).fill(undefined);

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get isExceeded(): boolean {
    return this.bytes > this.bytesMax;
  }

  /** Has holders give back until the limit is kept, or none is left that has something worth it. */
  relieve(tsUs: number): void {
    while (this.isExceeded) {
      const memory = this.largest();
      if (memory === undefined) return;
      const before = memory.bytes;
      this.reliefs++;
      memory.holder?.relieve(false, tsUs);
      if (memory.bytes >= before) memory.holder?.relieve(true, tsUs);
      // Behind the others of its rank; and whoever has nothing to give is asked again when it holds twice or half as much.
      this.move(memory, memory.bytes < before ? memory.rank : 0);
    }
  }

  /** For `HeldMemory`. */
  move(memory: HeldMemory, rank: number): void {
    const { older, younger } = memory;
    if (memory.rank > 0) {
      if (older === undefined) this.oldest[memory.rank] = younger;
      else older.younger = younger;
      if (younger === undefined) this.youngest[memory.rank] = older;
      else younger.older = older;
    }
    memory.rank = rank;
    memory.younger = undefined;
    memory.older = rank > 0 ? this.youngest[rank] : undefined;
    if (rank === 0) return;
    if (memory.older === undefined) this.oldest[rank] = memory;
    else memory.older.younger = memory;
    this.youngest[rank] = memory;
  }

  private largest(): HeldMemory | undefined {
    for (let rank = RANKS - 1; rank > 0; rank--) {
      const memory = this.oldest[rank];
      if (memory !== undefined) return memory;
    }
    return undefined;
  }
}

/** What one holder holds. */
export class HeldMemory {
  bytes = 0;
  holder: MemoryHolder | undefined = undefined;
  /** Its place in the ranking, which is the budget's to set. */
  rank = 0;
  older: HeldMemory | undefined = undefined;
  younger: HeldMemory | undefined = undefined;
  private readonly budget: MemoryBudget;

  constructor(budget: MemoryBudget) {
    this.budget = budget;
  }

  /** `bytes` more are held; given back where negative. */
  add(bytes: number): void {
    const before = rankOf(this.bytes);
    this.bytes += bytes;
    this.budget.bytes += bytes;
    const rank = rankOf(this.bytes);
    if (rank !== before) this.budget.move(this, rank);
  }

  /** The holder is gone, and with it all it held. */
  close(): void {
    this.add(-this.bytes);
    this.holder = undefined;
  }
}

/** Memory that is counted and never short. */
export function unlimitedMemory(): HeldMemory {
  return new HeldMemory(new MemoryBudget(Number.POSITIVE_INFINITY));
}
