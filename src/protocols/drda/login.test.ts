/** Logins: encodings before and after the switch, who and with what, refusals, encryption. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LoginEvent, MARK_NO_REPLY, type StatementEvent } from '../../contracts/event.ts';
import * as cp from './codepoints.ts';
import * as t from './testing.ts';
import * as types from './types.ts';

const loginOf = (events: readonly unknown[]) => events.find((e) => (e as LoginEvent).kind === 'login') as LoginEvent;
const query = t.toServer(t.chain(t.immediate('insert x')));
const answer = t.toClient(t.replies(1, [t.done(1)]));

test('EXCSAT, ACCSEC, SECCHK, ACCRDB: user, database and program; EBCDIC before, UTF-8 after the UNICODEMGR switch', () => {
  const login = loginOf(t.run([], { user: 'jürgen', database: 'größe' }));
  assert.equal(login.identity.user, 'jürgen');
  assert.equal(login.identity.database, 'größe');
  assert.equal(login.identity.program, 'app.main');
  assert.equal(login.identity.system, 'derby');
  assert.equal(login.method, 'USRIDPWD');
  assert.equal(login.errorCode, undefined);
  assert.ok(login.endUs > login.startUs);
});

test('passwords are in no event', () => {
  assert.ok(!JSON.stringify(t.run([query, answer])).includes('s3cret'));
});

test('connection attributes behind the database name, among them passwords, are not kept', () => {
  const events = t.run([], { database: 'shop;create=true;bootPassword=s3cret' });
  assert.equal(loginOf(events).identity.database, 'shop');
  assert.ok(!JSON.stringify(events).includes('s3cret'));
});

test('a server without UNICODEMGR stays with EBCDIC', () => {
  const secmec = t.object(cp.SECMEC, t.u16(3));
  const events = t.playTurns([
    t.toServer(t.chain([t.object(cp.EXCSAT, t.object(cp.EXTNAM, t.ebcdic('cics')))], [t.object(cp.ACCSEC, secmec)])),
    t.toClient(
      t.replies(1, [t.object(cp.EXCSATRD, t.object(cp.SRVCLSNM, t.ebcdic('QDB2')))], [t.object(cp.ACCSECRD, secmec)]),
    ),
    t.toServer(
      t.chain(
        [t.object(cp.SECCHK, secmec, t.object(cp.USRID, t.ebcdic('IBMUSER')))],
        [t.object(cp.ACCRDB, t.object(cp.RDBNAM, t.ebcdic('DSNDB04           ')))],
      ),
    ),
    t.toClient(t.replies(1, [t.message(cp.SECCHKRM, 0, t.object(cp.SECCHKCD, t.u8(0)))], [t.message(cp.ACCRDBRM)])),
  ]);
  const { identity } = loginOf(events);
  assert.deepEqual([identity.user, identity.database, identity.system], ['IBMUSER', 'DSNDB04', 'ibm.db2']);
});

test('the database that ACCSEC names is known when the login fails before ACCRDB', () => {
  const secmec = t.object(cp.SECMEC, t.u16(3));
  const security = t.object(cp.ACCSEC, secmec, t.object(cp.RDBNAM, t.ebcdic('SALES')));
  const events = t.playTurns([
    t.toServer(t.chain([t.object(cp.EXCSAT, t.object(cp.EXTNAM, t.ebcdic('cics')))], [security])),
    t.toClient(t.replies(1, [t.object(cp.EXCSATRD)], [t.object(cp.ACCSECRD, secmec)])),
    t.toServer(t.chain([t.object(cp.SECCHK, secmec, t.object(cp.USRID, t.ebcdic('IBMUSER')))])),
    t.toClient(t.replies(1, [t.message(cp.SECCHKRM, 8, t.object(cp.SECCHKCD, t.u8(0x0f)))])),
  ]);
  const { identity, errorCode } = loginOf(events);
  assert.deepEqual([identity.user, identity.database], ['IBMUSER', 'SALES']);
  assert.notEqual(errorCode, undefined);
});

test('PRDDTA names the client program', () => {
  const data = `${'DNC10140'.padEnd(8)}${'JVM'.padEnd(18)}${'payroll'.padEnd(20)}`;
  const secmec = t.object(cp.SECMEC, t.u16(4));
  const events = t.playTurns([
    t.toServer(
      t.chain(
        [t.object(cp.SECCHK, secmec)],
        [t.object(cp.ACCRDB, t.object(cp.PRDDTA, t.u8(data.length), t.ebcdic(data)))],
      ),
    ),
    t.toClient(t.replies(1, [t.message(cp.SECCHKRM)], [t.message(cp.ACCRDBRM)])),
  ]);
  assert.equal(loginOf(events).identity.program, 'payroll');
});

test('SECMEC with an encrypted user: the user is unknown, the method says why', () => {
  const login = loginOf(t.run([], { user: '', mechanism: 9 }));
  assert.equal(login.identity.user, undefined);
  assert.equal(login.method, 'EUSRIDPWD');
});

for (const [mechanism, method] of [
  [1, 'DCESEC'],
  [3, 'USRIDPWD'],
  [4, 'USRIDONL'],
  [5, 'USRIDNWPWD'],
  [6, 'USRSBSPWD'],
  [7, 'USRENCPWD'],
  [8, 'USRSSBPWD'],
  [9, 'EUSRIDPWD'],
  [10, 'EUSRIDNWPWD'],
  [11, 'KERSEC'],
  [15, 'PLGIN'],
  [99, 'SECMEC 99'],
] as const) {
  test(`SECMEC ${mechanism} is ${method}; a user that is not sent in the clear is unknown`, () => {
    const isHidden = mechanism > 8;
    const login = loginOf(t.run([], { mechanism, user: isHidden ? '' : 'alice' }));
    assert.deepEqual([login.method, login.identity.user], [method, isHidden ? undefined : 'alice']);
  });
}

test('EXCSAT and ACCRDB: SRVNAM, SRVRLSLV and CRRTKN change nothing of who logs in', () => {
  const [first, second, third, fourth] = t.login();
  assert.ok(first && second && third && fourth);
  const more = [t.object(cp.SRVNAM, t.ebcdic('desk7')), t.object(0x115a, t.ebcdic('SQL11055'))];
  const name = t.object(cp.RDBNAM, t.utf8('shop'));
  const secmec = t.object(cp.SECMEC, t.u16(3));
  const excsat = [t.object(cp.EXCSAT, t.object(cp.EXTNAM, t.ebcdic('app.main')), ...more, t.unicode)];
  const login = loginOf(
    t.playTurns([
      t.toServer(t.chain(excsat, [t.object(cp.ACCSEC, secmec)])),
      second,
      t.toServer(
        t.chain(
          [t.object(cp.SECCHK, secmec, name, t.object(cp.USRID, t.utf8('alice')))],
          [
            t.object(
              cp.ACCRDB,
              name,
              t.object(0x2135, Buffer.from('c7f0f0', 'hex')),
              t.object(cp.PRDID, t.utf8('SQL11055')),
            ),
          ],
        ),
      ),
      fourth,
    ]),
  );
  const { user, program, database } = login.identity;
  assert.deepEqual([user, program, database], ['alice', 'app.main', 'shop']);
});

test('SECCHKRM: a refused login carries its code', () => {
  const turns = t.login().slice(0, 3);
  const refusal = t.message(cp.SECCHKRM, 8, t.object(cp.SECCHKCD, t.u8(0x0f)));
  const login = loginOf(t.playTurns([...turns, t.toClient(t.replies(1, [refusal]))]));
  assert.equal(login.errorCode, 'SECCHKCD 0x0f');
  assert.equal(login.errorText, 'password invalid');
  assert.equal(login.identity.user, 'alice');
});

test('RDBAFLRM: an unknown database fails the login with the SQLSTATE', () => {
  const turns = t.login().slice(0, 3);
  const login = loginOf(
    t.playTurns([
      ...turns,
      t.toClient(
        t.replies(
          1,
          [t.message(cp.SECCHKRM, 0, t.object(cp.SECCHKCD, t.u8(0)))],
          [t.message(0x221a, 8), t.sqlcard(-4499, '08004', 0, 'nodb')],
        ),
      ),
    ]),
  );
  assert.equal(login.errorCode, '08004');
  assert.match(login.errorText ?? '', /-4499.*nodb/);
});

test('a login whose reply never comes is marked', () => {
  const login = loginOf(t.playTurns(t.login().slice(0, 3)));
  assert.ok(login.marks & MARK_NO_REPLY);
});

test('the next user of a pooled connection logs in again, and has no sections of the last one', () => {
  const events = t.run([
    t.toServer(t.chain(t.prepare(5, 'select of alice'))),
    t.toClient(t.replies(1, [t.done()])),
    ...t.login({ user: 'bob' }).slice(2),
    t.toServer(t.chain(t.executeSection(5))),
    t.toClient(t.replies(1, [t.done()])),
  ]);
  const users = events.filter((e) => e.kind === 'login').map((e) => e.identity.user);
  assert.deepEqual(users, ['alice', 'bob']);
  const executed = events.find((e) => e.kind === 'statement') as StatementEvent;
  assert.equal(executed.identity.user, 'bob');
  assert.equal(executed.text, undefined);
});

test('encrypted objects are said to be opaque, once', () => {
  const [excsat, ...rest] = t.login({ mechanism: 13 });
  assert.ok(excsat);
  const encrypted = t.toServer(
    t.dss(cp.DSS_REQUEST | cp.CHAINED | cp.SAME_CORRELATOR, 1, t.object(cp.EXCSQLIMM, t.section(1))),
    t.dss(cp.DSS_ENCRYPTED_OBJECT, 1, Buffer.alloc(32, 7)),
  );
  const events = t.playTurns([excsat, ...rest, encrypted, answer, encrypted, answer]);
  const opaque = events.filter((e) => e.kind === 'opaque');
  assert.deepEqual(
    opaque.map((e) => e.kind === 'opaque' && e.reason),
    ['native-encryption'],
  );
  assert.equal(events.filter((e) => e.kind === 'statement').length, 2);
});

test('TLS from the first byte is opaque', () => {
  const hello = Buffer.from('160301000501000001ff', 'hex');
  const alert = Buffer.from('15030300020228', 'hex');
  const events = t.playTurns([t.toServer(hello), t.toClient(alert)]);
  assert.deepEqual(
    events.map((e) => e.kind === 'opaque' && e.reason),
    ['tls'],
  );
});

test('special registers say on whose behalf: end user, program, workstation', () => {
  const set = (text: string) => [t.object(cp.EXCSQLSET, t.section(1)), t.sqlstt(text)];
  const events = t.run([
    t.toServer(
      t.chain(set("SET CLIENT USERID 'o''hara'"), set("SET CLIENT APPLNAME 'billing'"), [
        ...set("SET CLIENT WRKSTNNAME 'desk7'"),
        t.sqlstt("SET CURRENT SCHEMA = 'X'"),
      ]),
    ),
    t.toClient(t.replies(1, [t.sqlcardNull], [t.sqlcardNull], [t.sqlcardNull])),
    query,
    answer,
  ]);
  const statements = events.filter((e) => e.kind === 'statement');
  assert.equal(statements.length, 5, 'each SQLSTT of EXCSQLSET is a statement');
  const last = statements.at(-1)?.identity;
  assert.deepEqual([last?.endUser, last?.program, last?.clientHost], ["o'hara", 'billing', 'desk7']);
});

test('names as long as a structure are cut, their padding is found in one pass', () => {
  const events = t.run([], { database: `shop${' '.repeat(300)}`, user: `${'\0'.repeat(600)}x${' '.repeat(400)}` });
  const { database, user } = loginOf(events).identity;
  assert.equal(database, 'shop');
  assert.equal(user, `${'\0'.repeat(600)}x`);
  const long = loginOf(t.run([], { user: 'u'.repeat(30_000) })).identity.user;
  assert.equal(long?.length, 1024);
});

const CLIENT_INFO = 'SYSPROC.WLM_SET_CLIENT_INFO';
const words = (count: number): t.ColumnType[] => Array.from({ length: count }, () => [types.VARIABLE_MIXED | 1, 255]);
const word = (text: string) => Buffer.concat([t.u8(0), t.u16(text.length), t.utf8(text)]);
const nothing = t.u8(0xff);

for (const [title, command] of [
  ['literals', [t.immediate(`CALL ${CLIENT_INFO}('o''hara', 'desk7', 'billing', 'acct', 'AUTOMATIC')`)]],
  [
    'values',
    [
      t.prepare(3, `call ${CLIENT_INFO}(?, ?, ?, ?, 'AUTOMATIC')`),
      t.executeSection(3, t.sqldta(words(4), word("o'hara"), word('desk7'), word('billing'), word('acct'))),
    ],
  ],
  [
    'the procedure by PRCNAM',
    [
      [
        t.object(cp.EXCSQLSTT, t.section(3), t.object(cp.PRCNAM, t.utf8(CLIENT_INFO))),
        t.sqldta(words(5), word("o'hara"), word('desk7'), word('billing'), nothing, nothing),
      ],
    ],
  ],
] as const) {
  test(`WLM_SET_CLIENT_INFO called with ${title}: end user, workstation, program of what follows`, () => {
    const replies = command.map(() => [t.sqlcardNull]);
    const events = t.run([t.toServer(t.chain(...command)), t.toClient(t.replies(1, ...replies)), query, answer]);
    const [call, last] = t.statements(events);
    assert.equal(call?.identity.endUser, undefined);
    const { endUser, clientHost, program } = last?.identity ?? {};
    assert.deepEqual([endUser, clientHost, program], ["o'hara", 'desk7', 'billing']);
  });
}

test('WLM_SET_CLIENT_INFO: NULL leaves a register as it is, the empty string clears it', () => {
  const events = t.run([
    t.toServer(t.chain(t.immediate(`CALL ${CLIENT_INFO}('ann', 'desk7', 'billing', NULL, NULL)`))),
    t.toClient(t.replies(1, [t.sqlcardNull])),
    t.toServer(t.chain(t.immediate(`CALL ${CLIENT_INFO}('', NULL, NULL, NULL, NULL)`))),
    t.toClient(t.replies(1, [t.sqlcardNull])),
    query,
    answer,
  ]);
  const { endUser, clientHost, program } = t.statements(events).at(-1)?.identity ?? {};
  assert.deepEqual([endUser, clientHost, program], [undefined, 'desk7', 'billing']);
});

test('a refused setting changes nothing', () => {
  const events = t.run([
    t.toServer(t.chain([t.object(cp.EXCSQLSET, t.section(1)), t.sqlstt("SET CLIENT USERID 'eve'")])),
    t.toClient(t.replies(1, [t.sqlcard(-804, '07002')])),
    query,
    answer,
  ]);
  assert.equal(events.filter((e) => e.kind === 'statement').at(-1)?.identity.endUser, undefined);
});
