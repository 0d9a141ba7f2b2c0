/**
 * Flow table: TCP 4-tuples to slot numbers, in typed arrays of fixed size.
 *
 * The key is canonical (lower endpoint first), so both directions share a slot; tunnels and VLANs are not part of it,
 * so copies of a frame from two mirrors fall together. Open addressing at a load of at most one half, with
 * backward-shift deletion: no tombstones, so the table does not age. Of the index only as much is used as the most flows
 * at a time have asked for: few flows lie close together in the caches, however many there may be.
 */
import { int32Table } from '../base/table-memory.ts';
import type { PacketView } from '../contracts/view.ts';
import { FlowHash } from './hash.ts';

/**
 * One cache line a slot, all that a packet needs of it: both addresses, ports, hash, where the first packet came from,
 * and two times, each a 64-bit float in the place of two words.
 */
const WORDS = 16;
/** Of an address: that of side 0 comes first. */
const SIDE_WORDS = 4;
const PORTS = 8;
const HASH = 9;
/** From bit 0: VLAN id + 1 (0: untagged), `TUNNEL_*`, interface. */
const ORIGIN = 10;
const TUNNEL_ID = 11;

const TIMES = WORDS / 2;
const FIRST_US = 6;
const LAST_US = 7;

const TUNNEL_SHIFT = 13;
const INTERFACE_SHIFT = 17;
const VLAN_MASK = 0x1fff;
const TUNNEL_MASK = 0xf;

/** Entries of the index at the beginning; it doubles as long as it can while more than a quarter is taken. */
const INDEX_ENTRIES_MIN = 65_536;

/** The packet belongs to no flow that is known. */
export const FLOW_NONE: number = -1;

export class FlowTable {
  readonly capacity: number;
  private readonly hash: FlowHash;
  private readonly words: Int32Array;
  private readonly times: Float64Array;
  /**
   * Slot + 1 (0: empty) in the bits of `entryMask`, above them those of the hash: four bytes an entry, since with many
   * flows the time goes into fetching it.
   */
  private readonly index: Int32Array;
  private indexMask: number;
  private readonly entryMask: number;
  /** Stack of slots that were given back; those from `fresh` on were never taken, and their memory never touched. */
  private readonly free: Int32Array;
  private freeCount = 0;
  private fresh = 0;
  // Of the packet looked up last: the sender's side, the lower endpoint's port and the other, the hash.
  private side = 0;
  private ports = 0;
  private keyHash = 0;

  /** `capacity` flows, at most 2^26. */
  constructor(capacity: number, seed: number) {
    if (!(capacity >= 1 && capacity <= 1 << 26)) throw new RangeError('flow table capacity must be 1 to 2^26');
    let entries = 2;
    while (entries < capacity * 2) entries *= 2;
    this.capacity = capacity;
    this.hash = new FlowHash(seed);
    this.words = int32Table(capacity * WORDS);
    this.times = new Float64Array(this.words.buffer);
    this.index = int32Table(entries);
    this.indexMask = Math.min(entries, INDEX_ENTRIES_MIN) - 1;
    this.entryMask = 2 ** (32 - Math.clz32(capacity)) - 1;
    this.free = int32Table(capacity);
  }

  get size(): number {
    return this.fresh - this.freeCount;
  }

  /** Slots from this one on were never taken. */
  get slotsUsed(): number {
    return this.fresh;
  }

  /** Bytes of memory, all taken at construction. */
  get bytes(): number {
    return this.words.byteLength + this.index.byteLength + this.free.byteLength;
  }

  /** `slot << 1 | side` of the packet's sender, or `FLOW_NONE`. Also sets the key that `insert` uses. */
  find(view: PacketView): number {
    this.setKey(view);
    const { index, indexMask, entryMask, keyHash } = this;
    for (let i = keyHash & indexMask; ; i = (i + 1) & indexMask) {
      const entry = index[i] as number;
      if (entry === 0) return FLOW_NONE;
      // The lower bits of both say nothing about each other.
      if (((entry ^ keyHash) & ~entryMask) !== 0) continue;
      const slot = (entry & entryMask) - 1;
      if (this.matches(slot, view)) return (slot << 1) | this.side;
    }
  }

