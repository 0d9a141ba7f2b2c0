/** Commands and their replies. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import {
  LogoutEvent,
  MARK_CANCELLED,
  MARK_NO_REPLY,
  MARK_TRUNCATED,
  type StatementEvent,
} from '../../contracts/event.ts';
import * as c from './constants.ts';
import { LIMITS } from './limits.ts';
import * as t from './testing.ts';

/** The statements of a session that has logged in. */
function session(capabilities: number, ...turns: t.Turns): StatementEvent[] {
  return t.statements(t.run([...t.opening(capabilities), ...turns]));
}

function first(statements: readonly StatementEvent[]): StatementEvent {
  const [statement] = statements;
  assert.ok(statement);
  return statement;
}

test('a query has its text, rows and bytes', () => {
  const reply = t.result(['one', 'two']);
  const statement = first(session(t.CLASSIC, t.client(t.query('SELECT a FROM t')), t.server(reply)));
  assert.equal(statement.text, 'SELECT a FROM t');
  assert.equal(statement.call, 'simple');
  assert.equal(statement.marks, 0);
  assert.equal(statement.identity.user, 'alice');
  assert.equal(statement.outcomes.length, 1);
  assert.equal(statement.outcomes[0]?.returnedRows, 2);
  assert.equal(statement.outcomes[0]?.affectedRows, undefined);
  assert.equal(statement.outcomes[0]?.responseBytes, reply.length);
});

test('an error that says interrupted or timed out marks the statement as cancelled, another one does not', () => {
  const marks = [1317, 1927, 1969, 3024, 3169, 1054].map((code) => {
    const reply = t.err(1, code, '70100', 'Query execution was interrupted');
    const statement = first(session(t.CLASSIC, t.client(t.query('SELECT SLEEP(9)')), t.server(reply)));
    assert.equal(statement.outcomes[0]?.errorCode, '70100');
    return statement.marks;
  });
  assert.deepEqual(marks, [...Array<number>(5).fill(MARK_CANCELLED), 0]);
});

test('CLIENT_DEPRECATE_EOF: an OK ends the rows', () => {
  const statement = first(
    session(t.MODERN, t.client(t.query('SELECT a FROM t')), t.server(t.result(['1', '2', '3'], true))),
  );
  assert.equal(statement.outcomes[0]?.returnedRows, 3);
  const empty = first(session(t.MODERN, t.client(t.query('SELECT a FROM t')), t.server(t.result([], true))));
  assert.equal(empty.outcomes[0]?.returnedRows, 0);
});

test('several statements of one request give an outcome each', () => {
  const statement = first(
    session(
      t.CLASSIC,
      t.client(t.query('SELECT 1; UPDATE t SET a = 1; SELECT broken')),
      t.server(
        t.result(['1'], false, 10),
        t.ok(6, { affectedRows: 300, status: 10 }),
        t.err(7, 1054, '42S22', 'Unknown column'),
      ),
    ),
  );
  assert.deepEqual(
    statement.outcomes.map((o) => [o.returnedRows, o.affectedRows, o.errorCode]),
    [
      [1, undefined, undefined],
      [undefined, 300, undefined],
      [undefined, undefined, '42S22'],
    ],
  );
});

test('an ERR without SQLSTATE gives the native code', () => {
  const statement = first(
    session(t.CLASSIC, t.client(t.query('x')), t.server(t.err(1, 1064, '', 'You have an error'))),
  );
  assert.equal(statement.outcomes[0]?.errorCode, '1064');
  assert.equal(statement.outcomes[0]?.errorText, 'You have an error');
});

test('MariaDB progress reports (ERR 0xFFFF) end nothing', () => {
  const progress = t.packet(1, 0xff, 0xff, 0xff, 1, 1, 2, t.u24(500), t.str('copying'));
  const statement = first(
    session(t.CLASSIC, t.client(t.query('ALTER TABLE t ADD b INT')), t.server(progress, t.ok(2, { affectedRows: 9 }))),
  );
  assert.equal(statement.outcomes.length, 1);
  assert.equal(statement.outcomes[0]?.errorCode, undefined);
  assert.equal(statement.outcomes[0]?.affectedRows, 9);
});

