/**
 * One interface's TPACKET_V3 ring (kernel documentation: networking/packet_mmap), read in place.
 *
 * The kernel fills blocks in order and hands each over by its status word; giving one back is a store to that word.
 * Frames of a block are turned into descriptors where they lie. Offsets below are those of `struct tpacket_block_desc`
 * and `struct tpacket3_hdr`; all words are in the machine's own byte order, hence typed arrays and no DataView.
 */
import { LINK_ETHERNET, LINK_RAW_IP, VLAN_PRESENT, VLAN_SERVICE } from '../../contracts/packet.ts';
import { InputError, ReusedBatch } from '../batch.ts';
import type { Addon, NativeRing, NativeRingOptions } from './addon.ts';

/** Block header, in bytes from the block's start. */
const BLOCK_STATUS = 8;
const BLOCK_PACKETS = 12;
const BLOCK_FIRST = 16;

const BLOCK_IS_KERNELS = 0;
const BLOCK_IS_OURS = 1;
/** Frames were lost since the statistics were read last; marked on the first block that was closed after the loss. */
const BLOCK_LOSING = 4;

/** Frame header: 32-bit words from its start. */
const FRAME_NEXT_WORD = 0;
const FRAME_SECONDS_WORD = 1;
const FRAME_NANOSECONDS_WORD = 2;
const FRAME_CAPTURED_WORD = 3;
const FRAME_WIRE_WORD = 4;
const FRAME_STATUS_WORD = 5;
const FRAME_VLAN_WORD = 8;
/** Frame header: 16-bit halves from its start. */
const FRAME_MAC_HALF = 12;
const FRAME_TPID_HALF = 18;

const FRAME_VLAN_VALID = 1 << 4;
const FRAME_TPID_VALID = 1 << 6;
const TPID_SERVICE = 0x88a8;
const TCI_MASK = 0xffff;

/** No frame with its header takes less, so this bounds the packets of a block. */
const FRAME_BYTES_MIN = 64;

/** BPF program that accepts no frame: `ret #0`. */
const ACCEPT_NOTHING: Uint8Array = new Uint8Array(Uint16Array.of(0x06, 0, 0, 0).buffer);

/** ARPHRD_* of links whose frames are Ethernet, and of those that start with the IP header. */
const HARDWARE_ETHERNET = 1;
const HARDWARE_LOOPBACK = 772;
const HARDWARE_PPP = 512;
const HARDWARE_NONE = 0xfffe;

export class InterfaceRing {
  readonly name: string;
  readonly batch: ReusedBatch;
  /** Times the interface was removed, back again or not. */
  removals = 0;
  freezes = 0;
  drops = 0;
  up = false;
  /** Why it is not captured from now; `undefined` when it is. */
  problem: string | undefined;
  readonly #addon: Addon;
  readonly #interfaceIndex: number;
  #options: NativeRingOptions;
  /** `undefined` from when the interface was removed until it is back and could be opened. */
  #native: NativeRing | undefined;
  #words: Int32Array = new Int32Array(0);
  #halves: Uint16Array = new Uint16Array(0);
  #link = LINK_ETHERNET;
  /** Block that the kernel fills or hands over next. */
  #block = 0;
  #lent = false;
  /** The interface is gone; the kernel may still hand over what it had received. */
  #isDraining = false;
  /** Drops counted by the native ring so far, and by those it replaced. */
  #dropsBefore = 0;
  #freezesBefore = 0;
  /** Frames that the kernel has put into the native ring, as it last said; and those read out of it. */
  #accepted = 0;
  #delivered = 0;
  /** Drops already told in a batch's `lostBefore`. */
  #dropsTold = 0;

  /** Throws the addon's error when the ring cannot be opened, `InputError` when the link is of an unknown kind. */
  constructor(addon: Addon, options: NativeRingOptions, interfaceIndex: number) {
    this.name = options.ifname;
    this.#addon = addon;
    this.#options = options;
    this.#interfaceIndex = interfaceIndex;
    this.batch = new ReusedBatch(new Uint8Array(0), Math.floor(options.blockSize / FRAME_BYTES_MIN));
    this.#open();
  }

  /** The open ring, for waiting. */
  get native(): NativeRing | undefined {
    return this.#native;
  }

