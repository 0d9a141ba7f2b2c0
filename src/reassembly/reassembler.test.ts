/** Connections: handshakes, ends, reuse, mid-stream, one way, timers, eviction. All times are packet time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FLOW_END_NAMES, STREAM_IGNORE } from '../contracts/stream.ts';
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN } from '../contracts/view.ts';
import type { ReassemblyOptions } from './options.ts';
import { Reassembler } from './reassembler.ts';
import { Recorder, type SegmentSpec, segmentView } from './testing.ts';

const SECOND = 1_000_000;

class Rig {
  readonly reassembler: Reassembler;
  readonly recorder: Recorder;

  constructor(options: Partial<ReassemblyOptions> = {}) {
    this.reassembler = new Reassembler({ flowsMax: 64, pagesMax: 64, ...options });
    this.recorder = new Recorder(this.reassembler);
    this.reassembler.setReceiver(this.recorder);
  }

  push(...specs: readonly SegmentSpec[]): void {
    for (const spec of specs) this.reassembler.push(segmentView(spec));
  }

  /** Client side 0 with number 1000, server side 1 with number 5000. */
  handshake(atUs = 0, flow = 0): void {
    this.push(
      { from: 0, seq: 1000, flags: TCP_SYN, atUs, flow },
      { from: 1, seq: 5000, ack: 1001, flags: TCP_SYN | TCP_ACK, atUs, flow },
      { from: 0, seq: 1001, ack: 5001, atUs, flow },
    );
  }

  get calls(): string[] {
    return this.recorder.flows.flatMap((flow) => flow.calls);
  }

  get ends(): (string | undefined)[] {
    return this.recorder.flows.map((flow) => flow.end);
  }
}

test('a whole connection: bytes, sides, client, end', () => {
  const rig = new Rig();
  rig.handshake(5 * SECOND);
  rig.push({ from: 0, seq: 1001, ack: 5001, data: 'SELECT 1', atUs: 6 * SECOND });
  const { reassembler } = rig;
  const slot = rig.recorder.flows[0]?.slot ?? -1;
  assert.equal(reassembler.clientSide(slot), 0);
  assert.equal(reassembler.isMidstream(slot), false);
  assert.equal(reassembler.firstTsUs(slot), 5 * SECOND);
  assert.deepEqual([reassembler.address(slot, 0), reassembler.port(slot, 0)], ['10.0.0.1', 1024]);
  assert.deepEqual([reassembler.address(slot, 1), reassembler.port(slot, 1)], ['10.0.0.2', 5432]);
  rig.push(
    { from: 1, seq: 5001, ack: 1009, data: 'one', atUs: 6 * SECOND },
    { from: 0, seq: 1009, ack: 5004, flags: TCP_FIN | TCP_ACK, atUs: 7 * SECOND },
    { from: 1, seq: 5004, ack: 1010, flags: TCP_FIN | TCP_ACK, atUs: 7 * SECOND },
    { from: 0, seq: 1010, ack: 5005, atUs: 8 * SECOND },
  );
  assert.deepEqual(rig.calls, ['0+8', '1+3']);
  assert.deepEqual(rig.ends, ['fin']);
  assert.equal(rig.recorder.flows[0]?.endUs, 7 * SECOND);
});

test('data on the SYN, and its retransmission after the handshake, are one', () => {
  const rig = new Rig();
  rig.push(
    { from: 0, seq: 1000, flags: TCP_SYN, data: 'early' },
    { from: 1, seq: 5000, ack: 1001, flags: TCP_SYN | TCP_ACK },
    { from: 0, seq: 1001, ack: 5001, data: 'early and late' },
  );
  assert.equal(rig.recorder.text(0, 0), 'early and late');
});

test('keep-alives and zero-window probes bring nothing new', () => {
  const rig = new Rig();
  rig.handshake();
  rig.push(
    { from: 0, seq: 1001, ack: 5001, data: 'abc' },
    { from: 0, seq: 1003, ack: 5001, data: '\0' },
    { from: 0, seq: 1003, ack: 5001 },
    { from: 1, seq: 5001, ack: 1004 },
    { from: 0, seq: 1004, ack: 5001, data: 'd' },
    { from: 0, seq: 1004, ack: 5001, data: 'def' },
  );
  assert.equal(rig.recorder.text(0, 0), 'abcdef');
});

