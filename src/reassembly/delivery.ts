/**
 * What leaves reassembly: held segments in causal order, holes that have waited long enough as gaps, and the end.
 *
 * A hole of a direction is either acknowledged (the peer has the bytes; only the mirror may still bring them) or not
 * (the sender will retransmit). Each waits its own bounded time; see DESIGN.md.
 */
import { seqAdd, seqDiff } from '../base/seq.ts';
import { float64Table, int32Table } from '../base/table-memory.ts';
import { type FlowEnd, STREAM_IGNORE, type StreamReceiver, type StreamWish } from '../contracts/stream.ts';
import { TimerWheel } from '../flow/wheel.ts';
import type { Clock } from './clock.ts';
import { FlowState } from './flow-state.ts';
import {
  FIN,
  FIN_DONE,
  FIN_GUESSED,
  FLOW_WORDS,
  IGNORED,
  REPORTED,
  SEEN,
  WAIT_PACKETS,
  WAITING,
  WAITING_ACKED,
} from './flow-words.ts';
import { HeldSegments } from './held.ts';
import type { ReassemblyCounters, ReassemblyOptions } from './options.ts';
import type { OverlapChooser } from './overlap.ts';
import { PAGE_BYTES, PAGE_NONE, type PagePool } from './pages.ts';

const WAIT_TICK_US = 1000;
const WAIT_BUCKETS = 4096;
const WAIT_PACKETS_MAX = 0xffff;

const HOLE_NONE = 0;
const HOLE_UNACKED = 1;
const HOLE_ACKED = 2;

/** Until there is one. */
const NO_RECEIVER: StreamReceiver = {
  onData: () => STREAM_IGNORE,
  onGap: () => STREAM_IGNORE,
  onEnd: () => undefined,
};

export class Delivery extends FlowState {
  readonly held: HeldSegments;
  private readonly pages: PagePool;
  /** When each side's hole was first seen. */
  private readonly waitUs: Float64Array;
  /** What had been acknowledged (or seen, of an unacknowledged hole) then: all holes below it have waited as long. */
  private readonly waitMark: Int32Array;
  private readonly waits: TimerWheel;
  private readonly options: ReassemblyOptions;
  private readonly counters: ReassemblyCounters;
  private readonly clock: Clock;
  private receiver: StreamReceiver = NO_RECEIVER;

  constructor(
    words: Int32Array,
    options: ReassemblyOptions,
    counters: ReassemblyCounters,
    clock: Clock,
    overlap: OverlapChooser,
  ) {
    super(words);
    this.clock = clock;
    this.options = options;
    this.counters = counters;
    this.waitUs = float64Table(options.flowsMax * 2);
    this.waitMark = int32Table(options.flowsMax * 2);
    this.waits = new TimerWheel(options.flowsMax, WAIT_TICK_US, WAIT_BUCKETS);
    this.held = new HeldSegments(this.words, options, counters, overlap);
    this.pages = this.held.pages;
  }

  setReceiver(receiver: StreamReceiver): void {
    this.receiver = receiver;
  }

  /** Bytes of memory that grow with the number of flows. */
  get flowBytes(): number {
    return this.words.byteLength + this.waitUs.byteLength + this.waitMark.byteLength + this.waits.bytes;
  }

  /** Hands bytes on; the caller has moved `NEXT` past them. */
  deliver(slot: number, side: number, bytes: Uint8Array, start: number, end: number, tsUs: number): void {
    this.counters.deliveredBytes += end - start;
    this.set(slot, REPORTED);
    this.heed(slot, this.receiver.onData(slot, side as 0 | 1, bytes, start, end, tsUs));
  }

  /** Declares `lostBytes` lost; the caller moves `NEXT`. */
  gap(slot: number, side: number, lostBytes: number, tsUs: number): void {
    if (lostBytes <= 0) return;
    this.counters.lostBytes += lostBytes;
    this.counters.gaps++;
    this.set(slot, REPORTED);
    this.heed(slot, this.receiver.onGap(slot, side as 0 | 1, lostBytes, tsUs));
  }

  private heed(slot: number, wish: StreamWish): void {
    if (wish !== STREAM_IGNORE) return;
    this.set(slot, IGNORED);
    this.unset(slot, (WAITING * 3) | (WAITING_ACKED * 3));
    this.held.clear(slot);
    this.waits.cancel(slot);
  }

