import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { AuditRecord } from '../../contracts/record.ts';
import { parseFilter } from '../../query/language.ts';
import { anyRecord, statement, TEST_TIME_US, withDirectory } from '../fixture.ts';
import { StoreReader } from '../reader.ts';
import { type AuditStore, openStore } from '../store.ts';
import { type Group, topGroups } from './aggregate.ts';
import { expected, nameOf, sameGroups } from './expected.ts';
import { AGGREGATE_FIELDS, type AggregateField } from './groups.ts';

const SEGMENT_ROWS = 90;

/** Any records, 400 of them in five segments of which the last is open. */
const RECORDS: readonly AuditRecord[] = fc.sample(anyRecord, { seed: 23, numRuns: 400 }).map((record, n) => {
  record.id = n.toString(16).padStart(32, '0');
  // Mostly of one day, so that the fields that name periods have something to do.
  if (n % 7 !== 0) record.timeUs = TEST_TIME_US + ((n * 7919) % 3600) * 17e6;
  return record;
});

async function write(directory: string, records: readonly AuditRecord[]): Promise<AuditStore> {
  const store = await openStore(directory, { segmentRowsMax: SEGMENT_ROWS });
  const writer = store.writer('wait');
  for (const record of records) writer.write(record);
  await writer.close();
  return store;
}

/** Filters that columns answer, that rows must answer, and mixtures. */
const FILTERS = [
  '',
  'not kind:login',
  'user:a* or user:"*b*"',
  'kind:statement failed:no',
  'kind:statement,login',
  'not user:"ÄÖ€😀"',
  'failed:yes',
  'rows>100 or duration<1000',
  'returned>=0 affected<5',
  'error:a or not error:*',
  'mark:gap,truncated',
  'mark:gap (failed:yes or severity>=medium)',
  'time:2026-11-20T11/PT2H',
  'client:* port>5000',
  'text:a',
  'text:a failed:yes',
  'text:a or severity:high',
  'not (text:a or rows>5)',
  'enduser:* kind:loss',
  'user:nobody-at-all',
];

let directory = '';
let reader: StoreReader;
before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'wiretrail-answers-'));
  const store = await write(directory, RECORDS);
  await store.close();
  reader = new StoreReader(directory);
});
after(() => {
  reader.close();
  rmSync(directory, { recursive: true });
});

describe('totals', () => {
  const combinations: (readonly AggregateField[])[] = [
    [],
    ...AGGREGATE_FIELDS.map((field) => [field]),
    ['user', 'hour'],
    ['op', 'object', 'outcome'],
    ['severity', 'error', 'minute'],
    ['client', 'server', 'program', 'db', 'kind', 'rule', 'outcome', 'error', 'day', 'hour'],
  ];
  for (const fields of combinations) {
    test(`totals by ${fields.join(' and ') || 'nothing'}`, () => {
      const wanted = expected(RECORDS, fields);
      const groups = reader.groups({}, { fields });
      assert.equal(groups.length, wanted.size);
      sameGroups(groups, wanted);
      assert.deepEqual(reader.problems, []);
    });
  }

  for (const text of FILTERS) {
    test(`counts and totals agree with what is found: ${text || 'everything'}`, () => {
      const filter = parseFilter(text, TEST_TIME_US);
      const ranges = [
        {},
        { fromUs: TEST_TIME_US + 1800e6 + 1 },
        { fromUs: TEST_TIME_US + 3600e6, toUs: TEST_TIME_US + 9 * 3600e6 },
        { seqMax: 250 },
      ];
      for (const range of ranges) {
        const query = { ...range, filter };
        const found = [...reader.query(query)];
        assert.equal(reader.count(query), found.length);
        for (const fields of [['kind', 'outcome'], ['user', 'hour'], ['severity'], ['object', 'day']] as const) {
          const wanted = expected(found, fields);
          sameGroups(reader.groups(query, { fields }), wanted);
        }
      }
    });
  }

  test('a rule and its action stay together', () => {
    const groups = reader.groups({}, { fields: ['rule', 'action'] });
    const pairs = new Set(
      RECORDS.flatMap((record) => (record.policy ?? []).map((each) => `${each.rule}\n${each.action}`)),
    );
    for (const { labels } of groups) assert.ok(labels[0] === '' || pairs.has(labels.join('\n')), labels.join(' '));
  });
});

