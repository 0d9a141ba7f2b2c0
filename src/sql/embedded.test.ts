/** SQL inside literals, by example. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SqlDialect } from '../contracts/sql.ts';
import { checkObjects, only, slices } from './testkit.ts';

test('SQL inside literals is seen where the statement runs it', () => {
  checkObjects([
    [
      'postgresql',
      'do $$ begin delete from a; execute $x$drop table b$x$; end $$',
      'DO | DELETE | EXECUTE IMMEDIATE | DROP TABLE',
      '',
      'a b',
    ],
    [
      'oracle',
      "begin execute immediate 'drop table ' || 'hr.t'; end;",
      'BLOCK | EXECUTE IMMEDIATE | DROP TABLE',
      '',
      'hr.t',
    ],
    ['tsql', "exec ('delete from a; select * from ' + 'b')", 'EXECUTE | DELETE | SELECT', 'b', 'a'],
    [
      'tsql',
      "exec sp_executesql @stmt = N'update t set a = ''x'' where b = @p', N'@p int', 5",
      'EXECUTE | UPDATE',
      '',
      't',
    ],
    ['mysql', "prepare q from 'drop table x'", 'PREPARE', '', ''],
  ]);
  const secrets: readonly (readonly [SqlDialect, string, readonly string[]])[] = [
    ['postgresql', "do $$ begin alter role x password 'pw'; end $$", ["'pw'"]],
    ['postgresql', "create function f() returns void as $$ alter role x password 'pw' $$ language sql", ["'pw'"]],
    ['tsql', "exec ('alter login x with password = ''pw''')", ["'alter login x with password = ''pw'''"]],
    ['mysql', 'prepare q from "create user x identified by \'pw\'"', ["'pw'"]],
  ];
  for (const [dialect, text, expected] of secrets)
    assert.deepEqual(slices(text, only(dialect, text).secrets), expected, text);
});
