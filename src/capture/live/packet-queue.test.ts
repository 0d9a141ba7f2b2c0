import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { packetsOf, type SeenPacket } from '../test-support.ts';
import { newQueueMemory, PacketQueueReader, PacketQueueWriter } from './packet-queue.ts';

function packet(size: number, number: number): Uint8Array {
  return new Uint8Array(size).fill(number & 0xff);
}

test('what was added comes out in order, or was counted as dropped just before what came next', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 700 }) },
    { weight: 2, arbitrary: fc.constant('flush' as const) },
    { weight: 3, arbitrary: fc.constant('read' as const) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const memory = newQueueMemory(3, 1024);
      const writer = new PacketQueueWriter(memory);
      const reader = new PacketQueueReader(memory);
      const kept: number[] = [];
      const seen: SeenPacket[] = [];
      let dropped = 0;
      let lostBefore = 0;
      const read = (): boolean => {
        const batch = reader.next(0);
        if (batch === undefined) return false;
        seen.push(...packetsOf(batch));
        lostBefore += batch.lostBefore;
        return true;
      };
      for (const [number, what] of steps.entries()) {
        if (what === 'flush') writer.flush();
        else if (what === 'read') read();
        else if (writer.add(packet(what, number), what, what + 4, 1, number % 3, number, 5)) kept.push(number);
        else dropped++;
      }
      // One more tells the last losses.
      writer.flush();
      while (read());
      assert.ok(writer.add(packet(1, 200), 1, 1, 1, 0, 200, 0));
      kept.push(200);
      writer.flush();
      while (read());
      assert.equal(reader.dropped, dropped);
      assert.equal(lostBefore, dropped);
      assert.deepEqual(
        seen.map(({ tsNs }) => Number(tsNs / 1_000_000_000n)),
        kept,
      );
      for (const { hex, wireBytes, interfaceIndex, tsNs } of seen.slice(0, -1)) {
        const number = Number(tsNs / 1_000_000_000n);
        const size = steps[number] as number;
        assert.equal(hex, Buffer.from(packet(size, number)).toString('hex'));
        assert.deepEqual([wireBytes, interfaceIndex], [size + 4, number % 3]);
      }
    }),
    { seed: 3, numRuns: 400 },
  );
});

test('a packet longer than a block is dropped and counted, and nothing else', () => {
  const memory = newQueueMemory(2, 1024);
  const writer = new PacketQueueWriter(memory);
  const reader = new PacketQueueReader(memory);
  assert.equal(writer.add(packet(2000, 1), 2000, 2000, 1, 0, 1, 0), false);
  assert.equal(writer.add(packet(1000, 2), 1000, 1000, 1, 0, 2, 0), true);
  writer.flush();
  assert.equal(reader.next(0)?.count, 1);
  assert.equal(reader.dropped, 1);
  assert.equal(reader.next(0), undefined);
});

test('a reader that refuses gets what was added before, and no loss is counted after', () => {
  const memory = newQueueMemory(2, 1024);
  const writer = new PacketQueueWriter(memory);
  const reader = new PacketQueueReader(memory);
  assert.equal(writer.add(packet(10, 1), 10, 10, 1, 0, 1, 0), true);
  reader.refuse();
  assert.equal(writer.add(packet(10, 2), 10, 10, 1, 0, 2, 0), false);
  writer.flush();
  assert.equal(reader.next(0)?.count, 1);
  assert.equal(reader.dropped, 0);
});

test('a reader that waits wakes up when another thread passes a block on', async () => {
  const memory = newQueueMemory(2, 1024);
  const script = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(workerData.module).then(({ PacketQueueReader }) => {
      const reader = new PacketQueueReader(workerData.memory);
      parentPort.postMessage('waiting');
      parentPort.postMessage(reader.next(30_000)?.count ?? -1);
    });`;
  const workerData = { module: new URL('./packet-queue.js', import.meta.url).href, memory };
  const worker = new Worker(script, { eval: true, workerData });
  assert.deepEqual(await once(worker, 'message'), ['waiting']);
  const writer = new PacketQueueWriter(memory);
  writer.add(packet(3, 1), 3, 3, 1, 0, 1, 0);
  writer.flush();
  assert.deepEqual(await once(worker, 'message'), [1]);
  await worker.terminate();
});
