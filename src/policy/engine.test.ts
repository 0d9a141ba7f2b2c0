import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DISPOSITION_DROP, DISPOSITION_RECORD } from '../contracts/policy.ts';
import { AuditRecord } from '../contracts/record.ts';
import type { SqlStatement } from '../contracts/sql.ts';
import { createEngine, type ExplainingEngine } from './engine.ts';
import { parsePolicies } from './policy.ts';
import { stubAnalyzer } from './stub-analyzer.ts';

type Facts = Partial<{ -readonly [K in keyof AuditRecord]: AuditRecord[K] }>;

/** `rules`: one line each, `id action severity when`. */
function engineOf(rules: readonly string[], head = ''): ExplainingEngine {
  const texts = rules.map((line) => {
    const [, id, action, severity, when] = /^(\S+) (\S+) (\S+) (.*)$/.exec(line) ?? [];
    return `  - { id: ${id}, title: t, reason: r, action: ${action}, severity: ${severity}, when: ${when} }\n`;
  });
  return createEngine(
    parsePolicies([
      { name: 'p.yaml', text: `version: 1\n${head}\nrules:${texts.length > 0 ? '\n' : ' []\n'}${texts.join('')}` },
    ]),
  );
}

function statementOf(sql: string): SqlStatement | undefined {
  return stubAnalyzer.analyze(sql, 'generic')[0];
}

function recordOf(sql: string | undefined, facts: Facts = {}): AuditRecord {
  const record = new AuditRecord();
  record.text = sql;
  const statement = sql === undefined ? undefined : statementOf(sql);
  if (statement !== undefined) {
    record.operation = statement.operation;
    record.objects = statement.objects;
    record.summary = statement.summary;
  }
  return Object.assign(record, facts);
}

/** Ids of the rules that match. */
function judge(engine: ExplainingEngine, sql: string | undefined, facts: Facts = {}): string[] {
  const record = recordOf(sql, facts);
  engine.evaluate(record, sql === undefined ? undefined : statementOf(sql));
  return (record.policy ?? []).map((match) => match.rule);
}

/** Does a policy of this one condition match? */
function holds(when: string, sql: string | undefined, facts: Facts = {}): boolean {
  return judge(engineOf([`r record info ${when}`]), sql, facts).length === 1;
}