test('a keep-alive alone starts no flow, payload does', () => {
  const rig = new Rig();
  rig.push({ from: 0, seq: 10, ack: 20, data: '\0' }, { from: 1, seq: 20, ack: 11 });
  assert.equal(rig.reassembler.flows, 0);
  assert.equal(rig.reassembler.counters.strayPackets, 2);
  rig.push({ from: 0, seq: 11, ack: 20, flags: TCP_ACK | TCP_PSH, data: 'x' });
  const slot = rig.recorder.flows[0]?.slot ?? -1;
  assert.equal(rig.reassembler.isMidstream(slot), true);
  assert.equal(rig.reassembler.clientSide(slot), -1);
  rig.push({ from: 1, seq: 20, ack: 12, data: 'answer' });
  assert.deepEqual(rig.calls, ['0+1', '1+6']);
});

test('a SYN-ACK without its SYN still tells the client and both first bytes', () => {
  const rig = new Rig();
  rig.push(
    { from: 1, seq: 5000, ack: 1001, flags: TCP_SYN | TCP_ACK },
    { from: 0, seq: 1004, ack: 5001, data: 'def' },
    { from: 0, seq: 1001, ack: 5001, data: 'abc' },
  );
  assert.equal(rig.recorder.text(0, 0), 'abcdef');
  assert.equal(rig.reassembler.clientSide(rig.recorder.flows[0]?.slot ?? -1), 0);
  assert.equal(rig.reassembler.counters.midstreamFlows, 0);
});

test('simultaneous open', () => {
  const rig = new Rig();
  rig.push(
    { from: 0, seq: 1000, flags: TCP_SYN },
    { from: 1, seq: 5000, flags: TCP_SYN },
    { from: 0, seq: 1000, ack: 5001, flags: TCP_SYN | TCP_ACK },
    { from: 1, seq: 5000, ack: 1001, flags: TCP_SYN | TCP_ACK },
    { from: 1, seq: 5001, ack: 1001, data: 'hello' },
    { from: 0, seq: 1001, ack: 5006, data: 'world' },
  );
  assert.deepEqual(rig.calls, ['1+5', '0+5']);
});

test('one-way capture is delivered without waiting for the side that never shows', () => {
  const rig = new Rig();
  rig.push(
    { from: 0, seq: 1000, flags: TCP_SYN },
    { from: 0, seq: 1001, ack: 5001 },
    { from: 0, seq: 1001, ack: 5001, data: 'first' },
    { from: 0, seq: 1006, ack: 5101, data: 'second' },
  );
  assert.equal(rig.recorder.text(0, 0), 'firstsecond');
  rig.reassembler.flush(0);
  assert.equal(rig.reassembler.counters.oneWayFlows, 1);
  assert.deepEqual(rig.recorder.flows[0]?.lost, [0, 0]);
});

test('RST: in the window it ends the flow, elsewhere it is ignored', () => {
  for (const [seq, ends] of [
    [1004, true],
    [1001, false],
    [1004 + 70_000, false],
    [0x40000000, false],
  ] as const) {
    const rig = new Rig();
    rig.handshake();
    rig.push(
      { from: 0, seq: 1001, ack: 5001, data: 'abc' },
      { from: 1, seq: 5001, ack: 1004 },
      { from: 0, seq, flags: TCP_RST },
    );
    assert.deepEqual(rig.ends, [ends ? 'rst' : undefined], `RST at ${seq}`);
    assert.equal(rig.reassembler.counters.resetsIgnored, ends ? 0 : 1);
  }
});

