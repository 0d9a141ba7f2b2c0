/** Requests on the shelf: their bytes, their places, and the driver that reads them when the connection goes on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AuditEvent, StatementEvent } from '../../contracts/event.ts';
import { END_FIN, NEXT, type ProtocolModule, TO_CLIENT, TO_SERVER } from '../../contracts/protocol.ts';
import { newDriverCounters } from './counters.ts';
import { Driver } from './driver.ts';
import { PLACE_BYTES, RequestShelf } from './shelf.ts';

test('what is put on the shelf is found there, whatever was put and given back before', () => {
  const action = fc.record({
    bytes: fc.uint8Array({ minLength: 1, maxLength: PLACE_BYTES + 3 }),
    margin: fc.integer({ min: 0, max: 5 }),
    back: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(action, { minLength: 1, maxLength: 40 }), (actions) => {
      const shelf = new RequestShelf();
      const there = new Map<number, { bytes: Uint8Array; tsUs: number }>();
      for (const [i, { bytes, margin, back }] of actions.entries()) {
        const packet = new Uint8Array(bytes.length + 2 * margin).fill(0xee);
        packet.set(bytes, margin);
        const tsUs = 1_700_000_000_000_000 + i;
        const place = shelf.put(packet, margin, margin + bytes.length, tsUs);
        packet.fill(0xdd);
        assert.equal(place < 0, bytes.length > PLACE_BYTES);
        if (place >= 0) {
          assert.ok(!there.has(place), 'a place is given to one request');
          there.set(place, { bytes, tsUs });
        }
        const gone = [...there.keys()][back % (there.size + 1)];
        if (gone !== undefined && there.delete(gone)) shelf.giveBack(gone);
        for (const [at, kept] of there) {
          assert.deepEqual(shelf.page(at).slice(shelf.start(at), shelf.end(at)), kept.bytes);
          assert.equal(shelf.tsUs(at), kept.tsUs);
        }
      }
    }),
    { seed: 7, numRuns: 100 },
  );
});

test('a full shelf takes nothing until a place is given back', () => {
  const shelf = new RequestShelf();
  const bytes = new Uint8Array(4);
  let taken = 0;
  while (shelf.put(bytes, 0, 4, 1) >= 0) taken++;
  assert.equal(taken, 65_536);
  shelf.giveBack(17);
  assert.equal(shelf.put(bytes, 0, 4, 1), 17);
});

/** One byte a frame; every byte of the client is a statement, emitted when it is read. */
const identity = connectionIdentity();
const bytewise: ProtocolModule<{ read: number }> = {
  name: 'bytewise',
  portHints: [],
  systems: ['bytewise'],
  limits: {
    frameBytesMax: 8,
    sqlBytesMax: 8,
    valueBytesMax: 8,
    handlesMax: 1,
    pendingMax: 1,
    resyncFrames: 2,
    heldBytesMax: 8,
  },
  probe: () => 0,
  open: () => ({ read: 0 }),
  frame(_session, _direction, _bytes, _start, _end, out) {
    out.length = 1;
    return 0;
  },
  onFrame(session, direction, frame, cursor, sink) {
    session.read++;
    if (direction === TO_CLIENT) return NEXT;
    const event = new StatementEvent(identity, frame.startUs, 'simple');
    event.text = cursor.text(1, 'latin1');
    sink.emit(event);
    return NEXT;
  },
  onGap() {},
  onEnd() {},
  requests: { isIdle: () => true, isRequest: (_bytes, start, end) => end - start === 1 },
};

function connectionIdentity(): StatementEvent['identity'] {
  const nothing = undefined;
  return {
    system: 'bytewise',
    user: nothing,
    effectiveUser: nothing,
    osUser: nothing,
    clientHost: nothing,
    program: nothing,
    endUser: nothing,
    database: nothing,
  };
}

function drive(): { driver: Driver<{ read: number }>; events: AuditEvent[]; say(to: 0 | 1, text: string): void } {
  const events: AuditEvent[] = [];
  const sink = { emit: (event: AuditEvent) => events.push(event) };
  const driver = new Driver(bytewise, { read: 0 }, sink, newDriverCounters(), false);
  let tsUs = 1000;
  const say = (to: 0 | 1, text: string): void => driver.data(to, Buffer.from(text), 0, text.length, ++tsUs);
  return { driver, events, say };
}

const NEXT_WORDS: readonly (readonly [string, (d: ReturnType<typeof drive>) => void])[] = [
  ['the reply', ({ say }) => say(TO_CLIENT, 'r')],
  ['another request', ({ say }) => say(TO_SERVER, 'b')],
  ['a gap', ({ driver }) => driver.gap(TO_CLIENT, 5, 2000)],
  ['the end', ({ driver }) => driver.end(END_FIN, 2000)],
];
for (const [name, goOn] of NEXT_WORDS) {
  test(`a request that was set aside is read before ${name}, with its own time`, () => {
    const conversation = drive();
    const { driver, events, say } = conversation;
    say(TO_SERVER, 'x');
    assert.equal(events.length, 1, 'nobody has answered yet: read at once');
    say(TO_CLIENT, 'r');
    say(TO_SERVER, 'a');
    assert.equal(events.length, 1);
    assert.equal(driver.heldBytes(), 1);
    goOn(conversation);
    assert.equal(driver.heldBytes(), 0);
    const event = events[1] as StatementEvent;
    assert.equal(event.text, 'a');
    assert.equal(event.startUs, 1003);
  });
}

test('what is no single request is read at once', () => {
  const { events, say } = drive();
  say(TO_CLIENT, 'r');
  say(TO_SERVER, 'ab');
  assert.equal(events.length, 2);
});