const HOLD: readonly [when: string, sql: string | undefined, facts: Facts, expected: boolean][] = [
  ['{ user: ROOT }', 'SELECT 1', { user: 'root' }, true],
  ['{ user: [a, "r*t"] }', 'SELECT 1', { user: 'ro-ot' }, true],
  ['{ user: "r?t" }', 'SELECT 1', { user: 'root' }, false],
  ['{ user: root }', 'SELECT 1', {}, false],
  ['{ not: { user: root } }', 'SELECT 1', {}, true],
  ['{ user: $$cmd }', 'SELECT 1', { user: '$cmd' }, true],
  [
    '{ effective_user: a, os_user: b, end_user: c, program: d }',
    'SELECT 1',
    { effectiveUser: 'a', osUser: 'b', endUser: 'c', program: 'd' },
    true,
  ],
  ['{ client: 10.1.0.0/16 }', 'SELECT 1', { clientAddress: '10.1.255.255' }, true],
  ['{ client: 10.1.0.0/16 }', 'SELECT 1', { clientAddress: '10.2.0.0' }, false],
  ['{ client: [192.0.2.1, 10.0.0.5-10.0.0.7] }', 'SELECT 1', { clientAddress: '10.0.0.6' }, true],
  ['{ client: 2001:db8::/32 }', 'SELECT 1', { clientAddress: '2001:db8:1::1' }, true],
  ['{ client: "::ffff:10.0.0.1" }', 'SELECT 1', { clientAddress: '10.0.0.1' }, true],
  ['{ client: 0.0.0.0/0 }', 'SELECT 1', { clientAddress: '2001:db8::1' }, false],
  ['{ server_port: [3306, 1521-1530] }', 'SELECT 1', { serverPort: 1525 }, true],
  ['{ server_port: 1521-1530 }', 'SELECT 1', { serverPort: 1531 }, false],
  ['{ database: shop }', 'SELECT 1', { namespace: 'shop' }, true],
  ['{ database: public }', 'SELECT 1', { namespace: 'shop|public' }, true],
  ['{ database: shop }', 'SELECT 1', { namespace: 'shop|public' }, true],
  ['{ database: pub }', 'SELECT 1', { namespace: 'shop|public' }, false],
  ['{ kind: [login, logout] }', undefined, { kind: 'logout' }, true],
  ['{ operation: "CREATE *" }', 'create table t (a int)', {}, true],
  ['{ operation: CREATE }', 'create table t (a int)', {}, false],
  ['{ operation: DELETE }', 'x', { operation: 'SELECT', operations: ['SELECT', 'DELETE'] }, true],
  ['{ operations: { over: 1 } }', 'x', { operations: ['SELECT', 'DELETE'] }, true],
  ['{ object: salaries }', 'SELECT * FROM hr.Salaries', {}, true],
  ['{ object: hr.salaries }', 'SELECT * FROM db.hr.salaries', {}, true],
  ['{ object: hr.salaries }', 'SELECT * FROM salaries', {}, false],
  ['{ object: "sal*" }', 'SELECT * FROM sales.orders', {}, false],
  ['{ object: "hr.*" }', 'SELECT * FROM hr.orders', {}, true],
  ['{ object_written: orders }', 'SELECT * FROM orders', {}, false],
  ['{ object_written: orders }', 'UPDATE orders SET a = 1', {}, true],
  ['{ column: iban }', 'SELECT iban FROM t', {}, true],
  ['{ function: pg_sleep }', 'SELECT pg_catalog.pg_sleep(1)', {}, true],
  ['{ procedure: sp_who }', 'EXEC dbo.sp_who', {}, true],
  ['{ keyword: drop }', 'SELECT 1; DROP TABLE t', {}, true],
  ['{ keyword: drop }', 'SELECT raindrop FROM t', {}, false],
  ['{ keyword: { words: drop, word: false } }', 'SELECT raindrop FROM t', {}, true],
  ['{ keyword: { words: secret, in: text } }', "SELECT 'secret'", {}, true],
  ['{ keyword: { words: secret, in: code } }', "SELECT 'secret'", {}, false],
  ['{ regex: "1 ?= ?1" }', 'SELECT 1 WHERE 1=1', {}, true],
  ['{ regex: { pattern: "where \\\\? = \\\\?", in: code } }', 'SELECT 1 WHERE 3=4', {}, true],
  ['{ outcome: failed }', 'SELECT 1', { errorCode: '42P01' }, true],
  ['{ outcome: succeeded }', 'SELECT 1', {}, true],
  ['{ outcome: [succeeded, failed] }', 'SELECT 1', { marks: 8 }, false],
  ['{ error_code: 42* }', 'SELECT 1', { errorCode: '42P01' }, true],
  ['{ error_code: 0123 }', 'SELECT 1', { errorCode: '0123' }, true],
  ['{ rows: { over: 10 } }', 'SELECT 1', { returnedRows: 10 }, false],
  ['{ rows: { over: 10, under: 20 } }', 'SELECT 1', { returnedRows: 11 }, true],
  ['{ affected_rows: { over: 1k } }', 'SELECT 1', { affectedRows: 1001 }, true],
  ['{ response_bytes: { over: 1MiB } }', 'SELECT 1', { responseBytes: 1_048_576 }, false],
  ['{ duration: { over: 1.5s } }', 'SELECT 1', { durationUs: 1_500_001 }, true],
  ['{ text_bytes: { over: 9 } }', "SELECT 'é'", {}, true],
  ['{ transaction: failed }', 'SELECT 1', { transaction: 'failed' }, true],
  ['{ marks: [gap, truncated] }', 'SELECT 1', { marks: 2 }, true],
  ['{ marks: gap }', 'SELECT 1', { marks: 2 }, false],
  ['{ any: [{ user: a }, { user: b }], not: { program: c } }', 'SELECT 1', { user: 'b' }, true],
  ['{ any: [{ user: a }, { user: b }], not: { program: c } }', 'SELECT 1', { user: 'b', program: 'c' }, false],
  ['{ all: [{ user: "a*" }, { user: "*b" }] }', 'SELECT 1', { user: 'aab' }, true],
];

