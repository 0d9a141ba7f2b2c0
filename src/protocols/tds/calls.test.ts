/** Calls: every type of parameter, statements by handle, cursors, several calls in one request. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type BindValue,
  MARK_MALFORMED,
  MARK_REDACTED,
  MARK_TRUNCATED,
  MARK_UNKNOWN_HANDLE,
  type StatementEvent,
} from '../../contracts/event.ts';
import * as c from './constants.ts';
import * as t from './testing.ts';

const ANSWER = t.reply(t.RETURN_STATUS, t.doneProc());

function called(...parameters: readonly Uint8Array[]): StatementEvent {
  const [event] = t.statements(t.run(...t.opening(), t.client(t.rpc(t.procedure('p', ...parameters))), ANSWER));
  assert.ok(event);
  return event;
}

const varchar = (collation: string) => t.bytes(0xa7, t.u16(8000), t.hex(collation));
const LATIN = '0904d00034';
const POLISH = '1504d00000';
const UTF8 = '0904000400';
const max = (type: number) => t.bytes(type, t.u16(0xffff), t.hex(LATIN));
const plp = (...chunks: readonly Uint8Array[]) =>
  t.bytes(
    t.u64(BigInt(chunks.reduce((sum, chunk) => sum + chunk.length, 0))),
    ...chunks.map((chunk) => t.bytes(t.u32(chunk.length), chunk)),
    t.u32(0),
  );

const NOTHING = t.bytes();
const VARIANT = t.bytes(0x62, t.u32(8009));
/** Base type, its properties and the value, behind the length of all. */
const variantOf = (type: number, properties: Uint8Array, value: Uint8Array) =>
  t.bytes(t.u32(2 + properties.length + value.length), type, properties.length, properties, value);

