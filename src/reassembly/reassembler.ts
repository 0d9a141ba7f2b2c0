/**
 * From TCP segments to flows and their bytes: the flow table, the state machine of each connection, its timers, and
 * reassembly behind one `push`. DESIGN.md tells the rules.
 */
import { seqAdd } from '../base/seq.ts';
import { int32Table } from '../base/table-memory.ts';
import {
  FLOW_END_EVICTED,
  FLOW_END_FIN,
  FLOW_END_REUSED,
  FLOW_END_RST,
  FLOW_END_SOURCE,
  FLOW_END_TIMEOUT,
  type FlowEnd,
  type StreamReceiver,
} from '../contracts/stream.ts';
import { type PacketView, TCP_PSH } from '../contracts/view.ts';
import { FLOW_NONE, FlowTable } from '../flow/table.ts';
import { TimerWheel } from '../flow/wheel.ts';
import { Clock } from './clock.ts';
import { FlowFacts } from './flow-facts.ts';
import {
  CLIENT,
  CLIENT_KNOWN,
  FLOW_WORDS,
  ISN_KNOWN,
  MIDSTREAM,
  REPORTED,
  SEEN,
  STATE_MASK,
  SUSPECT,
} from './flow-words.ts';
import { Opening } from './opening.ts';
import {
  newReassemblyCounters,
  REASSEMBLY_DEFAULTS,
  type ReassemblyCounters,
  type ReassemblyOptions,
} from './options.ts';
import { OverlapChooser } from './overlap.ts';
import { pairHash } from './shards.ts';
import {
  ACTION_ANSWER,
  ACTION_CONFIRM,
  ACTION_DATA,
  ACTION_OPEN,
  ACTION_PICKUP,
  ACTION_REOPEN,
  ACTION_RESET,
  ACTION_SUSPECT,
  EVENT_BAD,
  EVENT_PLAIN,
  EVENT_SYN_ACK,
  eventOf,
  FROM_CLIENT,
  FROM_SERVER,
  STATE_CLOSED,
  STATE_CLOSING,
  STATE_ESTABLISHED,
  STATE_NEW,
  STATE_SYN_SENT,
  transition,
} from './states.ts';
import { Streams } from './streams.ts';

/** Timers are looked at once this much packet time has passed. */
const TIMER_US = 1000;
/** Packet time may run back this far, between interfaces or files, before it counts as another time altogether. */
const FALLBACK_US = 60_000_000;
const IDLE_TICK_US = 1_000_000;
const IDLE_BUCKETS = 16_384;
/** Flows looked at for one eviction; those that were active since they were scheduled get a second chance. */
const EVICT_TRIES = 16;

export class Reassembler extends FlowFacts {
  readonly counters: ReassemblyCounters = newReassemblyCounters();
  private readonly options: ReassemblyOptions;
  private readonly idle: TimerWheel;
  private readonly streams: Streams;
  private readonly opening: Opening;
  private readonly clock = new Clock();
  private timersUs = 0;
  /** Slot of the flow that the last pushed packet belongs to; -1 for none. */
  lastSlot: number = FLOW_NONE;
  /** The last pushed packet belongs to another shard. */
  lastForeign = false;

  /** Takes all its memory at once. Throws a RangeError when `flowsMax` is out of range. */
  constructor(options: Partial<ReassemblyOptions> = {}) {
    const all = { ...REASSEMBLY_DEFAULTS, ...options };
    const { flowsMax, hashSeed } = all;
    super(new FlowTable(flowsMax, hashSeed), int32Table(flowsMax * FLOW_WORDS));
    this.options = all;
    this.opening = new Opening(this.words);
    this.idle = new TimerWheel(flowsMax, IDLE_TICK_US, IDLE_BUCKETS);
    this.streams = new Streams(this.words, all, this.counters, this.clock, new OverlapChooser(this.table, all.overlap));
  }

  /** Who is told of bytes, gaps and ends. Set it before the first packet: without one every flow is ignored. */
  setReceiver(receiver: StreamReceiver): void {
    this.streams.setReceiver(receiver);
  }

  /** Flows in the table, and the pages that they hold. */
  get flows(): number {
    return this.table.size;
  }

  get pagesHeld(): number {
    return this.streams.pagesHeld;
  }

