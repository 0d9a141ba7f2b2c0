/** Comparing the amounts of a column with a number: most columns hold few different ones, of which each is compared once. */
import type { Comparison } from '../../query/filter.ts';

export class AmountTest {
  private readonly comparison: Comparison;
  private readonly value: number;
  private table: Uint8Array = new Uint8Array(0);

  constructor(comparison: Comparison, value: number) {
    this.comparison = comparison;
    this.value = value;
  }

  /**
   * For packed amounts below `size` (one more than they are, 0 for none): 1 for each that passes, else 0. Looking up is
   * quicker than comparing, where the processor guesses wrong half of the time.
   */
  tableOf(size: number): Uint8Array {
    if (this.table.length < size) {
      const amounts = new Float64Array(size);
      for (let packed = 1; packed < size; packed++) amounts[packed] = packed - 1;
      amounts[0] = Number.NaN;
      this.table = new Uint8Array(size);
      this.test(amounts, this.table, size);
    }
    return this.table;
  }

  /** Sets a byte of `mask` for each of `count` amounts: 1 when it passes, else 0; an absent one, NaN, does not. */
  test(amounts: Float64Array, mask: Uint8Array, count: number): void {
    const { value } = this;
    switch (this.comparison) {
      case '<':
        for (let i = 0; i < count; i++) mask[i] = (amounts[i] as number) < value ? 1 : 0;
        return;
      case '<=':
        for (let i = 0; i < count; i++) mask[i] = (amounts[i] as number) <= value ? 1 : 0;
        return;
      case '>':
        for (let i = 0; i < count; i++) mask[i] = (amounts[i] as number) > value ? 1 : 0;
        return;
      case '>=':
        for (let i = 0; i < count; i++) mask[i] = (amounts[i] as number) >= value ? 1 : 0;
        return;
      case '=':
        for (let i = 0; i < count; i++) mask[i] = (amounts[i] as number) === value ? 1 : 0;
    }
  }
}
