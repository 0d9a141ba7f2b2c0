/** The driver over a toy protocol: type byte, 16-bit length of the whole frame, body; text frames are statements. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MARK_GAP, MARK_MALFORMED, MARK_TRUNCATED, StatementEvent } from '../../contracts/event.ts';
import {
  END_FIN,
  FRAME_MALFORMED,
  FRAME_MORE,
  FRAME_OK,
  FRAME_WAIT,
  NEXT,
  PROBE_CERTAIN,
  type ProtocolModule,
  STOP,
  TO_CLIENT,
  TO_SERVER,
} from '../../contracts/protocol.ts';
import { newDriverCounters } from './counters.ts';
import { Driver } from './driver.ts';
import { type Conversation, connectionInfo, contractTests, play } from './testkit.ts';

const HEADER_BYTES = 3;
const TEXT = 0x54;
const ROW = 0x52;
const ASK = 0x41;
const BYE = 0x42;

interface ToySession {
  rows: number;
  asked: boolean;
  marks: number;
  /** Of all there was, for what is told at the end. */
  lost: boolean;
  rest: number;
}

const identity = {
  system: 'toy',
  user: undefined,
  effectiveUser: undefined,
  osUser: undefined,
  clientHost: undefined,
  program: undefined,
  endUser: undefined,
  database: undefined,
};

const toy: ProtocolModule<ToySession> = {
  name: 'toy',
  portHints: [],
  systems: ['toy'],
  limits: {
    frameBytesMax: 64,
    sqlBytesMax: 64,
    valueBytesMax: 64,
    handlesMax: 1,
    pendingMax: 1,
    resyncFrames: 3,
    heldBytesMax: 256,
  },
  probe: () => PROBE_CERTAIN,
  open: () => ({ rows: 0, asked: false, marks: 0, lost: false, rest: 0 }),
  frame(session, direction, bytes, start, end, out) {
    if (session.asked && direction === TO_SERVER) return FRAME_WAIT;
    const type = bytes[start] as number;
    if (type !== TEXT && type !== ROW && type !== ASK && type !== BYE) return FRAME_MALFORMED;
    out.need = HEADER_BYTES;
    if (end - start < HEADER_BYTES) return FRAME_MORE;
    out.type = type;
    out.length = ((bytes[start + 1] as number) << 8) | (bytes[start + 2] as number);
    if (out.length < HEADER_BYTES) return FRAME_MALFORMED;
    if (type === ROW) out.want = HEADER_BYTES;
    out.rest = type === TEXT;
    return FRAME_OK;
  },
  onFrame(session, direction, frame, cursor, sink) {
    if (frame.lostBytes > 0) session.lost = true;
    if (frame.type === ROW) session.rows++;
    if (frame.type === ASK) session.asked = direction === TO_SERVER;
    if (frame.type === BYE) return STOP;
    if (frame.type !== TEXT) return NEXT;
    cursor.skip(HEADER_BYTES);
    const event = new StatementEvent(identity, frame.startUs, 'simple');
    event.text = cursor.text(cursor.remaining(), 'latin1');
    event.marks = session.marks | (frame.truncated ? MARK_TRUNCATED : 0) | (frame.lostBytes ? MARK_GAP : 0);
    event.lostBytes = frame.lostBytes;
    session.marks = 0;
    sink.emit(event);
    return NEXT;
  },
  onRest(session, _direction, _bytes, start, end) {
    session.rest += end - start;
  },
  onGap(session, _direction, lostBytes) {
    session.marks |= lostBytes > 0 ? MARK_GAP : MARK_MALFORMED;
    session.lost = true;
  },
  onEnd(session, _reason, tsUs, sink) {
    const event = new StatementEvent(identity, tsUs, 'end');
    event.parameters = [session.rows, session.rest];
    event.marks = session.lost ? MARK_GAP : 0;
    sink.emit(event);
  },
};

