import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MARK_GAP, MARK_MALFORMED, MARK_MIDSTREAM, MARK_NO_REPLY } from '../../contracts/event.ts';
import { END_RST, END_UNSEEN, TO_CLIENT } from '../../contracts/protocol.ts';
import * as t from './testing.ts';

const alice = t.startup({ user: 'alice', database: 'shop', application_name: 'till' });

test('startup 3.0: identity from user, database and application_name; login ends with ReadyForQuery', () => {
  const d = new t.Dialogue();
  d.client(alice).server(t.auth(0)).server(t.parameter('server_version', '15.4'), t.ready()).client(t.terminate).end();
  const [login] = d.logins();
  assert.equal(login?.identity.user, 'alice');
  assert.equal(login?.identity.database, 'shop');
  assert.equal(login?.identity.program, 'till');
  assert.equal(login?.identity.system, 'postgresql');
  assert.equal(login?.startUs, 1010);
  assert.equal(login?.firstByteUs, 1020);
  assert.equal(login?.endUs, 1030);
  assert.equal(login?.method, 'none');
  assert.equal(login?.errorCode, undefined);
  const last = d.events.at(-1);
  assert.ok(last?.kind === 'logout' && last.reason === 'quit');
});

test('startup 3.2: NegotiateProtocolVersion, long cancel key; the database defaults to the user', () => {
  const d = new t.Dialogue();
  d.client(t.startup({ user: 'älice' }, 196_610));
  d.server(t.message('v', t.i32(196_608), t.i32(0)), t.auth(0), t.keyData(5, Buffer.alloc(256, 9)), t.ready());
  assert.equal(d.logins()[0]?.identity.user, 'älice');
  assert.equal(d.logins()[0]?.identity.database, 'älice');
  assert.equal(d.driver.counters.malformedFrames, 0);
});

test('StartupMessage: names in any script, options and unknown keys are passed over', () => {
  const d = new t.Dialogue();
  const parameters = { user: 'Пётр', database: '売上', options: '-c geqo=off', _pq_x: 'y', application_name: '会計 €' };
  d.client(t.startup(parameters)).server(t.auth(0), t.ready());
  const { identity, marks } = d.logins()[0] ?? {};
  assert.deepEqual([identity?.user, identity?.database, identity?.program], ['Пётр', '売上', '会計 €']);
  assert.equal(marks, 0);
});

test('authentication in several rounds keeps its method: GSS and SSPI continue, SASL continues and ends', () => {
  for (const [method, code] of [
    ['gss', 7],
    ['sspi', 9],
  ] as const) {
    const d = new t.Dialogue();
    d.client(alice)
      .server(t.auth(code))
      .client(t.message('p', Buffer.from('token')));
    d.server(t.auth(8, Buffer.from('more')))
      .client(t.message('p', Buffer.from('token')))
      .server(t.auth(0), t.ready());
    assert.equal(d.logins()[0]?.method, method);
  }
  const d = new t.Dialogue();
  d.client(alice).server(t.auth(10, t.z('SCRAM-SHA-256-PLUS'), t.z('SCRAM-SHA-256'), Buffer.alloc(1)));
  d.client(t.message('p', t.z('SCRAM-SHA-256-PLUS'), t.i32(4), Buffer.from('p=tl')));
  d.server(t.auth(11, Buffer.from('r=x'))).client(t.message('p', Buffer.from('c=y')));
  d.server(t.auth(12, Buffer.from('v=z')), t.auth(0), t.ready());
  assert.equal(d.logins()[0]?.method, 'scram-sha-256-plus', 'the mechanism that binds the channel');
});

