import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Direction,
  FRAME_MALFORMED,
  FRAME_OK,
  FrameOut,
  PROBE_CERTAIN,
  PROBE_MORE,
  PROBE_NO,
  PROBE_UNSURE,
  TO_CLIENT,
  TO_SERVER,
} from '../../contracts/protocol.ts';
import postgres from './protocol.ts';
import * as t from './testing.ts';

function probe(bytes: Uint8Array, direction: Direction = TO_SERVER): number {
  return postgres.probe(bytes, 0, Math.min(512, bytes.length), direction);
}

const startup = t.startup({ user: 'alice' });
const tls = Buffer.concat([Buffer.from([0x16, 3, 1, 0, 60, 1]), Buffer.alloc(48), Buffer.from('\x0apostgresql')]);

test('openings are certain', () => {
  for (const bytes of [startup, t.sslRequest, t.gssRequest, t.opening(80_877_102, t.i32(1), t.i32(2)), tls]) {
    assert.equal(probe(bytes), PROBE_CERTAIN);
  }
});

test('too little to tell', () => {
  assert.equal(probe(startup.subarray(0, 1)), PROBE_MORE);
  assert.equal(probe(startup.subarray(0, 6)), PROBE_MORE);
  assert.equal(probe(tls.subarray(0, 30)), PROBE_MORE);
  assert.equal(probe(t.query('select').subarray(0, 3)), PROBE_MORE);
});

test('the server: authentication and errors are certain, one byte is not', () => {
  assert.equal(probe(t.auth(0), TO_CLIENT), PROBE_CERTAIN);
  assert.equal(probe(t.auth(10, t.z('SCRAM-SHA-256'), Buffer.alloc(1)), TO_CLIENT), PROBE_CERTAIN);
  assert.equal(probe(t.error('28000', 'no'), TO_CLIENT), PROBE_CERTAIN);
  for (const answer of ['S', 'N', 'G', 'S\x16\x03\x03']) {
    assert.equal(probe(Buffer.from(answer, 'latin1'), TO_CLIENT), PROBE_UNSURE);
  }
});

test('mid-stream: one message is unsure, a chain of three is certain', () => {
  assert.equal(probe(t.query('select 1')), PROBE_UNSURE);
  assert.equal(probe(t.query(`select '${'x'.repeat(3000)}'`)), PROBE_UNSURE);
  assert.equal(probe(t.ready(), TO_CLIENT), PROBE_UNSURE);
  assert.equal(probe(Buffer.concat([t.parse('', 'a'), t.bind('', ''), t.sync])), PROBE_CERTAIN);
  const reply = Buffer.concat([t.columns('a'), t.row('1'), t.complete('SELECT 1'), t.ready()]);
  assert.equal(probe(reply, TO_CLIENT), PROBE_CERTAIN);
});

test('other protocols are not PostgreSQL', () => {
  const others: readonly [string, Direction][] = [
    ['GET / HTTP/1.1\r\n', TO_SERVER],
    ['POST / HTTP/1.1\r\n', TO_SERVER],
    ['QUIT\r\n', TO_SERVER],
    ['*1\r\n$4\r\nPING\r\n', TO_SERVER],
    ['SSH-2.0-OpenSSH_9.2\r\n', TO_SERVER],
    ['SSH-2.0-OpenSSH_9.2\r\n', TO_CLIENT],
    ['HTTP/1.1 200 OK\r\n', TO_CLIENT],
    ['+OK\r\n', TO_CLIENT],
    ['\x12\x01\x00\x2f\x00\x00\x01\x00', TO_SERVER],
    ['\x4a\x00\x00\x00\x0a8.0.36\x00', TO_CLIENT],
    ['\x00\x3a\x00\x00\x01\x00\x00\x00\x01\x36\x01\x2c', TO_SERVER],
    ['\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00', TO_SERVER],
    ['\x03\x00\x00\x13\x0e\xe0\x00\x00', TO_SERVER],
  ];
  for (const [bytes, direction] of others) {
    assert.equal(probe(Buffer.from(bytes, 'latin1'), direction), PROBE_NO, JSON.stringify(bytes));
  }
});

function plausible(bytes: Uint8Array, direction: Direction): number {
  const session = new t.Dialogue({ midstream: true }).session;
  assert.ok(postgres.plausible);
  return postgres.plausible(session, direction, bytes, 0, bytes.length, new FrameOut());
}

