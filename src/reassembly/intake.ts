/**
 * The payload of a segment that is not simply the next one: what of it is new goes on or into pages, and where it
 * overlaps held bytes the receiver's policy decides.
 */
import { seqAdd, seqDiff } from '../base/seq.ts';
import type { PacketView } from '../contracts/view.ts';
import type { Delivery } from './delivery.ts';
import { FIN, FIN_SEQ, FLOW_WORDS, IGNORED, SIDE_WORDS, SIDES } from './flow-words.ts';
import type { ReassemblyCounters } from './options.ts';
import { PAGE_NONE } from './pages.ts';

export class Intake {
  private readonly words: Int32Array;
  private readonly delivery: Delivery;
  private readonly counters: ReassemblyCounters;

  constructor(words: Int32Array, delivery: Delivery, counters: ReassemblyCounters) {
    this.words = words;
    this.delivery = delivery;
    this.counters = counters;
  }

  /** Delivers or holds the payload's bytes that are new. */
  take(slot: number, side: number, seq: number, dependsOn: number, view: PacketView, nowUs: number): void {
    const delivery = this.delivery;
    let end = seqAdd(seq, view.payloadBytes);
    if (delivery.has(slot, FIN << side)) {
      const fin = this.words[slot * FLOW_WORDS + SIDES + side * SIDE_WORDS + FIN_SEQ] as number;
      // Nothing lies behind a FIN.
      if (seqDiff(end, fin) > 0) end = fin;
    }
    this.meet(slot, side, seq, end, dependsOn, view, nowUs);
    let at = seq;
    while (!delivery.has(slot, IGNORED)) {
      const next = delivery.next(slot, side);
      if (seqDiff(next, at) > 0) {
        this.counters.duplicateBytes += Math.max(0, Math.min(seqDiff(next, at), seqDiff(end, at)));
        at = next;
      }
      if (seqDiff(end, at) <= 0) return;
      if (at === next && !delivery.isBlocked(slot, side, dependsOn)) {
        at = this.pass(slot, side, seq, at, end, view);
      } else {
        const reached = this.hold(slot, side, seq, at, end, dependsOn, view);
        if (reached === end) return;
        this.counters.heldOverflows++;
        delivery.letGo(slot, nowUs);
        at = reached;
        if (!delivery.has(slot, IGNORED)) delivery.makeNext(slot, side, at, dependsOn, view.tsUs);
      }
    }
  }

  /** Settles, by the receiver's overlap policy, which held bytes give way to the segment's. */
  private meet(
    slot: number,
    side: number,
    seq: number,
    end: number,
    dependsOn: number,
    view: PacketView,
    nowUs: number,
  ): void {
    const { held } = this.delivery;
    if (held.head(slot, side) === PAGE_NONE) return;
    const next = this.delivery.next(slot, side);
    const from = seqDiff(next, seq) > 0 ? next : seq;
    if (seqDiff(end, from) <= 0) return;
    if (from === next && !this.delivery.isBlocked(slot, side, dependsOn)) {
      // Held until what they acknowledge is seen, but this copy of them does not acknowledge it.
      if (held.dependLess(slot, side, next, end, dependsOn)) this.delivery.drain(slot);
    }
    const start = view.payloadStart + seqDiff(from, seq);
    // Bytes that the snap length cut off replace nothing.
    const captured = view.payloadEnd - start;
    const to = seqDiff(end, from) > captured ? seqAdd(from, captured) : end;
    if (seqDiff(to, from) <= 0) return;
    if (held.giveWay(slot, side, this.delivery.next(slot, side), from, to, view.bytes, start)) return;
    this.counters.heldOverflows++;
    this.delivery.letGo(slot, nowUs);
  }

  /** Hands on the bytes from `at`, which is next, up to the first held one; then what they freed. Answers that end. */
  private pass(slot: number, side: number, seq: number, at: number, end: number, view: PacketView): number {
    const delivery = this.delivery;
    const page = delivery.held.head(slot, side);
    let stop = end;
    if (page !== PAGE_NONE && seqDiff(delivery.held.pages.seq[page] as number, end) < 0) {
      stop = delivery.held.pages.seq[page] as number;
    }
    const start = view.payloadStart + seqDiff(at, seq);
    const wanted = start + seqDiff(stop, at);
    const captured = Math.max(start, Math.min(wanted, view.payloadEnd));
    delivery.setNext(slot, side, stop);
    if (captured > start) delivery.deliver(slot, side, view.bytes, start, captured, view.tsUs);
    if (wanted > captured && !delivery.has(slot, IGNORED)) delivery.gap(slot, side, wanted - captured, view.tsUs);
    if (page !== PAGE_NONE) delivery.drain(slot);
    return stop;
  }

  private hold(
    slot: number,
    side: number,
    seq: number,
    at: number,
    end: number,
    dependsOn: number,
    view: PacketView,
  ): number {
    this.counters.heldSegments++;
    const start = Math.min(view.payloadStart + seqDiff(at, seq), view.payloadEnd);
    return this.delivery.held.insert(slot, side, at, end, view.bytes, start, view.payloadEnd, dependsOn, view.tsUs);
  }
}
