import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { encodeFilter, hashKey, isFilter, mayHold } from './filter.ts';
import { keyBytes } from './keys.ts';

const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 });

describe('the filter of a segment', () => {
  test('never says no to a key that is there', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 300 }), (keys) => {
        const bits = encodeFilter(keys);
        assert.ok(isFilter(bits));
        for (const key of keys) assert.ok(mayHold(bits, hashKey(key)));
      }),
      { seed: 42, numRuns: 200 },
    );
  });

  test('says yes to fewer than one in a hundred keys that are not there, however alike they are', () => {
    const user = (n: number): Buffer => keyBytes({ field: 'user', value: `user${n}` });
    const bits = encodeFilter(Array.from({ length: 20_000 }, (_, n) => user(n)));
    assert.ok(bits.length < 20_000 * 1.6, `${bits.length} bytes`);
    const fields = ['user', 'effective', 'session', 'object'] as const;
    for (const field of fields) {
      let wrong = 0;
      for (let n = 20_000; n < 60_000; n++) {
        if (mayHold(bits, hashKey(keyBytes({ field, value: `user${n}` })))) wrong++;
      }
      assert.ok(wrong < 400, `${wrong} of 40,000 for ${field}`);
    }
  });

  test('of nothing holds nothing', () => {
    assert.equal(mayHold(encodeFilter([]), hashKey(Buffer.from('x'))), false);
    assert.equal(isFilter(new Uint8Array(0)), false);
    assert.equal(isFilter(new Uint8Array(33)), false);
  });
});
