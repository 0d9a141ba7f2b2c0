import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFilter } from '../../query/language.ts';
import { statement, TEST_TIME_US, withDirectory } from '../fixture.ts';
import { StoreReader } from '../reader.ts';
import { finish } from '../steps.ts';
import { openStore } from '../store.ts';
import type { Group, GroupBy } from './aggregate.ts';
import { GroupSet, KeptGroups, mergedGroups } from './kept-groups.ts';

function group(labels: readonly string[], records: number, bucketUs = 0): Group {
  return { labels, bucketUs, records, failed: 1, rows: 2, durationUs: 3, firstUs: records, lastUs: 10 * records };
}

test('groups are added up by all of their labels and their bucket', () => {
  // Joined with any single character, some of these labels would be the same.
  const own = [group(['x y', 'z'], 1), group(['x', 'y z'], 2), group(['x', 'y z'], 3, 60)];
  const more = [group(['x', 'y z'], 10), group(['x 3 y', 'z'], 20)];
  const merged = mergedGroups(own, more);
  assert.deepEqual(
    merged.map(({ labels, bucketUs, records }) => [labels.join('|'), bucketUs, records]),
    [
      ['x y|z', 0, 1],
      ['x|y z', 0, 12],
      ['x|y z', 60, 3],
      ['x 3 y|z', 0, 20],
    ],
  );
  const { failed, rows, durationUs, firstUs, lastUs } = merged[1] as Group;
  assert.deepEqual([failed, rows, durationUs, firstUs, lastUs], [2, 4, 6, 2, 100]);
  assert.deepEqual(more, [group(['x', 'y z'], 10), group(['x 3 y', 'z'], 20)]);
});

test('a list of segments goes on from one that begins it, and from no other', () => {
  const kept = new KeptGroups();
  const by: GroupBy = { fields: ['user'] };
  const set = new GroupSet(['a', 'b'], [group(['x'], 1)]);
  kept.keep(undefined, by, set);
  assert.equal(kept.find(undefined, by, ['a', 'b', 'c']), set);
  assert.equal(kept.find(undefined, by, ['a', 'c']), undefined);
  assert.equal(kept.find(undefined, by, ['a']), undefined);
  assert.equal(kept.find(undefined, { fields: ['db'] }, ['a', 'b']), undefined);
  assert.equal(kept.find({ kind: 'failed', value: true }, by, ['a', 'b']), undefined);
});

test('asked again while records arrive, a reader counts as one that was just opened', async () => {
  await withDirectory(async (directory) => {
    const store = await openStore(directory, { segmentRowsMax: 20 });
    const writer = store.writer('wait');
    const reader = new StoreReader(directory);
    const questions = [
      {},
      { filter: parseFilter('user:user1 or failed:yes', 0) },
      { fromUs: TEST_TIME_US + 35e6, toUs: TEST_TIME_US + 61e6 },
      { seqMax: 33 },
    ];
    for (let n = 0; n < 90; n++) {
      writer.write(statement(n, { user: `user${n % 3}`, timeUs: TEST_TIME_US + n * 1e6, returnedRows: n }));
      if (n % 15 !== 14) continue;
      await writer.flush();
      const fresh = new StoreReader(directory);
      for (const query of questions) {
        for (const by of [{ fields: ['user'] as const }, { fields: ['op'] as const, bucketUs: 10e6, originUs: 0 }]) {
          const [again, anew] = [reader, fresh].map((each) => ordered(finish(each.groupSteps(query, by))));
          assert.deepEqual(again, anew);
        }
      }
      fresh.close();
    }
    reader.close();
    await writer.close();
    await store.close();
  });
});

function ordered(groups: readonly Group[]): Group[] {
  const name = ({ labels, bucketUs }: Group): string => JSON.stringify([labels, bucketUs]);
  return [...groups].sort((a, b) => (name(a) < name(b) ? -1 : 1));
}
