import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PcapngClock } from './pcapng-clock.ts';

test('every resolution gives the same as big integers', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0x80, max: 0x80 + 70 })),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 }),
      (resolution, stamp, offset) => {
        const units = resolution < 0x80 ? 10n ** BigInt(resolution) : 2n ** BigInt(resolution - 0x80);
        const clock = new PcapngClock(resolution, offset);
        clock.read(Number(stamp >> 32n), Number(stamp & 0xffff_ffffn));
        const nanoseconds = ((stamp % units) * 1_000_000_000n) / units;
        assert.equal(clock.nanoseconds, Number(nanoseconds));
        // Beyond 2^53 seconds only the scale matters: descriptors keep 32 bits.
        const seconds = stamp / units + BigInt(offset);
        if (seconds < 2n ** 53n) assert.equal(BigInt(clock.seconds), seconds);
      },
    ),
    { seed: 42, numRuns: 5000 },
  );
});

test('times of today in the usual resolutions', () => {
  const read = (resolution: number, stamp: bigint) => {
    const clock = new PcapngClock(resolution, 0);
    clock.read(Number(stamp >> 32n), Number(stamp & 0xffff_ffffn));
    return [clock.seconds, clock.nanoseconds];
  };
  assert.deepEqual(read(PcapngClock.RESOLUTION_DEFAULT, 1_760_000_000_999_999n), [1_760_000_000, 999_999_000]);
  assert.deepEqual(read(9, 1_760_000_000_999_999_999n), [1_760_000_000, 999_999_999]);
  assert.deepEqual(read(0, 1_760_000_000n), [1_760_000_000, 0]);
});
