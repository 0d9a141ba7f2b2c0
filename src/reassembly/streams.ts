/**
 * The two byte streams of each flow: what a segment says of sequence numbers, acknowledgements and FINs. What it
 * brings goes straight on when it is the next in order, else by way of `Intake`; `Delivery` hands out the rest.
 */
import { seqAdd, seqDiff } from '../base/seq.ts';
import type { FlowEnd, StreamReceiver } from '../contracts/stream.ts';
import { type PacketView, TCP_ACK, TCP_FIN, TCP_SYN } from '../contracts/view.ts';
import type { Clock } from './clock.ts';
import { Delivery } from './delivery.ts';
import {
  ACKED,
  FAST_MASK,
  FAST_SET,
  FIN,
  FIN_DONE,
  FIN_GUESSED,
  FIN_SEQ,
  FLOW_WORDS,
  HEAD,
  HELD,
  IGNORED,
  ISN,
  ISN_KNOWN,
  KNOWN,
  NEXT,
  SEEN,
  SIDE_WORDS,
  SIDES,
  SOFT,
  STATE_MASK,
  TAIL,
} from './flow-words.ts';
import { Intake } from './intake.ts';
import type { ReassemblyCounters, ReassemblyOptions } from './options.ts';
import type { OverlapChooser } from './overlap.ts';
import { PAGE_NONE } from './pages.ts';
import { STATE_SYN_SENT } from './states.ts';

/** How far before a guessed start the first data of a side may lie. */
const SOFT_BYTES = 65_536;
/**
 * Bits that are set when an acknowledgement lies 2^30 or more behind what was handed on, or ahead of it: by half the
 * number space it would seem to lie ahead.
 */
const FAR_BITS: number = 0xc000_0000 | 0;
/** How far from the bytes seen the number of a believable RST may lie. */
const RESET_BYTES = 65_536;

export class Streams {
  private readonly words: Int32Array;
  private readonly delivery: Delivery;
  private readonly intake: Intake;
  private readonly options: ReassemblyOptions;
  private readonly counters: ReassemblyCounters;
  private readonly clock: Clock;

  constructor(
    words: Int32Array,
    options: ReassemblyOptions,
    counters: ReassemblyCounters,
    clock: Clock,
    overlap: OverlapChooser,
  ) {
    this.clock = clock;
    this.options = options;
    this.counters = counters;
    this.delivery = new Delivery(words, options, counters, clock, overlap);
    this.intake = new Intake(words, this.delivery, counters);
    this.words = words;
  }

  setReceiver(receiver: StreamReceiver): void {
    this.delivery.setReceiver(receiver);
  }

  /** Pages in use, of all flows. */
  get pagesHeld(): number {
    return this.options.pagesMax - this.delivery.held.pages.free;
  }

  /** Bytes of memory that grow with the number of flows. */
  get flowBytes(): number {
    return this.delivery.flowBytes;
  }

  /** As `Delivery.settleNext`. */
  settleNext(nowUs: number): number {
    return this.delivery.settleNext(nowUs);
  }

  /** Both sides have sent a FIN, reached or not. */
  bothFins(slot: number): boolean {
    return this.delivery.has(slot, FIN) && this.delivery.has(slot, FIN << 1);
  }

  finish(slot: number, reason: FlowEnd, nowUs: number): void {
    this.delivery.finish(slot, reason, nowUs);
  }

  /** A new flow in `slot`. */
  open(slot: number, flags: number): void {
    const w = slot * FLOW_WORDS;
    this.words[w] = flags;
    for (let word = 1; word < FLOW_WORDS; word++) this.words[w + word] = 0;
    for (let side = 0; side < 2; side++) {
      this.words[w + SIDES + side * SIDE_WORDS + HEAD] = PAGE_NONE;
      this.words[w + SIDES + side * SIDE_WORDS + TAIL] = PAGE_NONE;
    }
  }

  /** The side's first byte will be `isn + 1`. */
  setIsn(slot: number, side: number, isn: number): void {
    const block = slot * FLOW_WORDS + SIDES + side * SIDE_WORDS;
    this.words[block + ISN] = isn;
    this.words[block + NEXT] = seqAdd(isn, 1);
    this.words[block + ACKED] = seqAdd(isn, 1);
    this.words[slot * FLOW_WORDS] = (this.words[slot * FLOW_WORDS] as number) | ((KNOWN | ISN_KNOWN) << side);
  }

