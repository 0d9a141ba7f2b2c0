/**
 * The receiver of reassembled bytes: finds out which protocol a flow speaks, then drives that protocol's sessions.
 * Flows that speak none are given up, so that reassembly stops spending memory on them.
 */
import { UserError } from '../base/errors.ts';
import { HeldMemory, MemoryBudget } from '../base/memory-budget.ts';
import {
  type ConnectionInfo,
  type Direction,
  END_FIN,
  END_RST,
  END_UNSEEN,
  type EndReason,
  type ProtocolModule,
  SESSION_MEMORY_MAX,
  type SessionOpener,
  TO_CLIENT,
  TO_SERVER,
} from '../contracts/protocol.ts';
import {
  FLOW_END_FIN,
  FLOW_END_RST,
  type FlowEnd,
  type FlowReader,
  type Side,
  STREAM_IGNORE,
  STREAM_KEEP,
  type StreamReceiver,
  type StreamWish,
} from '../contracts/stream.ts';
import {
  FLOW_DATABASE,
  FLOW_OPAQUE,
  FLOW_OTHER,
  FLOW_UNDECIDED,
  type FlowClass,
  type FlowClassifier,
} from '../contracts/traffic.ts';
import { tunnelName } from '../contracts/view.ts';
import { PROBE_LOST, PROBE_OPEN, Probe, type ProbeWinner } from './probe.ts';
import { type DriverCounters, newDriverCounters } from './sdk/counters.ts';
import { Driver } from './sdk/driver.ts';
import { FrameWindow } from './sdk/window.ts';

export interface HostCounters extends DriverCounters {
  connections: number;
  /** Flows with payload that speak none of the protocols, and the bytes seen until that was clear. */
  unrecognisedFlows: number;
  unrecognisedBytes: number;
  /** Connections whose driver stopped: encrypted, or an unknown version. */
  opaqueConnections: number;
  /** Connections that were read, and whose beginning or end was not seen. */
  cutConnections: number;
  /** Times that a connection gave back what it held, because all together held too much. */
  memoryReliefs: number;
}

export class ProtocolHost implements StreamReceiver, FlowClassifier {
  readonly counters: HostCounters;
  private readonly modules: readonly ProtocolModule[];
  private readonly flows: FlowReader;
  private readonly sessions: SessionOpener;
  private readonly byPort = new Map<number, ProtocolModule>();
  private readonly shared = new Map<ProtocolModule, Map<string, unknown>>();
  /** Of all drivers here: the bytes of one connection at a time are read. */
  private readonly window = new FrameWindow();
  private readonly budget: MemoryBudget;
  private readonly states: (Driver<unknown> | Probe | undefined)[] = [];
  /** By slot, for as long as the flow lives: what it turned out to be, and which side its client is. */
  private readonly classes: FlowClass[] = [];
  private readonly clients: (Side | -1)[] = [];
  /** The flow that ended last: the packet that ended it is still to be counted. */
  private endedSlot = -1;
  private endedClass: FlowClass = FLOW_UNDECIDED;
  private endedClient: Side | -1 = -1;

  /**
   * `ports`: the user's hints, port → protocol name. `memoryMax`: bytes that all connections may hold together. Throws a
   * UserError on a name that no module has.
   */
  constructor(
    modules: readonly ProtocolModule[],
    flows: FlowReader,
    sessions: SessionOpener,
    ports: ReadonlyMap<number, string>,
    memoryMax: number = SESSION_MEMORY_MAX,
  ) {
    this.budget = new MemoryBudget(memoryMax);
    this.modules = modules;
    this.flows = flows;
    this.sessions = sessions;
    this.counters = {
      ...newDriverCounters(),
      connections: 0,
      unrecognisedFlows: 0,
      unrecognisedBytes: 0,
      opaqueConnections: 0,
      cutConnections: 0,
      memoryReliefs: 0,
    };
    for (const module of modules) {
      this.shared.set(module, new Map());
      for (const port of module.portHints) this.byPort.set(port, module);
    }
    for (const [port, name] of ports) {
      const module = modules.find((m) => m.name === name);
      if (!module) throw new UserError(`no protocol is called '${name}': ${modules.map((m) => m.name).join(', ')}`);
      this.byPort.set(port, module);
    }
  }

  onData(slot: number, side: Side, bytes: Uint8Array, start: number, end: number, tsUs: number): StreamWish {
    const state = this.states[slot];
    if (state === undefined || state instanceof Probe) return this.probe(slot, state, side, bytes, start, end, tsUs);
    state.data(directionOf(side, this.clients[slot]), bytes, start, end, tsUs);
    if (this.budget.isExceeded) this.relieve(tsUs);
    return state.stopped ? this.opaque(slot, state) : STREAM_KEEP;
  }

  onGap(slot: number, side: Side, lostBytes: number, tsUs: number): StreamWish {
    const state = this.states[slot];
    if (state === undefined || state instanceof Probe) {
      this.probeOf(slot, state).gap(side, lostBytes, tsUs);
      return STREAM_KEEP;
    }
    state.gap(directionOf(side, this.clients[slot]), lostBytes, tsUs);
    if (this.budget.isExceeded) this.relieve(tsUs);
    return state.stopped ? this.opaque(slot, state) : STREAM_KEEP;
  }

