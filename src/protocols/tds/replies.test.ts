/** Replies by token: rows walked by their metadata, counts, errors, transactions, attention, MARS, bulk load. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import {
  MARK_CANCELLED,
  MARK_GAP,
  MARK_MALFORMED,
  MARK_NO_REPLY,
  MARK_TRUNCATED,
  type StatementEvent,
} from '../../contracts/event.ts';
import { TO_CLIENT } from '../../contracts/protocol.ts';
import { play, steps, type Turn } from '../sdk/testkit.ts';
import * as c from './constants.ts';
import tds from './protocol.ts';
import * as t from './testing.ts';

/** The statement that gets these tokens in packets of `packetBytes`. */
function answered(tokens: Uint8Array, packetBytes = 4096): StatementEvent {
  const answer = t.server(t.message(c.PACKET_REPLY, tokens, packetBytes));
  const after = [t.client(t.batch('SELECT after')), t.reply(t.result(['1']))];
  const [event, next] = t.statements(t.run(...t.opening(), t.client(t.batch('SELECT it')), answer, ...after));
  assert.ok(event && next);
  assert.equal(next.outcomes[0]?.returnedRows, 1);
  return event;
}

const LATIN = t.hex('0904d00034');
const tableName = t.bytes(1, t.us('t'));
const COLUMNS: readonly Uint8Array[] = [
  t.bytes(0x38),
  t.INTN,
  t.bytes(0x6a, 9, 18, 3),
  t.NVARCHAR,
  t.bytes(0xa5, t.u16(0xffff)),
  t.bytes(0xe7, t.u16(0xffff), LATIN),
  t.bytes(0x63, t.u32(1000), LATIN, tableName),
  t.bytes(0x62, t.u32(8009)),
  t.bytes(0x28),
  t.bytes(0x2b, 7),
  t.bytes(0xf1, 0),
  t.bytes(0xf0, t.u16(0xffff), t.b(''), t.b('dbo'), t.b('point'), t.us('assembly')),
  t.bytes(0x24, 16),
];
const METADATA = t.columnsOf(...COLUMNS.map((type, i) => ({ type, name: `column ${i}` })));
const CHUNKS = t.bytes(t.u64(-2n), t.u32(3), 1, 2, 3, t.u32(300), Buffer.alloc(300, 0xd1), t.u32(0));
const POINTER = t.bytes(16, Buffer.alloc(24), t.u32(8), 'text');
const ROW = t.bytes(
  ...[t.u32(7), t.bytes(4, t.u32(8)), t.hex('05 01 39300000'), t.bytes(t.u16(2), 'x'), CHUNKS, t.u64(-1n), POINTER],
  ...[t.bytes(t.u32(6), 0x38, 0, t.u32(9)), t.hex('03 5b950a'), t.hex('0a 00000000005b950a0000')],
  ...[t.bytes(t.u64(4n), t.u32(4), '<>', t.u32(0)), t.u64(-1n), t.bytes(16, Buffer.alloc(16, 0xfd))],
);
/** Bits of the columns that are NULL: all but the first and the chunked one. */
const NULLS = t.bytes(0b1110_1110, 0b0001_1111);
const NBC_ROW = t.bytes(c.TOKEN_NBC_ROW, NULLS, t.u32(7), CHUNKS);

for (const packetBytes of [9, 10, 13, 64, 512, 4096]) {
  test(`rows of every kind of column are counted, in packets of ${packetBytes} bytes`, () => {
    const row = t.bytes(c.TOKEN_ROW, ROW);
    const rows = t.bytes(row, NBC_ROW, row, NBC_ROW, NBC_ROW);
    const event = answered(t.bytes(METADATA, rows, t.done(c.DONE_COUNT, 5)), packetBytes);
    assert.equal(event.marks, 0);
    assert.deepEqual(
      event.outcomes.map((o) => [o.returnedRows, o.affectedRows, o.tag]),
      [[5, undefined, 'SELECT']],
    );
  });
}

