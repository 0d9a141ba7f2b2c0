/** What all connections hold together stays within its limit, and only those pay that hold most. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { type AuditEvent, MARK_NO_REPLY, MARK_TRUNCATED, type StatementEvent } from '../contracts/event.ts';
import { type ConnectionInfo, type ProtocolModule, TO_SERVER } from '../contracts/protocol.ts';
import { FLOW_END_FIN, type FlowReader, type Side } from '../contracts/stream.ts';
import * as cp from './drda/codepoints.ts';
import drda from './drda/protocol.ts';
import * as d from './drda/testing.ts';
import { ProtocolHost } from './host.ts';
import mysql from './mysql/protocol.ts';
import * as m from './mysql/testing.ts';
import postgres from './postgres/protocol.ts';
import * as p from './postgres/testing.ts';
import type { Turn } from './sdk/testkit.ts';
import tds from './tds/protocol.ts';
import * as s from './tds/testing.ts';
import tns from './tns/protocol.ts';
import * as o from './tns/testing.ts';

const CLIENT: Side = 0;
const SERVER: Side = 1;

/** Every flow is a connection that was seen from its beginning. */
const flows: FlowReader = {
  address: (slot, side) => (side === CLIENT ? `10.${slot >> 16}.${(slot >> 8) & 255}.${slot & 255}` : '192.0.2.1'),
  port: (_slot, side) => (side === CLIENT ? 40_000 : 9999),
  clientSide: () => CLIENT,
  firstTsUs: () => 1,
  isMidstream: () => false,
  vlanId: () => -1,
  tunnelKind: () => 0,
  tunnelId: () => 0,
  interfaceIndex: () => 0,
};

/** Connections of one protocol in one host, whose events are told apart by the client's address. */
class Crowd {
  readonly host: ProtocolHost;
  heldMax = 0;
  private readonly events = new Map<string, AuditEvent[]>();
  private tsUs = 1000;

  constructor(module: ProtocolModule, memoryMax: number) {
    const sessions = {
      open: ({ clientAddress }: ConnectionInfo) => {
        const events: AuditEvent[] = [];
        this.events.set(clientAddress, events);
        return { emit: (event: AuditEvent) => void events.push(event) };
      },
    };
    this.host = new ProtocolHost([module], flows, sessions, new Map([[9999, module.name]]), memoryMax);
  }

  say(slot: number, { direction, bytes }: Turn): void {
    const side = direction === TO_SERVER ? CLIENT : SERVER;
    this.tsUs += 10;
    // A page of a capture: nothing may stay in it.
    const page = new Uint8Array(bytes);
    this.host.onData(slot, side, page, 0, page.length, this.tsUs);
    page.fill(0xdd);
    this.heldMax = Math.max(this.heldMax, this.host.heldBytes);
  }

  sayAll(slot: number, turns: readonly Turn[]): void {
    for (const turn of turns) this.say(slot, turn);
  }

  end(slot: number): void {
    this.host.onEnd(slot, FLOW_END_FIN, this.tsUs);
  }

  statements(slot: number): StatementEvent[] {
    const events = this.events.get(flows.address(slot, CLIENT)) ?? [];
    return events.filter((event) => event.kind === 'statement');
  }
}

/** How a protocol is spoken: up to the first statement, a statement, and its result. */
interface Spoken {
  readonly module: ProtocolModule;
  readonly opening: readonly Turn[];
  ask(text: string): Uint8Array;
  readonly answer: Turn;
  /** Whatever is cut of a text, its length and digest are of the whole. */
  readonly encoding: 'utf8' | 'utf16le';
}

const client = (...bytes: readonly Uint8Array[]): Turn => ({ direction: TO_SERVER, bytes: Buffer.concat(bytes) });
const server = (...bytes: readonly Uint8Array[]): Turn => ({ direction: 1, bytes: Buffer.concat(bytes) });

/** A call of Oracle in packets of a session data unit each. */
function calls(text: string): Uint8Array {
  const call = o.execute(9, { sql: text });
  const packets: Uint8Array[] = [];
  for (let at = 0; at < call.length; at += 8182) packets.push(o.data(call.subarray(at, at + 8182)));
  return Buffer.concat(packets);
}

