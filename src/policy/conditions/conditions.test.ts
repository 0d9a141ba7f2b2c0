/** Every condition a rule can name: a record for which it holds, one for which it does not, and one without the fact. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MARK_GAP } from '../../contracts/event.ts';
import { AuditRecord } from '../../contracts/record.ts';
import { createAnalyzer } from '../../sql/analyzer.ts';
import { createEngine, type ExplainingEngine } from '../engine.ts';
import { parsePolicies } from '../policy.ts';
import { CONDITIONS } from './conditions.ts';

type Given = Partial<AuditRecord>;

interface Case {
  readonly when: string;
  readonly holds: Given;
  readonly misses: Given;
}

const MONDAY_NOON_US = Date.UTC(2026, 0, 5, 12) * 1000;
const SUNDAY_NIGHT_US = Date.UTC(2026, 0, 4, 23) * 1000;
const COPY = 'COPY hr.salaries (iban) TO STDOUT';
const SELECT = 'SELECT name, pg_sleep(1) FROM shop.orders';

const CASES: Readonly<Record<string, Case>> = {
  kind: { when: 'logout', holds: { kind: 'logout' }, misses: { kind: 'login' } },
  user: { when: '[ann, "app_*"]', holds: { user: 'App_1' }, misses: { user: 'bob' } },
  effective_user: { when: 'dba', holds: { effectiveUser: 'DBA' }, misses: { effectiveUser: 'ann' } },
  os_user: { when: 'root', holds: { osUser: 'root' }, misses: { osUser: 'www-data' } },
  end_user: { when: '"*@example.org"', holds: { endUser: 'a@example.org' }, misses: { endUser: 'a@example.com' } },
  program: { when: 'pg_dump', holds: { program: 'pg_dump' }, misses: { program: 'psql' } },
  client_host: { when: '"ws-*"', holds: { clientHost: 'WS-17' }, misses: { clientHost: 'db1' } },
  client: { when: '10.1.0.0/16', holds: { clientAddress: '10.1.2.3' }, misses: { clientAddress: '10.2.2.3' } },
  server: { when: '10.9.0.1-10.9.0.9', holds: { serverAddress: '10.9.0.9' }, misses: { serverAddress: '10.9.0.10' } },
  server_port: { when: '[5432, 1521-1530]', holds: { serverPort: 1530 }, misses: { serverPort: 1531 } },
  database: { when: 'hr', holds: { namespace: 'shop|hr' }, misses: { namespace: 'shop|public' } },
  system: { when: 'oracle.db', holds: { system: 'oracle.db' }, misses: { system: 'mysql' } },
  call: { when: 'bulk', holds: { call: 'bulk' }, misses: { call: 'simple' } },
  sensor: { when: 's1', holds: { sensor: 's1' }, misses: { sensor: 's2' } },
  reason: { when: 'tls', holds: { kind: 'opaque', reason: 'tls' }, misses: { kind: 'opaque', reason: 'gss' } },
  operation: { when: '"CREATE *"', holds: { text: 'CREATE TABLE t (i int)' }, misses: { text: SELECT } },
  object: {
    when: 'hr.salaries',
    holds: { text: 'SELECT 1 FROM db.hr.Salaries' },
    misses: { text: 'SELECT 1 FROM salaries' },
  },
  object_written: { when: 'orders', holds: { text: 'DELETE FROM orders' }, misses: { text: SELECT } },
  column: { when: 'iban', holds: { text: 'SELECT iban FROM t' }, misses: { text: SELECT } },
  function: { when: 'pg_sleep', holds: { text: SELECT }, misses: { text: 'SELECT now()' } },
  procedure: { when: 'xp_cmdshell', holds: { procedure: 'master..xp_cmdshell' }, misses: { procedure: 'sp_who' } },
  fingerprint: { when: '00112233aabbccdd', holds: { fingerprint: '00112233aabbccdd' }, misses: { fingerprint: '0' } },
  keyword: { when: 'stdout', holds: { text: COPY }, misses: { text: SELECT } },
  regex: { when: "'from\\s+shop\\.'", holds: { text: SELECT }, misses: { text: COPY } },
  auth_method: {
    when: 'md5',
    holds: { kind: 'login', authMethod: 'md5' },
    misses: { kind: 'login', authMethod: 'scram' },
  },
  outcome: { when: 'failed', holds: { errorCode: '42501' }, misses: { returnedRows: 1 } },
  error_code: { when: '42*', holds: { errorCode: '42501' }, misses: { errorCode: '23505' } },
  error_text: { when: '"*denied*"', holds: { errorText: 'Access denied' }, misses: { errorText: 'syntax error' } },
  transaction: { when: 'failed', holds: { transaction: 'failed' }, misses: { transaction: 'open' } },
  rows: { when: '{ over: 5 }', holds: { returnedRows: 6 }, misses: { returnedRows: 5 } },
  affected_rows: { when: '{ over: 1k }', holds: { affectedRows: 1001 }, misses: { affectedRows: 1000 } },
  response_bytes: { when: '{ over: 1KiB }', holds: { responseBytes: 1025 }, misses: { responseBytes: 1024 } },
  bulk_bytes: { when: '{ over: 9 }', holds: { bulkBytes: 10 }, misses: { bulkBytes: 9 } },
  text_bytes: { when: '{ under: 12 }', holds: { text: 'SELECT 1' }, misses: { text: SELECT } },
  parameters: { when: '{ over: 1 }', holds: { parameters: [1, 2] }, misses: { parameters: [1] } },
  operations: {
    when: '{ over: 1 }',
    holds: { text: 'WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x' },
    misses: { text: SELECT },
  },
  duration: { when: '{ over: 2s }', holds: { durationUs: 2_000_001 }, misses: { durationUs: 2_000_000 } },
  marks: { when: 'gap', holds: { marks: MARK_GAP }, misses: { marks: 0 } },
  time: {
    when: '{ from: "23:30", to: "06:00", days: [mon], zone: Europe/Berlin }',
    holds: { timeUs: SUNDAY_NIGHT_US },
    misses: { timeUs: MONDAY_NOON_US },
  },
};

/** Those that remember are judged over several records. */
const REMEMBERING = ['count', 'first_seen'];

