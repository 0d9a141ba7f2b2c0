import assert from 'node:assert/strict';
import { chmodSync, existsSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { AuditRecord } from '../contracts/record.ts';
import type { Query } from '../query/filter.ts';
import { parseFilter } from '../query/language.ts';
import { StoreError } from './errors.ts';
import { anyRecord, statement, TEST_TIME_US, withDirectory } from './fixture.ts';
import { StoreReader } from './reader.ts';
import { type AuditStore, openStore, type StoreOptions } from './store.ts';

const DAY_US = 86_400e6;

async function write(
  directory: string,
  records: readonly AuditRecord[],
  options: StoreOptions = {},
): Promise<AuditStore> {
  const store = await openStore(directory, options);
  const writer = store.writer('wait');
  for (const record of records) assert.equal(writer.write(record), true);
  await writer.close();
  await store.close();
  return store;
}

function read(directory: string, query: Query = {}): AuditRecord[] {
  const reader = new StoreReader(directory);
  try {
    const records = [...reader.query(query)];
    assert.deepEqual(reader.problems, []);
    return records;
  } finally {
    reader.close();
  }
}

function segment(directory: string, number: number): string {
  return join(directory, 'segments', `${String(number).padStart(6, '0')}.db`);
}

describe('what a store holds', () => {
  test('gives every record back as it was, in order of time and arrival', async () => {
    const records = fc.sample(anyRecord, { seed: 42, numRuns: 400 });
    await withDirectory(async (directory) => {
      await write(directory, records, { segmentRowsMax: 70 });
      const expected = records.map((record, index) => ({ record, index }));
      expected.sort((a, b) => a.record.timeUs - b.record.timeUs || a.index - b.index);
      assert.deepEqual(
        read(directory, { order: 'oldest' }),
        expected.map(({ record }) => record),
      );
      assert.deepEqual(
        read(directory, { order: 'newest', limit: 10 }),
        expected
          .slice(-10)
          .reverse()
          .map(({ record }) => record),
      );
    });
  });

  test('is read while it is written, and sees what was flushed', async () => {
    await withDirectory(async (directory) => {
      const store = await openStore(directory);
      const writer = store.writer('drop');
      writer.write(statement(1));
      await writer.flush();
      assert.equal(read(directory).length, 1);
      writer.write(statement(2));
      await writer.close();
      assert.equal(read(directory).length, 2);
      await store.close();
    });
  });

  test('starts a segment at each day and at the row limit, and skips those a query cannot touch', async () => {
    await withDirectory(async (directory) => {
      const records = [0, 1, 2, 3, 4].map((n) =>
        statement(n, { timeUs: TEST_TIME_US + Math.floor(n / 3) * DAY_US + n }),
      );
      await write(directory, records, { segmentRowsMax: 2 });
      assert.equal(existsSync(segment(directory, 3)), true);
      assert.equal(existsSync(segment(directory, 4)), false);
      rmSync(segment(directory, 1));
      assert.deepEqual(read(directory, { fromUs: TEST_TIME_US + DAY_US, order: 'oldest' }), records.slice(3));
    });
  });

  test('a second run of the same records adds none, an interrupted one is completed', async () => {
    await withDirectory(async (directory) => {
      const records = Array.from({ length: 50 }, (_, n) => statement(n));
      await write(directory, records.slice(0, 20), { segmentRowsMax: 15 });
      const store = await write(directory, records, { segmentRowsMax: 15 });
      assert.equal(store.counters().duplicates, 20);
      assert.equal(store.counters().records, 30);
      assert.deepEqual(read(directory, { order: 'oldest' }), records);
    });
  });
});

describe('writers of a store', () => {
  test('several share it', async () => {
    await withDirectory(async (directory) => {
      const store = await openStore(directory);
      const writers = [0, 1, 2].map(() => store.writer('wait'));
      for (let n = 0; n < 3000; n++) writers[n % 3]?.write(statement(n, { session: `s${n % 3}`, user: `u${n % 3}` }));
      for (const writer of writers) await writer.close();
      await store.close();
      const reader = new StoreReader(directory);
      assert.deepEqual(
        reader.aggregate({}, ['user'], 10).map((row) => [row.labels[0], row.records]),
        [
          ['u0', 1000],
          ['u1', 1000],
          ['u2', 1000],
        ],
      );
      reader.close();
    });
  });

  test('a full queue drops and counts, or waits, as asked', async () => {
    await withDirectory(async (directory) => {
      const store = await openStore(directory, { queueBytesMax: 1, queueBatchesMax: 1 });
      const writer = store.writer('drop');
      let accepted = 0;
      for (let n = 0; n < 20_000; n++) if (writer.write(statement(n))) accepted++;
      await writer.flush();
      const waiting = store.writer('wait');
      for (let n = 0; n < 20_000; n++) assert.equal(waiting.write(statement(n, { id: `w${n}` })), true);
      await waiting.close();
      await writer.close();
      await store.close();
      assert.ok(accepted < 20_000);
      assert.equal(store.counters().dropped, 20_000 - accepted);
      const reader = new StoreReader(directory);
      const losses = [...reader.query({ filter: parseFilter('kind:loss', 0) })];
      const lost = losses.reduce((sum, loss) => sum + Number.parseInt(loss.errorText ?? '', 10), 0);
      assert.equal(lost, 20_000 - accepted);
      assert.equal(reader.count({}), accepted + 20_000 + losses.length);
      reader.close();
    });
  });
});

describe('a store in trouble', () => {
  test('a second writer is refused in one line', async () => {
    await withDirectory(async (directory) => {
      const store = await openStore(directory);
      await assert.rejects(openStore(directory), { name: 'StoreError', code: 'locked' });
      await store.close();
    });
  });

  test('a directory that is none, or cannot be written, is said', async (t) => {
    await withDirectory(async (directory) => {
      const file = join(directory, 'file');
      writeFileSync(file, 'text');
      await assert.rejects(openStore(join(file, 'store')), { name: 'StoreError' });
      assert.throws(() => new StoreReader(directory), { name: 'StoreError', code: 'not-a-store' });
      writeFileSync(join(directory, 'catalog.db'), 'this is a text file, not a database\n'.repeat(50));
      await assert.rejects(openStore(directory), { name: 'StoreError', code: 'damaged' });
      if (process.getuid?.() === 0) {
        t.diagnostic('running as root: permissions do not bind, the read-only case is not shown');
        return;
      }
      chmodSync(directory, 0o500);
      await assert.rejects(openStore(join(directory, 'inner')), { name: 'StoreError', code: 'read-only' });
      chmodSync(directory, 0o700);
    });
  });

  test('a missing or damaged segment is reported, the rest still answers', async () => {
    await withDirectory(async (directory) => {
      const records = Array.from({ length: 40 }, (_, n) => statement(n));
      await write(directory, records, { segmentRowsMax: 10 });
      rmSync(segment(directory, 1));
      writeFileSync(segment(directory, 2), Buffer.alloc(statSync(segment(directory, 2)).size, 0x5a));
      const reader = new StoreReader(directory);
      assert.deepEqual([...reader.query({ order: 'oldest' })], records.slice(20));
      assert.equal(reader.problems.length, 2);
      assert.match(reader.problems[0] ?? '', /000001\.db: the file is missing$/);
      assert.match(reader.problems[1] ?? '', /000002\.db: the file is not a database$/);
      reader.close();
    });
  });

  test('a writer goes on after its open segment was cut, and says so', async () => {
    await withDirectory(async (directory) => {
      await write(directory, [statement(1)]);
      truncateSync(segment(directory, 1), 100);
      const store = await openStore(directory);
      assert.equal(store.problems.length, 1);
      const writer = store.writer('wait');
      writer.write(statement(2));
      await writer.close();
      await store.close();
      const reader = new StoreReader(directory);
      assert.deepEqual([...reader.query({})], [statement(2)]);
      assert.match(reader.problems[0] ?? '', /left out/);
      reader.close();
    });
  });

  test('after an error, records are refused and counted, and close says why', async () => {
    await withDirectory(async (directory) => {
      const store = await openStore(directory, { segmentRowsMax: 5 });
      const writer = store.writer('wait');
      for (let n = 0; n < 5; n++) writer.write(statement(n));
      await writer.flush();
      rmSync(join(directory, 'segments'), { recursive: true });
      for (let n = 5; n < 8; n++) writer.write(statement(n));
      await assert.rejects(writer.flush(), StoreError);
      assert.equal(writer.write(statement(9)), false);
      assert.equal(store.counters().dropped, 4);
      await assert.rejects(store.close(), StoreError);
    });
  });
});
