/** Normalised texts by example. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SqlDialect } from '../contracts/sql.ts';
import { only } from './testkit.ts';

test('summary: values as ?, lists collapsed, space and case settled', () => {
  const cases: readonly (readonly [SqlDialect, string, string])[] = [
    ['postgresql', "select  A,b from T where x=-1 and y = 'a''b' -- c", 'SELECT A, b FROM T WHERE x = ? AND y = ?'],
    ['postgresql', 'select * from t where x in (1,2,3) and y in ($1)', 'SELECT * FROM t WHERE x IN (?) AND y IN (?)'],
    ['postgresql', "insert into t(a,b) values (1,'x'),(2, null),(-3,'y')", 'INSERT INTO t(a, b) VALUES (?)'],
    ['postgresql', 'insert into t values (1, now()), (2, now())', 'INSERT INTO t VALUES (?, now())'],
    ['postgresql', 'select a.b :: int [ 1 ], c.* from d', 'SELECT a.b::int[?], c.* FROM d'],
    ['postgresql', "select 'a' 'b', 1 - 2, -3, (4)", 'SELECT ?, ? - ?, ?, (?)'],
    ['mysql', 'select "x", `a b`, @v, @@version, 0xAB', 'SELECT ?, `a b`, ?, @@version, ?'],
    ['mysql', 'select /*! sql_no_cache */ 1 # end', 'SELECT sql_no_cache ?'],
    ['oracle', "select q'[it's]', nq'!x!', :name from dual", 'SELECT ?, ?, ? FROM dual'],
    ['tsql', 'create table #t (Id int)', 'CREATE TABLE #t(Id int)'],
  ];
  for (const [dialect, text, summary] of cases) assert.equal(only(dialect, text).summary, summary);
});
