/** System procedures by number and by name, calls of one request, and who acts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MARK_UNKNOWN_HANDLE } from '../../contracts/event.ts';
import type { Turn } from '../sdk/testkit.ts';
import * as c from './constants.ts';
import * as t from './testing.ts';

const ANSWER = t.reply(t.RETURN_STATUS, t.doneProc());
const refused = t.reply(t.error(8179, 'Could not find prepared statement'), t.doneProc(c.DONE_ERROR));

const SQL = t.nvarchar('SELECT @a');
const TYPES = t.nvarchar('@a int');
const out = t.handleOut();
const option = t.int(1);
const value = t.int(77, '@a');

/** ProcID, name, parameters, and what must be recorded: call, operation, whether its text is known, values. */
const PROCEDURES: readonly (readonly [
  number,
  string,
  readonly Uint8Array[],
  readonly [string, string | undefined, boolean, readonly number[] | undefined],
])[] = [
  [1, 'sp_cursor', [t.int(9), t.int(33), t.int(1)], ['cursor', 'CURSOR', false, [33, 1]]],
  [2, 'sp_cursoropen', [out, SQL, option, option, option, TYPES, value], ['cursor', undefined, true, [77]]],
  [3, 'sp_cursorprepare', [out, TYPES, SQL, option], ['prepare', undefined, true, undefined]],
  [4, 'sp_cursorexecute', [t.int(9), out, option, option, option, value], ['cursor', undefined, false, [77]]],
  [5, 'sp_cursorprepexec', [out, out, TYPES, SQL, option, option, option, value], ['cursor', undefined, true, [77]]],
  [6, 'sp_cursorunprepare', [t.int(9)], ['prepare', undefined, false, undefined]],
  [7, 'sp_cursorfetch', [t.int(9), t.int(2), t.int(0), t.int(10)], ['cursor', 'FETCH', false, [2, 0, 10]]],
  [8, 'sp_cursoroption', [t.int(9), t.int(1), t.int(1)], ['cursor', undefined, false, undefined]],
  [9, 'sp_cursorclose', [t.int(9)], ['cursor', undefined, false, undefined]],
  [10, 'sp_executesql', [SQL, TYPES, value], ['rpc', undefined, true, [77]]],
  [11, 'sp_prepare', [out, TYPES, SQL, option], ['prepare', undefined, true, undefined]],
  [12, 'sp_execute', [t.int(9), value], ['prepared', undefined, false, [77]]],
  [13, 'sp_prepexec', [out, TYPES, SQL, value], ['prepared', undefined, true, [77]]],
  [14, 'sp_prepexecrpc', [out, SQL, value], ['prepared', undefined, true, [77]]],
  [15, 'sp_unprepare', [t.int(9)], ['prepare', undefined, false, undefined]],
];

for (const [number, name, parameters, [call, operation, hasText, values]] of PROCEDURES) {
  test(`ProcID ${number} is ${name}, also when it comes as text: its statement, handle and values`, () => {
    for (const procedure of [number, name, `sys.${name}`, `[master].[sys].[${name.toUpperCase()}];1`]) {
      // Those that execute nothing are recorded when they fail.
      const events = t.run(...t.opening(), t.client(t.rpc(t.procedure(procedure, ...parameters))), refused);
      const [event, ...others] = t.statements(events);
      assert.equal(others.length, 0);
      assert.deepEqual([event?.call, event?.operation, event?.parameters], [call, operation, values]);
      assert.equal(event?.procedure, typeof procedure === 'number' ? name : procedure);
      assert.equal(event?.text, hasText ? 'SELECT @a' : undefined);
      assert.equal(event?.marks, hasText ? 0 : MARK_UNKNOWN_HANDLE);
    }
  });
}

test('option flags, by-ref and default parameters do not change the values', () => {
  const parameters = [t.int(1, '@in'), t.int(2, '@ref', 1), t.int(3, '@default', 2)];
  const flagged = t.bytes(t.us('p'), t.u16(7), ...parameters);
  const [event] = t.statements(t.run(...t.opening(), t.client(t.rpc(flagged)), ANSWER));
  assert.deepEqual(event?.parameters, [1, 2, 3]);
});

