/** The contract of every protocol, over conversations that between them use the whole of this one. */
import { deflateSync } from 'node:zlib';
import { type Conversation, contractTests } from '../sdk/testkit.ts';
import * as c from './constants.ts';
import mysql from './protocol.ts';
import * as t from './testing.ts';

const SENTINEL = 'SELECT sentinel FROM lighthouse';

/** Two exchanges to find its feet, then the sentinel. */
function ending(turns: t.Turns): Conversation['turns'] {
  return [
    ...turns,
    t.client(t.query('SELECT 1')),
    t.server(t.result(['1'])),
    t.client(t.query('SELECT 2')),
    t.server(t.result(['2'])),
    t.client(t.query(SENTINEL)),
    t.server(t.result(['z'])),
    t.client(t.command(c.COM_QUIT)),
  ];
}

function conversation(name: string, turns: t.Turns): Conversation {
  return { name, turns: ending(turns), sentinel: { text: SENTINEL, turn: turns.length } };
}

const simple = conversation('simple queries', [
  ...t.opening(),
  t.client(t.query('SELECT name FROM customers')),
  t.server(t.result(['ann', 'bob', 'eve'])),
  t.client(t.query('UPDATE customers SET x = 1; DELETE FROM basket')),
  t.server(t.ok(1, { affectedRows: 3, status: 10 }), t.ok(2, { affectedRows: 1 })),
  t.client(t.query('SELECT broken')),
  t.server(t.err(1, 1054, '42S22', "Unknown column 'broken'")),
  t.client(t.command(c.COM_INIT_DB, 'stock')),
  t.server(t.ok(1)),
]);

const prepared = conversation('prepared statements', [
  ...t.opening(),
  t.client(t.command(c.COM_STMT_PREPARE, 'SELECT a FROM t WHERE b = ? AND c = ?')),
  t.server(t.prepared(5, 2, 1)),
  t.client(t.execute(5, [8, 253], [t.u64(77n), t.str('blue')])),
  t.server(t.result(['\0\0x'])),
  t.client(
    t.command(c.COM_STMT_SEND_LONG_DATA, t.u32(5), t.u16(1), 'part one, '),
    t.command(c.COM_STMT_SEND_LONG_DATA, t.u32(5), t.u16(1), 'part two'),
  ),
  t.client(t.execute(5, undefined, [t.u64(78n), new Uint8Array(0)])),
  t.server(t.result(['\0\0y'])),
  t.client(t.command(c.COM_STMT_CLOSE, t.u32(5))),
]);

function compressed(sequence: number, ...packets: readonly Uint8Array[]): Uint8Array {
  const plain = t.bytes(...packets);
  const small = deflateSync(plain);
  return small.length < plain.length
    ? t.bytes(t.u24(small.length), sequence, t.u24(plain.length), small)
    : t.bytes(t.u24(plain.length), sequence, t.u24(0), plain);
}

const many = Array.from({ length: 40 }, (_, i) => `row number ${i}`);
const compression: Conversation = {
  name: 'compressed',
  turns: [
    ...t.opening(t.CLASSIC | c.CLIENT_COMPRESS),
    t.client(compressed(0, t.query('SELECT line FROM log'))),
    t.server(compressed(1, t.result(many))),
    t.client(compressed(0, t.query(`SELECT '${'x'.repeat(300)}'`))),
    t.server(compressed(1, t.result(['1']))),
    t.client(compressed(0, t.command(c.COM_QUIT))),
  ],
};

contractTests(mysql, [{ ...simple, pipelined: true }, { ...prepared, pipelined: true }, compression]);
