import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import {
  MARK_MALFORMED,
  MARK_MIDSTREAM,
  MARK_NO_REPLY,
  MARK_TRUNCATED,
  MARK_UNKNOWN_HANDLE,
  type TransactionState,
} from '../../contracts/event.ts';
import { LIMITS } from './limits.ts';
import * as t from './testing.ts';

const prepared = [t.parseComplete, t.ready()];

function summary(d: t.Dialogue): unknown[] {
  return d.statements().map((s) => [s.call, s.text, s.outcomes.map((o) => o.errorCode ?? o.tag ?? '')]);
}

test('unnamed statement and portal: one event with the text, the values and the rows', () => {
  const d = new t.Dialogue().login();
  d.client(t.parse('', 'select $1, $2', [23, 25]), t.bind('', '', [t.i32(7), 'x'], [1, 0]), t.describe('P'));
  d.client(t.execute(), t.sync);
  d.server(t.parseComplete, t.bindComplete, t.columns('a', 'b'), t.row('7', 'x'), t.complete('SELECT 1'), t.ready('T'));
  const statement = d.statement();
  assert.equal(d.statements().length, 1);
  assert.equal(statement.call, 'prepared');
  assert.equal(statement.text, 'select $1, $2');
  assert.deepEqual(statement.parameters, [7, 'x']);
  assert.equal(statement.outcomes[0]?.returnedRows, 1);
  assert.equal(statement.transaction, 'open');
  assert.equal(statement.marks, 0);
});

test('a named statement is prepared once and executed often; preparing alone is no record', () => {
  const d = new t.Dialogue().login();
  d.client(t.parse('s1', 'insert $1'), t.describe('S', 's1'), t.sync);
  d.server(t.parseComplete, t.message('t', t.i16(1), t.i32(23)), t.noData, t.ready());
  assert.equal(d.statements().length, 0);
  for (const value of [1, 2]) {
    d.client(t.bind('', 's1', [t.i32(value)], [1]), t.execute(), t.sync);
    d.server(t.bindComplete, t.complete('INSERT 0 1'), t.ready());
  }
  assert.deepEqual(
    d.statements().map((s) => [s.text, s.parameters, s.outcomes[0]?.affectedRows]),
    [
      ['insert $1', [1], 1],
      ['insert $1', [2], 1],
    ],
  );
});

test('Flush is answered by nothing of its own: what was asked before it is', () => {
  const d = new t.Dialogue().login();
  d.client(t.parse('s', 'select $1', [23]), t.describe('S', 's'), t.flush);
  d.server(t.parseComplete, t.message('t', t.i16(1), t.i32(23)), t.columns('n'));
  d.client(t.bind('', 's', ['1']), t.execute(), t.flush).server(t.bindComplete, t.row('1'), t.complete('SELECT 1'));
  d.client(t.sync).server(t.ready());
  assert.equal(d.statements().length, 1);
  assert.deepEqual(d.statement().parameters, [1]);
  assert.equal(d.statement().transaction, 'idle');
});

test('a failed prepare is a record, and what the server skipped up to Sync is none', () => {
  const d = new t.Dialogue().login();
  d.client(t.parse('', 'selec'), t.bind('', ''), t.describe('P'), t.execute(), t.sync);
  d.server(t.error('42601', 'syntax error'), t.ready());
  assert.deepEqual(summary(d), [['prepare', 'selec', ['42601']]]);
  assert.equal(d.statement().transaction, 'idle');
});

test('a failed Bind is a record with its values', () => {
  const d = new t.Dialogue().login();
  d.client(t.parse('', 'select $1::int'), t.bind('', '', ['abc']), t.execute(), t.sync);
  d.server(t.parseComplete, t.error('22P02', 'invalid input'), t.ready());
  assert.deepEqual(summary(d), [['prepared', 'select $1::int', ['22P02']]]);
  assert.deepEqual(d.statement().parameters, ['abc']);
});

