import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseFilter } from '../../query/language.ts';
import { statement, withDirectory } from '../fixture.ts';
import { StoreReader } from '../reader.ts';
import { openStore } from '../store.ts';
import { querySql, type SqlCell } from './sql.ts';

async function withReader(use: (reader: StoreReader, directory: string) => void): Promise<void> {
  await withDirectory(async (directory) => {
    const store = await openStore(directory, { segmentRowsMax: 100 });
    const writer = store.writer('wait');
    for (let n = 0; n < 250; n++) {
      writer.write(statement(n, { user: `u${n % 3}`, marks: n === 7 ? 1 : 0, session: `s${n % 3}` }));
    }
    await writer.close();
    await store.close();
    const reader = new StoreReader(directory);
    use(reader, directory);
    reader.close();
  });
}

function rows(reader: StoreReader, sql: string): SqlCell[][] {
  return [...querySql(reader, sql, 0).rows];
}

describe('SQL over the store', () => {
  test('sees every segment as one table', async () => {
    await withReader((reader) => {
      const counts = rows(reader, 'SELECT user, count(*) FROM records GROUP BY user ORDER BY user');
      assert.deepEqual(counts, [
        ['u0', 84],
        ['u1', 83],
        ['u2', 83],
      ]);
      const [row] = rows(reader, 'SELECT text, marks, objects FROM records WHERE marks IS NOT NULL');
      assert.deepEqual(row, ['SELECT * FROM orders WHERE id = 7', '["gap"]', '["public.orders"]']);
    });
  });

  test('takes an expression of the query language', async () => {
    await withReader((reader) => {
      assert.deepEqual(rows(reader, "SELECT count(*) FROM records('user:u1')"), [[83]]);
      assert.equal(rows(reader, 'SELECT id FROM records LIMIT 5').length, 5);
    });
  });

  test('only selects', async () => {
    await withReader((reader, directory) => {
      const file = join(directory, 'other.db');
      for (const sql of [`ATTACH '${file}' AS other`, `VACUUM INTO '${file}'`, 'CREATE TABLE t (x)', 'SELEC', '']) {
        assert.throws(() => rows(reader, sql), { name: 'StoreError', code: 'usage' }, sql);
      }
      assert.throws(() => rows(reader, "SELECT 1; ATTACH 'x' AS y"), { code: 'usage' });
      assert.equal(existsSync(file), false);
    });
  });
});

describe('explain', () => {
  test('says what each segment is read by', async () => {
    await withReader((reader) => {
      const filter = parseFilter('user:u1', 0);
      const plans = reader.explain({ filter, fromUs: statement(150).timeUs });
      assert.deepEqual(
        plans.map((plan) => plan.how),
        ['other time', 'rows', 'columns'],
      );
      assert.deepEqual(plans[1]?.asked, ['from 2026-11-20T10:00:00.150000Z', 'user:u1']);
      const [none] = reader.explain({ filter: parseFilter('user:nobody', 0) });
      assert.equal(none?.how, 'filter');
      assert.equal(none.looked, 0);
      const [few] = reader.explain({ filter: parseFilter('user:nobody*', 0) });
      assert.equal(few?.how, 'index');
      assert.equal(few.looked, 0);
    });
  });
});