/** An immediate statement of DRDA whose text comes in short segments. */
function segmented(text: string): Uint8Array {
  const [command, object] = d.immediate(text) as [Uint8Array, Uint8Array];
  const first = d.dss(cp.DSS_REQUEST | cp.CHAINED | cp.SAME_CORRELATOR, 1, command);
  return Buffer.concat([first, d.dss(cp.DSS_OBJECT, 1, object, 4096)]);
}

const PROTOCOLS: readonly Spoken[] = [
  {
    module: postgres as ProtocolModule,
    opening: [
      client(p.startup({ user: 'alice', database: 'shop' })),
      server(p.auth(0), p.parameter('client_encoding', 'UTF8'), p.keyData(7, p.i32(99)), p.ready()),
    ],
    ask: p.query,
    answer: server(p.complete('DELETE 1'), p.ready()),
    encoding: 'utf8',
  },
  {
    module: mysql as ProtocolModule,
    opening: m.opening(),
    ask: m.query,
    answer: m.server(m.ok(1, { affectedRows: 1 })),
    encoding: 'utf8',
  },
  {
    module: tds as ProtocolModule,
    opening: s.opening(),
    ask: (text) => s.batch(text),
    answer: s.reply(s.done(0x10, 1, 0xc4)),
    encoding: 'utf16le',
  },
  {
    module: tns as ProtocolModule,
    opening: o.opening(),
    ask: calls,
    answer: o.server(o.data(o.oer(9, { rows: 1, cursor: 2 }))),
    encoding: 'utf8',
  },
  {
    module: drda as ProtocolModule,
    opening: d.login(),
    ask: segmented,
    answer: d.toClient(d.replies(1, [d.done(1)])),
    encoding: 'utf8',
  },
];

const TEXT = `DELETE FROM baskets WHERE name IN (${"'x',".repeat(8000)}'y')`;
const SMALL = 'DELETE FROM basket WHERE id = 7';
const SEGMENT_BYTES = 1400;
/** What one packet may add before memory is given back: a buffer that doubles. */
const OVERSHOOT_BYTES = 128 * 1024;

function* segments(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += SEGMENT_BYTES) yield bytes.subarray(at, at + SEGMENT_BYTES);
}

/** All of the connections send a message at the same time, up to near its end; `meanwhile` runs after each segment. */
function sendTogether(crowd: Crowd, count: number, message: Uint8Array, meanwhile: (round: number) => void): void {
  const pieces = [...segments(message)];
  for (const [round, piece] of pieces.slice(0, -1).entries()) {
    for (let slot = 1; slot <= count; slot++) crowd.say(slot, client(piece));
    meanwhile(round);
  }
}

