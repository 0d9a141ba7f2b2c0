/**
 * Keyed hash of a flow's canonical 4-tuple. Every word is multiplied by a constant drawn from the seed, so that an
 * outsider who does not know the seed cannot aim at one bucket; the same seed gives the same hash on every run.
 */

/** Used unless configured: a replay must not depend on the day. */
export const HASH_SEED_DEFAULT = 0x57495245;

const WORDS = 9;

export class FlowHash {
  private readonly factors = new Int32Array(WORDS + 1);

  constructor(seed: number) {
    // Mulberry32: well mixed words from a counter.
    let state = seed | 0;
    for (let i = 0; i < this.factors.length; i++) {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      this.factors[i] = (t ^ (t >>> 14)) | 1;
    }
  }

  /** 32-bit hash of two endpoints in canonical order. `ports` holds the lower endpoint's port in its upper half. */
  of(
    a0: number,
    a1: number,
    a2: number,
    a3: number,
    b0: number,
    b1: number,
    b2: number,
    b3: number,
    ports: number,
  ): number {
    const k = this.factors;
    let h = Math.imul(a3 ^ (k[9] as number), k[0] as number);
    h = Math.imul(((h << 13) | (h >>> 19)) ^ b3, k[1] as number);
    h = Math.imul(((h << 13) | (h >>> 19)) ^ ports, k[2] as number);
    if ((a0 | a1 | b0 | b1) !== 0) {
      h = Math.imul(((h << 13) | (h >>> 19)) ^ a0, k[3] as number);
      h = Math.imul(((h << 13) | (h >>> 19)) ^ a1, k[4] as number);
      h = Math.imul(((h << 13) | (h >>> 19)) ^ a2, k[5] as number);
      h = Math.imul(((h << 13) | (h >>> 19)) ^ b0, k[6] as number);
      h = Math.imul(((h << 13) | (h >>> 19)) ^ b1, k[7] as number);
      h = Math.imul(((h << 13) | (h >>> 19)) ^ b2, k[8] as number);
    }
    h ^= h >>> 16;
    h = Math.imul(h, 0x85ebca6b);
    return h ^ (h >>> 13);
  }
}
