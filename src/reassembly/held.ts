/** Held segments of a direction: a sorted list of disjoint pages, first received first kept where segments overlap. */
import { seqAdd, seqDiff } from '../base/seq.ts';
import { FLOW_WORDS, HEAD, HELD, SIDE_WORDS, SIDES, TAIL } from './flow-words.ts';
import { PAGE_BYTES, PAGE_NONE, PagePool } from './pages.ts';

const HELD_MASK = 0xffff;

export class HeldSegments {
  readonly pages: PagePool;
  private readonly words: Int32Array;
  private readonly pagesPerFlowMax: number;

  constructor(words: Int32Array, pagesMax: number, pagesPerFlowMax: number) {
    this.words = words;
    this.pages = new PagePool(pagesMax);
    this.pagesPerFlowMax = Math.min(pagesPerFlowMax, HELD_MASK);
  }

  count(slot: number): number {
    return (this.words[slot * FLOW_WORDS + HELD] as number) & HELD_MASK;
  }

  /**
   * Keeps what `bytes[start, end)`, numbered from `from`, adds before `to`; numbers without a byte behind them were
   * cut off by the snap length. Answers the number up to which the segment is taken care of: `to`, or less when a
   * page limit was reached.
   */
  insert(
    slot: number,
    side: number,
    from: number,
    to: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    dependsOn: number,
    tsUs: number,
  ): number {
    const words = this.words;
    const block = slot * FLOW_WORDS + SIDES + side * SIDE_WORDS;
    const { seq, length, next } = this.pages;
    let before = PAGE_NONE;
    let page = words[block + HEAD] as number;
    const tail = words[block + TAIL] as number;
    if (tail !== PAGE_NONE && seqDiff(from, seqAdd(seq[tail] as number, length[tail] as number)) >= 0) {
      before = tail;
      page = PAGE_NONE;
    }
    let at = from;
    while (seqDiff(to, at) > 0) {
      if (page !== PAGE_NONE) {
        const pageEnd = seqAdd(seq[page] as number, length[page] as number);
        if (seqDiff(pageEnd, at) <= 0 || seqDiff(seq[page] as number, at) <= 0) {
          // The page lies before, or covers what comes next.
          if (seqDiff(pageEnd, at) > 0) at = pageEnd;
          before = page;
          page = next[page] as number;
          continue;
        }
      }
      let room = seqDiff(to, at);
      if (page !== PAGE_NONE) room = Math.min(room, seqDiff(seq[page] as number, at));
      const offset = start + seqDiff(at, from);
      const captured = Math.min(room, Math.max(0, end - offset), PAGE_BYTES);
      const fresh = this.add(slot, block, before, page);
      if (fresh === PAGE_NONE) return at;
      seq[fresh] = at;
      this.pages.dependsOn[fresh] = dependsOn;
      this.pages.tsUs[fresh] = tsUs;
      this.pages.cut[fresh] = captured === 0 ? 1 : 0;
      length[fresh] = captured === 0 ? room : captured;
      if (captured > 0) this.copy(fresh, bytes, offset, captured);
      before = fresh;
      at = seqAdd(at, length[fresh] as number);
    }
    return to;
  }

  private copy(page: number, bytes: Uint8Array, start: number, count: number): void {
    this.pages.bytes.set(bytes.subarray(start, start + count), page * PAGE_BYTES);
  }

  private add(slot: number, block: number, before: number, after: number): number {
    const words = this.words;
    if (this.count(slot) >= this.pagesPerFlowMax) return PAGE_NONE;
    const page = this.pages.take();
    if (page === PAGE_NONE) return PAGE_NONE;
    const w = slot * FLOW_WORDS;
    words[w + HELD] = (words[w + HELD] as number) + 1;
    this.pages.next[page] = after;
    if (before === PAGE_NONE) words[block + HEAD] = page;
    else this.pages.next[before] = page;
    if (after === PAGE_NONE) words[block + TAIL] = page;
    return page;
  }

  /** First held page of a side, or `PAGE_NONE`. */
  head(slot: number, side: number): number {
    return this.words[slot * FLOW_WORDS + SIDES + side * SIDE_WORDS + HEAD] as number;
  }

  /** Number behind the last held byte of a side; `otherwise` when none is held. */
  end(slot: number, side: number, otherwise: number): number {
    const tail = this.words[slot * FLOW_WORDS + SIDES + side * SIDE_WORDS + TAIL] as number;
    if (tail === PAGE_NONE) return otherwise;
    return seqAdd(this.pages.seq[tail] as number, this.pages.length[tail] as number);
  }

  /** Takes the first page off the list; its contents stay readable until the pool hands it out again. */
  shift(slot: number, side: number): void {
    const words = this.words;
    const w = slot * FLOW_WORDS;
    const block = w + SIDES + side * SIDE_WORDS;
    const page = words[block + HEAD] as number;
    const next = this.pages.next[page] as number;
    words[block + HEAD] = next;
    if (next === PAGE_NONE) words[block + TAIL] = PAGE_NONE;
    words[w + HELD] = (words[w + HELD] as number) - 1;
    this.pages.give(page);
  }

  clear(slot: number): void {
    for (let side = 0; side < 2; side++) while (this.head(slot, side) !== PAGE_NONE) this.shift(slot, side);
  }
}
