/** How connections begin: descriptors, refusals, redirects, encryption, and the kinds of login. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AuditEvent, MARK_MIDSTREAM, MARK_NO_REPLY, OpaqueEvent } from '../../contracts/event.ts';
import { END_FIN, type EventSink } from '../../contracts/protocol.ts';
import { newDriverCounters } from '../sdk/counters.ts';
import { Driver } from '../sdk/driver.ts';
import { connectionInfo } from '../sdk/testkit.ts';
import { readAnoReply } from './ano.ts';
import { connectFacts, refusalCode } from './connect.ts';
import tns from './protocol.ts';
import * as t from './testing.ts';

test('connect descriptors: any case, white space, nesting, quotes', () => {
  const text =
    '(description =\n (address=(host=db9)(user=nobody))\t(Connect_Data=(SID = "x y")(cid=(PROGRAM=a\\b.exe)(host=pc)(User=eve))))';
  assert.deepEqual(connectFacts(text), { service: 'x y', program: 'a\\b.exe', host: 'pc', osUser: 'eve' });
  assert.deepEqual(connectFacts('(CONNECT_DATA=(SERVICE_NAME='), {
    service: undefined,
    program: undefined,
    host: undefined,
    osUser: undefined,
  });
  assert.equal(refusalCode('(DESCRIPTION=(TMP=)(ERR=12505)(ERROR_STACK=…'), 'ORA-12505');
});

test('login: one event for two calls and a RESEND, with who, from where, to what, and no secret', () => {
  const events = t.run(t.opening());
  assert.equal(t.logins(events).length, 1);
  const [login] = t.logins(events);
  assert.deepEqual(login?.identity, {
    system: 'oracle.db',
    user: 'SCOTT',
    effectiveUser: undefined,
    osUser: 'ann',
    clientHost: 'desk7',
    program: 'till',
    endUser: undefined,
    database: 'shop',
  });
  assert.equal(login?.errorCode, undefined);
  assert.equal(login?.method, 'o5logon');
  assert.ok(!JSON.stringify(events).includes('53FC1E7'));
});

test('connect data that follows in a DATA packet', () => {
  const turns = t
    .opening()
    .map((turn, i) =>
      i === 0 || i === 2 ? t.client(t.connect(t.DESCRIPTOR, 314, false), t.data(t.bytes(t.DESCRIPTOR))) : turn,
    );
  const [login] = t.logins(t.run(turns));
  assert.equal(login?.identity.database, 'shop');
  assert.equal(login?.identity.user, 'SCOTT');
});

test('refuse: the text in the packet, or in the next', () => {
  const text = '(DESCRIPTION=(ERR=12514))';
  const head = t.bytes(1, 0, t.u16(text.length));
  for (const answer of [t.packet(4, t.bytes(head, text)), t.bytes(t.packet(4, head), t.data(t.bytes(text)))]) {
    const [login] = t.logins(t.run([t.client(t.connect()), t.server(answer)]));
    assert.equal(login?.errorCode, 'ORA-12514');
    assert.equal(login?.errorText, text);
    assert.equal(login?.identity.database, 'shop');
  }
});

const REDIRECT = '(DESCRIPTION=(ADDRESS=(PROTOCOL=tcp)(HOST=node2)(PORT=1521)))';

for (const [where, redirect] of [
  ['in the packet', t.packet(5, t.bytes(t.u16(REDIRECT.length), REDIRECT))],
  ['in the next packet', t.bytes(t.packet(5, t.bytes(t.u16(REDIRECT.length))), t.data(t.bytes(REDIRECT)))],
  ['not at all', t.packet(5, t.bytes(t.u16(0), '()'))],
] as const) {
  test(`redirect, its address ${where}: the second connection knows what the first one said`, () => {
    const events: AuditEvent[] = [];
    const sink: EventSink = { emit: (event) => events.push(event) };
    const info = { ...connectionInfo('tns'), serverPort: 1521 };
    const say = (turns: t.Turns): void => {
      const driver = new Driver(tns, tns.open(info), sink, newDriverCounters(), false);
      for (const { direction, bytes } of turns) driver.data(direction, bytes, 0, bytes.length, 1);
      driver.end(END_FIN, 2);
    };
    say([t.client(t.connect()), t.server(redirect)]);
    assert.equal(events.length, 0);
    const redirected = t.connect('(DESCRIPTION=(CONNECT_DATA=(SID=two)))');
    redirected[5] = 4;
    say([t.client(redirected), ...t.opening().slice(3)]);
    assert.equal(events[0]?.identity.database, 'two');
    assert.equal(events[0]?.identity.osUser, 'ann');
    assert.equal(info.shared.size, 0);
  });
}

/** ANO reply of the server with a cipher and a checksum. */
function ano(cipher: number, checksum: number): Uint8Array {
  const service = (id: number, chosen: number): Uint8Array =>
    t.bytes(t.u16(id), t.u16(2), t.u32(0), t.u16(4), t.u16(5), t.u32(0x13000000), t.u16(1), t.u16(2), chosen);
  const services = t.bytes(service(2, cipher), service(3, checksum));
  return t.bytes([0xde, 0xad, 0xbe, 0xef], t.u16(services.length + 13), t.u32(0x13000000), t.u16(2), 0, services);
}

