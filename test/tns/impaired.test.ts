/**
 * The recorded scenarios, and captures by others where they are at hand, picked up at every frame, and with each frame
 * and each two that are near lost: no text is invented, what is incomplete says so, and statements that came whole are found.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { type AuditEvent, MARK_MIDSTREAM, StatementEvent } from '#src/contracts/event.js';
import type { ProtocolModule } from '#src/contracts/protocol.js';
import { play, type steps } from '#src/protocols/sdk/testkit.js';
import tns from '#src/protocols/tns/protocol.js';
import { conversationsOf, type Piece } from '../fuzz/conversations.ts';
import { findGoldens } from '../golden/goldens.ts';

const SHARED = resolve(import.meta.dirname, '../../../../shared/pcaps/tns');
type Step = ReturnType<typeof steps>[number];
const module = tns as ProtocolModule;

function captures(): (readonly [name: string, path: string])[] {
  const own = findGoldens().filter(({ name }) => name.startsWith('tns/'));
  const others = existsSync(SHARED) ? readdirSync(SHARED).filter((file) => /\.pcap(ng)?$/.test(file)) : [];
  return [
    ...own.map(({ name, capture }) => [name, capture] as const),
    ...others.map((file) => [`captures by others: ${file}`, join(SHARED, file)] as const),
  ];
}

function statements(events: readonly AuditEvent[]): StatementEvent[] {
  return events.filter((event): event is StatementEvent => event instanceof StatementEvent);
}

function step({ direction, bytes }: Piece): Step {
  return { direction, bytes, lost: 0 };
}

function missing({ direction, bytes }: Piece): Step {
  return { direction, bytes: undefined, lost: bytes.length };
}

/** What a statement says, as far as a loss elsewhere may not change it. */
function said(event: StatementEvent): string {
  return JSON.stringify([event.text, event.parameters]);
}

function assertHonest(events: readonly AuditEvent[], known: ReadonlySet<string>, how: string): void {
  for (const event of statements(events)) {
    if ((event.marks & ~MARK_MIDSTREAM) !== 0 || event.text === undefined) continue;
    assert.ok(known.has(said(event)), `${how}: ${said(event)} was never said`);
  }
}

for (const [name, path] of captures()) {
  test(`${name}: from the middle, and with each frame lost`, async () => {
    for (const pieces of await conversationsOf(module, path)) {
      const whole = statements(play(module, pieces.map(step)));
      const known = new Set(whole.map(said));
      const wholeAt = (first: number): StatementEvent[] =>
        statements(play(module, pieces.slice(first).map(step), true));
      for (let first = 1; first < pieces.length; first++) {
        const events = wholeAt(first);
        assertHonest(events, known, `from frame ${first}`);
        // What is said from here on with a text of its own is found.
        const later = statements(play(module, pieces.slice(0, first).map(step)));
        const simple = whole.slice(later.length + 1).filter((event) => event.call === 'simple');
        const found = new Set(events.map((event) => event.text));
        for (const event of simple) assert.ok(found.has(event.text), `from frame ${first}: ${event.text} is missing`);
      }
      for (let lost = 0; lost < pieces.length; lost++) {
        for (const also of [0, 1, 2, 3]) {
          const last = lost + also;
          const steps = pieces.map((piece, at) => (at === lost || at === last ? missing(piece) : step(piece)));
          assertHonest(play(module, steps), known, `without frames ${lost} and ${last}`);
        }
      }
    }
  });
}