test('tokens between metadata and rows are passed over: ORDER, TABNAME, COLINFO, INFO, SESSIONSTATE, OFFSET', () => {
  const metadata = t.columnsOf({ type: t.NVARCHAR, name: 'c' });
  const state = t.bytes(c.TOKEN_SESSION_STATE, t.u32(6), t.u32(1), 0, 1);
  const tokens = t.bytes(
    ...[t.error(5701, 'Changed database context', c.TOKEN_INFO), metadata],
    ...[t.counted(c.TOKEN_TABLE_NAME, 1, t.us('t')), t.counted(c.TOKEN_COLUMN_INFO, 1, 1, 4)],
    ...[t.counted(c.TOKEN_ORDER, t.u16(1)), state, t.bytes(c.TOKEN_OFFSET, t.u32(1))],
    ...[t.bytes(c.TOKEN_ROW, t.u16(2), 'x'), t.done(c.DONE_COUNT, 1)],
  );
  const event = answered(tokens);
  assert.deepEqual([event.marks, event.outcomes[0]?.returnedRows, event.outcomes[0]?.errorCode], [0, 1, undefined]);
});

test('COMPUTE: rows of ALTMETADATA are passed over, not counted', () => {
  const alternative = t.bytes(t.u16(1), t.u16(7), 1, t.u16(1), 0x4d, t.u16(1), t.u32(0), t.u16(0), t.INTN, t.b(''));
  const tokens = t.bytes(
    ...[t.columnsOf({ type: t.INTN, name: 'c' }), c.TOKEN_ALT_COLUMNS, alternative],
    ...[c.TOKEN_ROW, 4, t.u32(1), c.TOKEN_ALT_ROW, t.u16(7), 4, t.u32(1), t.done(c.DONE_COUNT, 1)],
  );
  assert.deepEqual([answered(tokens).marks, answered(tokens).outcomes[0]?.returnedRows], [0, 1]);
});

test('descriptions of any length are read in packets of any size', () => {
  const compute = (id: number, columns: number) => {
    const column = t.bytes(0x4d, t.u16(1), t.u32(0), t.u16(0), 0x38, t.b(''));
    return t.bytes(c.TOKEN_ALT_COLUMNS, t.u16(columns), t.u16(id), 0, ...Array.from({ length: columns }, () => column));
  };
  const described = Array.from({ length: 12 }, (_, id) => compute(id, 900 + 13 * id));
  const row = t.bytes(c.TOKEN_ALT_ROW, t.u16(3), Buffer.alloc(4 * (900 + 13 * 3)));
  const rows = t.result(['a'], ['b']).subarray(0, -13);
  const tokens = t.bytes(...described, row, rows, t.done(c.DONE_COUNT, 2));
  for (const packetBytes of [512, 700, 4096, 9001, 16_000, 32_000]) {
    const [event] = t.statements(
      t.run(...t.opening(), t.client(t.batch('SELECT')), t.server(t.message(c.PACKET_REPLY, tokens, packetBytes))),
    );
    assert.deepEqual([event?.marks, event?.outcomes[0]?.returnedRows], [0, 2], `packets of ${packetBytes} bytes`);
  }
});

test('a batch of several statements has an outcome for each; the error names its statement', () => {
  const event = answered(
    t.bytes(
      t.result(['a']).subarray(0, -13),
      t.done(c.DONE_COUNT | c.DONE_MORE, 1),
      t.done(c.DONE_COUNT | c.DONE_MORE, 2 ** 33, 0xc5),
      t.error(2627, 'duplicate key'),
      t.error(3621, 'terminated', c.TOKEN_INFO),
      t.done(c.DONE_ERROR, 0, 0xc3),
    ),
  );
  assert.deepEqual(
    event.outcomes.map((o) => [o.returnedRows, o.affectedRows, o.errorCode, o.tag]),
    [
      [1, undefined, undefined, 'SELECT'],
      [undefined, 2 ** 33, undefined, 'UPDATE'],
      [undefined, undefined, '2627', 'INSERT'],
    ],
  );
});