  /** A SYN-ACK behind the packets that it made possible: what was guessed of its side becomes exact. */
  answerLate(slot: number, side: number, isn: number): void {
    if (this.delivery.has(slot, SEEN << side) && !this.delivery.has(slot, SOFT << side)) return;
    const acked = this.words[slot * FLOW_WORDS + SIDES + side * SIDE_WORDS + ACKED] as number;
    this.setIsn(slot, side, isn);
    if (seqDiff(acked, isn) > 0) this.words[slot * FLOW_WORDS + SIDES + side * SIDE_WORDS + ACKED] = acked;
    this.delivery.set(slot, SEEN << side);
    this.delivery.unset(slot, SOFT << side);
  }

  /** Acknowledgement, payload and FIN of a segment. True when both directions have ended. */
  segment(slot: number, side: number, view: PacketView): boolean {
    const words = this.words;
    const w = slot * FLOW_WORDS;
    const mine = w + SIDES + side * SIDE_WORDS;
    const theirs = w + SIDES + SIDE_WORDS - side * SIDE_WORDS;
    if (((words[w] as number) & FAST_MASK) === FAST_SET && (view.flags & (TCP_FIN | TCP_SYN)) === 0) {
      const ack = view.ack;
      if (((ack - (words[theirs + NEXT] as number)) | 0) <= 0) {
        const count = view.payloadBytes;
        const inOrder =
          view.seq === words[mine + NEXT] && ((view.seq - (words[mine + ACKED] as number)) & FAR_BITS) === 0;
        if (inOrder && view.payloadEnd - view.payloadStart === count) {
          if (((ack - (words[theirs + ACKED] as number)) | 0) > 0) words[theirs + ACKED] = ack;
          if (count === 0) return false;
          words[mine + NEXT] = (view.seq + count) | 0;
          this.delivery.deliver(slot, side, view.bytes, view.payloadStart, view.payloadEnd, view.tsUs);
          return false;
        }
      }
    }
    return this.disturbed(slot, side, view);
  }

  /** Any segment that is not simply the next one. */
  private disturbed(slot: number, side: number, view: PacketView): boolean {
    const nowUs = this.clock.nowUs;
    const words = this.words;
    const w = slot * FLOW_WORDS;
    this.keepNear(w + SIDES);
    this.keepNear(w + SIDES + SIDE_WORDS);
    this.delivery.settle(slot, nowUs);
    const seq = (view.flags & TCP_SYN) !== 0 ? seqAdd(view.seq, 1) : view.seq;
    this.learn(slot, side, seq, view);
    if (((words[w] as number) & IGNORED) !== 0) {
      this.skim(slot, side, seq, view);
      return this.complete(slot);
    }
    if (this.inWindow(slot, side, seq, view, nowUs)) {
      const dependsOn = this.acknowledge(slot, side, view);
      this.checkGuess(slot, side, seq, view);
      this.noteFin(slot, side, seq, view);
      if (view.payloadBytes > 0) {
        const before = this.counters.duplicateBytes;
        this.intake.take(slot, side, seq, dependsOn, view, nowUs);
        if (this.counters.duplicateBytes - before >= view.payloadBytes) this.counters.duplicateSegments++;
      }
      this.delivery.drain(slot);
      this.delivery.review(slot, nowUs, true);
    }
    return this.complete(slot);
  }

  /**
   * Where acknowledgements are not seen (one-way capture), what was handed on counts as acknowledged before its numbers
   * come round.
   */
  private keepNear(block: number): void {
    const words = this.words;
    const ahead = seqDiff(words[block + ACKED] as number, words[block + NEXT] as number);
    const isNear = ahead <= this.options.windowBytesMax + SOFT_BYTES && (ahead >= 0 || (-ahead & FAR_BITS) === 0);
    if (!isNear) words[block + ACKED] = words[block + NEXT] as number;
  }

