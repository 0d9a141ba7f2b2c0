import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { AuditRecord } from '../../contracts/record.ts';
import type { Filter, Query } from '../../query/filter.ts';
import { parseFilter } from '../../query/language.ts';
import { anyRecord, statement, TEST_TIME_US, withDirectory } from '../fixture.ts';
import { StoreReader } from '../reader.ts';
import { openStore } from '../store.ts';
import type { GroupBy } from './aggregate.ts';
import { expected, nameOf, type Sums, sameGroups } from './expected.ts';
import { AGGREGATE_FIELDS, isPeriod } from './groups.ts';

const RECORDS = 300;
const SEGMENT_ROWS = 70;
const HOUR_US = 3600e6;

/** Any records over some hours, out of order by up to a quarter of one; the last segment is open. */
async function write(directory: string): Promise<void> {
  const store = await openStore(directory, { segmentRowsMax: SEGMENT_ROWS });
  const writer = store.writer('wait');
  for (const [n, record] of fc.sample(anyRecord, { seed: 7, numRuns: RECORDS }).entries()) {
    record.id = n.toString(16).padStart(32, '0');
    record.timeUs = TEST_TIME_US + n * 120e6 - ((n * 7919) % 900) * 1e6;
    if (n % 3 !== 0) record.user = `user${n % 5}`;
    writer.write(record);
  }
  await writer.close();
  await store.close();
}

const FILTERS = [
  '',
  'user:user1',
  'not user:user2,user3',
  'kind:statement',
  'op:a* or object:*b*',
  'failed:yes',
  'rows>100',
  'mark:gap duration<1000',
  'user:user1 failed:no',
  'text:a',
  'error:* user:user4',
  'action:alert',
  'severity>=medium',
  'user:nobody-at-all',
].map((text) => parseFilter(text, TEST_TIME_US));

const anyFilter: fc.Arbitrary<Filter | undefined> = fc.constantFrom(...FILTERS);
const anyTime = fc.option(
  fc.integer({ min: -3, max: 40 }).chain((quarter) =>
    // On the hour, on the quarter, and between.
    fc.constantFrom(0, 1, 37e6).map((more) => TEST_TIME_US + quarter * (HOUR_US / 4) + more),
  ),
  { nil: undefined },
);
const anyQuestion: fc.Arbitrary<readonly [Query, GroupBy]> = fc
  .record({
    filter: anyFilter,
    only: anyFilter,
    fromUs: anyTime,
    toUs: anyTime,
    seqMax: fc.option(fc.integer({ min: 1, max: RECORDS + 5 }), { nil: undefined }),
    fields: fc.subarray([...AGGREGATE_FIELDS], { maxLength: 2 }),
    bucketUs: fc.constantFrom(undefined, undefined, 60e6, 900e6, HOUR_US, 7 * HOUR_US),
    originUs: fc.constantFrom(undefined, TEST_TIME_US, TEST_TIME_US + 60e6, 17),
    countsOnly: fc.boolean(),
  })
  .map(({ only, fields, bucketUs, originUs, countsOnly, ...query }) => {
    // Fields that name periods are buckets of their own.
    const own = bucketUs === undefined ? fields : fields.filter((field) => !isPeriod(field));
    return [query, { only, fields: own, bucketUs, originUs, countsOnly }];
  });

function check(reader: StoreReader, plain: StoreReader, [query, by]: readonly [Query, GroupBy]): void {
  const terms = [query.filter, by.only].flatMap((filter) => filter ?? []);
  // Found by the rows, and counted one by one.
  const records = [...plain.query({ ...query, filter: { kind: 'and', terms } })];
  const { bucketUs, originUs = 0 } = by;
  const bucketOf = ({ timeUs }: AuditRecord): number =>
    bucketUs === undefined ? 0 : originUs + Math.floor((timeUs - originUs) / bucketUs) * bucketUs;
  if (by.only === undefined) {
    const [all] = reader.groups(query, { fields: [], recordsOnly: true });
    assert.equal(all?.records ?? 0, records.length);
    const byError = reader.groups(query, { fields: ['error'], recordsOnly: true });
    const number = ({ records: count }: { readonly records: number }): number => count;
    const errors = mapped(
      expected(records, ['error'], () => 0),
      number,
    );
    assert.deepEqual(new Map(byError.map((group) => [nameOf(group), number(group)])), errors);
  }
  const groups = reader.groups(query, by);
  const wanted = expected(records, by.fields, bucketOf);
  const isByTime = bucketUs !== undefined || by.fields.some(isPeriod);
  const of = isByTime ? counts : countsAndRows;
  if (by.countsOnly !== true) sameGroups(groups, wanted);
  else assert.deepEqual(new Map(groups.map((group) => [nameOf(group), of(group)])), mapped(wanted, of));
}

