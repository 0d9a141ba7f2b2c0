/** What the numbers of SYN and SYN-ACK say: whether one answers, copies or supersedes another (DESIGN.md). */
import { seqAdd, seqDiff } from '../base/seq.ts';
import type { PacketView } from '../contracts/view.ts';
import { FlowState } from './flow-state.ts';
import { FLOW_WORDS, ISN_KNOWN, STATE_MASK, SUSPECT, SUSPECT_SEQ, SUSPECT_SIDE } from './flow-words.ts';
import { STATE_CLOSED } from './states.ts';

/** Bytes of the client that the server's first packet may acknowledge although they were not seen yet. */
const EARLY_BYTES = 65_536;

export class Opening extends FlowState {
  /** The packet acknowledges the client's SYN, and nothing that the client has not sent. */
  answersSyn(slot: number, side: number, view: PacketView): boolean {
    const client = 1 - side;
    return seqDiff(view.ack, this.isn(slot, client)) > 0 && seqDiff(view.ack, this.next(slot, client)) <= 0;
  }

  /** As `answersSyn`, for what the server sends next: it may acknowledge bytes that the mirror has not delivered yet. */
  followsSyn(slot: number, side: number, view: PacketView): boolean {
    const acked = seqDiff(view.ack, this.isn(slot, 1 - side));
    return acked > 0 && acked <= EARLY_BYTES;
  }

  /** A SYN with the number that this side began with. */
  isCopy(slot: number, side: number, view: PacketView): boolean {
    return this.has(slot, ISN_KNOWN << side) && view.seq === this.isn(slot, side);
  }

  /** Notes a SYN inside a living flow: a new connection, or somebody's forgery; what follows will tell. */
  suspect(slot: number, side: number, view: PacketView): void {
    const w = slot * FLOW_WORDS;
    this.words[w] = ((this.words[w] as number) & ~SUSPECT_SIDE) | SUSPECT | (side === 1 ? SUSPECT_SIDE : 0);
    this.words[w + SUSPECT_SEQ] = view.seq;
  }

  isSuspect(slot: number, side: number): boolean {
    return this.has(slot, SUSPECT) && this.has(slot, SUSPECT_SIDE) === (side === 1);
  }

  /** The sender of a suspected SYN goes on behind it. */
  continuesSuspect(slot: number, side: number, view: PacketView): boolean {
    if (!this.isSuspect(slot, side)) return false;
    return view.seq === seqAdd(this.suspectSeq(slot), 1);
  }

  /** The sender goes on with the old connection: it has not started a new one. */
  unsuspect(slot: number): void {
    this.unset(slot, SUSPECT);
  }

  /** Number of the suspected SYN. */
  suspectSeq(slot: number): number {
    return this.words[slot * FLOW_WORDS + SUSPECT_SEQ] as number;
  }

  /** A SYN-ACK for a suspected SYN, or, in an ended flow, one that is no copy. */
  confirms(slot: number, side: number, view: PacketView): boolean {
    if (this.isSuspect(slot, 1 - side) && view.ack === seqAdd(this.suspectSeq(slot), 1)) return true;
    const state = (this.words[slot * FLOW_WORDS] as number) & STATE_MASK;
    return state === STATE_CLOSED && !this.isCopy(slot, side, view);
  }
}
