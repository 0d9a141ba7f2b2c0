import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { BindValue } from '../../contracts/event.ts';
import * as t from './testing.ts';
import * as type from './types.ts';
import { decodeValue, FORMAT_BINARY, FORMAT_TEXT } from './values.ts';

function binary(oid: number, bytes: Uint8Array | string): BindValue {
  const value = typeof bytes === 'string' ? Buffer.from(bytes, 'hex') : bytes;
  return decodeValue(value, 0, value.length, oid, FORMAT_BINARY, 'utf8', 4096);
}

function text(oid: number, value: string): BindValue {
  const bytes = Buffer.from(value);
  return decodeValue(bytes, 0, bytes.length, oid, FORMAT_TEXT, 'utf8', 4096);
}

function double(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
}

/** 2024-02-29 13:14:15.5 UTC. */
const LEAP_US = BigInt(Date.UTC(2024, 1, 29, 13, 14, 15) - Date.UTC(2000, 0, 1)) * 1000n + 500_000n;

const BINARY_CASES: readonly (readonly [string, number, Uint8Array | string, BindValue])[] = [
  ['bool', type.OID_BOOL, '01', true],
  ['bool false', type.OID_BOOL, '00', false],
  ['int2', type.OID_INT2, 'ffff', -1],
  ['int4', type.OID_INT4, '80000000', -2_147_483_648],
  ['int8', type.OID_INT8, t.i64(9_007_199_254_740_991n), 9_007_199_254_740_991],
  ['int8 beyond 2^53', type.OID_INT8, t.i64(9_007_199_254_740_993n), '9007199254740993'],
  ['int8 negative', type.OID_INT8, t.i64(-9_223_372_036_854_775_808n), '-9223372036854775808'],
  ['oid', type.OID_OID, 'ffffffff', 4_294_967_295],
  ['float4 shortest', type.OID_FLOAT4, '3dcccccd', 0.1],
  ['float4 nine digits', type.OID_FLOAT4, '3f800001', 1.0000001],
  ['float4 infinity', type.OID_FLOAT4, 'ff800000', '-Infinity'],
  ['float8', type.OID_FLOAT8, double(0.1), 0.1],
  ['float8 NaN', type.OID_FLOAT8, double(Number.NaN), 'NaN'],
  ['float8 negative zero', type.OID_FLOAT8, double(-0), '-0'],
  ['text', type.OID_TEXT, Buffer.from('grün'), 'grün'],
  ['varchar', type.OID_VARCHAR, Buffer.from(''), ''],
  ['bytea', type.OID_BYTEA, '00ff', { type: 'bytea', hex: '00ff' }],
  ['json', type.OID_JSON, Buffer.from('{"a": 1}'), '{"a": 1}'],
  ['jsonb', type.OID_JSONB, Buffer.from('\x01{"a": 1}'), '{"a": 1}'],
  ['jsonb of an unknown version', type.OID_JSONB, '027b7d', { type: 'jsonb', hex: '027b7d' }],
  ['uuid', type.OID_UUID, '00112233445566778899aabbccddeeff', '00112233-4455-6677-8899-aabbccddeeff'],
  ['uuid too short', type.OID_UUID, '0011', { type: 'uuid', hex: '0011' }],
  ['inet v4', type.OID_INET, '022000040a000001', '10.0.0.1'],
  ['inet v4 network', type.OID_INET, '021800040a000001', '10.0.0.1/24'],
  ['cidr', type.OID_CIDR, '022001040a000001', '10.0.0.1/32'],
  ['inet v6', type.OID_INET, `03800010${'20010db8'}${'0'.repeat(23)}1`, '2001:db8::1'],
  ['inet v6 with an IPv4 address', type.OID_INET, `03800010${'0'.repeat(20)}ffff01020304`, '::ffff:1.2.3.4'],
  ['inet v6 that ends like IPv4', type.OID_INET, `03800010${'0'.repeat(24)}01020304`, '::1.2.3.4'],
  ['inet v6 loopback', type.OID_INET, `03800010${'0'.repeat(31)}1`, '::1'],
  ['inet v6 all zero', type.OID_INET, `03800010${'0'.repeat(32)}`, '::'],
  ['inet with a lie', type.OID_INET, '022000050a000001', { type: 'inet', hex: '022000050a000001' }],
  ['date', type.OID_DATE, t.i32(8825), '2024-02-29'],
  ['date before the epoch', type.OID_DATE, t.i32(-1), '1999-12-31'],
  ['date BC', type.OID_DATE, t.i32(-730_500), '0002-12-17 BC'],
  ['date infinity', type.OID_DATE, '7fffffff', 'infinity'],
  ['time', type.OID_TIME, t.i64(47_655_500_000n), '13:14:15.5'],
  ['time out of range', type.OID_TIME, t.i64(-1n), { type: 'time', hex: 'ffffffffffffffff' }],
  ['timetz', type.OID_TIMETZ, Buffer.concat([t.i64(47_655_000_000n), t.i32(-19_800)]), '13:14:15+05:30'],
  ['timestamp', type.OID_TIMESTAMP, t.i64(LEAP_US), '2024-02-29 13:14:15.5'],
  ['timestamptz', type.OID_TIMESTAMPTZ, t.i64(LEAP_US), '2024-02-29 13:14:15.5+00'],
  ['timestamp before the epoch', type.OID_TIMESTAMP, t.i64(-1n), '1999-12-31 23:59:59.999999'],
  ['timestamp infinity', type.OID_TIMESTAMP, '8000000000000000', '-infinity'],
  [
    'interval',
    type.OID_INTERVAL,
    Buffer.concat([t.i64(3_723_000_000n), t.i32(2), t.i32(14)]),
    '1 year 2 mons 2 days 01:02:03',
  ],
  ['interval zero', type.OID_INTERVAL, Buffer.alloc(16), '00:00:00'],
  ['interval signs', type.OID_INTERVAL, Buffer.concat([t.i64(1_000_000n), t.i32(-1), t.i32(0)]), '-1 days +00:00:01'],
  ['unknown type', 16_999, 'abcd', { type: '16999', hex: 'abcd' }],
  ['no type', 0, 'abcd', { type: 'unspecified', hex: 'abcd' }],
  ['int4 too long', type.OID_INT4, '0000000001', { type: 'int4', hex: '0000000001' }],
];