test('a refused connection ends with the RST that acknowledges its SYN', () => {
  const rig = new Rig();
  rig.push({ from: 0, seq: 1000, flags: TCP_SYN }, { from: 1, seq: 0, ack: 777, flags: TCP_RST | TCP_ACK });
  assert.equal(rig.reassembler.counters.resetsIgnored, 1);
  rig.push({ from: 1, seq: 0, ack: 1001, flags: TCP_RST | TCP_ACK });
  assert.equal(rig.reassembler.counters.endedRst, 1);
  assert.deepEqual(rig.recorder.flows, []);
});

test('late packets of an ended flow start no new one', () => {
  const rig = new Rig();
  rig.handshake();
  rig.push(
    { from: 0, seq: 1001, ack: 5001, data: 'abc' },
    { from: 0, seq: 1004, ack: 5001, flags: TCP_RST },
    { from: 0, seq: 1001, ack: 5001, data: 'abc' },
    { from: 1, seq: 5001, ack: 1004, data: 'too late' },
    { from: 0, seq: 1000, flags: TCP_SYN },
  );
  assert.deepEqual(rig.calls, ['0+3']);
  assert.equal(rig.reassembler.counters.ignoredPackets, 3);
});

test('a port used again after its end is a new flow, known by its new SYN', () => {
  const rig = new Rig();
  rig.handshake();
  rig.push(
    { from: 0, seq: 1001, ack: 5001, data: 'old' },
    { from: 1, seq: 5001, ack: 1004, flags: TCP_RST },
    { from: 0, seq: 90_000, flags: TCP_SYN, atUs: SECOND },
    { from: 1, seq: 70_000, ack: 90_001, flags: TCP_SYN | TCP_ACK, atUs: SECOND },
    { from: 0, seq: 90_001, ack: 70_001, data: 'new', atUs: SECOND },
  );
  rig.reassembler.flush(0);
  assert.deepEqual([rig.recorder.text(0, 0), rig.recorder.text(1, 0)], ['old', 'new']);
  assert.deepEqual(rig.ends, ['rst', 'source']);
});

test('a SYN inside a living flow counts once it is answered, or continued', () => {
  for (const proof of [
    { from: 1, seq: 70_000, ack: 90_001, flags: TCP_SYN | TCP_ACK },
    { from: 0, seq: 90_001, ack: 70_001, flags: TCP_ACK },
  ] as const) {
    const rig = new Rig();
    rig.handshake();
    rig.push(
      { from: 0, seq: 1001, ack: 5001, data: 'old' },
      { from: 0, seq: 90_000, flags: TCP_SYN },
      { from: 1, seq: 5001, ack: 1004, data: 'still alive' },
      proof,
      { from: 0, seq: 90_001, ack: 70_001, data: 'new' },
    );
    rig.reassembler.flush(0);
    assert.deepEqual(rig.ends, ['reused', 'source']);
    assert.deepEqual([rig.recorder.text(0, 1), rig.recorder.text(1, 0)], ['still alive', 'new']);
  }
});

test('a forged SYN changes nothing', () => {
  const rig = new Rig();
  rig.handshake();
  rig.push(
    { from: 0, seq: 90_000, flags: TCP_SYN },
    { from: 1, seq: 70_000, ack: 4242, flags: TCP_SYN | TCP_ACK },
    { from: 0, seq: 1001, ack: 5001, data: 'abc' },
  );
  assert.deepEqual(rig.calls, ['0+3']);
  assert.equal(rig.reassembler.counters.flows, 1);
});

test('a forged FIN out of the window neither lets a SYN take over nor shortens the idle time', () => {
  const rig = new Rig();
  rig.handshake();
  rig.push(
    { from: 0, seq: 1001, ack: 5001, data: 'before' },
    { from: 0, seq: 1001 + 2 ** 30, ack: 5001, flags: TCP_FIN | TCP_ACK },
    { from: 0, seq: 77, flags: TCP_SYN },
    { from: 0, seq: 1007, ack: 5001, data: 'after', atUs: 600 * SECOND },
  );
  rig.reassembler.flush(0);
  assert.deepEqual(rig.calls, ['0+6', '0+5']);
  assert.deepEqual(rig.ends, ['source']);
});