test('DONE with ERROR and SRVERROR: a failure without a message is a failure all the same', () => {
  const events = [
    answered(t.done(c.DONE_ERROR | c.DONE_SERVER_ERROR)),
    answered(t.bytes(t.error(823, 'I/O error'), t.done(c.DONE_ERROR | c.DONE_SERVER_ERROR))),
  ];
  assert.deepEqual(
    events.map((e) => e.outcomes.map((o) => o.errorCode)),
    [['SRVERROR'], ['823']],
  );
});

test('an unknown token marks the statement; the next reply is read', () => {
  assert.equal(answered(t.bytes(0x05, 1, 2, 3)).marks, MARK_MALFORMED);
});

test('a description without end is given up, not kept', () => {
  const event = answered(t.bytes(c.TOKEN_COLUMNS, t.u16(4096), Buffer.alloc(400_000, 0x38)), 32_000);
  assert.equal(event.marks & MARK_MALFORMED, MARK_MALFORMED);
});

test('rows of more columns than a result can have, or of columns without bytes, are not walked', () => {
  const column = (type: number): Uint8Array => t.bytes(t.u32(0), t.u16(0), type, 0);
  const rows = (count: number, type: number): Uint8Array => {
    const columns = Array.from({ length: count }, () => column(type));
    return t.bytes(c.TOKEN_COLUMNS, t.u16(count), ...columns, Buffer.alloc(2000, c.TOKEN_ROW), t.done());
  };
  const [INT1, VOID] = [0x30, 0x1f];
  assert.equal(answered(rows(4097, INT1)).marks, MARK_MALFORMED);
  assert.equal(answered(rows(17, VOID)).marks, MARK_MALFORMED);
  const few = answered(rows(16, VOID));
  assert.deepEqual([few.marks, few.outcomes[0]?.returnedRows], [0, 2000]);
});

test('transactions: requests of the transaction manager, ENVCHANGE, and the descriptor of the next request', () => {
  const begin = t.message(c.PACKET_TRANSACTION, t.bytes(t.headers(), t.u16(5), 2, 8, 'work', 0));
  const commit = t.message(c.PACKET_TRANSACTION, t.bytes(t.headers(1n), t.u16(7), 0, 0));
  const id = t.bytes(8, t.u64(1n));
  const events = t.statements(
    t.run(
      ...t.opening(),
      t.client(begin),
      t.reply(t.counted(c.TOKEN_ENV_CHANGE, c.ENV_BEGIN, id, 0), t.done()),
      t.client(t.batch('DELETE FROM t', 4096, 1n)),
      t.reply(t.done(c.DONE_COUNT, 1, 0xc4)),
      t.client(commit),
      t.reply(t.counted(c.TOKEN_ENV_CHANGE, c.ENV_COMMIT, 0, id), t.done()),
    ),
  );
  assert.deepEqual(
    events.map((e) => [e.operation, e.parameters, e.transaction]),
    [
      ['BEGIN', ['work', 'read committed'], 'open'],
      [undefined, undefined, 'open'],
      ['COMMIT', undefined, 'idle'],
    ],
  );
});

test('attention aborts; DONE with ATTN ends it: the statement is marked as cancelled, the attention a record behind it', () => {
  const rows = t.result(['a'], ['b']);
  const events = t.statements(
    t.run(
      ...t.opening(),
      t.client(t.batch('SELECT forever')),
      t.server(t.message(c.PACKET_REPLY, rows.subarray(0, -13)).fill(0, 1, 2)),
      t.client(t.message(c.PACKET_ATTENTION, Buffer.alloc(0))),
      t.reply(t.done(c.DONE_ATTENTION)),
      t.client(t.batch('SELECT 1')),
      t.reply(t.result(['1'])),
    ),
  );
  assert.deepEqual(
    events.map((e) => [e.call, e.operation ?? e.text, e.marks]),
    [
      ['simple', 'SELECT forever', MARK_CANCELLED],
      ['cancel', 'CANCEL', 0],
      ['simple', 'SELECT 1', 0],
    ],
  );
  const [victim, cancel] = events;
  assert.ok((cancel?.startUs ?? 0) > (victim?.startUs ?? 0));
  assert.equal(cancel?.outcomes[0]?.endUs, victim?.outcomes.at(-1)?.endUs);
});

