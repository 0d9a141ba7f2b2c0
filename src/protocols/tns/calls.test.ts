/** Calls and their outcomes, in the universal dialect. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  LogoutEvent,
  MARK_CANCELLED,
  MARK_GAP,
  MARK_NO_REPLY,
  MARK_UNKNOWN_HANDLE,
  type StatementEvent,
} from '../../contracts/event.ts';
import { type Direction, TO_CLIENT, TO_SERVER } from '../../contracts/protocol.ts';
import { play } from '../sdk/testkit.ts';
import tns from './protocol.ts';
import * as t from './testing.ts';

/** Statements of a session that logs in and then goes through `turns`. */
function after(...turns: t.Turns): StatementEvent[] {
  return t.statements(t.run([...t.opening(), ...turns]));
}

function call(...parts: readonly t.Part[]): t.Turns[number] {
  return t.client(t.data(t.bytes(3, ...parts)));
}

const number = (value: number): Uint8Array => t.clr([0xc1, value + 1]);

test('error round: markers, then the status with code and text', () => {
  const [event, ...others] = after(
    t.client(t.data(t.execute(3, { sql: 'DROP TABLE missing' }))),
    t.server(t.packet(12, t.bytes(1, 0, 1)), t.packet(12, t.bytes(1, 0, 2))),
    t.client(t.packet(12, t.bytes(1, 0, 2))),
    t.server(t.data(t.oer(3, { error: 942, text: 'ORA-00942: table or view does not exist\n' }))),
  );
  assert.deepEqual(others, []);
  assert.equal(event?.outcomes[0]?.errorCode, 'ORA-00942');
  assert.equal(event?.outcomes[0]?.errorText, 'ORA-00942: table or view does not exist');
  assert.equal(event?.marks, 0);
});

test('cancel: the client interrupts, the server answers 1013', () => {
  const [event] = after(
    t.client(t.data(t.execute(3, { sql: 'SELECT slow FROM t', query: true }))),
    t.client(t.packet(12, t.bytes(1, 0, 3))),
    t.server(t.packet(12, t.bytes(1, 0, 1)), t.packet(12, t.bytes(1, 0, 2))),
    t.client(t.packet(12, t.bytes(1, 0, 2))),
    t.server(t.data(t.oer(3, { error: 1013, text: 'ORA-01013: user requested cancel\n' }))),
  );
  assert.equal(event?.marks, MARK_CANCELLED);
  assert.equal(event?.outcomes[0]?.errorCode, 'ORA-01013');
});

test('cursor cache: re-execution carries values only, a closed cursor is forgotten', () => {
  const insert = t.execute(3, {
    sql: 'INSERT INTO t VALUES (:1)',
    binds: [t.oac(2, 22)],
    rows: [[number(7)]],
    options: 0x8029,
  });
  const again = (seq: number, value: number): t.Turns => [
    call(4, seq, t.ub(6), t.ub(1), t.ub(0), t.ub(0), 7, number(value)),
    t.server(t.data(t.oer(seq, { rows: 1, cursor: 6 }))),
  ];
  const events = after(
    t.client(t.data(insert)),
    t.server(t.data(t.oer(3, { rows: 1, cursor: 6 }))),
    ...again(4, 8),
    t.client(t.data(t.bytes(0x11, 0x69, 5, 1, t.ub(1), t.ub(6), 3, 0x0e, 6))),
    t.server(t.data(t.shortStatus(6))),
    ...again(7, 9),
  );
  assert.deepEqual(
    events.map((event) => [event.call, event.text ?? event.operation, event.parameters, event.marks]),
    [
      ['simple', 'INSERT INTO t VALUES (:1)', [7], 0],
      ['prepared', 'INSERT INTO t VALUES (:1)', [8], 0],
      ['command', 'COMMIT', undefined, 0],
      ['prepared', undefined, undefined, MARK_UNKNOWN_HANDLE],
    ],
  );
});

test('new descriptors for a known cursor replace the old ones', () => {
  const events = after(
    t.client(
      t.data(
        t.execute(3, { sql: 'INSERT INTO t VALUES (:1)', binds: [t.oac(2, 22)], rows: [[number(7)]], options: 0x8029 }),
      ),
    ),
    t.server(t.data(t.oer(3, { rows: 1, cursor: 6 }))),
    t.client(
      t.data(t.execute(4, { cursor: 6, binds: [t.oac(1, 30, 1)], rows: [[t.clr('now text')]], options: 0x8028 })),
    ),
    t.server(t.data(t.oer(4, { rows: 1, cursor: 6 }))),
  );
  assert.equal(events[1]?.text, 'INSERT INTO t VALUES (:1)');
  assert.deepEqual(events[1]?.parameters, ['now text']);
});

