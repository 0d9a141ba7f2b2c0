/** Secrets by example. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SqlDialect } from '../contracts/sql.ts';
import { only, slices } from './testkit.ts';

test('secrets are found by grammar and are in no summary', () => {
  const cases: readonly (readonly [SqlDialect, string, readonly string[]])[] = [
    ['mysql', "create user x identified by 'pw'", ["'pw'"]],
    ['mysql', "create user x identified with sha256_password by 'pw', y identified by 'qw'", ["'pw'", "'qw'"]],
    ['mysql', "create user x identified with p as '*AB12'", ["'*AB12'"]],
    ['mysql', "set password for 'bob'@'%' = 'pw'", ["'pw'"]],
    ['mysql', "set password = password('pw')", ["'pw'"]],
    ['mysql', "grant all on *.* to 'x'@'%' identified by 'pw'", ["'pw'"]],
    ['mysql', "change master to master_user = 'u', master_password = 'pw'", ["'pw'"]],
    ['mysql', "create /*!50000 user x identified by 'pw' */", ["'pw'"]],
    ['postgresql', "alter role x with login encrypted password 'pw'", ["'pw'"]],
    ['postgresql', "alter user x password/**/E'p\\'w'", ["E'p\\'w'"]],
    ['postgresql', "create user mapping for x server s options (user 'u', password 'pw')", ["'pw'"]],
    ['postgresql', "create subscription s connection 'host=h password=pw' publication p", ["'host=h password=pw'"]],
    ['tsql', "create login x with password = N'pw' must_change", ["N'pw'"]],
    ['tsql', "alter login x with password = 'new' old_password = 'old'", ["'new'", "'old'"]],
    ['tsql', 'create login x with password = 0x0200AB hashed', ['0x0200AB']],
    ['tsql', "exec sp_addlogin 'u', 'pw'", ["'u'", "'pw'"]],
    ['tsql', 'exec sp_password "old", "new"', ['"old"', '"new"']],
    ['tsql', 'exec p @password = "pw"', ['"pw"']],
    ['tsql', "select * from openrowset('SQLNCLI', 'srv';'sa';'pw', 'select 1')", ["'srv'", "'sa'", "'pw'"]],
    ['oracle', 'alter user x identified by newpw replace oldpw', ['newpw', 'oldpw']],
    ['oracle', 'create user x identified by "P w"', ['"P w"']],
    ['oracle', "alter user x identified by values 'S:AB'", ["'S:AB'"]],
    ['db2', "set encryption password = 'pw'", ["'pw'"]],
    ['postgresql', "select 'password' from t", []],
    ['postgresql', "select dblink_connect('host=h password=pw')", ["'host=h password=pw'"]],
    ['postgresql', "select dblink_connect_u('c', 'password=pw'), 'kept'", ["'c'", "'password=pw'"]],
    ['postgresql', "select * from dblink('password=pw', 'select 1') as t(a int)", ["'password=pw'"]],
    ['postgresql', "select * from dblink('select 1') as t(a int)", []],
    ['postgresql', 'select password from users', []],
  ];
  for (const [dialect, text, secrets] of cases) {
    for (let round = 0; round < 3; round++) {
      const found = only(dialect, text);
      assert.deepEqual(slices(text, found.secrets), secrets, text);
      for (const secret of secrets) assert.ok(!found.summary.includes(secret), found.summary);
    }
  }
});

test('the same shape with another parameter name has its own secrets', () => {
  assert.deepEqual(only('tsql', "exec p @a = 'x'").secrets, []);
  assert.equal(only('tsql', "exec p @password = 'x'").secrets.length, 1);
  assert.deepEqual(only('mysql', 'drop table "a"').objects, ['a']);
  assert.deepEqual(only('mysql', 'drop table "b"').objects, ['b']);
});