for (const { module, opening, ask, answer, encoding } of PROTOCOLS) {
  test(`${module.name}: of large messages under way, those are cut that are too much together; others are whole`, () => {
    const limit = 1024 * 1024;
    const crowd = new Crowd(module, limit);
    const count = 60;
    for (let slot = 0; slot <= count; slot++) crowd.sayAll(slot, opening);
    const message = ask(TEXT);
    sendTogether(crowd, count, message, () => crowd.sayAll(0, [client(ask(SMALL)), answer]));
    assert.ok(crowd.heldMax > limit / 2 && crowd.heldMax <= limit + OVERSHOOT_BYTES, `held ${crowd.heldMax} bytes`);
    assert.ok(crowd.host.counters.memoryReliefs > 0);
    for (let slot = 1; slot <= count; slot++) {
      crowd.sayAll(slot, [client([...segments(message)].at(-1) as Uint8Array), answer]);
    }
    const bytes = Buffer.from(TEXT, encoding);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    for (let slot = 1; slot <= count; slot++) {
      const [statement, ...more] = crowd.statements(slot);
      assert.equal(more.length, 0);
      assert.ok(
        statement?.text !== undefined && TEXT.startsWith(statement.text),
        `slot ${slot}: ${statement?.text?.slice(0, 90)}`,
      );
      assert.equal(statement.outcomes[0]?.affectedRows, 1, `slot ${slot}: ${statement.marks}`);
      if (statement.text === TEXT) {
        assert.equal(statement.marks, 0);
        continue;
      }
      assert.ok(statement.text.length > 100);
      assert.deepEqual([statement.marks, statement.textLength], [MARK_TRUNCATED, bytes.length]);
      assert.equal(statement.textSha256, sha256);
    }
    const cut = [...Array(count).keys()].filter((i) => crowd.statements(i + 1)[0]?.text !== TEXT).length;
    assert.ok(cut > 20, `${cut} were cut`);
    const whole = crowd.statements(0);
    assert.ok(whole.length > 10);
    assert.ok(
      whole.every(({ text, marks, outcomes }) => text === SMALL && marks === 0 && outcomes[0]?.affectedRows === 1),
    );
    for (let slot = 0; slot <= count; slot++) crowd.end(slot);
    assert.equal(crowd.host.heldBytes, 0);
  });

  test(`${module.name}: requests that wait are recorded without their replies when they are too much together`, () => {
    const limit = 512 * 1024;
    const crowd = new Crowd(module, limit);
    const count = 30;
    for (let slot = 0; slot <= count; slot++) crowd.sayAll(slot, opening);
    for (let slot = 1; slot <= count; slot++) crowd.say(slot, client(ask(TEXT)));
    assert.ok(crowd.heldMax <= limit + OVERSHOOT_BYTES, `held ${crowd.heldMax} bytes`);
    crowd.sayAll(0, [client(ask(SMALL)), answer]);
    const [oldest] = crowd.statements(1);
    assert.ok(oldest?.text === TEXT);
    assert.ok(((oldest?.marks ?? 0) & MARK_NO_REPLY) !== 0);
    assert.equal(oldest?.outcomes.length, 0);
    for (let slot = 1; slot <= count; slot++) {
      crowd.sayAll(slot, [answer, client(ask(SMALL)), answer]);
      const found = crowd.statements(slot);
      assert.ok(found.length === 2 && found[0]?.text === TEXT && found[1]?.text === SMALL, `slot ${slot}`);
      assert.equal(
        found[1]?.outcomes.length,
        1,
        `slot ${slot}: a reply to what was given up is not taken for another's`,
      );
    }
    assert.deepEqual(
      crowd.statements(0).map(({ text, marks }) => [text, marks]),
      [[SMALL, 0]],
    );
    for (let slot = 0; slot <= count; slot++) crowd.end(slot);
    assert.equal(crowd.host.heldBytes, 0);
  });
}

test('ten thousand connections, each with a large message under way, stay within the limit', () => {
  const limit = 16 * 1024 * 1024;
  const crowd = new Crowd(mysql as ProtocolModule, limit);
  const count = 10_000;
  for (let slot = 0; slot <= count; slot++) crowd.sayAll(slot, m.opening());
  const message = m.query(TEXT);
  sendTogether(crowd, count, message, () => crowd.sayAll(0, [client(m.query(SMALL)), m.server(m.ok(1))]));
  assert.ok(crowd.heldMax > limit / 2 && crowd.heldMax <= limit + OVERSHOOT_BYTES, `held ${crowd.heldMax} bytes`);
  const found = crowd.statements(0);
  assert.equal(found.length, [...segments(message)].length - 1);
  assert.ok(found.every(({ text, marks }) => text === SMALL && marks === 0));
  const last = client([...segments(message)].at(-1) as Uint8Array);
  let cut = 0;
  for (let slot = 1; slot <= count; slot++) {
    crowd.sayAll(slot, [last, m.server(m.ok(1))]);
    const [statement, ...more] = crowd.statements(slot);
    assert.ok(statement?.text !== undefined && TEXT.startsWith(statement.text) && more.length === 0);
    if (statement.marks === 0) assert.ok(statement.text === TEXT);
    else cut++;
    crowd.end(slot);
  }
  assert.ok(cut > count / 2);
  crowd.end(0);
  assert.equal(crowd.host.heldBytes, 0);
});

test('flows whose protocol is not known yet are given up when they hold too much together', () => {
  const undecided: ProtocolModule = { ...(mysql as ProtocolModule), probe: () => 1 };
  const crowd = new Crowd(undecided, 256 * 1024);
  for (let slot = 0; slot < 100; slot++) for (let i = 0; i < 20; i++) crowd.say(slot, client(new Uint8Array(1000)));
  assert.ok(crowd.heldMax <= 256 * 1024 + 2000);
  assert.ok(crowd.host.counters.memoryReliefs > 0);
  for (let slot = 0; slot < 100; slot++) crowd.end(slot);
  assert.equal(crowd.host.heldBytes, 0);
});
