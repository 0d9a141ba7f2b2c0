/**
 * How a call ended: the end-of-call status OER (type 4) or the short status (type 9). Until servers of 23ai mark the
 * end of a reply, it is the last thing in one, so rows need not be walked: it is looked for from the end, and must
 * fill the reply to its last byte.
 */
import { decodeText } from '../../base/text.ts';
import * as c from './constants.ts';
import { DIALECT_U, TtcReader } from './reader.ts';
import { findFixedStatus } from './status-fixed.ts';
import { CallStatus, CHUNKED, isSane, type StatusShape, TEXT_BYTES_MAX } from './status-shape.ts';

const TRANSACTION_OPEN = 2;
const WARNING_COMPILATION = 0x20;
const SHORT_BYTES_MAX = 9;
/** A status without a message, with a logical rowid of any usual size. */
const QUIET_BYTES_MAX = 512;
/** Errors of an array DML that are told apart. */
const BATCH_ERRORS_MAX = 16;

const reader = new TtcReader();

/** The status that ends `bytes[start, end)`; `undefined` when none fills it to the end. `call`: sequence number of the request. */
export function findStatus(
  shape: StatusShape,
  bytes: Uint8Array,
  start: number,
  end: number,
  call: number,
  shortAllowed: boolean,
): CallStatus | undefined {
  if (end - start < 3) return undefined;
  const long =
    shape.dialect === DIALECT_U
      ? findUniversal(shape, bytes, start, end, call)
      : findFixedStatus(shape, bytes, start, end, call);
  if (long) return long;
  return shortAllowed ? findShort(shape, bytes, start, end) : undefined;
}

export function isTransactionOpen(status: CallStatus): boolean {
  return (status.callStatus & TRANSACTION_OPEN) !== 0;
}

function findShort(shape: StatusShape, bytes: Uint8Array, start: number, end: number): CallStatus | undefined {
  for (let at = Math.max(start, end - SHORT_BYTES_MAX); at < end - 1; at++) {
    if (bytes[at] !== c.MSG_STATUS) continue;
    reader.reset(bytes, at + 1, end);
    reader.dialect = shape.dialect;
    const status = new CallStatus();
    status.short = true;
    status.offset = at;
    if (shape.callStatusField) status.callStatus = reader.ub(4);
    if (shape.sequenceField) reader.ub(2);
    if (!reader.failed && reader.pos === end && status.callStatus >= 0 && status.callStatus < 0x10000) return status;
  }
  return undefined;
}

/** Tries every byte 04 that may begin a status, the nearest to the start first: texts hide few, statuses are not short. */
function findUniversal(
  shape: StatusShape,
  bytes: Uint8Array,
  start: number,
  end: number,
  call: number,
): CallStatus | undefined {
  let best: CallStatus | undefined;
  const first = mayHoldMessage(bytes, start, end) ? start : Math.max(start, end - QUIET_BYTES_MAX);
  for (let at = first; at < end - 20; at++) {
    if (bytes[at] !== c.MSG_ERROR) continue;
    const status = readUniversal(shape, bytes, at, end);
    if (status === undefined) continue;
    if (status.call === call) return status;
    best ??= status;
  }
  return best;
}

/** Messages of errors begin with this; a status without one is short. */
const MESSAGE_MARK = 'ORA-';

function mayHoldMessage(bytes: Uint8Array, start: number, end: number): boolean {
  const found = Buffer.prototype.indexOf.call(bytes, MESSAGE_MARK, start, 'latin1');
  return found >= 0 && found < end;
}

/** Most candidates are none: they are read into this one, which is handed out when it is one. */
let spare = new CallStatus();

function readUniversal(shape: StatusShape, bytes: Uint8Array, at: number, end: number): CallStatus | undefined {
  const found = fillUniversal(spare.clear(), shape, bytes, at, end);
  if (found !== undefined) spare = new CallStatus();
  return found;
}

