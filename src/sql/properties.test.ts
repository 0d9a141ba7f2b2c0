/** What holds for every text: hostile, mutated or well-formed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SqlDialect, SqlStatement } from '../contracts/sql.ts';
import { createAnalyzer } from './analyzer.ts';

const DIALECTS: readonly SqlDialect[] = ['postgresql', 'mysql', 'tsql', 'oracle', 'db2', 'generic'];

const analyzer = createAnalyzer();

/** Pieces that open, close and nest everything the lexer knows. */
const PIECES =
  `select from where insert into update delete merge using set values with as ( ) , ; . * = :: := ' " \` [ ] '' \\' -- # /* */ /*! /*+ $$ $a$ q'[ ]' N' E' X' U&' U&" ? $1 :x @v @@v begin end case if then else create table drop procedure function declare identified by password union join on group null 1 1.5e3 0xF a b.c d\n`
    .split(' ')
    .concat(' ', '\0', '\u3000', '\uff27', '\ud800');

const hostile = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { maxLength: 60 }).map((pieces) => pieces.join(' ')),
  fc.array(fc.constantFrom(...PIECES), { maxLength: 60 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'binary', maxLength: 80 }),
);

function checkSpans(text: string, statement: SqlStatement): void {
  let at = statement.start;
  for (const span of statement.literals) {
    assert.ok(span.start >= at && span.end > span.start && span.end <= statement.end, JSON.stringify(text));
    at = span.end;
  }
  at = statement.start;
  for (const span of statement.secrets) {
    assert.ok(span.start >= at && span.end > span.start && span.end <= statement.end, JSON.stringify(text));
    at = span.end;
  }
}

test('any text: never throws, statements and spans are ordered and inside, nothing but separators lies between', () => {
  fc.assert(
    fc.property(hostile, fc.constantFrom(...DIALECTS), (text, dialect) => {
      const statements = analyzer.analyze(text, dialect);
      assert.ok(statements.length > 0);
      let at = 0;
      for (const statement of statements) {
        assert.ok(statement.start >= at && statement.end >= statement.start && statement.end <= text.length);
        checkSpans(text, statement);
        assert.match(statement.fingerprint, /^[0-9a-f]{16}$/);
        assert.deepEqual(
          statement.objectsWritten.filter((name) => !statement.objects.includes(name)),
          [],
        );
        at = statement.end;
      }
    }),
    { seed: 42, numRuns: 4000 },
  );
});

test('a known shape or template gives what a new analyzer gives', () => {
  fc.assert(
    fc.property(hostile, fc.constantFrom(...DIALECTS), (text, dialect) => {
      analyzer.analyze(text, dialect);
      analyzer.analyze(text, dialect);
      const again = analyzer.analyze(text, dialect).map((statement) => ({ ...statement, template: undefined }));
      assert.deepEqual(again, createAnalyzer().analyze(text, dialect));
    }),
    { seed: 42, numRuns: 300 },
  );
});

/** A statement template: `?` is a literal, `~` a place for space or a comment, letters may change case. */
const TEMPLATES = [
  'select~a,~b~from~t~where~c~=~?~and~d~in~(?,~?)~order~by~e',
  'insert~into~s.t~(a,~b)~values~(?,~?)',
  'update~t~set~a~=~?~where~b~like~?',
  'delete~from~t~where~a~between~?~and~?',
];

const literal = fc.oneof(
  fc.integer().map(String),
  fc.string({ maxLength: 8 }).map((s) => `'${s.replaceAll("'", "''").replaceAll('\\', '')}'`),
);
const gap = fc.constantFrom(' ', '\n', '\t  ', ' /* x; */ ', ' -- y;\n');

test('the fingerprint does not depend on literals, space, comments and case', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...TEMPLATES),
      fc.array(literal, { minLength: 4, maxLength: 4 }),
      fc.array(gap, { minLength: 32, maxLength: 32 }),
      fc.boolean(),
      fc.constantFrom(...DIALECTS),
      (template, literals, gaps, isUpper, dialect) => {
        let l = 0;
        let g = 0;
        const cased = isUpper ? template.toUpperCase() : template;
        const text = cased
          .replaceAll('~', () => gaps[g++] as string)
          .replaceAll('?', () => literals[l++ % 4] as string);
        const plain = template.replaceAll('~', ' ').replaceAll('?', '1');
        const [found] = analyzer.analyze(text, dialect);
        const [expected] = analyzer.analyze(plain, dialect);
        assert.equal(found?.fingerprint, expected?.fingerprint, text);
        assert.equal(found?.operation, expected?.operation);
      },
    ),
    { seed: 42, numRuns: 600 },
  );
});

test('the length of a list has no say, the rest has', () => {
  const print = (text: string): string => (analyzer.analyze(text, 'postgresql')[0] as SqlStatement).fingerprint;
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1, maxLength: 30 }), (list) => {
      assert.equal(print(`select 1 from t where a in (${list.join(',')})`), print('select 1 from t where a in (0)'));
      assert.equal(
        print(`insert into t values ${list.map((n) => `(${n},'x')`).join(', ')}`),
        print("insert into t values (1,'y')"),
      );
    }),
    { seed: 42, numRuns: 100 },
  );
  const distinct = [
    'select a from t',
    'select b from t',
    'select a from u',
    'select a from t where b = 1',
    'delete from t',
  ];
  assert.equal(new Set(distinct.map(print)).size, distinct.length);
});

