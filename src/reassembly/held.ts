/** Held segments of a direction: a sorted list of disjoint pages. Where segments overlap, `overlap.ts` says which stays. */
import { seqAdd, seqDiff } from '../base/seq.ts';
import { FLOW_WORDS, HEAD, HELD, SIDE_WORDS, SIDES, TAIL } from './flow-words.ts';
import type { ReassemblyCounters, ReassemblyOptions } from './options.ts';
import { laterWins, type OverlapChooser } from './overlap.ts';
import { PAGE_BYTES, PAGE_NONE, PagePool } from './pages.ts';

const HELD_MASK = 0xffff;

export class HeldSegments {
  readonly pages: PagePool;
  private readonly words: Int32Array;
  private readonly pagesPerFlowMax: number;
  private readonly counters: ReassemblyCounters;
  private readonly overlap: OverlapChooser;

  constructor(words: Int32Array, options: ReassemblyOptions, counters: ReassemblyCounters, overlap: OverlapChooser) {
    this.words = words;
    this.pages = new PagePool(options.pagesMax);
    this.pagesPerFlowMax = Math.min(options.pagesPerFlowMax, HELD_MASK);
    this.counters = counters;
    this.overlap = overlap;
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
          if (seqDiff(pageEnd, at) > 0) {
            this.counters.duplicateBytes += Math.min(seqDiff(pageEnd, at), seqDiff(to, at));
            at = pageEnd;
          }
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
      this.pages.segmentFrom[fresh] = from;
      this.pages.segmentTo[fresh] = to;
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
    const block = slot * FLOW_WORDS + SIDES + side * SIDE_WORDS;
    this.unlink(slot, block, PAGE_NONE, this.words[block + HEAD] as number);
  }

  private unlink(slot: number, block: number, before: number, page: number): void {
    const words = this.words;
    const w = slot * FLOW_WORDS;
    const after = this.pages.next[page] as number;
    if (before === PAGE_NONE) words[block + HEAD] = after;
    else this.pages.next[before] = after;
    if (after === PAGE_NONE) words[block + TAIL] = before;
    words[w + HELD] = (words[w + HELD] as number) - 1;
    this.pages.give(page);
  }

  /**
   * Lowers what held bytes before `to` depend on to `dependsOn`: a copy of them was seen that acknowledges no more.
   * True when the bytes at `next` are among them, so that they can be handed on.
   */
  dependLess(slot: number, side: number, next: number, to: number, dependsOn: number): boolean {
    const pages = this.pages;
    const head = this.head(slot, side);
    for (let page = head; page !== PAGE_NONE && seqDiff(to, pages.seq[page] as number) > 0; ) {
      if (seqDiff(pages.dependsOn[page] as number, dependsOn) > 0) pages.dependsOn[page] = dependsOn;
      page = pages.next[page] as number;
    }
    return pages.seq[head] === next;
  }

  /**
   * Takes from held segments what a segment `[from, to)`, with its bytes at `bytes[start]`, replaces by the policy of
   * the receiver; the caller then hands on or inserts the segment. What joins up with `next` is the application's
   * already and stays. False, with nothing changed, when too few pages are left for what may become of it.
   */
  giveWay(
    slot: number,
    side: number,
    next: number,
    from: number,
    to: number,
    bytes: Uint8Array,
    start: number,
  ): boolean {
    const { pages } = this;
    const block = slot * FLOW_WORDS + SIDES + side * SIDE_WORDS;
    if (seqDiff(from, this.end(slot, side, from)) >= 0) return true;
    let begin = seqDiff(next, from) > 0 ? next : from;
    let joined = next;
    let met = 0;
    let page = this.head(slot, side);
    for (; page !== PAGE_NONE && seqDiff(to, pages.seq[page] as number) > 0; page = pages.next[page] as number) {
      const pageEnd = this.pageEnd(page);
      if (pages.seq[page] === joined) joined = pageEnd;
      if (seqDiff(pageEnd, from) <= 0) continue;
      met++;
      this.countConflicts(page, from, to, bytes, start);
    }
    if (seqDiff(joined, begin) > 0) begin = joined;
    if (met === 0 || seqDiff(to, begin) <= 0) return true;
    const policy = this.overlap.policy(slot, side);
    const enough = this.room(slot) >= met + 2 + Math.ceil(seqDiff(to, begin) / PAGE_BYTES);
    let before = PAGE_NONE;
    page = this.head(slot, side);
    while (page !== PAGE_NONE && seqDiff(to, pages.seq[page] as number) > 0) {
      const after = pages.next[page] as number;
      const [heldFrom, heldTo] = [pages.segmentFrom[page] as number, pages.segmentTo[page] as number];
      // Bytes that the snap length cut off are unknown; any that are known are better.
      const loses = pages.cut[page] === 1 || laterWins(policy, from, to, heldFrom, heldTo);
      if (loses && seqDiff(this.pageEnd(page), begin) > 0) {
        if (!enough) return false;
        if (this.cutOut(slot, block, before, page, begin, to)) before = page;
      } else {
        before = page;
      }
      page = after;
    }
    return true;
  }

