import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordLine } from './align.ts';
import { type Comparison, compare, verdict } from './compare.ts';
import type { LoggedEntry, LoggedLogin, LoggedStatement } from './log.ts';

const CLIENT = '10.0.0.2:40000';

function login(more: Partial<LoggedLogin> = {}): LoggedLogin {
  return { kind: 'login', server: 'postgres', session: 's', client: CLIENT, user: 'alice', tls: false, ...more };
}

function logged(text: string, more: Partial<LoggedStatement> = {}): LoggedStatement {
  const who = { session: 's', client: CLIENT, user: 'alice', database: 'lab' };
  return { kind: 'statement', server: 'postgres', ...who, command: 'query', text, ...more };
}

let clock = 0;

function record(kind: string, more: RecordLine = {}, port = 5432): RecordLine {
  const time = `2026-01-01T00:00:00.${String(clock++).padStart(6, '0')}Z`;
  const who = {
    'user.name': 'alice',
    'client.address': '10.0.0.2',
    'client.port': 40000,
    'server.port': port,
    'db.namespace': 'lab',
  };
  return { 'audit.kind': kind, time, ...who, ...more };
}

function recorded(text: string, more: RecordLine = {}): RecordLine {
  return record('statement', { 'db.query.text': text, ...more });
}

function counts(entries: readonly LoggedEntry[], records: readonly RecordLine[]): readonly number[] {
  const result: Comparison = compare(entries, records);
  return [
    result.loggedMatched,
    result.recordedMatched,
    result.missing.length,
    result.invented.length,
    result.differing.length,
  ];
}

const failed: RecordLine = { 'db.response.status_code': '22012', 'error.message': 'division by zero' };
const mysql: RecordLine = { 'server.port': 3306 };
const redacted: RecordLine = { 'audit.marks': ['redacted'] };

/** Name, log, records; then logged matched, records matched, missing, invented, differing. */
const cases: readonly (readonly [string, readonly LoggedEntry[], readonly RecordLine[], readonly number[]])[] = [
  ['nothing on either side', [], [], [0, 0, 0, 0, 0]],
  [
    'equal but for a semicolon',
    [login(), logged('select 1;')],
    [record('login'), recorded('select 1')],
    [1, 1, 0, 0, 0],
  ],
  ['one missing', [logged('select 1'), logged('select 2')], [recorded('select 2')], [1, 1, 1, 0, 0]],
  ['one invented', [logged('select 2')], [recorded('select 1'), recorded('select 2')], [1, 1, 0, 1, 0]],
  ['recorded twice', [logged('select 1')], [recorded('select 1'), recorded('select 1')], [1, 1, 0, 1, 0]],
  ['wholly different', [logged('select 1')], [recorded('select 2')], [0, 0, 1, 1, 0]],
  [
    'several statements of a message',
    [logged("select ';' ; /* ; */ select 2; commit")],
    [recorded("select ';'"), recorded('select 2'), recorded('commit')],
    [1, 3, 0, 0, 0],
  ],
  [
    'a message that fails midway',
    [logged('select 1; select 1/0; select 3', { errorCode: '22012', errorText: 'division by zero' })],
    [recorded('select 1'), recorded('select 1/0', failed)],
    [1, 2, 0, 0, 0],
  ],
  ['a message cut short', [logged('select 1; select 2')], [recorded('select 1')], [0, 0, 1, 1, 0]],
  ['an error not recorded', [logged('select 1/0', { errorCode: '22012' })], [recorded('select 1/0')], [1, 1, 0, 0, 1]],
  ['an error invented', [logged('select 1')], [recorded('select 1', failed)], [1, 1, 0, 0, 1]],
  ['another user', [logged('select 1')], [recorded('select 1', { 'user.name': 'bob' })], [1, 1, 0, 0, 1]],
  [
    'another database',
    [logged('select 1')],
    [recorded('select 1', { 'db.namespace': 'other|public' })],
    [1, 1, 0, 0, 1],
  ],
  [
    'values equal',
    [logged('select $1', { command: 'execute', parameters: ['1'] })],
    [recorded('select $1', { 'db.query.parameters': [1] })],
    [1, 1, 0, 0, 0],
  ],
  [
    'values differ',
    [logged('select $1', { command: 'execute', parameters: ['1'] })],
    [recorded('select $1', { 'db.query.parameters': [2] })],
    [1, 1, 0, 0, 1],
  ],
  [
    'values missing',
    [logged('select $1', { command: 'execute', parameters: ['1'] })],
    [recorded('select $1')],
    [1, 1, 0, 0, 1],
  ],
  [
    'values inlined by the server',
    [logged("select 1, 'x'", { command: 'inlined', server: 'mariadb' })],
    [recorded('select ?, ?', { 'db.query.parameters': [1, 'x'], 'server.port': 3306 })],
    [1, 1, 0, 0, 0],
  ],
  [
    'bulk logged a row at a time',
    [
      logged('delete from t where a = ?', { command: 'bulk' }),
      logged('delete from t where a = ?', { command: 'bulk' }),
    ],
    [recorded('delete from t where a = ?')],
    [2, 1, 0, 0, 0],
  ],
  [
    'bulk behind a statement that is missing',
    [
      logged('create table t'),
      logged('insert into t values (?)', { command: 'bulk' }),
      logged('insert into t values (?)', { command: 'bulk' }),
    ],
    [recorded('insert into t values (?)'), recorded('insert into t values (?)')],
    [2, 2, 1, 0, 0],
  ],
  ['a secret removed', [logged("set password = 'x'")], [recorded("set password = '***'", redacted)], [1, 1, 0, 0, 0]],
  [
    'a text changed without a mark',
    [logged("set password = 'x'")],
    [recorded("set password = '***'")],
    [0, 0, 1, 1, 0],
  ],
  [
    'rows as the server counted them',
    [
      logged('select 1; insert', {
        server: 'mariadb',
        rows: [
          { returned: 1, affected: 0 },
          { returned: 0, affected: 3 },
        ],
      }),
    ],
    [
      recorded('select 1', { ...mysql, 'db.response.returned_rows': 1 }),
      recorded('insert', { ...mysql, 'audit.affected_rows': 3 }),
    ],
    [1, 2, 0, 0, 0],
  ],
  [
    'a row too many',
    [logged('select 1', { server: 'mariadb', rows: [{ returned: 1, affected: 0 }] })],
    [recorded('select 1', { ...mysql, 'db.response.returned_rows': 2 })],
    [1, 1, 0, 0, 1],
  ],
  [
    'rows of those statements of a message that have a plan',
    [logged('begin; select 1; delete', { rows: [{ processed: 1 }, { processed: 2 }] })],
    [
      recorded('begin', { 'db.operation.name': 'BEGIN' }),
      recorded('select 1', { 'db.operation.name': 'SELECT', 'db.response.returned_rows': 1 }),
      recorded('delete', { 'db.operation.name': 'DELETE', 'audit.affected_rows': 2 }),
    ],
    [1, 3, 0, 0, 0],
  ],
  [
    'rows returned by a change',
    [logged('insert', { rows: [{ processed: 2 }] })],
    [recorded('insert', { 'db.response.returned_rows': 2, 'audit.affected_rows': 1 })],
    [1, 1, 0, 0, 1],
  ],
  [
    'another program',
    [logged('select 1', { program: 'psql' })],
    [recorded('select 1', { 'audit.program': 'pgbench' })],
    [1, 1, 0, 0, 1],
  ],
  [
    'the SQLSTATE of a native error code, and another one',
    [
      logged('select a', { server: 'mariadb', errorCode: '1054' }),
      logged('select b', { server: 'mariadb', errorCode: '1054' }),
    ],
    [
      recorded('select a', { ...mysql, 'db.response.status_code': '42S22' }),
      recorded('select b', { ...mysql, 'db.response.status_code': '42S02' }),
    ],
    [2, 2, 0, 0, 1],
  ],
  ['a login that has no record', [login()], [], [0, 0, 0, 0, 1]],
  [
    'a refused login',
    [login({ errorCode: '28P01' })],
    [record('login', { 'db.response.status_code': '28P01' })],
    [0, 0, 0, 0, 0],
  ],
  ['a refusal not seen', [login({ errorCode: '28P01' })], [record('login')], [0, 0, 0, 0, 1]],
  ['encrypted', [login({ tls: true }), logged('select 1')], [record('opaque')], [0, 0, 0, 0, 0]],
  ['encrypted and unsaid', [login({ tls: true }), logged('select 1')], [], [0, 0, 0, 0, 1]],
  ['a command without text', [], [record('statement', { 'db.operation.name': 'PING' })], [0, 0, 0, 0, 0]],
  ['a lost handle', [], [record('statement', { 'audit.marks': ['unknown_handle'] })], [0, 0, 0, 1, 0]],
];

