/**
 * Structure-aware fuzzing: chains of legal structures with hostile contents (lengths, descriptors, correlators, types),
 * in any order, with gaps. Nothing throws, memory stays bounded (`play` asserts it), every event is well formed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AuditEvent, MARK_NAMES, StatementEvent } from '../../contracts/event.ts';
import { type Direction, type ProtocolModule, TO_CLIENT, TO_SERVER } from '../../contracts/protocol.ts';
import { play } from '../sdk/testkit.ts';
import * as cp from './codepoints.ts';
import drda from './protocol.ts';
import * as t from './testing.ts';

const byte = fc.oneof(fc.constantFrom(0, 1, 3, 4, 0x3f, 0x70, 0x71, 0x76, 0x7f, 0x80, 0xc9, 0xcf, 0xff), fc.nat(255));
const bytes = fc.array(byte, { maxLength: 40 }).map((list) => Uint8Array.from(list));
const number = fc.constantFrom(0, 1, 2, 300);
const types = fc.array(fc.tuple(byte, fc.constantFrom(0, 1, 4, 8, 40, 0x0c03, 0x7fff, 0x8002, 0x8008)), {
  maxLength: 5,
});
const raw = (codePoints: readonly number[]) =>
  fc.tuple(fc.constantFrom(...codePoints), bytes).map(([code, body]) => [t.object(code, body)]);

const command = fc.oneof(
  fc.string({ maxLength: 20 }).map(t.immediate),
  fc.tuple(number, fc.string({ maxLength: 20 })).map(([n, text]) => t.prepare(n, text)),
  fc.tuple(number, types, bytes, bytes).map(([n, list, row, lob]) => {
    return t.executeSection(n, t.sqldta(list, row), t.object(cp.EXTDTA, lob), t.object(cp.EXTDTA, lob));
  }),
  number.map((n) => t.openQuery(n)),
  number.map(t.fetchMore),
  number.map(t.closeQuery),
  fc.constant(t.commit),
  fc.constant(t.rollback),
  raw([cp.EXCSAT, cp.ACCSEC, cp.SECCHK, cp.ACCRDB, cp.SYNCCTL, cp.EXCSQLSET, cp.BNDSQLSTT, cp.INTRDBRQS]),
  bytes.map((body) => [t.object(cp.EXCSQLIMM), t.object(cp.SQLSTT, body)]),
);
const answer = fc.oneof(
  fc.constantFrom([t.done(1)], [t.sqlcardNull], [t.sqlcard(-1, '42601', 0, 'x')], t.committed, t.rolledBack),
  fc.tuple(types, fc.array(bytes, { maxLength: 4 })).map(([list, rows]) => {
    return [t.opened, t.qrydsc(...list), t.qrydta(...rows.map((row) => t.row(row)))];
  }),
  bytes.map((body) => [t.qrydta(body), t.message(cp.ENDQRYRM, 4)]),
  fc.array(number, { maxLength: 3 }).map((list) => {
    return [t.message(cp.RSLSETRM, 0, t.object(cp.PKGSNLST, ...list.map((n) => t.section(n)))), t.done(), t.opened];
  }),
  raw([cp.EXCSATRD, cp.ACCSECRD, cp.SQLCARD, cp.SQLDARD, cp.SQLDTARD, cp.QRYDSC, cp.EXTDTA, cp.SECCHKRM, cp.SYNCCRD]),
  raw([cp.ACCRDBRM, cp.OPNQRYRM, cp.ENDUOWRM, cp.ABNUOWRM, cp.TYPDEFNAM, cp.TYPDEFOVR, 0x2212]),
);
const stepOf = (direction: Direction, content: Uint8Array) => ({ direction, bytes: content, lost: 0 });
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.array(command, { minLength: 1, maxLength: 4 }).map((list) => stepOf(TO_SERVER, t.chain(...list))),
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.nat(3), fc.array(answer, { minLength: 1, maxLength: 4 }))
      .map(([first, list]) => stepOf(TO_CLIENT, t.replies(first, ...list))),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom<Direction>(TO_SERVER, TO_CLIENT), byte, bytes, fc.integer({ min: 8, max: 64 }))
      .map(([direction, format, body, size]) => stepOf(direction, t.dss(format & 0x7f, 1, body, size))),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom<Direction>(TO_SERVER, TO_CLIENT), fc.integer({ min: 1, max: 500 }))
      .map(([direction, lost]) => t.gap(direction, lost)),
  },
);

function assertWellFormed(events: readonly AuditEvent[]): void {
  assert.equal(new Set(events).size, events.length, 'an event is emitted once');
  for (const event of events) {
    assert.ok(event.marks >= 0 && event.marks < 1 << MARK_NAMES.length);
    assert.ok(event.lostBytes >= 0);
    if (!(event instanceof StatementEvent)) continue;
    assert.equal(new Set(event.outcomes).size, event.outcomes.length);
    for (const outcome of event.outcomes) assert.ok(outcome.endUs >= outcome.firstByteUs);
  }
}

test('hostile conversations: 3,000 executions over every state', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.array(step, { maxLength: 24 }), (midstream, middle) => {
      const opening = midstream ? [] : t.login().map((turn) => ({ ...turn, lost: 0 }));
      assertWellFormed(play(drda as ProtocolModule, [...opening, ...middle], midstream));
    }),
    { seed: 42, numRuns: 3000 },
  );
});
