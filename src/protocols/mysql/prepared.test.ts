/** Prepared statements: handles, values of every type, long data, cursors, bulk. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { unlimitedMemory } from '../../base/memory-budget.ts';
import {
  MARK_MALFORMED,
  MARK_MIDSTREAM,
  MARK_NO_REPLY,
  MARK_TRUNCATED,
  MARK_UNKNOWN_HANDLE,
  type StatementEvent,
} from '../../contracts/event.ts';
import * as c from './constants.ts';
import { LIMITS } from './limits.ts';
import { Prepared, StatementTable } from './statements.ts';
import * as t from './testing.ts';

const TEXT = 'INSERT INTO t VALUES (?)';

function session(capabilities: number, ...turns: t.Turns): StatementEvent[] {
  return t.statements(t.run([...t.opening(capabilities), ...turns]));
}

function prepare(id: number, parameters: number, text = TEXT): t.Turns {
  return [t.client(t.command(c.COM_STMT_PREPARE, text)), t.server(t.prepared(id, parameters, 0))];
}

function only(statements: readonly StatementEvent[]): StatementEvent {
  assert.equal(statements.length, 1);
  return statements[0] as StatementEvent;
}

/** What a value of one parameter is read as. */
function readBack(type: number, encoded: Uint8Array | undefined): unknown {
  const statement = only(
    session(t.CLASSIC, ...prepare(1, 1), t.client(t.execute(1, [type], [encoded])), t.server(t.ok(1))),
  );
  assert.equal(statement.marks & MARK_MALFORMED, 0);
  return statement.parameters?.[0];
}

