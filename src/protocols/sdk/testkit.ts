/**
 * What every protocol folder must survive, as ready-made tests: a folder supplies recorded or built conversations and
 * calls `contractTests`. A failing property prints its seed and the smallest input that still fails; put that input
 * into the folder's own tables.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type HeldMemory, unlimitedMemory } from '../../base/memory-budget.ts';
import type { AuditEvent, StatementEvent } from '../../contracts/event.ts';
import {
  type ConnectionInfo,
  type Direction,
  END_FIN,
  type EventSink,
  PROBE_CERTAIN,
  type ProtocolModule,
  TO_CLIENT,
  TO_SERVER,
} from '../../contracts/protocol.ts';
import { newDriverCounters } from './counters.ts';
import { Driver } from './driver.ts';
import { FrameWindow } from './window.ts';

/** What one side says before the other speaks. */
export interface Turn {
  readonly direction: Direction;
  readonly bytes: Uint8Array;
}

export interface Conversation {
  readonly name: string;
  readonly turns: readonly Turn[];
  /**
   * Text of a plain statement near the end that must still be found whatever is lost before `turn` (the
   * first turn that may not be harmed: leave the session an exchange or two to find its feet).
   */
  readonly sentinel?: { readonly text: string; readonly turn: number };
  /** The client may say all it has to say before the first reply. */
  readonly pipelined?: boolean;
}

interface Step {
  readonly direction: Direction;
  /** A gap of `lost` bytes when undefined. */
  readonly bytes: Uint8Array | undefined;
  readonly lost: number;
}

const RUNS = { seed: 42, numRuns: 60 } as const;
/** Gaps are tried at every offset up to this many places, then evenly spread. */
const GAP_PLACES_MAX = 400;
/** Pieces behind which memory is taken away, likewise. */
const RELIEF_PLACES_MAX = 100;

/** What a connection may still hold when it has given back all it can: of each direction a message's and a frame's beginning. */
const LEFT_BYTES_MAX = 1024;

export function connectionInfo(protocol: string, midstream = false): ConnectionInfo {
  return {
    protocol,
    clientAddress: '10.0.0.1',
    clientPort: 40000,
    serverAddress: '10.0.0.2',
    serverPort: 5000,
    firstTsUs: 1_700_000_000_000_000,
    midstream,
    vlanId: -1,
    tunnel: '',
    shared: new Map(),
    memory: unlimitedMemory(),
  };
}

/** What else happens while steps are played, behind each of them. */
type Meanwhile = (driver: Driver<unknown>, memory: HeldMemory, step: number, tsUs: number) => void;

/** Runs the steps through a driver; every byte handed over is overwritten as soon as the call returns. */
export function play(
  module: ProtocolModule,
  steps: readonly Step[],
  midstream = false,
  meanwhile: Meanwhile = () => undefined,
): AuditEvent[] {
  const events: AuditEvent[] = [];
  playTo({ emit: (event) => events.push(event) }, module, steps, midstream, meanwhile);
  return events;
}

/** What events say when they are emitted, to somebody who keeps none of them. */
function heard(module: ProtocolModule, steps: readonly Step[]): unknown[] {
  const copies: unknown[] = [];
  playTo({ keepsNoEvents: true, emit: (event) => copies.push(structuredClone(event)) }, module, steps, false);
  return copies;
}

function playTo(
  sink: EventSink,
  module: ProtocolModule,
  steps: readonly Step[],
  midstream: boolean,
  meanwhile: Meanwhile = () => undefined,
): void {
  const info = connectionInfo(module.name, midstream);
  const { memory } = info;
  const session = module.open(info);
  const driver = new Driver(module, session, sink, newDriverCounters(), midstream, new FrameWindow(), memory);
  const limits = module.limits;
  const heldMax = 2 * (Math.max(limits.frameBytesMax, limits.heldBytesMax) + 1);
  let tsUs = 1_700_000_000_000_000;
  for (const [index, step] of steps.entries()) {
    tsUs += 10;
    if (step.bytes) {
      // A ring page: the segment lies between other bytes, which must not be read.
      const page = new Uint8Array(step.bytes.length + 16).fill(0xee);
      page.set(step.bytes, 8);
      driver.data(step.direction, page, 8, 8 + step.bytes.length, tsUs);
      page.fill(0xdd);
    } else {
      driver.gap(step.direction, step.lost, tsUs);
    }
    assert.ok(driver.heldBytes() <= heldMax, `holds ${driver.heldBytes()} bytes`);
    assert.ok(memory.bytes >= 0, 'more was given back than was taken');
    meanwhile(driver, memory, index, tsUs);
  }
  driver.end(END_FIN, tsUs + 10);
}

export function steps(conversation: Conversation): Step[] {
  return conversation.turns.map(({ direction, bytes }) => ({ direction, bytes, lost: 0 }));
}

/** An event without what segmentation may change: times. */
function essence(event: AuditEvent): unknown {
  return JSON.parse(
    JSON.stringify(event, (key, value: unknown) => (key.endsWith('Us') || key === 'startUs' ? undefined : value)),
  );
}