/** TYPE_INFO, value, and what must be recorded. */
const VALUES: readonly (readonly [string, Uint8Array, Uint8Array, BindValue])[] = [
  ['tinyint', t.bytes(0x26, 1), t.hex('01 ff'), 255],
  ['smallint', t.bytes(0x26, 2), t.hex('02 0080'), -32768],
  ['int', t.bytes(0x38), t.u32(-7), -7],
  ['bigint beyond a double', t.bytes(0x26, 8), t.bytes(8, t.u64(-9007199254740993n)), '-9007199254740993'],
  ['int NULL', t.bytes(0x26, 4), t.bytes(0), null],
  ['bit', t.bytes(0x68, 1), t.hex('01 01'), true],
  ['bit of fixed length', t.bytes(0x32), t.bytes(0), false],
  ['real', t.bytes(0x6d, 4), t.hex('04 cdcccc3d'), 0.1],
  ['float', t.bytes(0x6d, 8), t.hex('08 9a9999999999b93f'), 0.1],
  ['decimal(5,2)', t.hex('6a 05 05 02'), t.hex('05 01 39300000'), '123.45'],
  ['decimal negative', t.hex('6c 05 05 02'), t.hex('05 00 05000000'), '-0.05'],
  [
    'decimal of 38 digits',
    t.hex('6a 11 26 00'),
    t.hex(`11 01 ${'ff'.repeat(15)}4b`),
    '101021327679653606340689336581306187775',
  ],
  ['money', t.bytes(0x6e, 8), t.hex('08 00000000 4cbd0100'), '11.3996'],
  ['smallmoney', t.bytes(0x7a), t.u32(-15_000), '-1.5000'],
  ['date', t.bytes(0x28), t.hex('03 5b950a'), '1900-01-01'],
  ['date NULL', t.bytes(0x28), t.bytes(0), null],
  ['time(7)', t.bytes(0x29, 7), t.hex('05 ffbf692ac9'), '23:59:59.9999999'],
  ['time(0)', t.bytes(0x29, 0), t.hex('03 3c0000'), '00:01:00'],
  ['datetime2(3)', t.bytes(0x2a, 3), t.hex('07 01000000 5b950a'), '1900-01-01 00:00:00.001'],
  ['datetimeoffset(0)', t.bytes(0x2b, 0), t.hex('08 007e00 5b950a 4c01'), '1900-01-01 14:29:36 +05:32'],
  ['datetimeoffset west over midnight', t.bytes(0x2b, 0), t.hex('08 000000 5b950a c4ff'), '1899-12-31 23:00:00 -01:00'],
  ['datetime', t.bytes(0x6f, 8), t.bytes(8, t.u32(-1), t.u32(1)), '1899-12-31 00:00:00.003'],
  ['smalldatetime', t.bytes(0x6f, 4), t.bytes(4, t.u16(1), t.u16(61)), '1900-01-02 01:01:00'],
  [
    'uniqueidentifier',
    t.bytes(0x24, 16),
    t.hex('10 33221100554477668899aabbccddeeff'),
    '00112233-4455-6677-8899-AABBCCDDEEFF',
  ],
  ['varchar by code page', varchar(POLISH), t.bytes(t.u16(3), t.hex('b3f372')), 'łór'],
  ['varchar by sort order', varchar('0904d0001e'), t.bytes(t.u16(1), t.hex('81')), 'ü'],
  ['varchar in UTF-8', varchar(UTF8), t.bytes(t.u16(2), t.hex('c582')), 'ł'],
  ['varchar empty', varchar(LATIN), t.u16(0), ''],
  ['varchar NULL', varchar(LATIN), t.u16(0xffff), null],
  ['nchar', t.bytes(0xef, t.u16(4), t.hex(LATIN)), t.bytes(t.u16(4), 'ab'), 'ab'],
  ['varbinary', t.bytes(0xa5, t.u16(10)), t.hex('0200 00ff'), { type: 'varbinary', hex: '00ff' }],
  ['nvarchar(max) in chunks', max(0xe7), plp(t.bytes('hel'), t.bytes('lo')), 'hello'],
  ['nvarchar(max) NULL', max(0xe7), t.u64(-1n), null],
  ['nvarchar(max) of unknown length', max(0xe7), t.bytes(t.u64(-2n), t.u32(2), 'x', t.u32(0)), 'x'],
  ['varbinary(max)', t.bytes(0xa5, t.u16(0xffff)), plp(t.hex('cafe')), { type: 'varbinary', hex: 'cafe' }],
  ['ntext', t.bytes(0x63, t.u32(100), t.hex(LATIN)), t.bytes(t.u32(4), 'ab'), 'ab'],
  ['image', t.bytes(0x22, t.u32(100)), t.bytes(t.u32(2), t.hex('0102')), { type: 'image', hex: '0102' }],
  ['text NULL', t.bytes(0x23, t.u32(100), t.hex(LATIN)), t.u32(-1), null],
  ['xml', t.hex('f1 00'), plp(t.bytes('<a/>')), '<a/>'],
  ['xml of a schema', t.bytes(0xf1, 1, t.b('d'), t.b('s'), t.us('c')), plp(t.bytes('<a/>')), '<a/>'],
  ['json', t.bytes(0xf4), plp(Buffer.from('{"ł":1}')), '{"ł":1}'],
  ['UDT', t.bytes(0xf0, t.b(''), t.b('dbo'), t.b('point')), plp(t.hex('0102')), { type: 'dbo.point', hex: '0102' }],
  ['sql_variant int', t.bytes(0x62, t.u32(8009)), t.bytes(t.u32(6), 0x38, 0, t.u32(9)), 9],
  ['sql_variant decimal', t.bytes(0x62, t.u32(8009)), t.bytes(t.u32(9), 0x6a, 2, 5, 2, 1, t.u32(150)), '1.50'],
  ['sql_variant varchar', t.bytes(0x62, t.u32(8009)), t.bytes(t.u32(10), 0xa7, 7, t.hex(POLISH), t.u16(9), 0xb3), 'ł'],
  ['sql_variant NULL', t.bytes(0x62, t.u32(8009)), t.u32(0), null],
  ['sql_variant nvarchar', VARIANT, variantOf(0xe7, t.bytes(t.hex(LATIN), t.u16(8000)), t.bytes('zł')), 'zł'],
  ['sql_variant varbinary', VARIANT, variantOf(0xa5, t.u16(8), t.hex('cafe')), { type: 'varbinary', hex: 'cafe' }],
  ['sql_variant money', VARIANT, variantOf(0x3c, NOTHING, t.hex('00000000 4cbd0100')), '11.3996'],
  ['sql_variant float', VARIANT, variantOf(0x3e, NOTHING, t.hex('9a9999999999b93f')), 0.1],
  ['sql_variant bit', VARIANT, variantOf(0x32, NOTHING, t.bytes(1)), true],
  ['sql_variant datetime', VARIANT, variantOf(0x3d, NOTHING, t.bytes(t.u32(1), t.u32(300))), '1900-01-02 00:00:01.000'],
  ['sql_variant date', VARIANT, variantOf(0x28, NOTHING, t.hex('5b950a')), '1900-01-01'],
  [
    'sql_variant datetime2(3)',
    VARIANT,
    variantOf(0x2a, t.bytes(3), t.hex('01000000 5b950a')),
    '1900-01-01 00:00:00.001',
  ],
  [
    'sql_variant uniqueidentifier',
    VARIANT,
    variantOf(0x24, NOTHING, t.hex('33221100554477668899aabbccddeeff')),
    '00112233-4455-6677-8899-AABBCCDDEEFF',
  ],
  ['smallint of fixed length', t.bytes(0x34), t.u16(0x8000), -32768],
  ['tinyint of fixed length', t.bytes(0x30), t.bytes(255), 255],
  ['bigint of fixed length', t.bytes(0x7f), t.u64(-2n), -2],
  ['real of fixed length', t.bytes(0x3b), t.hex('cdcccc3d'), 0.1],
  ['float of fixed length', t.bytes(0x3e), t.hex('000000000000f87f'), 'NaN'],
  ['money of fixed length', t.bytes(0x3c), t.hex('ffffffff f0d8ffff'), '-1.0000'],
  ['smallmoney that may be NULL', t.bytes(0x6e, 4), t.bytes(4, t.u32(1)), '0.0001'],
  ['datetime of fixed length', t.bytes(0x3d), t.bytes(t.u32(36_523), t.u32(25_919_999)), '1999-12-31 23:59:59.997'],
  ['smalldatetime of fixed length', t.bytes(0x3a), t.bytes(t.u16(0), t.u16(0)), '1900-01-01 00:00:00'],
  ['decimal, first identifier', t.hex('37 05 05 02'), t.hex('05 01 01000000'), '0.01'],
  ['numeric, first identifier', t.hex('3f 05 05 00'), t.hex('05 00 01000000'), '-1'],
  ['time(3)', t.bytes(0x29, 3), t.hex('04 ff5b2605'), '23:59:59.999'],
  ['datetime2(7) latest', t.bytes(0x2a, 7), t.hex('08 ffbf692ac9 dab937'), '9999-12-31 23:59:59.9999999'],
  ['datetimeoffset NULL', t.bytes(0x2b, 7), t.bytes(0), null],
  ['null type', t.bytes(0x1f), t.bytes(), null],
  ['varchar of one length byte', t.bytes(0x27, 30), t.bytes(2, t.ascii('ab')), 'ab'],
  ['char of one length byte', t.bytes(0x2f, 3), t.bytes(3, t.ascii('ab ')), 'ab '],
  ['varbinary of one length byte', t.bytes(0x25, 30), t.hex('02 cafe'), { type: 'varbinary', hex: 'cafe' }],
  ['binary of one length byte', t.bytes(0x2d, 2), t.hex('02 cafe'), { type: 'binary', hex: 'cafe' }],
  ['char', t.bytes(0xaf, t.u16(3), t.hex(LATIN)), t.bytes(t.u16(3), t.ascii('ab ')), 'ab '],
  ['binary', t.bytes(0xad, t.u16(2)), t.hex('0200 cafe'), { type: 'binary', hex: 'cafe' }],
  ['text', t.bytes(0x23, t.u32(100), t.hex(LATIN)), t.bytes(t.u32(2), t.ascii('ab')), 'ab'],
  ['varchar(max)', t.bytes(0xa7, t.u16(0xffff), t.hex(POLISH)), plp(t.hex('b3'), t.hex('f3')), 'łó'],
  ['xml NULL', t.hex('f1 00'), t.u64(-1n), null],
  ['UDT NULL', t.bytes(0xf0, t.b(''), t.b('dbo'), t.b('point')), t.u64(-1n), null],
  ['vector', t.bytes(0xf5, t.u16(16), 0), t.hex('0400 a9010200'), { type: 'vector', hex: 'a9010200' }],
];

