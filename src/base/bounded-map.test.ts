import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setNewest } from '#src/base/bounded-map.js';

test('Of more entries than there may be the oldest goes; one that is put in again is the newest', () => {
  const map = new Map<string, number>();
  for (const [i, key] of ['a', 'b', 'c', 'a', 'd'].entries()) setNewest(map, key, i, 3);
  assert.deepEqual(
    [...map],
    [
      ['c', 2],
      ['a', 3],
      ['d', 4],
    ],
  );
});
