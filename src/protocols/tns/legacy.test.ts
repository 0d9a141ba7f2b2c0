/** Clients before version 10: O3LOGON, OALL7 and its companions, texts of calls that nobody has described. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MARK_MALFORMED } from '../../contracts/event.ts';
import { findSql } from './scan.ts';
import * as t from './testing.ts';

/** CONNECT to the data types of a connection of field version 2. */
function negotiated(rawText: boolean): t.Turns {
  const types = t.clientTypes(2);
  // Flag "conversion length": texts carry their own count.
  types[5] = rawText ? 1 : 2;
  return [
    t.client(t.connect()),
    t.server(t.accept(312)),
    t.client(t.data(t.bytes(1, 6, 5, 4, 3, 2, 1, 0, 'Java_TTC-8.2.0', 0))),
    t.server(t.data(t.serverProtocol(2))),
    t.client(t.data(types)),
    t.server(t.data(t.bytes(2, t.u16(0)))),
  ];
}

/** A call of O3LOGON as the thin driver of 9i writes it. */
function o3logon(phase: 1 | 2, seq: number, user: string, rawText: boolean, mode = 0): Uint8Array {
  const texts = [user, phase === 2 ? '4F1C9A2E77B0D3512' : '', 'unknown', 'desk7', 'ann', '', 'JDBC Thin Client'];
  const length = (index: number): Uint8Array => {
    const text = texts[index] ?? '';
    return text === '' ? t.bytes(0, 0) : t.bytes(1, t.ub(text.length));
  };
  return t.bytes(
    bytes3(phase === 1 ? 0x52 : 0x51, seq),
    ...[length(0), length(1)],
    t.bytes(t.ub(mode), 0, 0, 0),
    ...[length(2), length(3), length(4)],
    t.ub(4096),
    ...[length(5), length(6)],
    t.bytes(0, 0, 0, 0, 1, t.ub(16), phase === 1 ? 1 : 0),
    ...texts.map((text) => (rawText || text === '' ? t.bytes(text) : t.clr(text))),
  );
}

function bytes3(fn: number, seq: number): Uint8Array {
  return t.bytes(3, fn, seq);
}

for (const rawText of [true, false]) {
  test(`O3LOGON: one login for two calls, ${rawText ? 'raw' : 'counted'} texts`, () => {
    const events = t.run([
      ...negotiated(rawText),
      t.client(t.data(o3logon(1, 1, 'SCOTT', rawText))),
      t.server(t.data(t.bytes(8, 1, 16, '0123456789ABCDEF'))),
      t.client(t.data(o3logon(2, 2, 'SCOTT', rawText))),
      t.server(t.data(oer2(0, 0))),
      t.client(t.data(t.bytes(3, 0x0e, 3))),
      t.server(t.data(oer2(0, 0))),
    ]);
    const [login, ...others] = t.logins(events);
    assert.deepEqual(others, []);
    assert.equal(login?.method, 'o3logon');
    assert.equal(login?.errorCode, undefined);
    assert.equal(login?.marks, 0);
    assert.deepEqual(
      [login?.identity.user, login?.identity.osUser, login?.identity.clientHost, login?.identity.program],
      ['SCOTT', 'ann', 'desk7', 'JDBC Thin Client'],
    );
    assert.equal(login?.identity.database, 'shop');
    assert.ok(!JSON.stringify(events).includes('4F1C9A2E77B0D3512'));
    assert.equal(t.statements(events)[0]?.operation, 'COMMIT');
  });
}

test('O3LOGON: denied, with code and text', () => {
  const events = t.run([
    ...negotiated(true),
    t.client(t.data(o3logon(1, 1, 'SCOTT', true))),
    t.server(t.data(t.bytes(8, 1, 16, '0123456789ABCDEF'))),
    t.client(t.data(o3logon(2, 2, 'SCOTT', true))),
    t.server(t.data(oer2(0, 1017, 'ORA-01017: invalid username/password; logon denied\n'))),
  ]);
  assert.equal(t.logins(events)[0]?.errorCode, 'ORA-01017');
});

