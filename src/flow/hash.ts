/**
 * Keyed hash of a flow's canonical 4-tuple: every half word is multiplied by a factor drawn from the seed, and the
 * products are added (multilinear hashing, after Carter and Wegman 1979 and Lemire and Kaser 2014). Whatever two tuples
 * differ in, at most one of 2^16 seeds gives them the same sum, so that an outsider who does not know the seed cannot
 * aim flows at one bucket; the same seed gives the same hash on every run.
 */

/** Used unless configured: a replay must not depend on the day. */
export const HASH_SEED_DEFAULT = 0x57495245;

/** Addresses and ports, in halves. */
const FACTORS = 18;
/** Third word of an IPv4 address in IPv6 form; the two before are 0. */
const IPV4_MAPPED = 0xffff;

export class FlowHash {
  private readonly factors = new Int32Array(FACTORS);

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
    let h = (product(k, 0, a3) + product(k, 2, b3) + product(k, 4, ports)) | 0;
    if ((a0 | a1 | b0 | b1 | (a2 ^ IPV4_MAPPED) | (b2 ^ IPV4_MAPPED)) !== 0) {
      h = (h + product(k, 6, a0) + product(k, 8, a1) + product(k, 10, a2)) | 0;
      h = (h + product(k, 12, b0) + product(k, 14, b1) + product(k, 16, b2)) | 0;
    }
    // The low bits of a sum of products know nothing of the high ones.
    h ^= h >>> 16;
    h = Math.imul(h, 0x85ebca6b);
    return h ^ (h >>> 13);
  }
}

function product(factors: Int32Array, at: number, word: number): number {
  const low = Math.imul(word & 0xffff, factors[at] as number);
  return (low + Math.imul(word >>> 16, factors[at + 1] as number)) | 0;
}