  /** Hash of the packet looked up last: the same for both directions. */
  get lastHash(): number {
    return this.keyHash;
  }

  /** Takes a slot for the packet that `find` did not find; `FLOW_NONE` when the table is full. */
  insert(view: PacketView): number {
    const slot = this.takeSlot();
    if (slot === FLOW_NONE) return FLOW_NONE;
    const w = slot * WORDS;
    const words = this.words;
    const source = w + this.side * SIDE_WORDS;
    const destination = w + SIDE_WORDS - this.side * SIDE_WORDS;
    words[source] = view.src0;
    words[source + 1] = view.src1;
    words[source + 2] = view.src2;
    words[source + 3] = view.src3;
    words[destination] = view.dst0;
    words[destination + 1] = view.dst1;
    words[destination + 2] = view.dst2;
    words[destination + 3] = view.dst3;
    words[w + PORTS] = this.ports;
    words[w + HASH] = this.keyHash;
    this.restart(slot, view);
    if (this.size * 4 > this.indexMask && this.indexMask < this.index.length - 1) this.growIndex();
    this.place((this.keyHash & ~this.entryMask) | (slot + 1), this.keyHash);
    return (slot << 1) | this.side;
  }

  private place(entry: number, hash: number): void {
    const { index, indexMask } = this;
    let i = hash & indexMask;
    while (index[i] !== 0) i = (i + 1) & indexMask;
    index[i] = entry;
  }