function counts({ records, failed }: Sums): Pick<Sums, 'records' | 'failed'> {
  return { records, failed };
}

function countsAndRows({ records, failed, rows }: Sums): Pick<Sums, 'records' | 'failed' | 'rows'> {
  return { records, failed, rows };
}

function mapped<A, B>(map: ReadonlyMap<string, A>, of: (value: A) => B): Map<string, B> {
  return new Map([...map].map(([name, value]) => [name, of(value)]));
}

let directory = '';
before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'wiretrail-scope-'));
  await write(directory);
});
after(() => rmSync(directory, { recursive: true }));

test('what one question leaves to the next changes no answer', () => {
  const plain = new StoreReader(directory);
  const reader = new StoreReader(directory);
  // The reader stays open over all runs: later questions find what earlier ones left.
  const property = fc.property(fc.array(anyQuestion, { minLength: 1, maxLength: 6 }), (questions) => {
    reader.atOneMoment(() => {
      for (const question of questions) check(reader, plain, question);
    });
  });
  fc.assert(property, { seed: 11, numRuns: 80 });
  assert.deepEqual(reader.problems, []);
  reader.close();
  plain.close();
});

for (const suffix of ['.col', '.sum', '.aix']) {
  test(`nor does a damaged ${suffix} file that is found out between two questions`, async () => {
    await withDirectory(async (copy) => {
      await write(copy);
      const folder = join(copy, 'segments');
      const file = join(folder, readdirSync(folder).filter((name) => name.endsWith(suffix))[1] ?? '');
      // The last bytes: some of what the first questions need is still whole.
      writeFileSync(
        file,
        readFileSync(file).map((byte, at, all) => (at > all.length * 0.6 ? byte ^ 1 : byte)),
      );
      const plain = new StoreReader(directory);
      const reader = new StoreReader(copy);
      const property = fc.property(anyQuestion, (question) => check(reader, plain, question));
      fc.assert(property, { seed: 5, numRuns: 80 });
      // An index of which no list that was read is damaged is believed.
      if (suffix !== '.aix') assert.equal(reader.problems.length, 1);
      reader.close();
      plain.close();
    });
  });
}

test('a growing segment of several parts is counted whole at every moment', async () => {
  await withDirectory(async (own) => {
    const store = await openStore(own, { durability: 'fast' });
    const writer = store.writer('wait');
    const reader = new StoreReader(own);
    const written = 150_000;
    for (let n = 0; n < written; n++) {
      writer.write(statement(n, { user: `user${n % 3}`, errorCode: n % 10 === 0 ? '42' : undefined }));
      if (n % 40_000 !== 39_999) continue;
      await writer.flush();
      for (const seqMax of [n - 30_000, n, n + 1]) {
        for (const fields of [['user'], ['outcome'], ['error', 'op']] as const) {
          const groups = reader.groups({ seqMax, filter: parseFilter('user:user1,user2', 0) }, { fields });
          const records = groups.reduce((sum, group) => sum + group.records, 0);
          const failed = groups.reduce((sum, group) => sum + group.failed, 0);
          // Every third record is of neither user; every thirtieth is that and failed.
          assert.equal(records, seqMax - Math.ceil(seqMax / 3));
          assert.equal(failed, Math.ceil(seqMax / 10) - Math.ceil(seqMax / 30));
        }
      }
    }
    reader.close();
    await writer.close();
    await store.close();
  });
});
