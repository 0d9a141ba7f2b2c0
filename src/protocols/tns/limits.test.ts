/** What happens when a table is full, and when bytes are made to cost more time than they take on the wire. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MARK_GAP, MARK_NO_REPLY, MARK_UNKNOWN_HANDLE, type StatementEvent } from '../../contracts/event.ts';
import { TO_SERVER } from '../../contracts/protocol.ts';
import { newDriverCounters } from '../sdk/counters.ts';
import { Driver } from '../sdk/driver.ts';
import { connectionInfo } from '../sdk/testkit.ts';
import { LIMITS, REDIRECTS_MAX } from './limits.ts';
import tns from './protocol.ts';
import { returningBinds } from './rows.ts';
import { findSql } from './scan.ts';
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

// The three below took minutes to hours before they were bounded.

test('binds behind RETURNING INTO are told in one pass', () => {
  assert.equal(returningBinds('insert into t values (:1) returning id, name into :2, : "three"'), 2);
  assert.equal(returningBinds('update t set a = :1 return a INTO :2'), 1);
  assert.equal(returningBinds('begin return 1; end; insert into t values (:1);'), 0);
  assert.equal(returningBinds('insert into t values (:1)'), 0);
  assert.equal(returningBinds('select returning, into_ from t where a = :1'), 0);
  const hostile = `${' return'.repeat(10_000)}${' into'.repeat(10_000)}${' :x'.repeat(10_000)}`;
  assert.equal(returningBinds(`${hostile};`), 0);
  assert.equal(returningBinds(hostile), 10_000);
});

test('the search for a text gives up where every place may be the beginning of one', () => {
  const lengths = Array.from({ length: 500 }, (_, i) => t.bytes(3, 0x0f, 0x80, i & 0xff));
  const words = t.bytes(...Array.from({ length: 400 }, () => ' set '));
  const hostile = t.bytes(...lengths, words, Buffer.alloc(1_000_000, 0x20), 1, 1, 1);
  assert.equal(findSql(hostile, 0, hostile.length), undefined);
  const chunks = t.bytes(...Array.from({ length: 800 }, () => t.bytes(0xfe, 1, 'set', 1)), Buffer.alloc(500_000, 1));
  assert.equal(findSql(chunks, 0, chunks.length), undefined);
});

test('a call in thousands of short packets is read once, when the server answers', () => {
  const sql = `INSERT INTO t VALUES ('${'x'.repeat(200_000)}')`;
  const call = t.execute(3, { sql });
  const packets: Uint8Array[] = [];
  for (let at = 0; at < call.length; at += 60) packets.push(t.data(call.subarray(at, at + 60)));
  const turns = [...packets.map((packet) => t.client(packet)), t.server(t.data(t.oer(3, { rows: 1, cursor: 2 })))];
  const [event, ...others] = t.statements(t.run([...t.opening(), ...turns]));
  assert.equal(others.length, 0);
  assert.deepEqual([event?.text, event?.marks, event?.outcomes[0]?.affectedRows], [sql, 0, 1]);
});
