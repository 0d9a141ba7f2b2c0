import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { addressPredicate, parseAddress } from '../../query/match.ts';
import { StoreError } from '../errors.ts';
import { type EncodedTable, encodeKeyTable, KeyTable } from './key-table.ts';
import { KEY_FIELDS, type KeyRows, keyBytes, shortestAddress } from './keys.ts';

const ROW_MAX = 5000;

function opened({ directory, blocks }: EncodedTable): KeyTable {
  return new KeyTable(
    directory,
    (offset, length) => blocks.subarray(offset, offset + length),
    ROW_MAX,
    () => new StoreError('damaged', 'damaged'),
  );
}

const value = fc.oneof(
  fc.stringMatching(/^user[0-9]{0,3}$/),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('', 'a', 'ab', 'abc', 'ab\0', 'é', '😀'),
);
const rows = fc
  .uniqueArray(fc.integer({ min: 1, max: ROW_MAX }), { minLength: 1, maxLength: 30 })
  .map((list) => list.sort((a, b) => a - b));
const entry = fc.record({ field: fc.constantFrom('user', 'client', 'rule' as const), value, rows });
const table = fc
  .uniqueArray(entry, { selector: (each) => `${each.field} ${each.value}`, maxLength: 400 })
  .map((entries) =>
    entries.map((each) => ({ ...each, key: keyBytes(each) })).sort((a, b) => Buffer.compare(a.key, b.key)),
  );

describe('the dictionary of an index', () => {
  test('gives the rows of any key, and none for others', () => {
    fc.assert(
      fc.property(table, fc.array(value, { maxLength: 20 }), (entries, others) => {
        const dictionary = opened(encodeKeyTable(entries));
        for (const { key, rows: wanted } of entries) assert.deepEqual(dictionary.rows(key), wanted);
        for (const other of others) {
          const key = keyBytes({ field: 'user', value: other });
          const known = entries.find((each) => each.key.equals(key));
          assert.deepEqual(dictionary.rows(key), known?.rows ?? []);
        }
        assert.deepEqual(
          [...dictionary.keys()],
          entries.map(({ key }) => key),
        );
      }),
      { seed: 42, numRuns: 150 },
    );
  });

  test('gives the values of a field that begin so', () => {
    fc.assert(
      fc.property(table, fc.oneof(fc.constantFrom('', 'user', 'user1', 'a', 'ab'), value), (entries, prefix) => {
        const dictionary = opened(encodeKeyTable(entries));
        for (const field of ['user', 'client', 'program'] as const) {
          const wanted = entries.filter((each) => each.field === field && each.value.startsWith(prefix));
          const found = [...dictionary.startingWith(field, prefix)];
          assert.deepEqual(
            found,
            wanted.map((each) => ({ value: each.value, rows: each.rows })),
          );
        }
      }),
      { seed: 42, numRuns: 150 },
    );
  });

  test('notices other bytes, whatever they are', () => {
    const keys: KeyRows[] = Array.from({ length: 900 }, (_, n) => ({
      key: keyBytes({ field: 'user', value: `user${10_000 + n}` }),
      rows: [n + 1, n + 2000],
    }));
    const good = encodeKeyTable(keys);
    const change = fc.record({ part: fc.constantFrom('directory', 'blocks' as const), at: fc.nat(), bit: fc.nat(7) });
    fc.assert(
      fc.property(change, ({ part, at, bit }) => {
        const bad = { directory: Buffer.from(good.directory), blocks: Buffer.from(good.blocks) };
        const place = at % bad[part].length;
        bad[part][place] = (bad[part][place] as number) ^ (1 << bit);
        assert.throws(() => [...opened(bad).keys()], StoreError);
      }),
      { seed: 42, numRuns: 300 },
    );
  });
});

describe('keys', () => {
  test('differ in their field or their value', () => {
    const keys = KEY_FIELDS.map((field) => keyBytes({ field, value: 'x' }).toString('hex'));
    assert.equal(new Set(keys).size, KEY_FIELDS.length);
    assert.notDeepEqual(keyBytes({ field: 'user', value: 'x' }), keyBytes({ field: 'user', value: 'x\0' }));
  });

  test('addresses have one shortest spelling, by which they compare as networks do', () => {
    const ipv6 = fc.oneof(
      fc.ipV6(),
      fc.constantFrom('::ffff:10.0.0.7', '::FFFF:a00:7', '0:0:0:0:0:ffff:a00:7', '2001:DB8:0::1', '2001:db8::1', '::1'),
    );
    const address = fc.oneof(fc.ipV4(), ipv6, fc.constant('10.0.0.7'));
    fc.assert(
      fc.property(address, address, (a, b) => {
        const range = parseAddress(a);
        assert.ok(range !== undefined);
        assert.equal(addressPredicate(range)(b), shortestAddress(a) === shortestAddress(b), `${a} ${b}`);
      }),
      { seed: 42, numRuns: 500 },
    );
    assert.equal(shortestAddress('10.0.0.7/8'), undefined);
    assert.equal(shortestAddress('localhost'), undefined);
  });
});