test('the transaction state follows the status flags', () => {
  const statements = session(
    t.CLASSIC,
    t.client(t.query('BEGIN')),
    t.server(t.ok(1, { status: 1 })),
    t.client(t.query('SELECT 1')),
    t.server(t.result(['1'], false, 1)),
    t.client(t.query('COMMIT')),
    t.server(t.ok(1, { status: 2 })),
  );
  assert.deepEqual(
    statements.map((s) => s.transaction),
    ['open', 'open', 'idle'],
  );
});

test('the database follows COM_INIT_DB, USE and tracked session state, from the next statement on', () => {
  const tracked = t.bytes(c.TRACK_SCHEMA, t.str(t.str('three')));
  const statements = session(
    t.MODERN,
    t.client(t.command(c.COM_INIT_DB, 'one')),
    t.server(t.ok(1)),
    t.client(t.query('USE `two`')),
    t.server(t.ok(1)),
    t.client(t.query('CALL somewhere_else()')),
    t.server(t.ok(1, { state: tracked })),
    t.client(t.query('USE four')),
    t.server(t.err(1, 1049, '42000', 'Unknown database')),
    t.client(t.query('SELECT 1')),
    t.server(t.result(['1'], true)),
  );
  assert.deepEqual(
    statements.map((s) => s.identity.database),
    ['shop', 'one', 'two', 'three', 'three'],
  );
  assert.equal(statements[0]?.operation, 'USE');
  assert.deepEqual(statements[0]?.parameters, ['one']);
});

test('session state: GTIDs are passed over, several variables may share an entry, a schema behind them is found', () => {
  const variables = t.bytes(t.str('autocommit'), t.str('ON'), t.str('character_set_client'), t.str('latin1'));
  const entries = [
    t.bytes(c.TRACK_GTIDS, t.str(t.bytes(0, t.str('3e11fa47-71ca-11e1-9e33-c80aa9429562:23')))),
    t.bytes(c.TRACK_SYSTEM_VARIABLE, t.str(variables)),
    t.bytes(c.TRACK_SCHEMA, t.str(t.str('elsewhere'))),
  ];
  const [, statement] = session(
    t.MODERN,
    t.client(t.query('CALL change_much()')),
    t.server(t.ok(1, { state: t.bytes(...entries) })),
    t.client(t.command(c.COM_QUERY, 'SELECT ', Uint8Array.of(0xe9))),
    t.server(t.result(['1'], true)),
  );
  assert.equal(statement?.identity.database, 'elsewhere');
  assert.equal(statement?.text, 'SELECT é');
});

test('commands without SQL are named, with their arguments', () => {
  const table: [Uint8Array, string, unknown][] = [
    [t.command(c.COM_CREATE_DB, 'd1'), 'CREATE DATABASE', ['d1']],
    [t.command(c.COM_DROP_DB, 'd1'), 'DROP DATABASE', ['d1']],
    [t.command(c.COM_REFRESH, 4), 'REFRESH', [4]],
    [t.command(c.COM_SHUTDOWN), 'SHUTDOWN', undefined],
    [t.command(c.COM_PROCESS_KILL, t.u32(99)), 'KILL', [99]],
    [t.command(c.COM_SET_OPTION, t.u16(1)), 'SET OPTION', [1]],
    [t.command(c.COM_DEBUG), 'DEBUG', undefined],
    [t.command(c.COM_RESET_CONNECTION), 'RESET CONNECTION', undefined],
    [t.command(0x77, 'abc'), 'COMMAND 0x77', undefined],
  ];
  for (const [request, operation, parameters] of table) {
    const statement = first(session(t.CLASSIC, t.client(request), t.server(t.ok(1))));
    assert.equal(statement.operation, operation);
    assert.equal(statement.text, undefined);
    assert.equal(statement.call, 'command');
    assert.deepEqual(statement.parameters, parameters, operation);
    assert.equal(statement.outcomes.length, 1, operation);
  }
});

test('COM_SET_OPTION may be answered by an EOF', () => {
  const statement = first(session(t.CLASSIC, t.client(t.command(c.COM_SET_OPTION, t.u16(0))), t.server(t.eof(1))));
  assert.equal(statement.marks, 0);
});