for (const [separator, old] of [
  [0xff, false],
  [0xfe, false],
  [0x80, true],
] as const) {
  test(`several RPCs in one request, separated by 0x${separator.toString(16)}`, () => {
    const calls = t.bytes(t.procedure('a', t.int(1)), separator, t.procedure('b', t.int(2)), separator);
    const body = old ? calls : t.bytes(t.headers(), calls);
    const opening = t.opening(old ? { version: 0x71000001 } : {});
    const ack = old ? narrow : ANSWER;
    const events = t.run(...opening, t.client(t.message(c.PACKET_RPC, body)), ack);
    assert.deepEqual(
      t.statements(events).map((e) => [e.procedure, e.parameters, e.marks]),
      [
        ['a', [1], 0],
        ['b', [2], 0],
      ],
    );
  });
}
/** Before TDS 7.2 a DONE counts in four bytes. */
const narrow: Turn = t.reply(t.doneProc(c.DONE_MORE).subarray(0, 9), t.doneProc().subarray(0, 9));

for (const [status, name] of [
  [c.STATUS_RESET, 'RESETCONNECTION'],
  [c.STATUS_RESET_KEEP_TRANSACTION, 'RESETSKIPTRAN'],
] as const) {
  test(`${name}: the next user of a pooled connection has no handles, roles or context of the last one`, () => {
    const body = (text: string) => t.bytes(t.headers(), text);
    const events = t.run(
      ...t.opening(),
      t.client(t.rpc(t.procedure('sp_prepexec', out, t.nvarchar(''), t.nvarchar('SELECT 3')))),
      t.reply(t.RETURN_STATUS, t.returnValue(3), t.doneProc()),
      t.client(t.rpc(t.procedure('sp_setapprole', t.nvarchar('clerk'), t.nvarchar('hunter2')))),
      ANSWER,
      t.client(t.batch('SET CONTEXT_INFO 0x626F62')),
      t.reply(t.done()),
      t.client(t.message(c.PACKET_BATCH, body('SELECT 1'), 4096, status)),
      t.reply(t.result(['1'])),
      t.client(t.rpc(t.procedure(12, t.int(3)))),
      ANSWER,
    );
    const [reset, execution] = t.statements(events).slice(-2);
    assert.deepEqual([reset?.identity.effectiveUser, reset?.identity.endUser], [undefined, undefined]);
    assert.deepEqual([execution?.text, execution?.marks], [undefined, MARK_UNKNOWN_HANDLE]);
  });
}

test('context_info changes the end user of what follows, when it is text', () => {
  const setting = (text: string) => [
    t.client(t.batch(text)),
    t.reply(t.done()),
    t.client(t.batch('?')),
    t.reply(t.done()),
  ];
  const bound = t.parameter(t.bytes(0xa5, t.u16(128)), t.hex('0300 616e6e'), '@c');
  const events = t.run(
    ...t.opening(),
    ...setting('SET CONTEXT_INFO 0x626F62'),
    ...setting('set context_info 0x7A0061006B00'.replace('7A0061006B00', '7A0061006B000000')),
    t.client(t.rpc(t.procedure(10, t.nvarchar('SET CONTEXT_INFO @c'), t.nvarchar('@c varbinary(128)'), bound))),
    ANSWER,
    t.client(t.batch('?')),
    t.reply(t.done()),
    ...setting('SET CONTEXT_INFO 0x00FF01'),
    ...setting('DECLARE @c varbinary(128) = CAST(SUSER_NAME() AS varbinary(128)); SET CONTEXT_INFO @c'),
    t.client(t.batch('SET CONTEXT_INFO 0x657665')),
    t.reply(t.error(229, 'denied'), t.done(c.DONE_ERROR)),
    t.client(t.batch('?')),
    t.reply(t.done()),
  );
  const users = t.statements(events).filter((e) => e.text === '?');
  assert.deepEqual(
    users.map((e) => e.identity.endUser),
    ['bob', 'zak', 'ann', undefined, undefined, undefined],
  );
});
