/**
 * One client message: piggybacks, then a call. Reading has no effects, so that a message may be read again when more
 * of it has come; `calls.ts` applies the result.
 */
import { decodeText } from '../../base/text.ts';
import { readBundle, readReexecute, readUnknownBundle } from './bundle.ts';
import * as c from './constants.ts';
import { readDirectPath } from './direct-path.ts';
import { readEndToEnd } from './end-to-end.ts';
import { readLob, skipFreedLobs } from './lob.ts';
import { readLogin, readOldLogin } from './login.ts';
import { DIALECT_U, TtcReader } from './reader.ts';
import { EXTENT_OPEN, EXTENT_WHOLE, type Extent, Request, type RequestContext, skipToken } from './request.ts';

const PIGGYBACKS_MAX = 32;
const CURSORS_MAX = 65_536;
const CONTEXT_VALUES_MAX = 4096;

/** Reads `bytes[start, end)`: a whole message, or its beginning. */
export function readRequest(
  context: RequestContext,
  bytes: Uint8Array,
  start: number,
  end: number,
  extent: Extent,
): Request {
  const reader = new TtcReader();
  reader.reset(bytes, start, end);
  reader.dialect = context.dialect === 0 ? DIALECT_U : context.dialect;
  reader.bigChunks = context.bigChunks;
  const request = new Request();
  for (let i = 0; i < PIGGYBACKS_MAX && reader.peek() === c.MSG_PIGGYBACK; i++) {
    if (!readPiggyback(reader, context, request, extent)) break;
  }
  if (reader.peek() === c.MSG_FUNCTION) readCall(reader, context, request, extent !== EXTENT_OPEN);
  else if (reader.remaining() === 0) request.cut = true;
  else request.malformed = true;
  return request;
}

/** False when the message cannot be followed any further. */
function readPiggyback(reader: TtcReader, context: RequestContext, request: Request, extent: Extent): boolean {
  reader.skip(1);
  const fn = reader.u8();
  const sequence = reader.u8();
  request.sequence = (sequence + 1) & 0xff;
  skipToken(reader, context.fieldVersion);
  const from = reader.pos;
  reader.beginArguments();
  switch (fn) {
    case c.FN_CLOSE_CURSORS:
      request.closed.push(...readCursorIds(reader));
      break;
    case c.FN_CANCEL_CURSORS:
      request.cancelled.push(...readCursorIds(reader));
      break;
    case c.FN_END_TO_END:
      request.endToEnd = readEndToEnd(reader, context.encoding, sequence);
      break;
    case c.FN_SCHEMA: {
      reader.pointer();
      const name = reader.dlc();
      if (name) request.schema = decodeText(name, 0, name.length, context.encoding);
      break;
    }
    case c.FN_APP_CONTEXT:
      skipApplicationContext(reader);
      break;
    case c.FN_LOB:
      skipFreedLobs(reader);
      break;
    case c.FN_PIPELINE_BEGIN:
      reader.ub(2);
      reader.skip(2);
      break;
    case c.FN_SESSION_STATE:
      reader.ub(8);
      break;
    case c.FN_SESSION_SWITCH:
      reader.ub(4);
      reader.ub(4);
      reader.ub(4);
      break;
    default:
      return findCall(reader, sequence, from);
  }
  if (!reader.failed && follows(reader, sequence)) return true;
  const { starved } = reader;
  // What looks like a call in a piggyback whose end is missing is a part of it.
  if (!(starved && extent !== EXTENT_WHOLE) && findCall(reader, sequence, from)) return true;
  if (starved) request.cut = true;
  return false;
}

/** Whether the next call or piggyback begins here: their sequence numbers follow each other. */
function follows(reader: TtcReader, sequence: number): boolean {
  const { bytes, pos, end } = reader;
  const type = bytes[pos];
  if (pos >= end) return false;
  return (type === c.MSG_FUNCTION || type === c.MSG_PIGGYBACK) && isNext(sequence, bytes[pos + 2] ?? -1);
}

