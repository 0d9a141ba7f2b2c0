/**
 * The compressed protocol: MySQL Internals "Compressed Packet Header". Packets of 7 bytes header and a payload that is
 * stored, a zlib stream (CLIENT_COMPRESS) or a Zstandard frame (CLIENT_ZSTD_COMPRESSION_ALGORITHM); inside flow plain
 * packets that may cross payloads, which an inner driver reads. The payload's first bytes tell which it is.
 *
 * No output is larger than the header says (16 MiB at most), none is kept. Of a payload over `frameBytesMax` the first
 * part is inflated, the rest is a gap of known size to the inner driver. So it is where a payload is out of proportion:
 * a few hundred bytes can stand for millions of packets.
 */
import { constants, inflateSync } from 'node:zlib';
import type { Cursor } from '../../base/cursor.ts';
import type { Direction, EventSink, Frame, ProtocolModule } from '../../contracts/protocol.ts';
import { type DriverCounters, newDriverCounters } from '../sdk/counters.ts';
import { Driver } from '../sdk/driver.ts';
import { FrameWindow } from '../sdk/window.ts';
import type { MysqlSession } from './session.ts';
import { inflateZstd, isZstd } from './zstd.ts';

export class CompressedLayer {
  readonly driver: Driver<MysqlSession>;
  readonly counters: DriverCounters = newDriverCounters();
  /** The rest of the outer packet being skipped is stored bytes, per direction. */
  private readonly stored: [boolean, boolean] = [false, false];
  private readonly endUs: [number, number] = [0, 0];

  constructor(inner: ProtocolModule<MysqlSession>, session: MysqlSession, sink: EventSink) {
    const { midstream, memory } = session.connection;
    this.driver = new Driver(inner, session, sink, this.counters, midstream, new FrameWindow(), memory);
  }

  /** A compressed packet; the cursor stands at its header. */
  packet(direction: Direction, frame: Frame, cursor: Cursor): void {
    cursor.skip(4);
    const original = cursor.u24le();
    this.endUs[direction] = frame.endUs;
    this.stored[direction] = original === 0;
    if (original === 0) {
      this.driver.data(direction, cursor.bytes, cursor.pos, cursor.end, frame.endUs);
      if (frame.lostBytes > 0) this.driver.gap(direction, frame.lostBytes, frame.endUs);
      return;
    }
    const payload = cursor.bytes.subarray(cursor.pos, cursor.end);
    const plain = inflate(payload, original, frame.available < frame.length);
    const read = this.read(direction, plain, payload.length, frame.endUs);
    if (read === original) return;
    if (!frame.truncated) {
      // No valid stream, or not what its header says, or out of proportion.
      this.counters.malformedFrames++;
      this.counters.unparsedBytes += payload.length;
    }
    this.driver.gap(direction, original - read, frame.endUs);
  }

  /** Reads what a payload stands for, as long as the work is in proportion to it. Returns where that ended. */
  private read(direction: Direction, plain: Uint8Array, payloadBytes: number, tsUs: number): number {
    const workMax = this.work() + WORK_MIN + WORK_PER_BYTE * payloadBytes;
    let pos = 0;
    while (pos < plain.length && this.work() <= workMax) {
      const end = Math.min(plain.length, pos + SLICE_BYTES);
      this.driver.data(direction, plain, pos, end, tsUs);
      pos = end;
    }
    return pos;
  }

  /** What the inner driver has done: frames read, and bytes searched for one. */
  private work(): number {
    return this.counters.frames + this.counters.unparsedBytes / SEARCHED_BYTES_PER_FRAME;
  }

  /** Bytes of a stored payload behind those `packet` saw. */
  rest(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    if (this.stored[direction]) this.driver.data(direction, bytes, start, end, this.endUs[direction] as number);
  }

  /** `inside`: within the payload being skipped; its loss is known already unless it was stored. */
  gap(direction: Direction, lostBytes: number, inside: boolean, tsUs: number): void {
    if (inside && !this.stored[direction]) return;
    this.driver.gap(direction, Math.max(1, lostBytes), tsUs);
  }
}

const NOTHING = new Uint8Array(0);
/** Inner frames that any payload may have, and that each of its bytes may stand for; rows in a row are one frame. */
const WORK_MIN = 16_384;
const WORK_PER_BYTE = 4;
/** Looking for a frame in so many bytes costs what reading one does. */
const SEARCHED_BYTES_PER_FRAME = 8;
/** Read at a time. */
const SLICE_BYTES = 64 * 1024;
/** Zstandard has no limit of its own, and is slow here: bytes inflated of any payload, and of each of its bytes. */
const ZSTD_BYTES_MIN = 256 * 1024;
const ZSTD_RATIO_MAX = 512;

/** At most `original` bytes; fewer, or none, when the payload is damaged or only its first part is there. */
function inflate(payload: Uint8Array, original: number, partial: boolean): Uint8Array {
  try {
    if (isZstd(payload, 0)) {
      return inflateZstd(payload, Math.min(original, ZSTD_BYTES_MIN + ZSTD_RATIO_MAX * payload.length));
    }
    const finishFlush = partial ? constants.Z_SYNC_FLUSH : constants.Z_FINISH;
    return inflateSync(payload, { maxOutputLength: original, finishFlush });
  } catch {
    // Damaged and oversized streams are reported by throwing; the caller counts them by the missing bytes.
    return NOTHING;
  }
}
