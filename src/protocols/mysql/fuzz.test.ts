/**
 * Structure-aware fuzzing: conversations of legal packets with hostile contents (wrong lengths, counts, sequence
 * numbers, types), in any order and segmentation, with gaps. Nothing throws, memory stays bounded (`play` asserts it),
 * and every event is well formed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AuditEvent, MARK_NAMES, StatementEvent } from '../../contracts/event.ts';
import { type Direction, TO_CLIENT, TO_SERVER } from '../../contracts/protocol.ts';
import { play } from '../sdk/testkit.ts';
import * as c from './constants.ts';
import mysql from './protocol.ts';
import * as t from './testing.ts';

const byte = fc.oneof(fc.constantFrom(0, 1, 2, 3, 0x10, 0x16, 0x17, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff), fc.nat(255));
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.array(byte, { maxLength: 24 }).map((list) => Uint8Array.from(list)),
  fc.string({ maxLength: 30 }).map((text) => t.bytes(c.COM_QUERY, text)),
);
const packet = fc.tuple(fc.nat(6), payload).map(([sequence, content]) => t.packet(sequence, content));
const ids = fc.constantFrom(0, 1, 2, 0xffffffff);

const request = fc.oneof(
  packet,
  fc.string({ maxLength: 20 }).map(t.query),
  fc.constant(t.command(c.COM_STMT_PREPARE, 'SELECT ?, ?')),
  fc
    .tuple(ids, fc.array(byte, { maxLength: 2 }), payload)
    .map(([id, types, value]) => t.execute(id, types, [value, undefined])),
  fc.tuple(ids, payload).map(([id, rows]) => t.command(c.MARIADB_COM_STMT_BULK_EXECUTE, t.u32(id), t.u16(128), rows)),
  fc.tuple(ids, payload).map(([id, data]) => t.command(c.COM_STMT_SEND_LONG_DATA, t.u32(id), t.u16(0), data)),
  fc.tuple(fc.constantFrom(c.COM_STMT_CLOSE, c.COM_STMT_RESET), ids).map(([code, id]) => t.command(code, t.u32(id))),
  ids.map((id) => t.command(c.COM_STMT_FETCH, t.u32(id), t.u32(5))),
  payload.map((rest) => t.command(c.COM_CHANGE_USER, 'bob', 0, rest)),
  fc.constantFrom(
    ...[c.COM_PING, c.COM_QUIT, c.COM_RESET_CONNECTION, c.COM_BINLOG_DUMP, c.COM_CLONE].map((code) => t.command(code)),
  ),
);
const status = fc.constantFrom(0, 1, 2, 8, 0x40, 0x80, 0x1008, 0x4002);
const reply = fc.oneof(
  packet,
  status.map((flags) => t.ok(1, { status: flags })),
  status.map((flags) => t.eof(4, flags)),
  fc.tuple(fc.array(fc.string({ maxLength: 9 }), { maxLength: 4 }), fc.boolean(), status).map((r) => t.result(...r)),
  fc.tuple(ids, fc.nat(3), fc.nat(3), fc.boolean()).map((p) => t.prepared(...p)),
  fc.constant(t.err(1, 1064, '42000', 'no')),
  fc.constant(t.packet(1, 0xfb, 'file')),
);
const step = fc.oneof(
  { weight: 6, arbitrary: request.map((bytes) => ({ direction: TO_SERVER as Direction, bytes, lost: 0 })) },
  { weight: 6, arbitrary: reply.map((bytes) => ({ direction: TO_CLIENT as Direction, bytes, lost: 0 })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom<Direction>(TO_SERVER, TO_CLIENT), fc.integer({ min: 1, max: 500 }))
      .map(([direction, lost]) => ({ direction, bytes: undefined, lost })),
  },
);
const capabilities = fc.constantFrom(
  t.CLASSIC,
  t.MODERN,
  t.MODERN | c.CLIENT_QUERY_ATTRIBUTES | c.CLIENT_OPTIONAL_METADATA,
  t.CLASSIC | c.CLIENT_COMPRESS,
);

function assertWellFormed(events: readonly AuditEvent[]): void {
  for (const event of events) {
    assert.ok(event.marks >= 0 && event.marks < 1 << MARK_NAMES.length);
    assert.ok(event.lostBytes >= 0);
    if (!(event instanceof StatementEvent)) continue;
    assert.equal(new Set(event.outcomes).size, event.outcomes.length);
    for (const outcome of event.outcomes) assert.ok(outcome.responseBytes > 0 && outcome.endUs >= outcome.firstByteUs);
  }
  assert.equal(new Set(events).size, events.length, 'an event is emitted once');
}

test('hostile conversations', () => {
  fc.assert(
    fc.property(capabilities, fc.boolean(), fc.array(step, { maxLength: 30 }), (flags, midstream, middle) => {
      const opening = t.opening(flags).map((turn) => ({ ...turn, lost: 0 }));
      assertWellFormed(play(mysql, [...opening, ...middle], midstream));
    }),
    { seed: 42, numRuns: 3000 },
  );
});
