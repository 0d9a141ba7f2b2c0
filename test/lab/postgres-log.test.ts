import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPostgresLog } from './postgres-log.ts';

interface Row {
  readonly session?: string;
  readonly from?: string;
  readonly tag?: string;
  readonly severity?: string;
  readonly code?: string;
  readonly message: string;
  readonly detail?: string;
  readonly query?: string;
  readonly backend?: string;
}

/** A csvlog row as PostgreSQL 15 writes it: 26 columns. */
function row(given: Row): string {
  const columns = new Array<string>(26).fill('');
  const set: Readonly<Record<number, string>> = {
    1: 'alice',
    2: 'lab',
    4: given.from ?? '10.0.0.2:40000',
    5: given.session ?? 's1',
    7: given.tag ?? 'idle',
    11: given.severity ?? 'LOG',
    12: given.code ?? '00000',
    13: given.message,
    14: given.detail ?? '',
    19: given.query ?? '',
    23: given.backend ?? 'client backend',
  };
  for (const [index, value] of Object.entries(set)) columns[Number(index)] = `"${value.replaceAll('"', '""')}"`;
  return `${columns.join(',')}\n`;
}

function read(...rows: readonly Row[]): unknown[] {
  return readPostgresLog(rows.map(row).join('')).map((entry) => {
    if (entry.kind === 'login') return [entry.user, entry.database, entry.program, entry.tls, entry.errorCode];
    return [entry.command, entry.text, entry.parameters, entry.errorCode];
  });
}

test('postgres log: logins, with and without TLS', () => {
  const plain = 'connection authorized: user=alice database=lab application_name=psql';
  const tls = `${plain} SSL enabled (protocol=TLSv1.3, cipher=TLS_AES_256_GCM_SHA384, bits=256)`;
  assert.deepEqual(read({ message: plain }), [['alice', 'lab', 'psql', false, undefined]]);
  assert.deepEqual(read({ message: tls }), [['alice', 'lab', 'psql', true, undefined]]);
});

test('postgres log: a refusal before and one after the authorization', () => {
  const refused = { severity: 'FATAL', code: '28P01', message: 'password authentication failed for user "alice"' };
  assert.deepEqual(read(refused), [['alice', 'lab', undefined, false, '28P01']]);
  const authorized = { message: 'connection authorized: user=alice database=nope' };
  const unknown = { severity: 'FATAL', code: '3D000', message: 'database "nope" does not exist' };
  assert.deepEqual(read(authorized, unknown), [['alice', 'nope', undefined, false, '3D000']]);
});

test('postgres log: statements and executions, values unquoted', () => {
  const execute = {
    message: 'execute S_1/C_2: select $1, $2, $3',
    detail: "parameters: $1 = 'it''s, $2 = NULL', $2 = NULL, $3 = '\\x00ff'",
  };
  assert.deepEqual(read({ message: 'statement: select 1;\nselect 2' }, execute), [
    ['query', 'select 1;\nselect 2', undefined, undefined],
    ['execute', 'select $1, $2, $3', ["it's, $2 = NULL", null, { hex: '00ff' }], undefined],
  ]);
});

test('postgres log: a portal that goes on is no new statement', () => {
  assert.deepEqual(read({ message: 'execute fetch from <unnamed>: select 1' }), []);
});

test('postgres log: an error belongs to the statement that was running', () => {
  const error = { severity: 'ERROR', code: '22012', message: 'division by zero', tag: 'SELECT', query: 'select 1/0' };
  assert.deepEqual(read({ message: 'statement: select 1/0' }, error), [['query', 'select 1/0', undefined, '22012']]);
});

test('postgres log: an error in Parse or Bind is a statement of its own', () => {
  const ran = { message: 'execute s: select $1::int', detail: "parameters: $1 = '1'" };
  const error = { severity: 'ERROR', code: '22P02', message: 'invalid input', tag: 'BIND', query: 'select $1::int' };
  assert.deepEqual(read(ran, error), [
    ['execute', 'select $1::int', ['1'], undefined],
    ['execute', 'select $1::int', undefined, '22P02'],
  ]);
});

test('postgres log: errors of one session stay in it', () => {
  const error = { session: 's2', severity: 'ERROR', code: '22012', message: 'x', tag: 'SELECT', query: 'select 1/0' };
  assert.deepEqual(read({ message: 'statement: select 1/0' }, error), [
    ['query', 'select 1/0', undefined, undefined],
    ['query', 'select 1/0', undefined, '22012'],
  ]);
});

test('postgres log: the local socket and background processes are not read', () => {
  const local = { from: '[local]', message: 'statement: select 1' };
  assert.deepEqual(read(local, { backend: 'parallel worker', message: 'statement: select 1' }), []);
});

function plan(text: string, rows: number): Row {
  const content = { 'Query Text': text, Plan: { 'Node Type': 'Result', 'Actual Rows': rows, 'Actual Loops': 1 } };
  return { message: `duration: 0.010 ms  plan:\n${JSON.stringify(content)}` };
}

function rowsOf(...rows: readonly Row[]): unknown[] {
  return readPostgresLog(rows.map(row).join('')).map((entry) => (entry.kind === 'statement' ? entry.rows : entry));
}

test('postgres log: a message has a plan for each of its statements', () => {
  const text = 'begin; select 1; select 2';
  const rows = rowsOf({ message: `statement: ${text}` }, plan(text, 1), plan(text, 4), {
    message: 'statement: commit',
  });
  assert.deepEqual(rows, [[{ processed: 1 }, { processed: 4 }], undefined]);
});

test('postgres log: the plan of a portal that ends behind later statements', () => {
  const execute = (text: string): Row => ({ message: `execute <unnamed>: ${text}` });
  const rows = rowsOf(execute('select a'), execute('select b'), plan('select a', 1), execute('select a'));
  assert.deepEqual(rows, [[{ processed: 1 }], undefined, undefined]);
  const failed: Row = { tag: 'SELECT', severity: 'ERROR', code: '22012', message: 'no', query: 'select a' };
  const after = rowsOf(execute('select a'), failed, execute('select a'), execute('select b'), plan('select a', 3));
  assert.deepEqual(after, [undefined, [{ processed: 3 }], undefined]);
});

test('postgres log: EXECUTE in SQL has the plan of its PREPARE, a cursor and EXPLAIN have none', () => {
  const prepare = 'prepare plus as select 1';
  const rows = rowsOf({ message: `statement: ${prepare}` }, { message: 'statement: execute plus' }, plan(prepare, 1));
  assert.deepEqual(rows, [undefined, [{ processed: 1 }]]);
  for (const text of ['declare c cursor for select 1', 'EXPLAIN select 1', 'refresh materialized view v']) {
    assert.deepEqual(rowsOf({ message: `statement: ${text}` }, plan(text, 5)), [undefined]);
  }
});