test('COM_STATISTICS is answered by bare text, COM_PROCESS_INFO by rows, COM_FIELD_LIST by columns', () => {
  const statements = session(
    t.CLASSIC,
    t.client(t.command(c.COM_STATISTICS)),
    t.server(t.packet(1, 'Uptime: 77  Threads: 1')),
    t.client(t.command(c.COM_PROCESS_INFO)),
    t.server(t.result(['1', '2'])),
    t.client(t.command(c.COM_FIELD_LIST, 'customers', 0, 'na%')),
    t.server(t.column(1, 'name'), t.column(2, 'nation'), t.eof(3)),
    t.client(t.query('SELECT 1')),
    t.server(t.result(['1'])),
  );
  assert.deepEqual(
    statements.map((s) => s.operation),
    ['STATISTICS', 'PROCESS INFO', 'FIELD LIST', undefined],
  );
  assert.equal(statements[1]?.outcomes[0]?.returnedRows, 2);
  assert.deepEqual(statements[2]?.parameters, ['customers', 'na%']);
  assert.equal(statements[3]?.outcomes[0]?.returnedRows, 1);
});

test('pings are not recorded, and take their reply', () => {
  const statements = session(
    t.CLASSIC,
    t.client(t.command(c.COM_PING), t.query('SELECT 1')),
    t.server(t.ok(1), t.result(['1'])),
  );
  assert.equal(statements.length, 1);
  assert.equal(first(statements).outcomes[0]?.returnedRows, 1);
});

test('pipelined queries are answered in order', () => {
  const statements = session(
    t.CLASSIC,
    t.client(t.query('SELECT 1'), t.query('SELECT broken'), t.query('SELECT 3')),
    t.server(t.result(['1']), t.err(1, 1054, '42S22', 'Unknown'), t.result(['a', 'b'])),
  );
  assert.deepEqual(
    statements.map((s) => s.outcomes[0]?.returnedRows),
    [1, undefined, 2],
  );
  assert.equal(statements[1]?.outcomes[0]?.errorCode, '42S22');
});

test('a binlog dump is recorded when it starts, and its stream is not followed', () => {
  const event = t.bytes(0, 'x'.repeat(60));
  const statements = session(
    t.CLASSIC,
    t.client(
      t.command(
        c.COM_REGISTER_SLAVE,
        t.u32(12),
        t.str('replica1'),
        t.str('repl'),
        t.str('hunter2'),
        t.u16(3306),
        t.u32(0),
        t.u32(0),
      ),
    ),
    t.server(t.ok(1)),
    t.client(t.command(c.COM_BINLOG_DUMP, t.u32(4), t.u16(0), t.u32(12), 'bin.000001')),
    t.server(t.packet(1, event), t.packet(2, event), t.packet(3, event)),
  );
  assert.deepEqual(
    statements.map((s) => [s.operation, s.call, s.parameters]),
    [
      ['REGISTER REPLICA', 'replication', [12, 'replica1', 'repl', 3306]],
      ['BINLOG DUMP', 'replication', ['bin.000001', 4, 12]],
    ],
  );
  assert.doesNotMatch(JSON.stringify(statements), /hunter2/);
});

test('a denied binlog dump is a failed statement', () => {
  const gtid = t.command(c.COM_BINLOG_DUMP_GTID, t.u16(0), t.u32(3), t.u32(5), 'bin.1', t.u64(4n), t.u32(0));
  const statement = first(session(t.CLASSIC, t.client(gtid), t.server(t.err(1, 1227, '42000', 'Access denied'))));
  assert.deepEqual(statement.parameters, ['bin.1', 4, 3]);
  assert.equal(statement.outcomes[0]?.errorCode, '42000');
});

test('MARIADB_CLIENT_CACHE_METADATA: a result without column definitions', () => {
  const capabilities = (t.CLASSIC | c.CLIENT_DEPRECATE_EOF) & ~c.CLIENT_MYSQL;
  const reply = t.bytes(t.packet(1, 1, 0), t.packet(2, t.str('a')), t.packet(3, t.str('b')), t.ok(4, { marker: 0xfe }));
  const events = t.run([
    ...t.opening(capabilities, { extended: c.MARIADB_CACHE_METADATA }),
    t.client(t.query('SELECT 1')),
    t.server(reply),
  ]);
  assert.equal(first(t.statements(events)).outcomes[0]?.returnedRows, 2);
});

test('CLIENT_OPTIONAL_RESULTSET_METADATA: a result that says it has none', () => {
  const capabilities = t.MODERN | c.CLIENT_OPTIONAL_METADATA;
  const reply = t.bytes(t.packet(1, 0, 1), t.packet(2, t.str('a')), t.ok(3, { marker: 0xfe }));
  const statement = first(session(capabilities, t.client(t.query('SELECT 1')), t.server(reply)));
  assert.equal(statement.outcomes[0]?.returnedRows, 1);
});

