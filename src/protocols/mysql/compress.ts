/**
 * The compressed protocol: MySQL Internals "Compressed Packet Header". Packets of 7 bytes header and a payload that is
 * stored, a zlib stream (CLIENT_COMPRESS) or a Zstandard frame (CLIENT_ZSTD_COMPRESSION_ALGORITHM); inside flow plain
 * packets that may cross payloads, which an inner driver reads. The payload's first bytes tell which it is.
 *
 * No output is larger than the header says (16 MiB at most), none is kept. Of a payload over `frameBytesMax` the first
 * part is inflated, the rest is a gap of known size to the inner driver.
 */
import { constants, inflateSync } from 'node:zlib';
import { decompress } from 'fzstd';
import type { Cursor } from '../../base/cursor.ts';
import type { Direction, EventSink, Frame, ProtocolModule } from '../../contracts/protocol.ts';
import { type DriverCounters, newDriverCounters } from '../sdk/counters.ts';
import { Driver } from '../sdk/driver.ts';
import { isZstd } from './plausible.ts';
import type { MysqlSession } from './session.ts';

export class CompressedLayer {
  readonly driver: Driver<MysqlSession>;
  readonly counters: DriverCounters = newDriverCounters();
  /** The rest of the outer packet being skipped is stored bytes, per direction. */
  private readonly stored: [boolean, boolean] = [false, false];
  private readonly endUs: [number, number] = [0, 0];

  constructor(inner: ProtocolModule<MysqlSession>, session: MysqlSession, sink: EventSink) {
    this.driver = new Driver(inner, session, sink, this.counters, session.connection.midstream);
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
    if (plain.length > 0) this.driver.data(direction, plain, 0, plain.length, frame.endUs);
    if (plain.length < original) {
      if (!frame.truncated) {
        // No valid stream, or it inflates to more than its header says.
        this.counters.malformedFrames++;
        this.counters.unparsedBytes += payload.length;
      }
      this.driver.gap(direction, original - plain.length, frame.endUs);
    }
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
/** No Zstandard frame gives more per byte: a block of 128 KiB takes 4 bytes. */
const ZSTD_RATIO_MAX = 32 * 1024;

/** At most `original` bytes; fewer, or none, when the payload is damaged or only its first part is there. */
function inflate(payload: Uint8Array, original: number, partial: boolean): Uint8Array {
  try {
    if (isZstd(payload, 0)) {
      const impossible = original > payload.length * ZSTD_RATIO_MAX;
      return partial || impossible ? NOTHING : decompress(payload, new Uint8Array(original));
    }
    const finishFlush = partial ? constants.Z_SYNC_FLUSH : constants.Z_FINISH;
    return inflateSync(payload, { maxOutputLength: original, finishFlush });
  } catch {
    // The libraries report damaged and oversized streams by throwing; the caller counts them by the missing bytes.
    return NOTHING;
  }
}
