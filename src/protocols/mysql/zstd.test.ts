/** Zstandard frames, built by hand: sound ones of every form of header, and those that would keep a decoder busy. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as t from './testing.ts';
import { inflateZstd } from './zstd.ts';

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
const RAW = 0;
const RUN = 1;

/** A block: raw bytes, or `count` times a byte. */
function block(kind: number, size: number, content: Uint8Array, last: boolean): Uint8Array {
  return t.bytes(t.u24((size << 3) | (kind << 1) | (last ? 1 : 0)), content);
}

const text = Buffer.from('SELECT 1 FROM dual WHERE 1 = 1');
const blocks = t.bytes(block(RAW, text.length, text, false), block(RUN, 1000, Uint8Array.of(0x20), true));
const content = Buffer.concat([text, Buffer.alloc(1000, 0x20)]);

/** Frame_Header_Descriptor and what follows it. */
const headers: readonly Uint8Array[] = [
  t.bytes(0xa0, t.u32(content.length)),
  t.bytes(0x60, t.u16(content.length - 256)),
  t.bytes(0xe0, t.u64(BigInt(content.length))),
  t.bytes(0x00, 0x58),
  t.bytes(0x80, 0x58, t.u32(content.length)),
  t.bytes(0xa2, t.u16(7), t.u32(content.length)),
];

test('frames with any form of header', () => {
  for (const header of headers) {
    const frame = t.bytes(MAGIC, header, blocks);
    assert.deepEqual(Buffer.from(inflateZstd(frame, content.length)), content);
    assert.equal(inflateZstd(frame, 5000).length, content.length, 'what is promised beside it is not made up');
    assert.deepEqual(Buffer.from(inflateZstd(frame, 10)), content.subarray(0, 10));
  }
  const checked = t.bytes(MAGIC, 0xa4, t.u32(content.length), blocks, t.u32(0x12345678));
  assert.deepEqual(Buffer.from(inflateZstd(checked, content.length)), content);
});

test('a frame may ask for a window of terabytes', () => {
  const frame = t.bytes(MAGIC, 0x00, 0xff, blocks);
  assert.deepEqual(Buffer.from(inflateZstd(frame, content.length)), content);
});

test('a damaged frame gives what is sound of it', () => {
  const cut = t.bytes(MAGIC, 0xa0, t.u32(content.length), blocks).subarray(0, -2);
  assert.deepEqual(Buffer.from(inflateZstd(cut, content.length)), text);
  for (const bytes of [[], MAGIC, [...MAGIC, 0xa0], [...MAGIC, 0, 0, 7, 0, 0]]) {
    assert.equal(inflateZstd(Uint8Array.from(bytes), 100).length, 0);
  }
});

test('blocks of nothing end the reading', () => {
  const run = block(RUN, 10, Uint8Array.of(0x41), true);
  const frame = (empty: number): Uint8Array => t.bytes(MAGIC, 0xa0, t.u32(10), new Uint8Array(3 * empty), run);
  assert.equal(inflateZstd(frame(3), 10).length, 10);
  assert.equal(inflateZstd(frame(1000), 10).length, 0);
});

test('any bytes behind the magic number: no throw, and no more than is wanted', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(2000), (bytes, bytesMax) => {
      assert.ok(inflateZstd(t.bytes(MAGIC, bytes), bytesMax).length <= bytesMax);
    }),
    { seed: 42, numRuns: 2000 },
  );
});
