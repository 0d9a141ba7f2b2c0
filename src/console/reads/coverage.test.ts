import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watchStatement } from './coverage.ts';

test('a sentence of a sensor says what it lacks, and nothing of what it does not lack', () => {
  const watched = { sensor: 'edge', share: 1, kernelDrops: 0, cutPackets: 0, undecodedPackets: 0 };
  assert.equal(watchStatement(watched), 'Sensor edge watched all of this time.');
  assert.equal(
    watchStatement({ ...watched, share: 0.5, kernelDrops: 2, cutPackets: 1000, undecodedPackets: 1 }),
    'Sensor edge watched 50.0 % of this time, got 1,000 packets cut short, could not read 1 packet, lost 2 packets in its queue.',
  );
});
