/**
 * Segments to data stream structures: strips the headers of continued ones, puts their content together within a
 * bound, and streams what is not to be kept (result rows, large objects).
 */
import type { Cursor } from '../../base/cursor.ts';
import { type Direction, type EventSink, type Frame, TO_SERVER } from '../../contracts/protocol.ts';
import { Digest } from '../sdk/long.ts';
import * as cp from './codepoints.ts';
import { headerBytes } from './ddm.ts';
import { CONTINUED, FRAME_CONTINUATION } from './frame.ts';
import { OBJECT_BYTES_MAX } from './limits.ts';
import { onReplyStructure, openReplyStream } from './replies.ts';
import { onRequestStructure, openRequestStream } from './requests.ts';
import type { ByteStream, Lane, Session, Structure } from './session.ts';
import { findText } from './text.ts';
import { Typdef } from './typdef.ts';

export function onSegment(s: Session, direction: Direction, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const lane = s.lanes[direction];
  const first = frame.type !== FRAME_CONTINUATION;
  const length = cursor.u16be();
  if (first) {
    cursor.skip(1);
    begin(lane, cursor.u8(), cursor.u16be(), frame);
  }
  lane.continued = (length & CONTINUED) !== 0;
  const wasDamaged = lane.damaged;
  lane.wireBytes += frame.length;
  lane.lostBytes += frame.lostBytes;
  if (frame.truncated) lane.damaged = true;
  const start = cursor.pos;
  if (first && !lane.continued) {
    complete(s, direction, lane, frame.endUs, cursor.bytes, start, cursor.end, sink);
    return;
  }
  if (first) openStream(s, direction, lane, cursor.bytes, start, cursor.end);
  else if (!wasDamaged) take(lane, cursor.bytes, start, cursor.end);
  if (!lane.continued) completeKept(s, direction, lane, frame.endUs, sink);
}

function completeKept(s: Session, direction: Direction, lane: Lane, endUs: number, sink: EventSink): void {
  const { bytes, length } = lane;
  lane.continued = false;
  complete(s, direction, lane, endUs, bytes, 0, length, sink);
  lane.replace(NONE);
  lane.length = 0;
}

/** Memory is short: no more than `bytesMax` are put together of the structure that is coming in. */
export function shorten(lane: Lane, bytesMax: number): void {
  if (lane.bytes.length <= bytesMax) return;
  if (lane.length > bytesMax) hashOn(lane, NONE, 0, 0);
  lane.bytesMax = bytesMax;
  lane.length = Math.min(lane.length, bytesMax);
  lane.replace(lane.bytes.slice(0, lane.length));
}

/** No more comes of the structure that was coming in: it is what came of it. */
export function cutShort(s: Session, direction: Direction, tsUs: number, sink: EventSink): void {
  const lane = s.lanes[direction];
  if (!lane.continued) return;
  lane.damaged = true;
  completeKept(s, direction, lane, tsUs, sink);
}

function begin(lane: Lane, format: number, correlation: number, frame: Frame): void {
  lane.format = format;
  lane.correlation = correlation;
  lane.startUs = frame.startUs;
  lane.wireBytes = 0;
  lane.lostBytes = 0;
  lane.damaged = false;
  lane.length = 0;
  lane.bytesMax = OBJECT_BYTES_MAX;
  lane.stream = undefined;
  lane.span = undefined;
  lane.digest = undefined;
}

/** Decides by the first object whether a continued structure is put together or streamed. */
function openStream(s: Session, direction: Direction, lane: Lane, bytes: Uint8Array, start: number, end: number): void {
  const header = headerBytes(bytes, start, end);
  const codePoint = header === 0 ? 0 : ((bytes[start + 2] as number) << 8) | (bytes[start + 3] as number);
  let stream: ByteStream | undefined;
  if (codePoint === cp.EXTDTA || codePoint === cp.QRYDTA) {
    stream =
      direction === TO_SERVER
        ? openRequestStream(s, lane.correlation, codePoint)
        : openReplyStream(s, lane.correlation, codePoint);
    lane.stream = stream ?? NOWHERE;
    lane.stream.feed(bytes, start + header, end);
    return;
  }
  take(lane, bytes, start, end);
}

const NOWHERE: ByteStream = { feed: () => undefined, close: () => undefined };

function take(lane: Lane, bytes: Uint8Array, start: number, end: number): void {
  if (lane.stream) {
    lane.stream.feed(bytes, start, end);
    return;
  }
  const count = Math.min(end - start, lane.bytesMax - lane.length);
  append(lane, bytes, start, start + count);
  if (start + count < end) hashOn(lane, bytes, start + count, end);
}

function append(lane: Lane, bytes: Uint8Array, start: number, end: number): void {
  const needed = lane.length + end - start;
  if (needed > lane.bytes.length) {
    // Grown by what came, never by what a length promises.
    const grown = new Uint8Array(Math.max(needed, 2 * lane.bytes.length));
    grown.set(lane.bytes.subarray(0, lane.length));
    lane.replace(grown);
  }
  lane.bytes.set(bytes.subarray(start, end), lane.length);
  lane.length = needed;
}

/** Bytes beyond what is put together: only a statement's text is still of interest, for its hash. */
function hashOn(lane: Lane, bytes: Uint8Array, start: number, end: number): void {
  if (lane.digest === undefined) {
    const header = headerBytes(lane.bytes, 0, lane.length);
    const isText = header > 0 && (lane.bytes[2] as number) === 0x24 && (lane.bytes[3] as number) === 0x14;
    const span = isText ? findText(lane.bytes, header, lane.length, true, NO_TYPDEF) : undefined;
    lane.digest = new Digest();
    lane.span = span;
    if (span) lane.digest.add(lane.bytes, span.start, lane.length);
  }
  if (lane.span === undefined) return;
  const count = Math.min(end - start, lane.span.length - lane.digest.lengthBytes);
  lane.digest.add(bytes, start, start + count);
}

function complete(
  s: Session,
  direction: Direction,
  lane: Lane,
  endUs: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  sink: EventSink,
): void {
  lane.stream?.close(!lane.damaged);
  const structure: Structure = {
    format: lane.format,
    correlation: lane.correlation,
    startUs: lane.startUs,
    endUs,
    wireBytes: lane.wireBytes,
    lostBytes: lane.lostBytes,
    damaged: lane.damaged,
    cut: lane.stream !== undefined || lane.digest !== undefined,
    sha256: lane.span && lane.digest?.lengthBytes === lane.span.length ? lane.digest.sha256() : undefined,
  };
  lane.stream = undefined;
  lane.digest = undefined;
  if (direction === TO_SERVER) onRequestStructure(s, structure, bytes, start, end, sink);
  else onReplyStructure(s, structure, bytes, start, end, sink);
}

const NONE = new Uint8Array(0);
/** A text is found by its lengths alone. */
const NO_TYPDEF = new Typdef();
