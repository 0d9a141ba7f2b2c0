/**
 * Real clients against the scripted server: what they asked for, each once and in order, must be what a replay of the
 * recorded traffic says, values and all.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bsqldb, freebcp, missing, PYTHON, pymssql, TSQL_TEXTS, tsql } from './programs.ts';
import { asked, askedOf, recordsOf, statements } from './records.ts';
import { DENIED_USER } from './server.ts';
import { askAll, cancelled, close, connect, EVERYTHING, load, transact, WAITING } from './tedious.ts';

test('tedious: batches, calls, every type of parameter, prepared statements', async () => {
  const records = await recordsOf(async (port) => {
    const connection = await connect(port, 'ann');
    await askAll(connection);
    await close(connection);
  });
  // Before all else tedious sets its session up, in one batch of its own.
  const [first, ...rest] = statements(records).map(askedOf);
  assert.match(first?.text ?? '', /^set /i);
  assert.deepEqual(rest, EVERYTHING);
  assert.equal(records[0]?.['audit.kind'], 'login');
  assert.equal(records[0]?.['user.name'], 'ann');
  assert.equal(records[0]?.['audit.program'], 'tedious tests');
  assert.equal(records.at(-1)?.['audit.kind'], 'logout');
  const [, query, , refused] = statements(records);
  assert.equal(query?.['db.response.returned_rows'], 2);
  assert.equal(refused?.['db.response.status_code'], '208');
});

test('tedious: bulk load, transaction manager, refused login', async () => {
  const records = await recordsOf(async (port) => {
    const connection = await connect(port, 'ann');
    assert.equal(await load(connection), 3);
    await transact(connection, 'delete from stock');
    await close(connection);
    await assert.rejects(connect(port, DENIED_USER), /Login failed/);
  });
  const [, bulk, begin, change, rollback] = statements(records);
  assert.match(bulk?.['db.query.text'] ?? '', /^insert bulk stock/i);
  assert.equal(bulk?.['audit.call'], 'bulk');
  assert.equal(bulk?.['audit.affected_rows'], 3);
  assert.deepEqual(
    [begin, rollback].map((r) => r?.['db.operation.name']),
    ['BEGIN', 'ROLLBACK'],
  );
  assert.deepEqual(
    [begin, change, rollback].map((r) => r?.['audit.transaction']),
    ['open', 'open', 'idle'],
  );
  const logins = records.filter((r) => r['audit.kind'] === 'login');
  assert.deepEqual(
    logins.map((r) => [r['user.name'], r['db.response.status_code'], r['error.message']]),
    [
      ['ann', undefined, undefined],
      [DENIED_USER, '18456', `Login failed for user '${DENIED_USER}'.`],
    ],
  );
});

test('tedious: attention cancels the statement and is a record of its own', async () => {
  const records = await recordsOf(async (port, server) => {
    const connection = await connect(port, 'ann');
    assert.match(await cancelled(connection, server), /cancel/i);
    await transact(connection, 'delete from stock');
    await close(connection);
  });
  const [, victim, cancel, begin] = statements(records);
  assert.deepEqual([victim?.['db.query.text'], victim?.['audit.marks']], [WAITING, ['cancelled']]);
  assert.deepEqual([cancel?.['audit.call'], cancel?.['db.operation.name']], ['cancel', 'CANCEL']);
  assert.equal(cancel?.['audit.session'], victim?.['audit.session']);
  assert.equal(begin?.['db.operation.name'], 'BEGIN');
});

for (const version of ['7.4', '7.3', '7.2', '7.1', '7.0', '5.0', '4.2']) {
  test(`FreeTDS tsql speaks TDS ${version}`, { skip: missing('tsql') }, async () => {
    const records = await recordsOf((port) => tsql(port, version));
    assert.deepEqual(
      asked(records).map(({ text }) => text?.trim()),
      TSQL_TEXTS,
    );
    assert.equal(records[0]?.['user.name'], 'ann');
    const [query, , refused] = statements(records).slice(-3);
    assert.equal(query?.['db.response.returned_rows'], 2);
    assert.equal(refused?.['db.response.status_code'], '208');
    assert.equal(records[0]?.['db.system.name'], version < '7' ? 'sybase' : 'microsoft.sql_server');
  });
}

test('FreeTDS bsqldb: batches through DB-Library', { skip: missing('bsqldb') }, async () => {
  const records = await recordsOf(bsqldb);
  assert.deepEqual(
    asked(records).map(({ text }) => text?.trim()),
    TSQL_TEXTS,
  );
});

for (const version of ['7.4', '5.0']) {
  test(`FreeTDS freebcp loads rows by TDS ${version}`, { skip: missing('freebcp') }, async () => {
    const records = await recordsOf((port) => freebcp(port, version));
    const bulk = statements(records).at(-1);
    assert.match(bulk?.['db.query.text'] ?? '', /insert bulk stock/i);
    assert.equal(bulk?.['audit.call'], 'bulk');
    assert.equal(bulk?.['audit.affected_rows'], 3);
    assert.ok(Number(bulk?.['audit.bulk_bytes']) > 0);
    assert.equal(bulk?.['audit.marks'], undefined);
  });
}

test('pymssql: batches and a procedure', {
  skip: PYTHON === undefined && 'NOT RUN: pymssql is not installed',
}, async () => {
  const records = await recordsOf(pymssql);
  const texts = asked(records).map(({ text }) => text?.trim());
  assert.ok(texts.includes('select name, id from customers where id = 7'), texts.join('; '));
  assert.ok(
    texts.includes("update stock set n = N'zażółć'") || texts.includes("update stock set n = 'zażółć'"),
    texts.join('; '),
  );
  const call = statements(records).find((r) => r['db.stored_procedure.name'] === 'dbo.p_report');
  assert.deepEqual(call?.['db.query.parameters'], [5, 'five']);
});
