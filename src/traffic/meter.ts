/**
 * The traffic meter: counts packets and bytes of every TCP connection and writes them down as status records, one a
 * connection and interval of the clock in which it was active (`contracts/traffic.ts`).
 *
 * It has a flow table of its own, because reassembly knows only connections worth following: a scan's probe or a lone
 * acknowledgement is traffic all the same. What reassembly and protocol detection know of a packet's flow is taken over.
 */

import type { Counters } from '../base/counters.ts';
import { seqDiff } from '../base/seq.ts';
import { floorTo, MINUTE_US, SECOND_US } from '../base/time.ts';
import type { FlowReader, Side } from '../contracts/stream.ts';
import {
  FLOW_CLASS_NAMES,
  FLOW_UNDECIDED,
  type FlowClass,
  type FlowClassifier,
  type FlowState,
  STATE_CONNECTED,
  STATE_CUT,
  STATE_FINISHED,
  STATE_REQUESTED,
  STATE_RESET,
  STATUS_ACK_DATA_US,
  STATUS_BYTES,
  STATUS_CLASS,
  STATUS_CLIENT,
  STATUS_FIRST_US,
  STATUS_FLAG_DIRECTED,
  STATUS_FLAG_FIRST,
  STATUS_FLAGS,
  STATUS_INTERFACE,
  STATUS_LAST_US,
  STATUS_PACKETS,
  STATUS_PAYLOAD,
  STATUS_PORTS,
  STATUS_RETRANSMITTED,
  STATUS_SERVER,
  STATUS_SESSION_US,
  STATUS_STATE,
  STATUS_SYN_ACK_US,
  STATUS_TUNNEL_ID,
  STATUS_TUNNEL_KIND,
  STATUS_VLAN,
  STATUS_WORDS,
  type StatusSink,
} from '../contracts/traffic.ts';
import { type PacketView, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../contracts/view.ts';
import { FLOW_NONE, FlowTable } from '../flow/table.ts';
import { TimerWheel } from '../flow/wheel.ts';

export interface MeterOptions {
  readonly flowsMax: number;
  /** Length of a status record at most; intervals are aligned to the clock. */
  readonly intervalUs: number;
  /** Connections without a packet for this long are forgotten: open ones, and all others. */
  readonly idleUs: number;
  readonly endedUs: number;
  /** Key of the table's hash. */
  readonly hashSeed: number;
}

const METER_DEFAULTS: MeterOptions = {
  flowsMax: 262_144,
  intervalUs: 5_000_000,
  idleUs: 3600_000_000,
  endedUs: 60_000_000,
  hashSeed: 0x7a11,
};

/** Packets that are older than the interval by up to this count as of its start (several interfaces, odd captures). */
const LATE_US = MINUTE_US;
const IDLE_TICK_US = SECOND_US;
const IDLE_BUCKETS = 4096;
/** Status records handed on at once. */
const BATCH_ROWS = 256;

/** Float64 words of a connection: of the interval, then of the connection as a whole. */
const TIMES = 10;
const FIRST = 0;
const LAST = 1;
const BYTES = 2;
const PAYLOAD = 4;
const SESSION = 6;
const SYN_US = 7;
const SYN_ACK_US = 8;
const ACK_US = 9;

/** Int32 words of a connection. */
const WORDS = 8;
const PACKETS = 0;
const RETRANSMITTED = 2;
const NEXT_SEQ = 4;
const FLAGS = 6;
const PARTS = 7;

const SEEN = 1; // << side
const FIN = 4; // << side
const SYN_SENT_SHIFT = 4;
const SYN_SENT = 16; // << side: the SYN without ACK
const RESET = 64;
const BEYOND_SYN = 128;
const CLIENT_SHIFT = 8; // 0: not known, else side + 1
const CLASS_SHIFT = 10;
const CLASS_MASK = 3;

export class TrafficMeter {
  private readonly counts = { connections: 0, statusRecords: 0, evicted: 0 };
  /** Payload bytes of the records so far, by `FlowClass`. */
  private readonly payloadByClass: number[] = FLOW_CLASS_NAMES.map(() => 0);
  private readonly options: MeterOptions;
  private readonly flows: FlowReader;
  private readonly classifier: FlowClassifier;
  private readonly sink: StatusSink;
  private readonly table: FlowTable;
  private readonly idle: TimerWheel;
  private readonly times: Float64Array;
  private readonly words: Int32Array;
  /** Slots with a packet in this interval, each once: `listed` says which are there. */
  private readonly active: Int32Array;
  private readonly listed: Uint8Array;
  private activeCount = 0;
  private intervalStartUs = 0;
  private intervalEndUs = 0;
  private rows = new Float64Array(BATCH_ROWS * STATUS_WORDS);
  private rowCount = 0;

  constructor(flows: FlowReader, classifier: FlowClassifier, sink: StatusSink, options: Partial<MeterOptions> = {}) {
    this.options = { ...METER_DEFAULTS, ...options };
    const { flowsMax } = this.options;
    this.flows = flows;
    this.classifier = classifier;
    this.sink = sink;
    this.table = new FlowTable(flowsMax, this.options.hashSeed);
    this.idle = new TimerWheel(flowsMax, IDLE_TICK_US, IDLE_BUCKETS);
    this.times = new Float64Array(flowsMax * TIMES);
    this.words = new Int32Array(flowsMax * WORDS);
    this.active = new Int32Array(flowsMax);
    this.listed = new Uint8Array(flowsMax);
  }

  /** `active` are the connections in the table; `databaseBytes` and so on are payload bytes by class. */
  counters(): Counters {
    const counters: Counters = { ...this.counts, active: this.table.size };
    for (const [flowClass, name] of FLOW_CLASS_NAMES.entries()) {
      counters[`${name}Bytes`] = this.payloadByClass[flowClass] ?? 0;
    }
    return counters;
  }

  /** Counts a segment, after reassembly had it; `flowSlot` is reassembly's slot, or -1. */
  count(view: PacketView, flowSlot: number): void {
    const { tsUs } = view;
    if (tsUs >= this.intervalEndUs || tsUs < this.intervalStartUs - LATE_US) this.turn(tsUs);
    let flow = this.table.find(view);
    if (flow === FLOW_NONE) flow = this.insert(view);
    const slot = flow >> 1;
    const side = (flow & 1) as Side;
    if (flowSlot >= 0) this.learn(slot, flowSlot, view);
    this.add(slot, side, view);
    this.classifier.settle();
  }

  /** Time passes though no packet came. */
  advance(tsUs: number): void {
    if (tsUs >= this.intervalEndUs) this.turn(tsUs);
  }

  /** The source is over: open connections are cut. */
  end(): void {
    this.closeInterval(true);
    this.emit();
  }

  /** Takes over what reassembly and protocol detection know of the packet's flow. */
  private learn(slot: number, flowSlot: number, view: PacketView): void {
    const t = slot * TIMES;
    const sessionUs = this.flows.firstTsUs(flowSlot);
    const known = this.times[t + SESSION] as number;
    if (known !== sessionUs) {
      // The same ends, another connection.
      if (known !== 0) this.restart(slot, view);
      this.times[t + SESSION] = sessionUs;
    }
    const w = slot * WORDS + FLAGS;
    const flags = this.words[w] as number;
    const flowClass = this.classifier.flowClass(flowSlot);
    if (flowClass !== FLOW_UNDECIDED) {
      this.words[w] = (flags & ~(CLASS_MASK << CLASS_SHIFT)) | (flowClass << CLASS_SHIFT);
    }
    if (((flags >> CLIENT_SHIFT) & 3) === 0) {
      const byProtocol = this.classifier.protocolClient(flowSlot);
      const client = byProtocol >= 0 ? byProtocol : this.flows.clientSide(flowSlot);
      if (client >= 0) this.words[w] = (this.words[w] as number) | ((client + 1) << CLIENT_SHIFT);
    }
  }

  private insert(view: PacketView): number {
    let flow = this.table.insert(view);
    if (flow === FLOW_NONE) {
      this.counts.evicted++;
      this.forget(this.idle.earliest(), true);
      flow = this.table.insert(view);
    }
    this.begin(flow >> 1);
    this.idle.schedule(flow >> 1, view.tsUs + this.options.endedUs, view.tsUs);
    return flow;
  }

  private begin(slot: number): void {
    this.counts.connections++;
    this.times.fill(0, slot * TIMES, slot * TIMES + TIMES);
    this.words.fill(0, slot * WORDS, slot * WORDS + WORDS);
  }

  private restart(slot: number, view: PacketView): void {
    if (this.isActive(slot)) this.write(slot, false);
    this.begin(slot);
    this.table.restart(slot, view);
  }

  private isActive(slot: number): boolean {
    const w = slot * WORDS + PACKETS;
    return this.words[w] !== 0 || this.words[w + 1] !== 0;
  }

  private add(slot: number, side: Side, view: PacketView): void {
    const { times, words } = this;
    const t = slot * TIMES;
    const w = slot * WORDS;
    const tsUs = Math.max(view.tsUs, this.intervalStartUs);
    if (this.listed[slot] === 0) {
      this.listed[slot] = 1;
      this.active[this.activeCount++] = slot;
    }
    if (!this.isActive(slot)) times[t + FIRST] = tsUs;
    times[t + LAST] = Math.max(times[t + LAST] as number, tsUs);
    this.table.touch(slot, tsUs);
    words[w + PACKETS + side] = (words[w + PACKETS + side] as number) + 1;
    times[t + BYTES + side] = (times[t + BYTES + side] as number) + view.wireBytes;
    times[t + PAYLOAD + side] = (times[t + PAYLOAD + side] as number) + view.payloadBytes;
    this.sequence(w, side, view);
    this.handshake(t, w, side, view);
  }

  /** Finds retransmissions: a segment that takes up sequence numbers, all of them taken up before. */
  private sequence(w: number, side: Side, view: PacketView): void {
    const { words } = this;
    const flags = words[w + FLAGS] as number;
    const taken = view.payloadBytes + ((view.flags & (TCP_SYN | TCP_FIN)) === 0 ? 0 : 1);
    const next = (view.seq + taken) | 0;
    if ((flags & (SEEN << side)) === 0) {
      words[w + NEXT_SEQ + side] = next;
      words[w + FLAGS] = flags | (SEEN << side);
    } else if (taken > 0) {
      if (seqDiff(next, words[w + NEXT_SEQ + side] as number) > 0) words[w + NEXT_SEQ + side] = next;
      else words[w + RETRANSMITTED + side] = (words[w + RETRANSMITTED + side] as number) + 1;
    }
  }

  private handshake(t: number, w: number, side: Side, view: PacketView): void {
    const { times, words } = this;
    const tcp = view.flags;
    let flags = words[w + FLAGS] as number;
    if ((tcp & TCP_SYN) === 0) {
      flags |= BEYOND_SYN;
      const answered = times[t + SYN_ACK_US] !== 0 && times[t + ACK_US] === 0;
      if (answered && (flags & (SYN_SENT << side)) !== 0) times[t + ACK_US] = view.tsUs;
    } else if ((tcp & TCP_ACK) === 0) {
      flags |= SYN_SENT << side;
      if (times[t + SYN_US] === 0) times[t + SYN_US] = view.tsUs;
    } else if (times[t + SYN_ACK_US] === 0) {
      times[t + SYN_ACK_US] = view.tsUs;
    }
    if ((tcp & TCP_FIN) !== 0) flags |= FIN << side;
    if ((tcp & TCP_RST) !== 0) flags |= RESET;
    words[w + FLAGS] = flags;
  }

  /** Goes on to the interval of `tsUs`. */
  private turn(tsUs: number): void {
    this.closeInterval(false);
    const { intervalUs } = this.options;
    this.intervalStartUs = floorTo(tsUs, intervalUs);
    this.intervalEndUs = this.intervalStartUs + intervalUs;
    for (let slot = this.idle.take(tsUs); slot >= 0; slot = this.idle.take(tsUs)) {
      const dueUs = this.table.lastUs(slot) + this.keepUs(slot);
      if (dueUs > tsUs) this.idle.schedule(slot, dueUs, tsUs);
      else this.forget(slot, false);
    }
    this.emit();
  }

  private keepUs(slot: number): number {
    return this.state(slot) === STATE_CONNECTED ? this.options.idleUs : this.options.endedUs;
  }

  private closeInterval(cut: boolean): void {
    for (let i = 0; i < this.activeCount; i++) {
      const slot = this.active[i] as number;
      this.listed[slot] = 0;
      if (this.isActive(slot)) this.write(slot, cut);
    }
    this.activeCount = 0;
  }

  private forget(slot: number, cut: boolean): void {
    if (this.isActive(slot)) this.write(slot, cut);
    this.idle.cancel(slot);
    this.table.remove(slot);
  }

  private state(slot: number): FlowState {
    const flags = this.words[slot * WORDS + FLAGS] as number;
    if ((flags & RESET) !== 0) return STATE_RESET;
    if ((flags & (FIN * 3)) === FIN * 3) return STATE_FINISHED;
    return (flags & BEYOND_SYN) !== 0 || (flags & (SEEN * 3)) === SEEN * 3 ? STATE_CONNECTED : STATE_REQUESTED;
  }

  /** Side of the client, or -1: as seen, else by the SYN that the meter itself saw. */
  private clientOf(slot: number): Side | -1 {
    const flags = this.words[slot * WORDS + FLAGS] as number;
    const known = (flags >> CLIENT_SHIFT) & 3;
    if (known !== 0) return (known - 1) as Side;
    const sent = (flags >> SYN_SENT_SHIFT) & 3;
    return sent === 1 ? 0 : sent === 2 ? 1 : -1;
  }

  /** Writes the interval's record of a connection and begins the next. */
  private write(slot: number, cut: boolean): void {
    const { rows, times, words, table } = this;
    const t = slot * TIMES;
    const w = slot * WORDS;
    const r = this.rowCount * STATUS_WORDS;
    const seenClient = this.clientOf(slot);
    // Servers listen on the lower port, as a rule.
    const client: Side = seenClient !== -1 ? seenClient : table.port(slot, 0) >= table.port(slot, 1) ? 0 : 1;
    this.writeEnd(slot, client, r, 0);
    this.writeEnd(slot, (1 - client) as Side, r, 1);
    const state = this.state(slot);
    const flowClass = (((words[w + FLAGS] as number) >> CLASS_SHIFT) & CLASS_MASK) as FlowClass;
    rows[r + STATUS_FIRST_US] = times[t + FIRST] as number;
    rows[r + STATUS_LAST_US] = times[t + LAST] as number;
    rows[r + STATUS_SESSION_US] = (times[t + SESSION] as number) || table.firstUs(slot);
    rows[r + STATUS_STATE] = cut && state === STATE_CONNECTED ? STATE_CUT : state;
    rows[r + STATUS_FLAGS] =
      (seenClient >= 0 ? STATUS_FLAG_DIRECTED : 0) | (words[w + PARTS] === 0 ? STATUS_FLAG_FIRST : 0);
    rows[r + STATUS_SYN_ACK_US] = between(times[t + SYN_US], times[t + SYN_ACK_US]);
    rows[r + STATUS_ACK_DATA_US] = between(times[t + SYN_ACK_US], times[t + ACK_US]);
    rows[r + STATUS_VLAN] = table.vlanId(slot);
    rows[r + STATUS_TUNNEL_KIND] = table.tunnelKind(slot);
    rows[r + STATUS_TUNNEL_ID] = table.tunnelId(slot);
    rows[r + STATUS_INTERFACE] = table.interfaceIndex(slot);
    rows[r + STATUS_CLASS] = flowClass;
    const payload = (times[t + PAYLOAD] as number) + (times[t + PAYLOAD + 1] as number);
    this.payloadByClass[flowClass] = (this.payloadByClass[flowClass] ?? 0) + payload;
    this.beginPart(t, w);
    this.counts.statusRecords++;
    if (++this.rowCount === BATCH_ROWS) this.emit();
  }

  /** What one side did: `end` 0 is the client's, 1 the server's. */
  private writeEnd(slot: number, side: Side, r: number, end: 0 | 1): void {
    const { rows, times, words, table } = this;
    const t = slot * TIMES;
    const w = slot * WORDS;
    const address = r + (end === 0 ? STATUS_CLIENT : STATUS_SERVER);
    for (let word = 0; word < 4; word++) rows[address + word] = table.addressWord(slot, side, word);
    rows[r + STATUS_PORTS + end] = table.port(slot, side);
    rows[r + STATUS_PACKETS + end] = words[w + PACKETS + side] as number;
    rows[r + STATUS_BYTES + end] = times[t + BYTES + side] as number;
    rows[r + STATUS_PAYLOAD + end] = times[t + PAYLOAD + side] as number;
    rows[r + STATUS_RETRANSMITTED + end] = words[w + RETRANSMITTED + side] as number;
  }

  private beginPart(t: number, w: number): void {
    this.times.fill(0, t + FIRST, t + PAYLOAD + 2);
    this.words.fill(0, w + PACKETS, w + RETRANSMITTED + 2);
    this.words[w + PARTS] = (this.words[w + PARTS] as number) + 1;
  }

  private emit(): void {
    if (this.rowCount === 0) return;
    const { rows, rowCount } = this;
    this.rows = new Float64Array(BATCH_ROWS * STATUS_WORDS);
    this.rowCount = 0;
    this.sink(rows, rowCount);
  }
}

/** From one moment to another; -1 when one of them was not seen, or they are in no order. */
function between(fromUs: number | undefined, toUs: number | undefined): number {
  return fromUs && toUs && toUs >= fromUs ? toUs - fromUs : -1;
}