function float(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

function double(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

test('preparing alone is no record; a failed prepare is one, with its text', () => {
  assert.deepEqual(session(t.CLASSIC, ...prepare(1, 1)), []);
  const failed = only(
    session(t.CLASSIC, t.client(t.command(c.COM_STMT_PREPARE, 'SELEC 1')), t.server(t.err(1, 1064, '42000', 'syntax'))),
  );
  assert.equal(failed.call, 'prepare');
  assert.equal(failed.text, 'SELEC 1');
  assert.equal(failed.outcomes[0]?.errorCode, '42000');
});

test('an execution carries text and values; types are remembered; NULLs are told by the bitmap', () => {
  const statements = session(
    t.CLASSIC,
    ...prepare(7, 3, 'INSERT INTO t VALUES (?, ?, ?)'),
    t.client(t.execute(7, [3, 253, 3], [t.u32(1), t.str('a'), t.u32(2)])),
    t.server(t.ok(1, { affectedRows: 1 })),
    t.client(t.execute(7, undefined, [t.u32(0xffffffff), undefined, undefined])),
    t.server(t.ok(1, { affectedRows: 1 })),
  );
  assert.deepEqual(
    statements.map((s) => [s.call, s.text, s.parameters]),
    [
      ['prepared', 'INSERT INTO t VALUES (?, ?, ?)', [1, 'a', 2]],
      ['prepared', 'INSERT INTO t VALUES (?, ?, ?)', [-1, null, null]],
    ],
  );
});

test('values of every type are exact', () => {
  const unsigned = c.TYPE_UNSIGNED;
  const table: [number, Uint8Array | undefined, unknown][] = [
    [c.TYPE_NULL, undefined, null],
    [c.TYPE_TINY, Uint8Array.of(0xff), -1],
    [c.TYPE_TINY | unsigned, Uint8Array.of(0xff), 255],
    [c.TYPE_SHORT, t.u16(0x8000), -32768],
    [c.TYPE_SHORT | unsigned, t.u16(0x8000), 32768],
    [c.TYPE_YEAR, t.u16(2026), 2026],
    [c.TYPE_LONG, t.u32(0x80000000), -2147483648],
    [c.TYPE_LONG | unsigned, t.u32(0x80000000), 2147483648],
    [c.TYPE_INT24, t.u32(8388607), 8388607],
    [c.TYPE_LONGLONG, t.u64(0xffffffffffffffffn), -1],
    [c.TYPE_LONGLONG, t.u64(9007199254740991n), 9007199254740991],
    [c.TYPE_LONGLONG, t.u64(9007199254740992n), '9007199254740992'],
    [c.TYPE_LONGLONG | unsigned, t.u64(0xffffffffffffffffn), '18446744073709551615'],
    [c.TYPE_FLOAT, float(0.1), 0.1],
    [c.TYPE_FLOAT, float(16777216), 16777216],
    [c.TYPE_FLOAT, float(Number.NaN), 'NaN'],
    [c.TYPE_DOUBLE, double(0.1), 0.1],
    [c.TYPE_DOUBLE, double(Number.NEGATIVE_INFINITY), '-Infinity'],
    [c.TYPE_DECIMAL, t.str('12345678901234567890.5'), '12345678901234567890.5'],
    [246, t.str('-0.001'), '-0.001'],
    [c.TYPE_DATE, Uint8Array.of(0), '0000-00-00'],
    [c.TYPE_DATE, t.bytes(4, t.u16(2026), 11, 22), '2026-11-22'],
    [c.TYPE_DATETIME, Uint8Array.of(0), '0000-00-00 00:00:00'],
    [c.TYPE_DATETIME, t.bytes(4, t.u16(2026), 11, 22), '2026-11-22 00:00:00'],
    [c.TYPE_DATETIME, t.bytes(7, t.u16(2026), 11, 22, 1, 2, 3), '2026-11-22 01:02:03'],
    [c.TYPE_TIMESTAMP, t.bytes(11, t.u16(2026), 11, 22, 1, 2, 3, t.u32(45)), '2026-11-22 01:02:03.000045'],
    [
      c.TYPE_DATETIME,
      t.bytes(13, t.u16(2026), 11, 22, 1, 2, 3, t.u32(0), t.u16(-90)),
      '2026-11-22 01:02:03.000000-01:30',
    ],
    [c.TYPE_TIME, Uint8Array.of(0), '00:00:00'],
    [c.TYPE_TIME, t.bytes(8, 1, t.u32(2), 3, 4, 5), '-51:04:05'],
    [c.TYPE_TIME, t.bytes(12, 0, t.u32(0), 23, 59, 59, t.u32(999999)), '23:59:59.999999'],
    [253, t.str('naïve'), 'naïve'],
    [254, t.str(Uint8Array.of(0xff, 0xfe)), { type: 'char', hex: 'fffe' }],
    [245, t.str('{"a":1}'), '{"a":1}'],
    [252, t.str(Uint8Array.of(1, 0xab)), { type: 'blob', hex: '01ab' }],
    [16, t.str(Uint8Array.of(5)), { type: 'bit', hex: '05' }],
    [255, t.str(Uint8Array.of(9)), { type: 'geometry', hex: '09' }],
  ];
  for (const [type, encoded, expected] of table) assert.deepEqual(readBack(type, encoded), expected, `type ${type}`);
});

test('a value over the cap keeps its first part, length and hash', () => {
  const long = `${'a'.repeat(LIMITS.valueBytesMax - 1)}é${'b'.repeat(3000)}`;
  const value = readBack(253, t.str(long));
  const sha256 = createHash('sha256').update(long).digest('hex');
  const length = Buffer.byteLength(long);
  assert.deepEqual(value, { type: 'varchar', text: 'a'.repeat(LIMITS.valueBytesMax - 1), length, sha256 });
});

test('a type of unknown length makes the values unreadable, and says so', () => {
  const [statement] = session(t.CLASSIC, ...prepare(1, 1), t.client(t.execute(1, [99], [t.u32(1)])), t.server(t.ok(1)));
  assert.equal(statement?.parameters, undefined);
  assert.equal(statement?.marks, MARK_MALFORMED);
  assert.equal(statement?.text, TEXT);
});

test('an unknown handle is not guessed', () => {
  const statement = only(session(t.CLASSIC, t.client(t.execute(9, [3], [t.u32(1)])), t.server(t.ok(1))));
  assert.equal(statement.text, undefined);
  assert.equal(statement.parameters, undefined);
  assert.equal(statement.marks, MARK_UNKNOWN_HANDLE);
  const events = t.run([t.client(t.execute(9, [3], [t.u32(1)])), t.server(t.ok(1, { affectedRows: 4 }))], true);
  const midstream = only(t.statements(events));
  assert.equal(midstream.marks, MARK_UNKNOWN_HANDLE | MARK_MIDSTREAM);
  assert.equal(midstream.outcomes[0]?.affectedRows, 4);
});

test('a closed statement is forgotten; closing and resetting are no records', () => {
  const statements = session(
    t.CLASSIC,
    ...prepare(1, 0),
    t.client(t.command(c.COM_STMT_RESET, t.u32(1))),
    t.server(t.ok(1)),
    t.client(t.command(c.COM_STMT_CLOSE, t.u32(1)), t.execute(1, undefined, [])),
    t.server(t.err(1, 1243, 'HY000', 'Unknown statement')),
  );
  assert.equal(only(statements).marks, MARK_UNKNOWN_HANDLE);
});

test('long data comes in pieces, for one execution, and RESET drops it', () => {
  const piece = (text: string): Uint8Array => t.command(c.COM_STMT_SEND_LONG_DATA, t.u32(1), t.u16(0), text);
  const statements = session(
    t.CLASSIC,
    ...prepare(1, 1),
    t.client(piece('Hello, '), piece('world'), t.execute(1, [252], [new Uint8Array(0)])),
    t.server(t.ok(1)),
    t.client(t.execute(1, undefined, [t.str('x')])),
    t.server(t.ok(1)),
    t.client(piece('lost'), t.command(c.COM_STMT_RESET, t.u32(1))),
    t.server(t.ok(1)),
    t.client(piece('y'.repeat(10_000)), t.execute(1, [253], [new Uint8Array(0)])),
    t.server(t.ok(1)),
  );
  const sha256 = createHash('sha256').update('y'.repeat(10_000)).digest('hex');
  assert.deepEqual(
    statements.map((s) => s.parameters?.[0]),
    [
      { type: 'blob', hex: Buffer.from('Hello, world').toString('hex') },
      { type: 'blob', hex: '78' },
      { type: 'varchar', text: 'y'.repeat(LIMITS.valueBytesMax), length: 10_000, sha256 },
    ],
  );
});

test('long data over the frame cap is hashed to its end', () => {
  const big = 'z'.repeat(LIMITS.frameBytesMax + 5000);
  const [statement] = session(
    t.CLASSIC,
    ...prepare(1, 1),
    t.client(t.command(c.COM_STMT_SEND_LONG_DATA, t.u32(1), t.u16(0), big)),
    t.client(t.execute(1, [253], [new Uint8Array(0)])),
    t.server(t.ok(1)),
  );
  const value = statement?.parameters?.[0] as { length: number; sha256: string };
  assert.equal(value.length, big.length);
  assert.equal(value.sha256, createHash('sha256').update(big).digest('hex'));
});

test('query attributes of an execution are told from its parameters', () => {
  const capabilities = t.CLASSIC | c.CLIENT_QUERY_ATTRIBUTES;
  const head = t.bytes(t.u32(1), c.EXECUTE_PARAMETER_COUNT, t.u32(1), 2, 0, 1);
  const types = t.bytes(t.u16(3), t.str(''), t.u16(253), t.str('trace'));
  const request = t.command(c.COM_STMT_EXECUTE, head, types, t.u32(42), t.str('abc'));
  const statement = only(session(capabilities, ...prepare(1, 1), t.client(request), t.server(t.ok(1))));
  assert.deepEqual(statement.parameters, [42]);
  assert.deepEqual([...(statement.tags ?? [])], [['trace', 'abc']]);
});

test('a cursor: rows of all fetches belong to the execution, which is emitted when they end', () => {
  const binaryRow = (sequence: number): Uint8Array => t.packet(sequence, 0, 0, t.u32(1));
  const opened = t.bytes(t.packet(1, 1), t.column(2, 'x'), t.eof(3, 2 | c.STATUS_CURSOR_EXISTS));
  const fetch = t.command(c.COM_STMT_FETCH, t.u32(1), t.u32(2));
  const statements = session(
    t.CLASSIC,
    ...prepare(1, 0),
    t.client(t.execute(1, undefined, [], 1)),
    t.server(opened),
    t.client(fetch),
    t.server(binaryRow(1), binaryRow(2), t.eof(3, c.STATUS_CURSOR_EXISTS)),
    t.client(t.query('SELECT other')),
    t.server(t.result([])),
    t.client(fetch),
    t.server(binaryRow(1), t.eof(2, c.STATUS_LAST_ROW_SENT)),
  );
  assert.deepEqual(
    statements.map((s) => s.text),
    ['SELECT other', TEXT],
  );
  assert.equal(statements[1]?.outcomes.length, 1);
  assert.equal(statements[1]?.outcomes[0]?.returnedRows, 3);
});

test('an open cursor is emitted when its statement is closed, or the connection ends', () => {
  const opened = t.bytes(t.packet(1, 1), t.column(2, 'x'), t.eof(3, c.STATUS_CURSOR_EXISTS));
  const turns = [...prepare(1, 0), t.client(t.execute(1, undefined, [], 1)), t.server(opened)];
  assert.equal(only(session(t.CLASSIC, ...turns)).outcomes[0]?.returnedRows, 0);
  const closed = session(
    t.CLASSIC,
    ...turns,
    t.client(t.command(c.COM_STMT_CLOSE, t.u32(1)), t.query('SELECT 2')),
    t.server(t.result([])),
  );
  assert.deepEqual(
    closed.map((s) => s.text),
    [TEXT, 'SELECT 2'],
  );
});

test('a call returns results, its OUT parameters and an OK', () => {
  const binary = (sequence: number, status: number): Uint8Array =>
    t.bytes(
      t.packet(sequence, 1),
      t.column(sequence + 1, 'x'),
      t.eof(sequence + 2, status),
      t.packet(sequence + 3, 0, 0, 1),
      t.eof(sequence + 4, status),
    );
  const more = c.STATUS_MORE_RESULTS;
  const statement = only(
    session(
      t.CLASSIC,
      ...prepare(1, 0, 'CALL p()'),
      t.client(t.execute(1, undefined, [])),
      t.server(binary(1, more), binary(6, more | c.STATUS_PS_OUT_PARAMS), t.ok(11)),
    ),
  );
  assert.deepEqual(
    statement.outcomes.map((o) => [o.returnedRows, o.tag]),
    [
      [1, undefined],
      [1, 'OUT PARAMETERS'],
      [undefined, undefined],
    ],
  );
});

test('MariaDB: prepare and execution in one go, by the id of the statement prepared last', () => {
  const statements = session(
    t.CLASSIC,
    t.client(t.command(c.COM_STMT_PREPARE, TEXT), t.execute(c.MARIADB_LAST_STATEMENT, [253], [t.str('p')])),
    t.server(t.prepared(3, 1, 0), t.ok(1, { affectedRows: 1 })),
  );
  const statement = only(statements);
  assert.equal(statement.text, TEXT);
  assert.deepEqual(statement.parameters, ['p']);
  assert.equal(statement.outcomes[0]?.affectedRows, 1);
});

test('MariaDB: when the prepare of such a pair fails, both are recorded', () => {
  const statements = session(
    t.CLASSIC,
    t.client(t.command(c.COM_STMT_PREPARE, 'SELEC ?'), t.execute(c.MARIADB_LAST_STATEMENT, [253], [t.str('p')])),
    t.server(t.err(1, 1064, '42000', 'syntax'), t.err(1, 1243, 'HY000', 'unknown statement')),
  );
  assert.deepEqual(
    statements.map((s) => [s.call, s.text, s.outcomes[0]?.errorCode]),
    [
      ['prepare', 'SELEC ?', '42000'],
      ['prepared', 'SELEC ?', 'HY000'],
    ],
  );
});

test('MariaDB bulk: one event with the values of all rows, and their indicators', () => {
  const rows = t.bytes(0, t.u32(1), 0, t.str('a'), 1, 2, 0, t.u32(3), 3);
  const request = t.command(
    c.MARIADB_COM_STMT_BULK_EXECUTE,
    t.u32(1),
    t.u16(c.BULK_SEND_TYPES),
    t.u16(3),
    t.u16(253),
    rows,
  );
  const statement = only(
    session(t.CLASSIC, ...prepare(1, 2), t.client(request), t.server(t.ok(1, { affectedRows: 3 }))),
  );
  assert.equal(statement.call, 'bulk');
  assert.deepEqual(statement.parameters, [1, 'a', null, { type: 'default', hex: '' }, 3, { type: 'ignore', hex: '' }]);
  assert.equal(statement.outcomes[0]?.affectedRows, 3);
});

test('MariaDB bulk with unit results: a row for each execution comes back', () => {
  const flags = t.u16(c.BULK_SEND_TYPES | c.BULK_UNIT_RESULTS);
  const rows = t.bytes(0, t.u32(1), 0, t.u32(2));
  const request = t.command(c.MARIADB_COM_STMT_BULK_EXECUTE, t.u32(1), flags, t.u16(3), rows);
  const statement = only(session(t.CLASSIC, ...prepare(1, 1), t.client(request), t.server(t.result(['1', '2']))));
  assert.deepEqual(statement.parameters, [1, 2]);
  assert.equal(statement.outcomes[0]?.returnedRows, 2);
});

test('MariaDB bulk: a bounded number of values is kept', () => {
  const rows = t.bytes(...Array.from({ length: 3000 }, (_, i) => t.bytes(0, t.u32(i))));
  const request = t.command(c.MARIADB_COM_STMT_BULK_EXECUTE, t.u32(1), t.u16(c.BULK_SEND_TYPES), t.u16(3), rows);
  const statement = only(session(t.CLASSIC, ...prepare(1, 1), t.client(request), t.server(t.ok(1))));
  assert.equal(statement.parameters?.length, 1024);
  assert.equal(statement.marks, MARK_TRUNCATED);
});

test('the table drops the statement unused for longest, and counts it', () => {
  const table = new StatementTable(2, unlimitedMemory());
  const gone: Prepared[] = [];
  const drop = (prepared: Prepared): void => void gone.push(prepared);
  const second = new Prepared();
  table.set(1, new Prepared(), drop);
  table.set(2, second, drop);
  assert.ok(table.get(1));
  table.set(3, new Prepared(), drop);
  assert.deepEqual(gone, [second]);
  assert.equal(table.get(2), undefined);
  assert.ok(table.get(1));
  assert.equal(table.evicted, 1);
});

test('a queue that is full is given up, every statement emitted and marked', () => {
  const requests = Array.from({ length: LIMITS.pendingMax + 10 }, (_, i) => t.query(`SELECT ${i}`));
  const statements = session(t.CLASSIC, t.client(...requests));
  assert.equal(statements.length, requests.length);
  assert.ok(statements.every((s) => (s.marks & MARK_NO_REPLY) !== 0));
});
