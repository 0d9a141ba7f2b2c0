/** What one session holds of requests and handles is bounded by what it weighs, whatever it is made of. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEvent } from '../contracts/event.ts';
import type { ProtocolModule } from '../contracts/protocol.ts';
import * as cp from './drda/codepoints.ts';
import drda from './drda/protocol.ts';
import * as d from './drda/testing.ts';
import { COM_CHANGE_USER } from './mysql/constants.ts';
import mysql from './mysql/protocol.ts';
import * as m from './mysql/testing.ts';
import { newDriverCounters } from './sdk/counters.ts';
import { Driver } from './sdk/driver.ts';
import { connectionInfo, type Turn } from './sdk/testkit.ts';
import { PACKET_REPLY, TOKEN_COLUMNS } from './tds/constants.ts';
import tds from './tds/protocol.ts';
import * as s from './tds/testing.ts';
import tns from './tns/protocol.ts';
import * as o from './tns/testing.ts';

function talk<S>(
  module: ProtocolModule<S>,
  turns: Iterable<Turn>,
): { session: S; events: AuditEvent[]; bytes: number } {
  const events: AuditEvent[] = [];
  const info = connectionInfo(module.name);
  const session = module.open(info);
  const driver = new Driver(module, session, { emit: (event) => events.push(event) }, newDriverCounters(), false);
  for (const { direction, bytes } of turns) driver.data(direction, bytes, 0, bytes.length, 1);
  return { session, events, bytes: info.memory.bytes };
}

function* repeated(count: number, turn: (index: number) => Turn): Generator<Turn> {
  for (let index = 0; index < count; index++) yield turn(index);
}

test('drda: fetches from result sets that were never seen to open', () => {
  const { session } = talk(
    drda,
    repeated(5000, (i) => d.toServer(d.chain(d.fetchMore(i)))),
  );
  assert.equal(session.cursors.size, 4096);
});

test('drda: requests that get no reply are not taken to wait for one', () => {
  const [command, object] = d.immediate(`INSERT INTO t VALUES ('${'x'.repeat(20_000)}')`) as [Uint8Array, Uint8Array];
  const silent = d.toServer(
    d.dss(cp.DSS_REQUEST_NO_REPLY | cp.CHAINED | cp.SAME_CORRELATOR, 1, command),
    d.dss(cp.DSS_OBJECT, 1, object),
  );
  const { session, events, bytes } = talk(drda, [...d.login(), ...repeated(600, () => silent)]);
  assert.equal(events.filter(({ kind }) => kind === 'statement').length, 600);
  assert.deepEqual([session.queueBytes, bytes], [0, 0]);
});

test('tds: calls whose weight is in their values', () => {
  const call = s.rpc(s.procedure('store', ...Array.from({ length: 100 }, () => s.nvarchar('v'.repeat(2000)))));
  const { session, bytes } = talk(tds, [...s.opening(), ...repeated(60, () => s.client(call))]);
  assert.ok(session.pendingOverflows > 0 && bytes < 5 * 1024 * 1024, `${bytes} bytes`);
});

/** COLMETADATA of so many columns, each of four bytes. */
function columns(count: number): Uint8Array {
  const column = s.bytes(s.u32(0), s.u16(0), 0x38, s.b(''));
  return s.bytes(TOKEN_COLUMNS, s.u16(count), ...Array.from({ length: count }, () => column));
}

test('tds: handles whose weight is in the columns of their results', () => {
  const description = columns(256);
  const turns = Array.from({ length: 2000 }, (_, index) => [
    s.client(s.rpc(s.procedure(11, s.handleOut(), s.nvarchar(''), s.nvarchar('SELECT 1')))),
    s.reply(description, s.done(1, 0), s.RETURN_STATUS, s.returnValue(index + 1), s.doneProc()),
  ]);
  const { session, bytes } = talk(tds, [...s.opening(), ...turns.flat()]);
  assert.ok(session.handles.evicted > 0 && session.handles.size > 500);
  assert.ok(bytes > 3 * 1024 * 1024 && bytes <= 4 * 1024 * 1024, `${bytes} bytes`);
});

test('tds: a handle weighs more when its columns become known as it is executed', () => {
  const prepare = s.rpc(s.procedure(11, s.handleOut(), s.nvarchar(''), s.nvarchar('SELECT 1')));
  const opening = [
    ...s.opening(),
    s.client(prepare),
    s.reply(s.RETURN_STATUS, s.returnValue(5), s.doneProc()),
    s.client(s.rpc(s.procedure(12, s.int(5)))),
  ];
  const before = talk(tds, opening).bytes;
  const rows = s.reply(columns(200), s.done(1, 0), s.RETURN_STATUS, s.doneProc());
  assert.ok(talk(tds, [...opening, rows]).bytes > before + 200 * 16 - 100);
});

test('tds: results whose weight is in their columns, while their rows come', () => {
  const alternative = (id: number) => {
    const column = s.bytes(1, s.u16(0), s.u32(0), s.u16(0), 0x38, s.b(''));
    return s.bytes(0x88, s.u16(4096), s.u16(id), 0, ...Array.from({ length: 4096 }, () => column));
  };
  const described = s.bytes(columns(4096), ...Array.from({ length: 20 }, (_, id) => alternative(id)));
  const turns = [...s.opening(), s.client(s.batch('SELECT everything'))];
  const packets = (tail: Uint8Array) => s.message(PACKET_REPLY, s.bytes(described, tail), 32_000);
  const whole = packets(s.bytes(s.done()));
  const lastBytes = described.length % (32_000 - 8);
  const open = talk(tds, [...turns, s.server(whole.subarray(0, whole.length - lastBytes - 100))]);
  assert.ok(open.bytes > 20 * 4096 * 16, `${open.bytes} bytes`);
  open.session.relieve(true, 2, { emit: () => undefined });
  assert.equal(open.session.connection.memory.bytes, 0);
  const over = talk(tds, [...turns, s.server(whole)]);
  assert.equal(over.bytes, 0);
  assert.deepEqual(over.events.at(-1)?.marks, 0);
});

test('tns: cursors whose weight is in their binds', () => {
  const binds = Array.from({ length: 3000 }, () => o.oac(1, 10));
  const row = binds.map(() => o.clr('v'));
  const turns = Array.from({ length: 60 }, (_, index) => {
    const call = o.execute(9, { sql: `DELETE FROM t${index}`, binds, rows: [row] });
    const packets: Uint8Array[] = [];
    for (let at = 0; at < call.length; at += 8182) packets.push(o.data(call.subarray(at, at + 8182)));
    return [o.client(...packets), o.server(o.data(o.oer(9, { rows: 1, cursor: 100 + index })))];
  });
  const { session, events, bytes } = talk(tns, [...o.opening(), ...turns.flat()]);
  assert.equal(events.filter(({ kind }) => kind === 'statement').length, 60);
  assert.ok(session.cursors.evicted > 0 && bytes < 9 * 1024 * 1024, `${bytes} bytes`);
});

test('mysql: logins that wait', () => {
  const change = m.client(m.command(COM_CHANGE_USER, 'u'.repeat(300_000), 0, 0, 'shop', 0));
  const { session, bytes } = talk(mysql, [...m.opening(), ...repeated(60, () => change)]);
  assert.ok(session.pendingOverflows > 0 && bytes < 9 * 1024 * 1024, `${bytes} bytes`);
});