  /** Sets up the sides that this segment tells something about. */
  private learn(slot: number, side: number, seq: number, view: PacketView): void {
    const words = this.words;
    const w = slot * FLOW_WORDS;
    const mine = w + SIDES + side * SIDE_WORDS;
    const theirs = w + SIDES + SIDE_WORDS - side * SIDE_WORDS;
    let flags = words[w] as number;
    if ((flags & (KNOWN << side)) === 0) {
      words[mine + NEXT] = seq;
      words[mine + ACKED] = seq;
      flags |= (KNOWN | SOFT) << side;
    }
    if ((flags & (SOFT << side)) !== 0 && view.payloadBytes > 0) {
      const before = seqDiff(words[mine + NEXT] as number, seq);
      if (before > 0 && before <= SOFT_BYTES) words[mine + NEXT] = seq;
    }
    flags |= SEEN << side;
    const other = 1 - side;
    if ((flags & (KNOWN << other)) === 0 && (view.flags & TCP_ACK) !== 0) {
      words[theirs + NEXT] = view.ack;
      words[theirs + ACKED] = view.ack;
      flags |= KNOWN << other;
      // The client's acknowledgement of an unseen SYN-ACK names the exact first byte.
      if ((flags & STATE_MASK) !== STATE_SYN_SENT) flags |= SOFT << other;
    }
    words[w] = flags;
  }

  /** An ignored flow costs no more than following its numbers, for RST, FIN and reuse. */
  private skim(slot: number, side: number, seq: number, view: PacketView): void {
    const words = this.words;
    const mine = slot * FLOW_WORDS + SIDES + side * SIDE_WORDS;
    let end = seqAdd(seq, view.payloadBytes);
    if ((view.flags & TCP_FIN) !== 0) {
      end = seqAdd(end, 1);
      this.delivery.set(slot, (FIN | FIN_DONE) << side);
    }
    if (seqDiff(end, words[mine + NEXT] as number) > 0) words[mine + NEXT] = end;
    this.counters.ignoredBytes += view.payloadBytes;
  }

  private inWindow(slot: number, side: number, seq: number, view: PacketView, nowUs: number): boolean {
    const words = this.words;
    const w = slot * FLOW_WORDS;
    const mine = w + SIDES + side * SIDE_WORDS;
    const distance = seqDiff(seq, words[mine + NEXT] as number);
    const shift = 16 + side * 8;
    if (distance <= this.options.windowBytesMax && distance >= -this.options.windowBytesMax) {
      words[w + HELD] = (words[w + HELD] as number) & ~(0xff << shift);
      return true;
    }
    this.counters.outOfWindow++;
    if (view.payloadBytes === 0) return false;
    const inRow = (((words[w + HELD] as number) >>> shift) & 0xff) + 1;
    words[w + HELD] = ((words[w + HELD] as number) & ~(0xff << shift)) | ((inRow & 0xff) << shift);
    if (inRow < this.options.resyncSegments) return false;
    // The direction went on elsewhere: an outage of the mirror, longer than the window.
    this.counters.resyncs++;
    words[w + HELD] = (words[w + HELD] as number) & ~(0xff << shift);
    this.delivery.letGo(slot, nowUs);
    if (!this.delivery.has(slot, IGNORED)) {
      this.delivery.gap(slot, side, seqDiff(seq, words[mine + NEXT] as number) >>> 0, view.tsUs);
      words[mine + NEXT] = seq;
      words[mine + ACKED] = seq;
    }
    return !this.delivery.has(slot, IGNORED);
  }

  /** Notes the acknowledgement; answers the number of the other side that this segment depends on. */
  private acknowledge(slot: number, side: number, view: PacketView): number {
    const words = this.words;
    const theirs = slot * FLOW_WORDS + SIDES + SIDE_WORDS - side * SIDE_WORDS;
    const next = words[theirs + NEXT] as number;
    if ((view.flags & TCP_ACK) === 0) return next;
    const ack = view.ack;
    const ahead = seqDiff(ack, next);
    if (ahead > this.options.windowBytesMax) {
      this.counters.outOfWindow++;
      if (!this.delivery.has(slot, SEEN << (1 - side))) {
        words[theirs + NEXT] = ack;
        words[theirs + ACKED] = ack;
      }
      return words[theirs + NEXT] as number;
    }
    if (seqDiff(ack, words[theirs + ACKED] as number) > 0) words[theirs + ACKED] = ack;
    // Half the number space behind, it could not be compared with what is ahead.
    return ahead > 0 ? ack : next;
  }

