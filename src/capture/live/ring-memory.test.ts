import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLOCK_BYTES_DEFAULT, defaultRingBytes, RING_BYTES_MIN } from './ring-memory.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

test('a ring has 256 MiB as long as all together take an eighth of the free memory', () => {
  assert.equal(defaultRingBytes(1, 1, 16 * GIB), 256 * MIB);
  assert.equal(defaultRingBytes(2, 4, 16 * GIB), 256 * MIB);
  assert.equal(defaultRingBytes(4, 4, 16 * GIB), 128 * MIB);
});

test('rings of a small machine are smaller, but no less than a ring needs', () => {
  assert.equal(defaultRingBytes(1, 1, GIB), 128 * MIB);
  assert.equal(defaultRingBytes(2, 2, GIB), 32 * MIB);
  assert.equal(defaultRingBytes(1, 1, 64 * MIB), RING_BYTES_MIN);
  assert.equal(defaultRingBytes(8, 8, GIB), RING_BYTES_MIN);
});

test('a ring is a whole number of blocks', () => {
  for (const workers of [1, 3, 5, 7, 16]) assert.equal(defaultRingBytes(1, workers, 3 * GIB) % BLOCK_BYTES_DEFAULT, 0);
});
