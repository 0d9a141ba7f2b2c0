/** Records as arrays of one value each: some or all of a chunk of columns, or the cells of a rollup. */
import type { AmountTest } from './amount-test.ts';
import { type AmountColumn, CHUNK_ROWS_MAX, type ColumnChunk, type Picked, type WordColumn } from './columns.ts';

/** Arrays are borrowed until the view turns to other records, and may be longer than `rows`. */
export interface RecordView {
  readonly rows: number;
  times(): Float64Array;
  words(name: WordColumn): Uint32Array;
  /** NaN where a record has none. */
  amounts(name: AmountColumn): Float64Array;
  /** Rows returned, or else affected; NaN where a record has neither. */
  moved(): Float64Array;
  /** Sets a byte of `mask` for each record: what `allowed` has for its word. */
  testWords(name: WordColumn, allowed: Uint8Array, mask: Uint8Array): void;
  /** Sets a byte of `mask` for each record: 1 when its amount passes, else 0. */
  testAmounts(name: AmountColumn, test: AmountTest, mask: Uint8Array): void;
  /** Whether none of the records has anything in this column; `false` may be said of any. */
  isEmpty(name: AmountColumn | 'error' | 'marks'): boolean;
  /** Codes that the words of column `error` name, by number less 1. */
  errorCodes(): readonly string[];
}

/** Columns unpacked when first asked for, into arrays that the next records use again. */
export class ChunkView implements RecordView {
  rows = 0;
  private chunk: ColumnChunk | undefined = undefined;
  private picked: Picked | undefined = undefined;
  private readonly loaded = new Set<string>();
  private readonly timeArray = new Float64Array(CHUNK_ROWS_MAX);
  private readonly movedArray = new Float64Array(CHUNK_ROWS_MAX);
  private readonly wordArrays = new Map<WordColumn, Uint32Array>();
  private readonly amountArrays = new Map<AmountColumn, Float64Array>();

  /** Turns to the picked records of a chunk, or to all. */
  use(chunk: ColumnChunk, picked: Picked | undefined): void {
    this.chunk = chunk;
    this.picked = picked;
    this.rows = picked?.length ?? chunk.rows;
    this.loaded.clear();
  }

  errorCodes(): readonly string[] {
    return this.chunk?.errorCodes() ?? [];
  }

  times(): Float64Array {
    if (this.first('time')) this.chunk?.times(this.timeArray, this.picked);
    return this.timeArray;
  }

  words(name: WordColumn): Uint32Array {
    let words = this.wordArrays.get(name);
    if (words === undefined) {
      words = new Uint32Array(CHUNK_ROWS_MAX);
      this.wordArrays.set(name, words);
    }
    if (this.first(name)) this.chunk?.words(name, words, this.picked);
    return words;
  }

  amounts(name: AmountColumn): Float64Array {
    let amounts = this.amountArrays.get(name);
    if (amounts === undefined) {
      amounts = new Float64Array(CHUNK_ROWS_MAX);
      this.amountArrays.set(name, amounts);
    }
    if (this.first(name)) this.chunk?.amounts(name, amounts, this.picked);
    return amounts;
  }

  moved(): Float64Array {
    if (this.first('moved')) this.chunk?.moved(this.movedArray, this.picked);
    return this.movedArray;
  }

  testWords(name: WordColumn, allowed: Uint8Array, mask: Uint8Array): void {
    this.chunk?.testWords(name, allowed, mask, this.picked);
  }

  testAmounts(name: AmountColumn, test: AmountTest, mask: Uint8Array): void {
    const tested = this.chunk?.testAmounts(name, test, mask, this.picked);
    if (tested !== true) test.test(this.amounts(name), mask, this.rows);
  }

  isEmpty(name: AmountColumn | 'error' | 'marks'): boolean {
    return this.chunk?.isEmpty(name) ?? true;
  }

  private first(name: string): boolean {
    if (this.loaded.has(name)) return false;
    this.loaded.add(name);
    return true;
  }
}
