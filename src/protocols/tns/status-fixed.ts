/**
 * The end-of-call status of the fixed dialects. Its size follows from the field version, so that its place follows from
 * the end of the reply; where no known size fits, it is searched by what must agree in it.
 *
 * Sizes seen: packed 66 and native 136 bytes at field versions 4 to 6, native 144 from 12c on. The others follow from
 * the fields that were added.
 */
import { decodeText } from '../../base/text.ts';
import { MSG_ERROR } from './constants.ts';
import { DIALECT_F1, isNative, TtcReader } from './reader.ts';
import { CallStatus, CHUNKED, isSane, type StatusShape, TEXT_BYTES_MAX } from './status-shape.ts';

/** Message type, rows, code, cursor, flags, rowid and so on, up to the iterations; call status and sequence before. */
const PACKED_BYTES = 46;
const CALL_STATUS_BYTES = 4;
const SEQUENCE_BYTES = 2;
/** Empty arrays of batch errors, from field version 4 on. */
const BATCH_BYTES = 14;
const NATIVE_BYTES = 136;
/** Long code and rows, SQL type and checksum. */
const TWELVE_BYTES = 12;
const TWENTY_BYTES = 8;
const NATIVE_TWELVE_BYTES = 8;
/** Offset of the long code in the native form, in what had been filler. */
const NATIVE_LONG_CODE = 132;
/** A native status has this byte in front of its struct. */
const NATIVE_MARK = 1;
const SIZE_MIN = 40;
const SIZE_MAX = 240;

const reader = new TtcReader();

/** As `findStatus`, for fixed dialects. */
export function findFixedStatus(
  shape: StatusShape,
  bytes: Uint8Array,
  start: number,
  end: number,
  call: number,
): CallStatus | undefined {
  const text = messageStart(bytes, start, end);
  const stop = text < 0 ? end : text;
  const at = stop - sizeOf(shape);
  const status =
    readAt(shape, bytes, at, start, stop, call, text >= 0) ?? search(shape, bytes, start, stop, text, call);
  if (status !== undefined && text >= 0) {
    reader.reset(bytes, text, end);
    reader.dialect = DIALECT_F1;
    reader.bigChunks = false;
    const message = reader.clr();
    status.errorText = message && decodeText(message, 0, message.length, 'utf8').trimEnd();
  }
  return status;
}

function sizeOf({ dialect, fieldVersion, callStatusField, sequenceField }: StatusShape): number {
  const later = fieldVersion >= 14 ? TWENTY_BYTES : 0;
  if (isNative(dialect)) return NATIVE_BYTES + (fieldVersion >= 7 ? NATIVE_TWELVE_BYTES : 0) + later;
  const head = (callStatusField ? CALL_STATUS_BYTES : 0) + (sequenceField ? SEQUENCE_BYTES : 0);
  const batch = fieldVersion >= 4 ? BATCH_BYTES : 0;
  return PACKED_BYTES + head + batch + (fieldVersion >= 7 ? TWELVE_BYTES : 0) + later;
}

/** The status at `at`, if its fields agree with the call and with the message behind it. */
function readAt(
  shape: StatusShape,
  bytes: Uint8Array,
  at: number,
  start: number,
  stop: number,
  call: number,
  hasText: boolean,
): CallStatus | undefined {
  if (at < start || bytes[at] !== MSG_ERROR) return undefined;
  const status = readFixed(shape, bytes, at, stop);
  if (status === undefined || !isSane(status) || (status.errorCode !== 0) !== hasText) return undefined;
  return status.call === call || call < 0 || status.call === 0 ? status : undefined;
}

/** A status of unknown size: the nearest to the end that repeats the call's number, and the code of its message. */
function search(
  shape: StatusShape,
  bytes: Uint8Array,
  start: number,
  stop: number,
  text: number,
  call: number,
): CallStatus | undefined {
  if (call <= 0 || !shape.sequenceField) return undefined;
  const code = text < 0 ? 0 : codeOf(bytes, text);
  for (let at = stop - SIZE_MIN; at >= Math.max(start, stop - SIZE_MAX); at--) {
    const status = readAt(shape, bytes, at, start, stop, call, text >= 0);
    if (status?.call === call && status.errorCode === code) return status;
  }
  return undefined;
}

function readFixed(shape: StatusShape, bytes: Uint8Array, at: number, stop: number): CallStatus | undefined {
  const native = isNative(shape.dialect);
  const status = new CallStatus();
  status.offset = at;
  reader.reset(bytes, at + 1, stop);
  reader.dialect = shape.dialect;
  if (shape.callStatusField) status.callStatus = reader.ub(4);
  if (shape.sequenceField) reader.ub(2);
  if (native && reader.u8() !== NATIVE_MARK) return undefined;
  status.rows = reader.ub(4);
  status.errorCode = reader.ub(2);
  reader.skip(4);
  status.cursorId = reader.ub(2);
  reader.ub(2);
  status.sqlType = reader.u8();
  // Flags, rowid and operating system error stand in between.
  reader.skip(native ? NATIVE_CALL_GAP : PACKED_CALL_GAP);
  status.call = reader.u8();
  if (reader.failed) return undefined;
  if (shape.fieldVersion >= 7) status.rows = laterRows(shape, bytes, at, stop, status);
  return status;
}

const PACKED_CALL_GAP = 23;
const NATIVE_CALL_GAP = 26;

/**
 * From field version 7 on the rows stand at the end as well, in eight bytes, and only there for native clients. Which
 * fields follow them, and how long arrays of batch errors in front of them are, does not matter.
 */
function laterRows(shape: StatusShape, bytes: Uint8Array, at: number, stop: number, status: CallStatus): number {
  const later = shape.fieldVersion >= 14 ? TWENTY_BYTES : 0;
  const places = isNative(shape.dialect)
    ? [at + NATIVE_LONG_CODE]
    : [at + sizeOf({ ...shape, fieldVersion: VERSION_BEFORE_TWELVE }), stop - later - TWELVE_BYTES];
  for (const place of places) {
    reader.reset(bytes, Math.min(place, stop), stop);
    reader.dialect = shape.dialect;
    const code = reader.ub(4);
    const rows = reader.ub(8);
    if (!reader.failed && code === status.errorCode && rows > 0) return rows;
  }
  return status.rows;
}

const VERSION_BEFORE_TWELVE = 6;

/** Offset of the message `L "ORA-…"` that ends with the reply, or -1. */
function messageStart(bytes: Uint8Array, start: number, end: number): number {
  for (let at = end - 10; at >= Math.max(start, end - TEXT_BYTES_MAX); at--) {
    if (!isOra(bytes, at + 1)) continue;
    if (bytes[at] === end - at - 1) return at;
    // A long message in chunks: the first chunk's length follows the mark.
    if (at - 1 >= start && bytes[at - 1] === CHUNKED && bytes[end - 1] === 0) return at - 1;
  }
  return -1;
}

function isOra(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0x4f && bytes[at + 1] === 0x52 && bytes[at + 2] === 0x41 && bytes[at + 3] === 0x2d;
}

/** The number in `ORA-01234`. */
function codeOf(bytes: Uint8Array, text: number): number {
  const from = isOra(bytes, text + 1) ? text + 5 : text + 6;
  return Number.parseInt(decodeText(bytes, from, from + 5, 'latin1'), 10);
}
