/** Long requests of every protocol, of which memory is taken away while they come in: none is left out in silence. */
import { test } from 'node:test';
import type { ProtocolModule } from '../contracts/protocol.ts';
import * as cp from './drda/codepoints.ts';
import drda from './drda/protocol.ts';
import * as d from './drda/testing.ts';
import { INTEGER, VARIABLE_MIXED } from './drda/types.ts';
import mysql from './mysql/protocol.ts';
import * as m from './mysql/testing.ts';
import postgres from './postgres/protocol.ts';
import * as p from './postgres/testing.ts';
import { reliefAnywhere, type Turn } from './sdk/testkit.ts';
import * as c from './tds/constants.ts';
import tds from './tds/protocol.ts';
import * as s from './tds/testing.ts';
import tns from './tns/protocol.ts';
import * as o from './tns/testing.ts';

const TEXT = `DELETE FROM baskets WHERE name IN (${"'x',".repeat(3000)}'y')`;
/** Segments as networks carry them, and such as cut headers. */
const SIZES: readonly (readonly number[])[] = [[1400], [211, 5, 977, 3]];

const client = (...parts: readonly Uint8Array[]): Turn => ({ direction: 0, bytes: Buffer.concat(parts) });
const server = (...parts: readonly Uint8Array[]): Turn => ({ direction: 1, bytes: Buffer.concat(parts) });

/** PRPSQLSTT with its text in segments, and EXCSQLSTT in the same chain. */
function preparation(segmentBytes: number): Uint8Array {
  const [command, object] = d.prepare(2, TEXT) as [Uint8Array, Uint8Array];
  return Buffer.concat([
    d.dss(cp.DSS_REQUEST | cp.CHAINED | cp.SAME_CORRELATOR, 1, command),
    d.dss(cp.DSS_OBJECT | cp.CHAINED, 1, object, segmentBytes),
    d.dss(cp.DSS_REQUEST, 2, d.executeSection(2)[0] as Uint8Array),
  ]);
}

function packets(message: Uint8Array): Uint8Array {
  const list: Uint8Array[] = [];
  for (let at = 0; at < message.length; at += 8182) list.push(o.data(message.subarray(at, at + 8182)));
  return Buffer.concat(list);
}

const done = s.reply(s.done(c.DONE_COUNT, 1, 0xc4));
const prepared = d.toClient(d.replies(1, [d.sqlcardNull], [d.done(1)]));
const values = [d.u8(0), d.u32(1), d.u8(0), d.u16(5000), d.utf8('v'.repeat(5000))];
const columns = [[INTEGER | 1, 4] as const, [VARIABLE_MIXED | 1, 0x7fff] as const];
const cursors = Buffer.concat(Array.from({ length: 3000 }, (_, index) => o.ub(200 + index)));
const bind = o.oac(1, 4000, 1);

/** By name: the protocol, and what is said after a login. */
const CASES: readonly (readonly [string, ProtocolModule, readonly Turn[]])[] = [
  ['drda: a text in one segment', drda as ProtocolModule, [...d.login(), client(preparation(32_767)), prepared]],
  ['drda: a text in short segments', drda as ProtocolModule, [...d.login(), client(preparation(4096)), prepared]],
  [
    'drda: values',
    drda as ProtocolModule,
    [
      ...d.login(),
      d.toServer(
        d.chain(d.prepare(2, 'insert into t values (?, ?)'), d.executeSection(2, d.sqldta(columns, ...values))),
      ),
      prepared,
    ],
  ],
  ['tds: a batch', tds as ProtocolModule, [...s.opening(), s.client(s.batch(TEXT)), done]],
  [
    'tds: a statement that is prepared, and executed',
    tds as ProtocolModule,
    [
      ...s.opening(),
      s.client(s.rpc(s.procedure(13, s.handleOut(), s.nvarchar('@p int'), s.nvarchar(TEXT), s.int(1)))),
      s.reply(s.RETURN_STATUS, s.returnValue(5), s.doneProc()),
      s.client(s.rpc(s.procedure(12, s.int(5), s.int(2)))),
      s.reply(s.RETURN_STATUS, s.doneProc()),
    ],
  ],
  [
    'tds: bulk data',
    tds as ProtocolModule,
    [
      ...s.opening(),
      s.client(s.batch('insert bulk t (a int)')),
      s.reply(s.done(0, 0, 0)),
      s.client(s.message(c.PACKET_BULK, Buffer.alloc(9000, c.TOKEN_ROW), 1280)),
      done,
    ],
  ],
  [
    'tns: a call',
    tns as ProtocolModule,
    [...o.opening(), client(packets(o.execute(9, { sql: TEXT }))), server(o.data(o.oer(9, { rows: 1, cursor: 2 })))],
  ],
  [
    'tns: a call behind piggybacks',
    tns as ProtocolModule,
    [
      ...o.opening(),
      client(packets(o.bytes(0x11, 0x69, 8, 1, o.ub(3000), cursors, o.execute(9, { sql: TEXT })))),
      server(o.data(o.oer(9, { rows: 1, cursor: 2 }))),
    ],
  ],
  [
    'tns: values, and others for the same cursor',
    tns as ProtocolModule,
    [
      ...o.opening(),
      client(
        packets(o.execute(3, { sql: 'INSERT INTO t VALUES (:1)', binds: [bind], rows: [[o.clr('a'.repeat(5000))]] })),
      ),
      server(o.data(o.oer(3, { rows: 1, cursor: 6 }))),
      client(packets(o.bytes(3, 4, 4, o.ub(6), o.ub(1), o.ub(0), o.ub(0), 7, o.clr('b'.repeat(5000))))),
      server(o.data(o.oer(4, { rows: 1, cursor: 6 }))),
    ],
  ],
  ['mysql: a query', mysql as ProtocolModule, [...m.opening(), m.client(m.query(TEXT)), m.server(m.ok(1))]],
  [
    'postgres: a query',
    postgres as ProtocolModule,
    [
      client(p.startup({ user: 'alice', database: 'shop' })),
      server(p.auth(0), p.parameter('client_encoding', 'UTF8'), p.keyData(7, p.i32(99)), p.ready()),
      client(p.query(TEXT)),
      server(p.complete('DELETE 1'), p.ready()),
    ],
  ],
];

for (const [name, module, turns] of CASES) {
  test(`${name}: memory that is taken away at any time is no silence`, () => {
    for (const sizes of SIZES) reliefAnywhere(module, { name, turns }, sizes);
  });
}