test('native encryption is opaque, with what the connect data said', () => {
  const events = t.run([
    t.client(t.connect()),
    t.server(t.accept()),
    t.client(t.data(t.bytes([0xde, 0xad, 0xbe, 0xef], t.u16(13), t.u32(0), t.u16(0), 0))),
    t.server(t.data(ano(17, 0))),
    t.client(t.data(t.bytes('ciphertext'))),
  ]);
  assert.equal(events.length, 1);
  const [event] = events;
  assert.ok(event instanceof OpaqueEvent);
  assert.equal(event.reason, 'native-encryption');
  assert.equal(event.tls?.cipher, 'AES256');
  assert.equal(event.identity.osUser, 'ann');
  assert.equal(event.identity.database, 'shop');
});

test('native integrity: the digest behind each packet is no part of the text', () => {
  assert.deepEqual(readAnoReply(ano(0, 3), 0, ano(0, 3).length), { cipher: 0, macBytes: 21 });
  const digest = new Uint8Array(21).fill(0x5a);
  const sign = (turn: t.Turns[number]): t.Turns[number] => {
    const payload = turn.bytes.subarray(10);
    return { direction: turn.direction, bytes: t.data(t.bytes(payload, digest)) };
  };
  const rest = t.opening().slice(4);
  const statement = [
    t.client(t.data(t.execute(3, { sql: 'SELECT 1 FROM dual', query: true }))),
    t.server(t.data(t.noData(3, 1, 4))),
  ];
  const events = t.run([
    t.client(t.connect()),
    t.server(t.accept()),
    t.server(t.data(ano(0, 3))),
    ...[...rest, ...statement].map(sign),
  ]);
  assert.equal(t.statements(events)[0]?.text, 'SELECT 1 FROM dual');
  assert.equal(t.statements(events)[0]?.outcomes[0]?.returnedRows, 1);
});

test('TCPS is opaque', () => {
  const hello = t.bytes(0x16, 3, 1, t.u16(4), [1, 0, 0, 0]);
  const events = t.run([t.client(hello), t.server(t.bytes(0x16, 3, 3, t.u16(4), [14, 0, 0, 0]))]);
  assert.equal(events.length, 1);
  assert.ok(events[0] instanceof OpaqueEvent);
  assert.equal(events[0].reason, 'tls');
});

/** The opening up to and without its login. */
function negotiated(): t.Turns {
  return t.opening().slice(0, 8);
}

function refusal(seq: number, error: number): t.Turns {
  return [
    t.server(t.packet(12, t.bytes(1, 0, 1)), t.packet(12, t.bytes(1, 0, 2))),
    t.client(t.packet(12, t.bytes(1, 0, 2))),
    t.server(t.data(t.oer(seq, { error, text: `ORA-${String(error).padStart(5, '0')}: no\n` }))),
  ];
}

test('login failure: code and text', () => {
  const events = t.run([...negotiated(), t.client(t.data(t.auth(1, 1, 'EVE', []))), ...refusal(1, 28000)]);
  const [login] = t.logins(events);
  assert.equal(login?.errorCode, 'ORA-28000');
  assert.equal(login?.errorText, 'ORA-28000: no');
  assert.equal(login?.identity.user, 'EVE');
});