for (const [name, type, value, expected] of VALUES) {
  test(`parameter: ${name}`, () => {
    const event = called(t.parameter(type, value), t.int(99));
    assert.deepEqual(event.parameters, [expected, 99]);
    assert.equal(event.marks, 0);
  });
}

test('parameter: a table is counted by its rows, and what follows it is read', () => {
  const column = t.bytes(t.u32(0), t.u16(0), t.INTN, t.b(''));
  const order = t.bytes(0x10, t.u16(1), t.u16(1), 1);
  const rows = t.bytes(1, 4, t.u32(1), 1, 4, t.u32(2));
  const table = t.bytes(t.b('@t'), 0, 0xf3, t.b(''), t.b('dbo'), t.b('ids'), t.u16(1), column, order, 0, rows, 0);
  const event = called(table, t.int(5));
  assert.deepEqual(event.parameters, [{ type: 'dbo.ids(2 rows)', hex: '010401000000010402000000' }, 5]);
});

test('parameter: a table that is NULL, and one whose columns are not all sent', () => {
  const type = (columns: Uint8Array) => t.bytes(t.b('@t'), 0, 0xf3, t.b(''), t.b('dbo'), t.b('ids'), columns);
  const nothing = type(t.bytes(t.u16(0xffff), 0, 0));
  const defaulted = t.bytes(t.u32(0), t.u16(0x0200), t.INTN, t.b(''));
  const sent = t.bytes(t.u32(0), t.u16(0), t.INTN, t.b(''));
  const partly = type(t.bytes(t.u16(2), defaulted, sent, 0, 1, 4, t.u32(9), 0));
  assert.deepEqual(called(nothing, partly, t.int(5)).parameters, [
    null,
    { type: 'dbo.ids(1 rows)', hex: '010409000000' },
    5,
  ]);
});

