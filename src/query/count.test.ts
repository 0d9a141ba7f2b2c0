import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitCount } from './count.ts';

test('count by, at the end of a query', () => {
  const cases: readonly (readonly [query: string, expression: string, by: readonly string[] | undefined])[] = [
    ['', '', undefined],
    ['user:alice', 'user:alice', undefined],
    ['count by user', '', ['user']],
    ['user:alice failed:yes count by program, hour', 'user:alice failed:yes', ['program', 'hour']],
    ['op:DELETE COUNT BY User,Hour ', 'op:DELETE', ['user', 'hour']],
    ['text:"count by user"', 'text:"count by user"', undefined],
    ['"a \\" count by x" count by day', '"a \\" count by x"', ['day']],
    ['"a\\\nb" count by day', '"a\\\nb"', ['day']],
    ['count by', 'count by', undefined],
    ['discount by user', 'discount by user', undefined],
    ['count by user or user:bob', 'count by user or user:bob', undefined],
  ];
  for (const [query, expression, by] of cases) assert.deepEqual(splitCount(query), { expression, by }, query);
});

test('a long query that almost counts takes no time', () => {
  const hostile = `${'" count by '.repeat(1500)}`;
  assert.equal(splitCount(hostile).by, undefined);
});
