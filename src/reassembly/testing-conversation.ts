/**
 * A made-up TCP conversation for property tests, and the obvious model of what a bystander can know of it: one byte
 * map a direction. Deterministic in its seed.
 */
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_SYN } from '../contracts/view.ts';
import type { SegmentSpec } from './testing.ts';

/** Uniform numbers from a seed (mulberry32). */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0;
  }

  /** Integer in `[0, limit)`. */
  below(limit: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * limit);
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
}

export interface Packet extends SegmentSpec {
  readonly flags: number;
  readonly ack: number;
  readonly data: Uint8Array;
  readonly atUs: number;
  /** Offset of the first payload byte in its direction. */
  readonly offset: number;
  /** Bytes of the other direction that its sender had when it first sent these. */
  readonly knew: number;
}

export interface Conversation {
  readonly packets: Packet[];
  readonly streams: readonly [Uint8Array, Uint8Array];
  readonly isn: readonly [number, number];
}

export interface Shape {
  readonly seed: number;
  readonly turns: number;
  readonly messageBytesMax: number;
  readonly segmentBytesMax: number;
  readonly isn: readonly [number, number];
  /** Percent of data segments sent again later: the same bytes, cut differently, acknowledging more. */
  readonly retransmit: number;
  /** Percent of messages with which a side closes its direction; the other one goes on. */
  readonly halfClose: number;
}

/** Handshake, turns of messages with acknowledgements between, FINs; in the order in which they happened. */
export function converse(shape: Shape): Conversation {
  const random = new Random(shape.seed);
  const packets: Packet[] = [];
  const sent = [0, 0];
  const fins = [0, 0];
  const bytes: [number[], number[]] = [[], []];
  let atUs = 1_000_000;
  const emit = (from: 0 | 1, flags: number, offset: number, data: Uint8Array, ackedOf?: number): void => {
    const other = 1 - from;
    const knew = ackedOf ?? (sent[other] as number);
    packets.push({
      from,
      flags,
      seq: (shape.isn[from] + ((flags & TCP_SYN) !== 0 ? 0 : 1 + offset)) | 0,
      ack: (flags & TCP_ACK) === 0 ? 0 : ((shape.isn[other] as number) + 1 + knew + (fins[other] as number)) | 0,
      data,
      atUs,
      offset,
      knew,
    });
    atUs += 1 + random.below(50);
  };
  const none = new Uint8Array(0);
  const close = (from: 0 | 1): void => {
    emit(from, TCP_ACK | TCP_FIN, sent[from] as number, none);
    fins[from] = 1;
  };
  emit(0, TCP_SYN, 0, none);
  emit(1, TCP_SYN | TCP_ACK, 0, none);
  emit(0, TCP_ACK, 0, none);
  for (let turn = 0; turn < shape.turns; turn++) {
    const from = (turn & 1) as 0 | 1;
    if (fins[from] === 1) continue;
    const start = sent[from] as number;
    const total = 1 + random.below(shape.messageBytesMax);
    for (let i = 0; i < total; i++) bytes[from].push(random.below(256));
    let at = start;
    while (at < start + total) {
      const count = Math.min(1 + random.below(shape.segmentBytesMax), start + total - at);
      sent[from] = at + count;
      emit(from, TCP_ACK | TCP_PSH, at, Uint8Array.from(bytes[from].slice(at, at + count)));
      at += count;
      const answers = (1 - from) as 0 | 1;
      if (random.chance(30)) emit(answers, TCP_ACK, (sent[answers] as number) + (fins[answers] as number), none, at);
    }
    if (random.chance(shape.retransmit)) {
      const again = start + random.below(total);
      const end = again + 1 + random.below(start + total - again);
      emit(from, TCP_ACK, again, Uint8Array.from(bytes[from].slice(again, end)));
    }
    if (random.chance(shape.halfClose)) close(from);
  }
  for (const from of [0, 1] as const) if (fins[from] === 0) close(from);
  emit(0, TCP_ACK, (sent[0] as number) + 1, none);
  return { packets, streams: [Uint8Array.from(bytes[0]), Uint8Array.from(bytes[1])], isn: shape.isn };
}

/** Every packet moves back by at most `distance` places. */
export function shuffleNear<T>(items: readonly T[], distance: number, random: Random): T[] {
  return items
    .map((item, i) => ({ item, key: i + random.below(distance + 1) + i / (items.length + 1) / 2 }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

/** Which bytes of a direction the packets bring, and up to where its existence is known. */
export function seenOf(conversation: Conversation, packets: readonly Packet[], side: 0 | 1): (number | undefined)[] {
  const stream = conversation.streams[side];
  const map: (number | undefined)[] = [];
  let limit = 0;
  for (const packet of packets) {
    if (packet.from === side) {
      packet.data.forEach((byte, i) => {
        map[packet.offset + i] = byte;
      });
      // An empty segment's own number proves nothing that is acted upon; a FIN's does.
      const proves = packet.data.length > 0 || (packet.flags & TCP_FIN) !== 0;
      if (proves) limit = Math.max(limit, Math.min(stream.length, packet.offset + packet.data.length));
    } else if ((packet.flags & TCP_ACK) !== 0) {
      limit = Math.max(limit, Math.min(stream.length, packet.knew));
    }
  }
  return Array.from({ length: limit }, (_, i) => map[i]);
}
