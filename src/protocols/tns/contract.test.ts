/** The contract of every protocol, over conversations that between them use most of this one. */
import { type Conversation, contractTests } from '../sdk/testkit.ts';
import tns from './protocol.ts';
import * as t from './testing.ts';

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

const number = (digit: number): Uint8Array => t.clr([0xc1, digit + 1]);

contractTests(tns, [
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