test('O3LOGON of native clients: the user', () => {
  const w = (value: number): Uint8Array => Uint8Array.of(value & 0xff, value >> 8, 0, 0);
  const pointer = t.bytes(0xfe, 0xff, 0xff, 0xff);
  const call = t.bytes(3, 0x52, 1, pointer, w(5), new Uint8Array(28), pointer, w(7), t.clr('SCOTT'), t.clr('unknown'));
  const events = t.run([t.client(t.data(call)), t.server(t.data(t.bytes(8, 1, 16, '0123456789ABCDEF')))], true);
  assert.equal(t.logins(events)[0]?.identity.user, 'SCOTT');
});

/** Status of field version 2: no call status, no sequence number. */
function oer2(rows: number, error: number, text = '', cursor = 0): Uint8Array {
  const head = t.bytes(4, t.ub(rows), t.ub(error), 0, 0, t.ub(cursor), 0, 0);
  return t.bytes(head, new Uint8Array(14), error === 0 ? '' : t.clr(text));
}

/** OALL7: a text, a descriptor for each bind, values. */
function all7(
  seq: number,
  options: number,
  sql: string | undefined,
  binds: readonly Uint8Array[],
  rows: readonly Uint8Array[],
): Uint8Array {
  const text = sql === undefined ? t.bytes(0, 0) : t.bytes(1, t.ub(sql.length));
  const bound = binds.length === 0 ? t.bytes(0, 0) : t.bytes(1, t.ub(binds.length));
  return t.bytes(
    bytes3(0x47, seq),
    t.bytes(t.ub(options), t.ub(1), text, 0, 0, 1, t.ub(7), 1, t.ub(2), 0, 0, 0, bound),
    sql ?? '',
    t.bytes(t.ub(sql === undefined ? 0 : 1), t.ub(1), 0, 0, 0, 0, 0),
    ...binds,
    ...(rows.length === 0 ? [] : [t.bytes(7, ...rows)]),
  );
}

/** Descriptor without the number of characters, which came later. */
function oac7(type: number, maxBytes: number, form = 0): Uint8Array {
  return t.bytes(type, 3, 0, 0, t.ub(maxBytes), 0, 0, 0, 0, t.ub(form === 0 ? 0 : 31), form);
}

/** Statements of a session of the thin driver of 9i. */
function after(...turns: t.Turns): ReturnType<typeof t.statements> {
  return t.statements(t.run([...negotiated(true), ...turns]));
}

const parameters = t.bytes(8, t.ub(2), t.ub(4711), t.ub(1));
const open = (seq: number): t.Turns => [
  t.client(t.data(t.bytes(3, 2, seq, 1, 0))),
  t.server(t.data(t.bytes(8, t.ub(1)))),
];
const close = (seq: number): t.Turns => [
  t.client(t.data(t.bytes(3, 0x14, seq, t.ub(1)))),
  t.server(t.data(t.bytes(9, t.ub(1)))),
];

test('OALL7: a query in five calls is one record with its rows', () => {
  const events = after(
    ...open(1),
    t.client(t.data(all7(2, 0x8021, 'SELECT name FROM people', [], []))),
    t.server(t.data(parameters)),
    t.client(t.data(t.bytes(3, 0x62, 3, t.ub(1)))),
    t.server(t.data(t.bytes(8, 1, 1, 'described'))),
    t.client(t.data(all7(4, 0x8050, undefined, [], []))),
    t.server(
      t.data(t.bytes(6, 0, 7, t.clr('ann'), 0, 7, t.clr('bob'), 0, oer2(2, 1403, 'ORA-01403: no data found\n'))),
    ),
    ...close(5),
  );
  assert.deepEqual(
    events.map((event) => [event.text, event.outcomes.length, event.outcomes[0]?.returnedRows, event.marks]),
    [['SELECT name FROM people', 1, 2, 0]],
  );
  assert.equal(events[0]?.outcomes[0]?.errorCode, undefined);
});