test('a login whose second call is not answered is no success', () => {
  const [login] = t.logins(t.run(t.opening().slice(0, 10)));
  assert.equal(login?.errorCode, undefined);
  assert.equal(login?.marks, MARK_NO_REPLY);
});

test('a privileged login that OCI tries in four calls is one attempt', () => {
  const call = (phase: 1 | 2, seq: number, mode: number): t.Turns[number] =>
    t.client(t.data(t.auth(phase, seq, 'SYS', [], mode)));
  const events = t.run([
    ...negotiated(),
    call(1, 1, 0x21),
    ...refusal(1, 1017),
    call(2, 2, 0x121),
    ...refusal(2, 1031),
    call(1, 3, 0xa1),
    ...refusal(3, 1017),
    call(2, 4, 0x1a1),
    ...refusal(4, 1031),
  ]);
  assert.equal(events.length, 1);
  assert.equal(t.logins(events)[0]?.errorCode, 'ORA-01017');
  assert.equal(t.logins(events)[0]?.method, 'o5logon as sysdba');
});

test('who a session acts as: privileged modes, proxy users, tokens', () => {
  const login = (mode: number, ...pairs: readonly Uint8Array[]): t.Turns => [
    ...negotiated(),
    t.client(t.data(t.auth(2, 1, 'APP', pairs, mode))),
    t.server(t.data(t.oer(1))),
  ];
  const [sysoper] = t.logins(t.run(login(0x141)));
  assert.equal(sysoper?.identity.effectiveUser, 'PUBLIC');
  assert.equal(sysoper?.method, 'o5logon as sysoper');
  const [proxy] = t.logins(t.run(login(0x101, t.pair('PROXY_CLIENT_NAME', 'BOB'))));
  assert.equal(proxy?.identity.user, 'APP');
  assert.equal(proxy?.identity.effectiveUser, 'BOB');
  const [token] = t.logins(t.run(login(0x20000001, t.pair('AUTH_TOKEN', 'eyJhbGciOi'))));
  assert.equal(token?.method, 'token');
  assert.ok(!JSON.stringify(token).includes('eyJhbGciOi'));
});

test('a proxy user in brackets', () => {
  const events = t.run([
    ...negotiated(),
    t.client(t.data(t.auth(2, 1, 'APP[BOB]', [], 0x101))),
    t.server(t.data(t.oer(1))),
  ]);
  const [login] = t.logins(events);
  assert.equal(login?.identity.user, 'APP');
  assert.equal(login?.identity.effectiveUser, 'BOB');
});

test('a password that is changed in a session is a command, not a login', () => {
  const secrets = [t.pair('AUTH_PASSWORD', '53FC1E7'), t.pair('AUTH_NEWPASSWORD', '99ABCDE')];
  const events = t.run([
    ...t.opening(),
    t.client(t.data(t.auth(2, 3, 'SCOTT', secrets, 0x102))),
    t.server(t.data(t.oer(3, { error: 28007, text: 'ORA-28007: the password cannot be reused\n' }))),
  ]);
  assert.equal(t.logins(events).length, 1);
  const [change] = t.statements(events);
  assert.equal(change?.operation, 'CHANGE PASSWORD');
  assert.deepEqual(change?.parameters, ['SCOTT']);
  assert.equal(change?.outcomes[0]?.errorCode, 'ORA-28007');
  assert.ok(!JSON.stringify(events).includes('99ABCDE'));
});

test('mid-stream: the first call tells the dialect, the user stays unknown', () => {
  const [event] = t.statements(
    t.run(
      [t.client(t.data(t.execute(9, { sql: 'SELECT 1 FROM dual', query: true }))), t.server(t.data(t.noData(9, 1, 4)))],
      true,
    ),
  );
  assert.equal(event?.text, 'SELECT 1 FROM dual');
  assert.equal(event?.identity.user, undefined);
  assert.equal(event?.marks, MARK_MIDSTREAM);
  assert.equal(event?.outcomes[0]?.returnedRows, 1);
});
