import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ColumnBuilder } from '../segment/column-builder.ts';
import { chunkInMemory } from '../segment/column-file.ts';
import { ChunkView } from '../segment/view.ts';
import { SegmentSums } from './sums.ts';

const CHUNK_ROWS = 1000;
/** So many that slots are found in a map. */
const MANY_KEYS = 2 ** 21;

/** Records of a microsecond each, whose durations count up. */
function view(chunk: number): ChunkView {
  const builder = new ColumnBuilder();
  for (let i = 0; i < CHUNK_ROWS; i++) {
    const none = { verdict: null, errorCode: null, marks: 0, returned: null, affected: null };
    builder.add({ ...none, timeUs: chunk * CHUNK_ROWS + i, session: 1, shape: 1, id: '', duration: i });
  }
  const of = new ChunkView();
  of.use(chunkInMemory('memory', builder.encode(1)), undefined);
  return of;
}

for (const keys of [4096, MANY_KEYS]) {
  test(`no record is lost when sums of ${keys} keys at most grow`, () => {
    const sums = new SegmentSums(keys);
    for (let chunk = 0; chunk < 4; chunk++) {
      // Each chunk brings keys that were not there before, so that the first room is outgrown.
      const own = Float64Array.from({ length: CHUNK_ROWS }, (_, i) => chunk * CHUNK_ROWS + i);
      sums.add(view(chunk), own);
    }
    assert.equal(sums.count, 4 * CHUNK_ROWS);
    for (let slot = 0; slot < sums.count; slot++) {
      const key = sums.keyOf(slot);
      assert.equal(sums.of(slot, 'records'), 1);
      assert.equal(sums.of(slot, 'firstUs'), key);
      assert.equal(sums.of(slot, 'durationUs'), key % CHUNK_ROWS);
    }
  });
}
