import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { Query } from '../../query/filter.ts';
import { parseFilter } from '../../query/language.ts';
import { statement, TEST_TIME_US } from '../fixture.ts';
import { StoreReader } from '../reader.ts';
import { openStore } from '../store.ts';

const RECORDS = 100;
const SEGMENT_ROWS = 20;
/** So many that their rows are read, and so few that the index names them. */
const USERS = ['alice', 'bob'] as const;
type User = (typeof USERS)[number];

function userOf(seq: number): User {
  return seq % 4 === 0 ? 'bob' : 'alice';
}

/** Some share a time, some are older than those before them. */
function timeOf(seq: number): number {
  return TEST_TIME_US + (Math.floor(seq / 5) - (seq % 3 === 0 ? 4 : 0)) * 1000;
}

/** Sequence numbers of a user's records within the limits, in the query's order. */
function expected(user: User, query: Query): number[] {
  const { fromUs = 0, toUs = Number.MAX_SAFE_INTEGER, seqMax = RECORDS, after: place, order } = query;
  const sign = order === 'oldest' ? 1 : -1;
  const compare = (a: number, b: number): number => sign * (timeOf(a) - timeOf(b) || a - b);
  return Array.from({ length: RECORDS }, (_, i) => i + 1)
    .filter((seq) => userOf(seq) === user && timeOf(seq) >= fromUs && timeOf(seq) < toUs && seq <= seqMax)
    .filter((seq) => place === undefined || compare(seq, place.seq) > 0)
    .sort(compare);
}

describe('limits of a query', () => {
  let directory = '';
  let reader: StoreReader;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'wiretrail-store-'));
    const store = await openStore(directory, { segmentRowsMax: SEGMENT_ROWS });
    const writer = store.writer('wait');
    for (let seq = 1; seq <= RECORDS; seq++) {
      writer.write(statement(seq, { timeUs: timeOf(seq), user: userOf(seq) }));
    }
    await writer.close();
    await store.close();
    reader = new StoreReader(directory);
  });
  after(() => {
    reader.close();
    rmSync(directory, { recursive: true, force: true });
  });

  test('keep every record within them and none beyond, wherever they cut a segment', () => {
    const moment = fc.integer({ min: -6, max: 22 }).map((ms) => TEST_TIME_US + ms * 1000);
    const place = fc.integer({ min: 1, max: RECORDS }).map((seq) => ({ seq, timeUs: timeOf(seq) }));
    const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
    const limits = fc.record({
      fromUs: optional(moment),
      toUs: optional(moment),
      seqMax: optional(fc.integer({ min: 1, max: RECORDS })),
      after: optional(place),
      order: fc.constantFrom('newest' as const, 'oldest' as const),
    });
    fc.assert(
      fc.property(fc.constantFrom(...USERS), limits, (user, limit) => {
        const query = { ...limit, filter: parseFilter(`user:${user}`, 0) };
        const found = [...reader.find(query)].map(({ seq }) => seq);
        assert.deepEqual(found, expected(user, query));
        assert.equal(reader.count(query), expected(user, { ...query, after: undefined }).length);
      }),
      { seed: 9, numRuns: 200 },
    );
    assert.deepEqual(reader.problems, []);
  });

  test('are asked of records only where a segment does not lie within them', () => {
    const filter = parseFilter('user:bob', 0);
    const plans = reader.explain({ filter, fromUs: TEST_TIME_US + 5000, toUs: timeOf(RECORDS) + 1, seqMax: RECORDS });
    assert.deepEqual(
      plans.map(({ how, asked }) => [how, asked.length]),
      [
        ['other time', 0],
        ['index', 1],
        ['index', 1],
        ['index', 0],
        // Still being written.
        ['columns', 3],
      ],
    );
  });
});
