import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StoreError } from '../errors.ts';
import { statement, TEST_TIME_US, withDirectory } from '../fixture.ts';
import { StoreReader } from '../reader.ts';
import { openStore } from '../store.ts';
import { type PageRequest, readPage } from './page.ts';

const REQUEST: PageRequest = { expression: 'user:alice', size: 7, nowUs: TEST_TIME_US + 3600e6 };

/** Pages from the first to the last; `between` runs after each. */
async function seqsOf(reader: StoreReader, request: PageRequest, between?: () => Promise<void>): Promise<number[]> {
  const seqs: number[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = readPage(reader, { ...request, cursor });
    assert.ok(page.found.length <= request.size);
    seqs.push(...page.found.map(({ seq }) => seq));
    if (page.next === undefined) return seqs;
    cursor = page.next;
    await between?.();
  }
}

describe('pages', () => {
  test('together are the whole answer, in either order, with equal times', async () => {
    await withDirectory(async (directory) => {
      const store = await openStore(directory, { segmentRowsMax: 20 });
      const writer = store.writer('wait');
      // Five records share a time, and some are older than those before them.
      for (let n = 0; n < 100; n++) {
        const timeUs = TEST_TIME_US + (Math.floor(n / 5) - (n % 3 === 0 ? 4 : 0)) * 1000;
        writer.write(statement(n, { timeUs, user: n % 4 === 0 ? 'bob' : 'alice' }));
      }
      await writer.close();
      await store.close();
      const reader = new StoreReader(directory);
      for (const order of ['newest', 'oldest'] as const) {
        for (const expression of ['user:alice', '', 'user:bob text:id']) {
          const request = { ...REQUEST, expression, order };
          const all = readPage(reader, { ...request, size: 1000 });
          assert.equal(all.next, undefined);
          assert.deepEqual(
            await seqsOf(reader, request),
            all.found.map(({ seq }) => seq),
          );
        }
      }
      reader.close();
    });
  });

  test('stay right while records arrive, late ones too, and old ones expire', async () => {
    await withDirectory(async (directory) => {
      const store = await openStore(directory, { segmentRowsMax: 10, retention: { recordsMin: 60 } });
      const writer = store.writer('wait');
      let n = 0;
      const add = async (count: number, lateUs: number): Promise<void> => {
        for (let i = 0; i < count; i++, n++) writer.write(statement(n, { timeUs: TEST_TIME_US + n * 1000 - lateUs }));
        await writer.flush();
      };
      await add(60, 0);
      const reader = new StoreReader(directory);
      const there = new Set(Array.from({ length: 60 }, (_, i) => i + 1));
      const seen = await seqsOf(reader, REQUEST, () => add(4, 30_000));
      assert.equal(new Set(seen).size, seen.length, 'nothing is shown twice');
      assert.ok(
        seen.every((seq) => there.has(seq)),
        'nothing is shown that arrived later',
      );
      // What is missing had expired: a run at the old end.
      assert.deepEqual(
        seen,
        Array.from({ length: seen.length }, (_, i) => 60 - i),
      );
      assert.ok(seen.length >= 28 && seen.length < 60, `${seen.length}`);
      reader.close();
      await writer.close();
      await store.close();
    });
  });
});

describe('cursors', () => {
  test('relative times count from the first page on', async () => {
    await withDirectory(async (directory) => {
      const store = await openStore(directory);
      const writer = store.writer('wait');
      for (let n = 0; n < 30; n++) writer.write(statement(n, { timeUs: TEST_TIME_US + n * 60e6 }));
      await writer.close();
      await store.close();
      const reader = new StoreReader(directory);
      const request = { ...REQUEST, expression: 'since:-10m', size: 4, nowUs: TEST_TIME_US + 29 * 60e6 };
      const first = readPage(reader, request);
      const second = readPage(reader, { ...request, nowUs: request.nowUs + 3600e6, cursor: first.next });
      assert.deepEqual(
        second.found.map(({ seq }) => seq),
        [26, 25, 24, 23],
      );
      reader.close();
    });
  });

  test('cursors of another query, and what is none, are refused', async () => {
    await withDirectory(async (directory) => {
      const store = await openStore(directory);
      const writer = store.writer('wait');
      for (let n = 0; n < 30; n++) writer.write(statement(n));
      await writer.close();
      await store.close();
      const reader = new StoreReader(directory);
      const { next } = readPage(reader, REQUEST);
      assert.ok(next !== undefined);
      const refused = (request: PageRequest): void =>
        assert.throws(
          () => readPage(reader, request),
          (error) => error instanceof StoreError && error.code === 'usage',
        );
      refused({ ...REQUEST, expression: 'user:bob', cursor: next });
      refused({ ...REQUEST, order: 'oldest', cursor: next });
      refused({ ...REQUEST, cursor: `${next.slice(0, -4)}AAAA` });
      for (const cursor of ['', 'x', 'e30', Buffer.from('[1,2,3,4,5,"6"]').toString('base64url'), 'A'.repeat(1000)]) {
        refused({ ...REQUEST, cursor });
      }
      reader.close();
    });
  });
});