test('attention: a reply that is cut short before the acknowledgement, which comes as a message of its own', () => {
  const [victim, cancel] = t.statements(
    t.run(
      ...t.opening(),
      t.client(t.batch("WAITFOR DELAY '01:00'")),
      t.client(t.message(c.PACKET_ATTENTION, Buffer.alloc(0))),
      t.reply(t.done(c.DONE_ERROR)),
      t.reply(t.done(c.DONE_ATTENTION)),
    ),
  );
  assert.deepEqual([victim?.marks, victim?.outcomes[0]?.errorCode], [MARK_CANCELLED, undefined]);
  assert.deepEqual([cancel?.operation, cancel?.marks, cancel?.outcomes.length], ['CANCEL', 0, 1]);
});

test('attention: one that comes too late cancels nothing; one whose acknowledgement is missing says so', () => {
  const attention = t.client(t.message(c.PACKET_ATTENTION, Buffer.alloc(0)));
  const late = t.statements(
    t.run(
      ...t.opening(),
      t.client(t.batch('SELECT quick')),
      attention,
      t.reply(t.result(['a'])),
      t.reply(t.done(c.DONE_ATTENTION)),
      t.client(t.batch('SELECT unanswered')),
      attention,
    ),
  );
  assert.deepEqual(
    late.map((e) => [e.operation ?? e.text, e.marks]),
    [
      ['SELECT quick', 0],
      ['CANCEL', 0],
      ['SELECT unanswered', MARK_NO_REPLY],
      ['CANCEL', MARK_NO_REPLY],
    ],
  );
});

test('a request that the client takes back is none', () => {
  const begun = t.message(c.PACKET_BATCH, t.bytes(t.headers(), 'DROP TABLE t'));
  begun[1] = c.STATUS_EOM | c.STATUS_IGNORE;
  const events = t.run(...t.opening(), t.client(begun), t.client(t.batch('SELECT 1')), t.reply(t.result(['1'])));
  assert.deepEqual(
    t.statements(events).map((e) => e.text),
    ['SELECT 1'],
  );
});

test('bulk load: one record with the text of INSERT BULK, its bytes and the count', () => {
  const data = t.bytes(METADATA, c.TOKEN_ROW, ROW, t.done());
  const [event, ...others] = t.statements(
    t.run(
      ...t.opening(),
      t.client(t.batch('insert bulk t (a int)')),
      t.reply(t.done(0, 0, 0)),
      t.client(t.message(c.PACKET_BULK, data, 128)),
      t.reply(t.done(c.DONE_COUNT, 1, 0xf0)),
    ),
  );
  assert.equal(others.length, 0);
  assert.deepEqual([event?.call, event?.text], ['bulk', 'insert bulk t (a int)']);
  assert.deepEqual(
    event?.outcomes.map((o) => [o.bulkBytes, o.affectedRows]),
    [[data.length, 1]],
  );
});

test('INSERT BULK without data is recorded all the same', () => {
  const refused = [
    t.client(t.batch('insert bulk nowhere (a int)')),
    t.reply(t.error(208, 'none'), t.done(c.DONE_ERROR)),
  ];
  const given = [t.client(t.batch('insert bulk t (a int)')), t.reply(t.done(0, 0, 0))];
  const next = [t.client(t.batch('SELECT 1')), t.reply(t.result(['1']))];
  const events = t.statements(t.run(...t.opening(), ...refused, ...given, ...next));
  assert.deepEqual(
    events.map((e) => e.text),
    ['insert bulk nowhere (a int)', 'insert bulk t (a int)', 'SELECT 1'],
  );
});

// MARS

function smp(flag: number, id: number, payload: Uint8Array = Buffer.alloc(0)): Uint8Array {
  return t.bytes(c.PACKET_SMP, flag, t.u16(id), t.u32(payload.length + 16), t.u32(1), t.u32(4), payload);
}

