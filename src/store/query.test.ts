import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { MARK_GAP } from '../contracts/event.ts';
import type { AuditRecord } from '../contracts/record.ts';
import { QueryError } from '../query/errors.ts';
import type { Filter } from '../query/filter.ts';
import { parseFilter } from '../query/language.ts';
import { globMatches, parseAddress } from '../query/match.ts';
import { statement, TEST_TIME_US, withDirectory } from './fixture.ts';
import { StoreReader } from './reader.ts';
import { openStore } from './store.ts';

const NOW_US = TEST_TIME_US + 600e6;
const PCI = { rule: 'pci-cards', severity: 'high', action: 'alert' } as const;

/** Record 1 to 6, each different in something a query can name. */
const RECORDS: readonly AuditRecord[] = [
  statement(1),
  statement(2, { user: 'Bob', effectiveUser: 'root', operation: 'DELETE', operations: ['DELETE'], fingerprint: 'b' }),
  statement(3, {
    clientAddress: '2001:db8::7',
    session: 's3',
    returnedRows: 5000,
    durationUs: 20_000,
    text: 'DROP Table x',
  }),
  statement(4, {
    objects: ['sales.orders_2024'],
    fingerprint: 'd',
    policy: [PCI],
    errorCode: '42P01',
    returnedRows: undefined,
  }),
  statement(5, {
    objects: ['Orders'],
    program: 'psql',
    clientHost: 'app-7.example',
    session: 's5',
    marks: MARK_GAP,
    affectedRows: 7,
  }),
  statement(6, {
    kind: 'login',
    operation: undefined,
    operations: undefined,
    objects: undefined,
    text: undefined,
    fingerprint: undefined,
  }),
];

/** Queries and the numbers of the records they find. */
const TABLE: readonly (readonly [query: string, found: readonly number[]])[] = [
  ['', [1, 2, 3, 4, 5, 6]],
  ['user:bob', [2]],
  ['user:root', [2]],
  ['user:"b*"', []],
  ['user:b*', [2]],
  ['not user:alice', [2]],
  ['user!=alice', [2]],
  ['op:DELETE', [2]],
  ['op:delete,drop', [2]],
  ['table:orders', [1, 2, 3, 5]],
  ['table:orders*', [1, 2, 3, 4, 5]],
  ['table:sales.*', [4]],
  ['table:orders_2024', [4]],
  ['table:=orders_2024', []],
  ['table:=Sales.Orders_2024', [4]],
  ['table:=sales.*', []],
  ['table:=orders', [5]],
  ['table:=orders,sales.orders_2024', [4, 5]],
  ['not table:=orders', [1, 2, 3, 4, 6]],
  ['user:=BOB op:=delete', [2]],
  ['user:=b* or program:=psql', [5]],
  ['client:10.0.0.0/8', [1, 2, 4, 5, 6]],
  ['client:2001:db8::/32', [3]],
  ['client:app-*', [5]],
  ['server:10.0.1.1:5432', [1, 2, 3, 4, 5, 6]],
  ['server:10.0.1.1:5433', []],
  ['port:5432 kind:login', [6]],
  ['rows>1000', [3]],
  ['rows:1 session:00000000000000aa', [1, 2, 6]],
  ['returned<=1 affected=7', [5]],
  ['duration>=20ms', [3]],
  ['duration>0.1s', []],
  ['text:"drop table"', [3]],
  ['"drop table"', [3]],
  ['dRoP', [3]],
  ['rule:pci-*', [4]],
  ['action:alert', [4]],
  ['severity>=medium', [4]],
  ['severity<high', []],
  ['failed:true', [4]],
  ['failed:no kind:statement', [1, 2, 3, 5]],
  ['error:42*', [4]],
  ['mark:gap', [5]],
  ['program:psql or user:bob', [2, 5]],
  ['user:alice program:psql or user:bob', [2, 5]],
  ['user:alice (program:psql or rows>1000)', [3, 5]],
  ['user:alice and not (program:psql or rows>1000) and kind:statement', [1, 4]],
  ['not not user:bob', [2]],
  [`id:${'0'.repeat(31)}3`, [3]],
  ['time:2026-11-20T10:00Z/PT1H', [1, 2, 3, 4, 5, 6]],
  ['time:2026/11/20.11', []],
  ['time:2026-11-20T10:00:00.004Z/2026-11-20T10:00:01Z', [4, 5, 6]],
  ['since:2026-11-20T10:00:00.004Z', [4, 5, 6]],
  ['until:2026-11-20T10:00:00.004Z', [1, 2, 3]],
  ['since:2026-11-20T10:00:00.002Z until:2026-11-20T10:00:00.004Z', [2, 3]],
];