test('pipeline up to Sync: statements before the error count, those behind it never ran', () => {
  const d = new t.Dialogue().login();
  for (const text of ['one', 'two', 'three']) d.client(t.parse('', text), t.bind('', ''), t.execute());
  d.client(t.sync);
  d.server(t.parseComplete, t.bindComplete, t.complete('UPDATE 1'));
  d.server(t.parseComplete, t.bindComplete, t.error('23505', 'duplicate'), t.ready());
  assert.deepEqual(summary(d), [
    ['prepared', 'one', ['UPDATE']],
    ['prepared', 'two', ['23505']],
  ]);
  assert.equal(d.statement(0).transaction, undefined);
  assert.equal(d.statement(1).transaction, 'idle');
});

test('messages sent after an error the client has not read are discarded with the server, up to Sync', () => {
  const d = new t.Dialogue().login();
  d.client(t.parse('', 'bad'), t.flush).server(t.error('42601', 'no'));
  d.client(t.parse('s9', 'skipped'), t.bind('', 's9'), t.execute(), t.query('skipped too'), t.sync).server(t.ready());
  d.client(t.bind('', 's9'), t.execute(), t.sync).server(t.error('26000', 'no such statement'), t.ready());
  assert.deepEqual(summary(d), [
    ['prepare', 'bad', ['42601']],
    ['prepared', undefined, ['26000']],
  ]);
  assert.equal(d.statement(1).marks, MARK_UNKNOWN_HANDLE);
});

test('a Parse that fails because the name is taken leaves the old statement in force', () => {
  const d = new t.Dialogue().login();
  d.client(t.parse('s', 'old'), t.sync).server(...prepared);
  d.client(t.parse('s', 'new'), t.close('S', 's'), t.sync).server(t.error('42P05', 'already exists'), t.ready());
  d.client(t.bind('', 's'), t.execute(), t.sync).server(t.bindComplete, t.complete('SELECT 0'), t.ready());
  assert.equal(d.statement(1).text, 'old');
  assert.equal(d.statement(1).outcomes[0]?.returnedRows, 0);
});

test('a failed Parse of the unnamed statement leaves none; one behind the next Sync stands', () => {
  const d = new t.Dialogue().login();
  const failed = [t.error('42601', 'syntax error'), t.ready()];
  const ran = [t.bindComplete, t.complete('SELECT 0'), t.ready()];
  d.client(t.parse('', 'SELECT 1'), t.sync).server(t.parseComplete, t.ready());
  d.client(t.parse('', 'SELEC 2'), t.sync).server(...failed);
  d.client(t.bind('', ''), t.execute(), t.sync).server(t.error('26000', 'no such statement'), t.ready());
  d.client(t.parse('s', 'SELEC 3'), t.sync, t.parse('s', 'SELECT 3'), t.sync);
  d.server(...failed, t.parseComplete, t.ready());
  d.client(t.bind('', 's'), t.execute(), t.sync).server(...ran);
  assert.deepEqual(
    d.statements().map(({ text, marks }) => [text, marks]),
    [
      ['SELEC 2', 0],
      [undefined, MARK_UNKNOWN_HANDLE],
      ['SELEC 3', 0],
      ['SELECT 3', 0],
    ],
  );
});

test('a simple query ends the unnamed statement and the unnamed portal', () => {
  const d = new t.Dialogue().login();
  d.client(t.parse('', 'SELECT 1'), t.bind('', ''), t.execute('', 1), t.sync);
  d.server(t.parseComplete, t.bindComplete, t.row('1'), t.suspended, t.ready('T'));
  assert.equal(d.statements().length, 0);
  d.client(t.query('SELECT 2')).server(t.columns('x'), t.complete('SELECT 0'), t.ready('T'));
  d.client(t.bind('', ''), t.execute(), t.sync).server(t.error('26000', 'no such statement'), t.ready('E'));
  assert.deepEqual(
    d.statements().map(({ text, outcomes, marks }) => [text, outcomes[0]?.returnedRows, marks]),
    [
      ['SELECT 1', 1, 0],
      ['SELECT 2', 0, 0],
      [undefined, undefined, MARK_UNKNOWN_HANDLE],
    ],
  );
});

