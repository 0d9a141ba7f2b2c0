/** Statements: texts, sections, outcomes, transactions. Result sets are in `cursors.test.ts`. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { MARK_MIDSTREAM, MARK_NO_REPLY, MARK_TRUNCATED, MARK_UNKNOWN_HANDLE } from '../../contracts/event.ts';
import * as cp from './codepoints.ts';
import * as t from './testing.ts';
import * as types from './types.ts';

const { statements } = t;
const integer = [types.INTEGER | 1, 4] as const;
const one = [t.u8(0), t.u32(1)];

test('EXCSQLIMM with RDBCMM in one chain: replies go by correlation identifier', () => {
  const [insert, commit] = statements(
    t.run([
      t.toServer(t.chain(t.immediate('insert into t values (1), (2)'), t.commit)),
      t.toClient(t.replies(1, [t.message(cp.RDBUPDRM), t.done(2)], t.committed)),
    ]),
  );
  assert.equal(insert?.text, 'insert into t values (1), (2)');
  assert.equal(insert.call, 'simple');
  assert.equal(insert.outcomes[0]?.affectedRows, 2);
  assert.equal(insert.transaction, 'open');
  assert.equal(commit?.operation, 'COMMIT');
  assert.equal(commit.transaction, 'idle');
});

test('a statement that changes no row has changed 0, not an unknown number', () => {
  const [event] = statements(
    t.run([t.toServer(t.chain(t.immediate('delete from t where 1 = 0'))), t.toClient(t.replies(1, [t.done(0)]))]),
  );
  assert.equal(event?.outcomes[0]?.affectedRows, 0);
});

test('RDBRLLBCK is ROLLBACK', () => {
  const [event] = statements(t.run([t.toServer(t.chain(t.rollback)), t.toClient(t.replies(1, t.rolledBack))]));
  assert.equal(event?.operation, 'ROLLBACK');
  assert.equal(event.call, 'command');
});

test('SQLCARD: a failure carries SQLSTATE, SQLCODE and the words of the message', () => {
  const [event] = statements(
    t.run([
      t.toServer(t.chain(t.immediate('drop table t'))),
      t.toClient(t.replies(1, [t.message(0x2213, 8), t.sqlcard(-204, '42704', 0, 'ANN.T\xffx', 'SQL11055')])),
    ]),
  );
  assert.equal(event?.outcomes[0]?.errorCode, '42704');
  assert.equal(event?.outcomes[0]?.errorText, 'SQLCODE -204: ANN.T, x');
  assert.equal(event?.identity.system, 'ibm.db2', 'the product identifier names the system');
});

test('a reply message of error severity without SQLCARD is the error', () => {
  const [event] = statements(
    t.run([t.toServer(t.chain(t.immediate('x'))), t.toClient(t.replies(1, [t.message(0x124c, 8)]))]),
  );
  assert.equal(event?.outcomes[0]?.errorCode, 'SYNTAXRM');
});

test('PRPSQLSTT alone is no record; EXCSQLSTT carries its text, also in later chains and after a commit', () => {
  const events = statements(
    t.run([
      t.toServer(t.chain(t.prepare(2, 'delete from t'))),
      t.toClient(t.replies(1, [t.done()])),
      t.toServer(t.chain(t.executeSection(2), t.commit)),
      t.toClient(t.replies(1, [t.done(4)], t.committed)),
      t.toServer(t.chain(t.executeSection(2))),
      t.toClient(t.replies(1, [t.done(0)])),
    ]),
  );
  assert.deepEqual(
    events.map((e) => e.text ?? e.operation),
    ['delete from t', 'COMMIT', 'delete from t'],
  );
  assert.equal(events[0]?.call, 'prepared');
});

test('PKGNAMCSN is the key: the same section of two packages is two statements; a reused one has its new text', () => {
  const other = t.section(2, 'SYSLH100');
  const events = statements(
    t.run([
      t.toServer(t.chain(t.prepare(2, 'first'), [t.object(cp.PRPSQLSTT, other), t.sqlstt('second')])),
      t.toClient(t.replies(1, [t.done()], [t.done()])),
      t.toServer(t.chain(t.executeSection(2), [t.object(cp.EXCSQLSTT, other)])),
      t.toClient(t.replies(1, [t.done()], [t.done()])),
      t.toServer(t.chain(t.prepare(2, 'third'), t.executeSection(2))),
      t.toClient(t.replies(1, [t.done()], [t.done()])),
    ]),
  );
  assert.deepEqual(
    events.map((e) => e.text),
    ['first', 'second', 'third'],
  );
});

test('PKGNAMCT and PKGSN: a section by its number in the package named last', () => {
  const named = t.section(9);
  const packageOnly = t.object(cp.PKGNAMCT, named.subarray(4, named.length - 2));
  const events = statements(
    t.run([
      t.toServer(t.chain(t.prepare(9, 'by number'))),
      t.toClient(t.replies(1, [t.done()])),
      t.toServer(t.chain([t.object(cp.EXCSQLSTT, packageOnly, t.object(cp.PKGSN, t.u16(9)))])),
      t.toClient(t.replies(1, [t.done()])),
    ]),
  );
  assert.equal(events[0]?.text, 'by number');
});

test('a failed PRPSQLSTT is a record, and the OPNQRY chained behind it is none', () => {
  const events = statements(
    t.run([
      t.toServer(t.chain(t.prepare(3, 'selec'), t.openQuery(3))),
      t.toClient(t.replies(1, [t.sqlcard(-104, '42601')], [t.message(0x2212, 8)])),
    ]),
  );
  assert.deepEqual(
    events.map((e) => [e.call, e.text, e.outcomes[0]?.errorCode]),
    [['prepare', 'selec', '42601']],
  );
});

test('DSCSQLSTT describes a section; it executes nothing and is no record', () => {
  const describe = [t.object(cp.DSCSQLSTT, t.section(4))];
  const darda = t.object(cp.SQLDARD, t.sqlca(0, '00000'));
  const events = statements(
    t.run([
      t.toServer(t.chain(t.prepare(4, 'select i from t'), describe, t.executeSection(4))),
      t.toClient(t.replies(1, [t.done()], [darda], [t.message(cp.RDBUPDRM), t.done(3)])),
    ]),
  );
  assert.deepEqual(
    events.map((e) => [e.text, e.outcomes[0]?.affectedRows]),
    [['select i from t', 3]],
  );
});

test('SQLATTR: WITH HOLD keeps a result set open over a commit; without, the commit ends it', () => {
  const query = (number: number, ...attributes: readonly Uint8Array[]) => {
    const [prepare, text] = t.prepare(number, `select ${number}`);
    return [prepare as Uint8Array, ...attributes, text as Uint8Array];
  };
  const held = query(4, t.sqlstt('FOR READ ONLY WITH HOLD ', cp.SQLATTR));
  const rows = [t.opened, t.qrydsc(integer), t.qrydta(t.row(...one))];
  const events = statements(
    t.run([
      t.toServer(t.chain(held, query(5), t.openQuery(4), t.openQuery(5))),
      t.toClient(t.replies(1, [t.done()], [t.done()], rows, rows)),
      t.toServer(t.chain(t.commit)),
      t.toClient(t.replies(1, t.committed)),
      t.toServer(t.chain(t.fetchMore(4))),
      t.toClient(t.replies(1, [t.qrydta(t.row(...one), t.endOfData()), t.message(cp.ENDQRYRM, 4)])),
    ]),
  );
  assert.deepEqual(
    events.map((e) => [e.text ?? e.operation, e.outcomes[0]?.returnedRows]),
    [
      ['select 5', 1],
      ['COMMIT', undefined],
      ['select 4', 2],
    ],
  );
});

test('SQLERRRM, OPNQFLRM and other reply messages of error severity; RDBUPDRM and warnings are none', () => {
  for (const [codePoint, name] of [
    [0x2213, 'SQLERRRM'],
    [0x2225, 'CMMRQSRM'],
    [0x1254, 'CMDCHKRM'],
    [0x220d, 'ABNUOWRM'],
    [0x2204, 'RDBNACRM'],
  ] as const) {
    const [event] = statements(
      t.run([t.toServer(t.chain(t.immediate('x'))), t.toClient(t.replies(1, [t.message(codePoint, 8)]))]),
    );
    assert.equal(event?.outcomes[0]?.errorCode, name);
  }
  const [event] = statements(
    t.run([
      t.toServer(t.chain(t.immediate('delete from t'))),
      t.toClient(t.replies(1, [t.message(cp.RDBUPDRM, 4), t.sqlcard(100, '02000')])),
    ]),
  );
  assert.equal(event?.outcomes[0]?.errorCode, undefined);
});

test('static SQL is named by package and section', () => {
  const [event] = statements(
    t.run([
      t.toServer(t.chain([t.object(cp.EXCSQLSTT, t.section(17, 'PAYROLL'))])),
      t.toClient(t.replies(1, [t.done(1)])),
    ]),
  );
  assert.equal(event?.call, 'static');
  assert.equal(event.procedure, 'NULLID.PAYROLL/17');
  assert.equal(event.text, undefined);
  assert.equal(event.marks, 0);
});

test('mid-stream: a section prepared before the capture is unknown, the user too', () => {
  const [event] = statements(
    t.run([t.toServer(t.chain(t.executeSection(4))), t.toClient(t.replies(1, [t.done()]))], 'midstream'),
  );
  assert.equal(event?.marks, MARK_MIDSTREAM | MARK_UNKNOWN_HANDLE);
  assert.equal(event.identity.user, undefined);
});

test('a text in a continued structure is put together', () => {
  const text = `insert into t values ('${'x'.repeat(100_000)}')`;
  const request = t.dss(cp.DSS_REQUEST | cp.CHAINED | cp.SAME_CORRELATOR, 1, t.object(cp.EXCSQLIMM, t.section(1)));
  const long = t.sqlstt(text);
  const extended = Buffer.concat([t.u16(0x8008), long.subarray(2, 4), t.u32(long.length - 4), long.subarray(4)]);
  for (const content of [Buffer.concat([t.u16(0x8004), long.subarray(2)]), extended]) {
    const [event] = statements(
      t.run([t.toServer(request, t.dss(cp.DSS_OBJECT, 1, content)), t.toClient(t.replies(1, [t.done()]))]),
    );
    assert.equal(event?.text, text);
    assert.equal(event.marks, 0);
  }
});

test('a text over the cap is cut, its length and hash are those of the whole', () => {
  for (const size of [300_000, 3_000_000]) {
    const text = `values '${'é'.repeat(size / 2)}'`;
    const request = t.dss(cp.DSS_REQUEST | cp.CHAINED | cp.SAME_CORRELATOR, 1, t.object(cp.EXCSQLIMM, t.section(1)));
    const long = t.sqlstt(text);
    const streamed = Buffer.concat([t.u16(0x8004), long.subarray(2)]);
    const [event] = statements(
      t.run([t.toServer(request, t.dss(cp.DSS_OBJECT, 1, streamed)), t.toClient(t.replies(1, [t.done()]))]),
    );
    assert.ok(event && event.marks & MARK_TRUNCATED);
    assert.ok(text.startsWith(event.text ?? '-'));
    assert.equal(event.textLength, Buffer.byteLength(text));
    assert.equal(event.textSha256, createHash('sha256').update(text).digest('hex'));
  }
});

test('texts in EBCDIC, UTF-16 and single-byte layouts of older SQLAM levels', () => {
  const play = (sqlstt: Uint8Array, ccsid: number) =>
    statements(
      t.run([t.toServer(t.chain([t.object(cp.EXCSQLIMM), sqlstt])), t.toClient(t.replies(1, [t.sqlcardNull]))], {
        ccsid,
      }),
    )[0]?.text;
  assert.equal(play(t.sqlstt(t.ebcdic("SELECT 'a{[' FROM T")), 500), "SELECT 'a{[' FROM T");
  const wide = Buffer.from('select ü', 'utf16le').swap16();
  assert.equal(play(t.sqlstt(wide), 1200), 'select ü');
  const single = t.object(cp.SQLSTT, t.u8(0xff), t.u8(0), t.u32(6), t.utf8('single'));
  assert.equal(play(single, 819), 'single');
  const old = t.object(cp.SQLSTT, t.u16(0), t.u16(3), t.utf8('old'));
  assert.equal(play(old, 819), 'old');
});

test('SYNCCTL: steps of a distributed transaction with their identifier', () => {
  const xid = t.object(cp.XID, t.u32(4711), t.u32(2), t.u32(1), Uint8Array.of(1, 2, 3));
  const step = (type: number) => [t.object(cp.SYNCCTL, t.object(cp.SYNCTYPE, t.u8(type)), xid)];
  const said = (value: number) => [t.object(cp.SYNCCRD, t.object(cp.XARETVAL, t.u32(value >>> 0)))];
  const events = statements(
    t.run([
      t.toServer(t.chain(step(9), step(0x0b), step(1), step(3), step(4))),
      t.toClient(t.replies(1, said(0), said(0), said(3), said(0), said(-4))),
    ]),
  );
  assert.deepEqual(
    events.map((e) => [e.operation, e.outcomes[0]?.errorCode]),
    [
      ['XA START', undefined],
      ['XA END', undefined],
      ['XA PREPARE', undefined],
      ['XA COMMIT', undefined],
      ['XA ROLLBACK', '-4'],
    ],
  );
  assert.deepEqual(events[0]?.parameters, ['4711:0102:03']);
});

test('an unanswered statement is emitted at the end, marked', () => {
  const [event] = statements(t.run([t.toServer(t.chain(t.immediate('lock table t')))]));
  assert.equal(event?.marks, MARK_NO_REPLY);
});

test('a request without reply is emitted at once', () => {
  const silent = t.dss(cp.DSS_REQUEST_NO_REPLY, 1, t.object(cp.RDBCMM));
  const silentText = [
    t.dss(cp.DSS_REQUEST_NO_REPLY | cp.CHAINED | cp.SAME_CORRELATOR, 2, t.object(cp.EXCSQLIMM, t.section(1))),
    t.dss(cp.DSS_OBJECT, 2, t.sqlstt('no answer wanted')),
  ];
  const events = statements(t.run([t.toServer(silent, ...silentText)]));
  assert.deepEqual(
    events.map((e) => [e.operation ?? e.text, e.marks]),
    [
      ['COMMIT', 0],
      ['no answer wanted', 0],
    ],
  );
});
