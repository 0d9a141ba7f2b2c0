/** Procedures, prepared names and effects on the session, by example. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SqlDialect, SqlStatement } from '../contracts/sql.ts';
import { only } from './testkit.ts';

test('procedures and prepared names', () => {
  assert.equal(only('mysql', 'call db.p(1, @x)').procedure, 'db.p');
  assert.equal(only('tsql', "exec @r = master..xp_cmdshell 'dir'").procedure, 'master..xp_cmdshell');
  assert.equal(only('tsql', 'sp_who').procedure, 'sp_who');
  assert.equal(only('oracle', 'begin hr.pkg.run(:1); end;').procedure, 'hr.pkg.run');
  assert.equal(only('postgresql', 'execute q (1)').executes, 'q');
  assert.equal(only('mysql', 'execute q using @a').executes, 'q');
});

test('effects on the session', () => {
  const cases: readonly (readonly [SqlDialect, string, SqlStatement['effect']])[] = [
    ['postgresql', 'set role admin', { kind: 'effective-user', user: 'admin' }],
    ['postgresql', "set local role 'a b'", { kind: 'effective-user', user: 'a b' }],
    ['postgresql', 'set role none', { kind: 'effective-user', user: undefined }],
    ['postgresql', 'reset role', { kind: 'effective-user', user: undefined }],
    ['postgresql', 'set session authorization bob', { kind: 'effective-user', user: 'bob' }],
    ['tsql', "execute as user = 'dbo'", { kind: 'effective-user', user: 'dbo' }],
    ['tsql', 'revert', { kind: 'effective-user', user: undefined }],
    ['mysql', 'use `my db`', { kind: 'database', database: 'my db' }],
    ['postgresql', "set search_path to 's', public", { kind: 'schema', schema: 's' }],
    ['db2', 'set current schema = x', { kind: 'schema', schema: 'x' }],
    ['oracle', 'alter session set current_schema = hr', { kind: 'schema', schema: 'hr' }],
    ['postgresql', "set application_name = 'psql x'", { kind: 'program', program: 'psql x' }],
    ['postgresql', 'prepare q (int) as select $1', { kind: 'prepare', name: 'q', text: 'select $1' }],
    ['mysql', "prepare q from 'select ''x'''", { kind: 'prepare', name: 'q', text: "select 'x'" }],
    ['postgresql', 'deallocate q', { kind: 'deallocate', name: 'q' }],
    ['postgresql', 'deallocate all', { kind: 'deallocate', name: undefined }],
    ['postgresql', 'discard all', { kind: 'discard-all' }],
    ['postgresql', 'select 1', undefined],
  ];
  for (const [dialect, text, effect] of cases) {
    for (let round = 0; round < 3; round++) assert.deepEqual(only(dialect, text).effect, effect, text);
  }
});
