/** Losses and mid-stream pick-up: nothing is invented, nothing is attributed to the wrong statement. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AuditEvent,
  MARK_GAP,
  MARK_MIDSTREAM,
  MARK_NO_REPLY,
  MARK_TRUNCATED,
  type StatementEvent,
} from '../../contracts/event.ts';
import { type Direction, FrameOut, TO_CLIENT, TO_SERVER } from '../../contracts/protocol.ts';
import * as c from './constants.ts';
import { plausiblePacket } from './plausible.ts';
import * as t from './testing.ts';

type Step = { readonly direction: Direction; readonly bytes: Uint8Array | number };

function steps(...turns: t.Turns): Step[] {
  return [...t.opening(), ...turns];
}

const lostToServer = (count: number): Step => ({ direction: TO_SERVER, bytes: count });
const lostToClient = (count: number): Step => ({ direction: TO_CLIENT, bytes: count });

/** Text, rows or affected rows of the first outcome, marks. */
function brief(events: readonly AuditEvent[]): unknown[] {
  return t.statements(events).map((s: StatementEvent) => {
    const [outcome] = s.outcomes;
    return [s.text, outcome?.returnedRows ?? outcome?.affectedRows, s.marks];
  });
}

test('the reply to a lost request is nobody else’s', () => {
  const lost = t.query('DELETE FROM everything');
  const events = t.runLossy([
    ...steps(t.client(t.query('SELECT 1')), t.server(t.result(['1']))),
    lostToServer(lost.length),
    t.server(t.ok(1, { affectedRows: 99 })),
    t.client(t.query('SELECT 2')),
    t.server(t.result(['a', 'b'])),
  ]);
  assert.deepEqual(brief(events), [
    ['SELECT 1', 1, 0],
    ['SELECT 2', 2, 0],
  ]);
});

test('a request of which only the header came is not matched with a reply', () => {
  const lost = t.query('DELETE FROM everything');
  const events = t.runLossy([
    ...steps(t.client(lost.subarray(0, 4))),
    lostToServer(lost.length - 4),
    t.server(t.ok(1, { affectedRows: 99 })),
    t.client(t.query('SELECT 2')),
    t.server(t.result(['a', 'b'])),
  ]);
  assert.deepEqual(brief(events), [['SELECT 2', 2, 0]]);
});

test('a request cut by a gap keeps its beginning, its reply and the loss', () => {
  const request = t.query('SELECT name FROM customers WHERE id = 7');
  const events = t.runLossy([
    ...steps(t.client(request.subarray(0, 20))),
    lostToServer(request.length - 20),
    t.server(t.result(['ann'])),
  ]);
  const [statement] = t.statements(events);
  assert.equal(statement?.text, 'SELECT name FRO');
  assert.equal(statement?.marks, MARK_GAP | MARK_TRUNCATED);
  assert.equal(statement?.lostBytes, request.length - 20);
  assert.equal(statement?.textLength, request.length - 5);
  assert.equal(statement?.textSha256, undefined);
  assert.equal(statement?.outcomes[0]?.returnedRows, 1);
});

test('a lost reply leaves its statement without outcome', () => {
  const reply = t.result(['1', '2', '3']);
  const events = t.runLossy([
    ...steps(t.client(t.query('SELECT 1'))),
    lostToClient(reply.length),
    t.client(t.query('SELECT 2')),
    t.server(t.result(['a', 'b'])),
  ]);
  assert.deepEqual(brief(events), [
    ['SELECT 1', undefined, MARK_GAP | MARK_NO_REPLY],
    ['SELECT 2', 2, 0],
  ]);
});

test('a row cut by a gap counts, and so do the ones behind it', () => {
  const reply = t.result(['one', 'two'.repeat(500), 'three']);
  const hole = reply.length - 700;
  const events = t.runLossy([
    ...steps(t.client(t.query('SELECT 1')), t.server(reply.subarray(0, hole))),
    lostToClient(100),
    t.server(reply.subarray(hole + 100)),
  ]);
  const [statement] = t.statements(events);
  assert.equal(statement?.outcomes[0]?.returnedRows, 3);
  assert.equal(statement?.marks, MARK_GAP);
  assert.equal(statement?.lostBytes, 100);
});

test('lost rows: the end is found, the statement is marked', () => {
  const rows = Array.from({ length: 50 }, (_, i) => `row number ${i}`);
  const reply = t.result(rows);
  const events = t.runLossy([
    ...steps(t.client(t.query('SELECT 1')), t.server(reply.subarray(0, 200))),
    lostToClient(300),
    t.server(reply.subarray(500)),
    t.client(t.query('SELECT 2')),
    t.server(t.ok(1, { affectedRows: 5 })),
  ]);
  const [one, two] = t.statements(events);
  assert.equal(one?.marks, MARK_GAP);
  assert.ok((one?.outcomes[0]?.returnedRows ?? 0) < rows.length);
  assert.equal(two?.outcomes[0]?.affectedRows, 5);
});

