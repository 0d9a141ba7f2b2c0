/** Packets, PRELOGIN and LOGIN7 beyond the ordinary: every type, status, option and feature. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cursor } from '../../base/cursor.ts';
import {
  type Direction,
  FRAME_MALFORMED,
  FRAME_MORE,
  FRAME_OK,
  FrameOut,
  TO_CLIENT,
  TO_SERVER,
} from '../../contracts/protocol.ts';
import { connectionInfo } from '../sdk/testkit.ts';
import * as c from './constants.ts';
import { readPreloginEncryption } from './login-messages.ts';
import tds from './protocol.ts';
import * as t from './testing.ts';

const session = tds.open(connectionInfo('tds'));

function verdictOf(direction: Direction, bytes: Uint8Array): readonly [number, number] {
  const out = new FrameOut();
  const verdict = tds.frame(session, direction, bytes, 0, bytes.length, out);
  return [verdict, out.length];
}

/** Packet type, its name, and who sends it. */
const TYPES: readonly (readonly [number, string, readonly Direction[]])[] = [
  [1, 'batch', [TO_SERVER]],
  [2, 'old login', [TO_SERVER]],
  [3, 'RPC', [TO_SERVER]],
  [4, 'reply', [TO_CLIENT]],
  [6, 'attention', [TO_SERVER]],
  [7, 'bulk', [TO_SERVER]],
  [8, 'federated authentication token', [TO_SERVER]],
  [0x0e, 'TM request', [TO_SERVER]],
  [0x0f, 'TDS5', [TO_SERVER]],
  [0x10, 'LOGIN7', [TO_SERVER]],
  [0x11, 'SSPI', [TO_SERVER]],
  [0x12, 'PRELOGIN', [TO_SERVER, TO_CLIENT]],
];

test('header: type, status, length BE; each type from the side that sends it, and no other', () => {
  for (let type = 0; type < 0x13; type++) {
    const packet = t.bytes(type, c.STATUS_EOM, 1, 2, 0x12, 0x34, 1, 0);
    const senders = TYPES.find(([known]) => known === type)?.[2] ?? [];
    for (const direction of [TO_SERVER, TO_CLIENT] as const) {
      const expected = senders.includes(direction) ? [FRAME_OK, 0x102] : [FRAME_MALFORMED, 0];
      assert.deepEqual(verdictOf(direction, packet), expected, `type ${type}, direction ${direction}`);
    }
  }
});

test('header: raw TLS 0x17 and SMP 0x53 are frames of their own, with their own lengths', () => {
  assert.deepEqual(verdictOf(TO_CLIENT, t.hex('1703030010')), [FRAME_OK, 21]);
  const data = t.bytes(c.PACKET_SMP, c.SMP_DATA, t.u16(3), t.u32(40), t.u32(1), t.u32(4));
  assert.deepEqual(verdictOf(TO_SERVER, data), [FRAME_OK, 40]);
});

test('header: status bits EOM, IGNORE, RESETCONNECTION, RESETSKIPTRAN are legal, others are not; a length below 8 is not', () => {
  const packet = (status: number, length: number) => t.bytes(c.PACKET_BATCH, status, 0, length, 0, 0, 1, 0);
  for (const status of [0, 1, 2, 8, 0x10, 0x1f]) assert.equal(verdictOf(TO_SERVER, packet(status, 8))[0], FRAME_OK);
  for (const status of [0x20, 0x40, 0x80]) assert.equal(verdictOf(TO_SERVER, packet(status, 8))[0], FRAME_MALFORMED);
  assert.equal(verdictOf(TO_SERVER, packet(1, 7))[0], FRAME_MALFORMED);
  assert.equal(verdictOf(TO_SERVER, packet(1, 8).subarray(0, 5))[0], FRAME_MORE);
});

/** PRELOGIN with the options given, their data behind the list in its order. */
function preloginOf(...options: readonly (readonly [number, Uint8Array])[]): Uint8Array {
  let offset = 5 * options.length + 1;
  const list = options.map(([id, data]) => {
    const entry = t.bytes(id, offset >> 8, offset & 255, data.length >> 8, data.length & 255);
    offset += data.length;
    return entry;
  });
  return t.bytes(...list, 0xff, ...options.map(([, data]) => data));
}

