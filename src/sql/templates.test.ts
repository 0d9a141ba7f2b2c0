/** Texts known by their template give what the lexer gives: checked over texts made to look like others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SQL_TEMPLATES_MAX, type SqlDialect, type SqlStatement } from '../contracts/sql.ts';
import { createAnalyzer } from './analyzer.ts';

const DIALECTS: readonly SqlDialect[] = ['postgresql', 'mysql', 'tsql', 'oracle', 'db2', 'generic'];

/** Code in which contents of literals may matter, with `?` where they go. */
const CODES = [
  'SELECT a, b FROM t WHERE id = ? AND s = ? ORDER BY c LIMIT ?',
  'INSERT INTO t (a, b) VALUES (?, ?), (?,?)',
  'UPDATE `my table` SET a=?,b=? WHERE [c] = ?-?',
  'SELECT ?.?, t.?, .? , ?..?, @?, :?, $?, ?a, a?, n? FROM t',
  'EXEC sp_executesql ?, ?',
  'CREATE USER u IDENTIFIED BY ?',
  'SET NAMES ?',
  'SELECT ??, ? ? FROM d',
  'SELECT /* ? */ a FROM t -- ?',
  ' SELECT a FROM t WHERE b = ?\n',
  'SELECT `a ?`, `?b`, t?, `?` FROM t?_ WHERE [c?] = ?',
];
const PLAIN = ['0', '7', '42', '1.5', '00', "'a'", "'or 1=1'", "'--'"];
const HOSTILE = [
  ...['0x1f', '0b1', '1e5', '1_000', '5.', '.5', "''", "'it''s'", "'a\\'", "'é'", "'/*'", "'?'", '"q"', "'\n'"],
  ...['NULL', 'x', '--', '/*', '*/', ';', "'", '`', ']', '\\', '#', '', '\u3000', '\0'],
];

/** One plain literal in all places, but for a few that may be anything. */
const text = fc
  .tuple(
    fc.constantFrom(...CODES),
    fc.constantFrom(...PLAIN),
    fc.dictionary(fc.constantFrom('0', '1', '2', '3'), fc.constantFrom(...PLAIN, ...HOSTILE), { maxKeys: 2 }),
  )
  .map(([code, plain, others]) =>
    code.split('?').reduce((joined, part, i) => joined + (others[String(i - 1)] ?? plain) + part),
  );

function withoutTemplate(statements: readonly SqlStatement[]): readonly SqlStatement[] {
  return statements.map((statement) => ({ ...statement, template: undefined }));
}

test('a text whose template may be known gives what a new analyzer gives', () => {
  const analyzer = createAnalyzer();
  fc.assert(
    fc.property(text, fc.constantFrom(...DIALECTS), (sql, dialect) => {
      const found = withoutTemplate(analyzer.analyze(sql, dialect));
      assert.deepEqual(found, createAnalyzer().analyze(sql, dialect));
    }),
    { seed: 7, numRuns: 6000 },
  );
  assert.ok((analyzer.counters['templates_known'] ?? 0) > 250, JSON.stringify(analyzer.counters));
});

test('one object a template, from the third text on; another for other code, dialect or kind of literal', () => {
  const analyzer = createAnalyzer();
  const templateOf = (sql: string, dialect: SqlDialect = 'mysql'): unknown => {
    for (let i = 0; i < 3; i++) analyzer.analyze(sql, dialect);
    return analyzer.analyze(sql, dialect)[0]?.template;
  };
  const template = templateOf("SELECT a FROM t WHERE b = 1 AND c = 'x'");
  assert.ok(template);
  assert.equal(analyzer.analyze("SELECT a FROM t WHERE b = 77.5 AND c = 'y or z'", 'mysql')[0]?.template, template);
  for (const other of [
    "SELECT a FROM t WHERE b = 1 AND c =  'x'",
    "select a FROM t WHERE b = 1 AND c = 'x'",
    'SELECT a FROM t WHERE b = 1 AND c = 2',
  ])
    assert.notEqual(templateOf(other), template, other);
  assert.notEqual(templateOf("SELECT a FROM t WHERE b = 1 AND c = 'x'", 'oracle'), template);
});

test('literals of a known template stand where they are in its new text', () => {
  const analyzer = createAnalyzer();
  const sql = (id: string, name: string): string => `INSERT INTO t VALUES (${id}, ${name}) `;
  for (let i = 0; i < 3; i++) analyzer.analyze(sql('1', "'a'"), 'mysql');
  const text = sql('12345', "'somebody'");
  const [statement] = analyzer.analyze(text, 'mysql');
  assert.ok(statement?.template);
  assert.deepEqual(
    statement.literals.map(({ start, end }) => text.slice(start, end)),
    ['12345', "'somebody'"],
  );
  assert.equal(text.slice(statement.start, statement.end), text.trim());
});

test('secrets, comments and several statements have no template', () => {
  const analyzer = createAnalyzer();
  for (const sql of ["CREATE USER u IDENTIFIED BY 'x'", 'SELECT 1 /* a */', 'SELECT 1; SELECT 2', "SELECT N'x'"]) {
    for (let i = 0; i < 5; i++) {
      for (const { template } of analyzer.analyze(sql, 'mysql')) assert.equal(template, undefined, sql);
    }
  }
});

test('more templates than are kept: all answers stay right, and those in use come back', () => {
  const analyzer = createAnalyzer();
  const sql = (i: number): string => `SELECT c${i} FROM t WHERE id = ${i}`;
  for (let i = 0; i < SQL_TEMPLATES_MAX + 100; i++) {
    for (let again = 0; again < 3; again++) {
      const [statement] = analyzer.analyze(sql(i), 'mysql');
      assert.deepEqual(statement?.columns, [`c${i}`, 'id']);
      assert.ok((statement?.template?.slot ?? 0) < SQL_TEMPLATES_MAX);
    }
  }
  for (let again = 0; again < 3; again++) analyzer.analyze(sql(0), 'mysql');
  const [back] = analyzer.analyze(sql(0), 'mysql');
  assert.ok(back?.template);
  assert.deepEqual(back.columns, ['c0', 'id']);
});

test('a text of which one byte is another has another template, wherever the byte is', () => {
  const analyzer = createAnalyzer();
  const known = 'SELECT abcdefghijklmnop, q FROM rstuvw WHERE x = 1 AND yz = 22 ORDER BY abcdefghi';
  for (let i = 0; i < 3; i++) analyzer.analyze(known, 'mysql');
  const template = analyzer.analyze(known, 'mysql')[0]?.template;
  assert.ok(template !== undefined);
  for (let at = 0; at < known.length; at++) {
    if (/\d/.test(known.charAt(at))) continue;
    const byte = known.charCodeAt(at);
    for (const other of [byte ^ 0x20, byte ^ 1, byte ^ 0x40, 0, 0x7f]) {
      const changed = known.slice(0, at) + String.fromCharCode(other) + known.slice(at + 1);
      const found = analyzer.analyze(changed, 'mysql')[0]?.template;
      assert.notEqual(found, template, `${at}: ${JSON.stringify(changed)}`);
    }
  }
});