test('fetches add to their query; a REF CURSOR has a record of its own', () => {
  const events = after(
    t.client(t.data(t.execute(3, { sql: 'SELECT n FROM t', query: true, options: 0x8061 }))),
    t.server(t.data(t.bytes(16, 'described', t.oer(3, { rows: 2, cursor: 4 })))),
    call(5, 4, t.ub(4), t.ub(10)),
    t.server(t.data(t.bytes(7, number(1), t.noData(4, 9, 4)))),
    call(5, 5, t.ub(77), t.ub(10)),
    t.server(t.data(t.bytes(7, number(1), t.noData(5, 4, 77)))),
  );
  assert.deepEqual(
    events.map((event) => [event.text, event.operation, event.outcomes.length, event.outcomes[0]?.returnedRows]),
    [
      ['SELECT n FROM t', undefined, 1, 9],
      [undefined, 'FETCH', 1, 4],
    ],
  );
  assert.equal(events[1]?.marks, MARK_UNKNOWN_HANDLE);
});

test('a query that is not fetched to its end is recorded when its cursor closes', () => {
  const events = after(
    t.client(t.data(t.execute(3, { sql: 'SELECT n FROM t', query: true }))),
    t.server(t.data(t.oer(3, { rows: 2, cursor: 4 }))),
    t.client(t.data(t.bytes(0x11, 0x69, 4, 1, t.ub(1), t.ub(4), 3, 0x0f, 5))),
    t.server(t.data(t.shortStatus(5))),
  );
  assert.deepEqual(
    events.map((event) => event.text ?? event.operation),
    ['SELECT n FROM t', 'ROLLBACK'],
  );
  assert.equal(events[0]?.outcomes[0]?.returnedRows, 2);
});

test('large results: rows are passed over, the status at the end is found', () => {
  const rows = new Uint8Array(100_000).fill(7);
  const packets: Uint8Array[] = [];
  for (let at = 0; at < rows.length; at += 8182) packets.push(t.data(rows.subarray(at, at + 8182)));
  const [event] = after(
    t.client(t.data(t.execute(3, { sql: 'SELECT n FROM big', query: true }))),
    t.server(...packets, t.data(t.noData(3, 5000, 4))),
  );
  assert.equal(event?.outcomes[0]?.returnedRows, 5000);
  assert.ok((event?.outcomes[0]?.responseBytes ?? 0) > 100_000);
});

test('LOB operations that read or write are recorded, lengths are not', () => {
  const lob = (seq: number, operation: number): t.Turns => [
    call(
      0x60,
      seq,
      1,
      t.ub(40),
      0,
      t.ub(0),
      t.ub(0),
      t.ub(0),
      0,
      0,
      0,
      t.ub(operation),
      0,
      0,
      t.ub(1),
      t.ub(0),
      1,
      new Uint8Array(46),
    ),
    t.server(t.data(t.bytes(14, t.clr('content'), 8, new Uint8Array(40), t.oer(seq)))),
  ];
  const events = after(...lob(3, 2), ...lob(4, 1), ...lob(5, 0x40));
  assert.deepEqual(
    events.map((event) => [event.call, event.operation]),
    [
      ['command', 'LOB READ'],
      ['command', 'LOB WRITE'],
    ],
  );
});

test('direct path load, transactions and queues are named', () => {
  const events = after(
    call(0x81, 3, 1, t.ub(100), 'data'),
    t.server(t.data(t.oer(3))),
    call(0x67, 4, 1, t.ub(1)),
    t.server(t.data(t.oer(4))),
    call(0x93, 5),
    t.server(t.data(t.shortStatus(5))),
  );
  assert.deepEqual(
    events.map((event) => [event.call, event.operation]),
    [
      ['bulk', 'DIRECT PATH LOAD'],
      ['command', 'TRANSACTION SWITCH'],
    ],
  );
});

test('parsing alone is recorded only when it fails', () => {
  const events = after(
    t.client(t.data(t.execute(3, { sql: 'SELECT 1 FROM dual', options: 0x20001 }))),
    t.server(t.data(t.oer(3, { cursor: 5 }))),
    t.client(t.data(t.execute(4, { sql: 'SELECT oops', options: 0x20001 }))),
    t.server(t.data(t.oer(4, { error: 923, text: 'ORA-00923: FROM keyword not found\n' }))),
  );
  assert.deepEqual(
    events.map((event) => [event.call, event.text, event.outcomes[0]?.errorCode]),
    [['prepare', 'SELECT oops', 'ORA-00923']],
  );
});