  /** Doubles the part of the index that is used: with a million flows some 20 ms, once. */
  private growIndex(): void {
    const { index, indexMask, entryMask, words } = this;
    const entries = index.slice(0, indexMask + 1);
    index.fill(0, 0, indexMask + 1);
    this.indexMask = indexMask * 2 + 1;
    // Not by an iterator: this runs too seldom to be compiled before it is half done.
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as number;
      if (entry !== 0) this.place(entry, words[((entry & entryMask) - 1) * WORDS + HASH] as number);
    }
  }

  private takeSlot(): number {
    if (this.freeCount > 0) return this.free[--this.freeCount] as number;
    return this.fresh < this.capacity ? this.fresh++ : FLOW_NONE;
  }

  /** Describes a new flow in the slot of an old one with the same 4-tuple. */
  restart(slot: number, view: PacketView): void {
    const w = slot * WORDS;
    this.words[w + ORIGIN] =
      ((view.vlanId + 1) & VLAN_MASK) | (view.tunnelKind << TUNNEL_SHIFT) | (view.interfaceIndex << INTERFACE_SHIFT);
    this.words[w + TUNNEL_ID] = view.tunnelId;
    this.times[slot * TIMES + FIRST_US] = view.tsUs;
    this.times[slot * TIMES + LAST_US] = view.tsUs;
  }

  remove(slot: number): void {
    const { index, indexMask, entryMask } = this;
    let hole = this.home(slot);
    while (((index[hole] as number) & entryMask) !== slot + 1) hole = (hole + 1) & indexMask;
    // Entries behind the hole move up unless that would put them before their home.
    for (let i = (hole + 1) & indexMask; index[i] !== 0; i = (i + 1) & indexMask) {
      const entry = index[i] as number;
      const home = this.home((entry & entryMask) - 1);
      if (((i - home) & indexMask) < ((i - hole) & indexMask)) continue;
      index[hole] = entry;
      hole = i;
    }
    index[hole] = 0;
    this.free[this.freeCount++] = slot;
  }

  touch(slot: number, tsUs: number): void {
    this.times[slot * TIMES + LAST_US] = tsUs;
  }

  firstUs(slot: number): number {
    return this.times[slot * TIMES + FIRST_US] as number;
  }

  lastUs(slot: number): number {
    return this.times[slot * TIMES + LAST_US] as number;
  }

  /** Word `0..3` of a side's address. */
  addressWord(slot: number, side: number, word: number): number {
    return this.words[slot * WORDS + side * SIDE_WORDS + word] as number;
  }

  port(slot: number, side: number): number {
    const ports = this.words[slot * WORDS + PORTS] as number;
    return side === 0 ? ports >>> 16 : ports & 0xffff;
  }

  vlanId(slot: number): number {
    return (this.origin(slot) & VLAN_MASK) - 1;
  }

  tunnelKind(slot: number): number {
    return (this.origin(slot) >>> TUNNEL_SHIFT) & TUNNEL_MASK;
  }

  tunnelId(slot: number): number {
    return this.words[slot * WORDS + TUNNEL_ID] as number;
  }

  interfaceIndex(slot: number): number {
    return this.origin(slot) >>> INTERFACE_SHIFT;
  }

  /** Where the search for a flow begins. */
  private home(slot: number): number {
    return (this.words[slot * WORDS + HASH] as number) & this.indexMask;
  }

  private origin(slot: number): number {
    return this.words[slot * WORDS + ORIGIN] as number;
  }

  private matches(slot: number, view: PacketView): boolean {
    const words = this.words;
    const w = slot * WORDS;
    if (words[w + HASH] !== this.keyHash || words[w + PORTS] !== this.ports) return false;
    const source = w + this.side * SIDE_WORDS;
    const destination = w + SIDE_WORDS - this.side * SIDE_WORDS;
    if (words[source + 3] !== view.src3 || words[destination + 3] !== view.dst3) return false;
    // Of IPv4 flows the hash says that the other words are those of all IPv4 addresses.
    return (
      this.keyHash >= 0 ||
      (words[source] === view.src0 &&
        words[source + 1] === view.src1 &&
        words[source + 2] === view.src2 &&
        words[destination] === view.dst0 &&
        words[destination + 1] === view.dst1 &&
        words[destination + 2] === view.dst2)
    );
  }

  private setKey(view: PacketView): void {
    const { src3, dst3 } = view;
    if (isIpv4(view)) {
      this.orderPorts(view, src3 === dst3 ? view.srcPort <= view.dstPort : src3 >>> 0 < dst3 >>> 0);
      this.keyHash =
        this.side === 0 ? this.hash.ofIpv4(src3, dst3, this.ports) : this.hash.ofIpv4(dst3, src3, this.ports);
      return;
    }
    const { src0, src1, src2, dst0, dst1, dst2 } = view;
    this.orderPorts(view, sourceIsLower(view));
    this.keyHash =
      this.side === 0
        ? this.hash.ofIpv6(src0, src1, src2, src3, dst0, dst1, dst2, dst3, this.ports)
        : this.hash.ofIpv6(dst0, dst1, dst2, dst3, src0, src1, src2, src3, this.ports);
  }

  private orderPorts(view: PacketView, sourceFirst: boolean): void {
    this.side = sourceFirst ? 0 : 1;
    this.ports = sourceFirst ? (view.srcPort << 16) | view.dstPort : (view.dstPort << 16) | view.srcPort;
  }
}

/** Whether both addresses are IPv4: `::ffff:0:0/96`. */
function isIpv4(view: PacketView): boolean {
  return (view.src0 | view.src1 | view.dst0 | view.dst1 | (view.src2 ^ 0xffff) | (view.dst2 ^ 0xffff)) === 0;
}

/** Whether the source is side 0: unsigned order of the address, then of the port. */
function sourceIsLower(view: PacketView): boolean {
  if (view.src0 !== view.dst0) return view.src0 >>> 0 < view.dst0 >>> 0;
  if (view.src1 !== view.dst1) return view.src1 >>> 0 < view.dst1 >>> 0;
  if (view.src2 !== view.dst2) return view.src2 >>> 0 < view.dst2 >>> 0;
  if (view.src3 !== view.dst3) return view.src3 >>> 0 < view.dst3 >>> 0;
  return view.srcPort <= view.dstPort;
}