test('every condition, holding and not', () => {
  for (const [when, sql, facts, expected] of HOLD)
    assert.equal(holds(when, sql, facts), expected, `${when} on ${sql} ${JSON.stringify(facts)}`);
});

const at = (iso: string): Facts => ({ timeUs: Date.parse(iso) * 1000 });

test('time of day, weekday, zone, past midnight', () => {
  const office = '{ time: { from: "08:00", to: "18:00", days: [mon, tue, wed, thu, fri], zone: Europe/Berlin } }';
  assert.equal(holds(office, 'x', at('2026-07-06T06:00:00Z')), true, 'Monday 8:00 in summer time');
  assert.equal(holds(office, 'x', at('2026-07-06T05:59:59Z')), false);
  assert.equal(holds(office, 'x', at('2026-01-05T06:30:00Z')), false, 'Monday 7:30 in winter time');
  assert.equal(holds(office, 'x', at('2026-07-06T16:00:00Z')), false, 'to is not included');
  assert.equal(holds(office, 'x', at('2026-07-05T10:00:00Z')), false, 'Sunday');
  const night = '{ time: { from: "22:00", to: "06:00" } }';
  assert.equal(holds(night, 'x', at('2026-07-05T23:00:00Z')), true);
  assert.equal(holds(night, 'x', at('2026-07-05T05:59:00Z')), true);
  assert.equal(holds(night, 'x', at('2026-07-05T12:00:00Z')), false);
  assert.equal(holds(office, 'x', { timeUs: Number.MAX_SAFE_INTEGER }), false, 'a time beyond the calendar');
});

test('count: over N within T, by key, in packet time, starting anew after it fired', () => {
  const engine = engineOf([
    'r alert high { kind: login, outcome: failed, count: { over: 2, within: 10s, by: [client, user] } }',
  ]);
  const login = (seconds: number, clientAddress: string, errorCode: string | undefined): boolean => {
    const facts: Facts = { kind: 'login', clientAddress, user: 'u', errorCode, timeUs: seconds * 1e6 };
    return judge(engine, undefined, facts).length === 1;
  };
  const fail = (seconds: number, clientAddress: string): boolean => login(seconds, clientAddress, '1045');
  assert.deepEqual([fail(0, '10.0.0.1'), fail(1, '10.0.0.1'), fail(1, '10.0.0.2')], [false, false, false]);
  assert.equal(login(2, '10.0.0.1', undefined), false, 'a login that succeeds is not counted');
  assert.equal(fail(3, '10.0.0.1'), true, 'the third failure of one client');
  assert.deepEqual([fail(4, '10.0.0.1'), fail(5, '10.0.0.1'), fail(6, '10.0.0.1')], [false, false, true]);
  assert.deepEqual([fail(100, '10.0.0.3'), fail(101, '10.0.0.3'), fail(111.2, '10.0.0.3')], [false, false, false]);
});

test('count: sums rows, and forgets the oldest key when full', () => {
  const engine = engineOf(['r alert high { count: { over: 100, of: rows, within: 1m, by: user, keys: 2 } }']);
  const read = (user: string, returnedRows: number): boolean =>
    judge(engine, 'SELECT 1', { user, returnedRows, timeUs: 5e6 }).length === 1;
  assert.deepEqual([read('a', 60), read('b', 60), read('a', 40), read('a', 1)], [false, false, false, true]);
  assert.deepEqual([read('c', 99), read('b', 60)], [false, false], 'b was forgotten for c');
  assert.equal(engine.counters['keysEvicted'], 2);
});

test('first_seen: nothing is new while it learns; unknown facts never are', () => {
  const engine = engineOf(['r alert low { first_seen: { what: operation, for: user, learn: 60s } }']);
  const run = (seconds: number, user: string, operation: string | undefined): boolean =>
    judge(engine, 'x', { user, operation, timeUs: seconds * 1e6 }).length === 1;
  assert.deepEqual([run(0, 'app', 'SELECT'), run(1, 'app', 'INSERT')], [false, false]);
  assert.deepEqual([run(61, 'app', 'SELECT'), run(62, 'app', 'GRANT'), run(63, 'app', 'GRANT')], [false, true, false]);
  assert.deepEqual([run(64, 'eve', 'SELECT'), run(65, 'eve', undefined)], [true, false]);
});