test('an unknown piggyback is passed over', () => {
  const [event] = after(
    t.client(t.data(t.bytes(0x11, 0xc9, 3, 1, 2, 3, t.execute(4, { sql: 'SELECT 1 FROM dual', query: true })))),
    t.server(t.data(t.noData(4, 1, 5))),
  );
  assert.equal(event?.text, 'SELECT 1 FROM dual');
});

test('piggybacks are walked, whatever bytes they hold', () => {
  // What they carry looks like calls with the next sequence number.
  const bait = t.bytes(3, 0x0e, 4, 3, 0x0f, 4, 0x11, 0x69, 4);
  const text = t.dlc(bait);
  const zeros = (count: number): Uint8Array => new Uint8Array(count);
  const piggybacks: Readonly<Record<string, Uint8Array>> = {
    'application context': t.bytes(0x9a, 3, 1, t.ub(2), 1, t.ub(1), t.ub(1), 0, t.clr('NS'), text, text, t.ub(0)),
    'freed LOBs': t.bytes(0x60, 3, 1, t.ub(bait.length), zeros(7), t.ub(0x80111), zeros(11), bait),
    'end-to-end': t.bytes(0x87, 3, 0, 0, t.ub(1), 1, t.ub(bait.length), zeros(16), t.clr(bait)),
    'begin of a pipeline': t.bytes(0xc7, 3, 0, 0, 1),
    'session state': t.bytes(0xb0, 3, t.ub(0x44)),
    'cancelled cursors': t.bytes(0x78, 3, 1, t.ub(2), t.ub(0x030e), t.ub(0x040f)),
  };
  for (const [name, piggyback] of Object.entries(piggybacks)) {
    const events = after(
      t.client(t.data(t.bytes(0x11, piggyback, t.execute(4, { sql: 'DELETE FROM basket' })))),
      t.server(t.data(t.oer(4, { rows: 2, cursor: 6 }))),
    );
    assert.deepEqual(
      events.map((event) => [event.text, event.outcomes[0]?.affectedRows, event.marks]),
      [['DELETE FROM basket', 2, 0]],
      name,
    );
  }
});

test('a cursor whose fetch is cancelled ends its query and keeps its text', () => {
  const events = after(
    t.client(t.data(t.execute(3, { sql: 'SELECT n FROM t', query: true, options: 0x8061 }))),
    t.server(t.data(t.bytes(16, 'described', t.oer(3, { rows: 2, cursor: 4 })))),
    t.client(t.data(t.bytes(0x11, 0x78, 4, 1, t.ub(1), t.ub(4), 3, 0x0e, 5))),
    t.server(t.data(t.shortStatus(5))),
    call(0x4e, 6, t.ub(4), t.ub(1), t.ub(0x8060), t.ub(0)),
    t.server(t.data(t.noData(6, 1, 4))),
  );
  assert.deepEqual(
    events.map((event) => event.text ?? event.operation),
    ['SELECT n FROM t', 'COMMIT', 'SELECT n FROM t'],
  );
});

test('the schema of a piggyback is recorded once, until it changes', () => {
  const named = (seq: number, name: string): t.Turns => [
    t.client(t.data(t.bytes(0x11, 0x98, seq, 1, t.dlc(name), 3, 0x0e, seq + 1))),
    t.server(t.data(t.shortStatus(seq + 1))),
  ];
  const events = after(...named(3, 'HR'), ...named(5, 'HR'), ...named(7, 'OE'));
  assert.deepEqual(
    events.filter((event) => event.operation === 'SET CURRENT_SCHEMA').map((event) => event.parameters),
    [['HR'], ['OE']],
  );
});

test('no reply: the statement is emitted when the connection ends', () => {
  const events = t.run([...t.opening(), t.client(t.data(t.execute(3, { sql: 'DELETE FROM t' })))]);
  assert.equal(t.statements(events)[0]?.marks, MARK_NO_REPLY);
  const last = events.at(-1);
  assert.ok(last instanceof LogoutEvent);
  assert.equal(last.reason, 'fin');
});

