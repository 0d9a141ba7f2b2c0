/** DECFLOAT: numbers whose bytes are published, and every group of three digits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decimalFloat } from './decfloat.ts';
import { bound } from './testing.ts';
import * as types from './types.ts';

const bytesOf = (hex: string) => Buffer.from(hex, 'hex');

const NUMBERS: readonly (readonly [string, string])[] = [
  // "DB2 codes for numeric data", DB2 for z/OS administration guide.
  ['222c000000001e80', '7.500'],
  ['a2300000000003d0', '-7.50'],
  // IEEE 754-2008: the largest, the smallest, one, and what is no number.
  ['77fcff3fcff3fcff', '9.999999999999999E+384'],
  ['0000000000000001', '1E-398'],
  ['2238000000000001', '1'],
  ['2234000000000001', '0.1'],
  ['2220000000000001', '0.000001'],
  ['221c000000000001', '1E-7'],
  ['223c000000000001', '1E+1'],
  ['2238000000000000', '0'],
  ['263934b9c1e28e56', '1234567890123456'],
  ['7800000000000000', 'Infinity'],
  ['f800000000000000', '-Infinity'],
  ['7c00000000000000', 'NaN'],
  ['7e00000000000000', 'NaN'],
  ['2608134b9c1e28e56f3c127177823534', '1234567890123456789012345678901234'],
  ['77ffcff3fcff3fcff3fcff3fcff3fcff', '9.999999999999999999999999999999999E+6144'],
];

for (const [hex, expected] of NUMBERS) {
  test(`DECFLOAT ${hex} is ${expected}`, () => {
    assert.equal(decimalFloat(bytesOf(hex), 0, hex.length / 2), expected);
  });
}

test('DECFLOAT: ten bits for three digits, each number of them and no other', () => {
  const found = new Set<string>();
  for (let declet = 0; declet < 1024; declet++) {
    const bytes = bytesOf('2238000000000000');
    bytes.writeUInt16BE(declet, 6);
    const text = decimalFloat(bytes, 0, 8) ?? '';
    assert.match(text, /^\d{1,3}$/);
    found.add(text);
  }
  assert.equal(found.size, 1000);
});

test('DECFLOAT as a bind value, most significant byte first in little-endian sessions too', () => {
  for (const typdef of ['QTDSQLASC', 'QTDSQLX86']) {
    const row = [bytesOf('222c000000001e80'), bytesOf('22080000000000000000000000000001')];
    const list = [
      [types.DECIMAL_FLOAT, 8],
      [types.DECIMAL_FLOAT, 16],
    ] as const;
    assert.deepEqual(bound(list, row, { typdef }), ['7.500', '1']);
  }
});
