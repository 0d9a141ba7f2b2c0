/**
 * Whether a message looks like one inside as well: for streams whose message boundaries are a guess. Counts and strings
 * must fill the length exactly, so that a chain of such messages is no accident.
 */
import { indexOfByte } from '../../base/cursor.ts';
import {
  type Direction,
  FRAME_MALFORMED,
  FRAME_OK,
  type FrameOut,
  type FrameVerdict,
  TO_CLIENT,
} from '../../contracts/protocol.ts';
import { frame } from './frame.ts';
import { PHASE_LOGIN, PHASE_READY, type Session } from './session.ts';
import * as wire from './wire.ts';

/**
 * Columns, values and fields of a message that are looked at: hostile bytes can have every offset judged, so that one
 * must stay cheap. What follows must only have the room that it needs at least.
 */
const ITEMS_CHECKED = 64;

/** `ProtocolModule.plausible`. */
export function plausible(
  session: Session,
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: FrameOut,
): FrameVerdict {
  const verdict = frame(session, direction, bytes, start, end, out);
  if (verdict !== FRAME_OK) return verdict;
  if (out.type === wire.PASSWORD && direction !== TO_CLIENT && session.phase === PHASE_READY) return FRAME_MALFORMED;
  if (out.type === wire.AUTHENTICATION && session.phase === PHASE_READY && direction === TO_CLIENT) {
    return FRAME_MALFORMED;
  }
  if (session.phase === PHASE_LOGIN && out.type === wire.DATA_ROW && direction === TO_CLIENT) return FRAME_MALFORMED;
  return looksRight(direction, out.type, bytes, start, Math.min(end, start + out.length), out.length)
    ? FRAME_OK
    : FRAME_MALFORMED;
}

/**
 * Looks inside the message at `start`, of which the bytes up to `end` are there. An incomplete one is judged by what
 * there is of it.
 */
export function looksRight(
  direction: Direction,
  type: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  length: number,
): boolean {
  if (type === wire.FRAME_UNTYPED || type > 0xff) return true;
  const body = start + wire.HEADER_BYTES;
  const whole = end - start === length;
  if (direction === TO_CLIENT) {
    if (type === wire.DATA_ROW) return isRow(bytes, body, end, length);
    return !whole || isReply(type, bytes, body, end);
  }
  if (type === wire.QUERY) return isText(bytes, body, end, whole);
  return !whole || isRequest(type, bytes, body, end);
}

function isRequest(type: number, bytes: Uint8Array, body: number, end: number): boolean {
  switch (type) {
    case wire.PARSE:
      return isParse(bytes, body, end);
    case wire.BIND:
      return isBind(bytes, body, end);
    case wire.EXECUTE:
      return afterString(bytes, body, end) === end - 4;
    case wire.DESCRIBE:
    case wire.CLOSE:
      return isKind(bytes[body] as number) && afterString(bytes, body + 1, end) === end;
    case wire.COPY_FAIL:
      return afterString(bytes, body, end) === end;
    case wire.FUNCTION_CALL:
      return afterItems(bytes, body + 4, end, 2) > 0;
    default:
      return true;
  }
}

function isKind(byte: number): boolean {
  return byte === 0x53 || byte === 0x50;
}

/** Statement text: no control characters but white space, and one NUL, at the end. */
function isText(bytes: Uint8Array, start: number, end: number, whole: boolean): boolean {
  const stop = whole ? end - 1 : end;
  for (let i = start; i < stop; i++) {
    const byte = bytes[i] as number;
    if (byte < 0x20 && (byte < 0x09 || byte > 0x0d)) return false;
  }
  return !whole || bytes[stop] === 0;
}

function isParse(bytes: Uint8Array, body: number, end: number): boolean {
  const text = afterString(bytes, body, end);
  if (text < 0) return false;
  const types = afterString(bytes, text, end);
  if (types < 0 || end - types < 2) return false;
  return isText(bytes, text, types, true) && types + 2 + 4 * wire.uint16At(bytes, types) === end;
}

function isBind(bytes: Uint8Array, body: number, end: number): boolean {
  const statement = afterString(bytes, body, end);
  const formats = statement < 0 ? -1 : afterString(bytes, statement, end);
  const values = formats < 0 ? -1 : afterItems(bytes, formats, end, 2);
  if (values < 0 || end - values < 2) return false;
  const count = wire.uint16At(bytes, values);
  const checked = Math.min(count, ITEMS_CHECKED);
  const results = afterValues(bytes, values + 2, end, checked);
  if (results < 0) return false;
  return checked < count ? results + 4 * (count - checked) + 2 <= end : afterItems(bytes, results, end, 2) === end;
}

