/** Bound packages and their static SQL, calls with output parameters, and cancel requests from another connection. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AuditEvent, MARK_CANCELLED } from '../../contracts/event.ts';
import { type ConnectionInfo, END_FIN, type EventSink, TO_CLIENT, TO_SERVER } from '../../contracts/protocol.ts';
import { newDriverCounters } from '../sdk/counters.ts';
import { Driver } from '../sdk/driver.ts';
import { connectionInfo, type Turn } from '../sdk/testkit.ts';
import * as cp from './codepoints.ts';
import drda from './protocol.ts';
import * as t from './testing.ts';
import * as types from './types.ts';

const TOKEN = t.utf8('CONSIST1');
const names = ['shop', 'PROD', 'BILLING'].map((name) => t.utf8(name.padEnd(18)));
const PACKAGE = t.object(cp.PKGNAMCT, ...names, TOKEN);
const sectionOf = (number: number) => t.object(cp.PKGNAMCSN, ...names, TOKEN, t.u16(number));
const bindStatement = (number: number, text: string) => [
  t.object(cp.BNDSQLSTT, sectionOf(number), t.object(0x2117, t.u32(number))),
  t.sqlstt(text),
];
const executeBound = (number: number) => t.toServer(t.chain([t.object(cp.EXCSQLSTT, sectionOf(number))]));
const answered = t.toClient(t.replies(1, [t.done(1)]));

/** BIND of two statements, one connection. */
const BINDING: readonly Turn[] = [
  t.toServer(
    t.chain(
      [t.object(cp.BGNBND, PACKAGE)],
      bindStatement(1, 'UPDATE account SET open = 0'),
      bindStatement(2, 'SELECT balance INTO :h FROM account'),
      [t.object(cp.ENDBND, PACKAGE)],
    ),
  ),
  t.toClient(t.replies(1, [t.done()], [t.done()], [t.done()], [t.done()])),
];

/** Several connections of one pipeline: what they share, they share by `shared`. */
class Pipeline {
  readonly events: AuditEvent[] = [];
  private readonly shared = new Map<string, unknown>();
  private readonly sink: EventSink = { emit: (event) => this.events.push(event) };
  private tsUs = 1_700_000_000_000_000;

  connect(change: Partial<ConnectionInfo> = {}): (...turns: readonly Turn[]) => void {
    const info = { ...connectionInfo('drda'), shared: this.shared, ...change };
    const driver = new Driver(drda, drda.open(info), this.sink, newDriverCounters(), false);
    return (...turns) => {
      for (const { direction, bytes } of turns) driver.data(direction, bytes, 0, bytes.length, this.tsUs++);
      if (turns.length === 0) driver.end(END_FIN, this.tsUs++);
    };
  }
}

test('BGNBND, BNDSQLSTT, ENDBND: one record of the BIND; the static SQL executed later has its text', () => {
  const events = t.statements(t.run([...BINDING, executeBound(1), answered, executeBound(3), answered]));
  assert.deepEqual(
    events.map((e) => [e.call, e.operation, e.procedure, e.text]),
    [
      ['command', 'BIND', 'PROD.BILLING', undefined],
      ['static', undefined, 'PROD.BILLING/1', 'UPDATE account SET open = 0'],
      ['static', undefined, 'PROD.BILLING/3', undefined],
    ],
  );
});

test('static SQL bound on one connection and executed on another, after its login, has its text', () => {
  const pipeline = new Pipeline();
  const binder = pipeline.connect();
  binder(...t.login({ user: 'deploy' }), ...BINDING);
  binder();
  pipeline.connect()(...t.login({ user: 'batch' }), executeBound(1), answered);
  pipeline.connect({ clientAddress: '10.0.0.9' })(...t.login({ user: 'far' }), executeBound(1), answered);
  const texts = t.statements(pipeline.events).map((e) => [e.identity.user, e.operation ?? e.text]);
  assert.deepEqual(texts, [
    ['deploy', 'BIND'],
    ['batch', 'UPDATE account SET open = 0'],
    ['far', undefined],
  ]);
});

