/**
 * TNS packets (the layer below TTC): header lengths of two bytes, or of four once ACCEPT agreed on version 315 or
 * later. The two are told apart packet by packet: a four-byte length below 64 KiB begins with two zero bytes, which
 * no two-byte length does.
 */
import {
  type Direction,
  FRAME_MALFORMED,
  FRAME_MORE,
  FRAME_OK,
  FrameOut,
  type FrameVerdict,
  PROBE_CERTAIN,
  PROBE_MORE,
  PROBE_NO,
  PROBE_UNSURE,
  type ProbeVerdict,
  TO_CLIENT,
  TO_SERVER,
} from '../../contracts/protocol.ts';
import { TLS_HANDSHAKE, TLS_HEADER_BYTES, tlsRecordFrame } from '../sdk/tls.ts';
import * as c from './constants.ts';

/** `Frame.type` of a TLS record; TNS packets carry their own type. */
export const FRAME_TLS = 0x100;
const PACKET_BYTES_MAX = 2 * 1024 * 1024 + 64;

/** Reads a packet's header. `large`: the connection is known to use four-byte lengths. */
export function packetFrame(
  large: boolean,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: FrameOut,
): FrameVerdict {
  if (end - start < c.HEADER_BYTES) {
    out.need = c.HEADER_BYTES;
    return FRAME_MORE;
  }
  const length16 = u16(bytes, start);
  const length = large || length16 === 0 ? length16 * 65_536 + u16(bytes, start + 2) : length16;
  const type = bytes[start + 4] as number;
  if (length < c.HEADER_BYTES || length > PACKET_BYTES_MAX) return FRAME_MALFORMED;
  if (type === 0 || type > c.PACKET_TYPE_MAX) return FRAME_MALFORMED;
  if (type === c.PACKET_DATA && length < c.DATA_HEADER_BYTES) return FRAME_MALFORMED;
  out.length = length;
  out.type = type;
  return FRAME_OK;
}

/** A packet where the boundary is a guess: reserved fields are zero, lengths fit the type, only types of this direction. */
export function plausiblePacket(
  large: boolean,
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: FrameOut,
): FrameVerdict {
  const verdict = packetFrame(large, bytes, start, end, out);
  if (verdict !== FRAME_OK) return verdict;
  const isLarge = large || u16(bytes, start) === 0;
  if (!isLarge && u16(bytes, start + 2) !== 0) return FRAME_MALFORMED;
  if (u16(bytes, start + 6) !== 0) return FRAME_MALFORMED;
  if ((bytes[start + 5] as number) & 0xc0) return FRAME_MALFORMED;
  return fitsType(direction, bytes, start, end, out);
}

function fitsType(direction: Direction, bytes: Uint8Array, start: number, end: number, out: FrameOut): FrameVerdict {
  const { length, type } = out;
  const fromServer = direction === TO_CLIENT;
  switch (type) {
    case c.PACKET_CONNECT:
      return !fromServer && length >= 34 ? FRAME_OK : FRAME_MALFORMED;
    case c.PACKET_ACCEPT:
      return fromServer && length >= 24 ? FRAME_OK : FRAME_MALFORMED;
    case c.PACKET_REFUSE:
      return fromServer && length >= 12 ? FRAME_OK : FRAME_MALFORMED;
    case c.PACKET_REDIRECT:
      return fromServer && length >= 10 ? FRAME_OK : FRAME_MALFORMED;
    case c.PACKET_RESEND:
      return fromServer && length === 8 ? FRAME_OK : FRAME_MALFORMED;
    case c.PACKET_MARKER:
      return length === 11 ? FRAME_OK : FRAME_MALFORMED;
    case c.PACKET_ATTENTION:
    case c.PACKET_CONTROL:
    case c.PACKET_ABORT:
      return length <= 64 ? FRAME_OK : FRAME_MALFORMED;
    case c.PACKET_DATA:
      if (end - start < c.DATA_HEADER_BYTES) {
        out.need = c.DATA_HEADER_BYTES;
        return FRAME_MORE;
      }
      return u16(bytes, start + 8) & KNOWN_DATA_FLAGS_INVERTED ? FRAME_MALFORMED : FRAME_OK;
    default:
      return FRAME_MALFORMED;
  }
}

const KNOWN_DATA_FLAGS_INVERTED = 0xffff & ~0x3c7f;