test('first_seen: a capture from before is learned from its beginning, then judged', () => {
  const engine = engineOf(['r alert low { first_seen: { what: operation, learn: 60s } }']);
  const run = (seconds: number, operation: string): boolean =>
    judge(engine, 'x', { operation, timeUs: seconds * 1e6 }).length === 1;
  assert.deepEqual([run(90_000, 'SELECT'), run(90_100, 'INSERT')], [false, true]);
  assert.deepEqual([run(1000, 'GRANT'), run(1030, 'DROP TABLE'), run(1090, 'CREATE USER')], [false, false, true]);
});

test('dispositions: ignore loses against alert, matched keeps matches, a loss is always kept', () => {
  const rules = [
    'quiet ignore info { user: monitor }',
    'loud alert high { object: salaries }',
    'keep record info { object: orders }',
  ];
  const disposition = (engine: ExplainingEngine, sql: string, user: string): number =>
    engine.evaluate(recordOf(sql, { user }), statementOf(sql));
  for (const [record, plain] of [
    ['all', DISPOSITION_RECORD],
    ['matched', DISPOSITION_DROP],
  ] as const) {
    const engine = engineOf(rules, `record: ${record}`);
    assert.equal(disposition(engine, 'SELECT 1', 'app'), plain);
    assert.equal(disposition(engine, 'SELECT 1', 'monitor'), DISPOSITION_DROP);
    assert.equal(disposition(engine, 'SELECT * FROM orders', 'monitor'), DISPOSITION_DROP);
    assert.equal(disposition(engine, 'SELECT * FROM orders', 'app'), DISPOSITION_RECORD);
    assert.equal(disposition(engine, 'SELECT * FROM salaries', 'monitor'), DISPOSITION_RECORD);
    assert.equal(
      engine.evaluate(recordOf(undefined, { kind: 'loss', user: 'monitor' }), undefined),
      DISPOSITION_RECORD,
    );
  }
});

test('a rule on trial matches and does nothing', () => {
  const rules = ['alert', 'ignore', 'mask'].map(
    (action) =>
      `  - { id: ${action}, title: t, reason: r, action: ${action}, severity: high, mode: shadow, when: { operation: SELECT } }\n`,
  );
  const engine = createEngine(parsePolicies([{ name: 'p', text: `version: 1\nrules:\n${rules.join('')}` }]));
  const record = recordOf("SELECT 'x'", {});
  assert.equal(engine.evaluate(record, undefined), DISPOSITION_RECORD);
  assert.deepEqual(
    record.policy?.map(({ rule, action }) => `${rule} ${action}`),
    ['alert shadow', 'ignore shadow', 'mask shadow'],
  );
  assert.equal(record.text, "SELECT 'x'");
  assert.equal(engine.worst, undefined);
});

test('record.policy, counts and the worst severity', () => {
  const engine = engineOf(['a alert low { user: x }', 'b record critical { user: x }', 'c alert medium { user: "*" }']);
  const record = recordOf('SELECT 1', { user: 'x' });
  engine.evaluate(record, undefined);
  assert.deepEqual(record.policy, [
    { rule: 'a', severity: 'low', action: 'alert' },
    { rule: 'b', severity: 'critical', action: 'record' },
    { rule: 'c', severity: 'medium', action: 'alert' },
  ]);
  engine.evaluate(record, undefined);
  assert.deepEqual(
    [...engine.matches],
    [
      ['a', 2],
      ['b', 2],
      ['c', 2],
    ],
  );
  assert.equal(engine.worst, 'medium', 'only alerts count');
  engine.evaluate(Object.assign(record, { user: undefined }), undefined);
  assert.equal(record.policy, undefined, 'an earlier verdict does not stay');
  assert.equal(engine.version, engine.policy.version.slice(0, 12));
});

test('engines of one policy share no memory', () => {
  const { policy } = engineOf(['r alert low { count: { over: 1, within: 1m } }']);
  const engines = [createEngine(policy), createEngine(policy)] as const;
  assert.deepEqual(
    engines.map((engine) => judge(engine, 'x').length),
    [0, 0],
  );
  assert.deepEqual(
    engines.map((engine) => judge(engine, 'x').length),
    [1, 1],
  );
});