const WRONG: readonly (readonly [query: string, column: number])[] = [
  ['user:', 6],
  ['user:alice colour:red', 12],
  ['user:alice (op:DELETE', 12],
  ['user:alice)', 11],
  ['text:"drop', 6],
  ['rows>many', 6],
  ['user>alice', 1],
  ['user:alice or', 14],
  ['failed:perhaps', 8],
  ['severity:huge', 10],
  ['time:someday', 6],
  ['since:someday', 7],
  ['()', 2],
];

describe('queries over a store', () => {
  let directory = '';
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'wiretrail-store-'));
    const store = await openStore(directory, { segmentRowsMax: 4 });
    const writer = store.writer('wait');
    for (const record of RECORDS) writer.write(record);
    await writer.close();
    await store.close();
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  for (const [query, found] of TABLE) {
    test(query === '' ? '(everything)' : query, () => {
      const reader = new StoreReader(directory);
      const filter = parseFilter(query, NOW_US);
      const records = [...reader.query({ filter, order: 'oldest' })];
      assert.deepEqual(
        records.map((record) => (record.timeUs - TEST_TIME_US) / 1000),
        found,
      );
      assert.equal(reader.count({ filter }), found.length);
      assert.deepEqual(reader.problems, []);
      reader.close();
    });
  }

  test('counts by field', () => {
    const reader = new StoreReader(directory);
    const rows = reader
      .aggregate({}, ['user', 'op'], 10)
      .map((row) => [...row.labels, row.records, row.failed, row.rows]);
    assert.deepEqual(rows, [
      ['alice', 'SELECT', 4, 1, 5002],
      ['Bob', 'DELETE', 1, 0, 1],
      ['alice', '', 1, 0, 1],
    ]);
    assert.deepEqual(
      reader.aggregate({ filter: parseFilter('kind:statement', NOW_US) }, ['day'], 10).map((row) => row.labels[0]),
      ['2026-11-20'],
    );
    assert.deepEqual(
      reader.aggregate({}, ['rule'], 1).map((row) => [row.labels[0], row.records]),
      [['', 5]],
    );
    assert.deepEqual(reader.summary(), {
      segments: 2,
      records: 6,
      timeMinUs: TEST_TIME_US + 1000,
      timeMaxUs: TEST_TIME_US + 6000,
    });
    reader.close();
  });

  test('asked again, when more is known of the segment, an exact name is still that name alone', () => {
    const reader = new StoreReader(directory);
    const filter = parseFilter('table:=orders', NOW_US);
    for (let i = 0; i < 3; i++) {
      assert.equal([...reader.query({ filter })].length, 1);
      assert.equal(reader.count({ filter, fromUs: TEST_TIME_US + 2000 }), 1);
      const groups = reader
        .aggregate({ filter }, ['object', 'minute'], 9)
        .map(({ labels: [name], records }) => [name, records]);
      assert.deepEqual(groups, [['Orders', 1]]);
    }
    reader.close();
  });

  test('left early, a query leaves nothing open', () => {
    const reader = new StoreReader(directory);
    for (const record of reader.query({})) {
      assert.equal(record.kind, 'login');
      break;
    }
    assert.equal(reader.count({}), 6);
    reader.close();
  });
});

describe('the query language', () => {
  for (const [query, column] of WRONG) {
    test(`${query} is refused`, () => {
      assert.throws(
        () => parseFilter(query, NOW_US),
        (error) => error instanceof QueryError && error.message.startsWith(`query, column ${column}: `),
      );
    });
  }

  test('any text parses or is refused with a QueryError', () => {
    const pieces = fc.constantFrom(
      'user',
      ':',
      'a*',
      '(',
      ')',
      ' ',
      'or',
      'not',
      'and',
      '"',
      ',',
      'rows',
      '>',
      '5',
      '\\',
      'ä',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 20 }), (list) => {
        try {
          parseFilter(list.join(''), NOW_US);
        } catch (error) {
          assert.ok(error instanceof QueryError);
        }
      }),
      { seed: 42, numRuns: 3000 },
    );
  });
});

