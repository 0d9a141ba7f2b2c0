import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import type { AuditRecord } from '../../contracts/record.ts';
import { parseFilter } from '../../query/language.ts';
import { StoreError } from '../errors.ts';
import { statement, TEST_TIME_US, withDirectory } from '../fixture.ts';
import { StoreReader } from '../reader.ts';
import { openStore } from '../store.ts';
import { keyBytes } from './keys.ts';
import { DIMENSIONS, encodePostings, PostingIndex, writePostings } from './postings.ts';

const SEGMENT_ROWS = 500;
/** Five sealed segments and an open one. */
const RECORDS: readonly AuditRecord[] = Array.from({ length: SEGMENT_ROWS * 5 + 100 }, (_, n) =>
  statement(n, {
    timeUs: TEST_TIME_US + n * 1000 - (n % 7) * 3000,
    user: `user${n % 40}`,
    session: `session${n % 80}`,
    objects: [`table${n % 30}`],
    fingerprint: `${n % 30}`,
    returnedRows: n % 11,
    policy: n % 50 === 0 ? [{ rule: 'rare', severity: 'low', action: 'alert' }] : undefined,
  }),
);

async function writeStore(directory: string): Promise<void> {
  const store = await openStore(directory, { segmentRowsMax: SEGMENT_ROWS });
  const writer = store.writer('wait');
  for (const record of RECORDS) writer.write(record);
  await writer.close();
  await store.close();
  assert.equal(store.counters().indexesBuilt, 5);
  assert.equal(store.counters().indexesFailed, 0);
}

function indexFile(directory: string, number: number): string {
  return join(directory, 'segments', `00000${number}.aix`);
}

interface Found {
  readonly ids: readonly string[];
  readonly count: number;
  readonly problems: readonly string[];
}

function find(directory: string, query: string, fromUs?: number, toUs?: number): Found {
  const reader = new StoreReader(directory);
  const wanted = { filter: parseFilter(query, 0), fromUs, toUs };
  const ids = [...reader.query(wanted)].map((record) => record.id);
  const count = reader.count(wanted);
  const { problems } = reader;
  reader.close();
  return { ids, count, problems };
}

/** Ids of the records that meet the test, newest first. */
function expected(matches: (record: AuditRecord) => boolean): string[] {
  const found = RECORDS.map((record, n) => ({ record, n })).filter(({ record }) => matches(record));
  found.sort((a, b) => b.record.timeUs - a.record.timeUs || b.n - a.n);
  return found.map(({ record }) => record.id);
}

const MIDDLE_US = TEST_TIME_US + 1_200_000;

describe('searching with an index', () => {
  test('finds what reading every row finds', async () => {
    await withDirectory(async (directory) => {
      await writeStore(directory);
      const cases: readonly (readonly [query: string, matches: (record: AuditRecord) => boolean])[] = [
        ['user:user7', (record) => record.user === 'user7'],
        ['user:user7,user8 object:table7', (r) => /^user[78]$/.test(r.user ?? '') && r.objects?.[0] === 'table7'],
        ['user:user7 rows>5', (record) => record.user === 'user7' && (record.returnedRows ?? 0) > 5],
        ['rule:rare', (record) => record.policy !== undefined],
        ['rule:rare user:user10', (record) => record.policy !== undefined && record.user === 'user10'],
        ['user:nobody', () => false],
        ['user:user7 or object:table3', (r) => r.user === 'user7' || r.objects?.[0] === 'table3'],
        ['user:user7 not object:table7', (r) => r.user === 'user7' && r.objects?.[0] !== 'table7'],
        ['kind:statement', () => true],
      ];
      for (const [query, matches] of cases) {
        const all = expected(matches);
        assert.deepEqual(find(directory, query), { ids: all, count: all.length, problems: [] }, query);
        const late = expected((record) => matches(record) && record.timeUs >= MIDDLE_US);
        assert.deepEqual(find(directory, query, MIDDLE_US), { ids: late, count: late.length, problems: [] }, query);
        const early = expected((record) => matches(record) && record.timeUs < MIDDLE_US);
        assert.deepEqual(find(directory, query, undefined, MIDDLE_US).ids, early, query);
      }
    });
  });

  test('a damaged index is reported and not believed; a missing or cut one is made again', async () => {
    await withDirectory(async (directory) => {
      await writeStore(directory);
      const all = expected((record) => record.user === 'user7');
      const file = indexFile(directory, 2);
      const good = readFileSync(file);
      let reported = 0;
      for (let at = 0; at < good.length; at += 61) {
        const bad = Buffer.from(good);
        bad[at] = (bad[at] ?? 0) ^ 0x40;
        writeFileSync(file, bad);
        const found = find(directory, 'user:user7');
        assert.deepEqual(found.ids, all);
        assert.equal(found.count, all.length);
        if (found.problems.length > 0) reported++;
      }
      assert.ok(reported > 0);
      writeFileSync(file, good.subarray(0, good.length - 1));
      rmSync(indexFile(directory, 3));
      const store = await openStore(directory);
      await store.close();
      assert.equal(store.counters().indexesBuilt, 2);
      assert.deepEqual(readFileSync(file), good);
      assert.ok(existsSync(indexFile(directory, 3)));
    });
  });
});

