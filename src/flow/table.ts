/**
 * Flow table: TCP 4-tuples to slot numbers, in typed arrays of fixed size.
 *
 * The key is canonical (lower endpoint first), so both directions share a slot; tunnels and VLANs are not part of it,
 * so copies of a frame from two mirrors fall together. Open addressing at a load of at most one half, with
 * backward-shift deletion: no tombstones, so the table does not age.
 */
import type { PacketView } from '../contracts/view.ts';
import { FlowHash } from './hash.ts';

/**
 * One cache line a slot, all that a packet needs of it: both addresses, ports, hash, where the first packet came from,
 * and two times, each a 64-bit float in the place of two words.
 */
const WORDS = 16;
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
  private readonly indexMask: number;
  private readonly entryMask: number;
  /** Stack of slots that were given back; those from `fresh` on were never taken, and their memory never touched. */
  private readonly free: Int32Array;
  private freeCount = 0;
  private fresh = 0;
  // The canonical key of the packet looked up last.
  private low0 = 0;
  private low1 = 0;
  private low2 = 0;
  private low3 = 0;
  private high0 = 0;
  private high1 = 0;
  private high2 = 0;
  private high3 = 0;
  private ports = 0;
  private keyHash = 0;
  private side = 0;

  /** `capacity` flows, at most 2^26. */
  constructor(capacity: number, seed: number) {
    if (!(capacity >= 1 && capacity <= 1 << 26)) throw new RangeError('flow table capacity must be 1 to 2^26');
    let entries = 2;
    while (entries < capacity * 2) entries *= 2;
    this.capacity = capacity;
    this.hash = new FlowHash(seed);
    this.words = new Int32Array(capacity * WORDS);
    this.times = new Float64Array(this.words.buffer);
    this.index = new Int32Array(entries);
    this.indexMask = entries - 1;
    this.entryMask = 2 ** (32 - Math.clz32(capacity)) - 1;
    this.free = new Int32Array(capacity);
  }

  get size(): number {
    return this.fresh - this.freeCount;
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
      if (this.matches(slot)) return (slot << 1) | this.side;
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
    words[w] = this.low0;
    words[w + 1] = this.low1;
    words[w + 2] = this.low2;
    words[w + 3] = this.low3;
    words[w + 4] = this.high0;
    words[w + 5] = this.high1;
    words[w + 6] = this.high2;
    words[w + 7] = this.high3;
    words[w + PORTS] = this.ports;
    words[w + HASH] = this.keyHash;
    this.restart(slot, view);
    const { index, indexMask, entryMask, keyHash } = this;
    let i = keyHash & indexMask;
    while (index[i] !== 0) i = (i + 1) & indexMask;
    index[i] = (keyHash & ~entryMask) | (slot + 1);
    return (slot << 1) | this.side;
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
    return this.words[slot * WORDS + side * 4 + word] as number;
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

  private matches(slot: number): boolean {
    const words = this.words;
    const w = slot * WORDS;
    return (
      words[w + 3] === this.low3 &&
      words[w + 7] === this.high3 &&
      words[w + PORTS] === this.ports &&
      words[w] === this.low0 &&
      words[w + 1] === this.low1 &&
      words[w + 2] === this.low2 &&
      words[w + 4] === this.high0 &&
      words[w + 5] === this.high1 &&
      words[w + 6] === this.high2
    );
  }

  private setKey(view: PacketView): void {
    if (sourceIsLower(view)) {
      this.low0 = view.src0;
      this.low1 = view.src1;
      this.low2 = view.src2;
      this.low3 = view.src3;
      this.high0 = view.dst0;
      this.high1 = view.dst1;
      this.high2 = view.dst2;
      this.high3 = view.dst3;
      this.ports = (view.srcPort << 16) | view.dstPort;
      this.side = 0;
    } else {
      this.low0 = view.dst0;
      this.low1 = view.dst1;
      this.low2 = view.dst2;
      this.low3 = view.dst3;
      this.high0 = view.src0;
      this.high1 = view.src1;
      this.high2 = view.src2;
      this.high3 = view.src3;
      this.ports = (view.dstPort << 16) | view.srcPort;
      this.side = 1;
    }
    this.keyHash = this.hash.of(
      this.low0,
      this.low1,
      this.low2,
      this.low3,
      this.high0,
      this.high1,
      this.high2,
      this.high3,
      this.ports,
    );
  }
}

/** Whether the source is side 0: unsigned order of the address, then of the port. */
function sourceIsLower(view: PacketView): boolean {
  if (view.src0 !== view.dst0) return view.src0 >>> 0 < view.dst0 >>> 0;
  if (view.src1 !== view.dst1) return view.src1 >>> 0 < view.dst1 >>> 0;
  if (view.src2 !== view.dst2) return view.src2 >>> 0 < view.dst2 >>> 0;
  if (view.src3 !== view.dst3) return view.src3 >>> 0 < view.dst3 >>> 0;
  return view.srcPort <= view.dstPort;
}