for (const encryption of [0, 1, 2, 3]) {
  test(`PRELOGIN: VERSION, ENCRYPTION ${encryption}, INSTOPT, THREADID, MARS, TRACEID, FEDAUTH, NONCE`, () => {
    const message = preloginOf(
      [0, t.hex('0f0007d00000')],
      [1, t.bytes(encryption)],
      [2, t.bytes(t.ascii('MSSQLSERVER'), 0)],
      [3, t.u32(4711)],
      [4, t.bytes(1)],
      [5, Buffer.alloc(36, 7)],
      [6, t.bytes(1)],
      [7, Buffer.alloc(32, 8)],
    );
    const packet = t.message(c.PACKET_PRELOGIN, message);
    assert.equal(tds.probe(packet, 0, packet.length, TO_SERVER), 3);
    assert.equal(readPreloginEncryption(new Cursor().reset(message, 0, message.length)), encryption);
  });
}

test('PRELOGIN: no encryption option, one beyond the message, and one without a meaning are none', () => {
  for (const message of [
    preloginOf([0, t.hex('0f0007d00000')]),
    t.hex('01 00ff 0001 ff'),
    preloginOf([1, t.bytes(9)]),
  ]) {
    assert.equal(readPreloginEncryption(new Cursor().reset(message, 0, message.length)), -1);
  }
});

const FEATURES = [
  [1, 'SESSIONRECOVERY'],
  [2, 'FEDAUTH'],
  [4, 'COLUMNENCRYPTION'],
  [5, 'GLOBALTRANSACTIONS'],
  [9, 'DATACLASSIFICATION'],
  [0x0a, 'UTF8_SUPPORT'],
] as const;

test(`LOGIN7 with FeatureExt ${FEATURES.map(([, name]) => name).join(', ')}: only FEDAUTH changes the method`, () => {
  for (const wanted of [FEATURES, FEATURES.filter(([id]) => id !== 2)]) {
    const features = t.bytes(...wanted.map(([id]) => t.bytes(id, t.u32(3), t.hex('010203'))), 0xff);
    const events = t.run(t.client(t.login7({ features })), t.reply(t.loginAck(), t.done()));
    const [login] = t.logins(events);
    assert.deepEqual([login?.method, login?.identity.user], [wanted === FEATURES ? 'fedauth' : 'password', 'ann']);
  }
});

test('FEATUREEXTACK, FEDAUTHINFO and SESSIONSTATE in replies are passed over', () => {
  const acknowledged = t.bytes(c.TOKEN_FEATURE_ACK, 1, t.u32(2), 7, 7, 0x0a, t.u32(1), 1, 0xff);
  const info = t.bytes(c.TOKEN_FEDAUTH_INFO, t.u32(4), t.u32(0));
  const state = t.bytes(c.TOKEN_SESSION_STATE, t.u32(3), 1, 2, 3);
  const events = t.run(
    t.client(t.login7()),
    t.reply(info, t.loginAck(), acknowledged, t.done()),
    t.client(t.batch('SELECT 1')),
    t.reply(state, t.result(['1'])),
  );
  const [statement] = t.statements(events);
  assert.deepEqual([statement?.outcomes[0]?.returnedRows, statement?.marks], [1, 0]);
});

test('LOGIN7: SSPI too long for its length field (0xFFFF) has a field of its own; its NTLM user is read', () => {
  const padded = t.bytes(Buffer.alloc(70_000), ntlm('SHOP', 'bob'));
  const message = Buffer.from(t.login7({ user: '', sspi: padded.subarray(0, 0xffff) }));
  const body = Buffer.concat([...packetBodies(message), padded.subarray(0xffff)]);
  body.writeUInt32LE(body.length, 0);
  body.writeUInt32LE(padded.length, 90);
  const events = t.run(t.client(t.message(c.PACKET_LOGIN7, body)), t.reply(t.loginAck(), t.done()));
  const [login] = t.logins(events);
  assert.deepEqual([login?.identity.user, login?.method], ['SHOP\\bob', 'ntlm']);
});

function packetBodies(message: Buffer): Buffer[] {
  const bodies: Buffer[] = [];
  for (let at = 0; at < message.length; ) {
    const length = message.readUInt16BE(at + 2);
    bodies.push(message.subarray(at + c.HEADER_BYTES, at + length));
    at += length;
  }
  return bodies;
}

/** AUTHENTICATE_MESSAGE with what is needed of it. */
function ntlm(domain: string, user: string): Uint8Array {
  const texts = [domain, user].map((text) => Buffer.from(text, 'utf16le'));
  const [first, second] = texts.map((text) => text.length);
  const field = (length: number, offset: number) => t.bytes(t.u16(length), t.u16(length), t.u32(offset));
  const empty = field(0, 72);
  const fields = t.bytes(field(first ?? 0, 72), field(second ?? 0, 72 + (first ?? 0)), empty, empty);
  return t.bytes(t.ascii('NTLMSSP\0'), t.u32(3), empty, empty, fields, t.u32(1), Buffer.alloc(8), ...texts);
}