function frame(type: number, body: string | number): Uint8Array {
  const content = typeof body === 'number' ? Buffer.alloc(body, 0x2e) : Buffer.from(body, 'latin1');
  const length = HEADER_BYTES + content.length;
  return Buffer.concat([Buffer.from([type, length >> 8, length & 0xff]), content]);
}

const conversation: Conversation = {
  name: 'texts and rows',
  turns: [
    { direction: TO_SERVER, bytes: Buffer.concat([frame(TEXT, 'one'), frame(TEXT, 'two')]) },
    { direction: TO_CLIENT, bytes: Buffer.concat([frame(ROW, 40), frame(ROW, 3000), frame(ROW, 0)]) },
    { direction: TO_SERVER, bytes: frame(TEXT, 'x'.repeat(200)) },
    { direction: TO_CLIENT, bytes: frame(ROW, 500) },
    { direction: TO_SERVER, bytes: frame(TEXT, 'settle') },
    { direction: TO_CLIENT, bytes: frame(ROW, 5) },
    { direction: TO_SERVER, bytes: frame(TEXT, 'sentinel') },
  ],
  sentinel: { text: 'sentinel', turn: 4 },
};

contractTests(toy as ProtocolModule, [conversation]);

function texts(events: readonly { kind: string }[]): (string | undefined)[] {
  return events.map((event) => (event as StatementEvent).text);
}

test('rows are skipped by length, over-long texts cut and their rest shown', () => {
  const events = play(
    toy as ProtocolModule,
    conversation.turns.map((turn) => ({ ...turn, lost: 0 })),
  );
  const end = events.at(-1) as StatementEvent;
  assert.deepEqual(end.parameters, [5, 200 + HEADER_BYTES - 64]);
  const long = events[2] as StatementEvent;
  assert.equal(long.text?.length, 64 - HEADER_BYTES);
  assert.equal(long.marks, MARK_TRUNCATED);
});

test('a gap inside a frame delivers its beginning and finds the next frame by length', () => {
  const bytes = Buffer.concat([frame(TEXT, 'abcdefghij'), frame(TEXT, 'next')]);
  const events = play(toy as ProtocolModule, [
    { direction: TO_SERVER, bytes: bytes.subarray(0, 6), lost: 0 },
    { direction: TO_SERVER, bytes: undefined, lost: 5 },
    { direction: TO_SERVER, bytes: bytes.subarray(11), lost: 0 },
  ]) as StatementEvent[];
  assert.deepEqual(texts(events), ['abc', 'next', undefined]);
  assert.equal(events[0]?.lostBytes, 5);
  assert.equal(events[1]?.marks, 0);
});

test('malformed bytes are passed over until frames make a chain', () => {
  const counters = newDriverCounters();
  const events: unknown[] = [];
  const driver = new Driver(toy, toy.open(connectionInfo('toy')), { emit: (e) => events.push(e) }, counters, false);
  const bytes = Buffer.concat([Buffer.from('#####'), frame(TEXT, 'a'), frame(TEXT, 'b'), frame(TEXT, 'c')]);
  driver.data(TO_SERVER, bytes, 0, bytes.length, 1);
  driver.end(END_FIN, 2);
  assert.deepEqual(texts(events as StatementEvent[]), ['a', 'b', 'c', undefined]);
  assert.equal(counters.malformedFrames, 1);
  assert.equal(counters.unparsedBytes, 5);
});

test('a search that finds nothing ends, until the other side has spoken', () => {
  let judged = 0;
  const counting: ProtocolModule<ToySession> = {
    ...toy,
    plausible: (...given) => {
      judged++;
      return toy.frame(...given);
    },
  };
  const counters = newDriverCounters();
  const events: unknown[] = [];
  const session = toy.open(connectionInfo('toy'));
  const driver = new Driver(counting, session, { emit: (event) => events.push(event) }, counters, false);
  const garbage = Buffer.alloc(4 * 1024 * 1024, '#');
  for (let pos = 0; pos < garbage.length; pos += 10_000) {
    driver.data(TO_SERVER, garbage, pos, Math.min(pos + 10_000, garbage.length), 1);
  }
  assert.ok(judged <= 1024 * 1024, `${judged} offsets judged`);
  const texts3 = Buffer.concat([frame(TEXT, 'a'), frame(TEXT, 'b'), frame(TEXT, 'c')]);
  driver.data(TO_SERVER, texts3, 0, texts3.length, 2);
  assert.deepEqual(events, []);
  const row = frame(ROW, 1);
  driver.data(TO_CLIENT, row, 0, row.length, 3);
  driver.data(TO_SERVER, texts3, 0, texts3.length, 4);
  assert.deepEqual(texts(events as StatementEvent[]), ['a', 'b', 'c']);
  assert.equal(counters.unparsedBytes, garbage.length + texts3.length);
});

