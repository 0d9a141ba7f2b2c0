/**
 * The last packets of each connection, kept in case they become evidence: a ring of bytes for each of a bounded number
 * of connections. All memory is reserved at construction; the operating system backs it when it is first written. A
 * connection that talks much overwrites its own packets only.
 */
import {
  DESCRIPTOR_CAPTURED_BYTES,
  DESCRIPTOR_OFFSET,
  DESCRIPTOR_WORDS,
  type PacketBatch,
} from '../../contracts/packet.ts';

export interface RecentOptions {
  /** Connections that have a ring; the one that was silent the longest gives its ring to a new one. */
  readonly connectionsMax: number;
  /** Bytes and packets of one ring. A longer packet keeps its first part. */
  readonly ringBytes: number;
  readonly ringPackets: number;
}

const RECENT_DEFAULTS: RecentOptions = { connectionsMax: 1024, ringBytes: 65_536, ringPackets: 256 };

/** A ring whose connection is over, and that is kept for a while; void once the ring was needed for another one. */
export interface ParkedRing {
  readonly ring: number;
  readonly use: number;
}

type PacketTaker = (bytes: Uint8Array, descriptors: Int32Array, descriptor: number) => void;

const NONE = -1;

export class RecentPackets {
  /** Connections that lost their ring to a newer one. */
  evictions = 0;
  private readonly options: RecentOptions;
  private readonly bytes: Uint8Array;
  /** A `PacketBatch` descriptor for each packet; its offset counts from the beginning of `bytes`. */
  private readonly descriptors: Int32Array;
  private readonly ringOf: Int32Array;
  private readonly slotOf: Int32Array;
  /** Times each ring was given to a connection, or given up. */
  private readonly useOf: Int32Array;
  private readonly first: Int32Array;
  private readonly count: Int32Array;
  /** Where the next packet of a ring goes, counted from the ring's beginning. */
  private readonly head: Int32Array;
  private readonly lastUse: Float64Array;
  private readonly free: number[] = [];
  private uses = 0;

  constructor(flowsMax: number, options: RecentOptions = RECENT_DEFAULTS) {
    const { connectionsMax, ringBytes, ringPackets } = options;
    this.options = options;
    this.bytes = new Uint8Array(connectionsMax * ringBytes);
    this.descriptors = new Int32Array(connectionsMax * ringPackets * DESCRIPTOR_WORDS);
    this.ringOf = new Int32Array(flowsMax).fill(NONE);
    this.slotOf = new Int32Array(connectionsMax).fill(NONE);
    this.useOf = new Int32Array(connectionsMax);
    this.first = new Int32Array(connectionsMax);
    this.count = new Int32Array(connectionsMax);
    this.head = new Int32Array(connectionsMax);
    this.lastUse = new Float64Array(connectionsMax);
    for (let ring = connectionsMax - 1; ring >= 0; ring--) this.free.push(ring);
  }

  has(slot: number): boolean {
    return this.ringOf[slot] !== NONE;
  }

  /** Copies packet `index` of `batch` into the ring of the flow in `slot`. */
  keep(slot: number, batch: PacketBatch, index: number): void {
    const { ringBytes, ringPackets } = this.options;
    const known = this.ringOf[slot] as number;
    const ring = known === NONE ? this.take(slot) : known;
    this.lastUse[ring] = ++this.uses;
    const from = index * DESCRIPTOR_WORDS;
    const start = batch.descriptors[from + DESCRIPTOR_OFFSET] as number;
    const length = Math.min(batch.descriptors[from + DESCRIPTOR_CAPTURED_BYTES] as number, ringBytes);
    const at = ring * ringBytes + this.makeRoom(ring, Math.max(1, length));
    const entry = ((this.first[ring] as number) + (this.count[ring] as number)) % ringPackets;
    const to = (ring * ringPackets + entry) * DESCRIPTOR_WORDS;
    for (let word = 0; word < DESCRIPTOR_WORDS; word++) {
      this.descriptors[to + word] = batch.descriptors[from + word] as number;
    }
    this.descriptors[to + DESCRIPTOR_OFFSET] = at;
    this.descriptors[to + DESCRIPTOR_CAPTURED_BYTES] = length;
    this.bytes.set(batch.bytes.subarray(start, start + length), at);
    this.count[ring] = (this.count[ring] as number) + 1;
    this.head[ring] = at - ring * ringBytes + Math.max(1, length);
  }

