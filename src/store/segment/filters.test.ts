import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { AuditRecord } from '../../contracts/record.ts';
import type { Filter } from '../../query/filter.ts';
import { parseFilter } from '../../query/language.ts';
import { anyRecord, statement, TEST_TIME_US, withDirectory } from '../fixture.ts';
import { StoreReader } from '../reader.ts';
import { openStore, type StoreOptions } from '../store.ts';
import { FILTERS_FILE, filteredFiles } from './filters.ts';

const SEGMENT_ROWS = 100;
/** Ten sealed segments and an open one; `guest3` is in segment 4 alone, `mapped` clients are written in several ways. */
const RECORDS: readonly AuditRecord[] = Array.from({ length: SEGMENT_ROWS * 10 + 50 }, (_, n) => {
  const segment = Math.floor(n / SEGMENT_ROWS);
  const guest = n % SEGMENT_ROWS === 7;
  return statement(n, {
    user: guest ? `Guest${segment}` : `user${n % 5}`,
    session: guest ? `session${segment}` : `s${n % 5}`,
    clientAddress: guest ? `::ffff:10.9.0.${segment}` : `10.0.0.${n % 5}`,
    objects: guest ? [`hr.salaries_${segment}`] : ['orders'],
    fingerprint: guest ? `f${segment}` : 'f',
    program: guest ? `tool${segment}` : 'app',
    policy: guest ? [{ rule: `rule-${segment}`, severity: 'low', action: 'alert' }] : undefined,
  });
});

async function write(directory: string, records: readonly AuditRecord[], options: StoreOptions): Promise<number> {
  const store = await openStore(directory, options);
  const writer = store.writer('wait');
  for (const record of records) writer.write(record);
  await writer.close();
  await store.close();
  assert.equal(store.counters().indexesFailed, 0);
  return store.counters().indexesBuilt;
}

interface Answer {
  readonly ids: readonly string[];
  readonly count: number;
  readonly users: number;
  /** How each segment was read, oldest first. */
  readonly how: readonly string[];
  readonly problems: readonly string[];
}

function ask(directory: string, filter: Filter | undefined): Answer {
  const reader = new StoreReader(directory);
  try {
    return {
      ids: [...reader.query({ filter })].map((record) => record.id),
      count: reader.count({ filter }),
      users: reader.aggregate({ filter }, ['user'], 100).reduce((sum, group) => sum + group.records, 0),
      how: reader.explain({ filter }).map((plan) => plan.how),
      problems: [...reader.problems],
    };
  } finally {
    reader.close();
  }
}

function filtersFile(directory: string): string {
  return join(directory, 'segments', FILTERS_FILE);
}

describe('filters of a store', () => {
  test('leave out the segments that do not hold a value, and only those', async () => {
    await withDirectory(async (directory) => {
      await write(directory, RECORDS, { segmentRowsMax: SEGMENT_ROWS });
      const queries = ['user:guest3', 'client:10.9.0.3', 'client:"::ffff:a09:3"', 'object:salaries_3', 'rule:rule-3'];
      queries.push(
        'object:HR.salaries_3',
        'session:session3',
        'fingerprint:f3',
        'program:tool3,tool99',
        'user:guest3 op:select',
      );
      for (const query of queries) {
        const { ids, count, users, how, problems } = ask(directory, parseFilter(query, 0));
        assert.deepEqual(ids, [RECORDS[3 * SEGMENT_ROWS + 7]?.id], query);
        assert.deepEqual([count, users, problems.length], [1, 1, 0], query);
        assert.equal(how[3], 'index', query);
        assert.ok(how.filter((each) => each === 'filter').length >= 8, `${query}: ${how}`);
        assert.equal(how.at(-1), 'columns', query);
      }
      for (const query of ['user:guest*', 'client:10.9.0.0/16', 'not user:guest3', 'user:guest3 or op:select']) {
        const { ids, how } = ask(directory, parseFilter(query, 0));
        assert.ok(ids.length >= 10, query);
        assert.ok(!how.includes('filter'), query);
      }
    });
  });

  test('are made again when they are missing, cut or altered, and not believed until then', async () => {
    await withDirectory(async (directory) => {
      await write(directory, RECORDS, { segmentRowsMax: SEGMENT_ROWS });
      const file = filtersFile(directory);
      const good = readFileSync(file);
      const filter = parseFilter('user:guest3', 0);
      const { ids } = ask(directory, filter);
      let reported = 0;
      for (let at = 0; at < good.length; at += 4093) {
        const bad = Buffer.from(good);
        bad.fill((bad[at] as number) ^ 0x5a, at, Math.min(bad.length, at + 64));
        writeFileSync(file, bad);
        const answer = ask(directory, filter);
        assert.deepEqual([answer.ids, answer.count], [ids, 1], `byte ${at}`);
        if (answer.problems.length > 0) reported++;
      }
      assert.ok(reported > 0);
      for (const spoil of [
        () => rmSync(file),
        () => writeFileSync(file, good.subarray(0, 5000)),
        () => writeFileSync(file, 'no database'),
      ]) {
        spoil();
        assert.deepEqual(ask(directory, filter).ids, ids);
        assert.equal(await write(directory, [], { segmentRowsMax: SEGMENT_ROWS }), 10);
        assert.equal(filteredFiles(join(directory, 'segments')).size, 10);
        assert.equal(ask(directory, filter).how.filter((each) => each === 'filter').length, 9);
      }
    });
  });

  test('of another store are not believed', async () => {
    await withDirectory(async (directory) => {
      const [one, other] = [join(directory, 'one'), join(directory, 'other')];
      await write(one, RECORDS, { segmentRowsMax: SEGMENT_ROWS });
      await write(other, RECORDS.slice(500), { segmentRowsMax: 90 });
      copyFileSync(filtersFile(other), filtersFile(one));
      assert.equal(ask(one, parseFilter('user:guest3', 0)).count, 1);
    });
  });

  test('go with their segments', async () => {
    await withDirectory(async (directory) => {
      const retention = { recordsMin: 300 };
      await write(directory, RECORDS, { segmentRowsMax: SEGMENT_ROWS, retention });
      const kept = readdirSync(join(directory, 'segments')).filter((name) => name.endsWith('.db'));
      const filtered = filteredFiles(join(directory, 'segments'));
      assert.ok(filtered.size >= 2 && filtered.size <= 4, [...filtered].join());
      assert.ok([...filtered].some((name) => kept.includes(name)));
    });
  });
});