  onEnd(slot: number, reason: FlowEnd, tsUs: number): void {
    const state = this.states[slot];
    this.states[slot] = undefined;
    if (state instanceof Probe) this.giveUp(slot, state);
    else if (state !== undefined) this.endConnection(slot, state, endReason(reason), tsUs);
    this.endedSlot = slot;
    this.endedClass = this.classes[slot] ?? FLOW_UNDECIDED;
    this.endedClient = this.clients[slot] ?? -1;
    this.classes[slot] = FLOW_UNDECIDED;
    this.clients[slot] = -1;
  }

  private endConnection(slot: number, driver: Driver<unknown>, reason: EndReason, tsUs: number): void {
    if (reason === END_UNSEEN || this.flows.isMidstream(slot)) this.counters.cutConnections++;
    driver.end(reason, tsUs);
    driver.memory.close();
  }

  /** Between packets, when no connection is being read. */
  private relieve(tsUs: number): void {
    this.budget.relieve(tsUs);
    this.counters.memoryReliefs = this.budget.reliefs;
  }

  /** Bytes that all connections hold together, for tests. */
  get heldBytes(): number {
    return this.budget.bytes;
  }

  flowClass(slot: number): FlowClass {
    return this.classes[slot] || (slot === this.endedSlot ? this.endedClass : FLOW_UNDECIDED);
  }

  protocolClient(slot: number): Side | -1 {
    const client = this.clients[slot] ?? -1;
    return client < 0 && slot === this.endedSlot ? this.endedClient : client;
  }

  settle(): void {
    this.endedSlot = -1;
  }

  private opaque(slot: number, driver: Driver<unknown>): StreamWish {
    driver.memory.close();
    this.counters.opaqueConnections++;
    this.classes[slot] = FLOW_OPAQUE;
    this.states[slot] = undefined;
    return STREAM_IGNORE;
  }

  private probeOf(slot: number, state: Probe | undefined): Probe {
    if (state) return state;
    const { flows } = this;
    const likelyServer: Side = flows.port(slot, 0) <= flows.port(slot, 1) ? 0 : 1;
    const memory = new HeldMemory(this.budget);
    const probe = new Probe(flows.clientSide(slot), flows.isMidstream(slot), likelyServer, memory);
    memory.holder = probe;
    this.states[slot] = probe;
    return probe;
  }

  private probe(
    slot: number,
    state: Probe | undefined,
    side: Side,
    bytes: Uint8Array,
    start: number,
    end: number,
    tsUs: number,
  ): StreamWish {
    const probe = this.probeOf(slot, state);
    const hinted = [this.byPort.get(this.flows.port(slot, 0)), this.byPort.get(this.flows.port(slot, 1))] as const;
    const verdict = probe.data(this.modules, hinted, side, bytes, start, end, tsUs);
    if (verdict === PROBE_OPEN) {
      if (this.budget.isExceeded) this.relieve(tsUs);
      return STREAM_KEEP;
    }
    if (verdict === PROBE_LOST) {
      this.giveUp(slot, probe);
      this.states[slot] = undefined;
      return STREAM_IGNORE;
    }
    return this.commit(slot, probe, probe.winner as ProbeWinner);
  }

  private giveUp(slot: number, probe: Probe): void {
    this.classes[slot] = FLOW_OTHER;
    this.counters.unrecognisedFlows++;
    for (const chunk of probe.held) this.counters.unrecognisedBytes += chunk.bytes?.length ?? 0;
    probe.memory.close();
  }

  private commit(slot: number, probe: Probe, winner: ProbeWinner): StreamWish {
    const { module, clientSide } = winner;
    const { memory } = probe;
    const info = this.describe(slot, module, clientSide, memory);
    const session = module.open(info);
    const sink = this.sessions.open(info);
    const driver = new Driver(module, session, sink, this.counters, info.midstream, this.window, memory);
    memory.holder = driver;
    this.states[slot] = driver;
    this.classes[slot] = FLOW_DATABASE;
    this.clients[slot] = clientSide;
    this.counters.connections++;
    for (const chunk of probe.held) {
      const direction = directionOf(chunk.side, clientSide);
      if (chunk.bytes) driver.data(direction, chunk.bytes, 0, chunk.bytes.length, chunk.tsUs);
      else driver.gap(direction, chunk.lostBytes, chunk.tsUs);
    }
    probe.letGo();
    return driver.stopped ? this.opaque(slot, driver) : STREAM_KEEP;
  }

  private describe(slot: number, module: ProtocolModule, clientSide: Side, memory: HeldMemory): ConnectionInfo {
    const flows = this.flows;
    const serverSide = (1 - clientSide) as Side;
    return {
      protocol: module.name,
      clientAddress: flows.address(slot, clientSide),
      clientPort: flows.port(slot, clientSide),
      serverAddress: flows.address(slot, serverSide),
      serverPort: flows.port(slot, serverSide),
      firstTsUs: flows.firstTsUs(slot),
      midstream: flows.isMidstream(slot),
      vlanId: flows.vlanId(slot),
      tunnel: tunnelName(flows.tunnelKind(slot), flows.tunnelId(slot)),
      shared: this.shared.get(module) as Map<string, unknown>,
      memory,
    };
  }
}

function directionOf(side: Side, clientSide: Side | -1 | undefined): Direction {
  return side === clientSide ? TO_SERVER : TO_CLIENT;
}

function endReason(reason: FlowEnd): EndReason {
  return reason === FLOW_END_FIN ? END_FIN : reason === FLOW_END_RST ? END_RST : END_UNSEEN;
}
