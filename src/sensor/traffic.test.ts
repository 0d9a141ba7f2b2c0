import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Heartbeat } from '../contracts/traffic.ts';
import { HeartbeatSum } from './traffic.ts';

function beat(fromUs: number, packets: number, connections: number): Heartbeat {
  return {
    fromUs,
    toUs: fromUs + 1000,
    packets,
    bytes: packets * 100,
    payloadBytes: [0, connections, 0, 0],
    gapBytes: 0,
    unparsedBytes: 0,
    cutPackets: 0,
    cutBytes: 0,
    cutFiles: 0,
    kernelDrops: 0,
    ringFreezes: 0,
    evictedFlows: 0,
    connections,
    cutSessions: 0,
    clockJumps: 0,
    activeFlows: connections,
    droppedRecords: 0,
  };
}

test('heartbeats of shards are added one by one, though captures of the same time were replayed', () => {
  const written: Heartbeat[] = [];
  const sum = new HeartbeatSum(2, (each) => written.push(each));
  // The second capture begins when the first did, and one shard is through with both before the other begins.
  sum.add(0, beat(5, 10, 1));
  sum.add(0, beat(5, 20, 2));
  assert.equal(written.length, 0);
  sum.add(1, beat(5, 10, 4));
  sum.add(1, beat(5, 20, 8));
  assert.deepEqual(
    written.map(({ packets, connections, payloadBytes }) => [packets, connections, payloadBytes[1]]),
    [
      [10, 5, 5],
      [20, 10, 10],
    ],
  );
});