  /** Data at or behind a number that was taken for the FIN: it was a byte after all. */
  private checkGuess(slot: number, side: number, seq: number, view: PacketView): void {
    if (!this.delivery.has(slot, FIN_GUESSED << side)) return;
    const next = this.delivery.next(slot, side);
    const end = seqAdd(seq, view.payloadBytes);
    if (view.payloadBytes > 0 && seqDiff(end, next) >= 0) {
      this.delivery.unset(slot, FIN_GUESSED << side);
      if (seqDiff(seq, next) < 0) this.delivery.setNext(slot, side, seqAdd(next, -1));
      else this.delivery.gap(slot, side, 1, view.tsUs);
    } else if ((view.flags & TCP_FIN) !== 0 && seqDiff(end, next) >= 0) {
      this.delivery.unset(slot, FIN_GUESSED << side);
      this.delivery.gap(slot, side, 1, view.tsUs);
    }
  }

  private noteFin(slot: number, side: number, seq: number, view: PacketView): void {
    if ((view.flags & TCP_FIN) === 0 || this.delivery.has(slot, FIN << side)) return;
    const fin = seqAdd(seq, view.payloadBytes);
    const beyond = seqDiff(fin, this.delivery.next(slot, side));
    if (beyond >= 0) {
      this.delivery.set(slot, FIN << side);
    } else if (beyond === -1 && this.delivery.has(slot, FIN_GUESSED << side)) {
      this.delivery.unset(slot, FIN_GUESSED << side);
      this.delivery.set(slot, (FIN | FIN_DONE) << side);
    } else {
      return;
    }
    this.words[slot * FLOW_WORDS + SIDES + side * SIDE_WORDS + FIN_SEQ] = fin;
  }

  /** Counts a segment of an ended flow that brings nothing new. */
  countCopy(slot: number, side: number, view: PacketView): void {
    if (view.payloadBytes === 0 || !this.delivery.has(slot, SEEN << side)) return;
    if (seqDiff(seqAdd(view.seq, view.payloadBytes), this.delivery.next(slot, side)) > 0) return;
    this.counters.duplicateSegments++;
    this.counters.duplicateBytes += view.payloadBytes;
  }

  /** Both directions are over: reached their FIN, or one of them is taken to have. */
  complete(slot: number): boolean {
    const done0 = this.delivery.has(slot, FIN_DONE);
    const done1 = this.delivery.has(slot, FIN_DONE << 1);
    if (done0 && done1) return true;
    if (done0 && this.delivery.has(slot, FIN_GUESSED << 1)) return this.finAcked(slot, 0);
    if (done1 && this.delivery.has(slot, FIN_GUESSED)) return this.finAcked(slot, 1);
    return false;
  }

  private finAcked(slot: number, side: number): boolean {
    const block = slot * FLOW_WORDS + SIDES + side * SIDE_WORDS;
    return seqDiff(this.words[block + ACKED] as number, this.words[block + FIN_SEQ] as number) > 0;
  }

  /** Whether a RST of `side` is near enough to what is known of the flow to be believed (RFC 5961 §3). */
  resetAcceptable(slot: number, side: number, view: PacketView): boolean {
    const delivery = this.delivery;
    const other = 1 - side;
    if ((view.flags & TCP_ACK) !== 0 && delivery.has(slot, KNOWN << other)) {
      const ahead = seqDiff(view.ack, delivery.next(slot, other));
      const unseen = !delivery.has(slot, SEEN << side);
      const behindSyn = !delivery.has(slot, ISN_KNOWN << other) || seqDiff(view.ack, delivery.isn(slot, other)) > 0;
      // The answer of a closed port has no number of its own to be judged by, only what it acknowledges.
      if (unseen) return ahead <= 0 && ahead >= -RESET_BYTES && behindSyn;
    }
    if (!delivery.has(slot, KNOWN << side)) return false;
    const block = slot * FLOW_WORDS + SIDES + side * SIDE_WORDS;
    const last = delivery.held.end(slot, side, delivery.next(slot, side));
    if (seqDiff(view.seq, last) > RESET_BYTES) return false;
    const acked = this.words[block + ACKED] as number;
    const lowest = seqDiff(acked, delivery.next(slot, side)) < 0 ? acked : delivery.next(slot, side);
    return seqDiff(view.seq, lowest) >= 0;
  }
}