const KEYS = Array.from({ length: 400 }, (_, i) => ({
  key: keyBytes({ field: 'user', value: `user${1000 + i * 7}` }),
  rows: [1 + (i % 5), 10 + (i % 9)],
}));

describe('an index of another version', () => {
  test('is said, does without, and is made again by the next writer', async () => {
    await withDirectory(async (directory) => {
      await writeStore(directory);
      const file = indexFile(directory, 2);
      const good = readFileSync(file);
      const other = Buffer.from(good);
      other.writeUInt32LE(1, 4);
      other.writeUInt32LE(crc32(other.subarray(0, 60)), 60);
      writeFileSync(file, other);
      const all = expected((record) => record.user === 'user7');
      const { ids, problems } = find(directory, 'user:user7');
      assert.deepEqual(ids, all);
      assert.match(
        problems.join(),
        /^[^,]*000002\.aix: the index is of another version; the next writer makes it anew/,
      );
      const store = await openStore(directory);
      await store.close();
      assert.deepEqual(readFileSync(file), good);
    });
  });
});

describe('the index file', () => {
  test('gives back the records of any keys', async () => {
    await withDirectory((directory) => {
      const path = join(directory, 'x.aix');
      const rows = fc.array(fc.nat(12), { maxLength: 200 });
      fc.assert(
        fc.property(rows, fc.uniqueArray(fc.integer({ min: 1, max: 14 })), (numbers, wanted) => {
          const keys = wanted.toSorted((a, b) => a - b);
          const column = Uint32Array.from(numbers);
          const columns = { session: column, shape: column.toReversed(), verdict: new Uint32Array(column.length) };
          writePostings(path, encodePostings(1000, columns, []));
          const index = new PostingIndex(path, 1000, column.length);
          const found = numbers.flatMap((row, i) => (keys.includes(row) ? [i] : []));
          assert.deepEqual([...index.indexes('session', keys)], found);
          assert.equal(index.estimate('session', keys), found.length);
          assert.deepEqual([...index.indexes('verdict', keys)], []);
          index.close();
        }),
        { seed: 42, numRuns: 100 },
      );
    });
  });

  test('of other bytes is refused, whatever they are', async () => {
    await withDirectory((directory) => {
      const path = join(directory, 'x.aix');
      const column = Uint32Array.from({ length: 300 }, (_, i) => (i * 7) % 20);
      writePostings(path, encodePostings(1, { session: column, shape: column, verdict: column }, KEYS));
      const good = readFileSync(path);
      const keys = Array.from({ length: 20 }, (_, i) => i + 1);
      const change = fc.record({ at: fc.nat(good.length - 1), byte: fc.integer({ min: 1, max: 255 }) });
      fc.assert(
        fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
          const bad = Buffer.from(good);
          for (const { at, byte } of changes) bad[at] = (bad[at] ?? 0) ^ byte;
          if (bad.equals(good)) return;
          writeFileSync(path, bad);
          assert.throws(() => {
            const index = new PostingIndex(path, 1, column.length);
            try {
              for (const dimension of DIMENSIONS) index.indexes(dimension, keys);
              for (const { key } of KEYS) index.dictionary.rows(key);
            } finally {
              index.close();
            }
          }, StoreError);
        }),
        { seed: 42, numRuns: 300 },
      );
    });
  });
});
