/**
 * Packet source over frames built in memory, and TCP conversations to fill it with: tests of every later stage run on
 * these, without a file, a network or privileges.
 */
import type { PacketBatch, PacketSource, SourceStats } from '../contracts/packet.ts';
import { DESCRIPTOR_WORDS, LINK_ETHERNET } from '../contracts/packet.ts';
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN } from '../contracts/view.ts';
import { countBatch, emptyStats, ReusedBatch } from './batch.ts';
import { type Endpoint, type EthernetHeader, tcpFrame } from './frames.ts';

export interface SyntheticPacket {
  readonly bytes: Uint8Array;
  /** Nanoseconds since 1970. */
  readonly tsNs: bigint;
  /** Length on the wire, when only its first part was captured. */
  readonly wireBytes?: number;
  /** As `DESCRIPTOR_VLAN`: a tag that the kernel has stripped. */
  readonly vlan?: number;
  readonly link?: number;
  readonly interfaceIndex?: number;
  /** Frames lost just before this one; it then starts a batch. */
  readonly lostBefore?: number;
}

export interface SyntheticOptions {
  /** Packets of one batch; small numbers test batch borders. */
  readonly batchPacketsMax?: number;
  readonly interfaces?: readonly string[];
}

const BATCH_PACKETS_DEFAULT = 1024;
/** What released bytes turn into, so that a view that was kept shows up as wrong text. */
const RELEASED_BYTE = 0xdd;
const NANOSECONDS = 1_000_000_000n;

export class SyntheticSource implements PacketSource {
  readonly interfaces: readonly string[];
  readonly #packets: readonly SyntheticPacket[];
  readonly #batchPacketsMax: number;
  readonly #stats: SourceStats = emptyStats();
  #next = 0;
  #closed = false;

  constructor(packets: readonly SyntheticPacket[], options: SyntheticOptions = {}) {
    this.#packets = packets;
    this.#batchPacketsMax = Math.max(1, options.batchPacketsMax ?? BATCH_PACKETS_DEFAULT);
    this.interfaces = options.interfaces ?? ['synthetic'];
  }

  get ended(): boolean {
    return this.#closed || this.#next >= this.#packets.length;
  }

