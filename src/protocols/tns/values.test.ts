/** Bind values by type, against encoders written from the format's description. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TtcReader } from './reader.ts';
import { numberValue } from './scalars.ts';
import { readValue, scalarValue } from './values.ts';

function bind(type: number, form = 0): Parameters<typeof scalarValue>[1] {
  return { type, flags: 0, maxBytes: 30, charset: 873, form };
}

/** NUMBER of an integer scaled by a power of 100. */
function encode(value: bigint, scale: number): Uint8Array {
  if (value === 0n) return Uint8Array.of(0x80);
  const negative = value < 0n;
  const digits: number[] = [];
  for (let rest = negative ? -value : value; rest > 0n; rest /= 100n) digits.unshift(Number(rest % 100n));
  const exponent = 193 + digits.length - 1 - scale;
  while (digits.at(-1) === 0) digits.pop();
  return negative
    ? Uint8Array.of(~exponent & 0xff, ...digits.map((digit) => 101 - digit), 0x66)
    : Uint8Array.of(exponent, ...digits.map((digit) => digit + 1));
}

test('NUMBER: integers and decimals come back exactly', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n }), fc.integer({ min: 0, max: 10 }), (value, scale) => {
      const text = decimalOf(value, scale);
      assert.equal(String(numberValue(encode(value, scale))), text);
    }),
    { seed: 42, numRuns: 2000 },
  );
  assert.equal(numberValue(Uint8Array.of(0x3d, 0x64, 0x4e, 0x38, 0x66)), -123.45);
  assert.equal(numberValue(Uint8Array.of(0xff, 0x65)), 'Infinity');
});

function decimalOf(value: bigint, scale: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(2 * scale + 1, '0');
  const whole = digits.slice(0, digits.length - 2 * scale);
  const part = digits.slice(digits.length - 2 * scale).replace(/0+$/, '');
  return `${value < 0n ? '-' : ''}${whole}${part === '' ? '' : `.${part}`}`;
}

test('dates, timestamps, zones, intervals', () => {
  const date = [120, 124, 2, 29, 13, 35, 57];
  assert.equal(scalarValue(Uint8Array.from(date), bind(12)), '2024-02-29T12:34:56');
  assert.equal(scalarValue(Uint8Array.of(...date, 0x07, 0x5b, 0xcd, 0x15), bind(180)), '2024-02-29T12:34:56.123456789');
  assert.equal(scalarValue(Uint8Array.of(...date, 0, 0, 0, 0, 25, 90), bind(181)), '2024-02-29T12:34:56Z (+05:30)');
  assert.equal(scalarValue(Uint8Array.of(...date, 0, 0, 0, 0, 17, 30), bind(181)), '2024-02-29T12:34:56Z (-03:30)');
  assert.equal(scalarValue(Uint8Array.of(0x80, 0, 0, 3, 60 + 7), bind(182)), '3-07');
  assert.equal(scalarValue(Uint8Array.of(0x7f, 0xff, 0xff, 0xfd, 60 - 7), bind(182)), '-3-07');
  const interval = Uint8Array.of(0x80, 0, 0, 2, 63, 64, 65, 0x80, 0, 0, 5);
  assert.equal(scalarValue(interval, bind(183)), '2 03:04:05.000000005');
});

test('texts, booleans, floats, raw, null', () => {
  assert.equal(scalarValue(Buffer.from('größe'), bind(1, 1)), 'größe');
  assert.equal(scalarValue(Uint8Array.of(0, 0x67, 0, 0xf6), bind(1, 2)), 'gö');
  assert.equal(scalarValue(Uint8Array.of(0xe9), { ...bind(1, 1), charset: 178 }), 'é');
  assert.equal(scalarValue(Uint8Array.of(1, 1), bind(252)), true);
  assert.equal(scalarValue(Uint8Array.of(0), bind(252)), false);
  assert.equal(scalarValue(Uint8Array.of(0xbf, 0xf8, 0, 0, 0, 0, 0, 0), bind(101)), 1.5);
  assert.equal(scalarValue(Uint8Array.of(0x3f, 0xdf, 0xff, 0xff), bind(100)), -2.5);
  assert.deepEqual(scalarValue(Uint8Array.of(0xca, 0xfe), bind(23)), { type: 'RAW', hex: 'cafe' });
  assert.equal(scalarValue(undefined, bind(2)), null);
});

test('bytes that do not fit their type are given in hexadecimal', () => {
  assert.deepEqual(scalarValue(Uint8Array.of(0xc1, 0xff), bind(2)), { type: 'NUMBER', hex: 'c1ff' });
  assert.deepEqual(scalarValue(Uint8Array.of(1, 2), bind(12)), { type: 'DATE', hex: '0102' });
  assert.deepEqual(scalarValue(Uint8Array.of(9), bind(77)), { type: '77', hex: '09' });
});

test('values that are more than counted bytes: cursors, locators, objects', () => {
  const read = (type: number, ...content: readonly number[]): unknown => {
    const reader = new TtcReader();
    reader.reset(Uint8Array.from(content), 0, content.length);
    const values: unknown[] = [];
    readValue(reader, bind(type), values as Parameters<typeof readValue>[2]);
    assert.equal(reader.failed, false);
    assert.equal(reader.remaining(), 0);
    return values[0];
  };
  assert.equal(read(102, 1, 0), null);
  assert.equal(read(102, 1, 1, 1, 17), 'cursor 17');
  assert.deepEqual(read(114, 1, 3, 3, 9, 8, 7), { type: 'BFILE locator', hex: '090807' });
  assert.equal(read(113, 0), null);
  const object = [1, 2, 2, 0xaa, 0xbb, 0, 0, 0, 1, 3, 1, 1, 3, 0x84, 1, 5];
  assert.deepEqual(read(109, ...object), { type: 'OBJECT', hex: '840105' });
  assert.equal(read(109, 0, 0, 0, 0, 0, 0), null);
});

test('no bytes make a value that throws or runs past its message', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(255), fc.nat(255), (content, type, flags) => {
      const reader = new TtcReader();
      reader.reset(content, 0, content.length);
      readValue(reader, { ...bind(type), flags }, []);
      assert.ok(reader.pos <= content.length);
    }),
    { seed: 42, numRuns: 3000 },
  );
});
