/**
 * Packet source over live interfaces: one TPACKET_V3 ring each (`ring-interface.ts`), read in turn by one thread.
 *
 * Defaults follow measurements: what a ring can hold is its block count times the retire time, because a timer closes
 * blocks that are nearly empty, so many small blocks beat few large ones; a block must hold the largest frame that
 * segmentation offload makes (65 kB, and more with BIG TCP).
 */
import { readdirSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import type { PacketBatch, PacketSource, SourceStats } from '../../contracts/packet.ts';
import { countBatch, emptyStats, InputError } from '../batch.ts';
import { errorCode } from '../files/input.ts';
import { type Addon, loadAddon, type NativeRingOptions, WAIT_ERROR } from './addon.ts';
import { symmetricFanoutProgram } from './fanout.ts';
import { InterfaceRing } from './ring-interface.ts';
import { BLOCK_BYTES_DEFAULT, checkRingMemory, defaultBlockCount } from './ring-memory.ts';

export interface RingOptions {
  readonly interfaces: readonly string[];
  /** A multiple of 4096; 256 KiB by default. */
  readonly blockBytes?: number;
  /** Blocks of each ring; as many as `defaultRingBytes` allows by default. */
  readonly blockCount?: number;
  /** Longest time a frame waits in a block that is not full; 8 ms by default. */
  readonly retireMs?: number;
  /** Receives what is not addressed to this machine, as a mirror port delivers; true by default. */
  readonly promiscuous?: boolean;
  /** Leaves out what this machine sends; true by default. To watch a database on this machine it must be false. */
  readonly ignoreOutgoing?: boolean;
  /** Classic BPF program (`struct sock_filter[]`) that says which frames are received; one for all interfaces, or by name. */
  readonly filter?: Uint8Array | ((interfaceName: string) => Uint8Array);
  /** Shares the frames of each interface among all sources that were opened with the same group. */
  readonly fanout?: FanoutChoice;
  /** How often the interfaces are looked at; 1000 ms by default. */
  readonly linkCheckMs?: number;
}

export interface FanoutChoice {
  /** 0 to 65535. Each further interface takes the next number. */
  readonly group: number;
  /**
   * `symmetric` (default): both directions of a connection, also inside VXLAN, Geneve and GRE, reach the same member.
   * `hash`: the kernel's own hash, which splits tunnels whose outer ports differ by direction.
   */
  readonly mode?: 'symmetric' | 'hash';
  /** Reassembles IPv4 fragments before the choice; true by default. */
  readonly defrag?: boolean;
}

const RETIRE_MS_DEFAULT = 8;
const LINK_CHECK_MS_DEFAULT = 1000;
/** Required by the kernel's request; version 3 packs frames and ignores it otherwise. */
const FRAME_BYTES = 2048;
const PAGE_BYTES = 4096;
const BLOCK_BYTES_MIN = 16 * 1024;
const BLOCK_BYTES_MAX = 64 * 1024 * 1024;
const BLOCK_COUNT_MAX = 65_536;
const RETIRE_MS_MAX = 1000;
/** Descriptors hold offsets in 31 bits. */
const RING_BYTES_MAX: number = 2 ** 31 - 1;
const INTERFACES_MAX = 64;
const FANOUT_GROUP_MAX = 0xffff;
/** Longest wait inside the addon: signal handlers and worker termination wait for it. */
const WAIT_MS_MAX = 250;

export interface LinkReport {
  readonly name: string;
  /** Administratively up, with a carrier. */
  readonly up: boolean;
  /** Why nothing can be received now, one line; `undefined` when all is well or only the link is down. */
  readonly problem: string | undefined;
  readonly drops: number;
  readonly freezes: number;
  /** Times the interface was removed and came back; frames between are lost and not counted. */
  readonly reopens: number;
}

/** A packet source over interfaces. */
export interface LiveSource extends PacketSource {
  /** What the system dropped before it reached the source is told in `stats` and `links`. */
  readonly tellsDrops: boolean;
  /** Replaces the filter of every interface; an empty program accepts everything. */
  setFilter(program: Uint8Array): void;
  links(): LinkReport[];
  /** From now on nothing is received: what was can be read to its end. What is not read before `close` counts as lost. */
  refuse(): void;
}

export interface RingSource extends LiveSource {
  /**
   * An eventfd: eight bytes (1 in the machine's byte order) written to it, by any thread, end a poll. Valid until `close`.
   */
  readonly wakeFd: number;
}

/** Opens live interfaces. Throws `InputError`, one line, when one cannot be captured from. */
export function openRing(options: RingOptions): RingSource {
  const size = sizeOf(options);
  checkOptions(options, size);
  const addon = loadAddon();
  checkRingMemory(size.blockBytes * size.blockCount * options.interfaces.length);
  return new RingReader(addon, options, size);
}

class RingReader implements RingSource {
  readonly tellsDrops = true;
  readonly interfaces: readonly string[];
  readonly #addon: Addon;
  readonly #rings: InterfaceRing[] = [];
  readonly #linkCheckMs: number;
  readonly #stats: SourceStats = emptyStats();
  /** Where the next poll starts to look, so that a busy interface does not starve the others. */
  #turn = 0;
  /** Ring whose block is lent out. */
  #lent: InterfaceRing | undefined;
  #linkCheckedMs: number = performance.now();
  readonly wakeFd: number;
  #ended = false;

  constructor(addon: Addon, options: RingOptions, size: RingSize) {
    this.#addon = addon;
    this.interfaces = options.interfaces;
    this.#linkCheckMs = options.linkCheckMs ?? LINK_CHECK_MS_DEFAULT;
    this.wakeFd = addon.openEventFd();
    for (const [index, name] of options.interfaces.entries()) {
      try {
        this.#rings.push(new InterfaceRing(addon, nativeOptions(options, size, name, index), index));
      } catch (error) {
        this.close();
        throw explain(name, error);
      }
    }
  }

  get ended(): boolean {
    return this.#ended;
  }

  poll(timeoutMs: number): PacketBatch | undefined {
    if (this.#ended) return undefined;
    const nowMs = performance.now();
    if (nowMs - this.#linkCheckedMs >= this.#linkCheckMs) this.#checkLinks(nowMs);
    const batch = this.#takeBlock();
    if (batch !== undefined) return batch;
    const open = this.#rings.map((ring) => ring.native).filter((native) => native !== undefined);
    const found = this.#addon.waitAny(open, this.wakeFd, Math.max(0, Math.min(timeoutMs, WAIT_MS_MAX)));
    // Looked into by the next poll: what was received before the error comes first.
    if ((found & WAIT_ERROR) !== 0) this.#linkCheckedMs = Number.NEGATIVE_INFINITY;
    return this.#takeBlock();
  }

  #takeBlock(): PacketBatch | undefined {
    const rings = this.#rings;
    for (let i = 0; i < rings.length; i++) {
      const index = (this.#turn + i) % rings.length;
      const ring = rings[index] as InterfaceRing;
      const batch = ring.next();
      if (batch === undefined) continue;
      this.#turn = index + 1;
      this.#lent = ring;
      countBatch(this.#stats, batch);
      return batch;
    }
    return undefined;
  }

  #checkLinks(nowMs: number): void {
    this.#linkCheckedMs = nowMs;
    for (const ring of this.#rings) {
      try {
        ring.checkLink();
        ring.problem = undefined;
      } catch (error) {
        // The interface is not back, or privileges were given up: it is reported and tried again.
        ring.problem = explain(ring.name, error).message;
      }
    }
  }

  release(_batch: PacketBatch): void {
    this.#lent?.release();
    this.#lent = undefined;
  }

  setFilter(program: Uint8Array): void {
    const own = Uint8Array.from(program);
    try {
      for (const ring of this.#rings) ring.setFilter(own);
    } catch (error) {
      throw new InputError(`the capture filter is not accepted by the kernel (${nameOf(error)})`);
    }
  }

  stats(): SourceStats {
    const stats = { ...this.#stats };
    for (const ring of this.#rings) {
      stats.drops += ring.drops;
      stats.freezes += ring.freezes;
    }
    return stats;
  }

  links(): LinkReport[] {
    return this.#rings.map(({ name, up, problem, drops, freezes, reopens }) => ({
      name,
      up,
      problem,
      drops,
      freezes,
      reopens,
    }));
  }

  refuse(): void {
    for (const ring of this.#rings) ring.refuse();
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#lent = undefined;
    for (const ring of this.#rings) ring.close();
    this.#addon.closeEventFd(this.wakeFd);
  }
}

interface RingSize {
  readonly blockBytes: number;
  readonly blockCount: number;
}

function sizeOf({ interfaces, blockBytes = BLOCK_BYTES_DEFAULT, blockCount }: RingOptions): RingSize {
  return { blockBytes, blockCount: blockCount ?? defaultBlockCount(interfaces.length, 1, blockBytes) };
}

function nativeOptions(options: RingOptions, size: RingSize, ifname: string, index: number): NativeRingOptions {
  const { fanout } = options;
  return {
    ifname,
    blockSize: size.blockBytes,
    blockCount: size.blockCount,
    frameSize: FRAME_BYTES,
    retireMs: options.retireMs ?? RETIRE_MS_DEFAULT,
    promisc: options.promiscuous ?? true,
    ignoreOutgoing: options.ignoreOutgoing ?? true,
    filter: typeof options.filter === 'function' ? options.filter(ifname) : options.filter,
    fanout: fanout && {
      group: fanout.group + index,
      type: fanout.mode === 'hash' ? 'hash' : 'cbpf',
      defrag: fanout.defrag ?? true,
      program: symmetricFanoutProgram(),
    },
  };
}

function checkOptions(options: RingOptions, { blockBytes, blockCount }: RingSize): void {
  const { interfaces } = options;
  if (interfaces.length === 0) throw new InputError('no interface given');
  if (interfaces.length > INTERFACES_MAX) throw new InputError(`more than ${INTERFACES_MAX} interfaces`);
  if (new Set(interfaces).size !== interfaces.length) throw new InputError('an interface is given twice');
  checkRange('block size', blockBytes, BLOCK_BYTES_MIN, BLOCK_BYTES_MAX);
  if (blockBytes % PAGE_BYTES !== 0)
    throw new InputError(`block size ${blockBytes} is not a multiple of ${PAGE_BYTES}`);
  checkRange('block count', blockCount, 2, BLOCK_COUNT_MAX);
  checkRange('ring size', blockBytes * blockCount, 1, RING_BYTES_MAX);
  checkRange('retire time', options.retireMs ?? RETIRE_MS_DEFAULT, 1, RETIRE_MS_MAX);
  if (options.fanout) checkRange('fanout group', options.fanout.group, 0, FANOUT_GROUP_MAX - interfaces.length + 1);
}

function checkRange(what: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new InputError(`${what} ${value} is not a whole number from ${min} to ${max}`);
  }
}

/** Names of the network interfaces, sorted; empty where the kernel does not tell. */
export function interfaceNames(): string[] {
  try {
    return readdirSync('/sys/class/net').sort();
  } catch {
    return [];
  }
}

/** How to get the one privilege that capturing needs. */
export const PRIVILEGE_REMEDY =
  'run as root, or grant CAP_NET_RAW: AmbientCapabilities=CAP_NET_RAW in the systemd unit, or setcap cap_net_raw+ep on the node binary';

function explain(name: string, error: unknown): InputError {
  if (error instanceof InputError) return error;
  const code = nameOf(error);
  switch (code) {
    case 'EPERM':
    case 'EACCES':
      return new InputError(`${name}: no permission to capture; ${PRIVILEGE_REMEDY}`);
    case 'ENODEV':
      return new InputError(`${name}: no such interface (there are: ${interfaceNames().join(', ')})`);
    case 'ENOMEM':
      return new InputError(`${name}: the kernel has no memory for the ring; use fewer or smaller blocks`);
    case 'EAFNOSUPPORT':
      return new InputError(`${name}: this kernel has no packet sockets (CONFIG_PACKET)`);
    default:
      return new InputError(`${name}: cannot capture (${code}${callOf(error)})`);
  }
}

function nameOf(error: unknown): string {
  if (error instanceof Error && 'errno' in error && typeof error.errno === 'number') {
    return getSystemErrorName(-error.errno);
  }
  return errorCode(error);
}

function callOf(error: unknown): string {
  return error instanceof Error && 'syscall' in error ? ` in ${String(error.syscall)}` : '';
}
