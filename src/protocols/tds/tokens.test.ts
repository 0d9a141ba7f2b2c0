/** ALL_HEADERS of requests; ENVCHANGE, encrypted and classified columns, return values of replies. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatementEvent } from '../../contracts/event.ts';
import type { Turn } from '../sdk/testkit.ts';
import * as c from './constants.ts';
import * as t from './testing.ts';

const header = (type: number, ...data: readonly Uint8Array[]) => {
  const body = t.bytes(...data);
  return t.bytes(t.u32(6 + body.length), t.u16(type), body);
};
const allHeaders = (...headers: readonly Uint8Array[]) => {
  const body = t.bytes(...headers);
  return t.bytes(t.u32(4 + body.length), body);
};
const transaction = header(2, t.u64(0n), t.u32(1));
const notification = header(1, t.us('id'), t.us('service=s'), t.u32(60));
const trace = header(3, Buffer.alloc(16, 7), t.u32(1));

/** What a client sends before its requests, and whether a session of that version does. */
const HEADERS: readonly (readonly [string, Uint8Array, number])[] = [
  ['from 7.2 on, with the transaction descriptor', allHeaders(transaction), 0x72090002],
  ['with trace activity and query notification', allHeaders(notification, transaction, trace), 0x74000004],
  ['absent before 7.2', t.bytes(), 0x71000001],
  ['sometimes missing in newer sessions', t.bytes(), 0x74000004],
];

for (const [when, headers, version] of HEADERS) {
  test(`ALL_HEADERS ${when}: batch and RPC begin behind them`, () => {
    const isWide = version >= 0x72000000;
    const done = (bytes: Uint8Array) => t.reply(isWide ? bytes : bytes.subarray(0, 9));
    const turns: Turn[] = [
      ...t.opening({ version }),
      t.client(t.message(c.PACKET_BATCH, t.bytes(headers, 'SELECT 1'))),
      done(t.done()),
      t.client(t.message(c.PACKET_RPC, t.bytes(headers, t.procedure('p_save', t.int(7))))),
      done(t.doneProc()),
    ];
    assert.deepEqual(
      t.statements(t.run(...turns)).map((e) => [e.text, e.procedure, e.parameters, e.marks]),
      [
        ['SELECT 1', undefined, undefined, 0],
        [undefined, 'p_save', [7], 0],
      ],
    );
  });
}

/** The statement after one whose reply has this token. */
function after(token: Uint8Array): StatementEvent {
  const events = t.run(
    ...t.opening(),
    t.client(t.batch('SELECT before')),
    t.reply(token, t.done()),
    t.client(t.batch('SELECT after')),
    t.reply(t.result(['1'])),
  );
  const [, event] = t.statements(events);
  assert.ok(event);
  return event;
}

const id = t.bytes(8, t.u64(1n));

test('ENVCHANGE 1 is the database; 2 language, 4 packet size, 7 collation, 13 mirroring, 19 instance change nothing', () => {
  assert.equal(after(t.environment(1, 'stock', 'shop')).identity.database, 'stock');
  const others = [
    t.environment(2, 'deutsch', ''),
    t.environment(4, '8000', '4096'),
    t.counted(c.TOKEN_ENV_CHANGE, 7, 5, t.hex('0904d00034'), 0),
    t.environment(13, 'partner', ''),
    t.environment(19, 'name', ''),
  ];
  for (const token of others) {
    const event = after(token);
    assert.deepEqual([event.identity.database, event.marks, event.outcomes[0]?.returnedRows], ['shop', 0, 1]);
  }
});

test('ENVCHANGE 8, 11 begin a transaction; 9, 10, 12, 17 end it', () => {
  for (const [type, state] of [
    [8, 'open'],
    [9, 'idle'],
    [10, 'idle'],
    [11, 'open'],
    [12, 'idle'],
    [17, 'idle'],
  ] as const) {
    const events = t.run(
      ...t.opening(),
      t.client(t.batch('SELECT 1')),
      t.reply(t.counted(c.TOKEN_ENV_CHANGE, type, id, 0), t.done()),
    );
    assert.equal(t.statements(events)[0]?.transaction, state, `type ${type}`);
  }
});

test('ENVCHANGE 18: the server has reset the connection, its handles are gone', () => {
  const events = t.run(
    ...t.opening(),
    t.client(t.rpc(t.procedure('sp_prepexec', t.handleOut(), t.nvarchar(''), t.nvarchar('SELECT 3')))),
    t.reply(t.RETURN_STATUS, t.returnValue(3), t.doneProc()),
    t.client(t.batch('SELECT 1')),
    t.reply(t.counted(c.TOKEN_ENV_CHANGE, c.ENV_RESET, 0, 0), t.done()),
    t.client(t.rpc(t.procedure(12, t.int(3)))),
    t.reply(t.doneProc()),
  );
  assert.equal(t.statements(events).at(-1)?.text, undefined);
});