test('a match explains itself: condition, what was found, at which byte', () => {
  const engine = engineOf([
    'kw alert low { user: "r*", any: [{ keyword: [nothing] }, { keyword: [load_file, outfile] }] }',
    'ob alert low { object: salaries, not: { program: pg_dump }, rows: { over: 5 } }',
    're alert low { regex: "1=\\\\d" }',
    'no alert low { user: nobody }',
  ]);
  const sql = "SELECT 'é', LOAD_FILE('x') FROM hr.Salaries WHERE 1=1";
  const record = recordOf(sql, { user: 'root', returnedRows: 7 });
  const statement = statementOf(sql);
  engine.evaluate(record, statement);
  const found = engine
    .explain(record, statement)
    .map(({ rule, evidence }) => [
      rule.id,
      ...evidence.map(({ condition, found: what, byteStart, byteEnd }) => [condition, what, byteStart, byteEnd]),
    ]);
  assert.deepEqual(found, [
    ['kw', ['user', 'root', undefined, undefined], ['keyword', 'load_file', 13, 22]],
    [
      'ob',
      ['rows', '7', undefined, undefined],
      ['not program', 'none', undefined, undefined],
      ['object', 'hr.Salaries', 36, 44],
    ],
    ['re', ['regex', '1=1', 51, 54]],
  ]);
  const [first] = engine.explain(record, statement);
  assert.deepEqual(first?.evidence[1]?.position, { line: 4, column: 118 });
  assert.equal(first?.evidence[0]?.expected, 'r*');
});

test('explaining does not count', () => {
  const engine = engineOf(['r alert low { user: x, count: { over: 1, within: 1m, by: user } }']);
  const record = recordOf('x', { user: 'x' });
  engine.evaluate(record, undefined);
  engine.evaluate(record, undefined);
  for (let i = 0; i < 3; i++) {
    const [explanation] = engine.explain(record, undefined);
    assert.equal(explanation?.evidence[1]?.found, 'more than 1 records when this record came, of user x');
  }
});

test('a text longer than what is scanned is counted', () => {
  const engine = engineOf(['r alert low { keyword: needle }']);
  assert.deepEqual(judge(engine, undefined, { text: `${'x '.repeat(600_000)}needle` }), []);
  assert.deepEqual(judge(engine, undefined, { text: `${'x '.repeat(400_000)}needle` }), ['r']);
  assert.equal(engine.counters['textsCut'], 1);
});

test('mask: by rule everything, by the policy what its patterns find; rules see the values before', () => {
  const rules = ['cards mask info { object: cards }', 'deep alert high { keyword: { words: "4111", word: false } }'];
  const card = '4111111111111111';
  const engine = engineOf(rules, 'mask: [card]');
  const kept = recordOf(`SELECT '${card}' FROM orders`, { user: 'app' });
  engine.evaluate(kept, statementOf(kept.text ?? ''));
  assert.match(kept.text ?? '', /^SELECT '<card:[0-9a-f]{16}>' FROM orders$/);
  assert.deepEqual(
    kept.policy?.map((match) => match.rule),
    ['deep'],
  );
  const byRule = recordOf(`SELECT * FROM cards WHERE pan = '${card}'`, { user: 'app', parameters: ['Ann'] });
  engine.evaluate(byRule, undefined);
  assert.equal(byRule.text, byRule.summary);
  assert.match(String(byRule.parameters?.[0]), /^<value:[0-9a-f]{16}>$/);
  assert.ok(!JSON.stringify([kept, byRule]).includes(card));
});

test('mask: equal values are masked alike by engines with one key', () => {
  const { policy } = engineOf([], 'mask: [email]');
  const texts = [
    createEngine(policy, { maskKey: 'k' }),
    createEngine(policy, { maskKey: 'k' }),
    createEngine(policy),
  ].map((engine) => {
    const record = recordOf("SELECT 'a@example.org'");
    engine.evaluate(record, undefined);
    return record.text;
  });
  assert.equal(texts[0], texts[1]);
  assert.notEqual(texts[0], texts[2]);
});