  /** Bytes of memory a flow costs, held pages apart. */
  get bytesPerFlow(): number {
    return (this.table.bytes + this.idle.bytes + this.streams.flowBytes) / this.table.capacity;
  }

  /** Takes a decoded segment; its bytes are borrowed for the call. */
  push(view: PacketView): void {
    this.counters.packets++;
    this.lastSlot = FLOW_NONE;
    this.advance(view.tsUs);
    this.lastForeign = this.options.shardCount > 1 && !this.isOwn(view);
    if (this.lastForeign) {
      this.counters.foreignPackets++;
      return;
    }
    const event = eventOf(view.flags);
    if (event === EVENT_BAD) {
      this.counters.badFlags++;
      return;
    }
    this.counters.payloadBytes += view.payloadBytes;
    let flow = this.table.find(view);
    if (flow !== FLOW_NONE && this.clock.nowUs - this.table.lastUs(flow >> 1) >= this.timeoutUs(flow >> 1)) {
      this.expire(flow >> 1);
      flow = FLOW_NONE;
    }
    if (flow === FLOW_NONE) this.begin(view, event);
    else this.step(flow >> 1, flow & 1, view, event);
  }

  /** Lets packet time pass without a packet: timers run. */
  advance(tsUs: number): void {
    const nowUs = tsUs + this.clock.aheadUs;
    if (nowUs > this.clock.nowUs) this.setClock(nowUs);
    else if (nowUs < this.clock.nowUs - FALLBACK_US) this.fallBack(tsUs);
  }

  /** The source is over: every flow ends, what is held is handed on. `tsUs` 0: at the time of the last packet. */
  flush(tsUs: number): void {
    if (tsUs > 0) this.advance(tsUs);
    for (let slot = 0; slot < this.table.slotsUsed; slot++) {
      if (this.idle.isScheduled(slot)) this.remove(slot, FLOW_END_SOURCE, this.clock.nowUs);
    }
  }

  private isOwn(view: PacketView): boolean {
    return pairHash(view) % this.options.shardCount === this.options.shardIndex;
  }

  private setClock(nowUs: number): void {
    this.clock.nowUs = nowUs;
    if (nowUs < this.timersUs) return;
    this.timersUs = nowUs + TIMER_US;
    for (let slot = this.streams.settleNext(nowUs); slot >= 0; slot = this.streams.settleNext(nowUs)) {
      if (this.streams.complete(slot)) this.close(slot, FLOW_END_FIN, nowUs);
    }
    for (let slot = this.idle.take(nowUs); slot >= 0; slot = this.idle.take(nowUs)) {
      const dueUs = this.table.lastUs(slot) + this.timeoutUs(slot);
      if (dueUs > nowUs) this.idle.schedule(slot, dueUs, nowUs);
      else this.expire(slot);
    }
  }

  /** A clock was set back, or an older capture follows: timers go on from where they are. */
  private fallBack(tsUs: number): void {
    this.clock.aheadUs = this.clock.nowUs - tsUs;
  }

  private state(slot: number): number {
    return (this.words[slot * FLOW_WORDS] as number) & STATE_MASK;
  }

  private timeoutUs(slot: number): number {
    const flags = this.words[slot * FLOW_WORDS] as number;
    switch (flags & STATE_MASK) {
      case STATE_ESTABLISHED:
        return (flags & (SEEN * 3)) === SEEN * 3 ? this.options.establishedUs : this.options.oneWayUs;
      case STATE_CLOSING:
        return this.options.closingUs;
      case STATE_CLOSED:
        return this.options.closedUs;
      default:
        return this.options.halfOpenUs;
    }
  }

  /** Times out: at its deadline, whenever that is noticed. */
  private expire(slot: number): void {
    this.remove(slot, FLOW_END_TIMEOUT, this.table.lastUs(slot) + this.timeoutUs(slot));
  }

  private remove(slot: number, reason: FlowEnd, nowUs: number): void {
    if (this.state(slot) !== STATE_CLOSED) this.finish(slot, reason, nowUs);
    this.idle.cancel(slot);
    this.table.remove(slot);
  }