const FIELDS = [
  'user',
  'client',
  'server',
  'object',
  'fingerprint',
  'op',
  'rule',
  'session',
  'program',
  'host',
  'action',
] as const;

/** Ids and count for each filter, by one reader. */
function answers(directory: string, filters: readonly (Filter | undefined)[]): { ids: string[]; count: number }[] {
  const reader = new StoreReader(directory);
  try {
    return filters.map((filter) => ({
      ids: [...reader.query({ filter })].map((record) => record.id),
      count: reader.count({ filter }),
    }));
  } finally {
    assert.deepEqual(reader.problems, []);
    reader.close();
  }
}

describe('what stands beside a segment', () => {
  test('changes no answer, whatever the records and the query', async () => {
    const facts = fc.record({
      user: fc.constantFrom(undefined, 'a', 'A', 'ab', 'ä', 'Ä', 'İ'),
      effectiveUser: fc.constantFrom(undefined, 'a', 'root'),
      clientAddress: fc.constantFrom(undefined, '10.0.0.7', '::ffff:10.0.0.7', '2001:DB8::1', '2001:db8:0::1', 'x'),
      objects: fc.constantFrom(undefined, ['a'], ['s.a', 'b'], ['S.A'], []),
      operation: fc.constantFrom(undefined, 'SELECT', 'select'),
      clientHost: fc.constantFrom(undefined, 'a.example', '10.0.0.7'),
    });
    const records = fc.array(fc.tuple(anyRecord, facts), { minLength: 30, maxLength: 60 });
    const values = [
      'a',
      'A',
      'ab',
      'ä',
      'İ',
      'root',
      'a*',
      '*a',
      '?',
      '',
      '*',
      's.a',
      'S.*',
      'select',
      '10.0.0.7',
      '10.0.0.*',
    ];
    values.push('::ffff:a00:7', '2001:db8::1', '2001:db8::/32', '10.0.0.0/8', 'a.example', 'alert');
    await fc.assert(
      fc.asyncProperty(records, async (drawn) => {
        const all = drawn.map(([record, fact], n) =>
          Object.assign(record, fact, { id: n.toString(16).padStart(32, '0'), timeUs: TEST_TIME_US + n }),
        );
        await withDirectory(async (directory) => {
          await write(directory, all, { segmentRowsMax: 20 });
          const filters = FIELDS.flatMap((field) =>
            values.map((value) =>
              parseFilter(`${field}:${JSON.stringify(value).replaceAll('"', value === '' ? '"' : '')}`, 0),
            ),
          );
          const before = answers(directory, filters);
          for (const name of readdirSync(join(directory, 'segments'))) {
            if (!/^\d+\.db$/.test(name)) rmSync(join(directory, 'segments', name));
          }
          for (const [i, answer] of answers(directory, filters).entries()) {
            assert.deepEqual(before[i], answer, JSON.stringify(filters[i]));
          }
        });
      }),
      { seed: 42, numRuns: 3 },
    );
  });
});