test('MARS: conversations that cross are told apart; database and handles are shared', () => {
  const data = (id: number, bytes: Uint8Array) => smp(c.SMP_DATA, id, bytes);
  const answer = (...tokens: Uint8Array[]) => t.message(c.PACKET_REPLY, t.bytes(...tokens));
  const events = t.statements(
    t.run(
      ...t.opening(),
      t.client(smp(c.SMP_SYN, 0), data(0, t.batch('SELECT slow')), smp(c.SMP_SYN, 1), data(1, t.batch('SELECT quick'))),
      t.server(data(1, answer(t.result(['q']))), data(0, answer(t.result(['s'], ['s'])))),
      t.client(data(1, t.rpc(t.procedure(13, t.handleOut(), t.nvarchar(''), t.nvarchar('SELECT 3'))))),
      t.server(data(1, answer(t.RETURN_STATUS, t.returnValue(3), t.doneProc()))),
      t.client(smp(c.SMP_ACK, 1), smp(c.SMP_FIN, 1), data(0, t.rpc(t.procedure(12, t.int(3))))),
      t.server(smp(c.SMP_FIN, 1), data(0, answer(t.RETURN_STATUS, t.doneProc()))),
    ),
  );
  assert.deepEqual(
    events.map((e) => [e.text, e.outcomes[0]?.returnedRows, e.marks]),
    [
      ['SELECT quick', 1, 0],
      ['SELECT slow', 2, 0],
      ['SELECT 3', undefined, 0],
      ['SELECT 3', undefined, 0],
    ],
  );
});

// Lengths and losses

test('a text over the cap is cut; its length and hash are of all of it, as sent', () => {
  for (const size of [200_000, 900_000]) {
    const text = `SELECT '${'ż'.repeat(size)}'`;
    const [event] = t.statements(t.run(...t.opening(), t.client(t.batch(text, 32_000)), t.reply(t.result(['1']))));
    const whole = Buffer.from(text, 'utf16le');
    assert.equal(event?.marks, MARK_TRUNCATED);
    assert.equal(event?.text, text.slice(0, 128 * 1024));
    assert.equal(event?.textLength, whole.length);
    assert.equal(event?.textSha256, createHash('sha256').update(whole).digest('hex'));
  }
});

test('a batch is the same in packets of any size', () => {
  for (const packetBytes of [9, 31, 512, 4096]) {
    const [event] = t.statements(
      t.run(...t.opening(), t.client(t.batch('SELECT a FROM b WHERE c = d', packetBytes)), t.reply(t.result(['1']))),
    );
    assert.deepEqual([event?.text, event?.marks], ['SELECT a FROM b WHERE c = d', 0]);
  }
});

test('bytes lost within a reply mark its statement and no other', () => {
  const reply = t.reply(t.result(['a'], ['b'], ['c'])).bytes;
  const before: Turn[] = [...t.opening(), t.client(t.batch('SELECT gone'))];
  const after: Turn[] = [t.client(t.batch('SELECT kept')), t.reply(t.result(['1']))];
  const events = t.statements(
    play(tds, [
      ...steps({ name: '', turns: before }),
      { direction: TO_CLIENT, bytes: reply.subarray(0, 40), lost: 0 },
      { direction: TO_CLIENT, bytes: undefined, lost: 10 },
      { direction: TO_CLIENT, bytes: reply.subarray(50), lost: 0 },
      ...steps({ name: '', turns: after }),
    ]),
  );
  assert.deepEqual(
    events.map((e) => [e.text, e.marks & MARK_GAP, e.lostBytes]),
    [
      ['SELECT gone', MARK_GAP, 10],
      ['SELECT kept', 0, 0],
    ],
  );
});

test('a statement without its reply is recorded when the connection ends', () => {
  const [event] = t.statements(t.run(...t.opening(), t.client(t.batch('SELECT 1'))));
  assert.deepEqual([event?.text, event?.marks], ['SELECT 1', MARK_NO_REPLY]);
});