function fillUniversal(
  status: CallStatus,
  shape: StatusShape,
  bytes: Uint8Array,
  at: number,
  end: number,
): CallStatus | undefined {
  status.offset = at;
  reader.reset(bytes, at + 1, end);
  reader.dialect = DIALECT_U;
  reader.bigChunks = shape.bigChunks;
  if (shape.callStatusField) status.callStatus = reader.variable();
  if (shape.sequenceField) reader.variable();
  status.rows = reader.variable();
  status.errorCode = reader.variable();
  reader.variable();
  reader.variable();
  status.cursorId = reader.variable();
  reader.variable(); // error position
  if (reader.failed || !isSane(status)) return undefined;
  // Before field version 4 the flags after the SQL type are integers; later they are bytes.
  if (shape.fieldVersion < 4) return readOldRest(status, end);
  status.sqlType = reader.u8();
  reader.skip(4);
  status.compilationErrors = (reader.u8() & WARNING_COMPILATION) !== 0;
  skipRowid();
  reader.variable(); // operating system error
  reader.skip(1);
  status.call = reader.u8();
  reader.variable();
  reader.variable(); // iterations
  readBatch(status);
  if (shape.fieldVersion >= 7) {
    status.errorCode = reader.variable();
    status.rows = reader.variable();
  }
  if (shape.fieldVersion >= 14) {
    reader.variable();
    reader.variable();
  }
  return readText(status, end);
}

/** Field version 3: bytes and integers mixed; only what ends exactly with the reply is believed. */
function readOldRest(status: CallStatus, end: number): CallStatus | undefined {
  status.sqlType = reader.u8();
  const from = reader.pos;
  const text = oraText(from, end);
  if (status.errorCode === 0) {
    const left = end - from;
    return text < 0 && left >= 10 && left <= 40 ? status : undefined;
  }
  if (text < 0 || text - from < 10 || text - from > 40) return undefined;
  reader.pos = text;
  return readText(status, end);
}

/** Where `L "ORA-…"` begins such that it ends with the reply, or -1. */
function oraText(from: number, end: number): number {
  const { bytes } = reader;
  for (let at = from; at < Math.min(end - 5, from + 64); at++) {
    const isText = bytes[at + 1] === 0x4f && bytes[at + 2] === 0x52 && bytes[at + 3] === 0x41 && bytes[at + 4] === 0x2d;
    if (isText && (bytes[at] === end - at - 1 || bytes[at] === CHUNKED)) return at;
  }
  return -1;
}

function skipRowid(): void {
  reader.variable();
  reader.variable();
  reader.skip(1);
  reader.variable();
  reader.variable();
}

/** Logical rowid, then the arrays of batch errors: codes, offsets, messages. */
function readBatch(status: CallStatus): void {
  reader.dlc();
  readBatchNumbers();
  const offsets = readBatchNumbers();
  const messages = reader.variable();
  if (messages <= 0 || reader.failed) return;
  reader.skip(1);
  const errors: string[] = [];
  for (let i = 0; i < messages && !reader.failed; i++) {
    reader.variable();
    const text = reader.clr();
    reader.skip(2);
    if (text === undefined || i >= BATCH_ERRORS_MAX) continue;
    const row = offsets?.[i] ?? i;
    errors.push(`row ${row}: ${decodeText(text, 0, Math.min(text.length, TEXT_BYTES_MAX), 'utf8').trimEnd()}`);
  }
  status.batchErrors = errors;
}

/** One array of numbers, each in a chunk of its own: the first of them; `undefined` for an empty one. */
function readBatchNumbers(): readonly number[] | undefined {
  const count = reader.variable();
  if (count <= 0 || reader.failed) return undefined;
  const chunked = reader.u8() === CHUNKED;
  const numbers: number[] = [];
  for (let i = 0; i < count && !reader.failed; i++) {
    if (chunked) reader.variable();
    const number = reader.variable();
    if (i < BATCH_ERRORS_MAX) numbers.push(number);
  }
  if (chunked) reader.skip(1);
  return numbers;
}

function readText(status: CallStatus, end: number): CallStatus | undefined {
  if (status.errorCode !== 0) {
    const text = reader.clr();
    if (text === undefined || text.length > TEXT_BYTES_MAX) return undefined;
    status.errorText = decodeText(text, 0, text.length, 'utf8').trimEnd();
  }
  return !reader.failed && reader.pos === end && isSane(status) ? status : undefined;
}
