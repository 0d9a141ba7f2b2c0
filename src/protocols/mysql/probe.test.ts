/** Recognition: certain of what opens a connection, unsure mid-stream, never of other protocols. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Direction,
  PROBE_CERTAIN,
  PROBE_MORE,
  PROBE_NO,
  PROBE_UNSURE,
  TO_CLIENT,
  TO_SERVER,
} from '../../contracts/protocol.ts';
import * as c from './constants.ts';
import { probe } from './probe.ts';
import * as t from './testing.ts';

function verdict(bytes: Uint8Array, direction: Direction): number {
  return probe(bytes, 0, Math.min(bytes.length, 512), direction);
}

test('greetings, refusals and logins are certain', () => {
  const version9 = t.packet(0, 9, '3.21.33', 0, t.u32(1), '12345678', 0);
  assert.equal(verdict(t.greeting(t.MODERN), TO_CLIENT), PROBE_CERTAIN);
  assert.equal(verdict(version9, TO_CLIENT), PROBE_CERTAIN);
  assert.equal(verdict(t.err(0, 1040, '', 'Too many connections'), TO_CLIENT), PROBE_CERTAIN);
  assert.equal(verdict(t.login(t.MODERN), TO_SERVER), PROBE_CERTAIN);
  assert.equal(verdict(t.login(t.MODERN & ~c.CLIENT_MYSQL, { extended: 29 }), TO_SERVER), PROBE_CERTAIN);
  const request = t.packet(1, t.u32(t.CLASSIC | c.CLIENT_SSL), t.u32(0x1000000), 45, new Uint8Array(23));
  assert.equal(verdict(request, TO_SERVER), PROBE_CERTAIN);
});

test('a beginning of a greeting asks for more, however short', () => {
  const greeting = t.greeting(t.MODERN);
  for (let end = 1; end < 20; end++) assert.equal(probe(greeting, 0, end, TO_CLIENT), PROBE_MORE, `${end} bytes`);
});

test('commands and replies from the middle of a connection are unsure', () => {
  assert.equal(verdict(t.query('SELECT 1'), TO_SERVER), PROBE_UNSURE);
  assert.equal(verdict(t.execute(7, [3], [t.u32(1)]), TO_SERVER), PROBE_UNSURE);
  assert.equal(verdict(t.ok(1), TO_CLIENT), PROBE_UNSURE);
  assert.equal(verdict(t.result(['one', 'two']), TO_CLIENT), PROBE_UNSURE);
});

test('a PROXY header says nothing of the protocol behind it', () => {
  assert.equal(verdict(t.bytes('PROXY TCP4 192.0.2.7 192.0.2.1 5000 3306\r\n'), TO_SERVER), PROBE_MORE);
});

test('the first message of the X protocol looks like COM_QUIT, which convinces nobody', () => {
  assert.equal(verdict(t.bytes(t.u32(1), 1), TO_SERVER), PROBE_UNSURE);
});

test('other protocols are refused', () => {
  const others: [string, Uint8Array, Direction][] = [
    ['HTTP request', t.bytes('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), TO_SERVER],
    ['HTTP reply', t.bytes('HTTP/1.1 200 OK\r\n\r\n'), TO_CLIENT],
    ['SSH', t.bytes('SSH-2.0-OpenSSH_9.2\r\n'), TO_CLIENT],
    ['PostgreSQL startup', t.bytes(0, 0, 0, 20, 0, 3, 0, 0, 'user', 0, 'bob', 0, 0), TO_SERVER],
    ['PostgreSQL query', t.bytes('Q', 0, 0, 0, 13, 'SELECT 1', 0), TO_SERVER],
    ['Redis', t.bytes('*1\r\n$4\r\nPING\r\n'), TO_SERVER],
    ['TLS', t.bytes(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3), TO_SERVER],
    ['TDS prelogin', t.bytes(0x12, 1, 0, 47, 0, 0, 1, 0, 0, 0, 26), TO_SERVER],
    ['MongoDB', t.bytes(t.u32(58), t.u32(1), t.u32(0), t.u32(2013), new Uint8Array(42)), TO_SERVER],
    ['X protocol, CapabilitiesSet', t.bytes(t.u32(8), 2, 0x0a, 5, 'a', 1, 2, 3, 4), TO_SERVER],
    [
      'X protocol, Capabilities',
      t.bytes(t.u32(18), 2, 0x0a, 15, 0x0a, 3, 'tls', 0x12, 8, new Uint8Array(8)),
      TO_CLIENT,
    ],
    ['X protocol, notice', t.bytes(t.u32(5), 11, 8, 5, 0x1a, 0), TO_CLIENT],
    ['X protocol, OK', t.bytes(t.u32(1), 0), TO_CLIENT],
    ['zeros', new Uint8Array(64), TO_SERVER],
  ];
  for (const [name, bytes, direction] of others) assert.equal(verdict(bytes, direction), PROBE_NO, name);
});
