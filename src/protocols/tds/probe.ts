/**
 * Recognises TDS by the first message of a direction. The header alone proves little (a type, a length, zeros), so the
 * content of the message is judged: a login beyond doubt, a request by ALL_HEADERS or by text, a reply by its tokens.
 */
import { Cursor } from '../../base/cursor.ts';
import {
  type Direction,
  FRAME_MORE,
  FRAME_OK,
  FrameOut,
  PROBE_CERTAIN,
  PROBE_MORE,
  PROBE_NO,
  PROBE_UNSURE,
  type ProbeVerdict,
  TO_CLIENT,
  TO_SERVER,
} from '../../contracts/protocol.ts';
import { TLS_HANDSHAKE, TlsObserver } from '../sdk/tls.ts';
import * as c from './constants.ts';
import { packetFrame } from './frame.ts';
import { hasOldName, headersLength } from './headers.ts';

const ALPN = 'tds/8.0';
const out = new FrameOut();

export function probe(bytes: Uint8Array, start: number, end: number, direction: Direction): ProbeVerdict {
  const first = bytes[start] as number;
  if (first === TLS_HANDSHAKE) return direction === TO_SERVER ? probeTls(bytes, start, end) : PROBE_NO;
  if (first === c.PACKET_SMP) return probeSmp(bytes, start, end);
  const verdict = packetFrame(direction, bytes, start, end, out);
  if (verdict === FRAME_MORE) return end - start < c.HEADER_BYTES ? PROBE_MORE : PROBE_NO;
  if (verdict !== FRAME_OK || bytes[start + 7] !== 0) return PROBE_NO;
  const body = start + c.HEADER_BYTES;
  const bodyEnd = Math.min(end, start + out.length);
  if (bodyEnd - body < Math.min(out.length - c.HEADER_BYTES, BODY_BYTES_MIN)) return PROBE_MORE;
  const cursor = new Cursor().reset(bytes, body, bodyEnd);
  const length = out.length - c.HEADER_BYTES;
  return direction === TO_CLIENT ? probeReply(cursor, length) : probeRequest(first, cursor, length);
}

/** Enough of a message to judge it by. */
const BODY_BYTES_MIN = 40;

/** TDS 8 begins with TLS and says so in ALPN. Without it only the port can tell. */
function probeTls(bytes: Uint8Array, start: number, end: number): ProbeVerdict {
  const observer = new TlsObserver();
  observer.feed(TO_SERVER, bytes, start, end);
  return observer.facts.alpn?.split(',').includes(ALPN) === true ? PROBE_CERTAIN : PROBE_UNSURE;
}

function probeSmp(bytes: Uint8Array, start: number, end: number): ProbeVerdict {
  if (end - start < c.SMP_HEADER_BYTES) return PROBE_MORE;
  const flag = bytes[start + 1] as number;
  const cursor = new Cursor().reset(bytes, start + 4, end);
  const length = cursor.u32le();
  const legal = flag === c.SMP_DATA ? length > 16 && length <= 16 + c.PACKET_BYTES_MAX : length === 16;
  return legal && (flag === 1 || flag === 2 || flag === 4 || flag === 8) ? PROBE_UNSURE : PROBE_NO;
}

function probeRequest(type: number, cursor: Cursor, length: number): ProbeVerdict {
  switch (type) {
    case c.PACKET_PRELOGIN:
      return probePrelogin(cursor, length);
    case c.PACKET_LOGIN7:
      return probeLogin7(cursor);
    case c.PACKET_OLD_LOGIN:
      return probeOldLogin(cursor);
    case c.PACKET_BATCH:
    case c.PACKET_RPC:
    case c.PACKET_TRANSACTION:
      return probeWithHeaders(type, cursor, length);
    case c.PACKET_TDS5:
      return probeTds5(cursor, length);
    case c.PACKET_ATTENTION:
      return length === 0 ? PROBE_UNSURE : PROBE_NO;
    default:
      return PROBE_UNSURE;
  }
}

/** VERSION comes first, six bytes; its data lie where the list of options ends. */
function probePrelogin(cursor: Cursor, length: number): ProbeVerdict {
  const token = cursor.u8();
  const offset = cursor.u16be();
  const size = cursor.u16be();
  if (cursor.failed || token !== 0 || size !== 6) return PROBE_NO;
  return (offset - 1) % 5 === 0 && offset >= 6 && offset + size <= length ? PROBE_CERTAIN : PROBE_NO;
}

function probeLogin7(cursor: Cursor): ProbeVerdict {
  cursor.skip(4);
  const version = cursor.u32le() >>> 24;
  return version === 0x08 || (version >= 0x70 && version <= 0x7f) ? PROBE_CERTAIN : PROBE_NO;
}