test('BNDSQLSTT that fails is a record with its text and error, and binds nothing', () => {
  const events = t.statements(
    t.run([
      t.toServer(t.chain([t.object(cp.BGNBND, PACKAGE)], bindStatement(1, 'UPDATE acount SET open = 0'))),
      t.toClient(t.replies(1, [t.done()], [t.sqlcard(-204, '42704', 0, 'PROD.ACOUNT')])),
      executeBound(1),
      answered,
    ]),
  );
  assert.deepEqual(
    events.map((e) => [e.operation ?? e.text, e.outcomes[0]?.errorCode]),
    [
      ['BIND', undefined],
      ['UPDATE acount SET open = 0', '42704'],
      [undefined, undefined],
    ],
  );
});

test('REBIND and DRPPKG: records that name their package', () => {
  const named = t.object(cp.PKGNAM, ...names);
  const events = t.statements(
    t.run([
      t.toServer(t.chain([t.object(cp.REBIND, named)], [t.object(cp.DRPPKG, named)])),
      t.toClient(t.replies(1, [t.done()], [t.sqlcard(-204, '42704', 0, 'PROD.BILLING')])),
    ]),
  );
  assert.deepEqual(
    events.map((e) => [e.operation, e.procedure, e.outcomes[0]?.errorCode]),
    [
      ['REBIND', 'PROD.BILLING', undefined],
      ['DROP PACKAGE', 'PROD.BILLING', '42704'],
    ],
  );
});

/** SQLDTARD: descriptor, then an SQLCA (null, or one with a message), then the row. */
function output(list: readonly t.ColumnType[], sqlca: Uint8Array, ...row: readonly Uint8Array[]): Uint8Array {
  const [descriptor] = [t.sqldta(list)];
  // FDODSC is the first object of SQLDTA.
  const length = ((descriptor[4] as number) << 8) | (descriptor[5] as number);
  const data = t.object(cp.FDODTA, sqlca, t.u8(0), ...row);
  return t.object(cp.SQLDTARD, descriptor.subarray(4, 4 + length), data);
}

const INTEGERS: readonly t.ColumnType[] = [
  [types.INTEGER | 1, 4],
  [types.INTEGER | 1, 4],
  [types.VARIABLE_MIXED | 1, 20],
];

test('SQLDTARD: output parameters of a call are its result; the values stay those that were sent', () => {
  const sent = t.sqldta(INTEGERS, t.u8(0), t.u32(7), t.u8(0xff), t.u8(0xff));
  const back = [t.u8(0), t.u32(8), t.u8(0), t.u32(42), t.u8(0), t.u16(2), t.utf8('ok')];
  for (const sqlca of [t.u8(0xff), t.sqlca(0, '00000', 0, 'said')]) {
    const [event, ...others] = t.statements(
      t.run([
        t.toServer(t.chain(t.prepare(2, 'CALL p(?, ?, ?)'), t.executeSection(2, sent))),
        t.toClient(t.replies(1, [t.done()], [output(INTEGERS, sqlca, ...back)])),
      ]),
    );
    assert.equal(others.length, 0);
    assert.deepEqual([event?.parameters, event?.marks], [[7, null, null], 0]);
    assert.deepEqual([event?.outcomes[0]?.tag, event?.outcomes[0]?.returnedRows], ['OUT PARAMETERS', undefined]);
  }
});

test('PRCNAM: a call by name, in the encoding of names; the text of its section where it was prepared', () => {
  const named = (number: number, procedure: Uint8Array) => [
    t.object(cp.EXCSQLSTT, t.section(number), t.object(cp.PRCNAM, procedure)),
    t.sqldta([[types.INTEGER, 4]], t.u32(7)),
  ];
  const prepared = t.prepare(5, 'CALL SHOP.BILL(?)');
  const utf = t.statements(
    t.run([
      t.toServer(t.chain(named(4, t.utf8('SHOP.BILL')), prepared, named(5, t.utf8('SHOP.BILL')))),
      t.toClient(t.replies(1, [t.sqlcardNull], [t.sqlcardNull], [t.sqlcardNull])),
    ]),
  );
  assert.deepEqual(
    utf.map((e) => [e.call, e.operation, e.procedure, e.text, e.parameters, e.marks]),
    [
      ['rpc', 'CALL', 'SHOP.BILL', undefined, [7], 0],
      ['prepared', undefined, 'SHOP.BILL', 'CALL SHOP.BILL(?)', [7], 0],
    ],
  );
  const rest = t.login().slice(2);
  const plain = [
    t.toServer(t.chain([t.object(cp.EXCSAT)], [t.object(cp.ACCSEC, t.object(cp.SECMEC, t.u16(3)))])),
    t.toClient(t.replies(1, [t.object(cp.EXCSATRD)], [t.object(cp.ACCSECRD)])),
  ];
  const call = t.toServer(t.chain(named(4, t.ebcdic('SHOP.BILL'))));
  const [old] = t.statements(t.playTurns([...plain, ...rest, call, t.toClient(t.replies(1, [t.sqlcardNull]))]));
  assert.equal(old?.procedure, 'SHOP.BILL');
});

