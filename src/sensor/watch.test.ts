import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { emptyStats } from '../capture/batch.ts';
import { TestNet } from '../capture/live/net-test-support.ts';
import { openRing } from '../capture/live/ring.ts';
import { Conversation, SyntheticSource } from '../capture/synthetic.ts';
import type { PacketSource } from '../contracts/packet.ts';
import type { Heartbeat } from '../contracts/traffic.ts';
import { coverageOf, isComplete } from '../traffic/coverage.ts';
import { TrafficLog } from '../traffic/log.ts';
import { TrafficReader } from '../traffic/reader.ts';
import { ClockWatch } from './clock-watch.ts';
import type { PipelineCounters } from './pipeline.ts';
import { Watch, type WatchTotals } from './watch.ts';

const MINUTE_US = 60e6;
const NOTHING = { decode: {}, reassembly: {}, protocols: {}, traffic: undefined, evidence: undefined };

function totalsOf(source: PacketSource): () => WatchTotals {
  const counters = { ...NOTHING, audit: { dropped: 0 } } as unknown as PipelineCounters;
  return () => ({ stats: { ...source.stats() }, counters, clockJumps: 0 });
}

function span(beats: readonly Heartbeat[]): (readonly [number, number, number])[] {
  return beats.map(({ fromUs, toUs, packets }) => [fromUs, toUs, packets] as const);
}

test('a live watch beats at every minute, without packets too, and to the end', () => {
  const beats: Heartbeat[] = [];
  const watch = new Watch((beat) => beats.push(beat), totalsOf(new SyntheticSource([])));
  for (const us of [10, MINUTE_US - 1, MINUTE_US + 5, 3 * MINUTE_US, 3 * MINUTE_US + 7]) watch.tick(us);
  watch.close();
  assert.deepEqual(span(beats), [
    [10, MINUTE_US + 5, 0],
    [MINUTE_US + 5, 3 * MINUTE_US, 0],
    [3 * MINUTE_US, 3 * MINUTE_US + 8, 0],
  ]);
});

/** Heartbeats of a replay of two captures, one from second 1, one later: in two files, or in one. */
function replayed(laterFile: number, laterSeconds: bigint): Heartbeat[] {
  const early = new Conversation({ startNs: 1_000_000_000n }).open().close();
  const late = new Conversation({ startNs: laterSeconds * 1_000_000_000n }).open().close();
  const later = late.packets.map((packet) => ({ ...packet, interfaceIndex: laterFile }));
  const source = new SyntheticSource([...early.packets, ...later], {
    batchPacketsMax: early.packets.length,
    interfaces: ['early.pcap', 'late.pcap'],
  });
  const beats: Heartbeat[] = [];
  const watch = new Watch((beat) => beats.push(beat), totalsOf(source));
  while (!source.ended) {
    const batch = source.poll(0);
    if (batch === undefined) break;
    watch.begin(batch);
    watch.end(batch);
    source.release(batch);
  }
  watch.close();
  return beats;
}

test('a capture file was watched from its first packet to its last, silent as it may be', () => {
  const spans = (seconds: bigint): number[][] => span(replayed(0, seconds)).map(([fromUs, toUs]) => [fromUs, toUs]);
  assert.deepEqual(spans(7200n), [[1e6, 7200e6 + 501]]);
  // That is no silence but a clock that was set.
  assert.deepEqual(spans(100_000n), [
    [1e6, 1e6 + 501],
    [100_000e6, 100_000e6 + 501],
  ]);
});

test('a replay beats by the time of its packets; a pause between captures is a hole', () => {
  const beats = replayed(1, 7200n);
  assert.deepEqual(
    span(beats).map(([fromUs, toUs]) => [fromUs, toUs]),
    [
      [1e6, 1e6 + 501],
      [7200e6, 7200e6 + 501],
    ],
  );
  const sensors = coverageOf(
    beats.map((beat) => ({ ...beat, sensor: 's' })),
    { fromUs: 1e6, toUs: 7200e6 + 501 },
  );
  assert.deepEqual(sensors[0]?.holes, [{ fromUs: 1e6 + 501, toUs: 7200e6 }]);
  assert.equal(sensors[0].watchedUs, 1002);
  assert.equal(isComplete(sensors[0]), false);
});

