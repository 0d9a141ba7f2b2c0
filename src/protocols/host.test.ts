/** Recognition by content, and what becomes of flows that speak no known protocol. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../base/errors.ts';
import type { AuditEvent } from '../contracts/event.ts';
import type { ConnectionInfo, ProtocolModule } from '../contracts/protocol.ts';
import { FLOW_END_FIN, type FlowReader, type Side, STREAM_IGNORE, STREAM_KEEP } from '../contracts/stream.ts';
import { ProtocolHost } from './host.ts';
import { loadProtocols } from './registry.ts';
import template from './sdk/template/protocol.ts';

interface FakeFlow {
  readonly clientSide?: Side | -1;
  readonly midstream?: boolean;
  /** Ports of side 0 and side 1. */
  readonly ports?: readonly [number, number];
}

function flowReader({ clientSide = 0, midstream = false, ports = [40_000, 7000] }: FakeFlow): FlowReader {
  return {
    address: (_slot, side) => (side === 0 ? '10.0.0.1' : '10.0.0.2'),
    port: (_slot, side) => ports[side],
    clientSide: () => clientSide,
    firstTsUs: () => 1,
    isMidstream: () => midstream,
    vlanId: () => -1,
    tunnelKind: () => 1,
    tunnelId: () => 77,
    interfaceIndex: () => 0,
  };
}

function open(flow: FakeFlow, modules: readonly ProtocolModule[], ports: ReadonlyMap<number, string> = new Map()) {
  const events: AuditEvent[] = [];
  const connections: ConnectionInfo[] = [];
  const sessions = {
    open(connection: ConnectionInfo) {
      connections.push(connection);
      return { emit: (event: AuditEvent) => void events.push(event) };
    },
  };
  const host = new ProtocolHost(modules, flowReader(flow), sessions, ports);
  const say = (side: Side, text: string | Uint8Array) => {
    const bytes = Buffer.from(text);
    return host.onData(1, side, bytes, 0, bytes.length, 5);
  };
  return { host, events, connections, say };
}

const toy = template as ProtocolModule;
const HELLO = Buffer.from([0x48, 0, 0, 0, 9, 0xa5, 0x61, 0x6e, 0x6e]);
const PG_QUERY = Buffer.from('Q\0\0\0\x0dSELECT 1\0', 'latin1');
const PG_REPLY = Buffer.concat([Buffer.from('C\0\0\0\x0dSELECT 1\0', 'latin1'), Buffer.from([0x5a, 0, 0, 0, 5, 0x49])]);

test('a connection is recognised by its first bytes, whatever the port and the segments', () => {
  const { say, events, connections } = open({}, [toy]);
  for (const byte of HELLO) assert.equal(say(0, Buffer.from([byte])), STREAM_KEEP);
  assert.equal(events[0]?.kind, 'login');
  assert.equal(connections[0]?.clientPort, 40_000);
  assert.equal(connections[0]?.tunnel, 'vxlan:77');
});

test('a flow that speaks no known protocol is given up and counted', () => {
  const { host, say } = open({}, [toy]);
  assert.equal(say(0, 'GET / HTTP/1.1\r\n'), STREAM_IGNORE);
  assert.equal(host.counters.unrecognisedFlows, 1);
  assert.equal(host.counters.unrecognisedBytes, 16);
});

test('a flow that stays undecided is held for a bounded time only', () => {
  const modules: ProtocolModule[] = [{ ...toy, probe: () => 2 }];
  const { say } = open({}, modules);
  let verdict: number = STREAM_KEEP;
  for (let i = 0; i < 200 && verdict === STREAM_KEEP; i++) verdict = say(0, Buffer.alloc(1000));
  assert.equal(verdict, STREAM_IGNORE);
});

test('pieces cost what they take: many small ones, and gaps, end the wait as well', () => {
  const modules: ProtocolModule[] = [{ ...toy, probe: () => 2 }];
  const bytewise = open({}, modules);
  const lossy = open({}, modules);
  let said = 0;
  while (said < 1000 && bytewise.say(0, 'x') === STREAM_KEEP) said++;
  assert.ok(said < 600, `${said} pieces held`);
  for (let i = 0; i < 600; i++) lossy.host.onGap(1, 0, 1, 5);
  assert.equal(lossy.say(0, 'x'), STREAM_IGNORE);
});

test('mid-stream traffic of a real protocol is taken up, and the lower port is the server', async () => {
  const modules = await loadProtocols();
  for (const clientSide of [0, 1] as const) {
    const ports = clientSide === 0 ? ([50_000, 15_432] as const) : ([15_432, 50_000] as const);
    const { host, say, events, connections } = open({ clientSide: -1, midstream: true, ports }, modules);
    say(clientSide, PG_QUERY);
    say((1 - clientSide) as Side, PG_REPLY);
    host.onEnd(1, FLOW_END_FIN, 9);
    assert.equal(connections[0]?.protocol, 'postgres');
    assert.equal(connections[0]?.serverPort, 15_432);
    assert.equal(events[0]?.kind === 'statement' && events[0].text, 'SELECT 1');
  }
});

test('the middle of a message says nothing; the next turn is judged afresh', async () => {
  const modules = await loadProtocols();
  const { say, connections } = open({ clientSide: -1, midstream: true, ports: [50_000, 5432] }, modules);
  assert.equal(say(1, 'the rest of some result that began before'), STREAM_KEEP);
  say(0, PG_QUERY);
  say(1, PG_REPLY);
  assert.equal(connections[0]?.protocol, 'postgres');
});

test('the rest of a message that is longer than what is held does not end the search', async () => {
  const modules = await loadProtocols();
  const { say, connections } = open({ clientSide: -1, midstream: true, ports: [50_000, 5432] }, modules);
  const rest = 'a statement of many packets '.split('').join('\0');
  for (let bytes = 0; bytes < 200_000; bytes += rest.length) assert.equal(say(0, rest), STREAM_KEEP);
  say(1, PG_REPLY);
  say(0, PG_QUERY);
  say(1, PG_REPLY);
  assert.equal(connections[0]?.protocol, 'postgres');
});

test('a port hint decides what content cannot; an unknown protocol name is refused', () => {
  const unsure: ProtocolModule = { ...toy, probe: (_bytes, _start, _end, direction) => (direction === 0 ? 2 : 1) };
  const without = open({}, [unsure]);
  without.say(0, PG_QUERY);
  assert.equal(without.connections.length, 0);
  const hinted = open({}, [unsure], new Map([[7000, 'template']]));
  hinted.say(0, PG_QUERY);
  assert.equal(hinted.connections.length, 1);
  assert.throws(() => open({}, [toy], new Map([[1, 'nosuch']])), UserError);
});