test('authentication methods are named, and no secret is kept', () => {
  const cases: readonly [string, Uint8Array][] = [
    ['password', t.auth(3)],
    ['md5', t.auth(5, Buffer.from('salt'))],
    ['kerberos', t.auth(2)],
    ['gss', t.auth(7)],
    ['sspi', t.auth(9)],
    ['scm', t.auth(6)],
  ];
  for (const [method, request] of cases) {
    const d = new t.Dialogue();
    d.client(alice)
      .server(request)
      .client(t.message('p', t.z('hunter2')))
      .server(t.auth(0), t.ready())
      .end();
    assert.equal(d.logins()[0]?.method, method);
    assert.doesNotMatch(JSON.stringify(d.events), /hunter2|salt/);
  }
});

test('SASL: the mechanism the client chose; SCRAM messages are not kept', () => {
  const d = new t.Dialogue();
  d.client(alice).server(t.auth(10, t.z('SCRAM-SHA-256-PLUS'), t.z('SCRAM-SHA-256'), Buffer.alloc(1)));
  d.client(t.message('p', t.z('SCRAM-SHA-256'), t.i32(10), Buffer.from('n,,n=,r=nonce')));
  d.server(t.auth(11, Buffer.from('r=nonce2,s=c2FsdA==,i=4096')));
  d.client(t.message('p', Buffer.from('c=biws,r=nonce2,p=proof')));
  d.server(t.auth(12, Buffer.from('v=verifier')), t.auth(0), t.ready()).end();
  assert.equal(d.logins()[0]?.method, 'scram-sha-256');
  assert.doesNotMatch(JSON.stringify(d.events), /nonce|proof|verifier/);
});

test('a password where a mechanism name is expected does not leak into the method', () => {
  const d = new t.Dialogue();
  d.client(alice).server(t.auth(10, t.z('SCRAM-SHA-256'), Buffer.alloc(1)));
  d.client(t.message('p', t.z('my secret'))).server(t.auth(0), t.ready());
  assert.equal(d.logins()[0]?.method, 'sasl');
});

test('login failure: FATAL before ReadyForQuery, no logout', () => {
  const d = new t.Dialogue();
  d.client(alice)
    .server(t.auth(5, Buffer.from('salt')))
    .client(t.message('p', t.z('md5x')));
  d.server(t.error('28P01', 'password authentication failed for user "alice"', 'FATAL')).end();
  assert.equal(d.events.length, 1);
  assert.equal(d.logins()[0]?.errorCode, '28P01');
  assert.equal(d.logins()[0]?.errorText, 'password authentication failed for user "alice"');
});

test('login failure after AuthenticationOk: the database does not exist', () => {
  const d = new t.Dialogue();
  d.client(alice)
    .server(t.auth(0), t.error('3D000', 'database "shop" does not exist', 'FATAL'))
    .end();
  assert.equal(d.logins().length, 1);
  assert.equal(d.logins()[0]?.errorCode, '3D000');
});

test('a login that is left without an answer', () => {
  const d = new t.Dialogue();
  d.client(alice)
    .server(t.auth(5, Buffer.from('salt')))
    .end(END_RST);
  assert.equal(d.logins()[0]?.marks, MARK_NO_REPLY);
  assert.equal(d.events.length, 1);
});

test('SSLRequest and GSSENCRequest refused: the session goes on in the clear', () => {
  const d = new t.Dialogue();
  d.client(t.gssRequest).server(Buffer.from('N')).client(t.sslRequest).server(Buffer.from('N')).login();
  assert.equal(d.logins()[0]?.identity.user, 'alice');
});

test('GSS encryption accepted: opaque', () => {
  const d = new t.Dialogue();
  d.client(t.gssRequest)
    .server(Buffer.from('G'))
    .client(Buffer.from([0, 0, 1, 0, 1, 2, 3]));
  assert.equal(d.opaque().reason, 'gss');
  assert.ok(d.driver.stopped);
  assert.equal(d.events.length, 1);
});

test('what follows a GSSENCRequest waits for the answer', () => {
  const d = new t.Dialogue();
  d.client(t.gssRequest, alice);
  assert.ok(d.driver.heldBytes() > 0);
  d.server(Buffer.from('N')).server(t.auth(0), t.ready());
  assert.equal(d.logins()[0]?.identity.user, 'alice');
});