test('OALL7: DML with binds, and one that fails', () => {
  const events = after(
    ...open(1),
    t.client(
      t.data(
        all7(2, 0x8029, 'INSERT INTO t VALUES (:1, :2)', [oac7(2, 22), oac7(1, 30, 1)], [t.clr([0xc1, 8]), t.clr('x')]),
      ),
    ),
    t.server(t.data(t.bytes(parameters, oer2(1, 0)))),
    ...close(3),
    ...open(4),
    t.client(t.data(all7(5, 0x8021, 'DELETE FROM missing', [], []))),
    t.server(t.data(oer2(0, 942, 'ORA-00942: table or view does not exist\n'))),
    ...close(6),
  );
  assert.deepEqual(
    events.map((event) => [
      event.text,
      event.parameters,
      event.outcomes[0]?.affectedRows,
      event.outcomes[0]?.errorCode,
    ]),
    [
      ['INSERT INTO t VALUES (:1, :2)', [7, 'x'], 1, undefined],
      ['DELETE FROM missing', undefined, undefined, 'ORA-00942'],
    ],
  );
  for (const event of events) assert.equal(event.marks, 0);
});

test('OALL7: values of a block follow once the server has asked for them', () => {
  const events = after(
    ...open(1),
    t.client(t.data(all7(2, 0x429, 'BEGIN double_it(:1, :2); END;', [oac7(6, 22), oac7(1, 30, 1)], []))),
    t.server(t.data(t.bytes(11, 5, t.ub(2), 0, t.ub(1), 0, 0, 0, 32, 32))),
    t.client(t.data(t.bytes(7, t.clr([0xc1, 8]), t.clr('in')))),
    t.server(t.data(t.bytes(parameters, oer2(1, 0)))),
    ...close(3),
  );
  assert.deepEqual(
    events.map((event) => [event.text, event.parameters, event.outcomes[0]?.errorCode, event.marks]),
    [['BEGIN double_it(:1, :2); END;', [7, 'in'], undefined, 0]],
  );
});

test('calls that nobody has described keep their text, marked', () => {
  const texts = ['select ename from emp where deptno = :b1', `update emp set note = '${'x'.repeat(300)}'`];
  for (const fn of [0x4a, 0x3e]) {
    for (const sql of texts) {
      const head = t.bytes(3, fn, 9, 1, 0, 0, 0, 0, 2, 0);
      const [event, ...others] = after(
        t.client(t.data(t.bytes(head, t.clr(sql), 0, 0, 1, 0))),
        t.server(t.data(oer2(3, 0))),
      );
      assert.deepEqual(others, []);
      assert.equal(event?.text, sql);
      assert.equal(event?.marks, MARK_MALFORMED);
    }
  }
});

test('a call of OALL8 that no layout explains keeps its text, marked', () => {
  const strange = t.execute(3, { sql: 'DELETE FROM orders WHERE id = 7' });
  // One argument more than any version has.
  const call = t.bytes(strange.subarray(0, 12), 1, 0, strange.subarray(12));
  const [event] = t.statements(
    t.run([...t.opening(), t.client(t.data(call)), t.server(t.data(t.oer(3, { rows: 1, cursor: 2 })))]),
  );
  assert.equal(event?.text, 'DELETE FROM orders WHERE id = 7');
  assert.equal(event?.marks, MARK_MALFORMED);
  assert.equal(event?.outcomes[0]?.affectedRows, 1);
});

test('the search for texts: raw, counted, chunked; nothing that is none', () => {
  const found = (bytes: Uint8Array): string | undefined => {
    const text = findSql(bytes, 0, bytes.length);
    return text && Buffer.from(text).toString('latin1');
  };
  assert.equal(found(t.bytes(0, 1, t.ub(20), 0, 0, 'SELECT 1 FROM dual x', 0, 1)), 'SELECT 1 FROM dual x');
  assert.equal(found(t.bytes(0, t.clr('/* hint */ select 2 from dual\0'), 9)), '/* hint */ select 2 from dual');
  const long = `insert into t values ('${'y'.repeat(900)}')`;
  assert.equal(found(t.bytes(5, t.clr(long), 1)), long);
  assert.equal(found(t.bytes(12, 'SELECT but no count is right', 0)), undefined);
  assert.equal(found(t.clr('SELECT \u0001\u0002 binary')), undefined);
  assert.equal(found(new Uint8Array(300)), undefined);
});