  private finish(slot: number, why: FlowEnd, nowUs: number): void {
    // The end was seen, even if not all bytes before it were.
    const reason = this.streams.bothFins(slot) ? FLOW_END_FIN : why;
    const counters = this.counters;
    const flags = this.words[slot * FLOW_WORDS] as number;
    if ((flags & (SEEN * 3)) !== SEEN * 3) counters.oneWayFlows++;
    if (reason === FLOW_END_FIN) counters.endedFin++;
    else if (reason === FLOW_END_RST) counters.endedRst++;
    else if (reason === FLOW_END_TIMEOUT) counters.endedTimeout++;
    else if (reason === FLOW_END_EVICTED) counters.endedEvicted++;
    else if (reason === FLOW_END_REUSED) counters.endedReused++;
    else counters.endedSource++;
    this.streams.finish(slot, reason, nowUs);
  }

  /** Ends a flow that keeps its slot for a while. */
  private close(slot: number, reason: FlowEnd, nowUs: number): void {
    this.finish(slot, reason, nowUs);
    this.setState(slot, STATE_CLOSED);
  }

  private setState(slot: number, state: number): void {
    const w = slot * FLOW_WORDS;
    const old = (this.words[w] as number) & STATE_MASK;
    if (old === state) return;
    this.words[w] = ((this.words[w] as number) & ~STATE_MASK) | state;
    // Towards longer timeouts the wheel finds out by itself.
    if (state >= STATE_CLOSING || old > state)
      this.idle.schedule(slot, this.clock.nowUs + this.timeoutUs(slot), this.clock.nowUs);
  }

  private evict(): void {
    let slot = this.idle.earliest();
    for (let tries = 0; tries < EVICT_TRIES; tries++) {
      const dueUs = this.table.lastUs(slot) + this.timeoutUs(slot);
      if (dueUs <= this.idle.earliestUs) break;
      this.idle.schedule(slot, dueUs, this.clock.nowUs);
      slot = this.idle.earliest();
    }
    const state = this.state(slot);
    const isConnection = state === STATE_ESTABLISHED || state === STATE_CLOSING || this.has(slot, REPORTED);
    if (isConnection && state !== STATE_CLOSED) this.counters.evictedConnections++;
    this.remove(slot, FLOW_END_EVICTED, this.clock.nowUs);
  }

  /** A packet of no known flow. */
  private begin(view: PacketView, event: number): void {
    const word = transition(STATE_NEW, event, FROM_CLIENT);
    const action = word & 0x0f;
    if (action !== ACTION_OPEN && action !== ACTION_ANSWER && !isPickup(view, action)) {
      this.counters.strayPackets++;
      return;
    }
    let flow = this.table.insert(view);
    if (flow === FLOW_NONE) {
      this.evict();
      flow = this.table.insert(view);
    }
    const slot = flow >> 1;
    this.lastSlot = slot;
    this.table.touch(slot, this.clock.nowUs);
    this.start(slot, flow & 1, view, event);
    this.idle.schedule(slot, this.clock.nowUs + this.timeoutUs(slot), this.clock.nowUs);
  }

  /** First packet of a flow in a slot whose table entry is set. */
  private start(slot: number, side: number, view: PacketView, event: number): void {
    const word = transition(STATE_NEW, event, FROM_CLIENT);
    const action = word & 0x0f;
    this.counters.flows++;
    const client = action === ACTION_ANSWER ? 1 - side : side;
    let flags = client === 1 ? CLIENT : 0;
    if (action === ACTION_PICKUP) {
      flags |= MIDSTREAM;
      this.counters.midstreamFlows++;
    } else {
      flags |= CLIENT_KNOWN;
    }
    this.streams.open(slot, flags | STATE_NEW);
    if (action !== ACTION_PICKUP) this.streams.setIsn(slot, side, view.seq);
    // A SYN-ACK acknowledges the SYN that was not seen.
    if (action === ACTION_ANSWER) this.streams.setIsn(slot, client, seqAdd(view.ack, -1));
    this.data(slot, side, view, word >> 4);
  }

