import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { statement, withDirectory } from '../fixture.ts';
import { openStore } from '../store.ts';
import { evidenceOf } from './evidence.ts';
import { anchorOf, verifyStore } from './verify.ts';

const SEGMENT_ROWS = 600;

async function write(directory: string, first: number, count: number): Promise<void> {
  const store = await openStore(directory, { segmentRowsMax: SEGMENT_ROWS });
  const writer = store.writer('wait');
  for (let n = first; n < first + count; n++) writer.write(statement(n, {}));
  await writer.close();
  await store.close();
}

test('the evidence of a record names the block that has it, and its anchor holds as the store grows', () =>
  withDirectory(async (directory) => {
    await write(directory, 1, SEGMENT_ROWS + 100);
    const all = [1, 2, 256, 257, SEGMENT_ROWS, SEGMENT_ROWS + 1, SEGMENT_ROWS + 100].map((seq) => {
      const found = evidenceOf(directory, seq);
      assert.ok(found, `record ${seq}`);
      assert.ok(found.firstSeq <= seq && seq <= found.lastSeq, `record ${seq}: ${found.firstSeq} to ${found.lastSeq}`);
      assert.equal(found.segment, seq <= SEGMENT_ROWS ? 'segments/000001.db' : 'segments/000002.db');
      assert.equal(found.isSigned, false);
      return found;
    });
    assert.equal(all.at(-1)?.anchor, anchorOf(directory));
    await write(directory, SEGMENT_ROWS + 101, 50);
    for (const { anchor } of all) assert.deepEqual(verifyStore(directory, anchor).faults, []);
    // One record of the first block is not as it was: the anchor of its block, taken before, says so by the segment.
    const db = new Database(join(directory, 'segments/000001.db'));
    db.exec('UPDATE record SET time_us = time_us + 1 WHERE seq = 2');
    db.close();
    const [fault = '', cut = ''] = verifyStore(directory, all[0]?.anchor).faults;
    assert.match(fault, /record 2 was changed/);
    assert.match(cut, /the anchor is not there, or not as it was/);
  }));

test('a record that no segment has, has no evidence', () =>
  withDirectory(async (directory) => {
    await write(directory, 1, 10);
    assert.equal(evidenceOf(directory, 0), undefined);
    assert.equal(evidenceOf(directory, 11), undefined);
  }));
