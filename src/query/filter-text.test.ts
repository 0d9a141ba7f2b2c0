import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { filterText, timesOf } from './filter-text.ts';
import { parseFilter } from './language.ts';

const NOW_US = 1_795_168_800_000_000;

const QUERIES: readonly (readonly [query: string, text: string])[] = [
  ['user:alice', 'user:alice'],
  ['user:a*,bob', 'user:a*,bob'],
  ['user:"a*"', 'user:"a*"'],
  ['object:=orders,"a b",t*', 'object:=orders,"a b",t*'],
  ['user==a*,b', 'user==a*,b'],
  ['user:"a b" op:DELETE', 'user:"a b" op:DELETE'],
  ['user!=alice', 'not user:alice'],
  ['client:10.0.0.0/8 or server:10.1.2.3:5432', 'client:10.0.0.0/8 or server:10.1.2.3:5432'],
  ['rows>1000 duration>=2ms', 'rows>1000 duration>=2000us'],
  ['severity>=high', 'severity>=high'],
  ['"drop \\"table"', 'text:"drop \\"table"'],
  ['failed:yes', 'failed:yes'],
  ['not (user:a or user:b) op:x', 'not (user:a or user:b) op:x'],
  ['user:a (op:x or op:y)', 'user:a (op:x or op:y)'],
];

/** As JSON, but for where in the query something stood. */
function withoutColumns(filter: unknown): string {
  return JSON.stringify(filter, (key, value: unknown) => (key === 'column' ? undefined : value));
}

describe('the text of a filter', () => {
  for (const [query, text] of QUERIES) {
    test(`of ${query} means the same`, () => {
      const filter = parseFilter(query, NOW_US);
      assert.ok(filter !== undefined);
      assert.equal(filterText(filter), text);
      assert.equal(withoutColumns(parseFilter(text, NOW_US)), withoutColumns(filter));
    });
  }

  test('writes times out', () => {
    const filter = parseFilter('user:a (since:2026-11-20 or not time:2026/11/20.14) until:2026-11-21', NOW_US);
    assert.ok(filter !== undefined);
    assert.equal(
      filterText(filter),
      'user:a (from 2026-11-20T00:00:00.000000Z on or not 2026-11-20T14:00:00.000000Z to 2026-11-20T15:00:00.000000Z) until 2026-11-21T00:00:00.000000Z',
    );
    assert.equal(timesOf(filter).length, 3);
  });
});
