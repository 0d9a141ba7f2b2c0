/** Packets for the tests of this folder. */
import { PacketView } from '../contracts/view.ts';

/** A view from one endpoint to the other, `[last address word, port]`: IPv4, or IPv6 addresses that begin with `word0`. */
export function viewOf(from: readonly [number, number], to: readonly [number, number], word0 = 0): PacketView {
  const view = new PacketView();
  view.src0 = view.dst0 = word0;
  view.src2 = view.dst2 = word0 === 0 ? 0xffff : 0;
  [view.src3, view.srcPort] = from;
  [view.dst3, view.dstPort] = to;
  return view;
}