/** Cuts every step at pseudo-random places that follow from `cuts`. */
export function segment(whole: readonly Step[], cuts: readonly number[]): Step[] {
  const pieces: Step[] = [];
  let next = 0;
  for (const step of whole) {
    if (!step.bytes) {
      pieces.push(step);
      continue;
    }
    let pos = 0;
    while (pos < step.bytes.length) {
      const size = cuts.length === 0 ? 1 : (cuts[next++ % cuts.length] as number);
      pieces.push({ ...step, bytes: step.bytes.subarray(pos, pos + size) });
      pos += size;
    }
  }
  return pieces;
}

/** Registers the contract tests of a protocol over its conversations. */
export function contractTests(module: ProtocolModule, conversations: readonly Conversation[]): void {
  assert.ok(conversations.length > 0, 'a contract without conversations proves nothing');
  test(`${module.name}: recognises its own conversations`, () => {
    for (const { name, turns } of conversations) assert.ok(isRecognised(module, turns), name);
  });
  for (const conversation of conversations) {
    const title = `${module.name}, ${conversation.name}`;
    const whole = steps(conversation);
    const expected = play(module, whole).map(essence);
    test(`${title}: says something`, () => assert.ok(expected.length > 0));
    test(`${title}: events that are used again say what they should`, () => {
      assert.deepEqual(heard(module, whole), structuredClone(play(module, whole)));
    });
    test(`${title}: any segmentation gives the same events`, () => sameForAnySegmentation(module, whole, expected));
    test(`${title}: mutated bytes never throw, and segmentation decides nothing`, () => mutations(module, whole));
    test(`${title}: a gap at every offset is survived`, () => gapsEverywhere(module, conversation));
    test(`${title}: memory that is taken away at any time is survived`, () => reliefAnywhere(module, conversation));
    test(`${title}: mid-stream from every turn is survived`, () => fromEveryTurn(module, whole));
    if (conversation.pipelined) {
      test(`${title}: requests may run ahead of replies`, () => {
        const ahead = [
          ...whole.filter((s) => s.direction === TO_SERVER),
          ...whole.filter((s) => s.direction === TO_CLIENT),
        ];
        assert.deepEqual(play(module, ahead).map(essence), expected);
      });
    }
  }
}

function isRecognised(module: ProtocolModule, turns: readonly Turn[]): boolean {
  return turns.some(
    ({ bytes, direction }) => module.probe(bytes, 0, Math.min(bytes.length, 512), direction) === PROBE_CERTAIN,
  );
}

function sameForAnySegmentation(module: ProtocolModule, whole: readonly Step[], expected: readonly unknown[]): void {
  assert.deepEqual(play(module, segment(whole, [])).map(essence), expected, 'one byte at a time');
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 1500 }), { minLength: 1, maxLength: 20 }), (cuts) => {
      assert.deepEqual(play(module, segment(whole, cuts)).map(essence), expected);
    }),
    RUNS,
  );
}

function mutations(module: ProtocolModule, whole: readonly Step[]): void {
  const mutation = fc.record({
    turn: fc.nat(),
    offset: fc.nat(),
    byte: fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.integer({ min: 0, max: 255 })),
    cut: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(mutation, { minLength: 1, maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 10 }),
      (changes, cuts) => {
        const harmed = whole.map((step) => ({ ...step, bytes: step.bytes ? new Uint8Array(step.bytes) : undefined }));
        for (const { turn, offset, byte, cut } of changes) {
          const step = harmed[turn % harmed.length];
          if (!step?.bytes || step.bytes.length === 0) continue;
          const at = offset % step.bytes.length;
          step.bytes[at] = byte;
          if (cut) step.bytes = step.bytes.slice(0, at + 1);
        }
        const events = play(module, harmed);
        assert.deepEqual(play(module, segment(harmed, cuts)).map(essence), events.map(essence));
        assert.deepEqual(heard(module, harmed), structuredClone(events), 'events that are used again');
      },
    ),
    RUNS,
  );
}

function gapsEverywhere(module: ProtocolModule, conversation: Conversation): void {
  const { sentinel } = conversation;
  const whole = steps(conversation);
  const expected = play(module, whole);
  const last = sentinel ? sentinel.turn : whole.length;
  const known = new Set(expected.map(textOf));
  const places: [number, number][] = [];
  for (let turn = 0; turn < last; turn++) {
    const size = whole[turn]?.bytes?.length ?? 0;
    for (let offset = 0; offset < size; offset++) places.push([turn, offset]);
  }
  const stride = Math.max(1, Math.ceil(places.length / GAP_PLACES_MAX));
  for (let i = 0; i < places.length; i += stride) {
    const [turn, offset] = places[i] as [number, number];
    for (const lost of [1, 7, 100]) {
      const events = play(module, withGap(whole, turn, offset, lost));
      for (const event of events) assertNotInvented(event, known);
      assertMarked(events, expected, `${lost} bytes lost at turn ${turn}, offset ${offset}`);
      if (!sentinel) continue;
      const found = events.some((event) => textOf(event) === sentinel.text);
      assert.ok(found, `'${sentinel.text}' not found after ${lost} bytes were lost at turn ${turn}, offset ${offset}`);
    }
  }
}

