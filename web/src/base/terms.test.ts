/** Chips and tokens of a query agree with the server's parser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseFilter } from '#src/query/language.js';
import { negated, quoted, term, tokenize, topTerms, withoutTerm, withTerm } from './terms.ts';

const QUERIES = [
  'user:alice op:DELETE,UPDATE table:orders* client:10.0.0.0/8 rows>1000 text:"drop table" (rule:pci-* or severity>=high)',
  'not user:bob and "a ""b" since:-2d',
  'user:"o\\"brien" not (op:SELECT or op:SHOW)',
  'user:a or user:b',
  'drop table',
  '',
];
const NOW_US = 1_780_000_000_000_000;

const texts = (query: string): string[] => topTerms(query).map((span) => query.slice(span.start, span.end));

/** A filter without the columns at which its values stand. */
const meaning = (filter: unknown): string =>
  JSON.stringify(filter, (key, value: unknown) => (key === 'column' ? undefined : value));

test('chips of a query', () => {
  assert.deepEqual(texts(QUERIES[0] ?? ''), [
    'user:alice',
    'op:DELETE,UPDATE',
    'table:orders*',
    'client:10.0.0.0/8',
    'rows>1000',
    'text:"drop table"',
    '(rule:pci-* or severity>=high)',
  ]);
  assert.deepEqual(texts('not user:bob and x'), ['not user:bob', 'x']);
  assert.deepEqual(texts('user:a or user:b'), ['user:a or user:b']);
  assert.deepEqual(texts('user:'), ['user:']);
});

test('each chip parses alone, and the chips together mean the query', () => {
  for (const query of ['user:a op:DELETE not x', 'not (a or b) rows>5 "two words"', 'a and b and not user:c']) {
    const parts = texts(query).map((part) => parseFilter(part, NOW_US));
    const whole = parseFilter(query, NOW_US);
    assert.equal(meaning(whole), meaning(parts.length === 1 ? parts[0] : { kind: 'and', terms: parts }));
  }
});

test('tokens cover any text without a hole', () => {
  const piece = fc.constantFrom('user', ':', '!=', '"', '\\', ' ', 'or', 'not', '(', ')', ',', 'x', '>=', 'time:', 'é');
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const text = pieces.join('');
      let pos = 0;
      for (const token of tokenize(text)) {
        assert.equal(token.start, pos);
        assert.ok(token.end > token.start);
        pos = token.end;
      }
      assert.equal(pos, text.length);
      for (const span of topTerms(text)) assert.ok(span.start < span.end && span.end <= text.length);
    }),
    { seed: 20_261_122, numRuns: 2000 },
  );
});

test('a value of any characters becomes a condition for exactly that value', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (value) => {
      const filter = parseFilter(term('user', value), NOW_US);
      assert.ok(filter?.kind === 'match');
      assert.deepEqual(
        filter.patterns.map((pattern) => pattern.text),
        [value],
      );
    }),
    { seed: 20_261_122, numRuns: 2000 },
  );
  assert.equal(quoted('a*b'), '"a*b"');
  assert.equal(quoted('=b'), '"=b"');
});

test('no value means records that do not name the field', () => {
  const none = parseFilter(term('user', ''), NOW_US);
  assert.equal(none?.kind, 'not');
  assert.equal(parseFilter(term('user', '', 'not'), NOW_US)?.kind, 'match');
});

test('conditions are added once, removed, turned round', () => {
  assert.equal(withTerm('user:a', 'op:DELETE'), 'user:a op:DELETE');
  assert.equal(withTerm('user:a op:DELETE', 'op:DELETE'), 'user:a op:DELETE');
  assert.equal(withTerm('user:a or user:b', 'op:DELETE'), '(user:a or user:b) op:DELETE');
  assert.equal(withTerm(' ', 'op:DELETE'), 'op:DELETE');
  assert.equal(withoutTerm('a and b c', 1), 'a c');
  assert.equal(negated('user:a b', 0), 'user!=a b');
  assert.equal(negated('user!=a b', 0), 'user:a b');
  assert.equal(negated('rows>5 not b', 0), 'not rows>5 not b');
  assert.equal(negated('rows>5 not b', 1), 'rows>5 b');
});