function isReply(type: number, bytes: Uint8Array, body: number, end: number): boolean {
  switch (type) {
    case wire.READY_FOR_QUERY: {
      const status = bytes[body];
      return status === wire.STATUS_IDLE || status === wire.STATUS_OPEN || status === wire.STATUS_FAILED;
    }
    case wire.COMMAND_COMPLETE:
      return isUpper(bytes[body] as number) && afterString(bytes, body, end) === end;
    case wire.ERROR_RESPONSE:
    case wire.NOTICE:
      return isFields(bytes, body, end);
    case wire.PARAMETER_STATUS: {
      const value = afterString(bytes, body, end);
      return value > 0 && afterString(bytes, value, end) === end;
    }
    case wire.NOTIFICATION: {
      const payload = afterString(bytes, body + 4, end);
      return payload > 0 && afterString(bytes, payload, end) === end;
    }
    case wire.ROW_DESCRIPTION:
      return isRowDescription(bytes, body, end);
    case wire.PARAMETER_DESCRIPTION:
      return afterItems(bytes, body, end, 4) === end;
    case wire.COPY_IN:
    case wire.COPY_OUT:
    case wire.COPY_BOTH:
      return (bytes[body] as number) <= 1 && afterItems(bytes, body + 1, end, 2) === end;
    case wire.AUTHENTICATION:
      return isAuthentication(wire.int32At(bytes, body), end - body);
    case wire.FUNCTION_RESPONSE: {
      const length = wire.int32At(bytes, body);
      return body + 4 + (length === -1 ? 0 : length) === end;
    }
    default:
      return true;
  }
}

function isUpper(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}

/** Whether the code is one that is known and its body (code included) has a length it may have. */
function isAuthentication(code: number, bodyBytes: number): boolean {
  switch (code) {
    case wire.AUTH_OK:
    case wire.AUTH_KERBEROS:
    case wire.AUTH_CLEARTEXT:
    case wire.AUTH_GSS:
    case wire.AUTH_SSPI:
      return bodyBytes === 4;
    case wire.AUTH_MD5:
      return bodyBytes === 8;
    case wire.AUTH_SCM:
      return bodyBytes === 6 || bodyBytes === 4;
    case wire.AUTH_GSS_CONTINUE:
    case wire.AUTH_SASL:
    case wire.AUTH_SASL_CONTINUE:
    case wire.AUTH_SASL_FINAL:
      return bodyBytes > 4;
    default:
      return false;
  }
}

/** Error and notice fields: a letter and a string each, a NUL at the end. */
function isFields(bytes: Uint8Array, body: number, end: number): boolean {
  let pos = body;
  for (let fields = 0; pos >= 0 && pos < end - 1; fields++) {
    if (fields === ITEMS_CHECKED) return false;
    const letter = (bytes[pos] as number) | 0x20;
    if (letter < 0x61 || letter > 0x7a) return false;
    pos = afterString(bytes, pos + 1, end);
  }
  return pos === end - 1 && pos > body && bytes[pos] === 0;
}

/** A row: as many values as it says, as far as it is there. */
function isRow(bytes: Uint8Array, body: number, end: number, length: number): boolean {
  if (end - body < 2) return true;
  const count = wire.uint16At(bytes, body);
  if (count > wire.COLUMNS_MAX || wire.HEADER_BYTES + 2 + 4 * count > length) return false;
  const whole = end - body === length - wire.HEADER_BYTES;
  const checked = Math.min(count, ITEMS_CHECKED);
  let pos = body + 2;
  for (let i = 0; i < checked; i++) {
    if (end - pos < 4) return !whole;
    const size = wire.int32At(bytes, pos);
    pos += 4;
    if (size < -1 || size > length) return false;
    if (size > 0) pos += size;
    if (pos > end) return !whole;
  }
  if (checked < count) return pos + 4 * (count - checked) <= body + length - wire.HEADER_BYTES;
  return !whole || pos === end;
}

/** Name, table, column, type, length, modifier, format. */
const COLUMN_FIXED_BYTES = 18;

function isRowDescription(bytes: Uint8Array, body: number, end: number): boolean {
  const count = wire.uint16At(bytes, body);
  const checked = Math.min(count, ITEMS_CHECKED);
  let pos = body + 2;
  for (let i = 0; i < checked; i++) {
    const fixed = afterString(bytes, pos, end);
    if (fixed < 0 || end - fixed < COLUMN_FIXED_BYTES) return false;
    pos = fixed + COLUMN_FIXED_BYTES;
  }
  return checked < count ? pos + (1 + COLUMN_FIXED_BYTES) * (count - checked) <= end : pos === end;
}

/** Offset behind an Int16 count and as many items of `itemBytes`; -1 when they do not fit. */
function afterItems(bytes: Uint8Array, pos: number, end: number, itemBytes: number): number {
  if (end - pos < 2) return -1;
  const after = pos + 2 + itemBytes * wire.uint16At(bytes, pos);
  return after <= end ? after : -1;
}

/** Offset behind `count` values, each a length (-1: NULL) and its bytes; -1 when they do not fit. */
function afterValues(bytes: Uint8Array, start: number, end: number, count: number): number {
  let pos = start;
  for (let i = 0; i < count; i++) {
    if (end - pos < 4) return -1;
    const size = wire.int32At(bytes, pos);
    pos += 4;
    if (size < -1 || size > end - pos) return -1;
    if (size > 0) pos += size;
  }
  return pos;
}

/** Offset behind the NUL that ends the string at `pos`; -1 when there is none before `end`. */
function afterString(bytes: Uint8Array, pos: number, end: number): number {
  if (pos < 0 || pos >= end) return -1;
  const nul = indexOfByte(bytes, 0, pos, end);
  return nul < 0 ? -1 : nul + 1;
}