/** A TLS record, in front of or instead of TNS. */
export function tlsFrame(bytes: Uint8Array, start: number, end: number, out: FrameOut): FrameVerdict {
  out.type = FRAME_TLS;
  return tlsRecordFrame(bytes, start, end, out);
}

const probed = new FrameOut();
/** SNI that Oracle clients put into TCPS: `S<n>.<service>.V3.<version>`. */
const SNI_TAIL = '.V3.3';

/** `ProtocolModule.probe`. */
export function probe(bytes: Uint8Array, start: number, end: number, direction: Direction): ProbeVerdict {
  if (start >= end) return PROBE_MORE;
  if (bytes[start] === TLS_HANDSHAKE) return probeTls(bytes, start, end, direction);
  const verdict = plausiblePacket(false, direction, bytes, start, end, probed);
  if (verdict === FRAME_MORE) return mayBegin(bytes, start, end) ? PROBE_MORE : PROBE_NO;
  if (verdict !== FRAME_OK) return PROBE_NO;
  if (direction === TO_SERVER && probed.type === c.PACKET_CONNECT) return probeConnect(bytes, start, end);
  if (direction === TO_CLIENT && probed.type === c.PACKET_ACCEPT) return probeAccept(bytes, start, end);
  if (direction === TO_CLIENT && probed.type === c.PACKET_RESEND) return PROBE_CERTAIN;
  return probeData(direction, bytes, start, end);
}

function mayBegin(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start < 5 || (bytes[start + 4] as number) <= c.PACKET_TYPE_MAX;
}

function isVersion(version: number): boolean {
  return version >= 300 && version < 340;
}

function probeConnect(bytes: Uint8Array, start: number, end: number): ProbeVerdict {
  if (end - start < 28) return PROBE_MORE;
  const lowest = u16(bytes, start + 10);
  const offset = u16(bytes, start + 26);
  if (!isVersion(u16(bytes, start + 8)) || lowest > 340 || offset < 34 || offset > 100) return PROBE_NO;
  return PROBE_CERTAIN;
}

function probeAccept(bytes: Uint8Array, start: number, end: number): ProbeVerdict {
  if (end - start < 24) return PROBE_MORE;
  return isVersion(u16(bytes, start + 8)) ? PROBE_CERTAIN : PROBE_NO;
}

/** A packet of the middle: certain when it begins a well-known call and the packet ends with the shown bytes. */
function probeData(direction: Direction, bytes: Uint8Array, start: number, end: number): ProbeVerdict {
  if (probed.type === c.PACKET_MARKER) return PROBE_UNSURE;
  if (probed.type !== c.PACKET_DATA) return PROBE_UNSURE;
  if (end - start < c.DATA_HEADER_BYTES + 2) return PROBE_MORE;
  const first = bytes[start + 10] as number;
  const second = bytes[start + 11] as number;
  if (direction === TO_SERVER) {
    const known = first === c.MSG_FUNCTION ? CALLS.has(second) : first === c.MSG_PIGGYBACK && PIGGYBACKS.has(second);
    return known ? PROBE_CERTAIN : PROBE_UNSURE;
  }
  return PROBE_UNSURE;
}

const CALLS: ReadonlySet<number> = new Set([
  c.FN_REEXECUTE,
  c.FN_FETCH,
  c.FN_LOGOFF,
  c.FN_COMMIT,
  c.FN_ROLLBACK,
  c.FN_VERSION,
  c.FN_REEXECUTE_FETCH,
  c.FN_OALL8,
  c.FN_LOB,
  c.FN_AUTH_1,
  c.FN_AUTH_2,
  c.FN_PING,
]);
const PIGGYBACKS: ReadonlySet<number> = new Set([
  c.FN_CLOSE_CURSORS,
  c.FN_SESSION_SWITCH,
  c.FN_END_TO_END,
  c.FN_SCHEMA,
  c.FN_APP_CONTEXT,
  c.FN_SESSION_STATE,
]);

function probeTls(bytes: Uint8Array, start: number, end: number, direction: Direction): ProbeVerdict {
  if (end - start > 1 && bytes[start + 1] !== 3) return PROBE_NO;
  if (direction === TO_CLIENT) return PROBE_UNSURE;
  const shown = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
  if (shown.includes(SNI_TAIL, 0, 'latin1')) return PROBE_CERTAIN;
  if (end - start < TLS_HEADER_BYTES) return PROBE_MORE;
  return TLS_HEADER_BYTES + u16(bytes, start + 3) <= end - start ? PROBE_NO : PROBE_MORE;
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}
