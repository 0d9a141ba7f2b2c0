/**
 * Keyed hash of a flow's canonical 4-tuple: every half word is multiplied by a factor drawn from the seed, and the
 * products are added (multilinear hashing, after Carter and Wegman 1979 and Lemire and Kaser 2014). Whatever else two
 * tuples differ in, at most one of 2^16 seeds gives them the same sum, so that an outsider who does not know the seed cannot
 * aim flows at one place; the same seed gives the same hash on every run.
 *
 * Neighbours stay together: the sum leaves out the last four bits of the client's port, which turn the last four bits of
 * the hash instead. Connections that a client has opened one after the other, from ports that lie side by side, so
 * share a cache line of the flow table's index, each with a place of its own. Of tuples known to share a line whatever
 * the seed, there are no more than two lines full.
 */

/** Used unless configured: a replay must not depend on the day. */
export const HASH_SEED_DEFAULT = 0x57495245;

/** Addresses and ports, in halves. */
const FACTORS = 18;
/** Bits of the client's port, for which the higher one is taken, in which neighbours differ … */
const NEAR_MASK = 15;
/** … and where they count a second time: above the bits that say where in the index to look. */
const NEAR_SHIFT = 27;
/** Sign of the hash. */
const IPV6 = 1 << 31;

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

  /**
   * 32-bit hash of two endpoints in canonical order: IPv4 addresses, not negative. `ports` holds the lower endpoint's
   * port in its upper half.
   */
  ofIpv4(a3: number, b3: number, ports: number): number {
    const k = this.factors;
    const near = nearBits(ports);
    return mix((product(k, 0, a3) + product(k, 2, b3) + product(k, 4, ports ^ near)) | 0, near) & ~IPV6;
  }

  /** The same for other addresses: negative. */
  ofIpv6(
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
    const near = nearBits(ports);
    let h = (product(k, 0, a3) + product(k, 2, b3) + product(k, 4, ports ^ near)) | 0;
    h = (h + product(k, 6, a0) + product(k, 8, a1) + product(k, 10, a2)) | 0;
    h = (h + product(k, 12, b0) + product(k, 14, b1) + product(k, 16, b2)) | 0;
    return mix(h, near) | IPV6;
  }
}

function product(factors: Int32Array, at: number, word: number): number {
  const low = Math.imul(word & 0xffff, factors[at] as number);
  return (low + Math.imul(word >>> 16, factors[at + 1] as number)) | 0;
}

/** The last bits of the higher port, in their place. */
function nearBits(ports: number): number {
  const upper = ports >>> 16;
  return upper > (ports & 0xffff) ? (upper & NEAR_MASK) << 16 : ports & NEAR_MASK;
}

function mix(sum: number, near: number): number {
  // The low bits of a sum of products know nothing of the high ones.
  const h = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b);
  const turn = (near & NEAR_MASK) | (near >>> 16);
  return h ^ (h >>> 13) ^ turn ^ (turn << NEAR_SHIFT);
}