  #open(): void {
    const native = new this.#addon.Ring(this.#options);
    const link = linkOfHardware(native.hardwareType);
    if (link === undefined) {
      native.close();
      throw new InputError(`${this.name}: links of hardware type ${native.hardwareType} are not supported`);
    }
    const buffer = native.buffer();
    this.#native = native;
    this.#link = link;
    this.#words = new Int32Array(buffer);
    this.#halves = new Uint16Array(buffer);
    this.batch.bytes = new Uint8Array(buffer);
    this.#block = 0;
    this.#lent = false;
    this.#isDraining = false;
    this.#accepted = 0;
    this.#delivered = 0;
    this.up = native.linkState().up;
  }

  /** Status word of the block that comes next. */
  #status(): number {
    if (this.#native === undefined) return BLOCK_IS_KERNELS;
    return Atomics.load(this.#words, (this.#block * this.#options.blockSize + BLOCK_STATUS) >> 2);
  }

  /** The next block as a batch, or `undefined` when the kernel still owns it. */
  next(): ReusedBatch | undefined {
    const status = this.#status();
    if ((status & BLOCK_IS_OURS) === 0) return undefined;
    const { batch } = this;
    batch.clear();
    if ((status & BLOCK_LOSING) !== 0) this.#readStats();
    batch.lostBefore = this.drops - this.#dropsTold;
    this.#dropsTold = this.drops;
    this.#describe(this.#block * this.#options.blockSize);
    this.#delivered += batch.count;
    this.#lent = true;
    return batch;
  }

  #describe(base: number): void {
    const words = this.#words;
    const halves = this.#halves;
    const { batch } = this;
    const count = Math.min(words[(base + BLOCK_PACKETS) >> 2] as number, batch.capacity);
    let at = base + (words[(base + BLOCK_FIRST) >> 2] as number);
    for (let i = 0; i < count; i++) {
      const word = at >> 2;
      const half = at >> 1;
      const status = words[word + FRAME_STATUS_WORD] as number;
      let vlan = 0;
      if ((status & FRAME_VLAN_VALID) !== 0) {
        vlan = VLAN_PRESENT | ((words[word + FRAME_VLAN_WORD] as number) & TCI_MASK);
        const hasService = (status & FRAME_TPID_VALID) !== 0 && halves[half + FRAME_TPID_HALF] === TPID_SERVICE;
        if (hasService) vlan |= VLAN_SERVICE;
      }
      batch.add(
        at + (halves[half + FRAME_MAC_HALF] as number),
        words[word + FRAME_CAPTURED_WORD] as number,
        words[word + FRAME_WIRE_WORD] as number,
        vlan,
        this.#link,
        this.#interfaceIndex,
        words[word + FRAME_SECONDS_WORD] as number,
        words[word + FRAME_NANOSECONDS_WORD] as number,
      );
      at += words[word + FRAME_NEXT_WORD] as number;
    }
  }

  /** Gives the block of the last `next` back to the kernel. */
  release(): void {
    if (!this.#lent) return;
    this.#lent = false;
    const base = this.#block * this.#options.blockSize;
    Atomics.store(this.#words, (base + BLOCK_STATUS) >> 2, BLOCK_IS_KERNELS);
    this.#block = (this.#block + 1) % this.#options.blockCount;
  }

  /**
   * Refreshes `drops` and `freezes`. Only when a block says so, or when none is waiting: reading clears the kernel's
   * mark, and the loss must be told with the block that follows it.
   */
  #readStats(): void {
    if (this.#native === undefined) return;
    const stats = this.#native.stats();
    this.#accepted = Number(stats.packets - stats.drops);
    this.drops = this.#dropsBefore + Number(stats.drops);
    this.freezes = this.#freezesBefore + Number(stats.freezes);
  }

  /**
   * Looks whether the name still stands for the interface that was opened. A socket of a removed interface stays silent
   * for ever, so it is closed, and opened again once the name is back. Throws when the ring cannot be opened again yet;
   * the next call tries once more.
   */
  checkLink(): void {
    // What is waiting comes first, and shows that all was well until now.
    if ((this.#status() & BLOCK_IS_OURS) !== 0) return;
    if (this.#native !== undefined) {
      this.#readStats();
      const state = this.#native.linkState();
      this.up = state.up && state.ifindex === this.#native.ifindex;
      if (state.ifindex === this.#native.ifindex) return;
      if (!this.#isDraining) {
        this.#isDraining = true;
        return;
      }
      // Closed before the name is back: while one member of a fanout group holds on to the removed interface, no ring of
      // the new one can join the group.
      this.close();
      this.#dropsBefore = this.drops;
      this.#freezesBefore = this.freezes;
      this.removals++;
    }
    this.#open();
  }

  /** Replaces the filter, also for rings that are opened later. Throws the addon's error when it is not accepted. */
  setFilter(program: Uint8Array): void {
    this.#native?.setFilter(program);
    this.#options = { ...this.#options, filter: program };
  }

  /** From now on no frame is received; those that were are still to be read. */
  refuse(): void {
    this.#native?.setFilter(ACCEPT_NOTHING);
  }

  /** Counts the last losses, among them what was received and never read, and closes. Idempotent. */
  close(): void {
    if (this.#native === undefined) return;
    this.#readStats();
    this.drops += Math.max(0, this.#accepted - this.#delivered);
    this.#native.close();
    this.#native = undefined;
  }
}

function linkOfHardware(hardwareType: number): number | undefined {
  switch (hardwareType) {
    case HARDWARE_ETHERNET:
    case HARDWARE_LOOPBACK:
      return LINK_ETHERNET;
    case HARDWARE_PPP:
    case HARDWARE_NONE:
      return LINK_RAW_IP;
    default:
      return undefined;
  }
}
