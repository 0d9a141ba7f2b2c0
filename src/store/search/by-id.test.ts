import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statement, withDirectory } from '../fixture.ts';
import { StoreReader } from '../reader.ts';
import { openStore } from '../store.ts';
import { recordById } from './by-id.ts';

const RECORDS = 175;

function idOf(n: number): string {
  return n.toString(16).padStart(32, '0');
}

test('a record is found by its id, in sealed segments and in the open one', async () => {
  await withDirectory(async (directory) => {
    const store = await openStore(directory, { segmentRowsMax: 50 });
    const writer = store.writer('wait');
    for (let n = 0; n < RECORDS; n++) {
      const record = statement(n);
      record.id = idOf(n);
      writer.write(record);
    }
    await writer.flush();
    const reader = new StoreReader(directory);
    for (const n of [0, 5, 49, 50, 120, RECORDS - 1]) {
      const found = recordById(reader, idOf(n).toUpperCase());
      assert.equal(found?.record.id, idOf(n));
      assert.equal(found?.seq, n + 1);
    }
    assert.equal(recordById(reader, 'f'.repeat(32)), undefined);
    assert.equal(recordById(reader, 'no such id'), undefined);
    reader.close();
    await writer.close();
    await store.close();
  });
});
