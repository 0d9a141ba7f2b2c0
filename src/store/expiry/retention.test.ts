import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { statement, TEST_TIME_US, withDirectory } from '../fixture.ts';
import { verifyStore } from '../proof/verify.ts';
import { StoreReader } from '../reader.ts';
import { BatchEncoder, BatchTables } from '../write/batch.ts';
import { Ingest } from '../write/ingest.ts';
import type { Retention } from './retention.ts';

function open(directory: string, retention: Retention): Ingest {
  return new Ingest(directory, { segmentRowsMax: 50, durability: 'fast', retention, signKeyFile: undefined });
}

/** Statements `first … first + count - 1` as one batch. */
function apply(ingest: Ingest, first: number, count: number): void {
  const encoder = new BatchEncoder(65_536);
  for (let n = first; n < first + count; n++) encoder.add(statement(n));
  ingest.apply(encoder.take(), new BatchTables());
}

function stored(directory: string): { records: number; newest: string | undefined; problems: readonly string[] } {
  const reader = new StoreReader(directory);
  const records = reader.count({});
  const [newest] = reader.query({ limit: 1 });
  reader.close();
  return { records, newest: newest?.id, problems: reader.problems };
}

describe('retention', () => {
  test('keeps the N newest and fewer than N + S, at every moment and over restarts', async () => {
    await withDirectory((directory) => {
      const recordsMin = 120;
      let ingest = open(directory, { recordsMin });
      for (let n = 0; n < 1000; n += 7) {
        apply(ingest, n, 7);
        ingest.commit();
        const { records, newest, problems } = stored(directory);
        assert.deepEqual(problems, []);
        assert.equal(newest, statement(n + 6).id);
        assert.ok(records >= Math.min(n + 7, recordsMin), `${records} after ${n + 7}`);
        assert.ok(records < recordsMin + 50, `${records} after ${n + 7}`);
        if (n % 91 !== 0) continue;
        ingest.close();
        ingest = open(directory, { recordsMin });
      }
      ingest.close();
      const report = verifyStore(directory);
      assert.deepEqual(report.faults, []);
      assert.equal(report.records + report.expired, 1001);
      const files = readdirSync(join(directory, 'segments')).filter((file) => file.endsWith('.db'));
      assert.equal(files.length, report.segments);
    });
  });

  test('by age, measured in record time', async () => {
    await withDirectory((directory) => {
      const ingest = open(directory, { ageMaxUs: 200_000 });
      for (let n = 0; n < 1000; n += 50) apply(ingest, n, 50);
      ingest.close();
      const reader = new StoreReader(directory);
      const [oldest] = reader.query({ order: 'oldest', limit: 1 });
      reader.close();
      // Statements are a millisecond apart: the segment that holds the 200th last, and what came after.
      assert.equal(oldest?.timeUs, TEST_TIME_US + 750_000);
      assert.deepEqual(verifyStore(directory).faults, []);
    });
  });

  test('by bytes, but never below the number asked for', async () => {
    await withDirectory((directory) => {
      const ingest = open(directory, { bytesMax: 1, recordsMin: 100 });
      for (let n = 0; n < 500; n += 50) apply(ingest, n, 50);
      ingest.close();
      assert.equal(stored(directory).records, 100);
      assert.equal(ingest.counters.recordsExpired, 400);
    });
  });

  test('an interrupted removal is finished at the next start', async () => {
    await withDirectory((directory) => {
      const first = open(directory, {});
      apply(first, 0, 120);
      first.close();
      // As a process leaves it that was killed after the catalog said so, before the files went.
      const catalog = new Database(join(directory, 'catalog.db'));
      catalog.exec("UPDATE segment SET state = 'dropping' WHERE number < 3");
      catalog.close();
      assert.equal(stored(directory).records, 20);
      const again = open(directory, {});
      apply(again, 120, 1);
      again.close();
      assert.deepEqual(
        readdirSync(join(directory, 'segments')).filter((file) => file.endsWith('.db')),
        ['000003.db'],
      );
      assert.equal(stored(directory).records, 21);
      assert.deepEqual(stored(directory).problems, []);
      assert.deepEqual(verifyStore(directory).faults, []);
    });
  });
});