test('an old server answers SSLRequest with an error', () => {
  const d = new t.Dialogue();
  d.client(t.sslRequest)
    .server(t.error('08P01', 'unsupported frontend protocol', 'FATAL'))
    .end();
  assert.equal(d.logins()[0]?.errorCode, '08P01');
  assert.equal(d.logins()[0]?.marks, 0);
});

const clientHello = Buffer.from(
  `1603010057010000530303${'11'.repeat(32)}0000021301010000270000000b0009000006${'64622e636f6d'}` +
    `0010000d000b0a${Buffer.from('postgresql').toString('hex')}002b0003020304`,
  'hex',
);

test('SSLRequest accepted: TLS facts, then nothing more is read', () => {
  const hello = fixLengths(clientHello);
  const serverHello = fixLengths(
    Buffer.from(`160303002e020000000303${'22'.repeat(32)}00130100${'0006'}002b00020304`, 'hex'),
  );
  const d = new t.Dialogue();
  d.client(t.sslRequest).server(Buffer.from('S')).client(hello).server(serverHello);
  assert.deepEqual(d.opaque().tls, {
    sni: 'db.com',
    alpn: 'postgresql',
    version: 'TLSv1.3',
    cipher: 'TLS_AES_128_GCM_SHA256',
  });
  assert.equal(d.opaque().reason, 'tls');
  assert.ok(d.driver.stopped);
});

test('direct TLS: the first byte is a ClientHello', () => {
  const d = new t.Dialogue();
  d.client(fixLengths(clientHello)).end();
  assert.equal(d.opaque().tls?.alpn, 'postgresql');
  assert.equal(d.opaque().tls?.sni, 'db.com');
});

test('what was smuggled in the clear behind an accepted SSLRequest is no login and no statement', () => {
  const d = new t.Dialogue();
  d.client(t.sslRequest, alice, t.query('drop table t')).server(Buffer.from('S')).end();
  assert.deepEqual(
    d.events.map((event) => event.kind),
    ['opaque'],
  );
});

/** Sets the record's and the message's length to what is there. */
function fixLengths(record: Buffer): Buffer {
  const fixed = Buffer.from(record);
  fixed.writeUInt16BE(fixed.length - 5, 3);
  fixed.writeUIntBE(fixed.length - 9, 6, 3);
  return fixed;
}

test('protocol 2.0 is opaque', () => {
  const d = new t.Dialogue();
  d.client(t.opening(0x20000, Buffer.alloc(288, 0x61)));
  assert.equal(d.opaque().reason, 'unknown-version');
});

test('a StartupMessage without a user, or cut short, is malformed', () => {
  for (const body of [t.startup({ database: 'shop' }), t.opening(196_608, t.z('user'), Buffer.from('ali'))]) {
    const d = new t.Dialogue();
    d.client(body)
      .server(t.error('28000', 'no user', 'FATAL'))
      .end();
    assert.equal(d.logins()[0]?.marks, MARK_MALFORMED);
  }
});

test('ParameterStatus: session_authorization, application_name and client_encoding follow the session', () => {
  const d = new t.Dialogue().login();
  d.client(t.query('set session authorization bob'));
  d.server(t.complete('SET'), t.parameter('session_authorization', 'bob'), t.ready());
  d.client(t.query("set application_name = 'x'"));
  d.server(
    t.complete('SET'),
    t.parameter('application_name', 'x'),
    t.parameter('client_encoding', 'LATIN1'),
    t.ready(),
  );
  d.client(t.message('Q', Buffer.from('select \xe9\0', 'latin1'))).server(t.complete('SELECT 0'), t.ready());
  d.client(t.query('reset session authorization'));
  d.server(t.complete('RESET'), t.parameter('session_authorization', 'alice'), t.ready());
  d.client(t.query('select 1')).server(t.complete('SELECT 1'), t.ready());
  assert.equal(d.statement(0).identity.effectiveUser, undefined);
  assert.equal(d.statement(1).identity.effectiveUser, 'bob');
  assert.equal(d.statement(2).identity.program, 'x');
  assert.equal(d.statement(2).identity.user, 'alice');
  assert.equal(d.statement(2).text, 'select é');
  assert.equal(d.statement(4).identity.effectiveUser, undefined);
});