test('statements of 16 MB and more: continued packets, also an exact multiple of the limit', () => {
  for (const extra of [0, 100]) {
    const text = `SELECT '${'y'.repeat(c.PAYLOAD_MAX - 1 - 9 + extra)}'`;
    const request = t.query(text);
    const reply = t.result(['1'], false, 2, 2);
    const statement = first(session(t.CLASSIC, t.client(request), t.server(reply)));
    assert.equal(statement.marks, MARK_TRUNCATED);
    assert.equal(statement.text?.length, LIMITS.sqlBytesMax);
    assert.equal(statement.textLength, text.length);
    assert.equal(statement.textSha256, createHash('sha256').update(text).digest('hex'));
    assert.equal(statement.outcomes[0]?.returnedRows, 1);
  }
});

test('a cut text ends on a whole character', () => {
  const text = `SELECT '${'é'.repeat(LIMITS.sqlBytesMax)}'`;
  const statement = first(session(t.CLASSIC, t.client(t.query(text)), t.server(t.ok(1))));
  assert.equal(statement.text, text.slice(0, statement.text?.length));
  assert.equal(statement.textLength, Buffer.byteLength(text));
});

test('a row of 16 MB counts once, though it begins like an end', () => {
  const cell = t.bytes(0xfe, t.u64(0x1000000n), new Uint8Array(0x1000000).fill(0x41));
  const row = t.packet(4, cell);
  const reply = t.bytes(t.packet(1, 1), t.column(2, 'x'), t.eof(3), row, t.packet(6, t.str('z')), t.eof(7));
  const statement = first(session(t.CLASSIC, t.client(t.query('SELECT big FROM t')), t.server(reply)));
  assert.equal(statement.outcomes[0]?.returnedRows, 2);
  assert.equal(statement.outcomes[0]?.responseBytes, reply.length);
});

test('sequence numbers wrap within a long result', () => {
  const rows = Array.from({ length: 1000 }, (_, i) => `row ${i}`);
  const statement = first(session(t.CLASSIC, t.client(t.query('SELECT a FROM t')), t.server(t.result(rows))));
  assert.equal(statement.outcomes[0]?.returnedRows, 1000);
});

test('text is read in the character set of the login, and of a later SET NAMES', () => {
  const events = t.run([
    ...t.opening(t.CLASSIC, { collation: 8 }),
    t.client(t.command(c.COM_QUERY, 'SELECT "', 0xe9, 0xdf, '"')),
    t.server(t.ok(1)),
    t.client(t.query("SET NAMES 'gbk'")),
    t.server(t.ok(1)),
    t.client(t.command(c.COM_QUERY, 'SELECT "', 0xc4, 0xe3, '"')),
    t.server(t.ok(1)),
    t.client(t.query('SET NAMES utf8mb4')),
    t.server(t.ok(1)),
    t.client(t.query('SELECT "語"')),
    t.server(t.ok(1)),
  ]);
  assert.deepEqual(
    t.statements(events).map((s) => s.text),
    ['SELECT "éß"', "SET NAMES 'gbk'", 'SELECT "你"', 'SET NAMES utf8mb4', 'SELECT "語"'],
  );
});

test('COM_QUIT behind a query: the logout waits for the reply', () => {
  const events = t.run([
    ...t.opening(),
    t.client(t.query('SELECT 1'), t.command(c.COM_QUIT)),
    t.server(t.result(['1'])),
  ]);
  const last = events.at(-1);
  assert.ok(last instanceof LogoutEvent);
  assert.equal(first(t.statements(events)).outcomes[0]?.returnedRows, 1);
});

test('a statement without a reply is marked when the connection ends', () => {
  const statement = first(session(t.CLASSIC, t.client(t.query('SELECT sleep(100)'))));
  assert.equal(statement.marks, MARK_NO_REPLY);
  assert.deepEqual(statement.outcomes, []);
  assert.equal(statement.identity.user, 'alice');
});

test('a server that speaks on its own initiative answers nothing', () => {
  const statements = session(
    t.CLASSIC,
    t.server(t.err(0, 4031, 'HY000', 'The client was disconnected by the server because of inactivity')),
    t.client(t.query('SELECT 1')),
  );
  assert.deepEqual(first(statements).outcomes, []);
});
