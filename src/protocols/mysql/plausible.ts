/**
 * Could a packet start here? Judges bytes whose place in the stream is a guess: for the probe, and for finding the next
 * packet after a gap. Strict: a wrong yes invents statements, a wrong no only costs a packet.
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
import * as c from './constants.ts';
import { looksLikeOpening } from './opening.ts';
import { isZstd } from './zstd.ts';

/** In `FrameOut.chain`: the frames so far are compressed packets. */
const CHAIN_COMPRESSED = 0x1000;
/** In `FrameOut.chain`: a reply may have ended, so that the next may begin. */
const CHAIN_MAY_RESTART = 0x2000;
const TEXT_BYTES_CHECKED = 256;
const ERROR_CODE_MIN = 1000;
const ERROR_CODE_MAX = 20000;

/** For an uncompressed stream. The chain is the sequence number; a client's packets are commands of one packet each. */
export function plausiblePacket(
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: FrameOut,
): FrameVerdict {
  if (end - start < c.HEADER_BYTES) return prefixOf(out, c.HEADER_BYTES);
  const length = c.u24(bytes, start);
  const sequence = bytes[start + 3] as number;
  out.length = c.HEADER_BYTES + length;
  const payload = start + c.HEADER_BYTES;
  const limit = Math.min(end, payload + length);
  const chain = out.chain;
  if (chain < 0 && looksLikeOpening(direction, sequence, bytes, payload, end, length)) {
    out.chain = sequence + 1;
    return FRAME_OK;
  }
  if (direction === TO_SERVER) {
    if (sequence !== 0 || length === 0) return FRAME_MALFORMED;
    if (payload === end) return prefixOf(out, c.HEADER_BYTES + 1);
    return commandFits(bytes, payload, limit, length) ? FRAME_OK : FRAME_MALFORMED;
  }
  if (length === 0 || (chain >= 0 && !follows(chain, sequence))) return FRAME_MALFORMED;
  if (payload === end) return prefixOf(out, c.HEADER_BYTES + 1);
  const shape = replyShape(bytes, payload, limit, length, sequence);
  if (shape === SHAPE_NONE) return FRAME_MALFORMED;
  out.chain = ((sequence + 1) & 0xff) | (shape === SHAPE_END ? CHAIN_MAY_RESTART : 0);
  return FRAME_OK;
}

function prefixOf(out: FrameOut, need: number): FrameVerdict {
  out.need = need;
  return FRAME_MORE;
}

function follows(chain: number, sequence: number): boolean {
  return sequence === (chain & 0xff) || ((chain & CHAIN_MAY_RESTART) !== 0 && sequence === 1);
}

/** For a compressed stream: header, and a payload that is stored packets or a zlib or Zstandard stream. */
export function plausibleCompressed(bytes: Uint8Array, start: number, end: number, out: FrameOut): FrameVerdict {
  const verdict = shapeOf(bytes, start, end);
  if (verdict === SHAPE_PLAIN) return FRAME_MALFORMED;
  if (verdict === SHAPE_SHORT) return prefixOf(out, shapeNeed(start, end));
  const sequence = bytes[start + 3] as number;
  const chain = out.chain;
  if (chain >= 0 && sequence !== (chain & 0xff) && sequence > 1) return FRAME_MALFORMED;
  out.length = c.COMPRESSED_HEADER_BYTES + c.u24(bytes, start);
  out.chain = ((sequence + 1) & 0xff) | CHAIN_COMPRESSED;
  return FRAME_OK;
}

export const SHAPE_PLAIN = 0;
export const SHAPE_COMPRESSED = 1;
/** More bytes decide: `shapeNeed`. */
export const SHAPE_SHORT = 2;
/** Compressed header and the first bytes of its payload. */
const SHAPE_BYTES: number = c.COMPRESSED_HEADER_BYTES + 4;
/** No zlib stream or Zstandard frame of anything worth it is shorter. */
const COMPRESSED_BYTES_MIN = 8;
/** A payload that ends within a packet is as long as a sender's buffer. */
const CUT_PAYLOAD_BYTES_MIN = 1024;