for (const [name, oid, bytes, expected] of BINARY_CASES) {
  test(`binary ${name}`, () => assert.deepEqual(binary(oid, bytes), expected));
}

const TEXT_CASES: readonly (readonly [string, number, string, BindValue])[] = [
  ['int4', type.OID_INT4, '42', 42],
  ['int8 beyond 2^53', type.OID_INT8, '9007199254740993', '9007199254740993'],
  ['int8 within', type.OID_INT8, '-9007199254740991', -9_007_199_254_740_991],
  ['int4 that is none', type.OID_INT4, 'abc', 'abc'],
  ['int4 empty', type.OID_INT4, '', ''],
  ['float8', type.OID_FLOAT8, '1.50', 1.5],
  ['float8 exponent', type.OID_FLOAT8, '1e5', 100_000],
  ['float8 more digits than a double holds', type.OID_FLOAT8, '0.10000000000000000555', '0.10000000000000000555'],
  ['float8 too large', type.OID_FLOAT8, '1e400', '1e400'],
  ['float8 NaN', type.OID_FLOAT8, 'NaN', 'NaN'],
  ['bool', type.OID_BOOL, 't', true],
  ['bool word', type.OID_BOOL, 'FALSE', false],
  ['bool that is none', type.OID_BOOL, 'maybe', 'maybe'],
  ['numeric stays text', type.OID_NUMERIC, '1.500', '1.500'],
  ['bytea', type.OID_BYTEA, '\\xDEAD', { type: 'bytea', hex: 'dead' }],
  ['no type: as sent', 0, '42', '42'],
];

for (const [name, oid, value, expected] of TEXT_CASES) {
  test(`text ${name}`, () => assert.deepEqual(text(oid, value), expected));
}

/** numeric_send: digits of base 10000. */
function numeric(weight: number, sign: number, scale: number, ...digits: readonly number[]): Buffer {
  return Buffer.concat([t.i16(digits.length), t.i16(weight), t.i16(sign), t.i16(scale), ...digits.map(t.i16)]);
}

test('binary numeric is exact', () => {
  const cases: readonly [Buffer, BindValue][] = [
    [numeric(0, 0, 0), '0'],
    [numeric(0, 0, 2), '0.00'],
    [numeric(0, 0, 4, 123, 4500), '123.4500'],
    [numeric(1, 0x4000, 0, 1, 2), '-10002'],
    [numeric(2, 0, 0, 1), '100000000'],
    [numeric(-1, 0, 5, 1), '0.00010'],
    [numeric(-2, 0, 8, 12), '0.00000012'],
    [numeric(0, 0xc000, 0), 'NaN'],
    [numeric(0, 0xd000, 0), 'Infinity'],
    [numeric(0, 0xf000, 0), '-Infinity'],
  ];
  for (const [bytes, expected] of cases) assert.equal(binary(type.OID_NUMERIC, bytes), expected);
  assert.equal(binary(type.OID_NUMERIC, numeric(77, 0, 0, 1)), `1${'0'.repeat(308)}`);
  const tall = numeric(32_767, 0, 0, 1);
  // Eight bytes that stand for thousands of zeros, before or behind the point, and a digit that is none.
  for (const bad of [tall, numeric(-32_768, 0, 0x3fff), numeric(0, 0, 0x3fff), numeric(0, 0, 0, 12_345)]) {
    assert.deepEqual(binary(type.OID_NUMERIC, bad), { type: 'numeric', hex: bad.toString('hex') });
  }
});

