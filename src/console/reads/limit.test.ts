import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AuditRecord } from '../../contracts/record.ts';
import { valueFilter } from '../../query/build.ts';
import { statement, TEST_TIME_US, withDirectory } from '../../store/fixture.ts';
import { openStore } from '../../store/store.ts';
import { covers, isWithin, type Limit, sealed, unsealed } from './limit.ts';
import { OpenStore } from './open-store.ts';
import { Source } from './source.ts';

const key = '000102030405060708090a0b0c0d0e0f';
const LIMIT: Limit = { databases: ['hr', 'CRM'], key };

test('a sealed position comes back, never reads twice the same, and opens by no other key', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (position) => {
      const text = sealed(LIMIT, position);
      assert.match(text, /^[\w-]{22}$/);
      assert.equal(unsealed(LIMIT, text), position);
      assert.notEqual(sealed(LIMIT, position), text);
      assert.equal(unsealed({ ...LIMIT, key: randomBytes(16).toString('hex') }, text), undefined);
    }),
    { seed: 8, numRuns: 300 },
  );
});

test('what was not sealed is refused, whatever it is', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\w-]{20,24}$/)), (text) => {
      assert.equal(unsealed(LIMIT, text), undefined);
    }),
    { seed: 9, numRuns: 500 },
  );
});

test('names are compared whole and without case; a record that names none is nobody’s', () => {
  const within = (name: string | undefined): boolean => isWithin(LIMIT, name);
  assert.deepEqual(['hr', 'HR', 'crm', 'h', 'hrx', '*', '', undefined].map(within), [
    ...[true, true, true],
    ...[false, false, false, false, false],
  ]);
});

test('what was made with fewer rights may be read, what with more or other ones may not', () => {
  assert.equal(covers(undefined, undefined), true);
  assert.equal(covers(undefined, ['pay']), true);
  assert.equal(covers(LIMIT, ['hr']), true);
  assert.equal(covers(LIMIT, ['hr', 'crm']), true);
  assert.equal(covers(LIMIT, ['hr', 'pay']), false);
  assert.equal(covers(LIMIT, undefined), false);
});

async function openWith(directory: string, records: readonly AuditRecord[]): Promise<OpenStore> {
  const store = await openStore(directory, { durability: 'fast', segmentRowsMax: SEGMENT_ROWS });
  const writer = store.writer('wait');
  for (const record of records) writer.write(record);
  await writer.close();
  await store.close();
  return new OpenStore(directory);
}

const SEGMENT_ROWS = 100;

function mixed(count: number): AuditRecord[] {
  const databases = ['hr', 'pay', 'Crm', undefined, 'hrx'];
  return Array.from({ length: count }, (_, n) =>
    statement(n + 1, {
      timeUs: TEST_TIME_US + n * 1000,
      namespace: databases[(n * 7) % 5],
      user: `u${n % 4}`,
      operation: n % 3 === 0 ? 'DELETE' : 'SELECT',
      returnedRows: (n * 31) % 17,
      durationUs: (n * 7919) % 1000,
      errorCode: n % 6 === 0 ? '42P01' : undefined,
    }),
  );
}

const condition = fc.oneof(
  fc.constantFrom('user:u1', 'user:u*', 'op:DELETE', 'rows>5', 'failed:yes', 'db:pay', 'db:*', 'db!=hr', 'db:hr*'),
  fc.constantFrom('not db:hr', 'table:nowhere', 'kind:statement', 'id:*1', 'duration>500us', '"SELECT"'),
);
const question: fc.Arbitrary<string> = fc.letrec((tie) => ({
  whole: fc.oneof(
    { maxDepth: 3 },
    condition,
    fc.tuple(tie('whole'), fc.constantFrom(' ', ' or '), tie('whole')).map((parts) => `(${parts.join('')})`),
    tie('whole').map((inner) => `not (${inner as string})`),
  ),
})).whole as fc.Arbitrary<string>;

test('whatever is asked, the answer is that of a store with nothing else in it', () =>
  withDirectory((whole) =>
    withDirectory(async (part) => {
      const records = mixed(200);
      const [store, apart] = [
        await openWith(whole, records),
        await openWith(
          part,
          records.filter(({ namespace }) => isWithin(LIMIT, namespace)),
        ),
      ];
      const [limited, free] = [new Source(store, LIMIT), new Source(apart, undefined)];
      const answers = (source: Source, q: string): unknown => {
        const { query } = source.question({ q });
        const by = source.aggregate(query, { fields: ['user', 'db', 'op'] });
        return {
          count: source.count(query),
          ids: [...source.query({ ...query, order: 'oldest' })].map(({ id }) => id),
          groups: by.map(({ labels, records: found }) => `${labels.join()} ${found}`).sort(),
          values: source
            .countValues(query, 'db')
            .map(({ value, count }) => `${value} ${count}`)
            .sort(),
          most: source.greatest(query, undefined, 'rows', 5).map(({ returnedRows }) => returnedRows),
          arrived: source.arrivals(query.filter, 0, source.lastSeq(), 3).first.map(({ record }) => record.id),
          extent: source.extent(),
        };
      };
      fc.assert(
        fc.property(question, (q) => assert.deepEqual(answers(limited, q), answers(free, q))),
        { seed: 10, numRuns: 100 },
      );
      store.reader.close();
      apart.reader.close();
    }),
  ));

test('a session is whole only when none of it lies elsewhere', () =>
  withDirectory(async (directory) => {
    const parts = [
      ['a', 'hr'],
      ['a', 'crm'],
      ['b', 'hr'],
      ['b', 'pay'],
      ['c', 'hr'],
      ['c', undefined],
    ];
    const records = parts.map(([session, namespace], n) => statement(n + 1, { session, namespace }));
    const open = await openWith(directory, records);
    const whole = (limit: Limit | undefined): boolean[] =>
      ['a', 'b', 'c'].map((session) => new Source(open, limit).isWhole(valueFilter('session', session)));
    assert.deepEqual(whole(undefined), [true, true, true]);
    assert.deepEqual(whole(LIMIT), [true, false, false]);
    open.reader.close();
  }));