const CIPHER = t.bytes(t.u16(0), t.u32(0), t.INTN, 2, 1, 1);
const KEYS = t.bytes(
  t.u16(1),
  ...[t.u32(1), t.u32(2), t.u32(3), t.u64(4n), 1],
  ...[t.u16(13), t.ascii('encrypted key'), t.b('store'), t.us('path'), t.b('RSA_OAEP')],
);

test('Always Encrypted: keys and cipher metadata of columns are passed over, rows counted', () => {
  const features = t.bytes(4, t.u32(1), 1, 0xff);
  const plain = t.bytes(t.u32(0), t.u16(0), t.INTN, t.b('id'));
  const secret = t.bytes(t.u32(0), t.u16(0x0800), t.bytes(0xa5, t.u16(65)), CIPHER, t.b('ssn'));
  const row = t.bytes(c.TOKEN_ROW, 4, t.u32(1), t.u16(3), t.hex('c1c2c3'));
  const events = t.run(
    t.client(t.login7({ features })),
    t.reply(t.loginAck(), t.bytes(c.TOKEN_FEATURE_ACK, 4, t.u32(1), 1, 0xff), t.done()),
    t.client(t.batch('SELECT id, ssn FROM people')),
    t.reply(t.bytes(c.TOKEN_COLUMNS, t.u16(2), KEYS, plain, secret), row, row, t.done(c.DONE_COUNT, 2)),
  );
  const [event] = t.statements(events);
  assert.deepEqual([event?.outcomes[0]?.returnedRows, event?.marks], [2, 0]);
});

test('DATACLASSIFICATION of both versions is passed over, rows counted', () => {
  for (const version of [1, 2]) {
    const labels = t.bytes(t.u16(1), t.b('Confidential'), t.b('id'), t.u16(1), t.b('Financial'), t.b('id'));
    const ranks = version === 2 ? t.u32(10) : t.bytes();
    const property = t.bytes(t.u16(0), t.u16(0), version === 2 ? t.u32(10) : t.bytes());
    const token = t.bytes(c.TOKEN_DATA_CLASSIFICATION, labels, ranks, t.u16(1), t.u16(1), property);
    const events = t.run(
      t.client(t.login7()),
      t.reply(t.loginAck(), t.bytes(c.TOKEN_FEATURE_ACK, 9, t.u32(2), version, 1, 0xff), t.done()),
      t.client(t.batch('SELECT salary FROM people')),
      t.reply(
        t.columnsOf({ type: t.INTN, name: 'salary' }),
        token,
        t.bytes(c.TOKEN_ROW, 4, t.u32(1)),
        t.done(c.DONE_COUNT, 1),
      ),
    );
    const [event] = t.statements(events);
    assert.deepEqual([event?.outcomes[0]?.returnedRows, event?.marks], [1, 0], `version ${version}`);
  }
});

test('RETURNSTATUS, RETURNVALUE of every kind of type, DONEINPROC, DONEPROC: one call, its results in order', () => {
  const returned = (type: Uint8Array, value: Uint8Array) =>
    t.bytes(c.TOKEN_RETURN_VALUE, t.u16(1), t.b('@out'), 1, t.u32(0), t.u16(0), type, value);
  const events = t.run(
    ...t.opening(),
    t.client(t.rpc(t.procedure('p_report', t.int(1)))),
    t.reply(
      t.columnsOf({ type: t.INTN, name: 'n' }),
      t.bytes(c.TOKEN_ROW, 4, t.u32(1)),
      t.done(c.DONE_COUNT | c.DONE_MORE, 1, 0xc1, c.TOKEN_DONE_IN_PROC),
      t.done(c.DONE_COUNT | c.DONE_MORE, 5, 0xc5, c.TOKEN_DONE_IN_PROC),
      t.RETURN_STATUS,
      returned(t.NVARCHAR, t.bytes(t.u16(4), 'ok')),
      returned(t.bytes(0xe7, t.u16(0xffff), t.hex('0904d00034')), t.u64(-1n)),
      returned(t.bytes(0x2a, 7), t.bytes(0)),
      returned(t.bytes(0x38), t.u32(9)),
      returned(t.INTN, t.bytes(0)),
      t.doneProc(),
    ),
  );
  const [event, ...others] = t.statements(events);
  assert.equal(others.length, 0);
  assert.equal(event?.marks, 0);
  assert.deepEqual(
    event?.outcomes.map((o) => [o.returnedRows, o.affectedRows]),
    [
      [1, undefined],
      [undefined, 5],
    ],
  );
});