test('a direction waits for the other one, bounded', () => {
  const asked = [
    { direction: TO_SERVER, bytes: Buffer.concat([frame(ASK, ''), frame(TEXT, 'held')]), lost: 0 },
    { direction: TO_CLIENT, bytes: frame(ASK, ''), lost: 0 },
  ] as const;
  assert.deepEqual(texts(play(toy as ProtocolModule, asked)), ['held', undefined]);

  const counters = newDriverCounters();
  const driver = new Driver(toy, toy.open(connectionInfo('toy')), { emit: () => {} }, counters, false);
  const flood = Buffer.concat([frame(ASK, ''), Buffer.alloc(10_000, TEXT)]);
  for (let i = 0; i < flood.length; i += 100) driver.data(TO_SERVER, flood, i, Math.min(i + 100, flood.length), 1);
  assert.equal(counters.heldOverflows, 1);
  assert.ok(driver.heldBytes() <= toy.limits.heldBytesMax);
});

test('STOP ends reading for good', () => {
  const events = play(toy as ProtocolModule, [
    { direction: TO_SERVER, bytes: Buffer.concat([frame(TEXT, 'a'), frame(BYE, ''), frame(TEXT, 'b')]), lost: 0 },
    { direction: TO_SERVER, bytes: frame(TEXT, 'c'), lost: 0 },
  ]);
  assert.deepEqual(texts(events), ['a']);
});

test('what a session counted reaches the counters when the connection ends, or is given up', () => {
  for (const last of [TEXT, BYE]) {
    const counters = newDriverCounters();
    const counting: ProtocolModule<ToySession> = {
      ...toy,
      counters: (session) => ({ strayFrames: session.rows, evictedHandles: 2, pendingOverflows: 3 }),
    };
    const driver = new Driver(counting, counting.open(connectionInfo('toy')), { emit: () => {} }, counters, false);
    const bytes = Buffer.concat([frame(ROW, 1), frame(last, '')]);
    driver.data(TO_SERVER, bytes, 0, bytes.length, 1);
    driver.end(END_FIN, 2);
    driver.end(END_FIN, 3);
    assert.deepEqual([counters.strayFrames, counters.evictedHandles, counters.pendingOverflows], [1, 2, 3]);
  }
});

test('two directions that wait for each other in turn are both read', () => {
  // Each side must hear the other's n-th frame before its own (n+1)-th makes sense.
  const order: string[] = [];
  const heard = [0, 0];
  const turns: ProtocolModule<ToySession> = {
    ...toy,
    frame(_session, direction, _bytes, _start, _end, out) {
      const own = heard[direction] as number;
      const other = heard[1 - direction] as number;
      if (direction === TO_SERVER ? own > other : own >= other) return FRAME_WAIT;
      out.length = 1;
      return FRAME_OK;
    },
    onFrame(_session, direction) {
      order.push(`${direction}`);
      heard[direction] = (heard[direction] as number) + 1;
      return NEXT;
    },
  };
  const driver = new Driver(turns, toy.open(connectionInfo('toy')), { emit: () => {} }, newDriverCounters(), false);
  driver.data(TO_SERVER, new Uint8Array(3), 0, 3, 1);
  driver.data(TO_CLIENT, new Uint8Array(3), 0, 3, 2);
  driver.end(END_FIN, 3);
  assert.equal(order.join(''), '010101');
});
