import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MARK_GAP, MARK_MIDSTREAM, MARK_NO_REPLY, MARK_TRUNCATED } from '../../contracts/event.ts';
import { TO_CLIENT, TO_SERVER } from '../../contracts/protocol.ts';
import * as t from './testing.ts';

function exchange(d: t.Dialogue, text: string, tag: string): t.Dialogue {
  return d.client(t.query(text)).server(t.complete(tag), t.ready());
}

function summary(d: t.Dialogue): unknown[] {
  return d.statements().map((s) => [s.text, s.outcomes.map((o) => o.tag), s.marks, s.lostBytes]);
}

test('a lost request: its reply is given to nobody, and the next statement is marked', () => {
  const d = exchange(new t.Dialogue().login(), 'one', 'A');
  d.gap(TO_SERVER, 40).server(t.complete('LOST'), t.ready());
  exchange(exchange(d, 'three', 'C'), 'four', 'D');
  assert.deepEqual(summary(d), [
    ['one', ['A'], 0, 0],
    ['three', ['C'], MARK_GAP, 40],
    ['four', ['D'], 0, 0],
  ]);
});

test('a lost request among pipelined ones: those behind it get no outcome rather than a wrong one', () => {
  const d = new t.Dialogue().login().client(t.query('one')).gap(TO_SERVER, 40).client(t.query('three'));
  d.server(t.complete('A'), t.ready(), t.complete('LOST'), t.ready(), t.complete('C'), t.ready());
  exchange(d, 'four', 'D');
  assert.deepEqual(summary(d), [
    ['one', ['A'], 0, 0],
    ['three', [], MARK_GAP | MARK_NO_REPLY, 40],
    ['four', ['D'], 0, 0],
  ]);
});

test('the end of a query is lost: its beginning is kept and marked', () => {
  const d = new t.Dialogue().login();
  d.client(Buffer.from(t.query('select a, b from t').subarray(0, 15))).gap(TO_SERVER, 9);
  d.server(t.complete('SELECT 1'), t.ready());
  assert.equal(d.statement().text, 'select a, ');
  assert.equal(d.statement().marks, MARK_GAP | MARK_TRUNCATED);
  assert.equal(d.statement().lostBytes, 9);
  assert.equal(d.statement().textLength, 18);
  assert.equal(d.statement().outcomes[0]?.tag, 'SELECT');
});

test('a loss within the reply of the only open request: what still comes is its reply', () => {
  const d = new t.Dialogue().login().client(t.query('one')).server(t.columns('a'), t.row('1'));
  d.gap(TO_CLIENT, 5000).server(t.row('7'), t.row('8'), t.complete('SELECT 900'), t.ready());
  exchange(d, 'two', 'B');
  assert.deepEqual(summary(d), [
    ['one', ['SELECT'], MARK_GAP, 5000],
    ['two', ['B'], 0, 0],
  ]);
  assert.equal(d.statement(0).outcomes[0]?.returnedRows, 900);
});

test('a loss within a skipped row costs nothing but a mark', () => {
  const big = t.row('x'.repeat(10_000));
  const d = new t.Dialogue()
    .login()
    .client(t.query('one'))
    .server(t.columns('a'), Buffer.from(big.subarray(0, 2000)));
  d.gap(TO_CLIENT, 3000).server(Buffer.from(big.subarray(5000)), t.row('2'), t.complete('SELECT 2'), t.ready());
  assert.deepEqual(summary(d), [['one', ['SELECT'], MARK_GAP, 3000]]);
  assert.equal(d.statement().outcomes[0]?.returnedRows, 2);
});

test('the end of a reply is lost: the next reply is not given to the statement that waits', () => {
  const d = new t.Dialogue().login().client(t.query('one')).server(t.columns('a')).gap(TO_CLIENT, 100);
  exchange(d, 'two', 'B');
  exchange(d, 'three', 'C');
  assert.deepEqual(summary(d), [
    ['one', [undefined], MARK_GAP | MARK_NO_REPLY, 100],
    ['two', [], MARK_NO_REPLY, 0],
    ['three', ['C'], 0, 0],
  ]);
});

