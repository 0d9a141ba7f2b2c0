/**
 * Framing: TDS packets (MS-TDS §2.2.3.1), SMP packets (MC-SMP §2.2.1), and TLS records (RFC 8446 §5.1) where the two
 * sides turned to TLS. The first byte tells which; none is larger than 64 KiB.
 */
import {
  type Direction,
  FRAME_MALFORMED,
  FRAME_MORE,
  FRAME_OK,
  type FrameOut,
  type FrameVerdict,
  TO_SERVER,
} from '../../contracts/protocol.ts';
import { tlsRecordFrame } from '../sdk/tls.ts';
import * as c from './constants.ts';
import { headersLength } from './headers.ts';
import type { TdsSession } from './session.ts';

// Frame types.
export const TYPE_PACKET = 0;
export const TYPE_SMP = 1;
export const TYPE_TLS = 2;

/** Content types of records. */
const TLS_FIRST = 0x14;
const TLS_LAST = 0x17;

const CLIENT_TYPES: ReadonlySet<number> = new Set([
  c.PACKET_BATCH,
  c.PACKET_OLD_LOGIN,
  c.PACKET_RPC,
  c.PACKET_ATTENTION,
  c.PACKET_BULK,
  c.PACKET_FEDAUTH,
  c.PACKET_TRANSACTION,
  c.PACKET_TDS5,
  c.PACKET_LOGIN7,
  c.PACKET_SSPI,
  c.PACKET_PRELOGIN,
]);

/** A frame of the connection. */
export function wireFrame(
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: FrameOut,
): FrameVerdict {
  const first = bytes[start] as number;
  if (first === c.PACKET_SMP) return smpFrame(bytes, start, end, out);
  if (first >= TLS_FIRST && first <= TLS_LAST) {
    out.type = TYPE_TLS;
    return tlsRecordFrame(bytes, start, end, out);
  }
  return packetFrame(direction, bytes, start, end, out);
}

/** A TDS packet, of the connection or of a MARS session. */
export function packetFrame(
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: FrameOut,
): FrameVerdict {
  const type = bytes[start] as number;
  const legal =
    direction === TO_SERVER ? CLIENT_TYPES.has(type) : type === c.PACKET_REPLY || type === c.PACKET_PRELOGIN;
  if (!legal) return FRAME_MALFORMED;
  if (end - start < c.HEADER_BYTES) {
    out.need = c.HEADER_BYTES;
    return FRAME_MORE;
  }
  out.type = TYPE_PACKET;
  out.length = ((bytes[start + 2] as number) << 8) | (bytes[start + 3] as number);
  const status = bytes[start + 1] as number;
  return out.length < c.HEADER_BYTES || (status & ~c.STATUS_MASK) !== 0 ? FRAME_MALFORMED : FRAME_OK;
}

function smpFrame(bytes: Uint8Array, start: number, end: number, out: FrameOut): FrameVerdict {
  if (end - start < c.SMP_HEADER_BYTES) {
    out.need = c.SMP_HEADER_BYTES;
    return FRAME_MORE;
  }
  const flag = bytes[start + 1] as number;
  const length =
    (bytes[start + 4] as number) | ((bytes[start + 5] as number) << 8) | ((bytes[start + 6] as number) << 16);
  const isData = flag === c.SMP_DATA;
  const legal = isData || flag === c.SMP_SYN || flag === c.SMP_ACK || flag === c.SMP_FIN;
  if (!legal || bytes[start + 7] !== 0 || length < c.SMP_HEADER_BYTES) return FRAME_MALFORMED;
  if (length > c.SMP_HEADER_BYTES + (isData ? c.PACKET_BYTES_MAX : 0)) return FRAME_MALFORMED;
  out.type = TYPE_SMP;
  out.length = length;
  return FRAME_OK;
}

