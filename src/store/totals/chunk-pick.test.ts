import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ColumnBuilder } from '../segment/column-builder.ts';
import { chunkInMemory } from '../segment/column-file.ts';
import type { ColumnChunk } from '../segment/columns.ts';
import { ChunkPick } from './chunk-pick.ts';

const ROWS = 200;

function chunk(): ColumnChunk {
  const builder = new ColumnBuilder();
  const amounts = { duration: null, returned: null, affected: null };
  const row = { timeUs: 1, session: 1, shape: 1, verdict: null, errorCode: null, marks: 0, id: '', ...amounts };
  for (let i = 0; i < ROWS; i++) builder.add(row);
  return chunkInMemory('memory', builder.encode(1));
}

test('few and many records come out as they were picked', () => {
  const own = chunk();
  const anyPlaces = fc.subarray(Array.from({ length: ROWS }, (_, place) => place));
  const property = fc.property(anyPlaces, (places) => {
    const picked = Uint16Array.from(places);
    const pick = new ChunkPick(own, picked);
    picked.fill(7);
    assert.equal(pick.count, places.length);
    assert.deepEqual([...(pick.picked ?? assert.fail())], places);
    assert.ok(pick.bytes <= Math.ceil(ROWS / 32) * 4);
  });
  fc.assert(property, { seed: 5, numRuns: 300, examples: [[[]], [[0]], [[ROWS - 1]], [[31, 32, 63, 64]]] });
});

test('all records need no places', () => {
  const pick = new ChunkPick(chunk(), undefined);
  assert.deepEqual([pick.picked, pick.count, pick.bytes], [undefined, ROWS, 0]);
});
