/** Columns and functions by example; texts without statements, and with too much of everything. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SqlDialect, SqlStatement } from '../contracts/sql.ts';
import { createAnalyzer, STATEMENTS_MAX } from './analyzer.ts';
import { only } from './testkit.ts';

test('columns and functions', () => {
  const cases: readonly (readonly [SqlDialect, string, string, string])[] = [
    [
      'postgresql',
      'select a, t.b as c, d e, count(*), f(g) from t where h = 1 group by i order by j desc nulls last',
      'a b d g h i j',
      'count f',
    ],
    ['postgresql', 'insert into t (a, "B") values (now(), 1)', 'a B', 'now'],
    ['postgresql', "update t set a = b + 1, (c, d) = (1, 2) where e in (1) and f like 'x'", 'a b c d e f', ''],
    [
      'postgresql',
      "select x::numeric(10, 2), date '2020-01-01', cast(y as int), s.f(z) over (partition by w rows between unbounded preceding and current row)",
      'x y z w unbounded',
      'cast s.f',
    ],
    ['mysql', 'select `a`, if(b, c, d) from t limit 5', 'a b c d', 'if'],
    ['tsql', 'select top 10 a, [b c] from t', 'a b c', ''],
    ['postgresql', 'set role admin', '', ''],
    ['mysql', 'do sleep(5)', '', 'sleep'],
    ['mysql', 'select date_add(a, interval 1 day) from t', 'a', 'date_add'],
    ['oracle', 'select a from t, u where t.b = u.c(+)', 'a b c', ''],
    ['oracle', "begin p(1); utl_http.request('x'); end;", '', 'p utl_http.request'],
    ['db2', 'select a from t with ur', 'a', ''],
    ['tsql', 'declare @t table (a int)', '', ''],
  ];
  for (const [dialect, text, columns, functions] of cases) {
    const found = only(dialect, text);
    assert.equal(found.columns.join(' '), columns, text);
    assert.equal(found.functions.join(' '), functions, text);
  }
});

test('a text without statements is one empty statement, empty ones between others are none', () => {
  for (const text of ['', '  ', ' ;; ', '-- x', '/* x', '\0']) {
    const found = only('generic', text);
    assert.equal(found.operation, undefined);
    assert.deepEqual([found.start, found.end], [0, text.length]);
  }
  assert.equal(createAnalyzer().analyze(';;select 1;;select 2;', 'generic').length, 2);
});

test('limits: what is beyond is withheld and counted, and hides no later statement', () => {
  const fresh = createAnalyzer();
  const values = Array.from({ length: 40_000 }, (_, i) => `(${i})`).join(',');
  const text = `insert into t values ${values}, ('identified by'); drop table x`;
  const statements = fresh.analyze(text, 'postgresql');
  assert.deepEqual(
    statements.map((s) => s.operation),
    ['INSERT', 'DROP TABLE'],
  );
  const cut = statements[0] as SqlStatement;
  assert.equal(cut.literals.at(-1)?.end, cut.end);
  assert.deepEqual(cut.secrets.at(-1), cut.literals.at(-1));
  assert.ok(cut.summary.endsWith('\u2026'));
  assert.equal(fresh.counters['statements_cut'], 1);
  const many = fresh.analyze('select 1;'.repeat(STATEMENTS_MAX + 2), 'mysql');
  assert.equal(many.length, STATEMENTS_MAX + 1);
  assert.equal(many.at(-1)?.operation, 'UNKNOWN');
  assert.equal(many.at(-1)?.secrets.length, 1);
  assert.equal(fresh.counters['texts_cut'], 1);
});