for (const [name, entries, records, expected] of cases) {
  test(`compare: ${name}`, () => {
    assert.deepEqual(counts(entries, records), expected);
  });
}

test('compare: sessions are not mixed', () => {
  const elsewhere = recorded('select 1', { 'client.port': 40001 });
  assert.deepEqual(counts([logged('select 1')], [elsewhere]), [0, 0, 1, 1, 0]);
});

test('compare: one lost execution makes no differences of those after it', () => {
  const numbers = [1, 2, 3, 4];
  const entries = numbers.map((n) => logged('select $1', { command: 'execute', parameters: [String(n)] }));
  const records = numbers.slice(1).map((n) => recorded('select $1', { 'db.query.parameters': [n] }));
  assert.deepEqual(counts(entries, records), [3, 3, 1, 0, 0]);
});

test('compare: one client port towards both servers is two sessions', () => {
  const mysql = record('statement', { 'db.query.text': 'select 1' }, 3306);
  const entries = [logged('select 1', { server: 'mariadb' }), logged('select 2')];
  assert.deepEqual(counts(entries, [recorded('select 2'), mysql]), [2, 2, 0, 0, 0]);
});

test('compare: a port used again has a login for each session', () => {
  const again = [login({ session: 'a' }), login({ session: 'b', user: 'bob' })];
  const records = [record('login'), record('login', { 'user.name': 'bob' })];
  assert.deepEqual(counts(again, records), [0, 0, 0, 0, 0]);
  assert.deepEqual(counts(again, records.slice(1)), [0, 0, 0, 0, 1]);
});

test('compare: records in another order than the statements are found, and told', () => {
  const result = compare([logged('select 1'), logged('select 2')], [recorded('select 2'), recorded('select 1')]);
  assert.deepEqual([result.loggedMatched, result.missing.length, result.outOfOrder], [2, 0, 1]);
  assert.equal(verdict(result).ok, false);
});

test('compare: the verdict names what is wrong', () => {
  const { ok, text } = verdict(compare([logged('select 1')], []));
  assert.equal(ok, false);
  assert.match(text, /recall 0\.000 %, precision 100 %/);
  assert.match(text, /missing: .*select 1/);
  assert.equal(verdict(compare([], [])).ok, true);
});