  private pageEnd(page: number): number {
    return seqAdd(this.pages.seq[page] as number, this.pages.length[page] as number);
  }

  /** Pages that the flow may still take. */
  private room(slot: number): number {
    return Math.min(this.pagesPerFlowMax - this.count(slot), this.pages.free);
  }

  private countConflicts(page: number, from: number, to: number, bytes: Uint8Array, start: number): void {
    const pages = this.pages;
    if (pages.cut[page] === 1) return;
    const seq = pages.seq[page] as number;
    const first = Math.max(0, seqDiff(seq, from));
    const last = Math.min(seqDiff(to, from), seqDiff(this.pageEnd(page), from));
    const shift = page * PAGE_BYTES - seqDiff(seq, from);
    for (let i = first; i < last; i++) {
      if (bytes[start + i] !== pages.bytes[shift + i]) this.counters.conflictBytes++;
    }
  }

  /** Removes `[begin, to)` from a page that it meets. True when the page still holds something in front of it. */
  private cutOut(slot: number, block: number, before: number, page: number, begin: number, to: number): boolean {
    const { seq, length, bytes } = this.pages;
    const pageSeq = seq[page] as number;
    const pageBytes = length[page] as number;
    const front = Math.max(0, seqDiff(begin, pageSeq));
    const gone = Math.min(pageBytes, seqDiff(to, pageSeq));
    this.counters.duplicateBytes += gone - front;
    const store = page * PAGE_BYTES;
    if (front > 0) {
      if (gone < pageBytes) {
        const rest = this.add(slot, block, page, this.pages.next[page] as number);
        this.copyFacts(page, rest, to, pageBytes - gone);
        if (this.pages.cut[page] === 0) bytes.copyWithin(rest * PAGE_BYTES, store + gone, store + pageBytes);
      }
      length[page] = front;
      return true;
    }
    if (gone === pageBytes) {
      this.unlink(slot, block, before, page);
      return false;
    }
    if (this.pages.cut[page] === 0) bytes.copyWithin(store, store + gone, store + pageBytes);
    seq[page] = to;
    length[page] = pageBytes - gone;
    return true;
  }

  private copyFacts(page: number, copy: number, seq: number, length: number): void {
    const pages = this.pages;
    pages.seq[copy] = seq;
    pages.length[copy] = length;
    pages.segmentFrom[copy] = pages.segmentFrom[page] as number;
    pages.segmentTo[copy] = pages.segmentTo[page] as number;
    pages.dependsOn[copy] = pages.dependsOn[page] as number;
    pages.tsUs[copy] = pages.tsUs[page] as number;
    pages.order[copy] = pages.order[page] as number;
    pages.cut[copy] = pages.cut[page] as number;
  }

  clear(slot: number): void {
    for (let side = 0; side < 2; side++) while (this.head(slot, side) !== PAGE_NONE) this.shift(slot, side);
  }
}
