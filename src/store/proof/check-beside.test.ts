import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseFilter } from '../../query/language.ts';
import { statement, withDirectory } from '../fixture.ts';
import { StoreReader } from '../reader.ts';
import { FILTERS_FILE } from '../segment/filters.ts';
import { openStore } from '../store.ts';
import { checkBeside } from './check-beside.ts';
import { verifyStore } from './verify.ts';

/** Two sealed segments and an open one; `user3` is in all of them. */
async function write(directory: string, users: readonly string[]): Promise<void> {
  const store = await openStore(directory, { segmentRowsMax: 100 });
  const writer = store.writer('wait');
  for (let n = 0; n < 250; n++) writer.write(statement(n, { user: users[n % users.length] }));
  await writer.close();
  await store.close();
}

describe('what lies beside the segments', () => {
  test('of a store as written says what the rows say, made by the writer or made again', async () => {
    await withDirectory(async (directory) => {
      await write(directory, ['user1', 'user2', 'user3']);
      assert.deepEqual(checkBeside(directory), { segments: 2, faults: [] });
      for (const name of ['000001.aix', '000001.col', '000002.sum', FILTERS_FILE])
        rmSync(join(directory, 'segments', name));
      // Where the columns are missing, the rest of the segment cannot be made to compare.
      assert.equal(checkBeside(directory).faults.length, 3);
      await write(directory, ['user1', 'user2', 'user3']);
      assert.deepEqual(checkBeside(directory), { segments: 2, faults: [] });
    });
  });

  test('cannot hide a record, though its check sums fit', async () => {
    await withDirectory(async (directory) => {
      const [store, forged] = [join(directory, 'store'), join(directory, 'forged')];
      await write(store, ['user1', 'user2', 'user3']);
      await write(forged, ['user1', 'user2', 'user2']);
      for (const name of ['000001.aix', '000001.col', '000001.sum', FILTERS_FILE]) {
        const file = join(store, 'segments', name);
        const good = readFileSync(file);
        copyFileSync(join(forged, 'segments', name), file);
        assert.deepEqual(verifyStore(store).faults, []);
        const { faults } = checkBeside(store);
        assert.ok(
          faults.some((fault) => fault.includes(name === FILTERS_FILE ? '000001.db' : name)),
          `${name}: ${faults}`,
        );
        if (name === '000001.aix') assert.deepEqual(problemsOf(store), []);
        writeFileSync(file, good);
      }
      assert.deepEqual(checkBeside(store).faults, []);
    });
  });
});

/** A reader has no way to notice. */
function problemsOf(directory: string): readonly string[] {
  const reader = new StoreReader(directory);
  try {
    assert.ok([...reader.query({ filter: parseFilter('user:user3', 0) })].length < 83);
    return reader.problems;
  } finally {
    reader.close();
  }
}