test('Close frees the name; a name may be used again for another text', () => {
  const d = new t.Dialogue().login();
  d.client(t.parse('s', 'first'), t.close('S', 's'), t.parse('s', 'second'), t.bind('p', 's'), t.execute('p'), t.sync);
  d.server(t.parseComplete, t.closeComplete, t.parseComplete, t.bindComplete, t.complete('DO'), t.ready());
  d.client(t.close('S', 's'), t.sync).server(t.closeComplete, t.ready());
  d.client(t.bind('', 's'), t.execute(), t.sync).server(t.error('26000', 'gone'), t.ready());
  assert.equal(d.statement(0).text, 'second');
  assert.equal(d.statement(1).text, undefined);
});

test('PortalSuspended: one event per Bind, rows summed over its Executes', () => {
  const d = new t.Dialogue().login();
  d.client(t.parse('', 'select'), t.bind('c', ''), t.execute('c', 2), t.sync);
  d.server(t.parseComplete, t.bindComplete, t.row('1'), t.row('2'), t.suspended, t.ready('T'));
  d.client(t.query('select between')).server(t.complete('SELECT 0'), t.ready('T'));
  d.client(t.execute('c', 2), t.sync).server(t.row('3'), t.row('4'), t.suspended, t.ready('T'));
  d.client(t.execute('c', 2), t.sync).server(t.row('5'), t.complete('SELECT 1'), t.ready('T'));
  assert.deepEqual(
    d.statements().map((s) => [s.text, s.outcomes.length, s.outcomes[0]?.returnedRows]),
    [
      ['select between', 1, undefined],
      ['select', 1, 5],
    ],
  );
});

test('a suspended portal ends with its transaction, its Close, or its replacement', () => {
  const endings: readonly [(d: t.Dialogue) => void, TransactionState | undefined][] = [
    [(d) => d.client(t.query('commit')).server(t.complete('COMMIT'), t.ready()), 'idle'],
    [(d) => d.client(t.close('P', 'c'), t.sync).server(t.closeComplete, t.ready('T')), 'open'],
    [(d) => d.client(t.bind('c', ''), t.sync).server(t.bindComplete, t.ready('T')), 'open'],
    [(d) => d.end(), undefined],
  ];
  for (const [end, transaction] of endings) {
    const d = new t.Dialogue().login();
    d.client(t.parse('', 'select'), t.bind('c', ''), t.execute('c', 1), t.sync);
    d.server(t.parseComplete, t.bindComplete, t.row('1'), t.suspended, t.ready('T'));
    end(d);
    const found = d.statements().find((s) => s.text === 'select');
    assert.equal(found?.outcomes[0]?.returnedRows, 1);
    assert.equal(found?.marks, 0);
    assert.equal(found?.transaction, transaction);
  }
});

test('Execute of a portal that was executed to its end is a record of its own', () => {
  const d = new t.Dialogue().login();
  d.client(t.parse('', 'update'), t.bind('', ''), t.execute(), t.sync);
  d.server(t.parseComplete, t.bindComplete, t.complete('UPDATE 1'), t.ready('T'));
  d.client(t.execute(), t.sync).server(t.error('55000', 'portal cannot be run'), t.ready('E'));
  assert.deepEqual(summary(d), [
    ['prepared', 'update', ['UPDATE']],
    ['prepared', 'update', ['55000']],
  ]);
});

test('an error at Sync: the transaction could not be committed', () => {
  const d = new t.Dialogue().login();
  d.client(t.parse('', 'insert'), t.bind('', ''), t.execute(), t.sync);
  d.server(t.parseComplete, t.bindComplete, t.complete('INSERT 0 1'), t.error('23503', 'deferred'), t.ready());
  assert.equal(d.statement().outcomes[0]?.errorCode, '23503');
  assert.equal(d.statement().outcomes[0]?.tag, 'INSERT');
});