test('idle timeouts: half open, established, closing, ended', () => {
  const cases: readonly (readonly [string, number, (rig: Rig) => void])[] = [
    ['half open', 30, (rig) => rig.push({ from: 0, seq: 1, flags: TCP_SYN, data: 'x' })],
    ['one way', 300, (rig) => rig.push({ from: 0, seq: 1, ack: 1, data: 'xyz' })],
    [
      'established',
      10_800,
      (rig) => {
        rig.handshake();
        rig.push({ from: 0, seq: 1001, ack: 5001, data: 'x' });
      },
    ],
    [
      'closing',
      120,
      (rig) => {
        rig.handshake();
        rig.push({ from: 0, seq: 1001, ack: 5001, data: 'x', flags: TCP_FIN | TCP_ACK });
      },
    ],
  ];
  for (const [name, seconds, open] of cases) {
    const rig = new Rig();
    open(rig);
    rig.reassembler.advance(seconds * SECOND - 1);
    assert.deepEqual(rig.ends, [undefined], name);
    rig.reassembler.advance((seconds + 1) * SECOND);
    assert.deepEqual(rig.ends, ['timeout'], name);
    assert.equal(rig.recorder.flows[0]?.endUs, seconds * SECOND, name);
    assert.equal(rig.reassembler.flows, 0, name);
  }
});

test('a packet after the idle timeout belongs to a new flow, whether or not a timer ran', () => {
  const rig = new Rig({ oneWayUs: 10 * SECOND });
  rig.push(
    { from: 0, seq: 1, ack: 1, data: 'abc' },
    { from: 0, seq: 4, ack: 1, data: 'def', atUs: 10 * SECOND - 1 },
    { from: 0, seq: 7, ack: 1, data: 'ghi', atUs: 20 * SECOND - 1 },
  );
  assert.deepEqual([rig.recorder.text(0, 0), rig.recorder.text(1, 0)], ['abcdef', 'ghi']);
});

test('packet time that falls back, as at the start of an older file, ends nothing', () => {
  const rig = new Rig();
  rig.handshake(1_700_000_000 * SECOND);
  rig.push(
    { from: 0, seq: 1001, ack: 5001, data: 'abc', atUs: 1_600_000_000 * SECOND },
    { from: 1, seq: 5001, ack: 1004, data: 'def', atUs: 1_600_000_001 * SECOND },
  );
  assert.deepEqual(rig.calls, ['0+3', '1+3']);
  rig.reassembler.flush(1_600_000_002 * SECOND);
  assert.equal(rig.recorder.flows[0]?.endUs, 1_600_000_002 * SECOND);
});

test('a flood of SYNs evicts half-open flows only', () => {
  const rig = new Rig({ flowsMax: 1000 });
  rig.handshake(SECOND);
  rig.push({ from: 0, seq: 1001, ack: 5001, data: 'abc', atUs: SECOND });
  for (let flow = 1; flow <= 200_000; flow++) {
    rig.push({ from: 0, seq: flow, flags: TCP_SYN, atUs: SECOND + flow, flow });
  }
  rig.push({ from: 1, seq: 5001, ack: 1004, data: 'def', atUs: 2 * SECOND });
  assert.deepEqual(rig.calls, ['0+3', '1+3']);
  assert.equal(rig.reassembler.flows, 1000);
  assert.equal(rig.reassembler.counters.endedEvicted, 200_001 - 1000);
  assert.equal(rig.reassembler.counters.evictedConnections, 0);
  assert.equal(rig.reassembler.pagesHeld, 0);
});

test('a full table gives up the flow that was idle longest', () => {
  const rig = new Rig({ flowsMax: 4 });
  for (let flow = 0; flow < 4; flow++) {
    rig.handshake(flow * 10 * SECOND, flow);
    rig.push({ from: 0, seq: 1001, ack: 5001, data: 'abc', atUs: flow * 10 * SECOND, flow });
  }
  rig.push({ from: 1, seq: 5001, ack: 1004, data: 'def', atUs: 100 * SECOND, flow: 0 });
  rig.handshake(101 * SECOND, 9);
  assert.deepEqual(rig.ends, [undefined, 'evicted', undefined, undefined]);
  assert.equal(rig.reassembler.counters.evictedConnections, 1);
});

