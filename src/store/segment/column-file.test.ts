import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  lstatSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseFilter } from '../../query/language.ts';
import { statement, withDirectory } from '../fixture.ts';
import { verifyStore } from '../proof/verify.ts';
import { StoreReader } from '../reader.ts';
import { openStore, type StoreCounters } from '../store.ts';
import { ColumnBudget, openColumns } from './column-file.ts';

/** More than one chunk of the open segment's columns, and a rest. */
const FIRST = 9000;
const ALL = 20_000;

async function write(directory: string, from: number, to: number, segmentRowsMax = ALL): Promise<void> {
  const store = await openStore(directory, { segmentRowsMax });
  const writer = store.writer('wait');
  for (let n = from; n < to; n++) writer.write(statement(n, { user: `user${n % 7}` }));
  await writer.close();
  await store.close();
  assert.deepEqual(store.problems, []);
}

function columnsOf(directory: string): string {
  return join(directory, 'segments', '000001.col');
}

/** What a reader finds must be what was written, newest first, whatever the columns are like. */
function checkAnswers(directory: string, records: number): void {
  const reader = new StoreReader(directory);
  const filter = parseFilter('user:user3,user5', 0);
  const wanted = Array.from({ length: records }, (_, n) => n).filter((n) => n % 7 === 3 || n % 7 === 5);
  // The second time columns are made of the rows that are in no chunk, and postings of the chunks.
  for (let again = 0; again < 2; again++) {
    const found = [...reader.query({ filter })].map(({ id }) => Number.parseInt(id, 16));
    assert.deepEqual(found, wanted.toReversed());
    assert.equal(reader.count({ filter }), wanted.length);
    const oldest = [...reader.query({ filter, order: 'oldest', limit: 2 })].map(({ id }) => Number.parseInt(id, 16));
    assert.deepEqual(oldest, [3, 5]);
  }
  assert.deepEqual(reader.problems, []);
  reader.close();
}

/** Writes `ALL` records in a store where, from the hundredth on, no columns can be added; gives what it counted. */
async function writeWithFullColumns(directory: string): Promise<StoreCounters> {
  const store = await openStore(directory, { segmentRowsMax: ALL });
  const writer = store.writer('wait');
  const add = async (from: number, to: number): Promise<void> => {
    for (let n = from; n < to; n++) writer.write(statement(n, { user: `user${n % 7}` }));
    await writer.flush();
  };
  await add(0, 100);
  symlinkSync('/dev/full', columnsOf(directory));
  await add(100, FIRST);
  assert.equal(store.counters().dropped, 0);
  checkAnswers(directory, FIRST);
  await add(FIRST, ALL);
  // The next segment, so that this one is sealed.
  await add(ALL, ALL + 1);
  await writer.close();
  await store.close();
  return store.counters();
}

describe('columns of the segment being written', () => {
  test('where they cannot be written no record is lost, none is told to be, and sealing makes them', async (t) => {
    if (!existsSync('/dev/full')) return t.skip('this system has no /dev/full');
    await withDirectory(async (directory) => {
      const { records, dropped, columnsGivenUp, segmentsSealed, indexesFailed } = await writeWithFullColumns(directory);
      assert.deepEqual([records, dropped], [ALL + 1, 0]);
      assert.deepEqual([columnsGivenUp, segmentsSealed, indexesFailed], [1, 1, 0]);
      assert.ok(lstatSync(columnsOf(directory)).isFile());
      const columns = openColumns(join(directory, 'segments', '000001.db'), 1, ALL, new ColumnBudget(0));
      for (const chunk of columns.chunks) chunk.check();
      columns.close();
      assert.deepEqual(verifyStore(directory).faults, []);
    });
  });

  test('a chunk that the writer is still adding is no damage: its rows are read until it is whole', async () => {
    await withDirectory(async (directory) => {
      await write(directory, 0, ALL - 1);
      const path = columnsOf(directory);
      const whole = readFileSync(path);
      const reader = new StoreReader(directory);
      const filter = parseFilter('user:user3', 0);
      // The header alone is cut, then the columns, then nothing.
      for (const bytes of [50, whole.length - 1000, whole.length]) {
        writeFileSync(path, whole.subarray(0, bytes));
        for (let again = 0; again < 2; again++) assert.equal(reader.count({ filter }), Math.floor((ALL - 1 + 3) / 7));
        assert.equal([...reader.query({ filter, limit: 3 })].length, 3);
      }
      assert.deepEqual(reader.problems, []);
      reader.close();
      checkAnswers(directory, ALL - 1);
    });
  });

  test('outlive their writer: the next one goes on with them', async () => {
    await withDirectory(async (directory) => {
      await write(directory, 0, FIRST);
      const before = statSync(columnsOf(directory)).size;
      await write(directory, 0, 0);
      assert.equal(statSync(columnsOf(directory)).size, before);
      checkAnswers(directory, FIRST);
      await write(directory, FIRST, ALL);
      checkAnswers(directory, ALL);
      const chunked = openColumns(join(directory, 'segments', '000001.db'), 1, rowsIn(directory), new ColumnBudget(0));
      assert.ok(chunked.chunks.length >= 3);
      chunked.close();
      // The record that ends the segment.
      await write(directory, ALL, ALL + 1);
      const sealed = openColumns(join(directory, 'segments', '000001.db'), 1, ALL, new ColumnBudget(0));
      sealed.close();
      checkAnswers(directory, ALL + 1);
    });
  });

  test('that are cut, altered, too long or gone are kept as far as they are whole', async () => {
    await withDirectory(async (directory) => {
      await write(directory, 0, ALL - 1000);
      const file = columnsOf(directory);
      const good = readFileSync(file);
      const altered = Buffer.from(good);
      altered[good.length - 9] = (altered[good.length - 9] as number) ^ 1;
      const spoiled = [
        () => writeFileSync(file, good.subarray(0, good.length - 1)),
        () => writeFileSync(file, altered),
        () => appendFileSync(file, good),
        () => rmSync(file, { force: true }),
      ];
      for (const [i, spoil] of spoiled.entries()) {
        writeFileSync(file, good);
        spoil();
        await write(directory, 0, 0);
        if (existsSync(file)) assert.ok(good.subarray(0, statSync(file).size).equals(readFileSync(file)), `way ${i}`);
        checkAnswers(directory, ALL - 1000);
      }
      await write(directory, ALL - 1000, ALL + 1);
      checkAnswers(directory, ALL + 1);
    });
  });
});

/** Records that the chunks of the file have. */
function rowsIn(directory: string): number {
  const bytes = readFileSync(columnsOf(directory));
  let rows = 0;
  for (let offset = 0; offset < bytes.length; offset += bytes.readUInt32LE(offset + 32)) {
    rows += bytes.readUInt32LE(offset + 4);
  }
  return rows;
}