const TOKENS_FIRST: ReadonlySet<number> = new Set([
  c.TOKEN_COLUMNS,
  c.TOKEN_ERROR,
  c.TOKEN_INFO,
  c.TOKEN_LOGIN_ACK,
  c.TOKEN_ENV_CHANGE,
  c.TOKEN_DONE,
  c.TOKEN_DONE_PROC,
  c.TOKEN_DONE_IN_PROC,
  c.TOKEN_RETURN_STATUS,
  c.TOKEN_RETURN_VALUE,
  c.TOKEN_ORDER,
  c.TOKEN_SSPI,
  c.TOKEN_FEDAUTH_INFO,
  c.TOKEN_FEATURE_ACK,
  c.TOKEN_SESSION_STATE,
  c.TOKEN4_COLUMN_NAMES,
  c.TOKEN5_PROCEDURE_ID,
  c.TOKEN5_ROW_FORMAT2,
  c.TOKEN5_CAPABILITY,
  c.TOKEN5_EXTENDED_ERROR,
  c.TOKEN5_PARAMETER_FORMAT,
  c.TOKEN5_PARAMETER_FORMAT2,
  c.TOKEN5_DYNAMIC,
  c.TOKEN5_DYNAMIC2,
  c.TOKEN5_CURSOR_INFO,
  c.TOKEN5_MESSAGE,
]);

/**
 * A frame whose boundary is a guess. Beyond the header's form: window 0, a length some packet size allows, the packet
 * ids in a row (`out.chain` has the last one and whether it ended a message), and a beginning that the type can have.
 */
export function plausibleFrame(
  session: TdsSession,
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: FrameOut,
): FrameVerdict {
  const verdict = wireFrame(direction, bytes, start, end, out);
  if (verdict !== FRAME_OK || out.type === TYPE_SMP) return verdict;
  if (out.type === TYPE_TLS) return session.tlsStartUs >= 0 ? FRAME_OK : FRAME_MALFORMED;
  return plausiblePacket(session, direction, bytes, start, end, out);
}

/** `plausibleFrame` where there are only TDS packets. */
export function plausiblePacket(
  session: TdsSession,
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: FrameOut,
): FrameVerdict {
  const verdict = packetFrame(direction, bytes, start, end, out);
  if (verdict !== FRAME_OK) return verdict;
  const type = bytes[start] as number;
  const status = bytes[start + 1] as number;
  const id = bytes[start + 6] as number;
  if (bytes[start + 7] !== 0) return FRAME_MALFORMED;
  if (type === c.PACKET_ATTENTION ? out.length !== c.HEADER_BYTES : out.length === c.HEADER_BYTES)
    return FRAME_MALFORMED;
  const endsMessage = (status & c.STATUS_EOM) !== 0;
  const follows = out.chain >= 0 && (out.chain & 0x100) === 0;
  // Some clients number every packet 1; a middle packet of 1 therefore says nothing.
  if (follows && id > 1 && id !== (((out.chain & 0xff) + 1) & 0xff)) return FRAME_MALFORMED;
  out.chain = id | (endsMessage ? 0x100 : 0);
  if (id > 1 || follows) return FRAME_OK;
  const body = start + c.HEADER_BYTES;
  const bodyEnd = Math.min(end, start + out.length);
  if (body >= bodyEnd) return type === c.PACKET_ATTENTION ? FRAME_OK : needBody(out);
  return beginsLike(session, direction, type, bytes, body, bodyEnd) ? FRAME_OK : FRAME_MALFORMED;
}

function needBody(out: FrameOut): FrameVerdict {
  out.need = c.HEADER_BYTES + 1;
  return FRAME_MORE;
}

/** The first bytes of a message. Of a client that sends ALL_HEADERS, they must be there. */
function beginsLike(
  session: TdsSession,
  direction: Direction,
  type: number,
  bytes: Uint8Array,
  body: number,
  bodyEnd: number,
): boolean {
  if (direction !== TO_SERVER) return type === c.PACKET_PRELOGIN || TOKENS_FIRST.has(bytes[body] as number);
  const hasHeaders = type === c.PACKET_BATCH || type === c.PACKET_RPC || type === c.PACKET_TRANSACTION;
  if (!hasHeaders || !session.headersSeen || bodyEnd - body < HEADERS_LIKELY_BYTES) return true;
  return headersLength(bytes, body, bodyEnd) > 0;
}

/** ALL_HEADERS with the transaction descriptor, as all clients send it. */
const HEADERS_LIKELY_BYTES = 22;
