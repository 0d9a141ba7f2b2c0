import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TimerWheel } from './wheel.ts';

const TICK_US = 1000;
const BUCKETS = 64;
const SLOTS = 16;

function drain(wheel: TimerWheel, nowUs: number): number[] {
  const slots: number[] = [];
  for (let slot = wheel.take(nowUs); slot >= 0; slot = wheel.take(nowUs)) slots.push(slot);
  return slots;
}

test('slots come due after their time, within a tick, first scheduled first', () => {
  const wheel = new TimerWheel(SLOTS, TICK_US, BUCKETS);
  wheel.schedule(3, 5500, 0);
  wheel.schedule(1, 5200, 0);
  wheel.schedule(2, 2000, 0);
  assert.deepEqual(drain(wheel, 1999), []);
  assert.deepEqual(drain(wheel, 2000), [2]);
  assert.deepEqual(drain(wheel, 5999), []);
  assert.deepEqual(drain(wheel, 6000), [3, 1]);
  assert.equal(wheel.size, 0);
});

test('scheduling again replaces, cancelling removes', () => {
  const wheel = new TimerWheel(SLOTS, TICK_US, BUCKETS);
  wheel.schedule(1, 2000, 0);
  wheel.schedule(1, 9000, 0);
  wheel.schedule(2, 2000, 0);
  wheel.cancel(2);
  wheel.cancel(2);
  assert.deepEqual([wheel.isScheduled(1), wheel.isScheduled(2), wheel.size], [true, false, 1]);
  assert.deepEqual(drain(wheel, 8999), []);
  assert.deepEqual(drain(wheel, 9000), [1]);
});

test('the earliest is found, also one scheduled earlier afterwards', () => {
  const wheel = new TimerWheel(SLOTS, TICK_US, BUCKETS);
  assert.equal(wheel.earliest(), -1);
  wheel.schedule(4, 30_000, 0);
  assert.equal(wheel.earliest(), 4);
  assert.equal(wheel.earliestUs, 30_000);
  wheel.schedule(5, 10_000, 0);
  assert.equal(wheel.earliest(), 5);
  wheel.cancel(5);
  assert.equal(wheel.earliest(), 4);
});

test('against a list: never early inside the horizon, never more than a tick late, time leaping as it likes', () => {
  const step = fc.record({
    slot: fc.nat(SLOTS - 1),
    afterUs: fc.integer({ min: 1, max: TICK_US * (BUCKETS - 2) }),
    passUs: fc.oneof(fc.nat(3 * TICK_US), fc.nat(500 * TICK_US)),
    cancel: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat(1e9), (steps, startUs) => {
      const wheel = new TimerWheel(SLOTS, TICK_US, BUCKETS);
      const due = new Map<number, number>();
      let nowUs = startUs;
      drain(wheel, nowUs);
      for (const { slot, afterUs, passUs, cancel } of steps) {
        if (cancel) {
          wheel.cancel(slot);
          due.delete(slot);
        } else {
          wheel.schedule(slot, nowUs + afterUs, nowUs);
          due.set(slot, nowUs + afterUs);
        }
        assert.equal(wheel.size, due.size);
        nowUs += passUs;
        for (const taken of drain(wheel, nowUs)) {
          assert.ok((due.get(taken) ?? Number.POSITIVE_INFINITY) <= nowUs, `slot ${taken} is early`);
          due.delete(taken);
        }
        for (const [left, at] of due) assert.ok(at > nowUs - TICK_US, `slot ${left} is late`);
      }
    }),
    { seed: 42, numRuns: 500 },
  );
});

test('beyond the horizon a slot comes early, for the owner to look again', () => {
  const wheel = new TimerWheel(SLOTS, TICK_US, BUCKETS);
  wheel.schedule(1, 1_000_000, 0);
  assert.deepEqual(drain(wheel, TICK_US * BUCKETS), [1]);
});

test('the number of buckets is a power of two', () => {
  assert.throws(() => new TimerWheel(1, 1, 3), RangeError);
});

test('time may leap by years: all is due, in order, at the cost of a turn', () => {
  const wheel = new TimerWheel(8, 1000, 16);
  wheel.schedule(0, 5000, 1000);
  wheel.schedule(1, 3000, 1000);
  const later = 1e15;
  assert.deepEqual([wheel.take(later), wheel.take(later), wheel.take(later)], [1, 0, -1]);
  // What is put back with a deadline in the far future comes due a bounded number of times.
  wheel.schedule(2, 2e15, later);
  let taken = 0;
  while (wheel.take(1.5e15) === 2) {
    taken++;
    wheel.schedule(2, 2e15, 1.5e15);
  }
  assert.ok(taken > 0 && taken < 64, `${taken} times`);
});
