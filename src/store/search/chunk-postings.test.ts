import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ColumnBuilder } from '../segment/column-builder.ts';
import { chunkInMemory } from '../segment/column-file.ts';
import { CHUNK_ROWS_MAX, type ColumnChunk } from '../segment/columns.ts';
import { ChunkPostingCache, ChunkPostings } from './chunk-postings.ts';

function chunkOf(sessions: readonly number[]): ColumnChunk {
  const builder = new ColumnBuilder();
  const rest = { shape: 1, verdict: null, errorCode: null, marks: 0, id: '', duration: null, returned: null };
  for (const session of sessions) builder.add({ timeUs: 1, session, affected: null, ...rest });
  return chunkInMemory('x', builder.encode(1));
}

describe('postings of a chunk', () => {
  test('give the places of any row, one chunk after the other', () => {
    const row = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 400_000 }));
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 300 }),
        fc.array(row, { maxLength: 5 }),
        (sessions, others) => {
          const postings = ChunkPostings.of(chunkOf(sessions), 'session');
          assert.ok(postings !== undefined);
          const into = new Uint16Array(CHUNK_ROWS_MAX);
          for (const wanted of [...sessions.slice(0, 20), ...others]) {
            const places = sessions.flatMap((session, place) => (session === wanted ? [place] : []));
            const end = postings.copy(wanted, into, 3);
            assert.deepEqual([...into.subarray(3, end)], places);
          }
        },
      ),
      { seed: 42, numRuns: 200 },
    );
  });

  test('are not made of rows that no segment has', () => {
    assert.equal(ChunkPostings.of(chunkOf([1, 4_000_000_000]), 'session'), undefined);
  });

  test('are made when a chunk is asked the second time', () => {
    const cache = new ChunkPostingCache();
    const chunk = chunkOf([1, 2, 1]);
    assert.equal(cache.of(chunk, 'session'), undefined);
    assert.equal(cache.of(chunk, 'shape'), undefined);
    const made = cache.of(chunk, 'session');
    assert.ok(made !== undefined);
    assert.equal(cache.of(chunk, 'session'), made);
  });
});