describe('buckets of time', () => {
  test('hold the records that begin within them, those of a range only', () => {
    const fromUs = TEST_TIME_US + 100e6;
    const bucketUs = 1000e6;
    const toUs = fromUs + 20 * bucketUs;
    const groups = reader.groups({ fromUs, toUs }, { fields: ['kind'], bucketUs, originUs: fromUs });
    const within = RECORDS.filter(({ timeUs }) => timeUs >= fromUs && timeUs < toUs);
    assert.ok(within.length > 50, `${within.length}`);
    assert.equal(
      groups.reduce((sum, { records }) => sum + records, 0),
      within.length,
    );
    for (const { labels, bucketUs: startUs, records } of groups) {
      const own = within.filter(
        ({ kind, timeUs }) => kind === labels[0] && timeUs >= startUs && timeUs < startUs + bucketUs,
      );
      assert.equal(records, own.length, `${labels[0]} from ${startUs}`);
    }
  });
});

describe('damage', () => {
  for (const suffix of ['.col', '.sum', '.aix']) {
    test(`a ${suffix} file that is damaged, cut or gone is not used, and that is said`, async () => {
      for (const harm of ['change', 'cut', 'remove'] as const) {
        await withDirectory(async (copy) => {
          const own = await write(copy, RECORDS);
          await own.close();
          const file = biggestFile(join(copy, 'segments'), suffix);
          if (harm === 'remove') rmSync(file);
          else if (harm === 'cut') truncateSync(file, 200);
          else
            writeFileSync(
              file,
              readFileSync(file).map((byte, at) => (at > 120 ? byte ^ 1 : byte)),
            );
          const harmed = new StoreReader(copy);
          for (const fields of [['user'], ['op', 'minute'], ['user', 'program', 'kind']] as const) {
            const wanted = reader.groups({}, { fields });
            // Sums made of records and sums made of cells are rounded in another order.
            sameGroups(harmed.groups({}, { fields }), new Map(wanted.map((group) => [nameOf(group), group])));
          }
          const query = { filter: parseFilter('session:* failed:yes', 0) };
          assert.equal(harmed.count(query), reader.count(query));
          assert.equal([...harmed.find(query)].length, reader.count(query));
          if (suffix !== '.aix') assert.equal(harmed.problems.length, harm === 'remove' ? 0 : 1);
          harmed.close();
        });
      }
    });
  }
});

function biggestFile(folder: string, suffix: string): string {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(suffix))
    .map((name) => join(folder, name));
  return files.sort((a, b) => statSync(b).size - statSync(a).size)[0] ?? '';
}

test('the biggest few of many groups are those that sorting all of them gives', () => {
  const anyGroup = fc.record({
    labels: fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('x', 'y')),
    bucketUs: fc.constant(0),
    records: fc.nat(4),
    failed: fc.nat(4),
    rows: fc.nat(4),
    durationUs: fc.nat(4),
    firstUs: fc.nat(4),
    lastUs: fc.nat(4),
  });
  const property = fc.property(fc.array(anyGroup, { maxLength: 60 }), fc.nat(40), (groups, limit) => {
    const named = (all: readonly Group[]): unknown[] => all.map(({ labels, rows }) => [labels, rows]);
    // Far more than are sorted out one by one.
    const sorted = topGroups(groups, 1000, 'rows');
    assert.deepEqual(named(topGroups(groups, limit, 'rows')), named(sorted.slice(0, limit)));
    assert.ok(sorted.every(({ rows }, i) => i === 0 || rows <= (sorted[i - 1]?.rows ?? 0)));
  });
  fc.assert(property, { seed: 9, numRuns: 200 });
});

test('a reader that stays open sees what arrives, and a segment being sealed', async () => {
  await withDirectory(async (directory) => {
    const store = await openStore(directory, { segmentRowsMax: 50 });
    const writer = store.writer('wait');
    writer.write(statement(0));
    await writer.flush();
    const reader = new StoreReader(directory);
    for (let n = 1; n < 175; n++) {
      writer.write(statement(n, { user: `user${n % 3}`, ...(n % 2 === 0 && { errorCode: '23505' }) }));
      if (n % 20 !== 0) continue;
      await writer.flush();
      assert.equal(reader.count({}), n + 1);
      const groups = reader.groups({}, { fields: ['outcome'] });
      assert.equal(groups.find(({ labels }) => labels[0] === 'failed')?.records, n / 2);
    }
    await writer.close();
    await store.close();
    assert.equal(reader.count({}), 175);
    assert.deepEqual(reader.problems, []);
    reader.close();
  });
});