/** Tells a compressed packet from a plain one, by at most its first `SHAPE_BYTES`. */
export function shapeOf(bytes: Uint8Array, start: number, end: number): 0 | 1 | 2 {
  if (end - start < c.HEADER_BYTES) return SHAPE_SHORT;
  const length = c.u24(bytes, start);
  // A payload holds at least a packet's header and one byte.
  if (length < 5) return SHAPE_PLAIN;
  if (end - start < c.COMPRESSED_HEADER_BYTES) return SHAPE_SHORT;
  const original = c.u24(bytes, start + 4);
  if (original !== 0 && length < COMPRESSED_BYTES_MIN) return SHAPE_PLAIN;
  if (end - start < SHAPE_BYTES) return SHAPE_SHORT;
  const payload = start + c.COMPRESSED_HEADER_BYTES;
  if (original === 0) {
    // Only a client's first packet has sequence number 0, inside as outside.
    const sequencesFit = (bytes[start + 3] === 0) === (bytes[payload + 3] === 0);
    return sequencesFit && beginsPacket(c.u24(bytes, payload), length) ? SHAPE_COMPRESSED : SHAPE_PLAIN;
  }
  // Neither side sends the compressed form unless it is smaller.
  if (original <= length) return SHAPE_PLAIN;
  return isZlib(bytes, payload) || isZstd(bytes, payload) ? SHAPE_COMPRESSED : SHAPE_PLAIN;
}

/** Bytes after which `shapeOf` can go on; no plain packet that it leaves undecided is shorter. */
export function shapeNeed(start: number, end: number): number {
  return end - start < c.COMPRESSED_HEADER_BYTES ? c.COMPRESSED_HEADER_BYTES : SHAPE_BYTES;
}

/** A packet of `size` bytes fills `length` stored bytes, leaves room for another, or is cut by them. */
function beginsPacket(size: number, length: number): boolean {
  const rest = length - c.HEADER_BYTES - size;
  return size > 0 && (rest === 0 || rest > c.HEADER_BYTES || (rest < 0 && length >= CUT_PAYLOAD_BYTES_MIN));
}

/** Zlib header (RFC 1950): deflate, 32 KiB window, no dictionary, valid check. */
function isZlib(bytes: Uint8Array, at: number): boolean {
  const first = bytes[at] as number;
  const second = bytes[at + 1] as number;
  return first === 0x78 && (second & 0x20) === 0 && ((first << 8) | second) % 31 === 0;
}

/** Judges a command by its code, its length and the first bytes of its arguments. */
function commandFits(bytes: Uint8Array, payload: number, limit: number, length: number): boolean {
  switch (bytes[payload]) {
    case c.COM_QUIT:
    case c.COM_STATISTICS:
    case c.COM_PROCESS_INFO:
    case c.COM_DEBUG:
    case c.COM_PING:
    case c.COM_RESET_CONNECTION:
      return length === 1;
    case c.COM_QUERY:
      return length > 1 && isStatement(bytes, payload + 1, limit);
    case c.COM_STMT_PREPARE:
      return length > 1 && isText(bytes, payload + 1, limit);
    case c.COM_INIT_DB:
    case c.COM_CREATE_DB:
    case c.COM_DROP_DB:
      return length > 1 && length < 256 && isText(bytes, payload + 1, limit);
    case c.COM_FIELD_LIST:
      return length > 2 && length < 512;
    case c.COM_STMT_CLOSE:
    case c.COM_STMT_RESET:
    case c.COM_PROCESS_KILL:
      return length === 5;
    case c.COM_STMT_FETCH:
      return length === 9;
    case c.COM_SET_OPTION:
      return length === 3;
    case c.COM_REFRESH:
      return length === 2;
    case c.COM_SHUTDOWN:
      return length <= 2;
    case c.COM_STMT_EXECUTE:
      // Any statement, known flags, exactly one iteration.
      return length >= 10 && fits(bytes, payload + 5, limit, (b) => b < 16) && oneIteration(bytes, payload + 6, limit);
    case c.MARIADB_COM_STMT_BULK_EXECUTE:
      return length >= 7 && fits(bytes, payload + 6, limit, (b) => b === 0);
    case c.COM_STMT_SEND_LONG_DATA:
      return length >= 7;
    case c.COM_CHANGE_USER:
      return length > 3 && isText(bytes, payload + 1, Math.min(limit, payload + 3));
    case c.COM_BINLOG_DUMP:
    case c.COM_BINLOG_DUMP_GTID:
    case c.COM_REGISTER_SLAVE:
      return length >= 11 && length < 1024;
    default:
      return false;
  }
}

function fits(bytes: Uint8Array, at: number, limit: number, test: (byte: number) => boolean): boolean {
  return at >= limit || test(bytes[at] as number);
}

function oneIteration(bytes: Uint8Array, at: number, limit: number): boolean {
  for (let i = 0; i < 4 && at + i < limit; i++) if (bytes[at + i] !== (i === 0 ? 1 : 0)) return false;
  return true;
}

