import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  DESCRIPTOR_CAPTURED_BYTES,
  DESCRIPTOR_OFFSET,
  DESCRIPTOR_SECONDS,
  DESCRIPTOR_WORDS,
  type PacketBatch,
} from '../../contracts/packet.ts';
import { RecentPackets } from './recent.ts';

const OPTIONS = { connectionsMax: 2, ringBytes: 100, ringPackets: 6 };

/** A batch of one packet of `length` equal bytes. */
function batchOf(number: number, length: number): PacketBatch {
  const descriptors = new Int32Array(DESCRIPTOR_WORDS);
  descriptors[DESCRIPTOR_OFFSET] = 3;
  descriptors[DESCRIPTOR_CAPTURED_BYTES] = length;
  descriptors[DESCRIPTOR_SECONDS] = number;
  return { bytes: new Uint8Array(length + 3).fill(number & 0xff), descriptors, count: 1, lostBefore: 0 };
}

function drain(recent: RecentPackets, slot: number): number[] {
  const found: number[] = [];
  recent.drain(slot, (bytes, descriptors, d) => {
    const start = descriptors[d + DESCRIPTOR_OFFSET] as number;
    const number = descriptors[d + DESCRIPTOR_SECONDS] as number;
    const own = bytes.subarray(start, start + (descriptors[d + DESCRIPTOR_CAPTURED_BYTES] as number));
    assert.ok(own.every((byte) => byte === (number & 0xff)));
    found.push(number);
  });
  return found;
}

test('a ring holds an unbroken run of the newest packets, unharmed, and not less than fits', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 40 }), (lengths) => {
      const recent = new RecentPackets(4, OPTIONS);
      lengths.forEach((length, number) => {
        recent.keep(1, batchOf(number, length), 0);
        // A neighbour's ring takes nothing away.
        recent.keep(2, batchOf(number, 100 - Math.min(length, 100)), 0);
      });
      const found = drain(recent, 1);
      const first = lengths.length - found.length;
      assert.deepEqual(found, lengths.map((_, number) => number).slice(first));
      // What was dropped made room: with the longest run of it that could be wasted at the end, the ring was full.
      const kept = lengths.slice(Math.max(0, first - 1)).reduce((sum, length) => sum + Math.min(length, 100), 0);
      const waste = Math.max(0, ...lengths.map((length) => Math.min(length, 100)));
      assert.ok(first <= 0 || found.length === OPTIONS.ringPackets || kept + waste > OPTIONS.ringBytes);
      assert.deepEqual(drain(recent, 1), []);
    }),
    { seed: 42, numRuns: 500 },
  );
});

test('the connection that was silent the longest gives its ring to a new one', () => {
  const recent = new RecentPackets(4, OPTIONS);
  recent.keep(0, batchOf(1, 10), 0);
  recent.keep(1, batchOf(2, 10), 0);
  recent.keep(0, batchOf(3, 10), 0);
  recent.keep(3, batchOf(4, 10), 0);
  assert.equal(recent.evictions, 1);
  assert.equal(recent.has(1), false);
  assert.deepEqual(drain(recent, 0), [1, 3]);
  recent.forget(0);
  recent.keep(1, batchOf(5, 10), 0);
  assert.equal(recent.evictions, 1);
  assert.deepEqual(drain(recent, 1), [5]);
  assert.deepEqual(drain(recent, 3), [4]);
});
