/**
 * Decode, flow table, reassembly: the part of the path that every packet takes.
 *
 * Packets are taken in groups. With many flows each packet's place in the flow table lies in memory that no cache holds,
 * and the processor would wait for each in turn; so a group is decoded first and its places touched, whose loads overlap,
 * before the packets are followed one by one.
 */
import type { PacketBatch } from '../contracts/packet.ts';
import { PacketView } from '../contracts/view.ts';
import { Decoder } from '../decode/decoder.ts';
import { DECODE_TCP } from '../decode/layers.ts';
import type { Reassembler } from '../reassembly/reassembler.ts';

const GROUP_PACKETS = 8;

/** Told of every packet of a batch in order, whether or not it is TCP. */
export interface PacketWatcher {
  beforePacket(): void;
  afterPacket(view: PacketView, isTcp: boolean): void;
}

export class PacketPath {
  readonly decoder: Decoder = new Decoder();
  private readonly reassembler: Reassembler;
  private readonly views: readonly PacketView[] = Array.from({ length: GROUP_PACKETS }, () => new PacketView());
  private readonly verdicts = new Uint8Array(GROUP_PACKETS);

  constructor(reassembler: Reassembler) {
    this.reassembler = reassembler;
  }

  /** Reads a batch in place. */
  run(batch: PacketBatch, watcher: PacketWatcher): void {
    const { reassembler, views, verdicts } = this;
    for (let next = 0; next < batch.count; ) {
      const count = this.decodeGroup(batch, next);
      for (let i = 0; i < count; i++) {
        watcher.beforePacket();
        const view = views[i] as PacketView;
        const isTcp = verdicts[i] === DECODE_TCP;
        if (isTcp) reassembler.push(view);
        watcher.afterPacket(view, isTcp);
      }
      next += count;
    }
  }

  /** Packets decoded. A datagram put together of fragments ends the group: its bytes last until the next is decoded. */
  private decodeGroup(batch: PacketBatch, from: number): number {
    const { decoder, reassembler, views, verdicts } = this;
    const count = Math.min(GROUP_PACKETS, batch.count - from);
    for (let i = 0; i < count; i++) {
      const view = views[i] as PacketView;
      const verdict = decoder.decode(batch, from + i, view);
      verdicts[i] = verdict;
      if (verdict !== DECODE_TCP) continue;
      reassembler.expect(view);
      if (view.bytes !== batch.bytes) return i + 1;
    }
    return count;
  }
}
