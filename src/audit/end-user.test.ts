import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endUserOfProgram, endUserOfTags } from './end-user.ts';

test('end user of an application name: only under a key that says so', () => {
  const table: readonly [string | undefined, string | undefined][] = [
    ['billing;user=ann', 'ann'],
    ['billing user=ann', 'ann'],
    ['reports (enduser: ann@example.org)', 'ann@example.org'],
    ['app=shop,user_id=17,enduser.id=ann', 'ann'],
    ['User=Ann', 'Ann'],
    ['user=ann;user=bob', 'ann'],
    ['psql', undefined],
    ['ann@billing', undefined],
    ['superuser=yes', undefined],
    ['user=', undefined],
    ['', undefined],
    [undefined, undefined],
  ];
  for (const [program, expected] of table) assert.equal(endUserOfProgram(program), expected, program);
});

test('end user of tags: the best key wins, empty values say nothing', () => {
  assert.equal(
    endUserOfTags(
      new Map([
        ['user', 'b'],
        ['enduser', 'a'],
      ]),
    ),
    'a',
  );
  assert.equal(endUserOfTags(new Map([['user', '']])), undefined);
  assert.equal(endUserOfTags(new Map([['trace', 'x']])), undefined);
  assert.equal(endUserOfTags(undefined), undefined);
});