test('a pooler’s server connection: who speaks changes from transaction to transaction', () => {
  const d = new t.Dialogue().login('pooler');
  for (const program of ['web', 'batch']) {
    d.client(t.query(`SET application_name = '${program}'`));
    d.server(t.complete('SET'), t.parameter('application_name', program), t.ready());
    d.client(t.query('BEGIN'), t.query('UPDATE t SET a = 1'), t.query('COMMIT'));
    d.server(t.complete('BEGIN'), t.ready('T'), t.complete('UPDATE 1'), t.ready('T'), t.complete('COMMIT'), t.ready());
    d.client(t.query('DISCARD ALL')).server(t.complete('DISCARD ALL'), t.parameter('application_name', ''), t.ready());
  }
  const updates = d.statements().filter((s) => s.text?.startsWith('UPDATE'));
  assert.deepEqual(
    updates.map(({ identity }) => [identity.user, identity.program]),
    [
      ['pooler', 'web'],
      ['pooler', 'batch'],
    ],
  );
});

test('notices, notifications and parameters may come at any time', () => {
  const d = new t.Dialogue();
  const noise = [
    t.notice('n'),
    t.message('A', t.i32(3), t.z('channel'), t.z('payload')),
    t.parameter('TimeZone', 'UTC'),
  ];
  d.client(alice).server(...noise, t.auth(0), ...noise, t.ready(), ...noise);
  d.client(t.query('select 1')).server(...noise, t.columns('a'), ...noise, t.row('1'), ...noise);
  d.server(t.complete('SELECT 1'), ...noise, t.ready());
  assert.equal(d.logins().length, 1);
  assert.equal(d.statement().outcomes[0]?.returnedRows, 1);
  assert.equal(d.statement().outcomes[0]?.responseBytes, t.columns('a').length + t.row('1').length + 14);
  assert.equal(d.statement().transaction, 'idle');
});

test('a login whose beginning was not seen says so and names nobody', () => {
  const d = new t.Dialogue({ midstream: true });
  d.server(t.auth(5, Buffer.from('salt')))
    .client(t.message('p', t.z('md5abc')))
    .server(t.auth(0), t.ready());
  assert.equal(d.logins()[0]?.marks, MARK_MIDSTREAM);
  assert.equal(d.logins()[0]?.identity.user, undefined);
  assert.equal(d.logins()[0]?.method, 'md5');
});

test('the end of a login is lost: the client that goes on was let in', () => {
  const d = new t.Dialogue();
  d.client(alice).gap(TO_CLIENT, 300).client(t.query('select 1')).server(t.complete('SELECT 1'), t.ready());
  d.client(t.query('select 2')).server(t.complete('SELECT 1'), t.ready()).end();
  assert.equal(d.logins()[0]?.marks, MARK_GAP);
  assert.equal(d.logins()[0]?.lostBytes, 300);
  assert.deepEqual(
    d.statements().map((statement) => [statement.text, statement.outcomes.length]),
    [
      ['select 1', 1],
      ['select 2', 1],
    ],
  );
});

test('how a session ends: fin, rst, or unseen', () => {
  const reasons = [undefined, END_RST, END_UNSEEN] as const;
  const words = reasons.map((reason) => {
    const last = new t.Dialogue().login().end(reason).events.at(-1);
    return last?.kind === 'logout' ? last.reason : undefined;
  });
  assert.deepEqual(words, ['fin', 'rst', undefined]);
});