  /** Hands out the packets of a flow, oldest first, and empties its ring. The bytes are borrowed for each call. */
  drain(slot: number, each: PacketTaker): void {
    const ring = this.ringOf[slot] as number;
    if (ring !== NONE) this.drainRing(ring, each);
  }

  /** The flow has ended, or speaks no database protocol. */
  forget(slot: number): void {
    const ring = this.ringOf[slot] as number;
    if (ring === NONE) return;
    this.ringOf[slot] = NONE;
    this.giveUp(ring);
  }

  /** As `forget`, but the packets may still be wanted: until `release`, or until a new connection needs the ring. */
  park(slot: number): ParkedRing | undefined {
    const ring = this.ringOf[slot] as number;
    if (ring === NONE) return undefined;
    this.ringOf[slot] = NONE;
    this.slotOf[ring] = NONE;
    return { ring, use: this.useOf[ring] as number };
  }

  /** As `drain`. */
  drainParked({ ring, use }: ParkedRing, each: PacketTaker): void {
    if (this.useOf[ring] === use) this.drainRing(ring, each);
  }

  release({ ring, use }: ParkedRing): void {
    if (this.useOf[ring] === use) this.giveUp(ring);
  }

  private drainRing(ring: number, each: PacketTaker): void {
    for (; (this.count[ring] as number) > 0; this.dropOldest(ring))
      each(this.bytes, this.descriptors, this.oldest(ring));
  }

  private giveUp(ring: number): void {
    this.slotOf[ring] = NONE;
    this.useOf[ring] = (this.useOf[ring] as number) + 1;
    this.free.push(ring);
  }

  private take(slot: number): number {
    const ring = this.free.pop() ?? this.evict();
    this.ringOf[slot] = ring;
    this.slotOf[ring] = slot;
    this.useOf[ring] = (this.useOf[ring] as number) + 1;
    this.first[ring] = 0;
    this.count[ring] = 0;
    this.head[ring] = 0;
    return ring;
  }

  private evict(): number {
    let oldest = 0;
    for (let ring = 1; ring < this.options.connectionsMax; ring++) {
      if ((this.lastUse[ring] as number) < (this.lastUse[oldest] as number)) oldest = ring;
    }
    this.evictions++;
    const slot = this.slotOf[oldest] as number;
    if (slot !== NONE) this.ringOf[slot] = NONE;
    return oldest;
  }

  /** Drops packets until `length` bytes in a row and a descriptor are free; answers where the bytes are. */
  private makeRoom(ring: number, length: number): number {
    const { ringBytes, ringPackets } = this.options;
    if (this.count[ring] === ringPackets) this.dropOldest(ring);
    let at = this.head[ring] as number;
    if (at + length > ringBytes) {
      while ((this.count[ring] as number) > 0 && this.offsetOfOldest(ring) >= at) this.dropOldest(ring);
      at = 0;
    }
    while ((this.count[ring] as number) > 0 && this.meets(ring, at, at + length)) this.dropOldest(ring);
    return at;
  }

  private meets(ring: number, start: number, end: number): boolean {
    const oldest = this.offsetOfOldest(ring);
    // An empty packet takes a byte, so that it does not stand in the way of those behind it.
    const length = Math.max(1, this.descriptors[this.oldest(ring) + DESCRIPTOR_CAPTURED_BYTES] as number);
    return oldest < end && oldest + length > start;
  }

  private oldest(ring: number): number {
    return (ring * this.options.ringPackets + (this.first[ring] as number)) * DESCRIPTOR_WORDS;
  }

  private offsetOfOldest(ring: number): number {
    return (this.descriptors[this.oldest(ring) + DESCRIPTOR_OFFSET] as number) - ring * this.options.ringBytes;
  }

  private dropOldest(ring: number): void {
    this.first[ring] = ((this.first[ring] as number) + 1) % this.options.ringPackets;
    this.count[ring] = (this.count[ring] as number) - 1;
  }
}