test('what a file tells at its end belongs to its last heartbeat, and packets to the file that has them', () => {
  const packets = new Conversation({ startNs: 90_000_000_000n, stepNs: 40_000_000_000n }).open().close().packets;
  const stats = { ...emptyStats() };
  const counters = { ...NOTHING, audit: { dropped: 0 } } as unknown as PipelineCounters;
  const beats: Heartbeat[] = [];
  const watch = new Watch(
    (beat) => beats.push(beat),
    () => ({ stats: { ...stats }, counters, clockJumps: 0 }),
  );
  const read = (from: number, to: number, file: number): void => {
    const laterNs = BigInt(file) * 7_200_000_000_000n;
    const some = packets
      .slice(from, to)
      .map(({ bytes, tsNs }) => ({ bytes, tsNs: tsNs + laterNs, interfaceIndex: file }));
    const batch = new SyntheticSource(some).poll(0);
    assert.ok(batch !== undefined);
    stats.packets += batch.count;
    watch.begin(batch);
    watch.end(batch);
  };
  read(0, 2, 0);
  read(2, 3, 0);
  stats.drops = 5;
  stats.truncatedInputs = 1;
  read(3, 6, 1);
  stats.drops = 6;
  watch.close();
  assert.deepEqual(
    beats.map(({ packets, kernelDrops, cutFiles }) => [packets, kernelDrops, cutFiles]),
    [
      [2, 0, 0],
      [1, 5, 1],
      [3, 1, 0],
    ],
  );
});

test('a capture of the first bytes of each packet, or one that is cut off, is not complete', () => {
  const { packets } = new Conversation().open().toServer('select 1').close();
  const short = packets.map(({ bytes, tsNs }) => ({ bytes: bytes.subarray(0, 54), tsNs, wireBytes: bytes.length }));
  const source = new SyntheticSource(short);
  const beats: Heartbeat[] = [];
  const watch = new Watch((beat) => beats.push(beat), totalsOf(source));
  const batch = source.poll(0);
  assert.ok(batch !== undefined);
  watch.begin(batch);
  watch.end(batch);
  watch.close();
  const [beat] = beats;
  assert.ok(beat !== undefined);
  assert.deepEqual([beat.cutPackets, beat.cutBytes, beat.cutFiles], [1, 8, 0]);
  for (const each of [beat, { ...beat, cutPackets: 0, cutFiles: 1 }]) {
    const [coverage] = coverageOf([{ ...each, sensor: 's' }], beat);
    assert.equal(coverage !== undefined && isComplete(coverage), false);
  }
});

test('a clock that is set counts, one that drifts does not', () => {
  let steadyMs = 0;
  const clock = new ClockWatch(() => steadyMs);
  for (const nowMs of [1000, 2001, 3001, 9000, 10_000, 4000, 5000]) {
    clock.look(nowMs);
    steadyMs += 1000;
  }
  assert.equal(clock.jumps, 2);
});

test('after forced drops, coverage agrees with the sender to the packet', (t) => {
  const net = TestNet.create(t);
  if (net === undefined) return;
  net.addPair('out0', 'in0');
  const store = mkdtempSync(join(tmpdir(), 'wiretrail-watch-'));
  t.after(() => rmSync(store, { recursive: true, force: true }));
  // Two small blocks, and nobody reads them until all is sent.
  const source = openRing({ interfaces: ['in0'], blockBytes: 16 * 1024, blockCount: 2, retireMs: 2 });
  t.after(() => source.close());
  const log = new TrafficLog(store, { sensor: 'lossy' });
  const watch = new Watch((beat) => log.heartbeat(beat), totalsOf(source));
  const startUs = Date.now() * 1000;
  watch.tick(startUs);
  const { packets } = new Conversation({ mssBytes: 1400 })
    .open()
    .toServer('select 1')
    .toClient(new Uint8Array(1_000_000))
    .close();
  const sent = net.send('out0', packets);
  for (let quiet = 0; quiet < 5; quiet++) {
    for (let batch = source.poll(20); batch !== undefined; batch = source.poll(20)) {
      source.release(batch);
      quiet = 0;
    }
  }
  source.close();
  watch.tick(Date.now() * 1000);
  watch.close();
  log.close();
  const reader = new TrafficReader(store);
  t.after(() => reader.close());
  const asked = { fromUs: startUs, toUs: Date.now() * 1000 };
  const [coverage] = coverageOf(reader.heartbeats(asked), asked);
  assert.ok(coverage !== undefined && coverage.kernelDrops > 0);
  assert.equal(coverage.packets + coverage.kernelDrops, sent);
  assert.ok(coverage.ringFreezes > 0);
  assert.equal(isComplete(coverage), false);
});