  /** Hands on whatever is no longer held up: in order, and not ahead of the bytes it acknowledges. */
  drain(slot: number): void {
    // A FIN that is reached may be what a held segment of the other side acknowledges.
    do this.drainHeld(slot);
    while (this.reachFins(slot));
  }

  private drainHeld(slot: number): void {
    while (this.held.count(slot) > 0 && !this.has(slot, IGNORED)) {
      if (this.drainSide(slot, 0) || this.drainSide(slot, 1)) continue;
      const tie = this.tied(slot);
      if (tie < 0) break;
      this.shift(slot, tie);
    }
  }

  private drainSide(slot: number, side: number): boolean {
    let moved = false;
    while (this.atNext(slot, side) && !this.isBlocked(slot, side, this.headDependsOn(slot, side))) {
      this.shift(slot, side);
      moved = true;
    }
    return moved;
  }

  private headDependsOn(slot: number, side: number): number {
    return this.pages.dependsOn[this.held.head(slot, side)] as number;
  }

  /** The first held segment is the next one of its direction. */
  private atNext(slot: number, side: number): boolean {
    const page = this.held.head(slot, side);
    return page !== PAGE_NONE && this.pages.seq[page] === this.next(slot, side);
  }

  /**
   * The side to go first when both next segments acknowledge each other, else -1. Only a retransmission can do that:
   * it is numbered as the original but acknowledges what came since. So the one captured later really came first.
   */
  private tied(slot: number): number {
    if (!this.atNext(slot, 0) || !this.atNext(slot, 1)) return -1;
    const order0 = this.pages.order[this.held.head(slot, 0)] as number;
    const order1 = this.pages.order[this.held.head(slot, 1)] as number;
    return ((order0 - order1) | 0) > 0 ? 0 : 1;
  }

  /** Hands on the first held page, which starts at `NEXT`. */
  private shift(slot: number, side: number): void {
    const page = this.held.head(slot, side);
    const length = this.pages.length[page] as number;
    const cut = this.pages.cut[page] === 1;
    const tsUs = this.pages.tsUs[page] as number;
    this.setNext(slot, side, seqAdd(this.pages.seq[page] as number, length));
    this.held.shift(slot, side);
    if (cut) this.gap(slot, side, length, tsUs);
    else this.deliver(slot, side, this.pages.bytes, page * PAGE_BYTES, page * PAGE_BYTES + length, tsUs);
  }

  /** True when a side's FIN has just been reached. */
  private reachFins(slot: number): boolean {
    const first = this.reachFin(slot, 0);
    return this.reachFin(slot, 1) || first;
  }

  private reachFin(slot: number, side: number): boolean {
    if (!this.has(slot, FIN << side) || this.has(slot, FIN_DONE << side)) return false;
    const beyond = seqDiff(this.next(slot, side), this.finSeq(slot, side));
    if (beyond < 0) return false;
    if (beyond === 0) this.setNext(slot, side, seqAdd(this.finSeq(slot, side), 1));
    this.set(slot, FIN_DONE << side);
    return true;
  }

  private hole(slot: number, side: number): number {
    if (!this.has(slot, SEEN << side) || this.atNext(slot, side)) return HOLE_NONE;
    if (seqDiff(this.acked(slot, side), this.next(slot, side)) > 0) return HOLE_ACKED;
    if (this.held.head(slot, side) !== PAGE_NONE) return HOLE_UNACKED;
    return this.has(slot, FIN << side) && !this.has(slot, FIN_DONE << side) ? HOLE_UNACKED : HOLE_NONE;
  }

  /** Looks at both sides' holes after something has changed; `counted`: one more packet has passed. */
  review(slot: number, nowUs: number, counted: boolean): void {
    if (this.isCalm(slot)) return;
    for (let side = 0; side < 2; side++) {
      if (this.has(slot, IGNORED)) return;
      this.reviewSide(slot, side, nowUs);
      if (!counted || !this.has(slot, WAITING_ACKED << side) || this.passPacket(slot, side)) continue;
      this.release(slot, side, nowUs);
      // The other side may have changed with it.
      side = -1;
      counted = false;
    }
    this.scheduleWaits(slot, nowUs);
  }

