/** Ranges of a text, in a typed array that is used for one text after another. */
import type { TextSpan } from '../contracts/sql.ts';

const SPANS_INITIAL = 64;

const NO_SPANS: readonly TextSpan[] = [];

export class Spans {
  /** Can be set to a smaller number. */
  count = 0;
  /** Start and end of each. */
  private words = new Int32Array(2 * SPANS_INITIAL);

  add(start: number, end: number): void {
    const at = 2 * this.count;
    if (at === this.words.length) this.grow();
    this.words[at] = start;
    this.words[at + 1] = end;
    this.count++;
  }

  /** A copy, with one more range behind the others if there is a `last`. */
  list(last: TextSpan | undefined): readonly TextSpan[] {
    const { count, words } = this;
    if (count === 0 && last === undefined) return NO_SPANS;
    // Of its true size at once: a list that grows takes several times as much.
    const list = new Array<TextSpan>(last === undefined ? count : count + 1);
    for (let i = 0; i < count; i++) list[i] = { start: words[2 * i] as number, end: words[2 * i + 1] as number };
    if (last !== undefined) list[count] = last;
    return list;
  }

  private grow(): void {
    const larger = new Int32Array(2 * this.words.length);
    larger.set(this.words);
    this.words = larger;
  }
}