function withGap(whole: readonly Step[], turn: number, offset: number, lost: number): Step[] {
  const harmed: Step[] = [];
  for (const [index, step] of whole.entries()) {
    if (index !== turn || !step.bytes) {
      harmed.push(step);
      continue;
    }
    const gone = Math.min(lost, step.bytes.length - offset);
    if (offset > 0) harmed.push({ ...step, bytes: step.bytes.subarray(0, offset) });
    harmed.push({ direction: step.direction, bytes: undefined, lost: gone });
    if (offset + gone < step.bytes.length) harmed.push({ ...step, bytes: step.bytes.subarray(offset + gone) });
  }
  return harmed;
}

/**
 * Of a conversation in pieces, whoever gives back what it holds behind one of them, or all, invents nothing, and leaves
 * out nothing without saying so.
 */
export function reliefAnywhere(
  module: ProtocolModule,
  conversation: Conversation,
  sizes: readonly number[] = [97, 13, 401],
): void {
  const { sentinel } = conversation;
  const expected = play(module, steps(conversation));
  const known = new Set(expected.map(textOf));
  const pieces = segment(steps(conversation), sizes);
  const harmless = sentinel === undefined ? -1 : segment(steps(conversation).slice(0, sentinel.turn), sizes).length;
  const stride = Math.max(1, Math.ceil(pieces.length / RELIEF_PLACES_MAX));
  const relieved = (all: boolean, isPlace: (step: number) => boolean): AuditEvent[] => {
    const events = play(module, pieces, false, (driver, memory, step, tsUs) => {
      if (!isPlace(step)) return;
      driver.relieve(all, tsUs);
      assert.ok(memory.bytes >= 0, 'more was given back than was taken');
      if (all) assert.ok(memory.bytes <= LEFT_BYTES_MAX, `still holds ${memory.bytes} bytes`);
    });
    for (const event of events) assertNotInvented(event, known);
    return events;
  };
  for (const all of [false, true]) {
    for (let place = 0; place < pieces.length; place += stride) {
      const events = relieved(all, (step) => step === place);
      assertNothingSilent(events, expected, `relieved of ${all ? 'all' : 'some'} behind piece ${place}`);
      if (sentinel === undefined || place >= harmless) continue;
      assert.ok(
        events.some((event) => textOf(event) === sentinel.text),
        `'${sentinel.text}' not found after place ${place}`,
      );
    }
    relieved(all, () => true);
  }
}

/** No statement is missing, and one that is told otherwise than it was said carries a mark. */
function assertNothingSilent(events: readonly AuditEvent[], expected: readonly AuditEvent[], when: string): void {
  const said = expected.filter(isStatement).length;
  const found = events.filter(isStatement).length;
  assert.ok(found >= said, `${when}: ${found} of ${said} statements are recorded`);
  assertMarked(events, expected, when);
}

function isStatement(event: AuditEvent): event is StatementEvent {
  return event.kind === 'statement';
}

/** A statement that is told otherwise than it was said carries a mark, or values that are said to be lost. */
function assertMarked(events: readonly AuditEvent[], expected: readonly AuditEvent[], when: string): void {
  const said = expected.filter(isStatement).map(saidIn);
  for (const event of events.filter(isStatement).filter(({ marks }) => marks === 0)) {
    if (saidIn(event).includes('{"type":"lost"')) continue;
    const at = said.indexOf(saidIn(event));
    assert.ok(at >= 0, `${when}: ${saidIn(event)} was never said and carries no mark`);
    said.splice(at, 1);
  }
}

/** What a statement says, without what came of it: whether it was prepared, or executed, may depend on that. */
function saidIn({ operation, text, procedure, parameters, objects }: StatementEvent): string {
  return JSON.stringify([operation, text, procedure, parameters, objects]);
}

/** A text after a loss is one that was said, or the marked beginning of one. */
function assertNotInvented(event: AuditEvent, known: ReadonlySet<string | undefined>): void {
  const text = textOf(event);
  if (text === undefined || known.has(text)) return;
  assert.notEqual(event.marks, 0, `'${text}' was never said and carries no mark`);
  const isBeginning = [...known].some((whole) => whole?.startsWith(text));
  assert.ok(isBeginning, `'${text}' is no beginning of anything said`);
}

function textOf(event: unknown): string | undefined {
  return (event as { text?: string }).text;
}

function fromEveryTurn(module: ProtocolModule, whole: readonly Step[]): void {
  for (let turn = 0; turn < whole.length; turn++) {
    const rest = whole.slice(turn);
    const first = rest[0]?.bytes;
    if (!first) continue;
    const expected = play(module, rest, true).map(essence);
    assert.deepEqual(play(module, segment(rest, [37, 5, 211]), true).map(essence), expected, `from turn ${turn}`);
    for (const offset of [1, first.length >> 1]) {
      play(module, [{ ...(rest[0] as Step), bytes: first.subarray(offset) }, ...rest.slice(1)], true);
    }
  }
}
