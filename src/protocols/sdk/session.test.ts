import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounded, nobody } from './session.ts';

test('names that nobody has are cut; others stay the very objects they are', () => {
  const ann = { ...nobody('mysql'), user: 'ann', database: 'd'.repeat(1024) };
  assert.equal(bounded(ann), ann);
  const long = { ...ann, program: 'p'.repeat(1_000_000), osUser: `${'é'.repeat(2000)}` };
  const { user, database, program, osUser, endUser } = bounded(long);
  assert.deepEqual([user, database, endUser], ['ann', 'd'.repeat(1024), undefined]);
  assert.deepEqual([program, osUser], ['p'.repeat(1024), 'é'.repeat(1024)]);
});
