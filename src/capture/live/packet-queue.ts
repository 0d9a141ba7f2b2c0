/**
 * Packets from one thread to another through shared memory, in blocks: the writer fills one after the other and passes it
 * on when it is full or `flush` says so, the reader takes them in the same order. One writer, one reader. When all blocks
 * are full a packet is dropped, and counted to the packet.
 */
import type { PacketBatch } from '../../contracts/packet.ts';
import { type BatchCounts, ReusedBatch } from '../batch.ts';

const BLOCK_COUNT_DEFAULT = 64;
const BLOCK_BYTES_DEFAULT = 256 * 1024;
const BLOCK_PACKETS_MAX = 2048;

// Words of `QueueMemory.control`: what both sides share; then three for each block.
const PASSED = 0;
const DROPPED = 1;
/** 1: the reader takes no more than what was added. */
const REFUSED = 2;
const CONTROL_WORDS = 3;
/** 1: the reader's. */
const FULL = 0;
const COUNT = 1;
/** Packets dropped before the block. */
const LOST = 2;
const BLOCK_WORDS = 3;

/** Before each packet in a block: captured and wire length, link, interface, seconds, nanoseconds. */
const HEADER_WORDS = 6;
const HEADER_BYTES = 4 * HEADER_WORDS;

/** What the two ends share; plain data for `workerData`. */
export interface QueueMemory {
  readonly control: SharedArrayBuffer;
  readonly blocks: SharedArrayBuffer;
  readonly blockBytes: number;
}

/** `blockBytes` is a multiple of 4. */
export function newQueueMemory(
  blockCount: number = BLOCK_COUNT_DEFAULT,
  blockBytes: number = BLOCK_BYTES_DEFAULT,
): QueueMemory {
  return {
    control: new SharedArrayBuffer(4 * (CONTROL_WORDS + blockCount * BLOCK_WORDS)),
    blocks: new SharedArrayBuffer(blockCount * blockBytes),
    blockBytes,
  };
}

/** One end of the queue: the control words, and whose turn it is. */
class QueueEnd {
  readonly control: Int32Array;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly blockBytes: number;
  /** Block being written, or to be read next. */
  block = 0;

  constructor({ control, blocks, blockBytes }: QueueMemory) {
    this.control = new Int32Array(control);
    this.bytes = new Uint8Array(blocks);
    this.words = new Int32Array(blocks);
    this.blockBytes = blockBytes;
  }

  /** Index of a control word of the block. */
  word(which: number): number {
    return CONTROL_WORDS + this.block * BLOCK_WORDS + which;
  }

  advance(): void {
    this.block = (this.block + 1) % ((this.control.length - CONTROL_WORDS) / BLOCK_WORDS);
  }
}

export class PacketQueueWriter {
  private readonly end: QueueEnd;
  private at = 0;
  private count = 0;
  private lost = 0;

  constructor(memory: QueueMemory) {
    this.end = new QueueEnd(memory);
  }

  /** Copies `bytes[0, capturedBytes)`. False when it had to be dropped, or when the reader wants no more. */
  add(
    bytes: Uint8Array,
    capturedBytes: number,
    wireBytes: number,
    link: number,
    interfaceIndex: number,
    seconds: number,
    nanoseconds: number,
  ): boolean {
    const { end } = this;
    if (Atomics.load(end.control, REFUSED) === 1) return false;
    const needed = HEADER_BYTES + ((capturedBytes + 3) & ~3);
    if (this.count === BLOCK_PACKETS_MAX || (this.count > 0 && this.at + needed > end.blockBytes)) this.flush();
    if (needed > end.blockBytes || Atomics.load(end.control, end.word(FULL)) === 1) {
      this.lost++;
      Atomics.add(end.control, DROPPED, 1);
      return false;
    }
    const start = end.block * end.blockBytes + this.at;
    const w = start / 4;
    end.words[w] = capturedBytes;
    end.words[w + 1] = wireBytes;
    end.words[w + 2] = link;
    end.words[w + 3] = interfaceIndex;
    end.words[w + 4] = seconds;
    end.words[w + 5] = nanoseconds;
    end.bytes.set(bytes.subarray(0, capturedBytes), start + HEADER_BYTES);
    this.at += needed;
    this.count++;
    return true;
  }

  /** Passes on what was added. */
  flush(): void {
    if (this.count === 0) return;
    const { end } = this;
    end.control[end.word(COUNT)] = this.count;
    end.control[end.word(LOST)] = this.lost;
    Atomics.store(end.control, end.word(FULL), 1);
    Atomics.add(end.control, PASSED, 1);
    Atomics.notify(end.control, PASSED);
    end.advance();
    this.at = 0;
    this.count = 0;
    this.lost = 0;
  }
}

export class PacketQueueReader {
  private readonly end: QueueEnd;
  private readonly batch: ReusedBatch;

  constructor(memory: QueueMemory) {
    this.end = new QueueEnd(memory);
    this.batch = new ReusedBatch(new Uint8Array(memory.blockBytes), BLOCK_PACKETS_MAX);
  }

  /** Packets dropped so far. */
  get dropped(): number {
    return Atomics.load(this.end.control, DROPPED) >>> 0;
  }

  /** From now on the writer adds nothing. */
  refuse(): void {
    Atomics.store(this.end.control, REFUSED, 1);
  }

  /** The next block, copied; valid until the next call. `undefined` when none came within `timeoutMs`. */
  next(timeoutMs: number): (PacketBatch & Readonly<BatchCounts>) | undefined {
    const { end, batch } = this;
    const passed = Atomics.load(end.control, PASSED);
    if (Atomics.load(end.control, end.word(FULL)) === 0) {
      if (timeoutMs > 0) Atomics.wait(end.control, PASSED, passed, timeoutMs);
      if (Atomics.load(end.control, end.word(FULL)) === 0) return undefined;
    }
    const start = end.block * end.blockBytes;
    // A copy costs little; not everything that reads bytes takes shared ones.
    batch.bytes.set(end.bytes.subarray(start, start + end.blockBytes));
    batch.clear();
    const count = end.control[end.word(COUNT)] as number;
    let at = 0;
    for (let i = 0; i < count; i++) {
      const w = (start + at) / 4;
      const word = (index: number): number => end.words[w + index] as number;
      batch.add(at + HEADER_BYTES, word(0), word(1), 0, word(2), word(3), word(4), word(5));
      at += HEADER_BYTES + ((word(0) + 3) & ~3);
    }
    batch.lostBefore = end.control[end.word(LOST)] as number;
    Atomics.store(end.control, end.word(FULL), 0);
    end.advance();
    return batch;
  }
}
