import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { MARK_GAP, MARK_MALFORMED, MARK_MIDSTREAM, MARK_NO_REPLY, MARK_TRUNCATED } from '../../contracts/event.ts';
import { END_UNSEEN, TO_SERVER } from '../../contracts/protocol.ts';
import { LIMITS, OUTCOMES_MAX, PENDING_BYTES_MAX } from './limits.ts';
import * as t from './testing.ts';

function hash(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

test('simple query: text, times, rows, bytes, tag, transaction', () => {
  const d = new t.Dialogue().login();
  const begin = d.tsUs;
  d.client(t.query('select * from t'));
  d.server(t.columns('a'), t.row('1')).server(t.row('22'), t.complete('SELECT 2')).server(t.ready('T'));
  const statement = d.statement();
  assert.equal(statement.text, 'select * from t');
  assert.equal(statement.call, 'simple');
  assert.equal(statement.startUs, begin + 10);
  assert.equal(statement.transaction, 'open');
  assert.equal(statement.identity.user, 'alice');
  assert.equal(statement.marks, 0);
  assert.equal(statement.outcomes.length, 1);
  const outcome = statement.outcomes[0];
  assert.equal(outcome?.returnedRows, 2);
  assert.equal(outcome?.affectedRows, undefined);
  assert.equal(outcome?.tag, 'SELECT');
  assert.equal(outcome?.firstByteUs, begin + 20);
  assert.equal(outcome?.endUs, begin + 30);
  assert.equal(
    outcome?.responseBytes,
    t.columns('a').length + t.row('1').length + t.row('22').length + t.complete('SELECT 2').length,
  );
});

test('many results in one query, an empty one among them: one event, an outcome each', () => {
  const d = new t.Dialogue().login();
  d.client(t.query("insert into t values (';'); select 1; update t set a = 1; select 1/0"));
  d.server(t.complete('INSERT 0 3'), t.columns('a'), t.row('1'), t.complete('SELECT 1'), t.complete('UPDATE 7'));
  d.server(t.error('22012', 'division by zero'), t.ready());
  const { outcomes, transaction } = d.statement();
  assert.equal(d.statements().length, 1);
  assert.deepEqual(
    outcomes.map((o) => [o.tag, o.returnedRows, o.affectedRows, o.errorCode]),
    [
      ['INSERT', undefined, 3, undefined],
      ['SELECT', 1, undefined, undefined],
      ['UPDATE', undefined, 7, undefined],
      [undefined, undefined, undefined, '22012'],
    ],
  );
  assert.equal(transaction, 'idle');
});

test('EmptyQueryResponse is an outcome without a tag', () => {
  const d = new t.Dialogue().login();
  d.client(t.query('')).server(t.emptyQuery, t.ready());
  assert.equal(d.statement().text, '');
  assert.equal(d.statement().outcomes.length, 1);
  assert.equal(d.statement().outcomes[0]?.tag, undefined);
});

test('command tags: what counts as returned, and what as affected', () => {
  const cases: readonly [string, string, number | undefined, number | undefined][] = [
    ['INSERT 0 5', 'INSERT', undefined, 5],
    ['INSERT 16403 1', 'INSERT', undefined, 1],
    ['UPDATE 3', 'UPDATE', undefined, 3],
    ['DELETE 0', 'DELETE', undefined, 0],
    ['MERGE 9', 'MERGE', undefined, 9],
    ['SELECT 8', 'SELECT', undefined, 8],
    ['MOVE 4', 'MOVE', undefined, undefined],
    ['CREATE TABLE', 'CREATE TABLE', undefined, undefined],
    ['BEGIN', 'BEGIN', undefined, undefined],
  ];
  for (const [tag, command, returned, affected] of cases) {
    const d = new t.Dialogue().login().client(t.query('x')).server(t.complete(tag), t.ready());
    const outcome = d.statement().outcomes[0];
    assert.deepEqual([outcome?.tag, outcome?.returnedRows, outcome?.affectedRows], [command, returned, affected], tag);
  }
});

test('INSERT … RETURNING has both counts; FETCH returns', () => {
  const d = new t.Dialogue().login();
  d.client(t.query('i')).server(t.columns('a'), t.row('1'), t.row('2'), t.complete('INSERT 0 2'), t.ready());
  d.client(t.query('f')).server(t.columns('a'), t.row('1'), t.complete('FETCH 1'), t.ready());
  assert.deepEqual([d.statement(0).outcomes[0]?.returnedRows, d.statement(0).outcomes[0]?.affectedRows], [2, 2]);
  assert.deepEqual(
    [d.statement(1).outcomes[0]?.returnedRows, d.statement(1).outcomes[0]?.affectedRows],
    [1, undefined],
  );
});

test('error fields: SQLSTATE and message, whatever else there is', () => {
  const d = new t.Dialogue().login();
  const fields = ['SFEHLER', 'VERROR', 'C23505', 'Mdoppelter Schlüssel', 'DKey (a)=(1)', 'Hhint', 'P7', 'p1', 'qinner'];
  const more = ['Wwhere', 'spublic', 'tt', 'ca', 'dint', 'nuniq', 'Fnbtinsert.c', 'L100', 'R_bt_check_unique'];
  d.client(t.query('insert'));
  d.server(t.message('E', ...[...fields, ...more].map(t.z), Buffer.alloc(1)), t.ready('E'));
  assert.equal(d.statement().outcomes[0]?.errorCode, '23505');
  assert.equal(d.statement().outcomes[0]?.errorText, 'doppelter Schlüssel');
  assert.equal(d.statement().transaction, 'failed');
});

test('an ErrorResponse that is never terminated is read as far as it goes', () => {
  const d = new t.Dialogue().login();
  d.client(t.query('x')).server(t.message('E', t.z('C42601'), Buffer.from('Mno end')), t.ready());
  assert.equal(d.statement().outcomes[0]?.errorCode, '42601');
  assert.equal(d.statement().outcomes[0]?.errorText, undefined);
});

test('the connection ends before, within, or just after the reply', () => {
  const before = new t.Dialogue().login().client(t.query('x')).end(END_UNSEEN);
  assert.equal(before.statement().marks, MARK_NO_REPLY);
  assert.equal(before.statement().outcomes.length, 0);
  const within = new t.Dialogue().login().client(t.query('x')).server(t.columns('a'), t.row('1')).end();
  assert.equal(within.statement().marks, MARK_NO_REPLY);
  assert.equal(within.statement().outcomes[0]?.returnedRows, 1);
  const after = new t.Dialogue()
    .login()
    .client(t.query('x'))
    .server(t.error('57P01', 'shutdown', 'FATAL'))
    .end();
  assert.equal(after.statement().marks, 0);
  assert.equal(after.statement().outcomes[0]?.errorCode, '57P01');
});

test('a query without its NUL is malformed, and kept', () => {
  const d = new t.Dialogue()
    .login()
    .client(t.message('Q', Buffer.from('select 1')))
    .server(t.ready());
  assert.equal(d.statement().text, 'select 1');
  assert.equal(d.statement().marks, MARK_MALFORMED | MARK_NO_REPLY);
});

test('a text over sqlBytesMax is cut on a character and hashed whole', () => {
  const text = `-${'é'.repeat(LIMITS.sqlBytesMax / 2)}`;
  const d = new t.Dialogue().login().client(t.query(text)).server(t.complete('DO'), t.ready());
  const statement = d.statement();
  assert.equal(statement.text, text.slice(0, LIMITS.sqlBytesMax / 2));
  assert.equal(statement.textLength, Buffer.byteLength(text));
  assert.equal(statement.textSha256, hash(text));
  assert.equal(statement.marks, MARK_TRUNCATED);
});

test('a text over frameBytesMax is hashed as it passes', () => {
  const text = `select '${'x'.repeat(3 * LIMITS.frameBytesMax)}'`;
  const d = new t.Dialogue().login();
  const bytes = t.query(text);
  for (let pos = 0; pos < bytes.length; pos += 100_001) d.client(bytes.subarray(pos, pos + 100_001));
  d.server(t.complete('SELECT 1'), t.ready());
  assert.equal(d.statement().text, text.slice(0, LIMITS.sqlBytesMax));
  assert.equal(d.statement().textLength, text.length);
  assert.equal(d.statement().textSha256, hash(text));
});

test('a loss within the unkept part of a long text: length known, no hash, marked', () => {
  const text = 'x'.repeat(2 * LIMITS.frameBytesMax);
  const bytes = t.query(text);
  const half = LIMITS.frameBytesMax + 5000;
  const d = new t.Dialogue()
    .login()
    .client(Buffer.from(bytes.subarray(0, half)))
    .gap(TO_SERVER, 1000);
  d.client(Buffer.from(bytes.subarray(half + 1000))).server(t.complete('DO'), t.ready());
  assert.equal(d.statement().marks, MARK_TRUNCATED | MARK_GAP);
  assert.equal(d.statement().lostBytes, 1000);
  assert.equal(d.statement().textLength, text.length);
  assert.equal(d.statement().textSha256, undefined);
  assert.equal(d.statement().outcomes[0]?.tag, 'DO');
});

test('queries may be sent ahead of replies', () => {
  const d = new t.Dialogue().login();
  d.client(t.query('one'), t.query('two'), t.query('three'));
  d.server(t.complete('A'), t.ready(), t.complete('B'), t.ready('T'), t.complete('C'), t.ready('E'));
  assert.deepEqual(
    d.statements().map((s) => [s.text, s.outcomes[0]?.tag, s.transaction]),
    [
      ['one', 'A', 'idle'],
      ['two', 'B', 'open'],
      ['three', 'C', 'failed'],
    ],
  );
});

test('too many queries ahead: they are emitted unanswered, and the session finds its feet again', () => {
  const d = new t.Dialogue().login();
  const ahead = LIMITS.pendingMax + 1;
  for (let i = 0; i < ahead; i++) d.client(t.query(`q${i}`));
  assert.equal(d.statements().length, ahead);
  assert.ok(d.statements().every((s) => s.marks === MARK_NO_REPLY && s.outcomes.length === 0));
  d.server(t.complete('A'), t.ready()).client(t.query('later')).server(t.complete('B'), t.ready());
  assert.equal(d.statement(ahead).text, 'later');
  assert.equal(d.statement(ahead).outcomes[0]?.tag, 'B');
});

test('too many bytes ahead: the same', () => {
  const d = new t.Dialogue().login();
  const big = t.query('x'.repeat(LIMITS.sqlBytesMax));
  for (let bytes = 0; bytes <= PENDING_BYTES_MAX; bytes += big.length) d.client(Buffer.from(big));
  assert.equal(d.session.queue.length, 0);
  assert.ok(d.statements().length > 0);
});

test('a flood of results is bounded', () => {
  const d = new t.Dialogue().login().client(t.query('x'));
  for (let i = 0; i < OUTCOMES_MAX + 10; i++) d.server(t.complete('SELECT 1'));
  d.server(t.error('42601', 'last'), t.ready());
  assert.equal(d.statement().outcomes.length, OUTCOMES_MAX);
  assert.ok((d.statement().marks & MARK_TRUNCATED) !== 0);
  assert.equal(d.statement().outcomes.at(-1)?.errorCode, '42601');
});

test('mid-stream: a query is a query, of nobody known', () => {
  const d = new t.Dialogue({ midstream: true });
  d.client(t.query('select 1')).server(t.columns('a'), t.row('1'), t.complete('SELECT 1'), t.ready());
  assert.equal(d.statement().marks, MARK_MIDSTREAM);
  assert.equal(d.statement().identity.user, undefined);
  assert.equal(d.statement().outcomes[0]?.returnedRows, 1);
});

test("mid-stream within a result: its end is nobody's, the next query is understood", () => {
  const d = new t.Dialogue({ midstream: true });
  d.server(Buffer.from('garbage of a row'), t.row('1'), t.row('2'), t.complete('SELECT 9'), t.ready());
  d.client(t.query('select 1')).server(t.complete('SELECT 1'), t.ready());
  assert.equal(d.statements().length, 1);
  assert.equal(d.statement().outcomes[0]?.tag, 'SELECT');
});