test('a loss in the replies of a pipeline: none is attributed by guess', () => {
  const d = new t.Dialogue().login();
  for (const text of ['one', 'two']) d.client(t.parse('', text), t.bind('', ''), t.execute());
  d.client(t.sync).server(t.parseComplete, t.bindComplete).gap(TO_CLIENT, 50);
  d.server(t.parseComplete, t.bindComplete, t.complete('B'), t.ready());
  exchange(d, 'three', 'C');
  assert.deepEqual(summary(d), [
    ['one', [], MARK_GAP | MARK_NO_REPLY, 50],
    ['two', [], MARK_GAP | MARK_NO_REPLY, 0],
    ['three', ['C'], 0, 0],
  ]);
});

test('a loss in the replies of one extended statement: its end is still its own', () => {
  const d = new t.Dialogue().login();
  d.client(t.parse('', 'one'), t.bind('', ''), t.describe('P'), t.execute(), t.sync).gap(TO_CLIENT, 60);
  d.server(t.row('1'), t.complete('SELECT 3'), t.ready());
  exchange(d, 'two', 'B');
  assert.deepEqual(summary(d), [
    ['one', ['SELECT'], MARK_GAP, 60],
    ['two', ['B'], 0, 0],
  ]);
});

test('a lost Execute: what was bound makes a record without an outcome', () => {
  const d = new t.Dialogue().login();
  d.client(t.parse('', 'insert'), t.bind('', '', ['v']))
    .gap(TO_SERVER, t.execute().length)
    .client(t.sync);
  d.server(t.parseComplete, t.bindComplete, t.complete('INSERT 0 1'), t.ready());
  exchange(d, 'two', 'B');
  assert.deepEqual(summary(d), [
    ['insert', [], MARK_GAP | MARK_NO_REPLY, 10],
    ['two', ['B'], MARK_GAP, 10],
  ]);
});

test('after a lost request the unnamed statement is unknown, and named ones carry a mark', () => {
  const d = new t.Dialogue().login();
  d.client(t.parse('', 'unnamed'), t.parse('s', 'named'), t.sync).server(t.parseComplete, t.parseComplete, t.ready());
  d.gap(TO_SERVER, 30).server(t.ready());
  d.client(t.bind('', ''), t.execute(), t.sync).server(t.bindComplete, t.complete('A'), t.ready());
  d.client(t.bind('', 's'), t.execute(), t.sync).server(t.bindComplete, t.complete('B'), t.ready());
  assert.equal(d.statement(0).text, undefined);
  assert.equal(d.statement(1).text, 'named');
  assert.equal(d.statement(1).marks, MARK_GAP);
});

test('the opening is lost: the session goes on without a user', () => {
  const d = new t.Dialogue().gap(TO_SERVER, 50).server(t.auth(0), t.ready());
  exchange(d, 'one', 'A');
  assert.equal(d.statement().identity.user, undefined);
  assert.equal(d.statement().marks & MARK_MIDSTREAM, MARK_MIDSTREAM);
  assert.equal(d.statement().outcomes[0]?.tag, 'A');
});

test('the answer to SSLRequest is lost: the next bytes tell what it was', () => {
  const plain = new t.Dialogue().client(t.sslRequest).gap(TO_CLIENT, 1);
  exchange(plain.login(), 'one', 'A');
  assert.equal(plain.logins()[0]?.identity.user, 'alice');
  assert.equal(plain.statement().text, 'one');
  const tls = new t.Dialogue().client(t.sslRequest).gap(TO_CLIENT, 1);
  tls.client(Buffer.concat([Buffer.from([0x16, 3, 1, 0, 40]), Buffer.alloc(40)])).end();
  assert.equal(tls.opaque().reason, 'tls');
});

test('a loss of COPY data marks the COPY', () => {
  const data = t.copyData('x'.repeat(5000));
  const d = new t.Dialogue().login().client(t.query('copy t from stdin')).server(t.copyStart('G', 0));
  d.client(Buffer.from(data.subarray(0, 1000)))
    .gap(TO_SERVER, 2000)
    .client(Buffer.from(data.subarray(3000)), t.copyDone);
  d.server(t.complete('COPY 1'), t.ready());
  exchange(d, 'two', 'B');
  assert.deepEqual(summary(d), [
    ['copy t from stdin', ['COPY'], MARK_GAP, 2000],
    ['two', ['B'], 0, 0],
  ]);
});

