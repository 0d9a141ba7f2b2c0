/** What a flow's words say (`flow-words.ts`), by name. */
import { seqDiff } from '../base/seq.ts';
import {
  ACKED,
  FIN,
  FIN_DONE_SHIFT,
  FIN_SEQ,
  FLOW_WORDS,
  HELD,
  ISN,
  NEXT,
  SEEN,
  SIDE_WORDS,
  SIDES,
  SOFT,
  WAITING,
  WAITING_ACKED,
} from './flow-words.ts';

export class FlowState {
  protected readonly words: Int32Array;

  constructor(words: Int32Array) {
    this.words = words;
  }

  has(slot: number, flag: number): boolean {
    return ((this.words[slot * FLOW_WORDS] as number) & flag) !== 0;
  }

  set(slot: number, flags: number): void {
    this.words[slot * FLOW_WORDS] = (this.words[slot * FLOW_WORDS] as number) | flags;
  }

  unset(slot: number, flags: number): void {
    this.words[slot * FLOW_WORDS] = (this.words[slot * FLOW_WORDS] as number) & ~flags;
  }

  next(slot: number, side: number): number {
    return this.words[slot * FLOW_WORDS + SIDES + side * SIDE_WORDS + NEXT] as number;
  }

  isn(slot: number, side: number): number {
    return this.words[slot * FLOW_WORDS + SIDES + side * SIDE_WORDS + ISN] as number;
  }

  setNext(slot: number, side: number, seq: number): void {
    this.words[slot * FLOW_WORDS + SIDES + side * SIDE_WORDS + NEXT] = seq;
    this.unset(slot, (WAITING | SOFT) << side);
  }

  protected acked(slot: number, side: number): number {
    return this.words[slot * FLOW_WORDS + SIDES + side * SIDE_WORDS + ACKED] as number;
  }

  protected finSeq(slot: number, side: number): number {
    return this.words[slot * FLOW_WORDS + SIDES + side * SIDE_WORDS + FIN_SEQ] as number;
  }

  /** Whether a segment that acknowledges `dependsOn` must wait for bytes of the other side. */
  isBlocked(slot: number, side: number, dependsOn: number): boolean {
    const other = 1 - side;
    return this.has(slot, SEEN << other) && seqDiff(dependsOn, this.next(slot, other)) > 0;
  }

  /** Nothing of either side is held, missing or waited for: what most segments find, so it costs one look. */
  protected isCalm(slot: number): boolean {
    const words = this.words;
    const w = slot * FLOW_WORDS;
    const side0 = w + SIDES;
    const side1 = side0 + SIDE_WORDS;
    const flags = words[w] as number;
    const finsAhead = flags & (FIN * 3) & ~(flags >>> FIN_DONE_SHIFT);
    return (
      (flags & ((WAITING | WAITING_ACKED) * 3)) === 0 &&
      finsAhead === 0 &&
      ((words[w + HELD] as number) & 0xffff) === 0 &&
      seqDiff(words[side0 + ACKED] as number, words[side0 + NEXT] as number) <= 0 &&
      seqDiff(words[side1 + ACKED] as number, words[side1 + NEXT] as number) <= 0
    );
  }
}
