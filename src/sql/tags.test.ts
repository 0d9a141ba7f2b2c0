/** Tags of comments by example. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { only } from './testkit.ts';

test('tags of sqlcommenter comments', () => {
  const text = "select 1 /*action='%2Fparam*d',framework='it\\'s'*/";
  assert.deepEqual(
    [...(only('postgresql', text).tags ?? [])],
    [
      ['action', '/param*d'],
      ['framework', "it's"],
    ],
  );
  assert.deepEqual([...(only('mysql', "select 1; /*a='b'*/").tags ?? [])], [['a', 'b']]);
  assert.equal(only('postgresql', "select 1 /* where a='b' or c */").tags, undefined);
  assert.equal(only('postgresql', "select 1 /*a='%zz'*/").tags?.get('a'), '%zz');
});