test('a Describe that fails makes no record, and does not put replies out of step', () => {
  const d = new t.Dialogue().login();
  d.client(t.describe('S', 'nope'), t.sync).server(t.error('26000', 'nope'), t.ready());
  d.client(t.query('select 1')).server(t.complete('SELECT 1'), t.ready());
  assert.deepEqual(summary(d), [['simple', 'select 1', ['SELECT']]]);
});

test('unknown handles are not guessed', () => {
  const d = new t.Dialogue({ midstream: true });
  d.client(t.bind('', 's7', ['v']), t.execute(), t.sync).server(t.bindComplete, t.complete('SELECT 0'), t.ready());
  d.client(t.execute('c8'), t.sync).server(t.row('1'), t.complete('SELECT 1'), t.ready());
  for (const statement of d.statements()) {
    assert.equal(statement.text, undefined);
    assert.equal(statement.marks, MARK_UNKNOWN_HANDLE | MARK_MIDSTREAM);
    assert.equal(statement.outcomes[0]?.tag, 'SELECT');
  }
  assert.deepEqual(d.statement(0).parameters, ['v']);
  assert.equal(d.statements().length, 2);
});

test('handles are bounded: the least recently used statement is forgotten', () => {
  const d = new t.Dialogue().login();
  for (let i = 0; i <= LIMITS.handlesMax; i++) {
    d.client(t.parse(`s${i}`, `text ${i}`), t.sync).server(...prepared);
    if (i > 0) d.client(t.bind('', 's0'), t.sync).server(t.bindComplete, t.ready());
  }
  assert.equal(d.session.statements.size, LIMITS.handlesMax);
  d.client(t.bind('', 's1'), t.execute(), t.sync).server(t.bindComplete, t.complete('X'), t.ready());
  d.client(t.bind('', 's0'), t.execute(), t.sync).server(t.bindComplete, t.complete('X'), t.ready());
  assert.equal(d.statement(0).marks, MARK_UNKNOWN_HANDLE);
  assert.equal(d.statement(1).text, 'text 0');
});

test('as many parameters as a message can have are recorded, and their types count towards the limit', () => {
  const parametersMax = 0xffff;
  const value = Buffer.concat([t.i32(2), Buffer.from('42')]);
  const values = Buffer.alloc(parametersMax * value.length, value);
  const bind = t.message('B', t.z(''), t.z(''), t.i16(0), t.i16(parametersMax), values, t.i16(0));
  const types = t.message('t', t.i16(parametersMax), Buffer.alloc(4 * parametersMax));
  const d = new t.Dialogue().login();
  d.client(t.parse('', 'INSERT'), bind, t.execute(), t.sync);
  d.server(t.parseComplete, t.bindComplete, t.complete('INSERT 0 9'), t.ready());
  assert.deepEqual(
    [d.statement().text, d.statement().parameters?.length, d.statement().marks],
    ['INSERT', parametersMax, 0],
  );
  for (let i = 0; i < 20; i++) {
    d.client(t.parse(`s${i}`, 'INSERT'), t.describe('S', `s${i}`), t.sync);
    d.server(t.parseComplete, types, t.noData, t.ready());
  }
  assert.equal(d.session.statements.size, 15);
});

test('a statement over the limits: cut, hashed whole, also in a message that is not kept whole', () => {
  for (const size of [LIMITS.sqlBytesMax + 10, LIMITS.frameBytesMax * 2]) {
    const text = 'y'.repeat(size);
    const d = new t.Dialogue().login();
    d.client(t.parse('s', text, [25]), t.sync).server(...prepared);
    d.client(t.bind('', 's'), t.execute(), t.sync).server(t.bindComplete, t.complete('DO'), t.ready());
    assert.equal(d.statement().text?.length, LIMITS.sqlBytesMax);
    assert.equal(d.statement().textLength, size);
    assert.equal(d.statement().textSha256, createHash('sha256').update(text).digest('hex'));
    assert.equal(d.statement().marks, MARK_TRUNCATED);
  }
});

