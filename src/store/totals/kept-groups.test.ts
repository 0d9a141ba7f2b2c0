import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFilter } from '../../query/language.ts';
import { statement, TEST_TIME_US, withDirectory } from '../fixture.ts';
import { StoreReader } from '../reader.ts';
import { openStore } from '../store.ts';
import type { Group, GroupBy } from './aggregate.ts';
import { GroupSet, KeptGroups } from './kept-groups.ts';
import { NO_GROUPS } from './packed-groups.ts';

test('a list of segments goes on from one that begins it, and from no other', () => {
  const kept = new KeptGroups();
  const by: GroupBy = { fields: ['user'] };
  const set = new GroupSet(['a', 'b'], NO_GROUPS);
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
      // Of nothing but sealed segments in the end, the last of which adds nothing.
      { filter: parseFilter('user:early', 0), toUs: TEST_TIME_US + 60e6 },
    ];
    for (let n = 0; n < 90; n++) {
      const user = n < 10 ? 'early' : `user${n % 3}`;
      writer.write(statement(n, { user, timeUs: TEST_TIME_US + n * 1e6, returnedRows: n }));
      if (n % 15 !== 14) continue;
      await writer.flush();
      const fresh = new StoreReader(directory);
      for (const query of questions) {
        for (const by of [{ fields: ['user'] as const }, { fields: ['op'] as const, bucketUs: 10e6, originUs: 0 }]) {
          const [again, anew] = [reader, fresh].map((each) => ordered(each.groups(query, by)));
          assert.deepEqual(again, anew);
        }
      }
      const early = reader.groups(questions.at(-1) ?? {}, { fields: ['user'] });
      assert.deepEqual(
        early.map(({ labels, records }) => [labels, records]),
        [[['early'], 10]],
      );
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
