import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { LINK_ETHERNET, VLAN_PRESENT, VLAN_SERVICE } from '../../contracts/packet.ts';
import { InputError } from '../batch.ts';
import { ETHERTYPE_SERVICE_VLAN, ETHERTYPE_VLAN, tcpFrame } from '../frames.ts';
import { Conversation, type SyntheticPacket } from '../synthetic.ts';
import { packetsOf, type SeenPacket } from '../test-support.ts';
import { WAIT_WOKEN } from './addon.ts';
import { TestNet } from './net-test-support.ts';
import { openRing, type RingOptions, type RingSource } from './ring.ts';

const SMALL = { blockBytes: 64 * 1024, blockCount: 16, retireMs: 2 };

function open(t: TestContext, options: RingOptions): RingSource {
  const source = openRing(options);
  t.after(() => source.close());
  return source;
}

interface Read {
  readonly packets: SeenPacket[];
  readonly lost: number;
}

/** Reads until nothing came for a while. */
function readAll(source: RingSource): Read {
  const packets: SeenPacket[] = [];
  let lost = 0;
  for (let quiet = 0; quiet < 5; quiet++) {
    for (let batch = source.poll(20); batch !== undefined; batch = source.poll(20)) {
      lost += batch.lostBefore;
      packets.push(...packetsOf(batch));
      source.release(batch);
      quiet = 0;
    }
  }
  return { packets, lost };
}

function hexOf(packets: readonly { readonly bytes: Uint8Array }[]): string[] {
  return packets.map((packet) => Buffer.from(packet.bytes).toString('hex'));
}

function conversation(bytes = 20_000): SyntheticPacket[] {
  return new Conversation({ mssBytes: 1400 }).open().toServer('select 1').toClient(new Uint8Array(bytes)).close()
    .packets;
}

test('frames arrive as they were sent, with nanosecond times, in order', (t) => {
  const net = TestNet.create(t);
  if (net === undefined) return;
  net.addPair('out0', 'in0');
  const source = open(t, { interfaces: ['in0'], ...SMALL });
  const frames = conversation();
  const beforeNs = net.addon.realtimeNs();
  assert.equal(net.send('out0', frames), frames.length);
  const { packets, lost } = readAll(source);
  const afterNs = net.addon.realtimeNs();
  assert.deepEqual(
    packets.map((packet) => packet.hex),
    hexOf(frames),
  );
  assert.equal(lost, 0);
  for (const [index, packet] of packets.entries()) {
    const previousNs = packets[index - 1]?.tsNs ?? beforeNs;
    assert.ok(packet.tsNs >= previousNs && packet.tsNs <= afterNs, `time of packet ${index}`);
    assert.equal(packet.link, LINK_ETHERNET);
    assert.equal(packet.vlan, 0);
  }
  assert.ok(
    packets.some((packet) => packet.tsNs % 1000n !== 0n),
    'times are finer than microseconds',
  );
  const stats = source.stats();
  assert.equal(stats.packets, frames.length);
  assert.equal(
    stats.bytes,
    frames.reduce((sum, frame) => sum + frame.bytes.length, 0),
  );
});

test('the outer VLAN tag is taken from the header, an inner one stays in the frame', (t) => {
  const net = TestNet.create(t);
  if (net === undefined) return;
  net.addPair('out0', 'in0');
  const source = open(t, { interfaces: ['in0'], ...SMALL });
  const from = { address: '10.0.0.1', port: 1 };
  const to = { address: '10.0.0.2', port: 2 };
  const frame = (vlans: (number | { tci: number; etherType: number })[]) => ({
    bytes: tcpFrame(from, to, { seq: 1, flags: 2 }, new Uint8Array(20), { vlans }),
  });
  const service = { tci: 0x6123, etherType: ETHERTYPE_SERVICE_VLAN };
  net.send('out0', [frame([]), frame([0xe064]), frame([service]), frame([service, 7])]);
  const { packets } = readAll(source);
  assert.deepEqual(
    packets.map((packet) => packet.vlan),
    [0, VLAN_PRESENT | 0xe064, VLAN_PRESENT | VLAN_SERVICE | 0x6123, VLAN_PRESENT | VLAN_SERVICE | 0x6123],
  );
  const untagged = Buffer.from(frame([]).bytes).toString('hex');
  assert.equal(packets[2]?.hex, untagged);
  assert.equal(packets[3]?.hex.slice(24, 32), `${ETHERTYPE_VLAN.toString(16)}0007`);
});

