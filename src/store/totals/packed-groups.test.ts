import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Group } from './aggregate.ts';
import { countOf, mergedGroups, NO_GROUPS, packGroups, unpackGroups } from './packed-groups.ts';

function group(labels: readonly string[], records: number, bucketUs = 0): Group {
  return { labels, bucketUs, records, failed: 1, rows: 2, durationUs: 3, firstUs: records, lastUs: 10 * records };
}

test('groups come out as they were packed', () => {
  for (const groups of [
    [],
    [group([], 7)],
    [group(['a'], 1), group([''], 2, 60)],
    [group(['a', 'b'], 1), group(['b', 'a'], 2)],
  ]) {
    const packed = packGroups(groups);
    assert.equal(countOf(packed), groups.length);
    assert.deepEqual(unpackGroups(packed), groups);
  }
});

test('groups are added up by all of their labels and their bucket', () => {
  // Joined with any single character, some of these labels would be the same.
  const own = [group(['x y', 'z'], 1), group(['x', 'y z'], 2), group(['x', 'y z'], 3, 60)];
  const more = packGroups([group(['x', 'y z'], 10), group(['x 3 y', 'z'], 20), group(['x', 'y z'], 30, 120)]);
  const merged = mergedGroups(own, more);
  assert.deepEqual(
    merged.map(({ labels, bucketUs, records }) => [labels.join('|'), bucketUs, records]),
    [
      ['x y|z', 0, 1],
      ['x|y z', 0, 12],
      ['x|y z', 60, 3],
      ['x 3 y|z', 0, 20],
      ['x|y z', 120, 30],
    ],
  );
  const { failed, rows, durationUs, firstUs, lastUs } = merged[1] as Group;
  assert.deepEqual([failed, rows, durationUs, firstUs, lastUs], [2, 4, 6, 2, 100]);
});

test('groups without a label, and none at all, are added up too', () => {
  const sums = (groups: readonly Group[]): number[] => groups.map(({ records }) => records);
  assert.deepEqual(sums(mergedGroups([group([], 1)], packGroups([group([], 4)]))), [5]);
  assert.deepEqual(sums(mergedGroups([], packGroups([group(['a'], 4)]))), [4]);
  assert.deepEqual(sums(mergedGroups([group(['a'], 4)], NO_GROUPS)), [4]);
});