test('a separator inside a literal, name, comment or body never splits', () => {
  const wholes: readonly (readonly [SqlDialect, string])[] = [
    ['postgresql', "select ';', ';;' ';', E'\\';', U&';', $$;$$, $a$;$$;$a$, \";\" /* ; /* ; */ ; */ -- ;"],
    ['mysql', "select ';', '\\';', \";\", `;` /* ; */ # ;\n-- ;\n, 2--1"],
    ['tsql', "select ';', N';', [;], [a]];], \";\" /* /* ; */ ; */ -- ;"],
    ['oracle', "select q'[';]', nq'{;}', q'!it's;!', \";\" from dual"],
    ['oracle', 'create or replace procedure p is x number; procedure q is begin null; end; begin q; end p;'],
    ['oracle', 'declare x number; begin x := 1; end;'],
    [
      'mysql',
      'create procedure p() begin if a then set b = case c when 1 then 2 end; end if; case d when 1 then select 1; end case; end',
    ],
    ['mysql', 'create event e on schedule every 1 day do begin delete from a; delete from b; end'],
    ['db2', 'create trigger t after insert on u for each row begin atomic set a = 1; set b = 2; end'],
    ['postgresql', 'create function f() returns int begin atomic select 1; select 2; end'],
    ['postgresql', 'create rule r as on insert to t do (delete from a; delete from b)'],
    ['tsql', 'create procedure p as select 1; select 2; begin delete from t; end'],
    ['tsql', 'if 1 = 1 begin delete from a; delete from b; end'],
  ];
  for (const [dialect, text] of wholes) {
    assert.equal(analyzer.analyze(text, dialect).length, 1, text);
    assert.equal(
      analyzer.analyze(`${text}\n; select 2`, dialect).length,
      /^(create|declare)/.test(text) && /tsql|oracle/.test(dialect) ? 1 : 2,
      text,
    );
  }
});

test('a word that only looks like a block hides no statement behind it', () => {
  const texts: readonly (readonly [SqlDialect, string])[] = [
    ['postgresql', 'create function f(begin int) returns int language sql as $$ select 1 $$; drop table x'],
    ['mysql', 'create procedure begin() select 1; drop table x'],
    ['mysql', 'create trigger t before insert on begin for each row set @a = 1; drop table x'],
    ['tsql', 'create type t from int; drop table x'],
    ['tsql', 'begin tran; drop table x'],
    ['mysql', 'begin; drop table x'],
  ];
  for (const [dialect, text] of texts) {
    assert.deepEqual(analyzer.analyze(text, dialect).at(-1)?.operation, 'DROP TABLE', text);
  }
});

