/** Helpers of this folder's tests: segments from plain objects, a receiver that writes everything down, tiny pcaps. */
import { readFileSync } from 'node:fs';
import { DESCRIPTOR_WORDS, type PacketBatch } from '../contracts/packet.ts';
import {
  FLOW_END_NAMES,
  type FlowEnd,
  type FlowReader,
  type Side,
  STREAM_KEEP,
  type StreamReceiver,
  type StreamWish,
} from '../contracts/stream.ts';
import { PacketView, TCP_ACK } from '../contracts/view.ts';

export interface SegmentSpec {
  /** 0 sends from the lower endpoint, 1 from the higher. */
  readonly from: 0 | 1;
  readonly seq: number;
  readonly ack?: number;
  /** Default: ACK. */
  readonly flags?: number;
  readonly data?: Uint8Array | string;
  /** Payload bytes on the wire when the snap length cut some off. */
  readonly wireBytes?: number;
  readonly atUs?: number;
  /** Tells 4-tuples apart. */
  readonly flow?: number;
}

/** A view of the segment; its bytes lie in the middle of a larger buffer, as in a batch. */
export function segmentView(spec: SegmentSpec): PacketView {
  const view = new PacketView();
  const data = typeof spec.data === 'string' ? Buffer.from(spec.data, 'latin1') : (spec.data ?? new Uint8Array(0));
  const flow = spec.flow ?? 0;
  view.tsUs = spec.atUs ?? 0;
  view.ipVersion = 4;
  view.src2 = view.dst2 = 0xffff;
  const low = [0x0a000001, 1024 + (flow % 60_000)] as const;
  const high = [0x0a000002 + Math.floor(flow / 60_000), 5432] as const;
  const [source, target] = spec.from === 0 ? [low, high] : [high, low];
  [view.src3, view.srcPort] = source;
  [view.dst3, view.dstPort] = target;
  view.seq = spec.seq | 0;
  view.ack = (spec.ack ?? 0) | 0;
  view.flags = spec.flags ?? TCP_ACK;
  view.window = 65_535;
  view.bytes = new Uint8Array(data.length + 16).fill(0xdd);
  view.bytes.set(data, 8);
  view.payloadStart = 8;
  view.payloadEnd = 8 + data.length;
  view.payloadBytes = spec.wireBytes ?? data.length;
  return view;
}

export interface FlowLog {
  readonly slot: number;
  readonly endpoints: readonly [string, string];
  /** Bytes of each side, with a `?` for every lost one. */
  readonly bytes: [Buffer[], Buffer[]];
  readonly lost: [number, number];
  /** Every call in order: `0+5` is five bytes of side 0, `1?3` three lost bytes of side 1. */
  readonly calls: string[];
  end: string | undefined;
  endUs: number;
}

/** Writes down what reassembly tells, and checks the contract on the way. */
export class Recorder implements StreamReceiver {
  readonly flows: FlowLog[] = [];
  wish: StreamWish = STREAM_KEEP;
  private readonly open = new Map<number, FlowLog>();
  private readonly reader: FlowReader;

  constructor(reader: FlowReader) {
    this.reader = reader;
  }

  onData(slot: number, side: Side, bytes: Uint8Array, start: number, end: number, _tsUs: number): StreamWish {
    if (!(start >= 0 && start < end && end <= bytes.length)) throw new Error(`bad range ${start} to ${end}`);
    const log = this.of(slot);
    log.bytes[side].push(Buffer.from(bytes.subarray(start, end)));
    log.calls.push(`${side}+${end - start}`);
    return this.wish;
  }

  onGap(slot: number, side: Side, lostBytes: number, _tsUs: number): StreamWish {
    if (!(lostBytes > 0)) throw new Error(`gap of ${lostBytes} bytes`);
    const log = this.of(slot);
    log.lost[side] += lostBytes;
    log.calls.push(`${side}?${lostBytes}`);
    return this.wish;
  }

  onEnd(slot: number, reason: FlowEnd, tsUs: number): void {
    const log = this.open.get(slot);
    if (log === undefined) throw new Error(`end of slot ${slot}, which had no data`);
    log.end = FLOW_END_NAMES[reason];
    log.endUs = tsUs;
    this.open.delete(slot);
  }

  text(flow: number, side: Side): string {
    return Buffer.concat(this.flows[flow]?.bytes[side] ?? []).toString('latin1');
  }

  private of(slot: number): FlowLog {
    let log = this.open.get(slot);
    if (log === undefined) {
      const name = (side: Side): string => `${this.reader.address(slot, side)}:${this.reader.port(slot, side)}`;
      log = {
        slot,
        endpoints: [name(0), name(1)],
        bytes: [[], []],
        lost: [0, 0],
        calls: [],
        end: undefined,
        endUs: 0,
      };
      this.open.set(slot, log);
      this.flows.push(log);
    }
    return log;
  }
}

/** A classic little-endian pcap file as one batch. */
export function readPcap(path: string): PacketBatch {
  const bytes = new Uint8Array(readFileSync(path));
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (data.getUint32(0, true) !== 0xa1b2c3d4) throw new Error('not a little-endian microsecond pcap');
  const link = data.getUint32(20, true);
  const words: number[] = [];
  let at = 24;
  while (at + 16 <= bytes.length) {
    const captured = data.getUint32(at + 8, true);
    const seconds = data.getUint32(at, true);
    const microseconds = data.getUint32(at + 4, true);
    words.push(at + 16, captured, data.getUint32(at + 12, true), 0, link, 0, seconds, microseconds * 1000);
    at += 16 + captured;
  }
  return { bytes, descriptors: Int32Array.from(words), count: words.length / DESCRIPTOR_WORDS, lostBefore: 0 };
}