const USERS = ['bob', 'BOB', 'bob ', 'b_b', 'b*b', '', 'k', 'K', '\u212a', 'ärger', 'ÄRGER', 'a\tb', '"q"', undefined];
/** As names and as a part of longer ones, which are not the same. */
const NAMES = [
  'orders',
  'ORDERS',
  'bank',
  'BAN\u212a',
  'a_b',
  'axb',
  'a%b',
  '"q"',
  'b\\c',
  'tab\t',
  'é',
  'É',
  "o'b",
  '',
];
const ADDRESSES = ['10.1.2.3', '10.1.2.30', '::ffff:10.1.2.3', '2001:db8::1', '2001:DB8:0::1', undefined];

describe('exact comparisons', () => {
  test('are the same in SQL as in JavaScript', async () => {
    await withDirectory(async (directory) => {
      const store = await openStore(directory);
      const writer = store.writer('wait');
      for (const [n, user] of USERS.entries()) writer.write(statement(n, { user, session: `u${n}` }));
      for (const [n, clientAddress] of ADDRESSES.entries()) {
        writer.write(statement(100 + n, { user: 'other', clientAddress, session: `a${n}` }));
      }
      await writer.close();
      await store.close();
      const reader = new StoreReader(directory);
      const found = (filter: Filter | undefined): (string | undefined)[] =>
        [...reader.query({ filter, order: 'oldest' })].map((record) => record.session);
      for (const text of USERS) {
        if (text === undefined) continue;
        const same = USERS.flatMap((user, n) => (user?.toLowerCase() === text.toLowerCase() ? [`u${n}`] : []));
        const patterns = [{ text, wildcards: false }];
        assert.deepEqual(found({ kind: 'match', field: 'user', patterns }), same, text);
      }
      const client = (text: string): (string | undefined)[] => found(parseFilter(`user:other client:${text}`, NOW_US));
      assert.deepEqual(client('10.1.2.3'), ['a0', 'a2']);
      assert.deepEqual(client('10.1.2.0/24'), ['a0', 'a1', 'a2']);
      assert.deepEqual(client('2001:db8::1'), ['a3', 'a4']);
      reader.close();
    });
  });
});

test('names in lists compare in SQL as in JavaScript', async () => {
  await withDirectory(async (directory) => {
    const store = await openStore(directory);
    const writer = store.writer('wait');
    for (const [n, name] of NAMES.entries()) {
      const lists = { objects: ['x', `s.${name}`], operations: [`${name}s`, name] };
      writer.write(statement(n, { ...lists, operation: 'CALL', session: `${n}`, fingerprint: `${n}` }));
    }
    await writer.close();
    await store.close();
    const reader = new StoreReader(directory);
    const found = (field: 'object' | 'op', text: string, exact: boolean): (string | undefined)[] => {
      const patterns = [{ text, wildcards: false, exact }];
      const filter = { kind: 'match', field, patterns } as const;
      return [...reader.query({ filter, order: 'oldest' })].map((record) => record.session);
    };
    for (const text of NAMES) {
      const same = NAMES.flatMap((name, n) => (name.toLowerCase() === text.toLowerCase() ? [`${n}`] : []));
      assert.deepEqual(found('object', text, false), same, text);
      assert.deepEqual(found('object', `S.${text}`, true), same, text);
      assert.deepEqual(found('object', text, true), [], text);
      assert.deepEqual(found('op', text, false), same, text);
    }
    assert.deepEqual(reader.problems, []);
    reader.close();
  });
});

describe('comparisons', () => {
  test('patterns agree with regular expressions', () => {
    const units = fc.constantFrom('a', 'b', '*', '?');
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'b') }), fc.string({ unit: units }), (value, pattern) => {
        const expression = new RegExp(`^${pattern.replace(/\*+/g, '.*').replace(/\?/g, '.')}$`);
        assert.equal(globMatches(value, pattern), expression.test(value));
      }),
      { seed: 42, numRuns: 2000 },
    );
  });

  test('addresses', () => {
    assert.deepEqual(parseAddress('10.0.0.0/8'), { network: '10.0.0.0', prefixBits: 8, port: undefined });
    assert.deepEqual(parseAddress('[::1]:5432'), { network: '::1', prefixBits: 128, port: 5432 });
    for (const wrong of ['10.0.0.0/33', '10.0.0', 'host', '::1/129', '10.0.0.1:70000', '']) {
      assert.equal(parseAddress(wrong), undefined);
    }
  });
});
