/** One execution: a mutated conversation through the real driver, and all that must hold whatever it says. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AuditEvent, MARK_NAMES, StatementEvent } from '#src/contracts/event.js';
import type { ProtocolModule } from '#src/contracts/protocol.js';
import { play } from '#src/protocols/sdk/testkit.js';
import type { Input } from './mutate.ts';

/** Text is kept up to `sqlBytesMax`, which as UTF-16 is no longer; a NUL-terminated command may be a little more. */
const TEXT_SLACK = 16;

/** Of so many inputs one is played a second time, while memory is taken away again and again. */
const RELIEVED_PART = 4;

/** Throws when the module does, holds more than it may, or says what can't be. Returns the number of events. */
export function execute(module: ProtocolModule, { steps, midstream }: Input): number {
  const events = play(module, steps, midstream);
  checkEvents(module, events);
  if (steps.length % RELIEVED_PART === 0) {
    const relieved = play(module, steps, midstream, (driver, memory, step, tsUs) => {
      if (step % 3 === 1) driver.relieve(step % 2 === 0, tsUs);
      assert.ok(Number.isFinite(memory.bytes), `holds ${memory.bytes} bytes`);
    });
    checkEvents(module, relieved);
  }
  return events.length;
}

function checkEvents(module: ProtocolModule, events: readonly AuditEvent[]): void {
  assert.equal(new Set(events).size, events.length, 'an event was emitted twice');
  for (const event of events) checkEvent(module, event);
}

function checkEvent(module: ProtocolModule, event: AuditEvent): void {
  assert.ok(event.marks >= 0 && event.marks < 1 << MARK_NAMES.length, `marks ${event.marks}`);
  assert.ok(Number.isSafeInteger(event.lostBytes) && event.lostBytes >= 0, `lost ${event.lostBytes}`);
  assert.ok(module.systems.includes(event.identity.system), event.identity.system);
  if (!(event instanceof StatementEvent)) return;
  assert.ok((event.text?.length ?? 0) <= module.limits.sqlBytesMax + TEXT_SLACK, 'text over its limit');
  assert.doesNotThrow(() => JSON.stringify(event.parameters));
  assert.equal(new Set(event.outcomes).size, event.outcomes.length, 'an outcome counts twice');
  for (const outcome of event.outcomes) {
    for (const count of [
      outcome.responseBytes,
      outcome.bulkBytes,
      outcome.returnedRows ?? 0,
      outcome.affectedRows ?? 0,
    ]) {
      assert.ok(count >= 0 && Number.isFinite(count), `count ${count}`);
    }
    assert.ok(outcome.endUs === 0 || outcome.endUs >= outcome.firstByteUs, 'a result ends before it begins');
  }
}

/** Inputs that once found something; `dist/test/fuzz` and `test/fuzz` are equally deep below the root. */
export const CORPUS: string = join(import.meta.dirname, '..', '..', '..', 'test', 'fuzz', 'corpus');

interface SavedInput {
  readonly protocol: string;
  readonly midstream: boolean;
  /** Hexadecimal bytes behind `>` (to the server) or `<`, or `>gap N`. */
  readonly steps: readonly string[];
}

export function saveFinding(module: ProtocolModule, { steps, midstream }: Input): string {
  const lines = steps.map(({ direction, bytes, lost }) => {
    const arrow = direction === 0 ? '>' : '<';
    return bytes ? arrow + Buffer.from(bytes).toString('hex') : `${arrow}gap ${lost}`;
  });
  const saved: SavedInput = { protocol: module.name, midstream, steps: lines };
  const text = `${JSON.stringify(saved, undefined, 2)}\n`;
  const path = join(CORPUS, `${module.name}-${createHash('sha256').update(text).digest('hex').slice(0, 12)}.json`);
  writeFileSync(path, text);
  return path;
}

/** The committed inputs of one protocol, by file name. */
export function corpus(protocol: string): Map<string, Input> {
  const inputs = new Map<string, Input>();
  for (const name of readdirSync(CORPUS).filter((file) => file.startsWith(`${protocol}-`))) {
    const saved = JSON.parse(readFileSync(join(CORPUS, name), 'utf8')) as SavedInput;
    if (saved.protocol !== protocol) continue;
    const steps = saved.steps.map((line) => {
      const direction = line.startsWith('>') ? (0 as const) : (1 as const);
      const gap = /^.gap (\d+)$/.exec(line);
      if (gap) return { direction, bytes: undefined, lost: Number(gap[1]) };
      return { direction, bytes: Uint8Array.from(Buffer.from(line.slice(1), 'hex')), lost: 0 };
    });
    inputs.set(name, { midstream: saved.midstream, steps });
  }
  return inputs;
}
