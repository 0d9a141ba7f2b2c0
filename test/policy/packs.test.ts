/**
 * The shipped packs with the real SQL analysis: every rule's own cases, and silence of the default pack on what drivers,
 * benches and object-relational mappers send all day.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { merged } from '#src/audit/split.js';
import { AuditRecord, type RecordKind } from '#src/contracts/record.js';
import type { SqlDialect } from '#src/contracts/sql.js';
import { createEngine } from '#src/policy/engine.js';
import { loadPolicies } from '#src/policy/policy.js';
import { runPolicyTests } from '#src/policy/rule-tests.js';
import { createAnalyzer } from '#src/sql/analyzer.js';

const FOLDER = join(import.meta.dirname, '../../../policies');

test('every rule of every pack passes its own cases', () => {
  const { results } = runPolicyTests(loadPolicies(FOLDER, { disabledToo: true }), createAnalyzer(), merged);
  const failed = results.filter(({ passed }) => !passed);
  assert.deepEqual(
    failed.map(({ file, line, rule, expected, subject }) => `${file}:${line}: ${rule} should ${expected}: ${subject}`),
    [],
  );
  assert.ok(results.length > 200);
});

const EVERYDAY: readonly [dialect: SqlDialect, text: string][] = [
  ['postgresql', 'BEGIN'],
  ['postgresql', 'UPDATE pgbench_accounts SET abalance = abalance + -311 WHERE aid = 80442;'],
  [
    'postgresql',
    'INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (7, 1, 80442, -311, CURRENT_TIMESTAMP);',
  ],
  ['postgresql', 'truncate pgbench_accounts, pgbench_branches, pgbench_history, pgbench_tellers'],
  ['postgresql', 'alter table pgbench_accounts add primary key (aid)'],
  ['postgresql', 'drop table if exists pgbench_accounts, pgbench_branches'],
  ['postgresql', 'copy pgbench_accounts from stdin with (freeze on)'],
  ['postgresql', 'vacuum analyze pgbench_branches'],
  ['postgresql', "SELECT set_config('search_path', '', false)"],
  ['postgresql', 'SET extra_float_digits = 3'],
  [
    'postgresql',
    'SELECT e.typdelim FROM pg_catalog.pg_type t, pg_catalog.pg_type e WHERE t.oid = $1 and t.typelem = e.oid',
  ],
  ['postgresql', "SELECT t.oid, t.typname FROM pg_type t WHERE t.typname IN ('int2', 'int4') OR t.typtype = 'r'"],
  [
    'postgresql',
    'SELECT a.attname FROM pg_attribute a WHERE a.attrelid = \'"users"\'::regclass AND a.attnum > 0 ORDER BY a.attnum',
  ],
  [
    'postgresql',
    'SELECT "t0"."id", "t0"."name" FROM "auth_user" "t0" WHERE ("t0"."active" = true OR "t0"."staff" = true) LIMIT 21',
  ],
  [
    'postgresql',
    "DELETE FROM django_session WHERE django_session.expire_date < '2026-01-01T00:00:00+00:00'::timestamptz",
  ],
  ['postgresql', 'SELECT 1 AS one FROM "users" WHERE "users"."email" = $1 AND "users"."id" != $2 LIMIT $3'],
  [
    'postgresql',
    "SELECT first_name || ' ' || last_name AS name FROM people WHERE first_name || last_name = 'AnnExample'",
  ],
  ['postgresql', 'SELECT a FROM t1 UNION ALL SELECT a FROM t2 UNION SELECT 0'],
  ['mysql', 'SET NAMES utf8mb4'],
  [
    'mysql',
    '/* mysql-connector-j-8.3.0 */SELECT @@session.auto_increment_increment AS auto_increment_increment, @@character_set_client AS c',
  ],
  ['mysql', 'select @@version_comment limit 1'],
  ['mysql', "SHOW VARIABLES WHERE Variable_name = 'version' OR Variable_name = 'sql_mode'"],
  ['mysql', 'SELECT SQL_NO_CACHE c FROM sbtest1 WHERE id BETWEEN 50 AND 149 ORDER BY c'],
  ['mysql', 'select u1_0.id,u1_0.name from user u1_0 where 1=1 and u1_0.state=? and (u1_0.kind=? or u1_0.kind=?)'],
  [
    'mysql',
    "INSERT INTO `posts` (`body`) VALUES ('How do I DROP TABLE users; -- or 1=1 in xp_cmdshell INTO OUTFILE?')",
  ],
  [
    'mysql',
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'shop' AND table_type = 'BASE TABLE'",
  ],
  ['mysql', 'INSERT INTO `sessions` (`id`, `n`) VALUES (1, 1) ON DUPLICATE KEY UPDATE `n` = `n` + 1'],
  ['tsql', 'SET TRANSACTION ISOLATION LEVEL READ COMMITTED'],
  ['tsql', "exec sp_executesql N'SELECT [u].[Id] FROM [Users] AS [u] WHERE [u].[Id] = @p0',N'@p0 int',@p0=4"],
  [
    'tsql',
    'SELECT CASE WHEN EXISTS (SELECT 1 FROM [Users] WHERE [Id] = 4) THEN CAST(1 AS bit) ELSE CAST(0 AS bit) END',
  ],
  ['oracle', 'SELECT 1 FROM DUAL'],
  [
    'oracle',
    "SELECT decode(failover_method, NULL, 0, 'BASIC', 1) FROM v$session WHERE sid = sys_context('userenv', 'sid')",
  ],
  ['db2', 'SELECT CURRENT TIMESTAMP FROM SYSIBM.SYSDUMMY1'],
];

