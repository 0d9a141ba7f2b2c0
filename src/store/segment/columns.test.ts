import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { StoreError } from '../errors.ts';
import { ColumnBuilder, type ColumnRow, identityOf } from './column-builder.ts';
import { CHUNK_ROWS_MAX, type ChunkSource, ColumnChunk } from './columns.ts';

const word = fc.oneof(fc.constant(0), fc.nat(255), fc.nat(65_535), fc.nat(2 ** 31));
const amount = fc.oneof(fc.constant(null), fc.nat(300), fc.maxSafeInteger(), fc.constant(2 ** 32 - 1));

const anyRow: fc.Arbitrary<ColumnRow> = fc.record({
  timeUs: fc.oneof(
    fc.maxSafeNat(),
    fc.nat(5).map((n) => 1e15 + n),
  ),
  session: word,
  shape: word,
  verdict: fc.option(word, { nil: null }),
  errorCode: fc.option(fc.constantFrom('', '42P01', '1062', 'ÄÖ€😀'), { nil: null }),
  marks: word,
  id: fc.oneof(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.string()),
  duration: amount,
  returned: amount,
  affected: amount,
});

function inMemory(bytes: Buffer): ChunkSource {
  return {
    path: 'memory',
    length: bytes.length,
    read: (from, length) => bytes.subarray(from, from + length),
    mayKeep: () => false,
  };
}

function encoded(rows: readonly ColumnRow[], firstSeq: number): Buffer {
  const builder = new ColumnBuilder();
  for (const row of rows) builder.add(row);
  return builder.encode(firstSeq);
}

function nullable(values: Float64Array): (number | null)[] {
  return Array.from(values, (value) => (Number.isNaN(value) ? null : value));
}

describe('a chunk of columns', () => {
  test('gives back what went in', () => {
    fc.assert(
      fc.property(fc.array(anyRow, { minLength: 1, maxLength: 40 }), fc.nat(), (rows, firstSeq) => {
        const chunk = new ColumnChunk(inMemory(encoded(rows, firstSeq)), 0);
        assert.equal(chunk.rows, rows.length);
        assert.equal(chunk.firstSeq, firstSeq);
        assert.equal(chunk.timeMinUs, Math.min(...rows.map((row) => row.timeUs)));
        assert.equal(chunk.timeMaxUs, Math.max(...rows.map((row) => row.timeUs)));
        const times = new Float64Array(rows.length);
        chunk.times(times);
        assert.deepEqual(
          [...times],
          rows.map((row) => row.timeUs),
        );
        for (const name of ['session', 'shape', 'marks', 'identity', 'verdict'] as const) {
          const words = new Uint32Array(rows.length);
          chunk.words(name, words);
          const expected = rows.map((row) => (name === 'identity' ? identityOf(row.id) : (row[name] ?? 0)));
          assert.deepEqual([...words], expected, name);
        }
        for (const name of ['duration', 'returned', 'affected'] as const) {
          const amounts = new Float64Array(rows.length);
          chunk.amounts(name, amounts);
          assert.deepEqual(
            nullable(amounts),
            rows.map((row) => row[name]),
            name,
          );
        }
        const errors = new Uint32Array(rows.length);
        chunk.words('error', errors);
        const codes = [null, ...chunk.errorCodes()];
        assert.deepEqual(
          Array.from(errors, (error) => codes[error]),
          rows.map((row) => row.errorCode),
        );
      }),
      { seed: 11, numRuns: 300 },
    );
  });

  test('a changed byte is noticed, or changes nothing that is read', () => {
    const rows = fc.sample(anyRow, { seed: 5, numRuns: 20 });
    const bytes = encoded(rows, 1);
    const intact = contents(bytes);
    for (let at = 0; at < bytes.length; at++) {
      const altered = Buffer.from(bytes);
      altered[at] = (altered[at] as number) ^ 0x41;
      try {
        assert.deepEqual(contents(altered), intact, `byte ${at}`);
      } catch (error) {
        assert.ok(error instanceof StoreError && error.code === 'damaged', `byte ${at}: ${String(error)}`);
      }
    }
  });

  test('a cut chunk is noticed', () => {
    const bytes = encoded(fc.sample(anyRow, { seed: 6, numRuns: 20 }), 1);
    for (let length = 112; length < bytes.length; length += 8) {
      assert.throws(() => contents(bytes.subarray(0, length)), StoreError);
    }
  });

  test('holds as many records as it says', () => {
    const builder = new ColumnBuilder();
    const [row] = fc.sample(anyRow, { seed: 7, numRuns: 1 });
    assert.ok(row !== undefined);
    for (let i = 0; i < CHUNK_ROWS_MAX; i++) builder.add(row);
    assert.equal(builder.full, true);
    assert.equal(new ColumnChunk(inMemory(builder.encode(1)), 0).rows, CHUNK_ROWS_MAX);
    builder.clear();
    assert.equal(builder.rows, 0);
  });
});

function contents(bytes: Buffer): unknown {
  const chunk = new ColumnChunk(inMemory(bytes), 0);
  const times = new Float64Array(chunk.rows);
  chunk.times(times);
  const words = (['session', 'shape', 'verdict', 'error', 'marks', 'identity'] as const).map((name) => {
    const into = new Uint32Array(chunk.rows);
    chunk.words(name, into);
    return [...into];
  });
  const amounts = (['duration', 'returned', 'affected'] as const).map((name) => {
    const into = new Float64Array(chunk.rows);
    chunk.amounts(name, into);
    return nullable(into);
  });
  return [chunk.rows, chunk.firstSeq, [...times], words, amounts, chunk.errorCodes()];
}