function engineOf(when: string): ExplainingEngine {
  const text = `version: 1\nrules:\n  - { id: r, title: t, reason: r, action: record, when: ${when} }\n`;
  return createEngine(parsePolicies([{ name: 'p.yaml', text }]));
}

const analyzer = createAnalyzer();

function matches(engine: ExplainingEngine, given: Given): boolean {
  const record = Object.assign(new AuditRecord(), given);
  const statement = record.text === undefined ? undefined : analyzer.analyze(record.text, 'postgresql')[0];
  record.operation ??= statement?.operation;
  record.operations ??= statement?.operations;
  engine.evaluate(record, statement);
  return record.policy?.length === 1;
}

test('each condition holds and does not, and its negation is the other way round', () => {
  assert.deepEqual(Object.keys(CASES).concat(REMEMBERING).sort(), Object.keys(CONDITIONS).sort());
  for (const [name, { when, holds, misses }] of Object.entries(CASES)) {
    const engine = engineOf(`{ ${name}: ${when} }`);
    assert.deepEqual([matches(engine, holds), matches(engine, misses)], [true, false], name);
    const negation = engineOf(`{ not: { ${name}: ${when} } }`);
    assert.deepEqual([matches(negation, holds), matches(negation, misses)], [false, true], `not ${name}`);
    // A record that says nothing of it: every fact but kind, marks and time may be absent.
    if (!['kind', 'marks', 'time'].includes(name))
      assert.equal(matches(engine, {}), false, `${name} of an empty record`);
  }
});

test('and, or, not and sets compose', () => {
  const engine = engineOf(
    '{ all: [{ any: [{ user: ann }, { user: bob }] }, { not: { any: [{ program: psql }, { client: 10.0.0.0/8 }] } }], kind: statement }',
  );
  const given = (user: string, program: string, clientAddress: string): Given => ({ user, program, clientAddress });
  assert.equal(matches(engine, given('bob', 'app', '192.0.2.1')), true);
  assert.equal(matches(engine, given('eve', 'app', '192.0.2.1')), false);
  assert.equal(matches(engine, given('ann', 'psql', '192.0.2.1')), false);
  assert.equal(matches(engine, given('ann', 'app', '10.0.0.1')), false);
});

/** How many of the records, a second apart, match. */
function run(when: string, records: readonly Given[]): readonly number[] {
  const engine = engineOf(when);
  return records.flatMap((given, i) => (matches(engine, { timeUs: MONDAY_NOON_US + i * 1e6, ...given }) ? [i] : []));
}

test('failed logins in a window, by key; sums over a window', () => {
  const fail = (user: string): Given => ({ kind: 'login', errorCode: '28P01', user });
  const when = '{ kind: login, outcome: failed, count: { over: 2, within: 10s, by: [user] } }';
  assert.deepEqual(run(when, [fail('a'), fail('b'), fail('a'), fail('b'), fail('a'), fail('a')]), [4]);
  assert.deepEqual(run(when, [fail('a'), { kind: 'login', user: 'a' }, fail('a'), fail('b')]), []);
  const late = [fail('a'), fail('a'), { ...fail('a'), timeUs: MONDAY_NOON_US + 60e6 }];
  assert.deepEqual(run(when, late), []);
  const rows = '{ count: { over: 100, within: 1m, by: [user, object], of: rows } }';
  const read = (returnedRows: number, object: string): Given => ({ user: 'a', returnedRows, objects: [object] });
  assert.deepEqual(run(rows, [read(60, 'x'), read(60, 'y'), read(60, 'x'), read(60, 'x')]), [2]);
});

test('first seen, and new for this user', () => {
  const when = '{ first_seen: { what: program, for: user, learn: 0s } }';
  const by = (user: string, program?: string): Given => ({ user, program });
  assert.deepEqual(run(when, [by('a', 'x'), by('a', 'x'), by('b', 'x'), by('a', 'y'), by('a')]), [0, 2, 3]);
  const table = '{ first_seen: { what: [object], for: [user], learn: 2s } }';
  const read = (object: string): Given => ({ user: 'a', objects: [object] });
  assert.deepEqual(run(table, [read('x'), read('y'), read('z'), read('x'), read('z')]), [2]);
});