/** One row an evasion: the dialect, the text, and the operations and objects that must be seen through it. */
const EVASIONS: readonly (readonly [
  name: string,
  dialect: SqlDialect,
  text: string,
  operations: string,
  objects: string,
])[] = [
  ['comment between words', 'mysql', 'DROP/**/TABLE/**/users', 'DROP TABLE', 'users'],
  ['versioned comment around a keyword', 'mysql', '/*!50000DROP*/ /*!50000 TABLE*/ users', 'DROP TABLE', 'users'],
  ['versioned comment of MariaDB', 'mysql', '/*M!100101 DROP TABLE users*/', 'DROP TABLE', 'users'],
  ['nested comment', 'postgresql', '/* /* x */ SELECT */ DROP TABLE users', 'DROP TABLE', 'users'],
  ['comment with a separator', 'tsql', 'DROP/*;*/TABLE[users]', 'DROP TABLE', 'users'],
  ['null byte between words', 'mysql', 'DROP\0TABLE\0users', 'DROP TABLE', 'users'],
  ['null byte at the end of a literal', 'mysql', "SELECT 'a\0' FROM users", 'SELECT', 'users'],
  ['wide spaces', 'postgresql', 'DROP\u00a0TABLE\u3000users', 'DROP TABLE', 'users'],
  ['unicode escapes in a name', 'postgresql', 'DROP TABLE U&"\\0075\\+000073ers"', 'DROP TABLE', 'users'],
  [
    'unicode escapes in code',
    'oracle',
    "BEGIN EXECUTE IMMEDIATE U'\\0044ROP TABLE users'; END;",
    'BLOCK EXECUTE IMMEDIATE DROP TABLE',
    'users',
  ],
  ['no space around literals', 'mysql', "SELECT'a'FROM`users`WHERE'1'='1'", 'SELECT', 'users'],
  ['number against a keyword', 'tsql', 'SELECT 1FROM users', 'SELECT', 'users'],
  ['concatenated code', 'tsql', "EXEC('DR' + 'OP TABLE ' + 'users')", 'EXECUTE DROP TABLE', 'users'],
  [
    'concatenated code',
    'oracle',
    "BEGIN EXECUTE IMMEDIATE 'DR' || 'OP TABLE users'; END;",
    'BLOCK EXECUTE IMMEDIATE DROP TABLE',
    'users',
  ],
  [
    'code in a variable',
    'tsql',
    "DECLARE @s varchar(99) = 'DROP TABLE users' EXEC(@s)",
    'DECLARE EXECUTE DROP TABLE',
    'users',
  ],
  [
    'code in a variable, piece by piece',
    'tsql',
    "DECLARE @s nvarchar(99);SET @s=N'DROP ';SET @s=@s+'TABLE users';EXEC sp_executesql @s",
    'DECLARE SET SET EXECUTE DROP TABLE',
    'users',
  ],
  [
    'hexadecimal code',
    'tsql',
    'DECLARE @S VARCHAR(4000);SET @S=CAST(0x44524F50205441424C45207573657273 AS VARCHAR(4000));EXEC(@S);--',
    'DECLARE SET EXECUTE DROP TABLE',
    'users',
  ],
  [
    'hexadecimal code in UTF-16',
    'tsql',
    'DECLARE @S NVARCHAR(4000) SET @S=CONVERT(NVARCHAR(4000), 0x440052004F00500020005400410042004C0045002000750073006500720073003B00) EXEC(@S)',
    'DECLARE SET EXECUTE DROP TABLE',
    'users',
  ],
  [
    'hexadecimal code',
    'mysql',
    'SET @s = 0x44524F50205441424C45207573657273; PREPARE p FROM @s; EXECUTE p',
    'SET PREPARE EXECUTE',
    '',
  ],
  ['character codes', 'tsql', "EXEC(CHAR(68)+CHAR(82)+'OP TABLE users')", 'EXECUTE DROP TABLE', 'users'],
  [
    'character codes',
    'oracle',
    "BEGIN EXECUTE IMMEDIATE CHR(68)||'ROP TABLE users'; END;",
    'BLOCK EXECUTE IMMEDIATE DROP TABLE',
    'users',
  ],
  [
    'code in a variable of a block',
    'oracle',
    "DECLARE s VARCHAR2(99) := 'DROP ' || 'TABLE users'; BEGIN EXECUTE IMMEDIATE s; END;",
    'BLOCK EXECUTE IMMEDIATE DROP TABLE',
    'users',
  ],
  ['quotes within quotes', 'tsql', "EXEC('EXEC(''DROP TABLE users'')')", 'EXECUTE DROP TABLE', 'users'],
  [
    'quotes within quotes',
    'postgresql',
    "DO $a$ BEGIN EXECUTE 'DROP TABLE ' || 'users'; END $a$",
    'DO EXECUTE IMMEDIATE DROP TABLE',
    'users',
  ],
];

test('evasions: what a statement does is seen through all of them', async (t) => {
  for (const [name, dialect, text, operations, objects] of EVASIONS) {
    await t.test(`${name}, ${dialect}`, () => {
      const found = analyzer.analyze(text, dialect);
      assert.equal(found.flatMap((statement) => statement.operations).join(' '), operations, text);
      assert.equal([...new Set(found.flatMap((statement) => statement.objects))].join(' '), objects, text);
    });
  }
});

test('code that a MySQL text puts together is what its PREPARE prepares', () => {
  const [, prepare] = analyzer.analyze("SET @s = CONCAT('DR', 'OP TABLE ', 'users'); PREPARE p FROM @s", 'mysql');
  assert.deepEqual(prepare?.effect, { kind: 'prepare', name: 'p', text: 'DROP TABLE users' });
});

test('comments, versions, hex and wide characters do not hide what a statement does', () => {
  const cases: readonly (readonly [SqlDialect, string, string])[] = [
    ['mysql', 'DROP/**/TABLE/**/`users`', 'DROP TABLE users'],
    ['mysql', '/*!DROP TABLE*/ users', 'DROP TABLE users'],
    ['mysql', '/*!50001 DROP*/ /*M!100101 TABLE */ users', 'DROP TABLE users'],
    ['postgresql', '/* /* */ select 1 */ drop table users', 'DROP TABLE users'],
    ['postgresql', 'DROP\u00a0TABLE\u3000users', 'DROP TABLE users'],
    ['postgresql', 'DROP\0TABLE users', 'DROP TABLE users'],
    ['postgresql', 'drop table U&"\\0075sers"', 'DROP TABLE users'],
    ['tsql', 'drop/*;*/table[users]', 'DROP TABLE users'],
    ['mysql', 'drop table--\tx\nusers', 'DROP TABLE users'],
    ['mysql', "select 0x53, x'53', b'01', _utf8'a' from users", 'SELECT users'],
    ['mysql', 'select 1e0from users', 'SELECT users'],
    ['mysql', 'select * from 1users', 'SELECT 1users'],
    ['tsql', 'select 1from users', 'SELECT users'],
    ['postgresql', 'select 1.from users', 'SELECT users'],
    ['postgresql', "select'a'from users", 'SELECT users'],
  ];
  for (const [dialect, text, expected] of cases) {
    const [found] = analyzer.analyze(text, dialect);
    assert.equal([found?.operation, ...(found?.objects ?? [])].join(' '), expected, text);
  }
});
