/** Requests of Sybase clients beyond plain language, TDS 5.0 and 4.2, from clients of either byte order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BindValue, MARK_REDACTED } from '../../contracts/event.ts';
import { play, steps, type Turn } from '../sdk/testkit.ts';
import * as c from './constants.ts';
import tds from './protocol.ts';
import * as t from './testing.ts';

for (const bigEndian of [false, true]) {
  const order = (bytes: Uint8Array) => (bigEndian ? Buffer.from(bytes).reverse() : bytes);
  const u16 = (value: number) => order(t.u16(value));
  const u32 = (value: number) => order(t.u32(value));
  const counted = (token: number, body: Uint8Array) => t.bytes(token, u16(body.length), body);
  const counted32 = (token: number, body: Uint8Array) => t.bytes(token, u32(body.length), body);
  const short = (text: string) => t.bytes(text.length, t.ascii(text));
  const request = (...tokens: readonly Uint8Array[]) => t.client(t.message(c.PACKET_TDS5, t.bytes(...tokens), 512));
  const answer = t.reply(t.bytes(c.TOKEN_DONE, u16(c.DONE_COUNT), u16(0), u32(1)));
  const title = bigEndian ? 'big-endian' : 'little-endian';

  const opening = (): Turn[] => {
    const record = Buffer.alloc(568);
    record[124] = bigEndian ? 2 : 3;
    record[125] = bigEndian ? 0 : 1;
    const ack = t.bytes(5, t.hex('05000000'), short('sql server'), t.hex('0f000000'));
    const done = t.bytes(c.TOKEN_DONE, u16(0), u16(0), u32(0));
    return [t.client(t.message(c.PACKET_OLD_LOGIN, record, 512)), t.reply(counted(c.TOKEN_LOGIN_ACK, ack), done)];
  };

  /** Type with its length, value, and what must be recorded. */
  const values: readonly (readonly [Uint8Array, Uint8Array, BindValue])[] = [
    [t.bytes(0x26, 4), t.bytes(4, u32(-5 >>> 0)), -5],
    [t.bytes(0x44, 8), t.bytes(8, order(t.u64(2n ** 63n))), '9223372036854775808'],
    [t.bytes(0x27, 30), t.bytes(3, t.ascii('abc')), 'abc'],
    [t.bytes(0xaf, u32(1000)), t.bytes(u32(4), t.ascii('long')), 'long'],
    [t.bytes(0x6a, 5, 8, 2), t.bytes(3, 1, 0x30, 0x39), '-123.45'],
    [t.bytes(0x6f, 8), t.bytes(8, u32(1), u32(300)), '1900-01-02 00:00:01.000'],
    [t.bytes(0x7b, 4), t.bytes(4, u32(59)), '1900-03-01'],
    [t.bytes(0x6d, 8), t.bytes(8, order(t.hex('9a9999999999b93f'))), 0.1],
    [t.bytes(0x6e, 8), t.bytes(8, u32(0), u32(10_500)), '1.0500'],
    [t.bytes(0x25, 10), t.bytes(2, t.hex('cafe')), { type: 'varbinary', hex: 'cafe' }],
    [t.bytes(0x26, 4), t.bytes(0), null],
  ];
  const formats = t.bytes(...values.map(([type]) => t.bytes(0, 0, u32(0), type, 0)));
  const parameters = t.bytes(
    counted(c.TOKEN5_PARAMETER_FORMAT, t.bytes(u16(values.length), formats)),
    c.TOKEN5_PARAMETERS,
    ...values.map(([, value]) => value),
  );
  const expected = values.map(([, , value]) => value);

  test(`TDS_DYNAMIC: prepared once, executed with values of every type, ${title}`, () => {
    const dynamic = (type: number, text = '') =>
      counted(c.TOKEN5_DYNAMIC, t.bytes(type, type === 2 ? 1 : 0, short('d1'), u16(text.length), t.ascii(text)));
    const events = t.run(
      ...opening(),
      request(dynamic(1, 'create proc d1 as insert t values (?)')),
      answer,
      request(dynamic(2), parameters),
      answer,
      request(dynamic(4)),
      answer,
    );
    const [event, ...others] = t.statements(events);
    assert.equal(others.length, 0);
    assert.deepEqual([event?.call, event?.text, event?.marks], ['prepared', 'insert t values (?)', 0]);
    assert.deepEqual(event?.parameters, expected);
    assert.equal(event?.outcomes[0]?.affectedRows, 1);
  });

  test(`TDS_DBRPC: the procedure and its values, ${title}`, () => {
    const call = counted(c.TOKEN5_DBRPC, t.bytes(short('sp_report'), u16(2)));
    const [event] = t.statements(t.run(...opening(), request(call, parameters), answer));
    assert.deepEqual([event?.call, event?.procedure, event?.operation], ['rpc', 'sp_report', 'EXECUTE']);
    assert.deepEqual(event?.parameters, expected);
  });

  test(`TDS_DONE tells whether a transaction is open, by its state or by its status, ${title}`, () => {
    const language = counted32(c.TOKEN5_LANGUAGE, t.bytes(0, t.ascii('select 1')));
    const states = [
      [c.DONE_COUNT, 0, 'idle'],
      [c.DONE_COUNT, 2, 'open'],
      [c.DONE_COUNT | c.DONE_IN_TRANSACTION, 0, 'open'],
      [c.DONE_COUNT, 1, 'idle'],
    ] as const;
    const turns = states.flatMap(([status, state]) => [
      request(language),
      t.reply(t.bytes(c.TOKEN_DONE, u16(status), u16(state), u32(1))),
    ]);
    assert.deepEqual(
      t.statements(t.run(...opening(), ...turns)).map(({ transaction }) => transaction),
      states.map(([, , expectedState]) => expectedState),
    );
  });

  test(`passwords handed to procedures are not kept, ${title}`, () => {
    const format = t.bytes(0, 0, u32(0), 0x27, 30, 0);
    const two = counted(c.TOKEN5_PARAMETER_FORMAT, t.bytes(u16(2), format, format));
    const handed = t.bytes(two, c.TOKEN5_PARAMETERS, short('eve'), short('hunter2'));
    const call = counted(c.TOKEN5_DBRPC, t.bytes(short('sp_addlogin'), u16(2)));
    const [event] = t.statements(t.run(...opening(), request(call, handed), answer));
    assert.deepEqual([event?.parameters, event?.marks], [['eve', '***'], MARK_REDACTED]);
  });

  test(`a cursor declared, opened and read in one request is one execution, ${title}`, () => {
    const text = 'select name from people';
    const declare = counted(c.TOKEN5_CURSOR_DECLARE, t.bytes(short('c1'), 1, 0, u16(text.length), t.ascii(text), 0));
    const open = counted(c.TOKEN5_CURSOR_OPEN, t.bytes(u32(0), short('c1'), 0));
    const fetch = counted(c.TOKEN5_CURSOR_FETCH, t.bytes(u32(0), short('c1'), 1));
    const [event, ...others] = t.statements(t.run(...opening(), request(declare, open, fetch), answer));
    assert.equal(others.length, 0);
    assert.deepEqual([event?.call, event?.text, event?.operation], ['cursor', text, undefined]);
  });

  test(`a cursor declared in the wide forms has its text, ${title}`, () => {
    const text = 'select name from people where name like ?';
    const body = (options: Uint8Array) => t.bytes(short('c2'), options, 1, u32(text.length), t.ascii(text), u16(0));
    for (const [token, options] of [
      [c.TOKEN5_CURSOR_DECLARE2, Buffer.of(1)],
      [c.TOKEN5_CURSOR_DECLARE3, u32(1)],
    ] as const) {
      const content = body(options);
      const declare = t.bytes(token, u32(content.length), content);
      const open = counted(c.TOKEN5_CURSOR_OPEN, t.bytes(u32(0), short('c2'), 0));
      const [event] = t.statements(t.run(...opening(), request(declare, open), answer));
      assert.deepEqual([event?.call, event?.text, event?.marks], ['cursor', text, 0]);
    }
  });

  test(`tokens that are not known are passed over by the bits of their number, ${title}`, () => {
    const unknown = t.bytes(
      counted(0xaf, t.bytes(1, 2, 3)),
      t.bytes(0x68, 2, 9, 9),
      t.bytes(0x63, u32(1), 7),
      t.bytes(0x75, 1, 2),
      t.bytes(0x7a, 1, 2, 3, 4),
    );
    const done = t.bytes(c.TOKEN_DONE, u16(c.DONE_COUNT), u16(0), u32(1));
    const language = t.bytes(c.TOKEN5_LANGUAGE, u32(5), 0, t.ascii('drop'));
    const [event] = t.statements(t.run(...opening(), request(language), t.reply(unknown, done)));
    assert.deepEqual([event?.text, event?.outcomes[0]?.affectedRows, event?.marks], ['drop', 1, 0]);
  });

  test(`a cursor is known by name, then by the number of TDS_CURINFO, ${title}`, () => {
    const text = 'select name from people';
    const declare = counted(c.TOKEN5_CURSOR_DECLARE, t.bytes(short('c1'), 1, 0, u16(text.length), t.ascii(text), 0));
    const number = counted(c.TOKEN5_CURSOR_INFO, t.bytes(u32(7), 1, u16(2)));
    const done = t.bytes(c.TOKEN_DONE, u16(0), u16(0), u32(0));
    const events = t.statements(
      t.run(
        ...opening(),
        request(declare),
        t.reply(number, done),
        request(counted(c.TOKEN5_CURSOR_OPEN, t.bytes(u32(7), 0))),
        answer,
        request(counted(c.TOKEN5_CURSOR_FETCH, t.bytes(u32(7), 1))),
        answer,
      ),
    );
    assert.deepEqual(
      events.map((e) => [e.operation, e.text, e.marks]),
      [
        ['OPEN', text, 0],
        ['FETCH', text, 0],
      ],
    );
  });

  const oldCall = (name: string, ...handed: readonly Uint8Array[]) => t.bytes(short(name), u16(0), ...handed);
  const oldRequest = (...calls: readonly Uint8Array[]) => t.client(t.message(c.PACKET_RPC, t.bytes(...calls), 512));
  const ended = t.bytes(c.TOKEN_DONE_PROC, u16(0), u16(0), u32(0));
  const returned = t.bytes(c.TOKEN_RETURN_STATUS, u32(0));
  const positional = values.map(([type, value]) => t.bytes(0, 0, type, value));

  test(`TDS 4.2: a call by name with values of every type, ${title}`, () => {
    const image = t.bytes(short('@picture'), 0, 0x22, u32(100), u32(2), t.hex('cafe'));
    const call = oldCall('shop..sp_report', ...positional, image);
    const [event, ...others] = t.statements(t.run(...opening(), oldRequest(call), t.reply(returned, ended)));
    assert.equal(others.length, 0);
    assert.deepEqual(
      [event?.call, event?.procedure, event?.operation, event?.marks],
      ['rpc', 'shop..sp_report', 'EXECUTE', 0],
    );
    assert.deepEqual(event?.parameters, [...expected, { type: 'image', hex: 'cafe' }]);
  });

  test(`TDS 4.2: several calls of one request, and no passwords, ${title}`, () => {
    const word = (name: string, text: string) => t.bytes(short(name), 0, 0x27, 30, short(text));
    const first = oldCall('sp_addlogin', word('', 'eve'), word('', 'hunter2'));
    const second = oldCall('sp_password', word('@old', 'hunter2'), word('@new', 'hunter3'));
    const done = t.bytes(c.TOKEN_DONE_PROC, u16(c.DONE_MORE), u16(0), u32(0));
    const events = t.run(...opening(), oldRequest(first, Buffer.of(0x80), second), t.reply(done, ended));
    assert.deepEqual(
      t.statements(events).map((e) => [e.procedure, e.parameters]),
      [
        ['sp_addlogin', ['eve', '***']],
        ['sp_password', ['***', '***']],
      ],
    );
    assert.ok(!JSON.stringify(events).includes('hunter'));
  });
}

test('TDS 4.2 mid-stream: a call is known by its name of single bytes', () => {
  const parameter = t.bytes(0, 0, 0x38, t.u32(7));
  const body = t.bytes(6, t.ascii('p_save'), t.u16(0), parameter);
  const turn = t.client(t.message(c.PACKET_RPC, body, 512));
  const [event] = t.statements(play(tds, steps({ name: '', turns: [turn] }), true));
  assert.deepEqual([event?.procedure, event?.parameters], ['p_save', [7]]);
});
