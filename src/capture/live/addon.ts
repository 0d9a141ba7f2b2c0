/** The native addon (`native/`) as TypeScript sees it, and how it is loaded. */
import { createRequire } from 'node:module';
import { InputError } from '../batch.ts';
import { errorCode } from '../files/input.ts';

export interface NativeRingOptions {
  readonly ifname: string;
  readonly blockSize: number;
  readonly blockCount: number;
  readonly frameSize: number;
  readonly retireMs: number;
  readonly promisc: boolean;
  readonly ignoreOutgoing: boolean;
  /** `struct sock_filter[]`. */
  readonly filter: Uint8Array | undefined;
  readonly fanout:
    | {
        /** 16 bits; one group is bound to one interface. */
        readonly group: number;
        readonly type: 'hash' | 'cbpf';
        readonly defrag: boolean;
        readonly program: Uint8Array;
      }
    | undefined;
}

/** Bits of `waitAny`. */
export const WAIT_READABLE = 1;
export const WAIT_WOKEN = 2;
export const WAIT_ERROR = 4;

/** All methods but `close` and `lastError` throw when the ring is closed. */
export interface NativeRing {
  readonly fd: number;
  readonly ifindex: number;
  /** ARPHRD_* of the interface. */
  readonly hardwareType: number;
  /** The mapped ring; the same object every time. Never post it or a view of it: it would be copied whole. */
  buffer(): ArrayBuffer;
  /** Last errno of the socket; 0 when there was none. */
  lastError(): number;
  /** Accumulated; `packets` includes `drops`. */
  stats(): { packets: bigint; drops: bigint; freezes: bigint };
  /** What the interface's name stands for now; 0 for nothing. */
  linkState(): { ifindex: number; up: boolean };
  /** Replaces the socket filter; an empty program accepts everything. */
  setFilter(program: Uint8Array): void;
  /** Detaches the buffer (views get length 0), unmaps, closes. Idempotent. */
  close(): void;
}

export interface Addon {
  /** Throws an Error with `errno` and `syscall`. */
  readonly Ring: new (
    options: NativeRingOptions,
  ) => NativeRing;
  /** Blocks this thread for up to `timeoutMs`. `WAIT_*` bits; 0 when the time is up or a signal came. */
  waitAny(rings: readonly NativeRing[], wakeFd: number, timeoutMs: number): number;
  /** A new eventfd. Eight bytes written to it (1 in the machine's byte order) end a wait. Closed when this thread ends. */
  openEventFd(): number;
  /** Closes a descriptor that this thread got from `openEventFd`. */
  closeEventFd(fd: number): void;
  /** CLOCK_REALTIME: the clock of the packets' time stamps. */
  realtimeNs(): bigint;
  pinThread(cpu: number): void;
  setNetns(path: string): void;
  /** Who connected the Unix stream socket. Throws an Error with `errno` and `syscall` for any other descriptor. */
  peerCredentials(fd: number): { readonly pid: number; readonly uid: number; readonly gid: number };
}

const ADDON_PATH = '../../../native/build/Release/wiretrail_ring.node';

let loaded: Addon | undefined;

/** Loads the addon. Throws `InputError` with one line that says what is missing; replaying files works without it. */
export function loadAddon(): Addon {
  if (process.platform !== 'linux') {
    throw new InputError('live capture needs Linux (AF_PACKET); on this system only files can be replayed');
  }
  if (loaded === undefined) {
    try {
      loaded = createRequire(import.meta.url)(ADDON_PATH) as Addon;
    } catch (error) {
      const code = errorCode(error);
      const reason = code === 'MODULE_NOT_FOUND' ? 'is not built' : `does not load (${code})`;
      throw new InputError(
        `the capture addon ${reason}: run "npm run build:native" (needs a C++20 compiler, make and python3); ` +
          'files can be replayed without it',
      );
    }
  }
  return loaded;
}
