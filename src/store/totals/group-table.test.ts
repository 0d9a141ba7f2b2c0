import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Group, GroupBy } from './aggregate.ts';
import { GroupTable } from './group-table.ts';
import { countOf, GROUP_NUMBERS, NO_GROUPS, type PackedGroups, unpackGroups } from './packed-groups.ts';

function group(labels: readonly string[], records: number, bucketUs = 0): Group {
  return { labels, bucketUs, records, failed: 1, rows: 2, durationUs: 3, firstUs: records, lastUs: 10 * records };
}

function packed(groups: readonly Group[]): PackedGroups {
  const numbers = groups.map(({ bucketUs, records, failed, rows, durationUs, firstUs, lastUs }) => [
    bucketUs,
    records,
    failed,
    rows,
    durationUs,
    firstUs,
    lastUs,
  ]);
  return { labels: groups.flatMap(({ labels }) => labels), numbers: Float64Array.from(numbers.flat()) };
}

function together(by: GroupBy, ...lists: readonly (readonly Group[])[]): Group[] {
  const table = new GroupTable(by);
  for (const groups of lists) table.addPacked(packed(groups));
  return unpackGroups(table.pack());
}

test('groups come out as they were put in', () => {
  const byField: GroupBy = { fields: ['user'], bucketUs: 60 };
  const asked: readonly (readonly [GroupBy, readonly Group[]])[] = [
    [{ fields: ['user'] }, []],
    [{ fields: [] }, [group([], 7)]],
    [{ fields: [], bucketUs: 60 }, [group([], 7, 120), group([], 8, 180)]],
    [byField, [group(['a'], 1), group([''], 2, 60)]],
    [{ fields: ['user', 'op'] }, [group(['a', 'b'], 1), group(['b', 'a'], 2)]],
    [{ fields: ['op', 'hour', 'user', 'outcome', 'day'] }, [group(['a', 'b', 'c', 'd', 'e'], 1)]],
  ];
  for (const [by, groups] of asked) {
    assert.equal(countOf(packed(groups)), groups.length);
    assert.equal(packed(groups).numbers.length, groups.length * GROUP_NUMBERS);
    assert.deepEqual(together(by, groups), groups);
  }
});

test('groups are added up by all of their labels and their bucket', () => {
  // Joined with any single character, some of these labels would be the same: they are of one small table.
  const own = [group(['x y', 'z'], 1), group(['x', 'y z'], 2), group(['x', 'y z'], 3, 60)];
  const more = [group(['x', 'y z'], 10), group(['x 3 y', 'z'], 20), group(['x', 'y z'], 30, 120)];
  const merged = together({ fields: ['user', 'program'], bucketUs: 60 }, own, more);
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
  const sums = (by: GroupBy, ...lists: readonly (readonly Group[])[]): number[] =>
    together(by, ...lists).map(({ records }) => records);
  assert.deepEqual(sums({ fields: [] }, [group([], 1)], [group([], 4)]), [5]);
  assert.deepEqual(sums({ fields: ['user'] }, [], [group(['a'], 4)]), [4]);
  const table = new GroupTable({ fields: ['user'] });
  table.addPacked(NO_GROUPS);
  assert.equal(countOf(table.pack()), 0);
});
