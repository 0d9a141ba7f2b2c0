import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ranking } from './text.ts';

test('a ranking: largest first, what is left out counted, and no name moves the cursor', () => {
  const counts = new Map([
    ['ann', 3],
    ['\u001b[2J\u202eeve\n', 1200],
    ['bob', 3],
    ['joe', 1],
  ]);
  assert.equal(ranking(counts, 3), '[2J eve 1,200, ann 3, bob 3, … 1 more');
});