test('a pipelining client: after a loss of replies no outcome is guessed', () => {
  const three = [t.query('SELECT 1'), t.query('SELECT 2'), t.query('SELECT 3')];
  const events = t.runLossy([
    ...steps(t.client(...three)),
    lostToClient(t.result(['1']).length),
    t.server(t.result(['2', '2']), t.result(['3', '3', '3'])),
  ]);
  assert.deepEqual(
    t.statements(events).map((s) => s.outcomes.length),
    [0, 0, 0],
  );
  assert.ok(t.statements(events).every((s) => (s.marks & MARK_NO_REPLY) !== 0));
});

test('a lost login reply: the user is the one who asked, and statements go on', () => {
  const reply = t.ok(2);
  const events = t.runLossy([
    t.server(t.greeting(t.CLASSIC)),
    t.client(t.login(t.CLASSIC)),
    lostToClient(reply.length),
    t.client(t.query('SELECT 1')),
    t.server(t.result(['1'])),
  ]);
  assert.equal((t.logins(events)[0]?.marks ?? 0) & MARK_GAP, MARK_GAP);
  assert.equal(t.statements(events)[0]?.identity.user, 'alice');
  assert.equal(t.statements(events)[0]?.outcomes[0]?.returnedRows, 1);
});

test('a lost login: the user stays unknown', () => {
  const login = t.login(t.CLASSIC);
  const events = t.runLossy([
    t.server(t.greeting(t.CLASSIC)),
    lostToServer(login.length),
    t.server(t.ok(2)),
    t.client(t.query('SELECT 1')),
    t.server(t.result(['1'])),
    t.client(t.query('SELECT 2')),
    t.server(t.result(['1'])),
  ]);
  const statements = t.statements(events);
  assert.deepEqual(
    statements.map((s) => s.text),
    ['SELECT 1', 'SELECT 2'],
  );
  assert.ok(statements.every((s) => s.identity.user === undefined && (s.marks & MARK_MIDSTREAM) !== 0));
});

test('after lost requests remembered types are not trusted', () => {
  const events = t.runLossy([
    ...steps(
      t.client(t.command(c.COM_STMT_PREPARE, 'SELECT ?')),
      t.server(t.prepared(1, 1, 1)),
      t.client(t.execute(1, [3], [t.u32(7)])),
      t.server(t.result(['\0\0x'])),
    ),
    lostToServer(40),
    t.server(t.result(['\0\0x'])),
    t.client(t.execute(1, undefined, [t.str('abc')])),
    t.server(t.result(['\0\0x'])),
  ]);
  const [known, unknown] = t.statements(events);
  assert.deepEqual(known?.parameters, [7]);
  assert.equal(unknown?.text, 'SELECT ?');
  assert.equal(unknown?.parameters, undefined);
  assert.equal((unknown?.marks ?? 0) & MARK_GAP, MARK_GAP);
});

test('judging an offset of a stream costs a bounded number of steps, whatever the bytes', () => {
  for (const byte of [0x00, 0x01, 0x03, 0x20, 0x41, 0xfb, 0xfc, 0xff]) {
    for (const sequence of [0, 1, 5]) {
      let reads = 0;
      const content = Buffer.alloc(70_000, byte);
      content.set([0x00, 0xff, 0x00, sequence]);
      const counted = new Proxy(content, {
        get(target, key) {
          reads++;
          return Reflect.get(target, key, target) as unknown;
        },
      });
      for (const direction of [TO_SERVER, TO_CLIENT] as const) {
        plausiblePacket(direction, counted, 0, content.length, new FrameOut());
      }
      assert.ok(reads < 2000, `${reads} reads of bytes ${byte}, sequence ${sequence}`);
    }
  }
});

test('mid-stream: classic and modern results, attributes and cached metadata are told by the packets', () => {
  const cached = t.bytes(
    t.packet(1, 1, 0),
    t.packet(2, t.str('a')),
    t.packet(3, t.str('b')),
    t.ok(4, { marker: 0xfe }),
  );
  const events = t.run(
    [
      t.client(t.query('SELECT 1')),
      t.server(t.result(['1', '2'])),
      t.client(t.query('SELECT 2')),
      t.server(t.result(['1', '2', '3'], true)),
      t.client(t.command(c.COM_QUERY, 0, 1, 'SELECT 3')),
      t.server(cached),
    ],
    true,
  );
  assert.deepEqual(brief(events), [
    ['SELECT 1', 2, MARK_MIDSTREAM],
    ['SELECT 2', 3, MARK_MIDSTREAM],
    ['SELECT 3', 2, MARK_MIDSTREAM],
  ]);
});