  private reviewSide(slot: number, side: number, nowUs: number): void {
    const hole = this.hole(slot, side);
    const waiting = this.has(slot, WAITING << side);
    if (hole === HOLE_NONE) {
      this.unset(slot, (WAITING | WAITING_ACKED) << side);
      return;
    }
    if (waiting && (hole === HOLE_ACKED) === this.has(slot, WAITING_ACKED << side)) return;
    this.set(slot, WAITING << side);
    if (hole === HOLE_ACKED) this.set(slot, WAITING_ACKED << side);
    else this.unset(slot, WAITING_ACKED << side);
    this.waitUs[slot * 2 + side] = nowUs;
    this.waitMark[slot * 2 + side] = hole === HOLE_ACKED ? this.acked(slot, side) : this.lastSeen(slot, side);
    const shift = side * 16;
    const packets = Math.min(this.options.reorderPackets + 1, WAIT_PACKETS_MAX);
    const at = slot * FLOW_WORDS + WAIT_PACKETS;
    this.words[at] = ((this.words[at] as number) & ~(0xffff << shift)) | (packets << shift);
  }

  /** One packet less to wait for; false when that was the last. */
  private passPacket(slot: number, side: number): boolean {
    const at = slot * FLOW_WORDS + WAIT_PACKETS;
    const shift = side * 16;
    const left = (((this.words[at] as number) >>> shift) & 0xffff) - 1;
    this.words[at] = ((this.words[at] as number) & ~(0xffff << shift)) | (left << shift);
    return left > 0;
  }

  private deadlineUs(slot: number, side: number): number {
    if (!this.has(slot, WAITING << side)) return Number.POSITIVE_INFINITY;
    const limitUs = this.has(slot, WAITING_ACKED << side) ? this.options.reorderUs : this.options.holeUs;
    return (this.waitUs[slot * 2 + side] as number) + limitUs;
  }

  private scheduleWaits(slot: number, nowUs: number): void {
    const dueUs = Math.min(this.deadlineUs(slot, 0), this.deadlineUs(slot, 1));
    if (dueUs === Number.POSITIVE_INFINITY) this.waits.cancel(slot);
    else this.waits.schedule(slot, dueUs, nowUs);
  }

  /** Declares lost what has waited too long. */
  settle(slot: number, nowUs: number): void {
    if (!this.has(slot, WAITING * 3)) return;
    for (;;) {
      const side = this.deadlineUs(slot, 0) <= this.deadlineUs(slot, 1) ? 0 : 1;
      if (this.deadlineUs(slot, side) > nowUs) return;
      this.release(slot, side, nowUs);
      this.review(slot, nowUs, false);
    }
  }

  /** Settles a flow whose wait is over at `nowUs`, and answers it; -1 when there is none. */
  settleNext(nowUs: number): number {
    const slot = this.waits.take(nowUs);
    if (slot < 0) return -1;
    this.settle(slot, nowUs);
    if (!this.has(slot, IGNORED)) this.scheduleWaits(slot, nowUs);
    return slot;
  }

  /** Number behind the last byte held of a side, or its FIN. */
  private lastSeen(slot: number, side: number): number {
    const last = this.held.end(slot, side, this.next(slot, side));
    if (!this.has(slot, FIN << side)) return last;
    const fin = this.finSeq(slot, side);
    return seqDiff(fin, last) > 0 ? fin : last;
  }

  /** Gives up all holes of a side that have waited as long as the first one. */
  private release(slot: number, side: number, nowUs: number): void {
    const kind = this.hole(slot, side);
    const mark = this.waitMark[slot * 2 + side] as number;
    do this.releaseHole(slot, side, nowUs);
    while (
      !this.has(slot, IGNORED) &&
      this.hole(slot, side) !== HOLE_NONE &&
      this.hole(slot, side) >= kind &&
      seqDiff(mark, this.next(slot, side)) > 0
    );
  }

