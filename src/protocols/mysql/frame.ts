/**
 * Framing: where the packet that starts here ends, and how much of it is worth reading. MySQL Internals "MySQL
 * Packets" (3 bytes length, 1 byte sequence number) and "Compression" (an outer header of 7 bytes).
 *
 * Complete rows that lie in the same segment are one frame, so that skimming a result costs a few loads a row.
 */
import {
  type Direction,
  FRAME_MALFORMED,
  FRAME_MORE,
  FRAME_OK,
  FRAME_WAIT,
  type FrameOut,
  type FrameVerdict,
  TO_CLIENT,
  TO_SERVER,
} from '../../contracts/protocol.ts';
import { COMPRESSED_HEADER_BYTES, HEADER_BYTES, PAYLOAD_MAX, REPLY_EOF, u24 } from './constants.ts';
import { LIMITS } from './limits.ts';
import { KIND_AUTH, KIND_STREAM } from './pending.ts';
import { SHAPE_COMPRESSED, SHAPE_SHORT, shapeNeed, shapeOf } from './plausible.ts';
import { proxyHeader } from './proxy.ts';
import {
  FRAMING_COMPRESSED,
  FRAMING_UNKNOWN,
  type MysqlSession,
  PHASE_FOREIGN,
  PHASE_GREETING,
  PHASE_TLS,
  REPLY_COLUMNS,
  REPLY_COLUMNS_END,
  REPLY_INFILE,
  REPLY_LOST,
  REPLY_PREPARE_DEFINITIONS,
  REPLY_ROWS,
} from './session.ts';

// Frame types.
export const TYPE_PACKET = 0;
/** Any number of complete rows. */
export const TYPE_ROWS = 1;
export const TYPE_COMPRESSED = 2;
/** Whatever bytes are there, of a connection that turned to TLS. */
export const TYPE_TLS = 3;
/** PROXY protocol header. */
export const TYPE_PROXY = 4;

/** Bytes of TLS handed over at a time. */
const TLS_BYTES_MAX = 16 * 1024;
/** Header and first byte of the payload: enough where only the kind of packet matters. */
const GLANCE_BYTES = HEADER_BYTES + 1;

/** A frame of the connection as it is on the wire. */
export function wireFrame(
  session: MysqlSession,
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: FrameOut,
): FrameVerdict {
  if (session.phase === PHASE_TLS) return tlsFrame(start, end, out);
  if (direction === TO_SERVER && session.phase === PHASE_GREETING) {
    const length = proxyHeader(bytes, start, end);
    if (length < 0) return FRAME_MALFORMED;
    if (length > 0) return proxyFrame(length, start, end, out);
  }
  if (session.framing === FRAMING_COMPRESSED) return compressedFrame(bytes, start, end, out);
  if (mayBeCompressed(session, direction)) {
    const shape = shapeOf(bytes, start, end);
    if (shape === SHAPE_COMPRESSED) return compressedFrame(bytes, start, end, out);
    if (shape === SHAPE_SHORT && end - start >= HEADER_BYTES) {
      out.need = shapeNeed(start, end);
      return FRAME_MORE;
    }
  }
  return packetFrame(session, direction, bytes, start, end, out);
}

/**
 * Whether packets are compressed is for each packet to tell. Where the login was not seen that stays so for the client,
 * whose first packet may have been the inside of a compressed one: the two can be told apart in its direction. A
 * server's packets are judged where a reply begins: rows can look like anything.
 */
export function mayBeCompressed(session: MysqlSession, direction: Direction): boolean {
  if (direction === TO_CLIENT) return session.framing === FRAMING_UNKNOWN && session.head?.started !== true;
  return (session.framing === FRAMING_UNKNOWN || session.userUnknown) && !session.clientContinues;
}

export function tlsFrame(start: number, end: number, out: FrameOut): FrameVerdict {
  out.type = TYPE_TLS;
  out.length = Math.min(end - start, TLS_BYTES_MAX);
  return FRAME_OK;
}

function proxyFrame(length: number, start: number, end: number, out: FrameOut): FrameVerdict {
  if (length > end - start) {
    out.need = length;
    return FRAME_MORE;
  }
  out.type = TYPE_PROXY;
  out.length = length;
  return FRAME_OK;
}

function compressedFrame(bytes: Uint8Array, start: number, end: number, out: FrameOut): FrameVerdict {
  if (end - start < COMPRESSED_HEADER_BYTES) {
    out.need = COMPRESSED_HEADER_BYTES;
    return FRAME_MORE;
  }
  out.type = TYPE_COMPRESSED;
  out.length = COMPRESSED_HEADER_BYTES + u24(bytes, start);
  out.rest = true;
  return FRAME_OK;
}

