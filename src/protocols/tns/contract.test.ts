/** The contract of every protocol, over conversations that between them use most of this one. */
import { type Conversation, contractTests } from '../sdk/testkit.ts';
import tns from './protocol.ts';
import { BIG_ENDIAN, DIALECT_F4, DIALECT_F8, DIALECT_NA, type Dialect } from './reader.ts';
import * as t from './testing.ts';
import { FixedWriter } from './testing-fixed.ts';

const SENTINEL = 'SELECT sentinel FROM lighthouse';

/** Two exchanges to find its feet, then the sentinel. */
function ending(turns: t.Turns): t.Turns {
  const ask = (seq: number, sql: string): t.Turns => [
    t.client(t.data(t.execute(seq, { sql, query: true, options: 0x8061 }))),
    t.server(t.data(t.noData(seq, 1, 9))),
  ];
  return [
    ...turns,
    ...ask(200, 'SELECT 1 FROM dual'),
    ...ask(201, 'SELECT 2 FROM dual'),
    ...ask(202, SENTINEL),
    t.client(t.data(t.bytes(3, 9, 203))),
    t.server(t.data(t.shortStatus(203))),
    t.client(t.data(new Uint8Array(0), 0x40)),
  ];
}

function conversation(name: string, turns: t.Turns): Conversation {
  return { name, turns: ending(turns), sentinel: { text: SENTINEL, turn: turns.length } };
}

/** As `ending`, from a native client. */
function nativeEnding(turns: t.Turns, w: FixedWriter): t.Turns {
  const ask = (seq: number, sql: string): t.Turns => [
    t.client(t.data(w.execute(seq, { sql, query: true, options: 0x8061 }))),
    t.server(t.data(w.status(seq, { rows: 1, error: 1403, text: 'ORA-01403: no data found\n', cursor: 9 }))),
  ];
  return [
    ...turns,
    ...ask(200, 'SELECT 1 FROM dual'),
    ...ask(201, 'SELECT 2 FROM dual'),
    ...ask(202, SENTINEL),
    t.client(t.data(t.bytes(3, 9, 203))),
    t.server(t.data(w.status(203))),
    t.client(t.data(new Uint8Array(0), 0x40)),
  ];
}

/** Login, statements with binds, re-execution, fetch, error and closed cursors of a native client. */
function native(name: string, dialect: Dialect, fieldVersion: number): Conversation {
  const w = new FixedWriter(dialect, fieldVersion);
  const pairs = [w.pair('AUTH_PROGRAM_NM', 'sqlplus'), w.pair('AUTH_SID', 'ann')];
  const binds = [
    { type: 2, maxBytes: 22, charset: 0 },
    { type: 1, maxBytes: 30, form: 1 },
  ];
  const close = (seq: number, call: Uint8Array): Uint8Array => w.closeCursors(seq, [2], call);
  const failing = w.execute(7, { sql: 'DELETE FROM missing' });
  const turns = [
    t.client(t.data(w.auth(1, 1, 'scott', pairs))),
    t.server(t.data(t.bytes(8, w.int(0, 2), w.status(1)))),
    t.client(t.data(w.auth(2, 2, 'scott', pairs, 0x101))),
    t.server(t.data(t.bytes(8, w.int(0, 2), w.status(2)))),
    t.client(t.data(w.execute(3, { sql: 'INSERT INTO t VALUES (:1, :2)', binds, rows: [[number(7), t.clr('blue')]] }))),
    t.server(t.data(t.bytes(8, new Uint8Array(20), w.status(3, { rows: 1, cursor: 2 })))),
    t.client(t.data(w.reexecute(4, 2, [[number(8), t.clr('red')]]))),
    t.server(t.data(t.bytes(8, new Uint8Array(20), w.status(4, { rows: 1, cursor: 2 })))),
    t.client(t.data(w.execute(5, { sql: 'SELECT name FROM customers', query: true, options: 0x8061 }))),
    t.server(t.data(t.bytes(16, new Uint8Array(60), w.status(5, { rows: 2, cursor: 4, sqlType: 3 })))),
    t.client(t.data(close(6, failing))),
    t.server(t.packet(12, t.bytes(1, 0, 1)), t.packet(12, t.bytes(1, 0, 2))),
    t.client(t.packet(12, t.bytes(1, 0, 2))),
    t.server(t.data(w.status(7, { error: 942, text: 'ORA-00942: table or view does not exist\n' }))),
  ];
  const opened = [t.client(t.connect()), t.server(t.accept()), ...turns];
  return { name, turns: nativeEnding(opened, w), sentinel: { text: SENTINEL, turn: opened.length } };
}

const number = (digit: number): Uint8Array => t.clr([0xc1, digit + 1]);

contractTests(tns, [
  native('a native client, packed', DIALECT_F8, 6),
  native('a native client, aligned, of 18c', DIALECT_NA, 11),
  native('a native client, 32-bit and big-endian', DIALECT_F4 + BIG_ENDIAN, 4),
  conversation('statements', [
    ...t.opening(),
    t.client(t.data(t.execute(3, { sql: 'SELECT name FROM customers', query: true, options: 0x8061 }))),
    t.server(t.data(t.bytes(16, 'described', t.oer(3, { rows: 2, cursor: 4 })))),
    t.client(t.data(t.bytes(3, 5, 4, t.ub(4), t.ub(10)))),
    t.server(t.data(t.bytes(7, t.clr('ann'), 7, t.clr('bob'), t.noData(4, 4, 4)))),
    t.client(t.data(t.execute(5, { sql: 'DELETE FROM missing' }))),
    t.server(t.packet(12, t.bytes(1, 0, 1)), t.packet(12, t.bytes(1, 0, 2))),
    t.client(t.packet(12, t.bytes(1, 0, 2))),
    t.server(t.data(t.oer(5, { error: 942, text: 'ORA-00942: table or view does not exist\n', cursor: 5 }))),
    t.client(t.data(t.bytes(0x11, 0x69, 6, 1, t.ub(1), t.ub(5), 3, 0x0e, 7))),
    t.server(t.data(t.shortStatus(7))),
  ]),
  conversation('binds and cursors', [
    ...t.opening(),
    t.client(
      t.data(
        t.execute(3, {
          sql: 'INSERT INTO t VALUES (:1, :2)',
          binds: [t.oac(2, 22), t.oac(1, 30, 1)],
          rows: [[number(7), t.clr('blue')]],
          options: 0x8029,
        }),
      ),
    ),
    t.server(t.data(t.bytes(8, t.ub(0), t.oer(3, { rows: 1, cursor: 6 })))),
    t.client(t.data(t.bytes(3, 4, 4, t.ub(6), t.ub(2), t.ub(0), t.ub(0), 7, number(8), t.clr('red'), 7, number(9), 0))),
    t.server(t.data(t.bytes(8, t.ub(0), t.oer(4, { rows: 2, cursor: 6 })))),
  ]),
]);
