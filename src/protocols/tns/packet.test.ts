/** The TNS layer: lengths of two and four bytes, packet types, data flags, recognition, server names of TCPS. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpaqueEvent } from '../../contracts/event.ts';
import {
  FRAME_MALFORMED,
  FRAME_MORE,
  FRAME_OK,
  FrameOut,
  PROBE_CERTAIN,
  PROBE_NO,
  TO_CLIENT,
  TO_SERVER,
} from '../../contracts/protocol.ts';
import { packetFrame, plausiblePacket, probe } from './packet.ts';
import * as t from './testing.ts';

const out = new FrameOut();
const SELECT = 'SELECT 1 FROM dual';

/** CONNECT, ACCEPT and one statement, in packets with four-byte lengths from then on or not. */
function session(version: number, large: boolean): t.Turns {
  const ask = t.data(t.execute(3, { sql: SELECT, query: true }), 0, large);
  return [
    t.client(t.connect()),
    t.server(t.accept(version)),
    t.client(ask),
    t.server(t.data(t.noData(3, 1, 4), 0, large)),
  ];
}

test('header: lengths have four bytes once ACCEPT says version 315, two before', () => {
  for (const [version, large] of [
    [312, false],
    [314, false],
    [315, true],
    [319, true],
  ] as const) {
    const [event] = t.statements(t.run(session(version, large)));
    assert.equal(event?.text, SELECT);
    assert.equal(event?.outcomes[0]?.returnedRows, 1);
  }
});

test('header: a length that cannot be, and types that do not exist', () => {
  const verdict = (...content: readonly number[]): number =>
    packetFrame(false, Uint8Array.from(content), 0, content.length, out);
  assert.equal(verdict(0, 11, 0, 0, 12, 0, 0, 0), FRAME_OK);
  assert.equal(out.length, 11);
  assert.equal(verdict(0, 11, 0, 0), FRAME_MORE);
  assert.equal(verdict(0, 7, 0, 0, 12, 0, 0, 0), FRAME_MALFORMED);
  assert.equal(verdict(0, 11, 0, 0, 0, 0, 0, 0), FRAME_MALFORMED);
  assert.equal(verdict(0, 11, 0, 0, 20, 0, 0, 0), FRAME_MALFORMED);
  assert.equal(verdict(0xff, 0xff, 0xff, 0xff, 6, 0, 0, 0), FRAME_OK);
  assert.equal(packetFrame(true, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 6, 0, 0, 0), 0, 8, out), FRAME_MALFORMED);
});

test('each packet type is believed in its direction only', () => {
  const accept = t.accept();
  assert.equal(plausiblePacket(false, TO_CLIENT, accept, 0, accept.length, out), FRAME_OK);
  assert.equal(plausiblePacket(false, TO_SERVER, accept, 0, accept.length, out), FRAME_MALFORMED);
  const connect = t.connect();
  assert.equal(plausiblePacket(false, TO_SERVER, connect, 0, connect.length, out), FRAME_OK);
  assert.equal(plausiblePacket(false, TO_CLIENT, connect, 0, connect.length, out), FRAME_MALFORMED);
});

test('recognition: CONNECT and ACCEPT are certain, other text protocols are not', () => {
  const judge = (bytes: Uint8Array, direction: 0 | 1): number => probe(bytes, 0, bytes.length, direction);
  assert.equal(judge(t.connect(), TO_SERVER), PROBE_CERTAIN);
  assert.equal(judge(t.accept(), TO_CLIENT), PROBE_CERTAIN);
  assert.equal(judge(t.data(t.execute(3, { sql: SELECT })), TO_SERVER), PROBE_CERTAIN);
  assert.equal(judge(t.bytes('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), TO_SERVER), PROBE_NO);
  assert.equal(judge(t.bytes('SSH-2.0-OpenSSH_9.6\r\n'), TO_CLIENT), PROBE_NO);
});

test('ATTENTION, CONTROL, ABORT and empty packets between a call and its reply change nothing', () => {
  const [connect, accepted, ask, reply] = session(314, false);
  assert.ok(connect && accepted && ask && reply);
  const between = [13, 14, 9, 7].map((type) => t.server(t.packet(type, t.bytes(0, 8))));
  const [event, ...others] = t.statements(t.run([connect, accepted, ask, ...between, reply]));
  assert.deepEqual(others, []);
  assert.equal(event?.outcomes[0]?.returnedRows, 1);
  assert.equal(event?.marks, 0);
});

test('TCPS: the server name tells the service', () => {
  const name = t.bytes('S4.shop.V3.319');
  const sni = t.bytes(t.u16(0), t.u16(name.length + 5), t.u16(name.length + 3), 0, t.u16(name.length), name);
  const body = t.bytes([3, 3], new Uint8Array(32), 0, t.u16(2), [0x13, 0x01], 1, 0, t.u16(sni.length), sni);
  const hello = t.bytes(1, 0, t.u16(body.length), body);
  const record = t.bytes(0x16, 3, 1, t.u16(hello.length), hello);
  const [event] = t.run([t.client(record), t.server(t.bytes(0x16, 3, 3, t.u16(4), [14, 0, 0, 0]))]);
  assert.ok(event instanceof OpaqueEvent);
  assert.equal(event.reason, 'tls');
  assert.equal(event.identity.database, 'shop');
});
