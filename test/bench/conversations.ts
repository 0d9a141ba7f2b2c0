/**
 * Conversations of the protocol benches, built from each protocol's test builders: a query with an endless result, and a
 * prepared statement executed again and again.
 */
import { type Direction, type ProtocolModule, TO_CLIENT, TO_SERVER } from '#src/contracts/protocol.js';
import * as ddm from '#src/protocols/drda/codepoints.js';
import drda from '#src/protocols/drda/protocol.js';
import * as dr from '#src/protocols/drda/testing.js';
import * as drTypes from '#src/protocols/drda/types.js';
import mysql from '#src/protocols/mysql/protocol.js';
import * as my from '#src/protocols/mysql/testing.js';
import postgres from '#src/protocols/postgres/protocol.js';
import * as pg from '#src/protocols/postgres/testing.js';
import type { Turn } from '#src/protocols/sdk/testkit.js';
import * as c from '#src/protocols/tds/constants.js';
import tds from '#src/protocols/tds/protocol.js';
import * as t from '#src/protocols/tds/testing.js';
import tns from '#src/protocols/tns/protocol.js';
import * as ora from '#src/protocols/tns/testing.js';

export type Said = readonly [Direction, Uint8Array];

export interface RowCase {
  readonly name: string;
  readonly module: ProtocolModule;
  /** What comes before the rows: login, query, column definitions; and after them. */
  readonly before: readonly Said[];
  readonly row: (index: number, cell: Uint8Array) => Uint8Array;
  /** Rows as they travel, where they are not packets of their own. */
  readonly pack: (rows: readonly Uint8Array[]) => Uint8Array;
  readonly after: (rows: number) => Uint8Array;
}

export interface ExecutionCase {
  readonly name: string;
  readonly module: ProtocolModule;
  readonly before: readonly Said[];
  /** Executes the statement with this value. */
  readonly request: (value: number) => Uint8Array;
  readonly reply: Uint8Array;
}

const said = ({ direction, bytes }: Turn): Said => [direction, bytes];
const PG_WELCOME: Uint8Array = Buffer.concat([pg.auth(0), pg.ready()]);

// TDS: an integer, the cell, a time and a decimal, as most tables have.
const TDS_COLUMNS: Uint8Array = t.columnsOf(
  { type: t.INTN, name: 'id' },
  { type: t.NVARCHAR, name: 'x' },
  { type: t.bytes(0x2a, 3), name: 'at' },
  { type: t.hex('6a 09 12 02'), name: 'price' },
);
const TDS_TAIL: Uint8Array = t.hex('07 01000000 5b950a 05 01 39300000');
const TDS_PACKET_BYTES = 4096;

/** Rows in packets that do not end the message. */
function tdsPackets(content: Uint8Array): Uint8Array {
  const whole = t.message(c.PACKET_REPLY, content, TDS_PACKET_BYTES);
  for (let at = 0; at < whole.length; at += TDS_PACKET_BYTES) whole[at + 1] = 0;
  return whole;
}

// DRDA: the same four columns.
const DRDA_COLUMNS: readonly dr.ColumnType[] = [
  [drTypes.INTEGER | 1, 4],
  [drTypes.VARIABLE_MIXED | 1, 400],
  [drTypes.TIMESTAMP | 1, 26],
  [drTypes.DECIMAL | 1, 0x0902],
];
const PRESENT: Uint8Array = dr.u8(0);
const DRDA_TAIL: Uint8Array = Buffer.concat([
  PRESENT,
  dr.utf8('2024-02-29-12.34.56.789012'),
  PRESENT,
  Buffer.from('000012345c', 'hex'),
]);
const DRDA_BLOCK_BYTES = 32_000;
const DRDA_MORE: number = ddm.DSS_OBJECT | ddm.CHAINED | ddm.SAME_CORRELATOR;

/** Rows in query blocks, which they may straddle. */
function drdaBlocks(content: Uint8Array): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < content.length; at += DRDA_BLOCK_BYTES) {
    const part = content.subarray(at, at + DRDA_BLOCK_BYTES);
    blocks.push(dr.dss(DRDA_MORE, 1, dr.object(ddm.QRYDTA, part)));
  }
  return Buffer.concat(blocks);
}