test('garbage between messages: passed over and counted, the session goes on', () => {
  const d = exchange(new t.Dialogue().login(), 'one', 'A');
  d.client(Buffer.from([0xff, 0xfe, 0xfd])).client(t.query('two'), t.query('three'), t.query('four'));
  d.server(t.complete('B'), t.ready(), t.complete('C'), t.ready(), t.complete('D'), t.ready());
  exchange(d, 'five', 'E');
  assert.deepEqual(
    d.statements().map((s) => s.text),
    ['one', 'two', 'three', 'four', 'five'],
  );
  assert.deepEqual(
    d.statement(4).outcomes.map((o) => o.tag),
    ['E'],
  );
  assert.equal(d.driver.counters.malformedFrames, 1);
});

test('repeated losses do not fill the queue', () => {
  const d = new t.Dialogue().login().client(t.query('one'));
  for (let i = 0; i < 1000; i++) d.gap(TO_SERVER, 10);
  assert.ok(d.session.queue.length <= 2);
});

test('a loss within a message of the reply: marked, and nothing made up from what is left', () => {
  const d = new t.Dialogue()
    .login()
    .client(t.query('insert'))
    .server(Buffer.from(t.complete('INSERT 0 1').subarray(0, 9)));
  d.gap(TO_CLIENT, 7).server(t.ready());
  exchange(d, 'two', 'B');
  assert.deepEqual(summary(d), [
    ['insert', [undefined], MARK_GAP, 7],
    ['two', ['B'], 0, 0],
  ]);
});

test('rows that may have been lost are not counted as affected', () => {
  const d = new t.Dialogue().login().client(t.query('select')).gap(TO_CLIENT, 30);
  d.server(t.complete('SELECT 1'), t.ready()).end();
  assert.equal(d.statement().outcomes[0]?.tag, 'SELECT');
  assert.equal(d.statement().outcomes[0]?.affectedRows, undefined);
  assert.equal(d.statement().outcomes[0]?.returnedRows, undefined);
});

test('a Close whose name is lost leaves every older statement in doubt', () => {
  const d = new t.Dialogue().login();
  d.client(t.parse('s', 'named'), t.sync).server(t.parseComplete, t.ready());
  d.client(Buffer.from(t.close('S', 's').subarray(0, 6)))
    .gap(TO_SERVER, 2)
    .client(t.sync);
  d.server(t.closeComplete, t.ready());
  d.client(t.bind('', 's'), t.execute(), t.sync).server(t.bindComplete, t.complete('A'), t.ready());
  assert.deepEqual(summary(d), [['named', ['A'], MARK_GAP, 0]]);
});

test('a StartupMessage cut short may have asked for replication', () => {
  const d = new t.Dialogue().client(Buffer.from(t.startup({ user: 'rep', replication: 'true' }).subarray(0, 19)));
  d.gap(TO_SERVER, 17)
    .server(t.auth(0), t.ready())
    .client(t.query('IDENTIFY_SYSTEM'))
    .server(t.complete('X'), t.ready());
  assert.equal(d.logins()[0]?.marks, MARK_GAP);
  assert.equal(d.statement().call, 'replication');
});

test('losses on both sides of one pipeline: nothing is attributed', () => {
  const d = new t.Dialogue().login();
  d.client(t.parse('', 'select'), t.bind('', ''), t.execute()).gap(TO_SERVER, 30).client(t.sync);
  d.server(t.parseComplete, t.bindComplete, t.row('1')).gap(TO_CLIENT, 20);
  d.server(t.parseComplete, t.bindComplete, t.complete('INSERT 0 1'), t.ready());
  exchange(d, 'two', 'B');
  assert.deepEqual(
    d.statements().map((s) => [s.text, s.outcomes.map((o) => o.tag)]),
    [
      ['select', [undefined]],
      ['two', ['B']],
    ],
  );
});