/** One packet, of an uncompressed connection or of the inside of a compressed one. */
export function packetFrame(
  session: MysqlSession,
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: FrameOut,
): FrameVerdict {
  if (end - start < HEADER_BYTES) {
    out.need = HEADER_BYTES;
    return FRAME_MORE;
  }
  out.type = TYPE_PACKET;
  out.length = HEADER_BYTES + u24(bytes, start);
  return direction === TO_SERVER
    ? clientPacket(session, bytes[start + 3] as number, out)
    : serverPacket(session, bytes, start, end, out);
}

function clientPacket(session: MysqlSession, sequence: number, out: FrameOut): FrameVerdict {
  out.rest = true;
  if (session.clientContinues || session.phase === PHASE_FOREIGN) {
    out.want = HEADER_BYTES;
    return FRAME_OK;
  }
  const waitsForLogin = session.head?.kind === KIND_AUTH && sequence === 0;
  if (waitsForLogin && session.layer === undefined && session.willCompress()) return FRAME_WAIT;
  if (session.sendsFile(sequence)) out.want = HEADER_BYTES;
  return FRAME_OK;
}

function serverPacket(
  session: MysqlSession,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: FrameOut,
): FrameVerdict {
  if (session.phase === PHASE_GREETING) return FRAME_OK;
  const head = session.head;
  if (head === undefined) {
    // A reply before its request: the client's bytes are late. Sequence number 0 is the server's own initiative.
    if (bytes[start + 3] !== 0 && !session.gapSeen && session.phase !== PHASE_FOREIGN) return FRAME_WAIT;
    out.want = GLANCE_BYTES;
    return FRAME_OK;
  }
  if (session.serverContinues) {
    out.want = HEADER_BYTES;
    return FRAME_OK;
  }
  switch (session.replyState) {
    case REPLY_ROWS:
    case REPLY_COLUMNS_END:
    case REPLY_LOST:
      return rowFrame(session, bytes, start, end, out);
    case REPLY_COLUMNS:
    case REPLY_PREPARE_DEFINITIONS:
      return glance(bytes, start, end, out);
    case REPLY_INFILE:
      return session.gapSeen || session.infileEnded ? FRAME_OK : FRAME_WAIT;
    default:
      if (head.kind === KIND_STREAM && head.started) return glance(bytes, start, end, out);
      return FRAME_OK;
  }
}

/** Whole when it can be an end of something (OK, EOF, ERR), else the first byte only. */
function glance(bytes: Uint8Array, start: number, end: number, out: FrameOut): FrameVerdict {
  if (out.length === HEADER_BYTES) return FRAME_OK;
  if (end - start < GLANCE_BYTES) {
    out.need = GLANCE_BYTES;
    return FRAME_MORE;
  }
  const first = bytes[start + HEADER_BYTES] as number;
  if (first < REPLY_EOF || out.length === HEADER_BYTES + PAYLOAD_MAX) out.want = GLANCE_BYTES;
  return FRAME_OK;
}

function rowFrame(session: MysqlSession, bytes: Uint8Array, start: number, end: number, out: FrameOut): FrameVerdict {
  if (session.replyState === REPLY_ROWS) {
    const rowsEnd = skipRows(bytes, start, Math.min(end, start + LIMITS.frameBytesMax));
    if (rowsEnd > start) {
      out.type = TYPE_ROWS;
      out.length = rowsEnd - start;
      return FRAME_OK;
    }
  }
  return glance(bytes, start, end, out);
}

/** Offset behind the complete rows from `start` on. A row of the maximum length is left alone: it is continued. */
function skipRows(bytes: Uint8Array, start: number, end: number): number {
  let pos = start;
  while (end - pos > HEADER_BYTES) {
    const next = pos + HEADER_BYTES + u24(bytes, pos);
    if (next > end || next === pos + HEADER_BYTES || (bytes[pos + HEADER_BYTES] as number) >= REPLY_EOF) break;
    if (next - pos === HEADER_BYTES + PAYLOAD_MAX) break;
    pos = next;
  }
  return pos;
}

/** Rows in a frame of type TYPE_ROWS. */
export function countRows(bytes: Uint8Array, start: number, end: number): number {
  let rows = 0;
  for (let pos = start; end - pos >= HEADER_BYTES; pos += HEADER_BYTES + u24(bytes, pos)) rows++;
  return rows;
}
