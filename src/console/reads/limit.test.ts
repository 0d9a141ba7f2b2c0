import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { statement, withDirectory } from '../../store/fixture.ts';
import { openStore } from '../../store/store.ts';
import { covers, isWithin, type Limit, sealed, unsealed } from './limit.ts';
import { OpenStore } from './open-store.ts';
import { Source, valueFilter } from './source.ts';

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

test('a session is whole only when none of it lies elsewhere', () =>
  withDirectory(async (directory) => {
    const store = await openStore(directory, { durability: 'fast' });
    const writer = store.writer('wait');
    for (const [n, [session, namespace]] of [
      ['a', 'hr'],
      ['a', 'crm'],
      ['b', 'hr'],
      ['b', 'pay'],
      ['c', 'hr'],
      ['c', undefined],
    ].entries())
      writer.write(statement(n + 1, { session, namespace }));
    await writer.close();
    await store.close();
    const open = new OpenStore(directory);
    const whole = (limit: Limit | undefined): boolean[] =>
      ['a', 'b', 'c'].map((session) => new Source(open, limit).isWhole(valueFilter('session', session)));
    assert.deepEqual(whole(undefined), [true, true, true]);
    assert.deepEqual(whole(LIMIT), [true, false, false]);
    open.reader.close();
  }));