  /** A packet of a known flow. */
  private step(slot: number, side: number, view: PacketView, event: number): void {
    this.lastSlot = slot;
    const flags = this.words[slot * FLOW_WORDS] as number;
    const state = flags & STATE_MASK;
    if (state !== STATE_CLOSED) this.table.touch(slot, this.clock.nowUs);
    if (state === STATE_ESTABLISHED && event === EVENT_PLAIN && (flags & SUSPECT) === 0) {
      if (this.streams.segment(slot, side, view)) this.close(slot, FLOW_END_FIN, this.clock.nowUs);
      return;
    }
    const from = side === ((flags & CLIENT) === 0 ? 0 : 1) ? FROM_CLIENT : FROM_SERVER;
    const word = transition(state, event, from);
    switch (word & 0x0f) {
      case ACTION_DATA:
        if (state === STATE_SYN_SENT && from === FROM_SERVER && !this.opening.followsSyn(slot, side, view)) break;
        if (this.opening.continuesSuspect(slot, side, view)) {
          this.reopenMissed(slot, side, view);
          return;
        }
        // A host that sends the old connection's data has not started a new one.
        if (this.opening.isSuspect(slot, side) && view.payloadBytes > 0) this.opening.unsuspect(slot);
        this.data(slot, side, view, word >> 4);
        return;
      case ACTION_ANSWER:
        if (event === EVENT_SYN_ACK && !this.opening.answersSyn(slot, side, view)) break;
        if (!this.streams.mayBegin(slot, side, view.seq)) break;
        this.streams.setIsn(slot, side, view.seq);
        this.data(slot, side, view, word >> 4);
        return;
      case ACTION_REOPEN:
        if (this.opening.isCopy(slot, side, view)) break;
        this.restart(slot, side, view, event);
        return;
      case ACTION_SUSPECT:
        if (!this.opening.isCopy(slot, side, view)) this.opening.suspect(slot, side, view);
        break;
      case ACTION_CONFIRM:
        if (!this.opening.confirms(slot, side, view)) {
          if (this.has(slot, ISN_KNOWN << (1 - side)) && this.opening.answersSyn(slot, side, view))
            this.streams.answerLate(slot, side, view.seq);
          break;
        }
        this.restart(slot, side, view, event);
        return;
      case ACTION_RESET:
        if (this.streams.resetAcceptable(slot, side, view)) this.close(slot, FLOW_END_RST, this.clock.nowUs);
        else this.counters.resetsIgnored++;
        return;
    }
    this.counters.ignoredPackets++;
    this.streams.countCopy(slot, side, view);
  }

  private data(slot: number, side: number, view: PacketView, next: number): void {
    const complete = this.streams.segment(slot, side, view);
    // A FIN whose number cannot be is nobody's, or it would let the next SYN replace a living connection.
    if (next !== STATE_CLOSING || this.streams.anyFin(slot)) this.setState(slot, next);
    if (complete) this.close(slot, FLOW_END_FIN, this.clock.nowUs);
  }

  private restart(slot: number, side: number, view: PacketView, event: number): void {
    this.endReused(slot, view);
    this.start(slot, side, view, event);
    this.idle.schedule(slot, this.clock.nowUs + this.timeoutUs(slot), this.clock.nowUs);
  }

  /** As `restart`, by the packet after a SYN whose answer was not seen. */
  private reopenMissed(slot: number, side: number, view: PacketView): void {
    const isn = this.opening.suspectSeq(slot);
    this.endReused(slot, view);
    this.counters.flows++;
    this.streams.open(slot, (side === 1 ? CLIENT : 0) | CLIENT_KNOWN | STATE_SYN_SENT);
    this.streams.setIsn(slot, side, isn);
    this.data(slot, side, view, STATE_ESTABLISHED);
    this.idle.schedule(slot, this.clock.nowUs + this.timeoutUs(slot), this.clock.nowUs);
  }

  private endReused(slot: number, view: PacketView): void {
    if (this.state(slot) !== STATE_CLOSED) this.finish(slot, FLOW_END_REUSED, this.clock.nowUs);
    this.table.restart(slot, view);
    this.table.touch(slot, this.clock.nowUs);
  }
}

/** Whether a packet without handshake starts a flow: only real payload does, a keep-alive's one byte does not. */
function isPickup(view: PacketView, action: number): boolean {
  if (action !== ACTION_PICKUP || view.payloadBytes === 0) return false;
  return view.payloadBytes > 1 || (view.flags & TCP_PSH) !== 0;
}