test('a reader that stalls: delivered and dropped frames add up to those sent, and losses stand at their place', (t) => {
  const net = TestNet.create(t);
  if (net === undefined) return;
  net.addPair('out0', 'in0');
  const source = open(t, { interfaces: ['in0'], blockBytes: 16 * 1024, blockCount: 2, retireMs: 2 });
  const frames = conversation(1_000_000);
  net.send('out0', frames);
  const stalled = readAll(source);
  net.send('out0', frames.slice(0, 3));
  const after = readAll(source);
  const { drops } = source.stats();
  assert.ok(drops > 100, `${drops} drops`);
  assert.equal(stalled.packets.length + after.packets.length + drops, frames.length + 3);
  assert.equal(stalled.lost + after.lost, drops);
  assert.deepEqual(
    after.packets.map((packet) => packet.hex),
    hexOf(frames.slice(0, 3)),
  );
});

test('two interfaces are one source', (t) => {
  const net = TestNet.create(t);
  if (net === undefined) return;
  net.addPair('out0', 'in0');
  net.addPair('out1', 'in1');
  const source = open(t, { interfaces: ['in0', 'in1'], ...SMALL });
  const frames = conversation();
  net.send('out0', frames.slice(0, 4));
  net.send('out1', frames.slice(0, 9));
  const { packets } = readAll(source);
  assert.deepEqual(
    hexOf(frames.slice(0, 4)),
    packets.filter((packet) => packet.interfaceIndex === 0).map((packet) => packet.hex),
  );
  assert.equal(packets.filter((packet) => packet.interfaceIndex === 1).length, 9);
});

test('a filter at opening, and another one later', (t) => {
  const net = TestNet.create(t);
  if (net === undefined) return;
  net.addPair('out0', 'in0');
  // BPF: accept frames of at least 1000 bytes; accept nothing.
  const longFrames = bpf([0x80, 0, 0, 0], [0x35, 0, 1, 1000], [0x06, 0, 0, 0xffffffff], [0x06, 0, 0, 0]);
  const source = open(t, { interfaces: ['in0'], filter: longFrames, ...SMALL });
  const frames = conversation();
  const long = frames.filter((frame) => frame.bytes.length >= 1000).length;
  net.send('out0', frames);
  assert.equal(readAll(source).packets.length, long);
  source.setFilter(bpf([0x06, 0, 0, 0]));
  net.send('out0', frames);
  assert.equal(readAll(source).packets.length, 0);
  source.setFilter(new Uint8Array(0));
  net.send('out0', frames);
  assert.equal(readAll(source).packets.length, frames.length);
  assert.throws(() => source.setFilter(bpf([0xffff, 0, 0, 0])), InputError);
});

function bpf(...instructions: [code: number, whenTrue: number, whenFalse: number, operand: number][]): Uint8Array {
  const program = Buffer.alloc(instructions.length * 8);
  for (const [index, [code, whenTrue, whenFalse, operand]] of instructions.entries()) {
    program.writeUInt16LE(code, index * 8);
    program.writeUInt8(whenTrue, index * 8 + 2);
    program.writeUInt8(whenFalse, index * 8 + 3);
    program.writeUInt32LE(operand, index * 8 + 4);
  }
  return program;
}

test('an interface that is removed and comes back is captured again', (t) => {
  const net = TestNet.create(t);
  if (net === undefined) return;
  net.addPair('out0', 'in0');
  const source = open(t, { interfaces: ['in0'], linkCheckMs: 1, fanout: { group: 7 }, ...SMALL });
  const frames = conversation();
  assert.equal(source.links()[0]?.up, true);
  net.send('out0', frames.slice(0, 2));
  net.deleteLink('out0');
  assert.equal(readAll(source).packets.length, 2, 'what came before is read');
  const [gone] = source.links();
  assert.equal(gone?.up, false);
  assert.equal(gone?.removals, 1, 'told before it is back, if it ever is');
  assert.match(gone?.problem ?? '', /^in0: no such interface/);
  assert.equal(net.packetSockets(), 0);
  net.addPair('out0', 'in0');
  readAll(source);
  net.send('out0', frames.slice(0, 5));
  assert.equal(readAll(source).packets.length, 5);
  assert.deepEqual(source.links(), [{ name: 'in0', up: true, problem: undefined, drops: 0, freezes: 0, removals: 1 }]);
});

test('a link that goes down and up again needs no new ring', (t) => {
  const net = TestNet.create(t);
  if (net === undefined) return;
  net.addPair('out0', 'in0');
  const source = open(t, { interfaces: ['in0'], linkCheckMs: 1, ...SMALL });
  net.setLink('in0', 'down');
  readAll(source);
  assert.equal(source.links()[0]?.up, false);
  net.setLink('in0', 'up');
  net.send('out0', conversation().slice(0, 4));
  assert.equal(readAll(source).packets.length, 4);
  assert.deepEqual(source.links(), [{ name: 'in0', up: true, problem: undefined, drops: 0, freezes: 0, removals: 0 }]);
});

