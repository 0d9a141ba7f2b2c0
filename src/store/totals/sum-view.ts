/** What stands for many records: it has a time, a row and an outcome, but sums in place of amounts, which nobody asks for. */
import type { AmountTest } from '../segment/amount-test.ts';
import type { AmountColumn, WordColumn } from '../segment/columns.ts';
import type { RecordView } from '../segment/view.ts';

const NO_AMOUNTS = new Float64Array(0);

export abstract class SumView implements RecordView {
  rows = 0;

  abstract times(): Float64Array;
  abstract words(name: WordColumn): Uint32Array;

  errorCodes(): readonly string[] {
    return [];
  }

  amounts(): Float64Array {
    return NO_AMOUNTS;
  }

  moved(): Float64Array {
    return NO_AMOUNTS;
  }

  testWords(name: WordColumn, allowed: Uint8Array, mask: Uint8Array): void {
    const words = this.words(name);
    for (let i = 0; i < this.rows; i++) mask[i] = allowed[words[i] as number] as number;
  }

  testAmounts(_name: AmountColumn, _test: AmountTest, mask: Uint8Array): void {
    mask.fill(0, 0, this.rows);
  }

  isEmpty(): boolean {
    return false;
  }
}
