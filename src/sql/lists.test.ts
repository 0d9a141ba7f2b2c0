/** Lists of which no tokens are made: the analysis must not show that, but for shapes that are known again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SqlDialect, SqlStatement } from '../contracts/sql.ts';
import { createAnalyzer } from './analyzer.ts';
import { rulesOf } from './dialects.ts';
import { Lexer } from './lexer.ts';
import { only, slices } from './testkit.ts';
import { TOKENS_MAX } from './tokens.ts';

/** Lexers that make tokens of lists, and that need not, at the end of the first statement. */
function lexed(text: string, dialect: SqlDialect): readonly [Lexer, Lexer] {
  const rules = rulesOf(dialect);
  const lexers = [new Lexer(rules), new Lexer(rules, true)] as const;
  for (const lexer of lexers) {
    lexer.open(text, rules);
    lexer.next();
  }
  return lexers;
}

function tokensSkipped(text: string, dialect: SqlDialect = 'postgresql'): number {
  const [all, some] = lexed(text, dialect);
  return all.tokens.count - some.tokens.count;
}

test('rows and items like the first have no tokens, whatever else is in the statement', () => {
  assert.equal(tokensSkipped("insert into t values (1, 'a'), (-2, 'b'),(null,'c''d')"), 13);
  assert.equal(tokensSkipped('select * from t where a in (1, 2, 3) and b in ($1,$2)'), 6);
  assert.equal(tokensSkipped('delete from t where a in (?, ?)', 'mysql'), 2);
  assert.equal(tokensSkipped("replace into t values (1), ('a\\'b'), (true)", 'mysql'), 8);
});

test('what is not as plain as that has its tokens', () => {
  for (const text of [
    'insert into t values (1), (now()), (2)',
    'insert into t values (now()), (1)',
    'insert into t values (1), (default)',
    "insert into t values ('a'), (N'b')",
    "insert into t values ('a'), ('b' 'c')",
    'insert into t values (1), () ',
    'insert into t values (1), (2',
    "insert into t values (1), ('2)",
    'insert into t values (1) /* a */, (2)',
    'select f(1, 2)',
    'select 1 where a in (b, 1)',
    'select 1 where a in (1, b)',
    'select 1 where a in (select 1, 2)',
    'create table t as select 1 where a in (1, 2)',
    "insert into sp_password values ('a'), ('b')",
    "select password from t where a in ('b', 'c')",
  ]) {
    assert.equal(tokensSkipped(text), 0, text);
  }
});

test('all literals are found, in order', () => {
  const text = "insert into t values (0), (1), ('b') on conflict do update set c = 4 where d in ('e', 6)";
  assert.deepEqual(slices(text, only('postgresql', text).literals), ['0', '1', "'b'", '4', "'e'", '6']);
});

test('lists of any length are one shape', () => {
  const analyzer = createAnalyzer();
  for (let length = 1; length <= 40; length++) {
    // Longer than a template may be.
    const list = Array.from({ length: 400 * length }, (_, i) => String(i)).join(', ');
    analyzer.analyze(`select a from t where b in (${list})`, 'postgresql');
    analyzer.analyze(`insert into t values ${list.replace(/\d+/g, '($&)')}`, 'postgresql');
  }
  // A shape is kept when it is met for the second time.
  assert.equal(analyzer.counters['shapes_new'], 4);
  assert.equal(analyzer.counters['shapes_known'], 76);
});

test('a statement is cut at the same place as with all its tokens', () => {
  for (const text of [
    `insert into t values (1, 2)${', (3, -4)'.repeat(12_000)}`,
    `select a in (1${', -2'.repeat(30_000)}), b in (1${', 3'.repeat(30_000)})`,
  ]) {
    const [all, some] = lexed(text, 'postgresql');
    assert.ok(all.cutAt > 0);
    assert.equal(some.cutAt, all.cutAt);
    assert.equal(all.tokens.count, TOKENS_MAX);
    assert.deepEqual(some.literals.list(undefined), all.literals.list(undefined));
  }
});

/** All but places in the text, and what memories of texts give. */
const KEPT: readonly (keyof SqlStatement)[] = [
  'operation',
  'operations',
  'objects',
  'objectsWritten',
  'columns',
  'functions',
  'procedure',
  'summary',
  'fingerprint',
  'secrets',
  'effect',
];

test('property: lists say the same as when comments in them make that they have all their tokens', () => {
  const value = fc.constantFrom(
    '1',
    '-2',
    "'a'",
    "'b''c'",
    'NULL',
    'true',
    '?',
    '$1',
    '2.5',
    '1e5',
    'now()',
    'x',
    '(3)',
  );
  const row = fc.array(value, { minLength: 1, maxLength: 4 });
  const rows = fc.array(row, { minLength: 1, maxLength: 6 });
  const dialect = fc.constantFrom<SqlDialect>('postgresql', 'mysql', 'tsql', 'oracle');
  fc.assert(
    fc.property(rows, row, dialect, (lists, items, of) => {
      const pieces = ['insert into t select c from u where d in ('];
      pieces.push(...items.flatMap((item, i) => (i === 0 ? [item] : [',', item])), ') values ');
      for (const [i, list] of lists.entries()) {
        pieces.push(i === 0 ? '(' : ',', ...(i === 0 ? [] : ['(']));
        pieces.push(...list.flatMap((item, at) => (at === 0 ? [item] : [',', item])), ')');
      }
      const plain = pieces.join('');
      const found = only(of, plain);
      const broken = only(of, pieces.join('/**/'));
      for (const key of KEPT) assert.deepEqual(found[key], broken[key], `${of}: ${plain}: ${key}`);
      assert.deepEqual(slices(plain, found.literals), slices(pieces.join('/**/'), broken.literals), plain);
    }),
    { seed: 5, numRuns: 400 },
  );
});