test('logoff ends the session once, by status or by EOF', () => {
  const ends: t.Turns[] = [
    [call(9, 3), t.server(t.data(t.shortStatus(3))), t.client(t.data(new Uint8Array(0), 0x40))],
    [t.client(t.data(new Uint8Array(0), 0x40))],
  ];
  for (const turns of ends) {
    const logouts = t.run([...t.opening(), ...turns]).filter((event) => event instanceof LogoutEvent);
    assert.deepEqual(
      logouts.map((event) => event.reason),
      ['quit'],
    );
  }
});

test('a gap in a reply: the status is still found, the statement is marked', () => {
  const result = t.data(t.bytes(new Uint8Array(500).fill(7), t.noData(3, 12, 4)));
  const events = play(tns, [
    ...t.opening().map((turn) => ({ ...turn, lost: 0 })),
    { direction: TO_SERVER, bytes: t.data(t.execute(3, { sql: 'SELECT n FROM t', query: true })), lost: 0 },
    { direction: 1, bytes: result.subarray(0, 100), lost: 0 },
    { direction: 1, bytes: undefined, lost: 50 },
    { direction: 1, bytes: result.subarray(150), lost: 0 },
  ]);
  const [event] = t.statements(events);
  assert.equal(event?.text, 'SELECT n FROM t');
  assert.notEqual((event?.marks ?? 0) & MARK_GAP, 0);
  assert.equal(event?.lostBytes, 50);
  assert.equal(event?.outcomes[0]?.returnedRows, 12);
});

test('a session given back to a pool takes its cursors along', () => {
  const events = after(
    t.client(t.data(t.execute(3, { sql: 'SELECT n FROM t', query: true }))),
    t.server(t.data(t.oer(3, { rows: 2, cursor: 4, callStatus: 0x8001 }))),
    call(4, 4, t.ub(4), t.ub(1), t.ub(0), t.ub(0)),
    t.server(t.data(t.oer(4, { rows: 1, cursor: 4 }))),
  );
  assert.deepEqual(
    events.map((event) => [event.text, event.marks]),
    [
      ['SELECT n FROM t', 0],
      [undefined, MARK_UNKNOWN_HANDLE],
    ],
  );
});

test('after lost requests a reply is not given to a call before them', () => {
  const lossy = [
    ...t.opening().map((turn) => ({ ...turn, lost: 0 })),
    { direction: TO_SERVER as Direction, bytes: t.data(t.execute(3, { sql: 'DELETE FROM a' })), lost: 0 },
    { direction: TO_SERVER as Direction, bytes: undefined, lost: 80 },
    { direction: TO_CLIENT as Direction, bytes: t.data(t.oer(9, { rows: 77 })), lost: 0 },
  ];
  const [event] = t.statements(play(tns, lossy));
  assert.equal(event?.text, 'DELETE FROM a');
  assert.deepEqual(event?.outcomes, []);
  assert.notEqual((event?.marks ?? 0) & MARK_GAP, 0);
});

test('pipelined calls (23ai): replies end with a flag, in order', () => {
  const ask = (seq: number, sql: string): Uint8Array => t.data(t.execute(seq, { sql, fieldVersion: 24 }), 0x800, true);
  const answer = (seq: number, rows: number): Uint8Array =>
    t.data(t.bytes(8, 0, t.oer(seq, { rows, fieldVersion: 24 }), 29), 0x2000, true);
  const opening = [t.client(t.connect(t.DESCRIPTOR, 319)), t.server(t.accept(319, 0x02000000))];
  const large = t
    .opening(24)
    .slice(4)
    .map((turn) => ({ direction: turn.direction, bytes: enlarge(turn) }));
  const events = t.statements(
    t.run([
      ...opening,
      ...large,
      t.client(ask(3, 'DELETE FROM a'), ask(4, 'DELETE FROM b'), ask(5, 'DELETE FROM c')),
      t.server(answer(3, 1), answer(4, 2)),
      t.server(answer(5, 3)),
    ]),
  );
  assert.deepEqual(
    events.map((event) => [event.text, event.outcomes[0]?.affectedRows, event.marks]),
    [
      ['DELETE FROM a', 1, 0],
      ['DELETE FROM b', 2, 0],
      ['DELETE FROM c', 3, 0],
    ],
  );
});

/** The turn's packet with a four-byte length, and flags that end requests and replies. */
function enlarge(turn: t.Turns[number]): Uint8Array {
  return t.data(turn.bytes.subarray(10), turn.direction === TO_SERVER ? 0x800 : 0x2000, true);
}