  poll(_timeoutMs: number): PacketBatch | undefined {
    if (this.ended) return undefined;
    const packets = this.#packets.slice(this.#next, this.#batchEnd());
    let byteCount = 0;
    for (const packet of packets) byteCount += packet.bytes.length;
    const batch = new ReusedBatch(new Uint8Array(byteCount), packets.length);
    batch.lostBefore = packets[0]?.lostBefore ?? 0;
    let at = 0;
    for (const packet of packets) {
      batch.bytes.set(packet.bytes, at);
      addPacket(batch, packet, at);
      at += packet.bytes.length;
    }
    this.#next += packets.length;
    countBatch(this.#stats, batch);
    this.#stats.drops += batch.lostBefore;
    return batch;
  }

  /** A batch ends at its limit, and before a packet that has losses before it. */
  #batchEnd(): number {
    const limit = Math.min(this.#packets.length, this.#next + this.#batchPacketsMax);
    let end = this.#next + 1;
    while (end < limit && (this.#packets[end]?.lostBefore ?? 0) === 0) end++;
    return end;
  }

  release(batch: PacketBatch): void {
    batch.bytes.fill(RELEASED_BYTE);
    batch.descriptors.fill(-1, 0, batch.count * DESCRIPTOR_WORDS);
  }

  stats(): SourceStats {
    return { ...this.#stats };
  }

  close(): void {
    this.#closed = true;
  }
}

function addPacket(batch: ReusedBatch, packet: SyntheticPacket, at: number): void {
  batch.add(
    at,
    packet.bytes.length,
    packet.wireBytes ?? packet.bytes.length,
    packet.vlan ?? 0,
    packet.link ?? LINK_ETHERNET,
    packet.interfaceIndex ?? 0,
    Number(packet.tsNs / NANOSECONDS),
    Number(packet.tsNs % NANOSECONDS),
  );
}

export interface ConversationOptions {
  readonly client?: Endpoint;
  readonly server?: Endpoint;
  /** Payload bytes of a full segment. */
  readonly mssBytes?: number;
  /** Time of the first packet. */
  readonly startNs?: bigint;
  /** Time from one packet to the next. */
  readonly stepNs?: bigint;
  /** Initial sequence numbers; near 2^32 they test the wrap. */
  readonly clientSeq?: number;
  readonly serverSeq?: number;
  readonly ethernet?: EthernetHeader;
}

const NO_BYTES: Uint8Array = new Uint8Array(0);
const START_NS_DEFAULT = 1_760_000_000_000_000_000n;
const STEP_NS_DEFAULT = 100_000n;
const MSS_BYTES_DEFAULT = 1448;

/** One TCP connection, packet by packet. Every method appends to `packets`; sequence numbers follow by themselves. */
export class Conversation {
  readonly packets: SyntheticPacket[] = [];
  readonly client: Endpoint;
  readonly server: Endpoint;
  /** Next sequence numbers. A test may change them to leave a gap or to repeat bytes. */
  clientSeq: number;
  serverSeq: number;
  /** Time of the next packet. */
  nowNs: bigint;
  readonly #stepNs: bigint;
  readonly #mssBytes: number;
  readonly #ethernet: EthernetHeader;

  constructor(options: ConversationOptions = {}) {
    this.client = options.client ?? { address: '10.0.0.1', port: 40_000 };
    this.server = options.server ?? { address: '10.0.0.2', port: 5432 };
    this.clientSeq = options.clientSeq ?? 1000;
    this.serverSeq = options.serverSeq ?? 9000;
    this.nowNs = options.startNs ?? START_NS_DEFAULT;
    this.#stepNs = options.stepNs ?? STEP_NS_DEFAULT;
    this.#mssBytes = options.mssBytes ?? MSS_BYTES_DEFAULT;
    this.#ethernet = options.ethernet ?? {};
  }

  /** Three-way handshake. */
  open(): this {
    this.#send(true, TCP_SYN, NO_BYTES, 1);
    this.#send(false, TCP_SYN | TCP_ACK, NO_BYTES, 1);
    this.#send(true, TCP_ACK, NO_BYTES, 0);
    return this;
  }

  /** Bytes from the client, in as many segments as the MSS asks for. */
  toServer(bytes: Uint8Array | string): this {
    return this.#sendAll(true, typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  }

  /** Bytes from the server, likewise. */
  toClient(bytes: Uint8Array | string): this {
    return this.#sendAll(false, typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  }

  /** FIN from the client, FIN from the server, last acknowledgement. */
  close(): this {
    this.#send(true, TCP_FIN | TCP_ACK, NO_BYTES, 1);
    this.#send(false, TCP_FIN | TCP_ACK, NO_BYTES, 1);
    this.#send(true, TCP_ACK, NO_BYTES, 0);
    return this;
  }

  reset(fromClient: boolean): this {
    this.#send(fromClient, TCP_RST | TCP_ACK, NO_BYTES, 0);
    return this;
  }

  #sendAll(fromClient: boolean, bytes: Uint8Array): this {
    for (let at = 0; at < bytes.length; at += this.#mssBytes) {
      const part = bytes.subarray(at, at + this.#mssBytes);
      const last = at + part.length === bytes.length;
      this.#send(fromClient, last ? TCP_PSH | TCP_ACK : TCP_ACK, part, part.length);
    }
    return this;
  }

  #send(fromClient: boolean, flags: number, payload: Uint8Array, advance: number): void {
    const from = fromClient ? this.client : this.server;
    const to = fromClient ? this.server : this.client;
    const seq = fromClient ? this.clientSeq : this.serverSeq;
    const ack = (flags & TCP_ACK) === 0 ? 0 : fromClient ? this.serverSeq : this.clientSeq;
    const bytes = tcpFrame(from, to, { seq, ack, flags }, payload, this.#ethernet);
    this.packets.push({ bytes, tsNs: this.nowNs });
    this.nowNs += this.#stepNs;
    const next = (seq + advance) >>> 0;
    if (fromClient) this.clientSeq = next;
    else this.serverSeq = next;
  }
}