test('parameter: encrypted by the client, kept as it was sent', () => {
  const cipher = t.bytes(t.INTN, 2, 1, t.u32(1), t.u32(1), t.u32(1), t.u64(1n), 1);
  const type = t.bytes(0xa5, t.u16(100));
  const encrypted = t.bytes(t.parameter(type, t.hex('0200 beef'), '@ssn', 8), cipher);
  assert.deepEqual(called(encrypted, t.int(5)).parameters, [{ type: 'varbinary', hex: 'beef' }, 5]);
});

test('parameter: over the cap keeps its beginning, length and hash', () => {
  const event = called(t.parameter(max(0xe7), plp(t.bytes('ab'.repeat(3000)))));
  const [value] = event.parameters ?? [];
  assert.ok(value !== null && typeof value === 'object' && 'text' in value);
  assert.equal(value.length, 12_000);
  assert.equal(value.text.length, 2048);
  assert.match(value.sha256, /^[0-9a-f]{64}$/);
});

test('a parameter of no known type is marked, and what came before it stays', () => {
  const event = called(t.int(5), t.bytes(0, 0, 0x77, 1, 2, 3));
  assert.deepEqual(event.parameters, [5]);
  assert.equal(event.marks, MARK_MALFORMED);
});

test('passwords handed to procedures are not kept', () => {
  const events = t.run(
    ...t.opening(),
    t.client(t.rpc(t.procedure('sp_addlogin', t.nvarchar('eve'), t.nvarchar('hunter2')))),
    ANSWER,
    t.client(t.rpc(t.procedure('dbo.p_login', t.nvarchar('hunter2', '@Password')))),
    ANSWER,
  );
  assert.deepEqual(
    t.statements(events).map((event) => [event.parameters, event.marks]),
    [
      [['eve', '***'], MARK_REDACTED],
      [['***'], MARK_REDACTED],
    ],
  );
  assert.doesNotMatch(JSON.stringify(events), /hunter2/);
});

