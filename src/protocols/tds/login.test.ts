/** Logins of every kind, and what TLS leaves to be seen. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AuditEvent, MARK_MIDSTREAM, MARK_NO_REPLY } from '../../contracts/event.ts';
import { PROBE_CERTAIN, PROBE_NO, PROBE_UNSURE, TO_CLIENT, TO_SERVER } from '../../contracts/protocol.ts';
import { play, steps, type Turn } from '../sdk/testkit.ts';
import * as c from './constants.ts';
import tds from './protocol.ts';
import * as t from './testing.ts';

const only = <T>(list: readonly T[]): T => {
  assert.equal(list.length, 1);
  return list[0] as T;
};

test('LOGIN7: who, from where, with what, into which database; never the password', () => {
  const events = t.run(...t.opening());
  const login = only(t.logins(events));
  assert.deepEqual(
    [login.identity.user, login.identity.clientHost, login.identity.program, login.identity.database],
    ['ann', 'pc1', 'app', 'shop'],
  );
  assert.equal(login.method, 'password');
  assert.equal(login.errorCode, undefined);
  assert.doesNotMatch(JSON.stringify(events), /secret/);
});

test('error 18456 is a login failure: number and text; no logout follows', () => {
  const events = t.run(
    t.client(t.login7({ user: 'eve' })),
    t.reply(t.error(18456, "Login failed for user 'eve'."), t.done(c.DONE_ERROR)),
  );
  const login = only(t.logins(events));
  assert.deepEqual([login.errorCode, login.errorText], ['18456', "Login failed for user 'eve'."]);
  assert.equal(events.filter((event) => event.kind === 'logout').length, 0);
});

/** NTLM AUTHENTICATE_MESSAGE with a domain, a user and a host. */
function ntlm3(): Uint8Array {
  const texts = ['SHOP', 'bob', 'PC9'].map((text) => Buffer.from(text, 'utf16le'));
  let offset = 72;
  const fields = texts.map((text) => {
    const field = t.bytes(t.u16(text.length), t.u16(text.length), t.u32(offset));
    offset += text.length;
    return field;
  });
  const empty = t.bytes(t.u16(0), t.u16(0), t.u32(72));
  const flags = t.u32(1);
  const head = t.bytes(t.ascii('NTLMSSP\0'), t.u32(3), empty, empty, ...fields, empty, flags, Buffer.alloc(8));
  return t.bytes(head, ...texts);
}

test('an NTLM login names its user in the last message', () => {
  const negotiate = t.bytes(t.ascii('NTLMSSP\0'), t.u32(1), Buffer.alloc(24));
  const events = t.run(
    t.client(t.login7({ user: '', host: '', sspi: negotiate })),
    t.reply(t.counted(c.TOKEN_SSPI, t.ascii('NTLMSSP\0'), t.u32(2), Buffer.alloc(40))),
    t.client(t.message(c.PACKET_SSPI, ntlm3())),
    t.reply(t.loginAck(), t.done()),
  );
  const login = only(t.logins(events));
  assert.deepEqual([login.identity.user, login.identity.clientHost, login.method], ['SHOP\\bob', 'PC9', 'ntlm']);
});

test('Kerberos hides the user, and says so', () => {
  const ticket = t.bytes(0x60, 0x30, t.hex('06092a864886f712010202'), Buffer.alloc(40));
  const login = only(t.logins(t.run(t.client(t.login7({ user: '', sspi: ticket })), t.reply(t.loginAck(), t.done()))));
  assert.deepEqual([login.identity.user, login.method], [undefined, 'kerberos']);
});

test('features: federated authentication', () => {
  const features = t.bytes(1, t.u32(2), 0, 0, 2, t.u32(1), 0, 0xff);
  const turns = [
    t.client(t.login7({ features })),
    t.reply(t.loginAck(), t.bytes(c.TOKEN_FEATURE_ACK, 2, t.u32(1), 0, 0xff), t.done()),
  ];
  assert.equal(only(t.logins(t.run(...turns))).method, 'fedauth');
});

test('ENVCHANGE 20 sends the client elsewhere: the login says where', () => {
  const route = t.bytes(0, t.u16(15_000), t.us('db7.example'));
  const events = t.run(
    t.client(t.login7()),
    t.reply(t.loginAck(), t.counted(c.TOKEN_ENV_CHANGE, c.ENV_ROUTING, t.u16(route.length), route, t.u16(0)), t.done()),
  );
  assert.equal(only(t.logins(events)).errorText, 'routed to db7.example,15000');
});

// TLS