// Oracle: the same four columns.
const TNS_TAIL: Uint8Array = Buffer.concat([
  ora.clr([120, 124, 2, 29, 13, 35, 57, 0x2f, 0x07, 0x2f, 0x40]),
  ora.clr([0xc2, 2, 24, 46]),
]);
/** Of packets that servers fill at the default session data unit of 8192 bytes. */
const TNS_PAYLOAD_BYTES = 8145;
const TNS_CURSOR = 4;
const TNS_SEQUENCE = 3;

function tnsPackets(content: Uint8Array): Uint8Array {
  const packets: Uint8Array[] = [];
  for (let at = 0; at < content.length; at += TNS_PAYLOAD_BYTES) {
    packets.push(ora.data(content.subarray(at, at + TNS_PAYLOAD_BYTES)));
  }
  return Buffer.concat(packets);
}

/** Base-100 digits of a small number. */
function tnsNumber(value: number): Uint8Array {
  return ora.clr([0xc2, 1 + Math.floor(value / 100), 1 + (value % 100)]);
}

export const ROW_CASES: readonly RowCase[] = [
  {
    name: 'postgres',
    module: postgres as ProtocolModule,
    before: [
      [TO_SERVER, pg.startup({ user: 'bench' })],
      [TO_CLIENT, PG_WELCOME],
      [TO_SERVER, pg.query('SELECT * FROM big')],
      [TO_CLIENT, pg.columns('x')],
    ],
    row: (_, cell) => pg.row(Buffer.from(cell).toString('latin1')),
    pack: Buffer.concat,
    after: (rows) => Buffer.concat([pg.complete(`SELECT ${rows}`), pg.ready()]),
  },
  {
    name: 'mysql',
    module: mysql as ProtocolModule,
    before: [
      ...my.opening(my.MODERN).map(said),
      [TO_SERVER, my.query('SELECT * FROM big')],
      [TO_CLIENT, Buffer.concat([my.packet(1, 1), my.column(2, 'x')])],
    ],
    row: (index, cell) => my.packet((index + 3) & 0xff, my.str(cell)),
    pack: Buffer.concat,
    after: (rows) => my.ok((rows + 3) & 0xff, { marker: 0xfe }),
  },
  {
    name: 'tds',
    module: tds as ProtocolModule,
    before: [
      ...t.opening().map(said),
      [TO_SERVER, t.batch('SELECT id, x, at, price FROM big')],
      [TO_CLIENT, tdsPackets(TDS_COLUMNS)],
    ],
    row: (index, cell) => t.bytes(c.TOKEN_ROW, 4, t.u32(index), t.u16(cell.length), cell, TDS_TAIL),
    pack: (rows) => tdsPackets(Buffer.concat(rows)),
    after: (rows) => t.message(c.PACKET_REPLY, t.done(c.DONE_COUNT, rows)),
  },
  {
    name: 'drda',
    module: drda as ProtocolModule,
    before: [
      ...dr.login().map(said),
      [TO_SERVER, dr.chain(dr.prepare(2, 'select id, x, at, price from big'), dr.openQuery(2))],
      [TO_CLIENT, dr.dss(ddm.DSS_OBJECT | ddm.CHAINED, 1, dr.done())],
      [TO_CLIENT, dr.dss(ddm.DSS_REPLY | ddm.CHAINED | ddm.SAME_CORRELATOR, 2, dr.opened)],
      [TO_CLIENT, dr.dss(ddm.DSS_OBJECT, 2, dr.qrydsc(...DRDA_COLUMNS))],
      [TO_SERVER, dr.chain(dr.fetchMore(2))],
    ],
    row: (index, cell) => dr.row(PRESENT, dr.u32(index), PRESENT, dr.u16(cell.length), cell, DRDA_TAIL),
    pack: (rows) => drdaBlocks(Buffer.concat(rows)),
    after: () => dr.dss(ddm.DSS_OBJECT, 1, dr.qrydta(dr.endOfData())),
  },
  {
    name: 'tns',
    module: tns as ProtocolModule,
    before: [
      ...ora.opening().map(said),
      [
        TO_SERVER,
        ora.data(ora.execute(TNS_SEQUENCE, { sql: 'SELECT id, x, at, price FROM big', query: true, options: 0x8061 })),
      ],
      [TO_CLIENT, ora.data(Buffer.concat([ora.describe(7, [['X', 1]]), ora.rows([])]))],
    ],
    row: (index, cell) => ora.bytes(7, tnsNumber(index), ora.clr(cell), TNS_TAIL),
    pack: (rows) => tnsPackets(Buffer.concat(rows)),
    after: (rows) => ora.data(ora.noData(TNS_SEQUENCE, rows, TNS_CURSOR)),
  },
];

