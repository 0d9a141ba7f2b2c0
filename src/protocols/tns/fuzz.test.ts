/**
 * Structure-aware fuzzing: legal packets with hostile contents in any order and segmentation, with gaps. Nothing
 * throws, memory stays bounded (`play` asserts it), and every event is well formed and emitted once.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AuditEvent, MARK_NAMES, StatementEvent } from '../../contracts/event.ts';
import { type Direction, TO_CLIENT, TO_SERVER } from '../../contracts/protocol.ts';
import { play } from '../sdk/testkit.ts';
import { osonText } from './oson.ts';
import tns from './protocol.ts';
import { BIG_ENDIAN, DIALECT_F1, DIALECT_F4, DIALECT_F8, DIALECT_N, DIALECT_N4, DIALECT_NA } from './reader.ts';
import * as t from './testing.ts';
import { FixedWriter } from './testing-fixed.ts';
import { vectorText } from './vector.ts';

const byte = fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 7, 8, 9, 0x11, 0x5e, 0x7f, 0xfd, 0xfe, 0xff), fc.nat(255));
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc.array(byte, { maxLength: 40 }).map((list) => Uint8Array.from(list)),
);
const seq = fc.nat(3);
const cursor = fc.constantFrom(0, 1, 2, 9);
const fieldVersion = fc.constantFrom(2, 3, 4, 5, 7, 8, 9, 24);
const flags = fc.constantFrom(0, 0, 0, 0x40, 0x800, 0x2000, 0x400);

const call = fc.oneof(
  fc.tuple(fc.nat(255), seq, payload).map(([fn, n, rest]) => t.bytes(3, fn, n, rest)),
  fc.tuple(fc.nat(255), seq, payload).map(([fn, n, rest]) => t.bytes(0x11, fn, n, rest, 3, 0x0e, n + 1)),
  fc
    .tuple(seq, fc.string({ maxLength: 20 }), cursor, fc.nat(255), payload, fieldVersion)
    .map(([n, sql, id, type, value, version]) =>
      t.execute(n, { sql, cursor: id, binds: [t.oac(type, 30, 1)], rows: [[t.clr(value)]], fieldVersion: version }),
    ),
  fc.tuple(seq, cursor, payload).map(([n, id, rest]) => t.bytes(3, 4, n, t.ub(id), t.ub(1), 0, 0, 7, rest)),
  fc.tuple(seq, cursor).map(([n, id]) => t.bytes(3, 5, n, t.ub(id), t.ub(10))),
  fc
    .tuple(fc.constantFrom<1 | 2>(1, 2), seq, payload)
    .map(([phase, n, rest]) => t.bytes(t.auth(phase, n, 'U', []), rest)),
  payload,
);
const dialect = fc.constantFrom(DIALECT_F1, DIALECT_F4, DIALECT_F8, DIALECT_N, DIALECT_N4, DIALECT_NA);
const writer = fc
  .tuple(dialect, fc.constantFrom(0, BIG_ENDIAN), fieldVersion)
  .map(([base, order, version]) => new FixedWriter(base + order, version));
const nativeCall = fc
  .tuple(writer, seq, fc.string({ maxLength: 20 }), cursor, payload, fc.nat(255))
  .map(([w, n, sql, id, value, type]) => {
    const bind = { type, maxBytes: 30, form: 1 };
    if (n === 0) return w.endToEnd(n, sql, sql, 7 + (type % 3), t.bytes(3, 0x0e, 1));
    if (n === 1) return w.closeCursors(n, [id], w.fetch(2, id, 10));
    return w.execute(n, { sql, cursor: id, binds: [bind], rows: [[t.clr(value)]] });
  });
const oldCall = fc
  .tuple(fc.constantFrom(0x47, 0x4a, 0x3e, 0x51, 0x52, 0x60, 0x80, 0x81, 0x82), seq, payload, fc.string())
  .map(([fn, n, rest, sql]) => t.bytes(3, fn, n, rest, t.clr(`SELECT ${sql}`), rest));
const reply = fc.oneof(
  payload,
  fc
    .tuple(writer, seq, cursor, fc.nat(5), payload)
    .map(([w, n, id, rows, rest]) => t.bytes(rest, w.status(n, { rows, cursor: id }))),
  fc.tuple(payload, seq).map(([rest, n]) => t.bytes(27, rest, t.oer(n))),
  fc
    .tuple(seq, cursor, fc.nat(5), fieldVersion)
    .map(([n, id, rows, version]) => t.oer(n, { cursor: id, rows, fieldVersion: version })),
  fc.tuple(seq, cursor).map(([n, id]) => t.noData(n, 2, id)),
  seq.map((n) => t.shortStatus(n)),
  fc.tuple(payload, seq).map(([rest, n]) => t.bytes(11, rest, t.oer(n))),
);
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.oneof(nativeCall, oldCall), flags)
      .map(([body, flag]) => turn(TO_SERVER, t.data(body, flag))),
  },
  { weight: 6, arbitrary: fc.tuple(call, flags).map(([body, flag]) => turn(TO_SERVER, t.data(body, flag))) },
  { weight: 6, arbitrary: fc.tuple(reply, flags).map(([body, flag]) => turn(TO_CLIENT, t.data(body, flag))) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom<Direction>(TO_SERVER, TO_CLIENT), fc.nat(16), payload)
      .map(([direction, type, body]) => turn(direction, t.packet(type, body))),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom<Direction>(TO_SERVER, TO_CLIENT), fc.integer({ min: 1, max: 300 }))
      .map(([direction, lost]) => ({ direction, bytes: undefined, lost })),
  },
);

function turn(direction: Direction, bytes: Uint8Array): { direction: Direction; bytes: Uint8Array; lost: number } {
  return { direction, bytes, lost: 0 };
}

function assertWellFormed(events: readonly AuditEvent[]): void {
  assert.equal(new Set(events).size, events.length, 'an event is emitted once');
  for (const event of events) {
    assert.ok(event.marks >= 0 && event.marks < 1 << MARK_NAMES.length);
    assert.ok(event.lostBytes >= 0);
    if (!(event instanceof StatementEvent)) continue;
    for (const outcome of event.outcomes) assert.ok(outcome.responseBytes > 0 && outcome.endUs >= outcome.firstByteUs);
  }
}

test('hostile conversations', () => {
  fc.assert(
    fc.property(fieldVersion, fc.boolean(), fc.array(step, { maxLength: 30 }), (version, midstream, middle) => {
      const opening = t.opening(version).map((one) => turn(one.direction, one.bytes));
      assertWellFormed(play(tns, [...opening, ...middle], midstream));
    }),
    { seed: 42, numRuns: 3000 },
  );
});

test('images of JSON and vectors: any bytes give text or nothing, soon', () => {
  const image = fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    fc.array(byte, { maxLength: 400 }).map((list) => t.bytes(0xff, 0x4a, 0x5a, 1, Uint8Array.from(list))),
    fc.array(byte, { maxLength: 400 }).map((list) => t.bytes(0xdb, 0, Uint8Array.from(list))),
  );
  fc.assert(
    fc.property(image, (bytes) => {
      for (const text of [osonText(bytes), vectorText(bytes)]) assert.ok(text === undefined || text.length <= 20_000);
    }),
    { seed: 42, numRuns: 5000 },
  );
});