/** A statement's text, perhaps behind query attributes: count, and that there is one set of them. */
function isStatement(bytes: Uint8Array, start: number, limit: number): boolean {
  const first = bytes[start] as number;
  if (start >= limit) return true;
  if (first >= 0x20 || isBlank(first)) return isText(bytes, start, limit);
  if (start + 1 >= limit) return true;
  if (bytes[start + 1] !== 1) return false;
  return first !== 0 || isText(bytes, start + 2, limit);
}

function isBlank(byte: number): boolean {
  return byte >= 0x09 && byte <= 0x0d;
}

/** No control characters but white space. */
function isText(bytes: Uint8Array, start: number, limit: number): boolean {
  const stop = Math.min(limit, start + TEXT_BYTES_CHECKED);
  for (let i = start; i < stop; i++) {
    const byte = bytes[i] as number;
    if ((byte < 0x20 && !isBlank(byte)) || byte === 0x7f) return false;
  }
  return true;
}

const SHAPE_NONE = 0;
const SHAPE_PART = 1;
/** Could be the last packet of a reply. */
const SHAPE_END = 2;

/** Could be the first packet of a reply to a statement. */
export function beginsReply(bytes: Uint8Array, payload: number, limit: number, length: number): boolean {
  return length > 0 && payload < limit && replyShape(bytes, payload, limit, length, 1) !== SHAPE_NONE;
}

/** What a server's packet could be, by its first byte and length; `limit` may lie before its end. */
function replyShape(bytes: Uint8Array, payload: number, limit: number, length: number, sequence: number): number {
  const first = bytes[payload] as number;
  if (first === c.REPLY_ERR) return isError(bytes, payload, limit, length) ? SHAPE_END : SHAPE_NONE;
  if (first === c.REPLY_EOF) {
    if (length === c.EOF_BYTES) return SHAPE_END;
    return length >= 7 && length < 0x10000 && okFits(bytes, payload, limit, length) ? SHAPE_END : SHAPE_NONE;
  }
  if (first === c.REPLY_LOCAL_INFILE) return length > 1 && isText(bytes, payload + 1, limit) ? SHAPE_PART : SHAPE_NONE;
  if (first === c.REPLY_OK && sequence === 1) {
    if (length === 12) return SHAPE_END;
    return length >= 7 && length < 0x10000 && okFits(bytes, payload, limit, length) ? SHAPE_END : SHAPE_NONE;
  }
  if (sequence === 1) {
    // The number of columns, with MariaDB's flag for metadata behind it.
    const short = first < 0xfb && length <= 2;
    return (short && first > 0) || (first === 0xfc && length <= 4) ? SHAPE_PART : SHAPE_NONE;
  }
  if (first === c.REPLY_OK) return length >= 2 ? SHAPE_PART : SHAPE_NONE;
  return cellsFit(bytes, payload, limit, length) ? SHAPE_PART : SHAPE_NONE;
}

/** OK: affected rows, insert id, status, warnings; the server sets only known status bits. */
function okFits(bytes: Uint8Array, payload: number, limit: number, length: number): boolean {
  let at = payload + 1;
  for (let i = 0; i < 2; i++) {
    if (at >= limit) return true;
    const first = bytes[at] as number;
    if (first === 0xfb || first === 0xff) return false;
    at += first < 0xfb ? 1 : first === 0xfc ? 3 : first === 0xfd ? 4 : 9;
  }
  return at + 4 <= payload + length;
}

function isError(bytes: Uint8Array, payload: number, limit: number, length: number): boolean {
  if (length < 3 || length > 0x1000) return false;
  if (limit - payload < 3) return true;
  const code = (bytes[payload + 1] as number) | ((bytes[payload + 2] as number) << 8);
  if (code === c.ERR_PROGRESS) return true;
  return code >= ERROR_CODE_MIN && code <= ERROR_CODE_MAX && isText(bytes, payload + 3, limit);
}

/** Cells of a row that are looked at: every offset of a stream may be judged, so that one must stay cheap. */
const CELLS_CHECKED = 64;

/** A text row or a column definition: length-encoded strings that fill the packet exactly, as far as they are looked at. */
function cellsFit(bytes: Uint8Array, payload: number, limit: number, length: number): boolean {
  const stop = payload + length;
  let at = payload;
  for (let cells = 0; at < limit; cells++) {
    if (cells === CELLS_CHECKED) return at <= stop;
    const first = bytes[at] as number;
    if (first === 0xff || first === 0xfe) return false;
    if (first < 0xfb) at += 1 + first;
    else if (first === 0xfb) at += 1;
    else if (first === 0xfc)
      at += limit - at < 3 ? length : 3 + ((bytes[at + 1] as number) | ((bytes[at + 2] as number) << 8));
    else at += limit - at < 4 ? length : 4 + c.u24(bytes, at + 1);
  }
  return limit < stop || at === stop;
}
