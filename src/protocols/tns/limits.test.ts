/** What happens when a table is full. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MARK_GAP, MARK_NO_REPLY, MARK_UNKNOWN_HANDLE, type StatementEvent } from '../../contracts/event.ts';
import { TO_SERVER } from '../../contracts/protocol.ts';
import { newDriverCounters } from '../sdk/counters.ts';
import { Driver } from '../sdk/driver.ts';
import { connectionInfo } from '../sdk/testkit.ts';
import { LIMITS, REDIRECTS_MAX } from './limits.ts';
import tns from './protocol.ts';
import * as t from './testing.ts';

/** Sequence numbers are one byte. */
function sequence(index: number): number {
  return 1 + (index % 250);
}

function insert(index: number): t.Turns {
  const sql = `INSERT INTO t${index} VALUES (1)`;
  return [
    t.client(t.data(t.execute(sequence(index), { sql }))),
    t.server(t.data(t.oer(sequence(index), { rows: 1, cursor: index + 1 }))),
  ];
}

function again(index: number, cursor: number): t.Turns {
  const call = t.bytes(3, 4, sequence(index), t.ub(cursor), t.ub(1), t.ub(0), t.ub(0));
  return [t.client(t.data(call)), t.server(t.data(t.oer(sequence(index), { rows: 1, cursor })))];
}

test('more cursors than a session remembers: the least recently used is an unknown handle', () => {
  const turns = Array.from({ length: LIMITS.handlesMax + 1 }, (_, index) => insert(index)).flat();
  const events = t.statements(t.run([...t.opening(), ...turns, ...again(1, 2), ...again(2, 1)]));
  const [known, forgotten] = events.slice(-2) as [StatementEvent, StatementEvent];
  assert.deepEqual([known.text, known.marks], ['INSERT INTO t1 VALUES (1)', 0]);
  assert.deepEqual([forgotten.text, forgotten.marks], [undefined, MARK_UNKNOWN_HANDLE]);
});

test('more calls than may wait: all are emitted, marked, and what comes later is read', () => {
  const enlarged = t.opening(24).slice(4);
  const opening = [
    t.client(t.connect(t.DESCRIPTOR, 319)),
    t.server(t.accept(319, 0x02000000)),
    ...enlarged.map(({ direction, bytes }) => {
      return { direction, bytes: t.data(bytes.subarray(10), direction === TO_SERVER ? 0x800 : 0x2000, true) };
    }),
  ];
  const ask = (index: number): Uint8Array =>
    t.data(t.execute(sequence(index), { sql: `DELETE FROM t${index}`, fieldVersion: 24 }), 0x800, true);
  const asked = Array.from({ length: LIMITS.pendingMax + 1 }, (_, index) => t.client(ask(index)));
  const answer = t.bytes(8, 0, t.oer(sequence(9000), { rows: 5, fieldVersion: 24 }), 29);
  const later = [t.client(ask(9000)), t.server(t.data(answer, 0x2000, true))];
  const events = t.statements(t.run([...opening, ...asked, ...later]));
  assert.equal(events.length, LIMITS.pendingMax + 2);
  assert.ok(events.slice(0, -1).every(({ marks }) => marks === (MARK_GAP | MARK_NO_REPLY)));
  const last = events.at(-1);
  assert.deepEqual([last?.text, last?.outcomes[0]?.affectedRows, last?.marks], ['DELETE FROM t9000', 5, 0]);
});

test('more redirected clients than are remembered: the oldest is forgotten', () => {
  const info = { ...connectionInfo('tns'), serverPort: 1521 };
  for (let client = 0; client <= REDIRECTS_MAX; client++) {
    const own = { ...info, clientAddress: `198.51.${client >> 8}.${client & 0xff}` };
    const driver = new Driver(tns, tns.open(own), { emit: () => {} }, newDriverCounters(), false);
    const redirect = t.packet(5, t.bytes(t.u16(2), '()'));
    for (const { direction, bytes } of [t.client(t.connect()), t.server(redirect)]) {
      driver.data(direction, bytes, 0, bytes.length, 1);
    }
  }
  assert.equal(info.shared.size, REDIRECTS_MAX);
});
