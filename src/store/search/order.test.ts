import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { comparePlaces, inTimeOrder, type RecordPlace } from './order.ts';

/** As the segment writer measures it. */
function disorderOf(places: readonly RecordPlace[]): number {
  let max = 0;
  let disorder = 0;
  for (const { time_us } of places) {
    max = Math.max(max, time_us);
    disorder = Math.max(disorder, max - time_us);
  }
  return disorder;
}

describe('order of time', () => {
  test('is exact, whatever the order of arrival', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60), { maxLength: 80 }), (times) => {
        const places = times.map((time_us, seq) => ({ seq, time_us }));
        const sorted = places.toSorted(comparePlaces);
        assert.deepEqual([...inTimeOrder(places, 'oldest', disorderOf(places))], sorted);
        assert.deepEqual([...inTimeOrder(places.toReversed(), 'newest', disorderOf(places))], sorted.toReversed());
      }),
      { seed: 42, numRuns: 1000 },
    );
  });

  test('comes as a stream: the newest of a long list is known after a few', () => {
    let taken = 0;
    function* places(): Generator<RecordPlace> {
      for (let seq = 1_000_000; seq > 0; seq--) {
        taken++;
        yield { seq, time_us: seq * 10 };
      }
    }
    const [first] = inTimeOrder(places(), 'newest', 100);
    assert.equal(first?.seq, 1_000_000);
    assert.equal(taken, 12);
  });
});
