/** The connection phase: greeting, login, authentication rounds, TLS, PROXY header, change of user. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoginEvent, LogoutEvent, MARK_MIDSTREAM, MARK_NO_REPLY, OpaqueEvent } from '../../contracts/event.ts';
import * as c from './constants.ts';
import * as t from './testing.ts';

function only(events: readonly unknown[]): LoginEvent {
  assert.equal(events.length, 1);
  assert.ok(events[0] instanceof LoginEvent);
  return events[0];
}

test('a login names user, database and method', () => {
  const login = only(t.run(t.opening()).filter((e) => e instanceof LoginEvent));
  assert.equal(login.identity.user, 'alice');
  assert.equal(login.identity.database, 'shop');
  assert.equal(login.identity.system, 'mysql');
  assert.equal(login.method, 'mysql_native_password');
  assert.equal(login.errorCode, undefined);
  assert.ok(login.startUs < login.firstByteUs);
});

test('HandshakeResponse41: the scramble’s length is one byte or length-encoded, a Zstandard level ends it', () => {
  const attributes = { program_name: 'till' };
  for (const flag of [0, c.CLIENT_PLUGIN_AUTH_LENENC, c.CLIENT_ZSTD_COMPRESSION]) {
    const capabilities = t.CLASSIC | c.CLIENT_CONNECT_ATTRS | flag;
    const { identity, method } = only(
      t.run(t.opening(capabilities, { attributes })).filter((e) => e instanceof LoginEvent),
    );
    assert.deepEqual(
      [identity.user, identity.database, identity.program, method],
      ['alice', 'shop', 'till', 'mysql_native_password'],
    );
  }
});

test('MariaDB is known by the prefix or the name in its version', () => {
  for (const version of ['5.5.5-10.3.1', '10.11.6-MariaDB-1']) {
    const [login] = t.logins(
      t.run([t.server(t.greeting(t.CLASSIC, version)), t.client(t.login(t.CLASSIC)), t.server(t.ok(2))]),
    );
    assert.equal(login?.identity.system, 'mariadb', version);
  }
});

test('a greeting of version 9 and a login from before 4.1', () => {
  const greeting = t.packet(0, 9, '3.21.33', 0, t.u32(1), '12345678', 0);
  const response = t.packet(1, t.u16(c.CLIENT_CONNECT_WITH_DB), t.u24(65536), 'old', 0, 'scramble', 0, 'files', 0);
  const events = t.run([
    t.server(greeting),
    t.client(response),
    t.server(t.packet(2, 0, 0, 0)),
    t.client(t.query('SELECT 1')),
    t.server(t.packet(1, 0, 3, 0)),
  ]);
  const [login] = t.logins(events);
  assert.equal(login?.identity.user, 'old');
  assert.equal(login?.identity.database, 'files');
  assert.equal(login?.method, 'mysql_old_password');
  const [statement] = t.statements(events);
  assert.equal(statement?.text, 'SELECT 1');
  assert.equal(statement?.outcomes[0]?.affectedRows, 3);
});

test('an ERR in place of the greeting is a refused login', () => {
  const login = only(t.run([t.server(t.err(0, 1040, '', 'Too many connections'))]));
  assert.equal(login.errorCode, '1040');
  assert.equal(login.errorText, 'Too many connections');
  assert.equal(login.identity.user, undefined);
});

test('connection attributes give program and operating system user', () => {
  const capabilities = t.CLASSIC | c.CLIENT_CONNECT_ATTRS;
  const attributes = { _client_name: 'libmysql', program_name: 'payroll', _os_user: 'eve', _pid: '77' };
  const [login] = t.logins(t.run(t.opening(capabilities, { attributes })));
  assert.equal(login?.identity.program, 'payroll');
  assert.equal(login?.identity.osUser, 'eve');
  const [fallback] = t.logins(t.run(t.opening(capabilities, { attributes: { _client_name: 'libmysql' } })));
  assert.equal(fallback?.identity.program, 'libmysql');
});

test('a failed login has code and text, and no logout follows it', () => {
  const events = t.run([
    t.server(t.greeting(t.CLASSIC)),
    t.client(t.login(t.CLASSIC)),
    t.server(t.err(2, 1045, '28000', 'Access denied')),
  ]);
  const login = only(events);
  assert.equal(login.identity.user, 'alice');
  assert.equal(login.errorCode, '28000');
  assert.equal(login.errorText, 'Access denied');
});

test('auth switch, and the bare switch to the old method', () => {
  const switched = t.run([
    t.server(t.greeting(t.CLASSIC)),
    t.client(t.login(t.CLASSIC)),
    t.server(t.packet(2, 0xfe, 'caching_sha2_password', 0, 'scramblescramble1234', 0)),
    t.client(t.packet(3, new Uint8Array(32))),
    t.server(t.packet(4, 1, 3), t.ok(5)),
    t.client(t.query('SELECT 1')),
    t.server(t.result(['1'])),
  ]);
  assert.equal(t.logins(switched)[0]?.method, 'caching_sha2_password');
  assert.equal(t.statements(switched)[0]?.outcomes[0]?.returnedRows, 1);
  const old = t.run([
    t.server(t.greeting(t.CLASSIC)),
    t.client(t.login(t.CLASSIC)),
    t.server(t.packet(2, 0xfe)),
    t.client(t.packet(3, 'abcdefgh', 0)),
    t.server(t.ok(4)),
  ]);
  assert.equal(t.logins(old)[0]?.method, 'mysql_old_password');
});

test('caching_sha2_password: full authentication with a public key keeps nothing of it', () => {
  const events = t.run([
    t.server(t.greeting(t.CLASSIC)),
    t.client(t.login(t.CLASSIC)),
    t.server(t.packet(2, 1, 4)),
    t.client(t.packet(3, 2)),
    t.server(t.packet(4, 1, '-----BEGIN PUBLIC KEY-----')),
    t.client(t.packet(5, 'topsecret-ciphertext')),
    t.server(t.ok(6)),
  ]);
  assert.equal(t.logins(events).length, 1);
  assert.equal(t.statements(events).length, 0);
  assert.doesNotMatch(JSON.stringify(events), /topsecret|PUBLIC KEY|ZZZZ/);
});

test('a second factor is named beside the first', () => {
  const [login] = t.logins(
    t.run([
      t.server(t.greeting(t.CLASSIC)),
      t.client(t.login(t.CLASSIC)),
      t.server(t.packet(2, 2, 'authentication_fido', 0, 'challenge')),
      t.client(t.packet(3, 'answer')),
      t.server(t.ok(4)),
    ]),
  );
  assert.equal(login?.method, 'mysql_native_password,authentication_fido');
});

test('the request for TLS ends what can be read', () => {
  const request = t.packet(1, t.u32(t.CLASSIC | c.CLIENT_SSL), t.u32(0x1000000), 45, new Uint8Array(23));
  const hello = t.bytes(0x16, 3, 1, 0, 4, 1, 0, 0, 0);
  const events = t.run([
    t.server(t.greeting(t.CLASSIC | c.CLIENT_SSL)),
    t.client(request),
    t.client(hello),
    t.server(hello),
  ]);
  assert.equal(events.length, 1);
  assert.ok(events[0] instanceof OpaqueEvent);
  assert.equal(events[0].reason, 'tls');
});

test('a PROXY header of either version tells the true client', () => {
  const v2 = t.bytes('\r\n\r\n\0\r\nQUIT\n', 0x21, 0x11, 0, 12, [192, 0, 2, 9], [192, 0, 2, 1], [1, 2], [3, 4]);
  const v6 = t.bytes(
    '\r\n\r\n\0\r\nQUIT\n',
    0x21,
    0x21,
    0,
    36,
    Buffer.from(`20010db8${'0'.repeat(23)}1`, 'hex'),
    new Uint8Array(20),
  );
  const headers = new Map([
    ['192.0.2.7', t.bytes('PROXY TCP4 192.0.2.7 192.0.2.1 5000 3306\r\n')],
    ['192.0.2.9', v2],
    ['2001:db8::1', v6],
  ]);
  for (const [address, header] of headers) {
    const [login] = t.logins(t.run([t.client(header), ...t.opening()]));
    assert.equal(login?.identity.clientHost, address);
    assert.equal(login?.identity.user, 'alice');
  }
});

function changeUser(user: string, database: string): Uint8Array {
  return t.command(c.COM_CHANGE_USER, user, 0, 4, 'abcd', database, 0, t.u16(45), 'mysql_native_password', 0);
}

test('COM_CHANGE_USER is a login: it changes who speaks and drops prepared statements', () => {
  const events = t.run([
    ...t.opening(),
    t.client(t.command(c.COM_STMT_PREPARE, 'SELECT 5')),
    t.server(t.prepared(1, 0, 1)),
    t.client(changeUser('bob', 'audit')),
    t.server(t.packet(1, 0xfe, 'mysql_native_password', 0, 'x')),
    t.client(t.packet(2, 'scramble')),
    t.server(t.ok(3)),
    t.client(t.execute(1, undefined, [])),
    t.server(t.err(1, 1243, 'HY000', 'Unknown prepared statement handler')),
  ]);
  assert.deepEqual(
    t.logins(events).map((e) => [e.identity.user, e.identity.database]),
    [
      ['alice', 'shop'],
      ['bob', 'audit'],
    ],
  );
  const [statement] = t.statements(events);
  assert.equal(statement?.text, undefined);
  assert.equal(statement?.identity.user, 'bob');
});

test('a refused COM_CHANGE_USER leaves the old user', () => {
  const events = t.run([
    ...t.opening(),
    t.client(changeUser('bob', 'audit')),
    t.server(t.err(1, 1045, '28000', 'Access denied')),
    t.client(t.query('SELECT 1')),
    t.server(t.result(['1'])),
  ]);
  assert.equal(t.logins(events)[1]?.errorCode, '28000');
  assert.equal(t.statements(events)[0]?.identity.user, 'alice');
});

test('a login that is never answered is marked', () => {
  const login = only(t.run([t.server(t.greeting(t.CLASSIC)), t.client(t.login(t.CLASSIC))]));
  assert.equal(login.marks, MARK_NO_REPLY);
});

test('logout: quit, and FIN without it', () => {
  const quit = t.run([...t.opening(), t.client(t.command(c.COM_QUIT))]).at(-1);
  assert.ok(quit instanceof LogoutEvent);
  assert.equal(quit.reason, 'quit');
  const fin = t.run(t.opening()).at(-1);
  assert.ok(fin instanceof LogoutEvent);
  assert.equal(fin.reason, 'fin');
});

test('a connection without its TCP handshake but with its greeting is read from the start', () => {
  const events = t.run([...t.opening(), t.client(t.query('SELECT 1')), t.server(t.result(['1']))], true);
  assert.equal(t.logins(events)[0]?.identity.user, 'alice');
  assert.equal(t.statements(events)[0]?.identity.user, 'alice');
  assert.equal((t.statements(events)[0]?.marks ?? 0) & MARK_MIDSTREAM, 0);
});