/** array_send of one dimension. */
function array(element: number, ...values: readonly (Uint8Array | null)[]): Buffer {
  const body = values.flatMap((value) => (value === null ? [t.i32(-1)] : [t.i32(value.length), value]));
  return Buffer.concat([t.i32(1), t.i32(0), t.i32(element), t.i32(values.length), t.i32(1), ...body]);
}

test('binary arrays are written as array literals', () => {
  assert.equal(binary(1007, array(type.OID_INT4, t.i32(1), null, t.i32(-3))), '{1,NULL,-3}');
  const words = ['plain', '', 'a b', 'q"\\', 'null', 'a,b'].map((word) => Buffer.from(word));
  assert.equal(binary(1009, array(type.OID_TEXT, ...words)), '{plain,"","a b","q\\"\\\\","null","a,b"}');
  assert.equal(binary(1000, array(type.OID_BOOL, Buffer.from([1]), Buffer.from([0]))), '{t,f}');
  assert.equal(binary(1001, array(type.OID_BYTEA, Buffer.from([0xde, 0xad]))), '{"\\\\xdead"}');
  assert.equal(binary(1007, Buffer.concat([t.i32(0), t.i32(0), t.i32(23)])), '{}');
  const matrix = [
    t.i32(2),
    t.i32(0),
    t.i32(23),
    t.i32(2),
    t.i32(0),
    t.i32(1),
    t.i32(1),
    t.i32(4),
    t.i32(7),
    t.i32(4),
    t.i32(8),
  ];
  assert.equal(binary(1007, Buffer.concat(matrix)), '[0:1][1:1]={{7},{8}}');
});

test('arrays that lie about their size are given as bytes', () => {
  const huge = Buffer.concat([t.i32(1), t.i32(0), t.i32(23), t.i32(0x7fffffff), t.i32(1)]);
  assert.deepEqual(binary(1007, huge), { type: 'int4[]', hex: huge.toString('hex') });
  // Elements of no bytes must not be read beyond the end: 70 to the power of 6 of them.
  const empty = Buffer.concat([t.i32(6), t.i32(0), t.i32(25), ...Array.from({ length: 12 }, () => t.i32(70))]);
  assert.deepEqual(binary(1009, empty), { type: 'text[]', hex: empty.toString('hex') });
  const tall = array(type.OID_NUMERIC, ...Array.from({ length: 60 }, () => numeric(77, 0, 0, 1)));
  assert.deepEqual(binary(1231, tall), { type: 'numeric[]', hex: tall.toString('hex') });
  const nested = Buffer.concat([t.i32(6), t.i32(0), t.i32(23), ...Array.from({ length: 12 }, () => t.i32(70))]);
  assert.deepEqual(binary(1007, nested), { type: 'int4[]', hex: nested.toString('hex') });
});

test('long values: text is cut on a character, bytes are not', () => {
  const long = Buffer.from('ab€'.repeat(10));
  const cut = decodeValue(long, 0, long.length, type.OID_TEXT, FORMAT_BINARY, 'utf8', 13);
  assert.ok(typeof cut === 'object' && cut !== null && 'text' in cut);
  assert.deepEqual([cut.type, cut.text, cut.length], ['text', 'ab€ab€ab', 50]);
  const bytes = decodeValue(long, 0, long.length, type.OID_BYTEA, FORMAT_BINARY, 'utf8', 2);
  assert.ok(typeof bytes === 'object' && bytes !== null && 'hex' in bytes && 'length' in bytes);
  assert.deepEqual([bytes.type, bytes.hex, bytes.length], ['bytea', '6162', 50]);
});

test('any bytes as any type: no throw, and the value survives JSON', () => {
  const oids = [...Object.values(type).filter((value) => typeof value === 'number'), 1007, 1009, 1231, 2951, 0, 99_999];
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 64 }),
      fc.constantFrom(...oids),
      fc.constantFrom(FORMAT_TEXT, FORMAT_BINARY, 7),
      (bytes, oid, format) => {
        const value = decodeValue(bytes, 0, bytes.length, oid, format, 'utf8', 48);
        assert.deepEqual(JSON.parse(JSON.stringify(value)), value);
      },
    ),
    { seed: 42, numRuns: 5000 },
  );
});

test('timestamps agree with the calendar of the language', () => {
  fc.assert(
    fc.property(fc.integer({ min: Date.UTC(1, 0, 1), max: Date.UTC(9999, 11, 31) }), (ms) => {
      const us = BigInt(ms - Date.UTC(2000, 0, 1)) * 1000n;
      const iso = new Date(ms).toISOString();
      const expected = iso.replace('T', ' ').replace(/\.?0*Z$/, '');
      assert.equal(binary(type.OID_TIMESTAMP, t.i64(us)), expected);
    }),
    { seed: 42, numRuns: 2000 },
  );
});
