/** Bind values of every type, in each data representation, and large objects. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import * as cp from './codepoints.ts';
import { hexFloat, packedDecimal } from './numbers.ts';
import * as t from './testing.ts';
import * as types from './types.ts';

const counted = (bytes: Uint8Array) => Buffer.concat([t.u16(bytes.length), bytes]);
const double = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
};

test('integers, floats, booleans and nulls', () => {
  const single = Buffer.alloc(4);
  single.writeFloatBE(1.1);
  assert.deepEqual(
    t.bound(
      [
        [types.INTEGER, 4],
        [types.SMALL | 1, 2],
        [types.INTEGER8, 8],
        [types.INTEGER8, 8],
        [types.FLOAT4, 4],
        [types.FLOAT8, 8],
        [types.BOOLEAN, 1],
        [types.INTEGER | 1, 4],
      ],
      [
        ...[t.u32(0xfffffffe), t.u8(0), t.u16(0xfff9), t.u32(0), t.u32(7), t.u32(0x7fffffff), t.u32(0xffffffff)],
        ...[single, double(-2.5e-300), t.u8(1), t.u8(0xff)],
      ],
    ),
    [-2, -7, 7, '9223372036854775807', 1.1, -2.5e-300, true, null],
  );
});

test('QTDSQLX86 has its lowest byte first', () => {
  const eight = double(0.5).reverse();
  assert.deepEqual(
    t.bound(
      [
        [types.INTEGER, 4],
        [types.FLOAT8, 8],
      ],
      [Uint8Array.of(0xfe, 0xff, 0xff, 0xff), eight],
      { typdef: 'QTDSQLX86' },
    ),
    [-2, 0.5],
  );
});

test('QTDSQL370 has hexadecimal floating point and EBCDIC text', () => {
  assert.deepEqual(
    t.bound(
      [
        [types.FLOAT8, 8],
        [types.FLOAT4, 4],
        [types.VARIABLE_MIXED, 40],
      ],
      [Buffer.from('c276a00000000000', 'hex'), Buffer.from('41100000', 'hex'), counted(t.ebcdic('Straße'))],
      { typdef: 'QTDSQL370', ccsid: 500 },
    ),
    [-118.625, 1, 'Straße'],
  );
});

test('decimals are exact strings', () => {
  assert.deepEqual(
    t.bound(
      [
        [types.DECIMAL, (12 << 8) | 3],
        [types.DECIMAL, (5 << 8) | 5],
        [types.ZONED_DECIMAL, (4 << 8) | 2],
        [types.DECIMAL, 3 << 8],
      ],
      [
        Buffer.from('0000012345678d', 'hex'),
        Buffer.from('00001c', 'hex'),
        Buffer.from('f0f1f2d3', 'hex'),
        Buffer.from('ffff', 'hex'),
      ],
    ),
    ['-12345.678', '0.00001', '-1.23', { type: 'decimal', hex: 'ffff' }],
  );
});

test('packed decimals survive the way there and back', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), fc.boolean(), fc.nat(12), (number, minus, scale) => {
      const digits = number.toString().padStart(31, '0');
      const bytes = Buffer.from(`${digits}${minus ? 'd' : 'c'}`, 'hex');
      const said = packedDecimal(bytes, 0, bytes.length, scale) ?? '';
      assert.equal(BigInt(said.replace('.', '')), minus ? -number : number);
      assert.equal(said.split('.')[1]?.length ?? 0, scale);
    }),
    { seed: 42, numRuns: 300 },
  );
});

test('hexadecimal floating point: zero, one, smallest steps', () => {
  const value = (hex: string) => hexFloat(Buffer.from(hex, 'hex'), 0, hex.length / 2);
  assert.deepEqual([value('00000000'), value('41100000'), value('c1100000'), value('40800000')], [0, 1, -1, 0.5]);
});

test('characters and bytes, fixed, counted and terminated', () => {
  assert.deepEqual(
    t.bound(
      [
        [types.FIXED_MIXED, 3],
        [types.VARIABLE_MIXED, 40],
        [types.TERMINATED_SBCS, 40],
        [types.SHORT_SBCS, 40],
        [types.VARIABLE_DBCS, 40],
        [types.FIXED_BYTES, 2],
        [types.VARIABLE_BYTES, 9],
        [types.DATE, 10],
        [types.TIME, 8],
        [types.TIMESTAMP, 26],
      ],
      [
        ...[t.utf8('abc'), counted(t.utf8('grüße')), t.utf8('nul\0'), t.u8(2), t.utf8('ab')],
        ...[t.u16(2), Uint8Array.of(0, 0x68, 0, 0x69), Uint8Array.of(1, 2), counted(Uint8Array.of(3))],
        ...[t.utf8('2024-02-29'), t.utf8('23.59.58'), t.utf8('2024-02-29-12.34.56.789012')],
      ],
    ),
    [
      ...['abc', 'grüße', 'nul', 'ab', 'hi', { type: 'binary', hex: '0102' }, { type: 'varbinary', hex: '03' }],
      ...['2024-02-29', '23:59:58', '2024-02-29 12:34:56.789012'],
    ],
  );
});

test('MDD and SDA triplets: a local type with a CCSID of its own', () => {
  const mdd = Uint8Array.of(7, 0x78, 0, 5, 1, 1, types.VARIABLE_SBCS);
  const sda = Uint8Array.of(12, 0x70, 0x51, 0x11, 0, 0, 0x01, 0xf4, 1, 0, 0, 40);
  const columns = Uint8Array.of(6, 0x76, 0xd0, 0x51, 0, 40, 6, 0x71, 0xe4, 0xd0, 0, 1);
  const row = t.object(cp.FDODTA, t.u8(0), counted(t.ebcdic('HALLO')));
  const data = t.object(cp.SQLDTA, t.object(cp.FDODSC, mdd, sda, columns), row);
  const events = t.run([t.toServer(t.chain(t.executeSection(2, data))), t.toClient(t.replies(1, [t.sqlcardNull]))]);
  assert.deepEqual(t.statements(events)[0]?.parameters, ['HALLO']);
});

test('several rows of parameters follow one another', () => {
  assert.deepEqual(t.bound([[types.SMALL, 2]], [t.u16(1), t.u8(0), t.u16(2), t.u8(0), t.u16(3)]), [1, 2, 3]);
});

test('a value over the cap is cut, its length and hash are those of the whole', () => {
  const text = 'ü'.repeat(5000);
  const [value] = t.bound([[types.VARIABLE_MIXED, 0x7fff]], [counted(t.utf8(text))]) ?? [];
  assert.deepEqual(value, {
    type: 'text',
    text: 'ü'.repeat(2048),
    length: 10_000,
    sha256: createHash('sha256').update(text).digest('hex'),
  });
});

test('EXTDTA: large objects take the place of their placeholders, empty ones have none', () => {
  const clob: t.ColumnType = [types.LOB_MIXED | 1, 0x8004];
  const blob: t.ColumnType = [types.LOB_BYTES | 1, 0x8002];
  assert.deepEqual(
    t.bound(
      [blob, clob, blob, clob],
      [t.u8(0), t.u16(2), t.u8(0), t.u32(0), t.u8(0xff), t.u8(0), t.u32(4)],
      {},
      t.object(cp.EXTDTA, t.u8(0), Uint8Array.of(0xca, 0xfe)),
      Buffer.concat([t.u16(0x8004), t.u16(cp.EXTDTA), t.u8(0), t.utf8('text')]),
    ),
    [{ type: 'blob', hex: 'cafe' }, '', null, 'text'],
  );
});

test("EXTDTA: Derby's status byte behind a streamed object is no part of it", () => {
  const blob: t.ColumnType = [types.LOB_BYTES | 1, 0x8002];
  const dbclob: t.ColumnType = [types.LOB_DBCS | 1, 0x8002];
  const unknown: t.ColumnType = [types.LOB_MIXED | 1, 0x8008];
  assert.deepEqual(
    t.bound(
      [blob, dbclob, unknown],
      [t.u8(0), t.u16(2), t.u8(0), t.u16(1), t.u8(0), t.u32(0x80000000), t.u32(0)],
      {},
      t.object(cp.EXTDTA, t.u8(0), Uint8Array.of(1, 2, 0x7f)),
      t.object(cp.EXTDTA, t.u8(0), Uint8Array.of(0, 0x41, 0x7f)),
      t.object(cp.EXTDTA, t.u8(0), t.utf8('until'), t.u8(0x7f)),
    ),
    [{ type: 'blob', hex: '0102' }, 'A', 'until'],
  );
});

test('EXTDTA in segments is streamed: its beginning is kept, the whole is hashed', () => {
  const content = Buffer.alloc(200_000, 5);
  const blob: t.ColumnType = [types.LOB_BYTES | 1, 0x8004];
  const streamed = Buffer.concat([t.u16(0x8004), t.u16(cp.EXTDTA), t.u8(0), content]);
  const [value] = t.bound([blob], [t.u8(0), t.u32(content.length)], {}, streamed) ?? [];
  assert.deepEqual(value, {
    type: 'blob',
    hex: '05'.repeat(4096),
    length: 200_000,
    sha256: createHash('sha256').update(content).digest('hex'),
  });
});
