/**
 * Capture through libpcap, by the optional package `cap`: for systems without AF_PACKET rings. It gives packets to
 * callbacks on the main thread, so they travel to the capture thread in a `PacketQueue`.
 *
 * What it cannot do: times are those at which a packet reaches the program; what libpcap itself dropped is not told; the
 * filter cannot be replaced while it runs; it is one thread. On Linux libpcap gives every frame a slot of 64 KiB of its
 * buffer, so the buffer must be large.
 */
import { createRequire } from 'node:module';
import { LINK_ETHERNET, LINK_LINUX_SLL, LINK_NULL, LINK_RAW_IP, type PacketBatch } from '../../contracts/packet.ts';
import { countBatch, emptyStats, InputError } from '../batch.ts';
import { newQueueMemory, PacketQueueReader, PacketQueueWriter, type QueueMemory } from './packet-queue.ts';
import type { LinkReport, LiveSource } from './ring.ts';

/** Of a block that is not full, before it is passed on. */
const FLUSH_MS = 10;
/** The package's own snap length. */
const PACKET_BYTES_MAX = 65_535;

const LINKS: Readonly<Record<string, number>> = {
  ETHERNET: LINK_ETHERNET,
  LINKTYPE_LINUX_SLL: LINK_LINUX_SLL,
  NULL: LINK_NULL,
  RAW: LINK_RAW_IP,
};

/** The part of the package's interface that is used. */
interface Cap {
  open(device: string, filter: string, bufferBytes: number, into: Buffer): string;
  on(event: 'packet', receive: (bytes: number, truncated: boolean) => void): void;
  close(): void;
}

export interface CapOptions {
  readonly interfaces: readonly string[];
  /** In tcpdump's language. */
  readonly filter: string | undefined;
  /** Of libpcap, for each interface. */
  readonly bufferBytes: number;
}

export class CapFeed {
  /** For the `CapSource` of the capture thread. */
  readonly memory: QueueMemory = newQueueMemory();
  private readonly writer = new PacketQueueWriter(this.memory);
  private readonly open: Cap[] = [];
  private readonly timer: NodeJS.Timeout;

  /** Throws `InputError`, one line, when the package is missing or an interface cannot be captured from. */
  constructor(options: CapOptions) {
    const Opener = loadCap();
    try {
      for (const [index, name] of options.interfaces.entries()) this.listen(new Opener(), name, index, options);
    } catch (error) {
      this.closeAll();
      throw error;
    }
    this.timer = setInterval(() => this.writer.flush(), FLUSH_MS);
  }

  close(): void {
    clearInterval(this.timer);
    this.closeAll();
    this.writer.flush();
  }

  private closeAll(): void {
    for (const cap of this.open.splice(0)) cap.close();
  }

  private listen(cap: Cap, name: string, index: number, { filter, bufferBytes }: CapOptions): void {
    kept.push(cap);
    const buffer = Buffer.alloc(PACKET_BYTES_MAX);
    let linkName: string;
    try {
      linkName = cap.open(name, filter ?? '', bufferBytes, buffer);
    } catch (error) {
      throw new InputError(`${name}: cannot capture (${error instanceof Error ? error.message : String(error)})`);
    }
    this.open.push(cap);
    const link = LINKS[linkName];
    if (link === undefined) throw new InputError(`${name}: link type ${linkName} is not supported`);
    cap.on('packet', (bytes) => {
      const nowMs = Date.now();
      const seconds = Math.floor(nowMs / 1000);
      // The package tells a cut packet, but not how long it was.
      this.writer.add(buffer, bytes, bytes, link, index, seconds, (nowMs - seconds * 1000) * 1e6);
    });
  }
}

/** All that were made: the package ends the process when a handle that failed to open is collected. */
const kept: Cap[] = [];

function loadCap(): new () => Cap {
  try {
    return (createRequire(import.meta.url)('cap') as { Cap: new () => Cap }).Cap;
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new InputError(
      `--source cap needs libpcap and the optional package cap: npm install cap (${reason}); on Linux --source ring needs neither`,
    );
  }
}

/** The capture thread's end of a `CapFeed`. */
export class CapSource implements LiveSource {
  /** Only what the queue dropped is. */
  readonly tellsDrops = false;
  readonly interfaces: readonly string[];
  ended = false;
  private readonly reader: PacketQueueReader;
  private readonly received = emptyStats();

  constructor(interfaces: readonly string[], memory: QueueMemory) {
    this.interfaces = interfaces;
    this.reader = new PacketQueueReader(memory);
  }

  poll(timeoutMs: number): PacketBatch | undefined {
    const batch = this.ended ? undefined : this.reader.next(timeoutMs);
    if (batch === undefined) return undefined;
    countBatch(this.received, batch);
    return batch;
  }

  release(_batch: PacketBatch): void {
    // It is a copy.
  }

  setFilter(_program: Uint8Array): void {
    throw new InputError('--source cap cannot replace its filter: use --filter');
  }

  stats(): ReturnType<LiveSource['stats']> {
    return { ...this.received, drops: this.reader.dropped };
  }

  links(): LinkReport[] {
    const { dropped } = this.reader;
    // The queue is shared: what it dropped is told once.
    return this.interfaces.map((name, i) => ({
      ...{ name, up: true, problem: undefined, freezes: 0, reopens: 0 },
      drops: i === 0 ? dropped : 0,
    }));
  }

  refuse(): void {
    this.reader.refuse();
  }

  close(): void {
    this.ended = true;
  }
}
