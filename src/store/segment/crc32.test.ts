import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { crc32 } from './crc32.ts';

test('the CRC-32 is that of zlib, over any part of a buffer', () => {
  assert.equal(crc32(Buffer.from('123456789'), 0, 9), 0xcbf43926);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), fc.nat(200), (bytes, a, b) => {
      const start = Math.min(a, b, bytes.length);
      const end = Math.min(Math.max(a, b), bytes.length);
      assert.equal(crc32(bytes, start, end), zlibCrc32(bytes.subarray(start, end)));
    }),
    { seed: 42, numRuns: 500 },
  );
});
