/** Which worker of a replay follows a connection. */
import type { PacketView } from '../contracts/view.ts';

/**
 * Hash of the two addresses, the same for both directions. Ports have no say: what connections of one client to one
 * server have to do with each other (a cancel request is a connection of its own) stays in one shard.
 */
export function pairHash(view: PacketView): number {
  let h = Math.imul(view.src3 ^ view.dst3, 0x9e3779b1) ^ Math.imul(view.src2 ^ view.dst2, 0x85ebca77);
  h ^= Math.imul(view.src1 ^ view.dst1, 0xc2b2ae3d) ^ Math.imul(view.src0 ^ view.dst0, 0x27d4eb2f);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 0;
}