test('sp_setapprole changes who acts, once it has succeeded', () => {
  const events = t.run(
    ...t.opening(),
    t.client(t.rpc(t.procedure('sys.sp_setapprole', t.nvarchar('clerk'), t.nvarchar('hunter2')))),
    ANSWER,
    t.client(t.batch('SELECT 1')),
    t.reply(t.result(['1'])),
  );
  assert.deepEqual(
    t.statements(events).map((event) => event.identity.effectiveUser),
    [undefined, 'clerk'],
  );
});

// Handles

const summary = (events: readonly StatementEvent[]) =>
  events.map(({ call, operation, text, parameters, marks }) => [call, operation, text, parameters, marks]);

test('sp_prepare gives a handle; sp_execute by it has text and values; sp_unprepare ends it', () => {
  const execute = (value: number) => t.client(t.rpc(t.procedure(12, t.int(3), t.int(value))));
  const events = t.run(
    ...t.opening(),
    t.client(
      t.rpc(t.procedure(11, t.handleOut(), t.nvarchar('@p int'), t.nvarchar('DELETE FROM t WHERE i = @p'), t.int(1))),
    ),
    t.reply(t.RETURN_STATUS, t.returnValue(3), t.doneProc()),
    execute(10),
    ANSWER,
    t.client(t.rpc(t.procedure(15, t.int(3)))),
    ANSWER,
    execute(11),
    ANSWER,
  );
  assert.deepEqual(summary(t.statements(events)), [
    ['prepared', undefined, 'DELETE FROM t WHERE i = @p', [10], 0],
    ['prepared', undefined, undefined, [11], MARK_UNKNOWN_HANDLE],
  ]);
});

test('a failed sp_prepare is recorded', () => {
  const events = t.run(
    ...t.opening(),
    t.client(t.rpc(t.procedure(11, t.handleOut(), t.nvarchar(''), t.nvarchar('DELETE FRM t'), t.int(1)))),
    t.reply(t.error(102, 'Incorrect syntax'), t.doneProc(c.DONE_ERROR)),
  );
  const [event] = t.statements(events);
  assert.deepEqual([event?.call, event?.text, event?.outcomes[0]?.errorCode], ['prepare', 'DELETE FRM t', '102']);
});

test('a reset of the connection frees its handles', () => {
  const body = t.bytes(t.headers(), t.procedure(12, t.int(3), t.int(1)));
  const events = t.run(
    ...t.opening(),
    t.client(t.rpc(t.procedure('sp_prepexec', t.handleOut(), t.nvarchar(''), t.nvarchar('SELECT 3')))),
    t.reply(t.RETURN_STATUS, t.returnValue(3), t.doneProc()),
    t.client(t.message(c.PACKET_RPC, body, 4096, c.STATUS_RESET)),
    ANSWER,
  );
  assert.deepEqual(summary(t.statements(events)), [
    ['prepared', undefined, 'SELECT 3', undefined, 0],
    ['prepared', undefined, undefined, [1], MARK_UNKNOWN_HANDLE],
  ]);
});

test('cursors: opened with their text, fetched and closed by number', () => {
  const out = t.handleOut();
  const events = t.run(
    ...t.opening(),
    t.client(t.rpc(t.procedure(2, out, t.nvarchar('SELECT * FROM t'), t.int(1), t.int(1), t.int(5)))),
    t.reply(t.result(['a']), t.RETURN_STATUS, t.returnValue(180_150), t.returnValue(1), t.doneProc()),
    t.client(t.rpc(t.procedure(7, t.int(180_150), t.int(2), t.int(0), t.int(10)))),
    t.reply(t.result(['a'], ['b']), t.RETURN_STATUS, t.doneProc()),
    t.client(t.rpc(t.procedure(9, t.int(180_150)))),
    ANSWER,
    t.client(t.rpc(t.procedure(3, out, t.nvarchar('@p int'), t.nvarchar('SELECT @p'), t.int(1)))),
    t.reply(t.RETURN_STATUS, t.returnValue(5), t.doneProc()),
    t.client(t.rpc(t.procedure(4, t.int(5), out, t.int(1), t.int(1), t.int(1), t.int(77)))),
    t.reply(t.RETURN_STATUS, t.returnValue(6), t.doneProc()),
    t.client(
      t.rpc(
        t.procedure(5, out, out, t.nvarchar('@p int'), t.nvarchar('SELECT 5'), t.int(1), t.int(1), t.int(1), t.int(88)),
      ),
    ),
    t.reply(t.RETURN_STATUS, t.returnValue(8), t.returnValue(9), t.doneProc()),
    t.client(t.rpc(t.procedure(1, t.int(9), t.int(33), t.int(1)))),
    ANSWER,
  );
  assert.deepEqual(summary(t.statements(events)), [
    ['cursor', undefined, 'SELECT * FROM t', undefined, 0],
    ['cursor', 'FETCH', 'SELECT * FROM t', [2, 0, 10], 0],
    ['cursor', undefined, 'SELECT @p', [77], 0],
    ['cursor', undefined, 'SELECT 5', [88], 0],
    ['cursor', 'CURSOR', 'SELECT 5', [33, 1], 0],
  ]);
  assert.equal(t.statements(events)[1]?.outcomes[0]?.returnedRows, 2);
});