test('TLS for the login only: SQL is read afterwards, the user is not known', () => {
  const events = t.run(
    t.client(t.message(c.PACKET_PRELOGIN, t.prelogin(c.ENCRYPT_OFF))),
    t.reply(t.prelogin(c.ENCRYPT_OFF)),
    t.client(t.wrapped(t.CLIENT_HELLO)),
    t.server(t.wrapped(t.SERVER_HELLO, t.HELLO_DONE)),
    t.client(t.APPLICATION_DATA),
    t.reply(t.environment(c.ENV_DATABASE, 'shop', 'master'), t.loginAck(), t.done()),
    t.client(t.batch('SELECT 1')),
    t.reply(t.result(['1'])),
  );
  const login = only(t.logins(events));
  assert.deepEqual([login.identity.user, login.identity.database, login.method], [undefined, 'shop', 'encrypted']);
  const statement = only(t.statements(events));
  assert.deepEqual([statement.text, statement.identity.user, statement.marks], ['SELECT 1', undefined, 0]);
});

for (const encryption of [c.ENCRYPT_ON, c.ENCRYPT_REQUIRED]) {
  test(`TLS for everything (encryption ${encryption}): one opaque event with what was in the clear`, () => {
    const events = t.run(
      t.client(t.message(c.PACKET_PRELOGIN, t.prelogin(c.ENCRYPT_ON))),
      t.reply(t.prelogin(encryption)),
      t.client(t.wrapped(t.CLIENT_HELLO)),
      t.server(t.wrapped(t.SERVER_HELLO, t.HELLO_DONE)),
      t.client(t.APPLICATION_DATA),
      t.server(t.APPLICATION_DATA),
    );
    const event = only(events);
    assert.ok(event.kind === 'opaque');
    assert.equal(event.reason, 'tls');
    assert.equal(event.tls?.version, 'TLSv1.2');
    assert.equal(event.tls?.cipher, 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256');
  });
}

/** The answer of PRELOGIN is lost: what TLS is for shows only afterwards. */
function withoutAnswer(...turns: readonly Turn[]): AuditEvent[] {
  const answer = t.reply(t.prelogin(c.ENCRYPT_OFF));
  const begin = [
    t.client(t.message(c.PACKET_PRELOGIN, t.prelogin(c.ENCRYPT_OFF))),
    answer,
    t.client(t.wrapped(t.CLIENT_HELLO)),
    t.server(t.wrapped(t.SERVER_HELLO, t.HELLO_DONE)),
    t.client(t.APPLICATION_DATA),
  ];
  const lost = answer.bytes.length;
  const whole = steps({ name: '', turns: [...begin, ...turns] });
  return play(tds, whole.with(1, { direction: TO_CLIENT, bytes: undefined, lost }));
}

test('a lost answer of PRELOGIN: SQL in the clear is read all the same', () => {
  const events = withoutAnswer(
    t.reply(t.loginAck(), t.done()),
    t.client(t.batch('SELECT 1')),
    t.reply(t.result(['1'])),
  );
  assert.equal(only(t.statements(events)).text, 'SELECT 1');
  assert.equal(events.filter((event) => event.kind === 'opaque').length, 0);
});

test('a lost answer of PRELOGIN: a server that goes on in TLS is opaque', () => {
  const event = only(withoutAnswer(t.server(t.APPLICATION_DATA), t.client(t.APPLICATION_DATA)));
  assert.equal(event.kind, 'opaque');
});

/** A ClientHello that offers one application protocol. */
function hello(alpn: string): Uint8Array {
  const name = t.bytes(alpn.length, t.ascii(alpn));
  const be16 = (value: number) => Buffer.of(value >> 8, value & 255);
  const extension = t.bytes(be16(16), be16(name.length + 2), be16(name.length), name);
  const body = t.bytes(t.hex(`0303 ${'11'.repeat(32)} 00 0002 1301 01 00`), be16(extension.length), extension);
  const message = t.bytes(1, 0, be16(body.length), body);
  return t.bytes(0x16, 3, 1, be16(message.length), message);
}

test('TDS 8 is TLS from the first byte: known by its ALPN, opaque', () => {
  const bytes = hello('tds/8.0');
  assert.equal(tds.probe(bytes, 0, bytes.length, TO_SERVER), PROBE_CERTAIN);
  const other = hello('h2');
  assert.equal(tds.probe(other, 0, other.length, TO_SERVER), PROBE_UNSURE);
  const event = only(t.run(t.client(bytes), t.server(t.SERVER_HELLO, t.HELLO_DONE), t.client(t.APPLICATION_DATA)));
  assert.ok(event.kind === 'opaque');
  assert.equal(event.tls?.alpn, 'tds/8.0');
});

// TDS 4.2 and 5.0

/** The login record: texts of fixed room with their lengths, and the byte order of the client. */
function oldLogin(bigEndian: boolean): Uint8Array {
  const record = Buffer.alloc(568);
  const put = (offset: number, text: string) => {
    record.write(text, offset, 'latin1');
    record[offset + 30] = text.length;
  };
  put(0, 'pc1');
  put(31, 'ann');
  put(62, 'secret');
  put(140, 'isql');
  put(525, 'utf8');
  record[124] = bigEndian ? 2 : 3;
  record[125] = bigEndian ? 0 : 1;
  record[458] = 5;
  return t.message(c.PACKET_OLD_LOGIN, record, 512);
}

for (const bigEndian of [false, true]) {
  test(`TDS 5.0: login and language, ${bigEndian ? 'big' : 'little'}-endian client`, () => {
    const order = (bytes: Uint8Array) => (bigEndian ? Buffer.from(bytes).reverse() : bytes);
    const text = Buffer.from("select name from people where city = 'Łódź'");
    const language = t.bytes(c.TOKEN5_LANGUAGE, order(t.u32(text.length + 1)), 0, text);
    const column = t.bytes(1, t.ascii('n'), 0, order(t.u32(7)), 0x38, 0);
    const format = t.bytes(c.TOKEN5_ROW_FORMAT, order(t.u16(column.length + 2)), order(t.u16(1)), column);
    const row = t.bytes(c.TOKEN_ROW, order(t.u32(7)));
    const done = (status: number, rows: number) =>
      t.bytes(c.TOKEN_DONE, order(t.u16(status)), order(t.u16(0)), order(t.u32(rows)));
    const server = t.bytes(10, t.ascii('sql server'), t.hex('0f000000'));
    const ackBody = t.bytes(5, t.hex('05000000'), server);
    const ack = t.bytes(c.TOKEN_LOGIN_ACK, order(t.u16(ackBody.length)), ackBody);
    const events = t.run(
      t.client(oldLogin(bigEndian)),
      t.reply(ack, done(0, 0)),
      t.client(t.message(c.PACKET_TDS5, language)),
      t.reply(format, row, row, row, done(c.DONE_COUNT, 3)),
      t.client(t.message(c.PACKET_TDS5, t.bytes(c.TOKEN5_LOGOUT, 0))),
      t.reply(done(0, 0)),
    );
    const login = only(t.logins(events));
    assert.deepEqual([login.identity.user, login.identity.system, login.identity.program], ['ann', 'sybase', 'isql']);
    assert.doesNotMatch(JSON.stringify(events), /secret/);
    const statement = only(t.statements(events));
    assert.equal(statement.text, text.toString());
    assert.equal(statement.outcomes[0]?.returnedRows, 3);
    assert.equal(events.at(-1)?.kind, 'logout');
  });
}

test('mid-stream: statements are read, the user stays unknown and is marked so', () => {
  const turns = [t.client(t.batch('SELECT 1')), t.reply(t.result(['1']))];
  const [statement] = t.statements(play(tds, steps({ name: '', turns }), true));
  assert.equal(statement?.text, 'SELECT 1');
  assert.equal(statement?.marks, MARK_MIDSTREAM);
  assert.equal(statement?.outcomes[0]?.returnedRows, 1);
});

test('a probe believes what TDS begins with, and no other bytes', () => {
  const probe = (bytes: Uint8Array, direction: 0 | 1) => tds.probe(bytes, 0, Math.min(512, bytes.length), direction);
  assert.equal(probe(t.batch('SELECT 1'), TO_SERVER), PROBE_CERTAIN);
  assert.equal(probe(t.message(c.PACKET_PRELOGIN, t.prelogin(0)), TO_SERVER), PROBE_CERTAIN);
  assert.equal(probe(t.login7(), TO_SERVER), PROBE_CERTAIN);
  assert.equal(probe(t.message(c.PACKET_REPLY, t.result(['1'])), TO_CLIENT), PROBE_UNSURE);
  assert.equal(probe(t.ascii('GET / HTTP/1.1\r\nHost: example\r\n\r\n'), TO_SERVER), PROBE_NO);
  assert.equal(probe(Buffer.alloc(64), TO_SERVER), PROBE_NO);
});

test('a login whose reply is missing does not take the replies of later requests', () => {
  const turns = [t.client(t.login7()), t.client(t.batch('SELECT 1')), t.reply(t.result(['1']))];
  const [login, statement] = t.run(...turns);
  assert.ok(login?.kind === 'login' && statement?.kind === 'statement');
  assert.equal(login.marks, MARK_NO_REPLY);
  assert.equal(statement.outcomes[0]?.returnedRows, 1);
});