test('a stop: what was received before it can be read to the end, nothing after it is received', (t) => {
  const net = TestNet.create(t);
  if (net === undefined) return;
  net.addPair('out0', 'in0');
  const source = open(t, { interfaces: ['in0'], ...SMALL });
  const frames = conversation();
  const sent = net.send('out0', frames);
  source.refuse();
  net.send('out0', frames);
  assert.equal(readAll(source).packets.length, sent);
  source.close();
  assert.deepEqual([source.stats().packets, source.stats().drops], [sent, 0]);
});

test('what was received and never read counts as lost', (t) => {
  const net = TestNet.create(t);
  if (net === undefined) return;
  net.addPair('out0', 'in0');
  const source = open(t, { interfaces: ['in0'], ...SMALL });
  const sent = net.send('out0', conversation());
  source.close();
  assert.deepEqual([source.stats().packets, source.stats().drops], [0, sent]);
  assert.equal(source.links()[0]?.drops, sent);
});

test('close while views are alive: they get length 0, and the kernel lets go of the socket', (t) => {
  const net = TestNet.create(t);
  if (net === undefined) return;
  net.addPair('out0', 'in0');
  const source = openRing({ interfaces: ['in0'], ...SMALL });
  assert.equal(net.packetSockets(), 1);
  net.send('out0', conversation().slice(0, 3));
  const batch = source.poll(200);
  assert.ok(batch !== undefined && batch.bytes.length === SMALL.blockBytes * SMALL.blockCount);
  const view = batch.bytes.subarray(0, 100);
  source.close();
  source.release(batch);
  source.close();
  assert.equal(view.length, 0);
  assert.equal(batch.bytes.length, 0);
  assert.equal(net.packetSockets(), 0);
  assert.equal(source.poll(0), undefined);
  assert.equal(source.ended, true);
});

test('a write to the wake descriptor ends a wait, once', (t) => {
  const net = TestNet.create(t);
  if (net === undefined) return;
  net.addPair('out0', 'in0');
  const source = open(t, { interfaces: ['in0'], ...SMALL });
  const one = new BigUint64Array([1n]);
  writeSync(source.wakeFd, one);
  writeSync(source.wakeFd, one);
  assert.equal(net.addon.waitAny([], source.wakeFd, 10_000), WAIT_WOKEN);
  assert.equal(net.addon.waitAny([], source.wakeFd, 0), 0);
  writeSync(source.wakeFd, one);
  assert.equal(source.poll(10_000), undefined);
  assert.equal(net.addon.waitAny([], source.wakeFd, 0), 0, 'the poll took it');
});

test('a worker that is terminated while it waits leaves nothing behind', async (t) => {
  const net = TestNet.create(t);
  if (net === undefined) return;
  net.addPair('out0', 'in0');
  const script = `
    import { parentPort } from 'node:worker_threads';
    import { loadAddon } from ${JSON.stringify(new URL('./addon.js', import.meta.url).href)};
    import { openRing } from ${JSON.stringify(new URL('./ring.js', import.meta.url).href)};
    loadAddon().setNetns('/run/netns/${net.name}');
    const source = openRing({ interfaces: ['in0'] });
    parentPort.postMessage('open');
    for (;;) source.poll(250);`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`));
  await once(worker, 'message');
  assert.equal(net.packetSockets(), 1);
  await worker.terminate();
  assert.equal(net.packetSockets(), 0);
});

test('what cannot be captured is one line', (t) => {
  const refused = (options: RingOptions, message: RegExp) =>
    assert.throws(
      () => openRing(options),
      (error) => error instanceof InputError && message.test(error.message) && !error.message.includes('\n'),
    );
  refused({ interfaces: [] }, /no interface/);
  refused({ interfaces: ['a', 'a'] }, /twice/);
  refused({ interfaces: ['a'], blockBytes: 100_000 }, /not a multiple/);
  refused({ interfaces: ['a'], blockCount: 1 }, /block count 1 /);
  refused({ interfaces: ['a'], retireMs: 0 }, /retire time 0 /);
  refused({ interfaces: ['a'], blockBytes: 2 ** 25, blockCount: 1000 }, /ring size/);
  refused({ interfaces: ['a'], fanout: { group: 70_000 } }, /fanout group/);
  const net = TestNet.create(t);
  if (net === undefined) return;
  refused({ interfaces: ['none'] }, /^none: no such interface \(there are: /);
  refused({ interfaces: ['a-name-that-is-too-long'] }, /no such interface/);
  // 128 GiB altogether.
  const many = Array.from({ length: 64 }, (_, i) => `in${i}`);
  refused({ interfaces: many, blockBytes: 2 ** 20, blockCount: 2047 }, /more than a quarter of the free memory/);
  const addon = net.addon;
  assert.throws(() => Reflect.construct(addon.Ring, [{}]), TypeError);
});