export const EXECUTION_CASES: readonly ExecutionCase[] = [
  {
    name: 'pgbench -S -M prepared',
    module: postgres as ProtocolModule,
    before: [
      [TO_SERVER, pg.startup({ user: 'bench' })],
      [TO_CLIENT, PG_WELCOME],
      [TO_SERVER, Buffer.concat([pg.parse('P0_1', 'SELECT abalance FROM pgbench_accounts WHERE aid = $1;'), pg.sync])],
      [TO_CLIENT, Buffer.concat([pg.parseComplete, pg.ready()])],
    ],
    request: (aid) => Buffer.concat([pg.bind('', 'P0_1', [String(aid)]), pg.describe('P'), pg.execute(), pg.sync]),
    reply: Buffer.concat([pg.bindComplete, pg.columns('abalance'), pg.row('0'), pg.complete('SELECT 1'), pg.ready()]),
  },
  {
    name: 'tds sp_execute',
    module: tds as ProtocolModule,
    before: [
      ...t.opening().map(said),
      [
        TO_SERVER,
        t.rpc(
          t.procedure(
            11,
            t.handleOut(),
            t.nvarchar('@a int'),
            t.nvarchar('SELECT abalance FROM accounts WHERE aid = @a'),
          ),
        ),
      ],
      [TO_CLIENT, t.message(c.PACKET_REPLY, t.bytes(t.RETURN_STATUS, t.returnValue(7), t.doneProc()))],
    ],
    request: (aid) => t.rpc(t.procedure(12, t.int(7), t.int(aid, '@a'))),
    reply: t.message(
      c.PACKET_REPLY,
      t.bytes(
        t.columnsOf({ type: t.INTN, name: 'abalance' }),
        t.bytes(c.TOKEN_ROW, 4, t.u32(0)),
        t.done(c.DONE_COUNT | c.DONE_MORE, 1, 0xc1, c.TOKEN_DONE_IN_PROC),
        t.RETURN_STATUS,
        t.doneProc(),
      ),
    ),
  },
  {
    name: 'drda OPNQRY',
    module: drda as ProtocolModule,
    before: [
      ...dr.login().map(said),
      [TO_SERVER, dr.chain(dr.prepare(2, 'select abalance from accounts where aid = ?'))],
      [TO_CLIENT, dr.replies(1, [dr.done()])],
    ],
    request: (aid) => dr.chain(dr.openQuery(2, dr.sqldta([[drTypes.INTEGER, 4]], dr.u32(aid)))),
    reply: dr.replies(1, [
      dr.opened,
      dr.qrydsc([drTypes.INTEGER, 4]),
      dr.qrydta(dr.row(dr.u32(0)), dr.endOfData()),
      dr.message(ddm.ENDQRYRM, 4),
    ]),
  },
  {
    name: 'tns re-execution by cursor',
    module: tns as ProtocolModule,
    before: [
      ...ora.opening().map(said),
      [
        TO_SERVER,
        ora.data(
          ora.execute(TNS_SEQUENCE, {
            sql: 'SELECT abalance FROM accounts WHERE aid = :1',
            query: true,
            // Parsed and described only: the executions follow.
            options: 0x20001,
          }),
        ),
      ],
      [TO_CLIENT, ora.data(ora.oer(TNS_SEQUENCE, { cursor: TNS_CURSOR, sqlType: 3 }))],
    ],
    request: (aid) =>
      ora.data(
        ora.execute(TNS_SEQUENCE, {
          cursor: TNS_CURSOR,
          query: true,
          options: 0x8068,
          binds: [ora.oac(2, 22)],
          rows: [[tnsNumber(aid)]],
        }),
      ),
    reply: ora.data(Buffer.concat([ora.rows([[ora.clr([0xc1, 1])]]), ora.noData(TNS_SEQUENCE, 1, TNS_CURSOR)])),
  },
];