/** Host name: at most 30 bytes, zeros behind it, its length after the 30. */
function probeOldLogin(cursor: Cursor): ProbeVerdict {
  const start = cursor.pos;
  if (cursor.remaining() < 31) return PROBE_NO;
  const size = cursor.bytes[start + 30] as number;
  if (size > 30) return PROBE_NO;
  for (let i = 0; i < 30; i++) {
    const byte = cursor.bytes[start + i] as number;
    if (i < size ? byte < 0x20 : byte !== 0) return PROBE_NO;
  }
  return size > 0 ? PROBE_CERTAIN : PROBE_UNSURE;
}

function probeWithHeaders(type: number, cursor: Cursor, length: number): ProbeVerdict {
  const headers = headersLength(cursor.bytes, cursor.pos, cursor.end);
  if (headers > 0) return PROBE_CERTAIN;
  if (type === c.PACKET_TRANSACTION) return PROBE_NO;
  if (type === c.PACKET_RPC) return probeProcedure(cursor, length);
  return isReadable(cursor) ? PROBE_UNSURE : PROBE_NO;
}

function probeProcedure(cursor: Cursor, length: number): ProbeVerdict {
  if (hasOldName(cursor.bytes, cursor.pos, cursor.end)) return PROBE_UNSURE;
  const size = cursor.u16le();
  if (size === 0xffff) return cursor.u16le() <= 15 ? PROBE_UNSURE : PROBE_NO;
  const name = new Cursor().reset(cursor.bytes, cursor.pos, Math.min(cursor.end, cursor.pos + size * 2));
  return size > 0 && size * 2 + 4 <= length && isReadable(name) ? PROBE_UNSURE : PROBE_NO;
}

/** Text of either width: printable characters, and in UTF-16 their high bytes. */
function isReadable(cursor: Cursor): boolean {
  let odd = 0;
  const count = Math.min(cursor.remaining(), 32);
  for (let i = 0; i < count; i++) {
    const byte = cursor.bytes[cursor.pos + i] as number;
    const isSpace = byte === 9 || byte === 10 || byte === 13;
    if (byte < 0x20 && !isSpace && byte !== 0 && (i & 1) === 0) odd++;
    if (byte === 0 && (i & 1) === 0) odd++;
  }
  return count > 0 && odd === 0;
}

function probeTds5(cursor: Cursor, length: number): ProbeVerdict {
  const token = cursor.u8();
  if (token === c.TOKEN5_LANGUAGE) {
    const at = cursor.pos;
    const little = cursor.u32le();
    cursor.pos = at;
    return Math.min(little, cursor.u32be()) <= length ? PROBE_UNSURE : PROBE_NO;
  }
  if (token === c.TOKEN5_LOGOUT) return length === 2 ? PROBE_UNSURE : PROBE_NO;
  const at = cursor.pos;
  const little = cursor.u16le();
  cursor.pos = at;
  return token >= 0x20 && Math.min(little, cursor.u16be()) <= length ? PROBE_UNSURE : PROBE_NO;
}

/** SQL Server allows 4,096 columns in a result; 0xffff stands for none. */
function isColumnCount(count: number): boolean {
  return count <= 4096 || count === 0xffff;
}

/** Options of PRELOGIN, or the first token: complete, or longer than what there is to see. */
function probeReply(cursor: Cursor, length: number): ProbeVerdict {
  const first = cursor.peek();
  if (first === 0) return probePrelogin(cursor, length);
  cursor.skip(1);
  switch (first) {
    case c.TOKEN_ENV_CHANGE:
    case c.TOKEN_ERROR:
    case c.TOKEN_INFO:
    case c.TOKEN_LOGIN_ACK:
    case c.TOKEN_ORDER:
    case c.TOKEN5_CAPABILITY:
    case c.TOKEN5_EXTENDED_ERROR:
    case c.TOKEN5_ROW_FORMAT:
    case c.TOKEN5_PARAMETER_FORMAT: {
      const at = cursor.pos;
      const little = cursor.u16le();
      cursor.pos = at;
      return Math.min(little, cursor.u16be()) + 3 <= length ? PROBE_UNSURE : PROBE_NO;
    }
    case c.TOKEN_COLUMNS:
      return isColumnCount(cursor.u16le()) ? PROBE_UNSURE : PROBE_NO;
    case c.TOKEN_DONE:
    case c.TOKEN_DONE_PROC:
    case c.TOKEN_DONE_IN_PROC:
      return length >= 9 && (cursor.u16le() & ~0x3ff) === 0 ? PROBE_UNSURE : PROBE_NO;
    case c.TOKEN_RETURN_STATUS:
      return length >= 5 + 9 ? PROBE_UNSURE : PROBE_NO;
    case c.TOKEN_RETURN_VALUE:
    case c.TOKEN_SSPI:
    case c.TOKEN5_ROW_FORMAT2:
      return PROBE_UNSURE;
    default:
      return PROBE_NO;
  }
}