  /** Gives up the hole in front of a side, as far as it is acknowledged or up to the next held byte; then drains. */
  private releaseHole(slot: number, side: number, nowUs: number): void {
    const hole = this.hole(slot, side);
    if (hole === HOLE_NONE) {
      this.unset(slot, WAITING << side);
      return;
    }
    const next = this.next(slot, side);
    const page = this.held.head(slot, side);
    const acked = this.acked(slot, side);
    let tsUs = nowUs - this.clock.aheadUs;
    let to = acked;
    let lostBytes = this.revokeGuess(slot, side);
    if (page !== PAGE_NONE) {
      tsUs = this.pages.tsUs[page] as number;
      const seq = this.pages.seq[page] as number;
      if (hole === HOLE_UNACKED || seqDiff(acked, seq) > 0) to = seq;
    } else if (this.has(slot, FIN << side) && !this.has(slot, FIN_DONE << side)) {
      to = this.finSeq(slot, side);
    } else {
      // Nothing of this side lies beyond: the last number may have been its FIN, which is not a byte.
      this.set(slot, FIN_GUESSED << side);
      lostBytes -= 1;
    }
    lostBytes += seqDiff(to, next);
    this.setNext(slot, side, to);
    this.gap(slot, side, lostBytes, tsUs);
    this.drain(slot);
  }

  /** More follows what was taken for a FIN: 1, for it was a byte; 0 when there was no guess. */
  private revokeGuess(slot: number, side: number): number {
    if (!this.has(slot, FIN_GUESSED << side)) return 0;
    this.unset(slot, FIN_GUESSED << side);
    return 1;
  }

  /** Empties the flow's pages: holes before held bytes become gaps at once. */
  letGo(slot: number, nowUs: number): void {
    this.drain(slot);
    while (this.held.count(slot) > 0 && !this.has(slot, IGNORED)) {
      const side = this.firstHole(slot);
      if (this.hole(slot, side) !== HOLE_NONE) this.releaseHole(slot, side, nowUs);
      // Held bytes in front of which nothing is missing are next: whatever they waited for, the loop advances.
      else this.shift(slot, this.held.head(slot, 0) === PAGE_NONE ? 1 : 0);
    }
  }

  /** Gives up every hole in front of `seq` and of what it depends on, so that `seq` can be handed on. */
  makeNext(slot: number, side: number, seq: number, dependsOn: number, tsUs: number): void {
    const distance = seqDiff(seq, this.next(slot, side));
    if (distance >= 0) {
      this.setNext(slot, side, seq);
      this.gap(slot, side, distance + this.revokeGuess(slot, side), tsUs);
    }
    const other = 1 - side;
    if (this.has(slot, IGNORED) || !this.isBlocked(slot, side, dependsOn)) return;
    const lostOfOther = this.revokeGuess(slot, other) + seqDiff(dependsOn, this.next(slot, other));
    this.setNext(slot, other, dependsOn);
    this.gap(slot, other, lostOfOther, tsUs);
  }

  /** The side whose hole comes first in the conversation: that with the earlier capture behind it. */
  private firstHole(slot: number): number {
    if (this.hole(slot, 0) === HOLE_NONE) return 1;
    if (this.hole(slot, 1) === HOLE_NONE) return 0;
    const page0 = this.held.head(slot, 0);
    const page1 = this.held.head(slot, 1);
    if (page0 === PAGE_NONE) return 0;
    if (page1 === PAGE_NONE) return 1;
    const order0 = this.pages.order[page0] as number;
    const order1 = this.pages.order[page1] as number;
    return ((order0 - order1) | 0) < 0 ? 0 : 1;
  }

  /** Hands on what is left, then reports the end. */
  finish(slot: number, reason: FlowEnd, nowUs: number): void {
    const tsUs = nowUs - this.clock.aheadUs;
    if (!this.isCalm(slot) || this.has(slot, FIN_GUESSED * 3)) this.releaseAll(slot, nowUs, tsUs);
    this.held.clear(slot);
    this.waits.cancel(slot);
    if (this.has(slot, REPORTED)) this.receiver.onEnd(slot, reason, tsUs);
    this.unset(slot, REPORTED | (WAITING * 3) | (WAITING_ACKED * 3));
  }

  private releaseAll(slot: number, nowUs: number, tsUs: number): void {
    this.letGo(slot, nowUs);
    for (let side = 0; side < 2; side++) {
      while (!this.has(slot, IGNORED) && this.hole(slot, side) !== HOLE_NONE) this.releaseHole(slot, side, nowUs);
      // Without any FIN of the peer, a guessed FIN is more likely the last byte of a message.
      const guessed = this.has(slot, FIN_GUESSED << side) && !this.has(slot, FIN << (1 - side));
      if (guessed && !this.has(slot, IGNORED)) this.gap(slot, side, 1, tsUs);
    }
  }
}
