/** Segments that no honest TCP sends: whatever comes, limits hold, calls keep their contract, and it ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN } from '../contracts/view.ts';
import { Reassembler } from './reassembler.ts';
import { type FlowLog, Recorder, type SegmentSpec, segmentView } from './testing.ts';
import { converse, Random, shuffleNear } from './testing-conversation.ts';

const PAGES = 24;
const FLOWS = 3;

/** Numbers around a few places, so that segments meet, and now and then far away. */
const numbers = fc.oneof(
  { weight: 10, arbitrary: fc.integer({ min: -40, max: 120 }) },
  // Half and a quarter of the number space away, at the ends of the window, at those of a guess.
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom(2 ** 31, 2 ** 30, -(2 ** 30), 2 ** 24, 2 ** 16, -(2 ** 16)),
        fc.integer({ min: -40, max: 40 }),
      )
      .map(([place, distance]) => (place + distance) | 0),
  },
  { weight: 1, arbitrary: fc.integer() },
);

const segments: fc.Arbitrary<SegmentSpec> = fc.record({
  from: fc.constantFrom(0, 1) as fc.Arbitrary<0 | 1>,
  seq: numbers,
  ack: numbers,
  flags: fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(TCP_ACK, TCP_ACK | TCP_PSH) },
    {
      weight: 5,
      arbitrary: fc.constantFrom(TCP_SYN, TCP_SYN | TCP_ACK, TCP_FIN | TCP_ACK, TCP_RST, TCP_RST | TCP_ACK),
    },
    { weight: 1, arbitrary: fc.nat(255) },
  ),
  data: fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(new Uint8Array(5000))),
  flow: fc.nat(FLOWS),
});

interface Timed {
  readonly spec: SegmentSpec;
  readonly passUs: number;
  readonly cutBytes: number;
}

const timed: fc.Arbitrary<Timed> = fc.record({
  spec: segments,
  passUs: fc.oneof(fc.nat(3000), fc.nat(5_000_000), fc.nat(400_000_000)),
  cutBytes: fc.oneof(fc.constant(0), fc.nat(3000)),
});

function replay(list: readonly Timed[]): { logs: readonly FlowLog[]; reassembler: Reassembler } {
  const reassembler = new Reassembler({ flowsMax: FLOWS, pagesMax: PAGES, pagesPerFlowMax: 16, resyncSegments: 3 });
  const recorder = new Recorder(reassembler);
  reassembler.setReceiver(recorder);
  let atUs = 1_000_000_000;
  for (const { spec, passUs, cutBytes } of list) {
    atUs += passUs;
    const view = segmentView({ ...spec, atUs });
    view.payloadBytes += cutBytes;
    reassembler.push(view);
    assert.ok(reassembler.pagesHeld <= PAGES);
    assert.ok(reassembler.flows <= FLOWS);
  }
  reassembler.flush(0);
  return { logs: recorder.flows, reassembler };
}

test('random segments: bounded, every flow ended once, every page given back, counters add up', () => {
  fc.assert(
    fc.property(fc.array(timed, { maxLength: 120 }), (list) => {
      const { logs, reassembler } = replay(list);
      const { counters } = reassembler;
      assert.equal(reassembler.pagesHeld, 0);
      assert.equal(reassembler.flows, 0);
      assert.equal(counters.packets, list.length);
      let delivered = 0;
      let lost = 0;
      for (const log of logs) {
        assert.ok(log.end !== undefined);
        delivered += Buffer.concat([...log.bytes[0], ...log.bytes[1]]).length;
        lost += log.lost[0] + log.lost[1];
      }
      assert.equal(counters.deliveredBytes, delivered);
      assert.equal(counters.lostBytes, lost);
      const { endedFin, endedRst, endedTimeout, endedEvicted, endedReused, endedSource } = counters;
      assert.equal(endedFin + endedRst + endedTimeout + endedEvicted + endedReused + endedSource, counters.flows);
    }),
    { seed: 42, numRuns: 1500 },
  );
});

test('the same packets give the same calls', () => {
  fc.assert(
    fc.property(fc.array(timed, { maxLength: 80 }), (list) => {
      assert.deepEqual(replay(list).logs, replay(list).logs);
    }),
    { seed: 42, numRuns: 100 },
  );
});

test('a conversation under every disturbance at once: what is delivered is always in its true place', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer(), fc.nat(12), (shapeSeed, seed, distance) => {
      const isn = [shapeSeed, ~shapeSeed] as const;
      const conversation = converse({
        seed: shapeSeed,
        turns: 10,
        messageBytesMax: 300,
        segmentBytesMax: 90,
        isn,
        retransmit: 40,
        halfClose: 15,
      });
      const random = new Random(seed);
      const [syn, synAck, ...rest] = conversation.packets;
      const kept = rest
        .filter(() => !random.chance(8))
        .flatMap((packet) => (random.chance(8) ? [packet, packet] : [packet]));
      const reassembler = new Reassembler({ flowsMax: 2, pagesMax: 8, pagesPerFlowMax: 5 });
      const recorder = new Recorder(reassembler);
      reassembler.setReceiver(recorder);
      for (const packet of [syn, synAck, ...shuffleNear(kept, distance, random)]) {
        if (packet !== undefined) reassembler.push(segmentView(packet));
      }
      reassembler.flush(0);
      const log = recorder.flows[0];
      if (log === undefined) return;
      const at = [0, 0];
      const chunks = [[...log.bytes[0]], [...log.bytes[1]]];
      for (const call of log.calls) {
        const side = Number(call[0]) as 0 | 1;
        const count = Number(call.slice(2));
        const from = at[side] as number;
        at[side] = from + count;
        if (call[1] === '?') continue;
        const chunk = (chunks[side] as Buffer[]).shift() as Buffer;
        assert.deepEqual([...chunk], [...conversation.streams[side].subarray(from, from + count)]);
      }
      // One more at most: an acknowledged FIN that was taken for a byte.
      for (const side of [0, 1] as const) assert.ok((at[side] as number) <= conversation.streams[side].length + 1);
    }),
    { seed: 42, numRuns: 1500 },
  );
});
