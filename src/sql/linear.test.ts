/**
 * Work grows with the text, not faster, whatever the text is. Steps are counted, not timed: every read of a character
 * and of a token goes through a method that the test counts.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { SqlDialect } from '../contracts/sql.ts';
import { createAnalyzer } from './analyzer.ts';
import { Tokens } from './tokens.ts';

let steps = 0;
const { charCodeAt } = String.prototype;
const { kindAt } = Tokens.prototype;

before(() => {
  String.prototype.charCodeAt = function (this: string, at: number): number {
    steps++;
    return charCodeAt.call(this, at);
  };
  Tokens.prototype.kindAt = function (this: Tokens, i: number): number {
    steps++;
    return kindAt.call(this, i);
  };
});

after(() => {
  String.prototype.charCodeAt = charCodeAt;
  Tokens.prototype.kindAt = kindAt;
});

function stepsOf(text: string, dialect: SqlDialect): number {
  const analyzer = createAnalyzer();
  steps = 0;
  analyzer.analyze(text, dialect);
  return steps;
}

const REPEATED: readonly string[] = [
  '(',
  ')',
  '((select ',
  'select * from (',
  'with a as (',
  'with a as (select 1), ',
  'a.',
  'a..',
  'a@b',
  '$',
  '$a',
  '$a$b',
  "'",
  '"',
  '/*',
  '*/',
  '/*!',
  '--',
  "q'a ",
  "u&'",
  '0x',
  '1e1',
  '1_',
  '1e1.',
  ':',
  '@@',
  '=-',
  'in (',
  'in (1,',
  'values (1), (2), ',
  'values ((',
  'insert into t values (1), ',
  'values (1), (2) location ',
  'source in (1, ',
  'in (1, 2, 3), description ',
  'begin ',
  'begin; ',
  'end ',
  'case ',
  'declare ',
  'declare @x int ',
  'declare c cursor for ',
  'create ',
  'create index ',
  'create table t ',
  'create table t (a int references b) ',
  'alter table a.b ',
  'drop table a, ',
  'grant select ',
  'grant select on ',
  'prepare a as ',
  'explain ',
  'explain analyze declare ',
  'identified by ',
  "password 'x' ",
  "sp_password 'x' ",
  'openrowset(',
  "exec ('x' + ",
  "do 'do ",
  'update a set a.b = 1, ',
  'delete a, ',
  'merge into a using b on ',
  'insert into t ',
  'union select a from b ',
  'if a ',
  'for ',
  'set role ',
  'a b ',
  'f(',
  ', ',
  '; ',
  ';;select 1',
  "exec (@s); set @s = @s + 'x' ",
  'set @s = @s + @s + 0x41; exec (@s); ',
  "declare @s varchar(9) = 'a' + char(1, 2); ",
  'exec (char(65, 66, ',
  "execute immediate s || 'x'; s := s || s || 'y'; ",
  'prepare p from @s; ',
];

test('doubling a hostile text doubles the steps', () => {
  assert.ok(stepsOf('select a', 'generic') > 8, 'steps are counted');
  for (const piece of REPEATED) {
    for (const dialect of ['postgresql', 'mysql', 'tsql', 'oracle'] as const) {
      const count = Math.ceil(8000 / piece.length);
      const once = stepsOf(`select ${piece.repeat(count)}`, dialect) + stepsOf(piece.repeat(count), dialect);
      const twice = stepsOf(`select ${piece.repeat(2 * count)}`, dialect) + stepsOf(piece.repeat(2 * count), dialect);
      assert.ok(twice < 2.6 * once + 2000, `${dialect} ${JSON.stringify(piece)}: ${once} steps, then ${twice}`);
      assert.ok(twice < 4e6, `${dialect} ${JSON.stringify(piece)}: ${twice} steps for 32,000 characters`);
    }
  }
});

test('nesting as deep as the text allows does not exhaust the stack', () => {
  for (const piece of REPEATED) {
    for (const dialect of ['postgresql', 'tsql'] as const) {
      assert.ok(createAnalyzer().analyze(piece.repeat(Math.ceil(200_000 / piece.length)), dialect).length > 0);
    }
  }
});