test('SQLDTARD: the row of a static SELECT INTO counts, its values are no parameters', () => {
  const back = [t.u8(0), t.u32(8), t.u8(0), t.u32(42), t.u8(0xff)];
  const [, event] = t.statements(
    t.run([
      ...BINDING,
      t.toServer(t.chain([t.object(cp.EXCSQLSTT, sectionOf(2))])),
      t.toClient(t.replies(1, [output(INTEGERS, t.u8(0xff), ...back)])),
    ]),
  );
  assert.equal(event?.text, 'SELECT balance INTO :h FROM account');
  assert.deepEqual([event.parameters, event.outcomes[0]?.returnedRows], [undefined, 1]);
});

test('SQLDTARD: whether a text is a call is told in one pass, however much space it has', () => {
  // In time that grew with the square of the space this would take seconds.
  for (const [text, isCall] of [
    [`${' '.repeat(30_000)}x`, false],
    [`${' '.repeat(15_000)}{${' '.repeat(15_000)}call p(?)}`, true],
  ] as const) {
    const [event] = t.statements(
      t.run([
        t.toServer(t.chain(t.prepare(2, text), t.executeSection(2))),
        t.toClient(t.replies(1, [t.done()], [output(INTEGERS, t.u8(0xff), t.u8(0xff), t.u8(0xff), t.u8(0xff))])),
      ]),
    );
    assert.equal(event?.text, text);
    assert.equal(event.outcomes[0]?.tag, isCall ? 'OUT PARAMETERS' : undefined);
  }
});

test('SQLDTARD: the error of a call is its outcome', () => {
  const failed = t.object(cp.SQLDTARD, t.object(cp.FDODTA, t.sqlca(-438, '75000', 0, 'refused'), t.u8(0xff)));
  const [event] = t.statements(
    t.run([
      t.toServer(t.chain(t.prepare(2, 'CALL p(?)'), t.executeSection(2))),
      t.toClient(t.replies(1, [t.done()], [failed])),
    ]),
  );
  assert.deepEqual([event?.outcomes[0]?.errorCode, event?.parameters], ['75000', undefined]);
});

test('INTRDBRQS: a cancel request from another connection is a record of its own, and marks what it cancelled', () => {
  const token = t.object(cp.RDBINTTKN, Buffer.from('00112233445566778899aabb', 'hex'));
  const pipeline = new Pipeline();
  const [excsat, excsatrd, access, accessed] = t.login({ user: 'ann' });
  assert.ok(excsat && excsatrd && access && accessed);
  const victim = pipeline.connect();
  victim(excsat, excsatrd, access);
  victim(t.toClient(t.replies(1, [t.message(cp.SECCHKRM)], [t.message(cp.ACCRDBRM, 0, token)])));
  victim(t.toServer(t.chain(t.immediate('DELETE FROM everything'))));
  const canceller = pipeline.connect();
  canceller({ direction: TO_SERVER, bytes: t.chain([t.object(cp.INTRDBRQS, token)]) });
  canceller({ direction: TO_CLIENT, bytes: t.replies(1, [t.done()]) });
  victim(t.toClient(t.replies(1, [t.sqlcard(-952, '57014')])));
  const [cancel, cancelled] = t.statements(pipeline.events);
  assert.deepEqual([cancel?.call, cancel?.operation, cancel?.marks], ['cancel', 'CANCEL', 0]);
  assert.equal(cancel?.identity.user, 'ann');
  assert.deepEqual([cancelled?.text, cancelled?.marks], ['DELETE FROM everything', MARK_CANCELLED]);
  assert.equal(cancelled?.outcomes[0]?.errorCode, '57014');
  assert.ok(!JSON.stringify(pipeline.events).includes('00112233445566778899aabb'), 'the token was recorded');
});
