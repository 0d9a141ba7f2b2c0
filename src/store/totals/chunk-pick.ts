/** Which records of a chunk a filter picks, kept for the questions that follow: where they are many, a bit a record. */
import { CHUNK_ROWS_MAX, type ColumnChunk, type Picked } from '../segment/columns.ts';

const WORD_BITS = 32;
/** Above this part of a chunk's records, bits take less than places. */
const DENSE_PART = 1 / 16;

/** What bits are turned into. */
const PLACES = new Uint16Array(CHUNK_ROWS_MAX);

export class ChunkPick {
  readonly chunk: ColumnChunk;
  /** Number of records picked. */
  readonly count: number;
  private readonly places: Picked | undefined;
  private readonly bits: Int32Array | undefined;

  /** `picked` is copied; `undefined`: all records. */
  constructor(chunk: ColumnChunk, picked: Picked | undefined) {
    this.chunk = chunk;
    this.count = picked?.length ?? chunk.rows;
    const isDense = picked !== undefined && picked.length > chunk.rows * DENSE_PART;
    this.bits = isDense ? bitsOf(picked, chunk.rows) : undefined;
    this.places = isDense ? undefined : picked?.slice();
  }

  /** Places of the records, ascending; `undefined`: all. Borrowed until those of another one are asked for. */
  get picked(): Picked | undefined {
    const { bits, count } = this;
    if (bits === undefined) return this.places;
    let place = 0;
    for (let w = 0; w < bits.length; w++) {
      for (let word = bits[w] as number; word !== 0; word &= word - 1) {
        // The lowest bit, as a signed word all along: others are floating point to the engine.
        PLACES[place++] = w * WORD_BITS + (WORD_BITS - 1 - Math.clz32(word & ((~word + 1) | 0)));
      }
    }
    return PLACES.subarray(0, count);
  }

  /** What it takes of memory. */
  get bytes(): number {
    return (this.bits ?? this.places)?.byteLength ?? 0;
  }
}

function bitsOf(picked: Picked, rows: number): Int32Array {
  const bits = new Int32Array(Math.ceil(rows / WORD_BITS));
  for (let i = 0; i < picked.length; i++) {
    const place = picked[i] as number;
    bits[place >>> 5] = (bits[place >>> 5] as number) | (1 << (place & (WORD_BITS - 1)));
  }
  return bits;
}