test('rows without metadata are counted by the columns that their cursor or handle had before', () => {
  const bare = t.bytes(c.TOKEN_COLUMNS, t.u16(0xffff));
  const row = (text: string) => t.bytes(c.TOKEN_ROW, t.u16(text.length * 2), text);
  const rows = (...texts: readonly string[]) =>
    t.reply(bare, ...texts.map(row), t.done(c.DONE_COUNT | c.DONE_MORE, texts.length), t.RETURN_STATUS, t.doneProc());
  const fetch = (cursor: number) => t.client(t.rpc(t.procedure(7, t.int(cursor), t.int(2), t.int(0), t.int(10))));
  const events = t.statements(
    t.run(
      ...t.opening(),
      t.client(t.rpc(t.procedure(2, t.handleOut(), t.nvarchar('SELECT a FROM t'), t.int(1), t.int(1), t.int(5)))),
      t.reply(t.result(['a']).subarray(0, -13), t.done(c.DONE_MORE), t.returnValue(180_150), t.doneProc()),
      fetch(180_150),
      rows('a', 'bb', 'ccc'),
      fetch(9),
      rows('a'),
      fetch(180_150),
      rows('a', 'b'),
    ),
  );
  assert.deepEqual(
    events.map((e) => [e.outcomes[0]?.returnedRows, e.marks]),
    [
      [1, 0],
      [3, 0],
      [undefined, MARK_UNKNOWN_HANDLE | MARK_MALFORMED],
      [2, 0],
    ],
  );
});

test('several calls of one request each get their own results', () => {
  const one = (text: string) => t.procedure(10, t.nvarchar(text));
  const rows = (count: number) => t.done(c.DONE_COUNT | c.DONE_MORE, count, 0xc5, c.TOKEN_DONE_IN_PROC);
  const events = t.run(
    ...t.opening(),
    t.client(t.rpc(one('UPDATE a'), one('UPDATE b'), one('UPDATE c'))),
    t.reply(
      t.bytes(rows(1), t.RETURN_STATUS, t.doneProc(c.DONE_MORE)),
      t.bytes(t.error(547, 'conflict'), t.RETURN_STATUS, t.doneProc(c.DONE_MORE | c.DONE_ERROR)),
      t.bytes(rows(3), t.RETURN_STATUS, t.doneProc()),
    ),
  );
  assert.deepEqual(
    t.statements(events).map(({ text, outcomes }) => [text, outcomes[0]?.affectedRows, outcomes[0]?.errorCode]),
    [
      ['UPDATE a', 1, undefined],
      ['UPDATE b', undefined, '547'],
      ['UPDATE c', 3, undefined],
    ],
  );
});

test('a request longer than is kept is marked, and its statement has its true length', () => {
  const text = `SELECT '${'x'.repeat(700_000)}'`;
  const type = max(0xe7);
  const call = t.procedure(10, t.parameter(type, plp(t.bytes(text))), t.int(1));
  const events = t.run(...t.opening(), t.client(t.message(c.PACKET_RPC, t.bytes(t.headers(), call), 32_000)), ANSWER);
  const [event] = t.statements(events);
  assert.equal(event?.textLength, text.length * 2);
  assert.equal((event?.marks ?? 0) & MARK_TRUNCATED, MARK_TRUNCATED);
  assert.ok(event?.text !== undefined && text.startsWith(event.text));
});
