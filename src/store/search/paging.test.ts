import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Place, Query } from '../../query/filter.ts';
import { parseFilter } from '../../query/language.ts';
import { statement, TEST_TIME_US, withDirectory } from '../fixture.ts';
import { StoreReader } from '../reader.ts';
import { openStore } from '../store.ts';

const PAGE_ROWS = 7;

/** Pages from the first to the last, of what is there when the first one is asked for; `between` runs after each. */
async function seqsOf(reader: StoreReader, query: Query, between?: () => Promise<void>): Promise<number[]> {
  const seqs: number[] = [];
  const seqMax = reader.lastSeq();
  for (let after: Place | undefined; ; ) {
    const page = [...reader.find({ ...query, seqMax, after, limit: PAGE_ROWS })];
    seqs.push(...page.map(({ seq }) => seq));
    after = page.at(-1);
    if (after === undefined) return seqs;
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
          const query = { filter: parseFilter(expression, TEST_TIME_US), order };
          const all = [...reader.find(query)].map(({ seq }) => seq);
          assert.ok(all.length > 3 * PAGE_ROWS);
          assert.deepEqual(await seqsOf(reader, query), all);
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
      const query = { filter: parseFilter('user:alice', TEST_TIME_US) };
      const seen = await seqsOf(reader, query, () => add(4, 30_000));
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
