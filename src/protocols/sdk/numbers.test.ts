import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { doubleValue, integerValue, singleValue } from './numbers.ts';

const view = new DataView(new ArrayBuffer(8));

function singleBits(value: number): number {
  view.setFloat32(0, value);
  return view.getUint32(0);
}

function double(value: number): number | string {
  view.setFloat64(0, value);
  return doubleValue(view.getUint32(0), view.getUint32(4));
}

test('integers are numbers as far as numbers are exact', () => {
  const cases: readonly [bigint, number | string][] = [
    [0n, 0],
    [-(2n ** 53n) + 1n, -(2 ** 53) + 1],
    [2n ** 53n, '9007199254740992'],
    [-(2n ** 63n), '-9223372036854775808'],
    [2n ** 64n - 1n, '18446744073709551615'],
  ];
  for (const [value, expected] of cases) assert.equal(integerValue(value), expected);
});

test('what JSON cannot say is text', () => {
  for (const [value, text] of [
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
    [-0, '-0'],
  ] as const) {
    assert.equal(singleValue(singleBits(value)), text);
    assert.equal(double(value), text);
  }
});

test('singles are their shortest decimal, and every one reads back as the same', () => {
  assert.equal(singleValue(singleBits(0.1)), 0.1);
  assert.equal(singleValue(singleBits(16_777_216)), 16_777_216);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffffffff }), (bits) => {
      const value = singleValue(bits);
      if (typeof value === 'number') assert.equal(singleBits(value), bits);
    }),
    { seed: 42, numRuns: 5000 },
  );
});

test('every double is itself', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      assert.equal(Number(double(value)), value);
    }),
    { seed: 42, numRuns: 1000 },
  );
});