test('plausible looks inside: lengths and counts must agree', () => {
  const good: readonly [Buffer, Direction][] = [
    [t.query('select 1'), TO_SERVER],
    [t.parse('s', 'select $1', [23]), TO_SERVER],
    [t.bind('p', 's', ['x', null], [0, 1]), TO_SERVER],
    [t.execute('p', 5), TO_SERVER],
    [t.describe('S', 's'), TO_SERVER],
    [t.close('P', ''), TO_SERVER],
    [t.message('f', t.z('why')), TO_SERVER],
    [t.sync, TO_SERVER],
    [t.copyData('x'), TO_SERVER],
    [t.row('1', null, ''), TO_CLIENT],
    [t.row('1', null, 'abc').subarray(0, 14), TO_CLIENT],
    [t.columns('a', 'b'), TO_CLIENT],
    [t.complete('SELECT 1'), TO_CLIENT],
    [t.error('42601', 'x'), TO_CLIENT],
    [t.notice('x'), TO_CLIENT],
    [t.ready('E'), TO_CLIENT],
    [t.parameter('a', 'b'), TO_CLIENT],
    [t.copyStart('G', 1, 3), TO_CLIENT],
    [t.message('t', t.i16(1), t.i32(23)), TO_CLIENT],
    [t.message('V', t.i32(-1)), TO_CLIENT],
    [t.message('A', t.i32(1), t.z('c'), t.z('p')), TO_CLIENT],
    [t.auth(5, Buffer.from('salt')), TO_CLIENT],
  ];
  for (const [bytes, direction] of good) assert.equal(plausible(bytes, direction), FRAME_OK, bytes.toString('latin1'));
});

test('of wide messages the first items are looked at', () => {
  const cells = Array.from({ length: 1000 }, (_, i) => `value ${i}`);
  assert.equal(plausible(t.columns(...cells), TO_CLIENT), FRAME_OK);
  for (const [bytes, direction] of [
    [t.row(...cells), TO_CLIENT],
    [t.bind('', '', cells), TO_SERVER],
  ] as const) {
    assert.equal(plausible(bytes, direction), FRAME_OK);
    bytes.fill(0xff, 100, 200);
    assert.equal(plausible(bytes, direction), FRAME_MALFORMED);
  }
});

test('plausible refuses what only looks like a message from outside', () => {
  const bad: readonly [Buffer, Direction][] = [
    [t.message('Q', Buffer.from('no end')), TO_SERVER],
    [t.message('Q', Buffer.from('a\0b\0')), TO_SERVER],
    [t.message('Q', Buffer.from('\x01\0')), TO_SERVER],
    [t.message('P', t.z('s'), t.z('select'), t.i16(2), t.i32(23)), TO_SERVER],
    [t.message('B', t.z(''), t.z(''), t.i16(0), t.i16(1), t.i32(100), t.i16(0)), TO_SERVER],
    [t.message('E', t.z('p'), t.i16(1)), TO_SERVER],
    [t.message('D', Buffer.from('X'), t.z('s')), TO_SERVER],
    [t.message('D', t.i16(2), t.i32(1), Buffer.from('ab')), TO_CLIENT],
    [t.message('D', t.i16(2000), t.i32(1)), TO_CLIENT],
    [t.message('T', t.i16(1), t.z('a'), t.i32(1)), TO_CLIENT],
    [t.message('C', Buffer.from('SELECT')), TO_CLIENT],
    [t.message('C', t.z('select')), TO_CLIENT],
    [t.message('Z', Buffer.from('X')), TO_CLIENT],
    [t.message('E', t.z('no letter'), t.z('\x01')), TO_CLIENT],
    [t.message('S', t.z('only one string')), TO_CLIENT],
    [t.message('R', t.i32(99)), TO_CLIENT],
    [t.message('G', Buffer.from([2]), t.i16(0)), TO_CLIENT],
    [t.message('y', Buffer.alloc(4)), TO_CLIENT],
    [t.message('D', t.i16(1000), Buffer.alloc(3999)), TO_CLIENT],
    [t.message('T', t.i16(1000), Buffer.alloc(18_999)), TO_CLIENT],
    [t.message('B', t.z(''), t.z(''), t.i16(0), t.i16(1000), Buffer.alloc(4001)), TO_SERVER],
    [t.message('E', Buffer.from('Ma\0'.repeat(100)), Buffer.alloc(1)), TO_CLIENT],
  ];
  for (const [bytes, direction] of bad) {
    assert.equal(plausible(bytes, direction), FRAME_MALFORMED, bytes.toString('latin1'));
  }
});