test('the default pack is silent on everyday statements', () => {
  const engine = createEngine(loadPolicies(FOLDER));
  const analyzer = createAnalyzer();
  for (const [dialect, text] of EVERYDAY) {
    for (const statement of analyzer.analyze(text, dialect)) {
      const record = new AuditRecord();
      record.text = text;
      record.user = 'app';
      record.operation = statement.operation;
      record.objects = statement.objects;
      record.summary = statement.summary;
      record.procedure = statement.procedure;
      record.affectedRows = 5000;
      record.returnedRows = 5000;
      engine.evaluate(record, statement);
      assert.deepEqual(record.policy, undefined, text);
    }
  }
});

const fragment = fc.constantFrom(
  ...[
    'SELECT ',
    '* ',
    'FROM ',
    'cards ',
    'mysql.user ',
    'UNION ',
    'ALL ',
    'null, ',
    '1',
    '=',
    "'",
    ' OR ',
    ';',
    '--',
    '/**/',
    '(',
    ')',
  ],
  ...[
    'DROP TABLE ',
    'xp_cmdshell ',
    'EXEC ',
    'sleep(',
    'GRANT ',
    'TO ',
    'PUBLIC ',
    'COPY ',
    'PROGRAM ',
    'é',
    '\ud800',
    '\u0000',
    '$$',
    "E'",
  ],
);
const hostile = fc.record({
  text: fc.array(fragment, { maxLength: 25 }).map((parts) => parts.join('')),
  dialect: fc.constantFrom<SqlDialect>('postgresql', 'mysql', 'tsql', 'oracle', 'db2', 'generic'),
  kind: fc.constantFrom<RecordKind>('statement', 'statement', 'login', 'logout', 'opaque', 'loss'),
  user: fc.option(fc.constantFrom('root', 'app', 'joe', '\ud800', ''), { nil: undefined }),
  clientAddress: fc.option(fc.constantFrom('10.0.0.1', '203.0.113.9', '2001:db8::1', 'x'), { nil: undefined }),
  system: fc.constantFrom('postgresql', 'mysql', 'microsoft.sql_server', 'oracle.db', 'ibm.db2'),
  errorCode: fc.option(fc.constantFrom('42601', '42501', '1064'), { nil: undefined }),
  returnedRows: fc.option(fc.nat(300_000), { nil: undefined }),
  timeUs: fc.nat(Number.MAX_SAFE_INTEGER),
  marks: fc.nat(511),
});

test('whatever comes is judged without an error, and every match explains itself', () => {
  const policy = loadPolicies(FOLDER, { disabledToo: true });
  const engine = createEngine(policy);
  const analyzer = createAnalyzer();
  let matches = 0;
  fc.assert(
    fc.property(hostile, ({ dialect, kind, ...facts }) => {
      const record: AuditRecord = Object.assign(new AuditRecord(), facts, { kind });
      const [statement] = kind === 'statement' ? analyzer.analyze(facts.text, dialect) : [];
      if (statement === undefined) record.text = undefined;
      engine.evaluate(record, statement);
      const explained = engine.explain(record, statement);
      assert.deepEqual(
        explained.map(({ rule }) => rule.id),
        (record.policy ?? []).map(({ rule }) => rule),
      );
      for (const { rule, evidence } of explained) {
        matches++;
        assert.ok(evidence.length > 0, `${rule.id} matched ${facts.text} without a reason`);
        for (const { byteStart = 0, byteEnd = 0 } of evidence)
          assert.ok(byteStart <= byteEnd && byteEnd <= Buffer.byteLength(record.text ?? ''), rule.id);
      }
    }),
    { seed: 42, numRuns: 3000 },
  );
  assert.ok(matches > 500, `${matches} matches`);
});