test('values over the limit keep their beginning, length and hash, also in a message that is not kept whole', () => {
  for (const size of [LIMITS.valueBytesMax + 1, LIMITS.frameBytesMax * 2]) {
    const value = 'v'.repeat(size);
    const d = new t.Dialogue().login();
    d.client(t.parse('', 'insert', [25]), t.bind('', '', [value]), t.execute(), t.sync);
    d.server(t.parseComplete, t.bindComplete, t.complete('INSERT 0 1'), t.ready());
    assert.deepEqual(d.statement().parameters, [
      {
        type: 'text',
        text: 'v'.repeat(LIMITS.valueBytesMax),
        length: size,
        sha256: createHash('sha256').update(value).digest('hex'),
      },
    ]);
  }
});

test('a Bind that lies about its counts is malformed, and kept as far as it goes', () => {
  const d = new t.Dialogue().login();
  const lie = t.message('B', t.z(''), t.z(''), t.i16(0), t.i16(3), t.i32(1), Buffer.from('a'), t.i32(500), t.i16(0));
  d.client(t.parse('', 'select'), lie, t.execute(), t.sync);
  d.server(t.parseComplete, t.error('08P01', 'insufficient data'), t.ready());
  assert.deepEqual(d.statement().parameters, ['a']);
  assert.equal(d.statement().marks, MARK_MALFORMED);
});

test('a reply that fits no request: attribution stops, and starts again when the server is quiet', () => {
  const d = new t.Dialogue().login();
  d.client(t.query('select 1')).server(t.bindComplete, t.complete('SELECT 1'), t.ready());
  d.client(t.query('select 2')).server(t.complete('SELECT 1'), t.ready());
  assert.equal(d.statement(0).marks, MARK_NO_REPLY);
  assert.equal(d.statement(0).outcomes.length, 0);
  assert.equal(d.statement(1).outcomes.length, 1);
});

test('function call: name, typed arguments, outcome', () => {
  const d = new t.Dialogue().login();
  const args = [t.i16(1), t.i16(1), t.i16(2), t.i32(4), t.i32(3), t.i32(2), Buffer.from('hi'), t.i16(1)];
  d.client(t.message('F', t.i32(955), ...args)).server(t.message('V', t.i32(4), t.i32(2)), t.ready('T'));
  d.client(t.message('F', t.i32(99_999), t.i16(0), t.i16(0), t.i16(0))).server(t.error('42883', 'no'), t.ready());
  assert.equal(d.statement(0).call, 'function');
  assert.equal(d.statement(0).operation, 'CALL');
  assert.equal(d.statement(0).procedure, 'lowrite');
  assert.deepEqual(d.statement(0).parameters, [3, { type: 'bytea', hex: '6869' }]);
  assert.equal(d.statement(0).transaction, 'open');
  assert.equal(d.statement(1).procedure, '99999');
  assert.equal(d.statement(1).outcomes[0]?.errorCode, '42883');
});

test('a portal bound behind a Sync outlives the ReadyForQuery of that Sync, which comes before its Execute', () => {
  const d = new t.Dialogue().login();
  d.client(t.parse('s1', 'insert $1', [23]), t.sync);
  d.server(t.parseComplete, t.ready());
  d.client(t.bind('', 's1', [t.i32(1)], [1]), t.execute(), t.sync, t.bind('', 's1', [t.i32(2)], [1]));
  d.server(t.bindComplete, t.complete('INSERT 0 1'), t.ready());
  d.client(t.execute(), t.sync);
  d.server(t.bindComplete, t.complete('INSERT 0 1'), t.ready());
  assert.deepEqual(
    d.statements().map((s) => [s.text, s.parameters, s.marks, s.outcomes.length]),
    [
      ['insert $1', [1], 0, 1],
      ['insert $1', [2], 0, 1],
    ],
  );
});