/** JDBC of version 10 numbers nothing. */
function isNext(sequence: number, next: number): boolean {
  return next === ((sequence + 1) & 0xff) || next === 0 || (sequence === 0x7f && next === 1);
}

/** An unknown piggyback has no length: the call behind it has the next sequence number. */
function findCall(reader: TtcReader, sequence: number, from: number): boolean {
  const { bytes, end } = reader;
  for (let at = from; at + 2 < end; at++) {
    const type = bytes[at];
    if (type !== c.MSG_FUNCTION && type !== c.MSG_PIGGYBACK) continue;
    if (bytes[at + 2] !== ((sequence + 1) & 0xff) || !KNOWN_FUNCTIONS.has(bytes[at + 1] as number)) continue;
    reader.resume(bytes, at, end);
    return true;
  }
  return false;
}

const KNOWN_FUNCTIONS: ReadonlySet<number> = new Set([
  ...c.COMMANDS.keys(),
  ...[c.FN_REEXECUTE, c.FN_FETCH, c.FN_LOGOFF, c.FN_VERSION, c.FN_REEXECUTE_FETCH, c.FN_OALL8, c.FN_LOB],
  ...[c.FN_CLOSE_CURSORS, c.FN_CANCEL_CURSORS, c.FN_PING, c.FN_END_TO_END, c.FN_SCHEMA, c.FN_OPEN, c.FN_CLOSE],
  ...[c.FN_OALL7, c.FN_OSQL7, c.FN_AUTH_2, c.FN_SESSION_SWITCH, c.FN_PIPELINE_END],
]);

function readCursorIds(reader: TtcReader): number[] {
  reader.pointer();
  const count = reader.ub(4);
  reader.pad();
  const ids: number[] = [];
  for (let i = 0; i < Math.min(count, CURSORS_MAX) && !reader.failed; i++) ids.push(reader.ub(4));
  return ids;
}

/** Namespace and values that the application keeps in the session: nothing of them is recorded. */
function skipApplicationContext(reader: TtcReader): void {
  reader.pointer();
  reader.ub(4);
  reader.pointer();
  const count = reader.ub(4);
  reader.ub(4);
  reader.pointer();
  reader.clr();
  for (let i = 0; i < Math.min(count, CONTEXT_VALUES_MAX) && !reader.failed; i++) {
    reader.dlc();
    reader.dlc();
    reader.ub(4);
  }
}

function readCall(reader: TtcReader, context: RequestContext, request: Request, complete: boolean): void {
  reader.skip(1);
  request.fn = reader.u8();
  request.sequence = reader.u8();
  const from = reader.pos;
  skipToken(reader, context.fieldVersion);
  reader.beginArguments();
  switch (request.fn) {
    case c.FN_OALL8:
    case c.FN_OALL7:
      readBundle(reader, context, request, from, complete);
      return;
    case c.FN_OSQL7:
    case c.FN_BUNDLE_8:
      readUnknownBundle(context, request, reader.bytes, from, reader.end);
      return;
    case c.FN_REEXECUTE:
    case c.FN_REEXECUTE_FETCH:
      readReexecute(reader, context, request);
      break;
    case c.FN_FETCH:
    case c.FN_CLOSE:
      request.cursorId = reader.ub(4);
      break;
    case c.FN_AUTH_1:
    case c.FN_AUTH_2:
      request.login = readLogin(reader, request.fn === c.FN_AUTH_1 ? 1 : 2, context.rawText);
      break;
    case c.FN_O3LOGON_KEY:
    case c.FN_O3LOGON:
      request.login = readOldLogin(reader, request.fn === c.FN_O3LOGON_KEY ? 1 : 2, context.rawText);
      break;
    case c.FN_LOB:
      request.lob = readLob(reader, context.fieldVersion, request);
      break;
    case c.FN_DIRECT_PATH_PREPARE:
    case c.FN_DIRECT_PATH_LOAD:
    case c.FN_DIRECT_PATH_OPERATION:
      request.directPath = readDirectPath(reader, request.fn, context.encoding);
      break;
    default:
      return;
  }
  if (reader.failed) request.cut = true;
}
