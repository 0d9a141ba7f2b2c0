import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { StoreError } from './errors.ts';
import { statement, TEST_TIME_US, withDirectory } from './fixture.ts';
import { StoreReader } from './reader.ts';
import { type Access, anchorOfReads, READS_FOLDER, recordAccesses, verifyReads } from './reads.ts';
import { type AuditStore, openStore } from './store.ts';

function access(n: number): Access {
  const who = { user: 'carol', osUser: 'root', host: 'desk', program: 'console' };
  return { timeUs: TEST_TIME_US + n, operation: 'READ', call: 'query', text: `user:alice ${n}`, ...who };
}

async function filled(directory: string): Promise<AuditStore> {
  const store = await openStore(directory);
  const writer = store.writer('wait');
  for (let n = 0; n < 10; n++) writer.write(statement(n));
  await writer.close();
  return store;
}

describe('what is read of a store', () => {
  test('is written down, also while a writer has the store, and changes nothing in it', async () => {
    await withDirectory(async (directory) => {
      const store = await filled(directory);
      assert.equal(verifyReads(directory), undefined);
      recordAccesses(directory, [access(1), access(2)]);
      recordAccesses(directory, [access(3)]);
      const reads = new StoreReader(join(directory, READS_FOLDER));
      const found = [...reads.query({ order: 'oldest' })];
      assert.deepEqual(
        found.map(({ user, operation, text, clientHost, system }) => [user, operation, text, clientHost, system]),
        [1, 2, 3].map((n) => ['carol', 'READ', `user:alice ${n}`, 'desk', 'wiretrail']),
      );
      reads.close();
      assert.equal(verifyReads(directory)?.records, 3);
      const reader = new StoreReader(directory);
      assert.equal(reader.count({}), 10);
      reader.close();
      await store.close();
    });
  });

  test('is complete when several processes read at once', async () => {
    await withDirectory(async (directory) => {
      await (await filled(directory)).close();
      const code = `
        import { workerData } from 'node:worker_threads';
        const { recordAccesses } = await import(workerData.module);
        for (let i = 0; i < 5; i++) recordAccesses(workerData.directory, [workerData.access]);`;
      const module = new URL('./reads.js', import.meta.url).href;
      const workers = [1, 2, 3].map(
        (n) =>
          new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
            workerData: { module, directory, access: access(n) },
          }),
      );
      await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve))));
      const report = verifyReads(directory);
      assert.equal(report?.records, 15);
      assert.deepEqual(report?.faults, []);
    });
  });

  test('cannot be removed or changed unnoticed', async () => {
    const harms: readonly ((reads: string) => void)[] = [
      (reads) => rmSync(reads, { recursive: true }),
      (reads) => withSegment(reads, `UPDATE session SET user = 'nobody'`),
      (reads) => withSegment(reads, 'DELETE FROM record WHERE seq = 2'),
      (reads) => withSegment(reads, 'DELETE FROM record WHERE seq = 3', 'DELETE FROM chain WHERE seq = 3'),
    ];
    for (const harm of harms) {
      await withDirectory(async (directory) => {
        await (await filled(directory)).close();
        for (let n = 1; n <= 3; n++) recordAccesses(directory, [access(n)]);
        const anchor = anchorOfReads(directory);
        assert.deepEqual(verifyReads(directory, anchor)?.faults, []);
        harm(join(directory, READS_FOLDER));
        assert.ok((verifyReads(directory)?.faults.length ?? 0) > 0);
        assert.ok((verifyReads(directory, anchor)?.faults.length ?? 0) > 0);
      });
    }
  });

  test('where there is no store, nothing is made', async () => {
    await withDirectory((directory) => {
      assert.throws(
        () => recordAccesses(directory, [access(1)]),
        (error) => error instanceof StoreError && error.code === 'not-a-store',
      );
    });
  });
});

function withSegment(reads: string, ...statements: readonly string[]): void {
  const db = new Database(join(reads, 'segments', '000001.db'));
  for (const sql of statements) db.exec(sql);
  db.close();
}
