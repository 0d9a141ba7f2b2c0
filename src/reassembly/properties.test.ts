/** Reassembly against the byte map of `testing-conversation.ts`, over random conversations and random mirrors. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Side, STREAM_KEEP, type StreamReceiver, type StreamWish } from '../contracts/stream.ts';
import { TCP_FIN } from '../contracts/view.ts';
import type { ReassemblyOptions } from './options.ts';
import { Reassembler } from './reassembler.ts';
import { segmentView } from './testing.ts';
import {
  type Conversation,
  converse,
  type Packet,
  Random,
  type Shape,
  seenOf,
  shuffleNear,
} from './testing-conversation.ts';

const RUNS = { seed: 42, numRuns: 400 };
const OPTIONS: Partial<ReassemblyOptions> = { flowsMax: 8, pagesMax: 256, pagesPerFlowMax: 128 };

const shapes: fc.Arbitrary<Shape> = fc.record({
  seed: fc.integer(),
  turns: fc.integer({ min: 1, max: 12 }),
  messageBytesMax: fc.integer({ min: 1, max: 400 }),
  segmentBytesMax: fc.integer({ min: 1, max: 120 }),
  isn: fc.tuple(near(), near()),
  retransmit: fc.constantFrom(0, 30, 80),
  halfClose: fc.constantFrom(0, 15),
});

/** Initial sequence numbers, mostly close to the wrap of 32 and of 31 bits. */
function near(): fc.Arbitrary<number> {
  return fc.oneof(
    fc.integer({ min: -600, max: 10 }),
    fc.integer({ min: 0x7fffffff - 600, max: 0x7fffffff }),
    fc.integer(),
  );
}

/** What came out: a byte map a side (undefined: declared lost), and proof of causal order as it came. */
class ByteMaps implements StreamReceiver {
  readonly maps: [(number | undefined)[], (number | undefined)[]] = [[], []];
  ends = 0;
  private readonly slack: number;
  private readonly knew: readonly [Int32Array, Int32Array];

  /** `slack` 1: the last acknowledged number may be a lost FIN instead of a lost byte, and is not waited for. */
  constructor(conversation: Conversation, slack: number) {
    this.slack = slack;
    const knew = conversation.streams.map((stream) => new Int32Array(stream.length).fill(-1));
    for (const packet of conversation.packets) {
      const of = knew[packet.from] as Int32Array;
      for (let i = 0; i < packet.data.length; i++) {
        if (of[packet.offset + i] === -1) of[packet.offset + i] = packet.knew;
      }
    }
    this.knew = knew as unknown as readonly [Int32Array, Int32Array];
  }

  onData(_slot: number, side: Side, bytes: Uint8Array, start: number, end: number): StreamWish {
    const map = this.maps[side];
    const other = this.maps[1 - side] as (number | undefined)[];
    for (let i = start; i < end; i++) {
      const before = this.knew[side][map.length] as number;
      assert.ok(
        before <= other.length + this.slack,
        `side ${side} byte ${map.length} needs ${before}, has ${other.length}`,
      );
      map.push(bytes[i]);
    }
    return STREAM_KEEP;
  }

  onGap(_slot: number, side: Side, lostBytes: number): StreamWish {
    for (let i = 0; i < lostBytes; i++) this.maps[side].push(undefined);
    return STREAM_KEEP;
  }

  onEnd(): void {
    this.ends++;
  }
}

function replay(conversation: Conversation, packets: readonly Packet[], slack: number): ByteMaps {
  const reassembler = new Reassembler(OPTIONS);
  const maps = new ByteMaps(conversation, slack);
  reassembler.setReceiver(maps);
  let atUs = 0;
  for (const packet of packets) {
    atUs = Math.max(atUs, packet.atUs);
    reassembler.push(segmentView({ ...packet, atUs }));
  }
  reassembler.flush(0);
  assert.equal(reassembler.pagesHeld, 0);
  assert.equal(maps.ends, maps.maps[0].length + maps.maps[1].length > 0 ? 1 : 0);
  return maps;
}

function check(conversation: Conversation, packets: readonly Packet[], slack: number): void {
  const { maps } = replay(conversation, packets, slack);
  assert.deepEqual(maps[0], seenOf(conversation, packets, 0));
  assert.deepEqual(maps[1], seenOf(conversation, packets, 1));
}

/** Copies some packets to a place up to `distance` later. */
function duplicate(packets: readonly Packet[], percent: number, distance: number, random: Random): Packet[] {
  const result: { packet: Packet; key: number }[] = [];
  packets.forEach((packet, i) => {
    result.push({ packet, key: i });
    if (random.chance(percent)) result.push({ packet, key: i + random.below(distance + 1) + 0.5 });
  });
  return result.sort((a, b) => a.key - b.key).map(({ packet }) => packet);
}

test('every segmentation, with retransmissions and copies, gives the bytes in order', () => {
  fc.assert(
    fc.property(shapes, fc.integer(), (shape, seed) => {
      const conversation = converse(shape);
      check(conversation, duplicate(conversation.packets, 30, 4, new Random(seed)), 0);
    }),
    RUNS,
  );
});

test('packets that the mirror delivers a few places late lose nothing', () => {
  fc.assert(
    fc.property(shapes, fc.integer(), fc.integer({ min: 1, max: 4 }), (shape, seed, distance) => {
      const conversation = converse(shape);
      const random = new Random(seed);
      // The SYN stays first: what comes before it belongs to no flow yet.
      const [syn, ...rest] = conversation.packets as [Packet, ...Packet[]];
      const packets = shuffleNear(duplicate(rest, 10, 3, random), distance, random);
      check(conversation, [syn, ...packets], 0);
    }),
    RUNS,
  );
});

test('lost packets become gaps of exactly the bytes that no other packet brought', () => {
  fc.assert(
    fc.property(shapes, fc.integer(), fc.integer({ min: 1, max: 30 }), (shape, seed, percent) => {
      // A needless retransmission could bring a byte after it was given up.
      const conversation = converse({ ...shape, retransmit: 0 });
      const random = new Random(seed);
      const packets = conversation.packets.filter((_, i) => i < 3 || !random.chance(percent));
      const { maps } = replay(conversation, packets, 1);
      for (const side of [0, 1] as const) {
        const expected = seenOf(conversation, packets, side);
        const finSeen = packets.some((packet) => packet.from === side && (packet.flags & TCP_FIN) !== 0);
        // A number that was acknowledged but never seen may have been the FIN or a byte: nobody can tell.
        if (!finSeen && Math.abs(maps[side].length - expected.length) === 1) {
          const longer = maps[side].length > expected.length ? maps[side] : expected;
          assert.equal(longer.pop(), undefined);
        }
        assert.deepEqual(maps[side], expected);
      }
    }),
    RUNS,
  );
});