test('a half-open flow with data on its SYN is a connection to the one that counts losses', () => {
  const rig = new Rig({ flowsMax: 1 });
  rig.push({ from: 0, seq: 1000, flags: TCP_SYN, data: 'abc' }, { from: 0, seq: 1000, flags: TCP_SYN, flow: 2 });
  assert.deepEqual(rig.calls, ['0+3']);
  rig.push({ from: 0, seq: 1000, flags: TCP_SYN, flow: 3 });
  const { endedEvicted, evictedConnections } = rig.reassembler.counters;
  assert.deepEqual([endedEvicted, evictedConnections], [2, 1]);
});

test('an ignored flow hands out nothing, holds nothing, and still ends', () => {
  const rig = new Rig();
  rig.handshake();
  rig.recorder.wish = STREAM_IGNORE;
  rig.push(
    { from: 0, seq: 1001, ack: 5001, data: 'abc' },
    { from: 0, seq: 1010, ack: 5001, data: 'beyond a hole' },
    { from: 1, seq: 5001, ack: 1023, data: 'def' },
    { from: 0, seq: 1023, ack: 5004, flags: TCP_FIN | TCP_ACK },
    { from: 1, seq: 5004, ack: 1024, flags: TCP_FIN | TCP_ACK },
  );
  assert.deepEqual(rig.calls, ['0+3']);
  assert.equal(rig.reassembler.pagesHeld, 0);
  assert.equal(rig.reassembler.counters.ignoredBytes, 16);
  assert.deepEqual(rig.ends, ['fin']);
});

test('flags that no TCP sends are counted and change nothing', () => {
  const rig = new Rig();
  rig.handshake();
  for (const flags of [0, TCP_PSH, TCP_FIN, TCP_SYN | TCP_FIN, TCP_SYN | TCP_RST]) {
    rig.push({ from: 0, seq: 1001, ack: 5001, flags, data: 'forged' });
  }
  rig.push({ from: 0, seq: 1001, ack: 5001, data: 'true' });
  assert.equal(rig.recorder.text(0, 0), 'true');
  assert.equal(rig.reassembler.counters.badFlags, 5);
});

/** Numbers of flows this far apart are between other addresses. */
const PAIR = 60_000;

test('flows between one pair of addresses stay in one shard', () => {
  const rigs = [0, 1].map((shardIndex) => new Rig({ flowsMax: 256, shardIndex, shardCount: 2 }));
  for (let flow = 0; flow < 20; flow++) {
    for (const rig of rigs) rig.push({ from: 0, seq: 1001, ack: 5001, data: 'ab', flow });
  }
  assert.deepEqual(rigs.map((rig) => rig.recorder.flows.length).sort(), [0, 20]);
});

test('shards share out the pairs of addresses, both directions together', () => {
  const rigs = [0, 1, 2].map((shardIndex) => new Rig({ flowsMax: 256, shardIndex, shardCount: 3 }));
  for (let flow = 0; flow < 200 * PAIR; flow += PAIR) {
    for (const rig of rigs) {
      rig.handshake(0, flow);
      rig.push({ from: 0, seq: 1001, ack: 5001, data: 'a', flow }, { from: 1, seq: 5001, ack: 1002, data: 'b', flow });
    }
  }
  const flows = rigs.map((rig) => rig.recorder.flows.length);
  assert.equal(
    flows.reduce((sum, count) => sum + count),
    200,
  );
  assert.ok(Math.min(...flows) > 40, `uneven: ${flows}`);
  for (const rig of rigs) for (const flow of rig.recorder.flows) assert.deepEqual(flow.calls, ['0+1', '1+1']);
});

test('every end is counted under its name', () => {
  const { counters } = new Reassembler({ flowsMax: 1, pagesMax: 1 });
  for (const name of FLOW_END_NAMES) {
    const key = `ended${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
    assert.equal(counters[key], 0, key);
  }
});
