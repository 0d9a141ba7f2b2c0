/** Client messages: puts packets together, applies what was read, and queues the call for its reply. */
import { Cursor } from '../../base/cursor.ts';
import { MARK_CANCELLED, MARK_GAP, MARK_MALFORMED, MARK_TRUNCATED } from '../../contracts/event.ts';
import type { EventSink, Frame } from '../../contracts/protocol.ts';
import { readLateRows } from './bundle.ts';
import * as c from './constants.ts';
import { dialectOfRequest, refine } from './dialect.ts';
import { applyAttributes, login } from './identity.ts';
import { LongText } from './long-text.ts';
import { BIG_ENDIAN, DIALECT_U, DIALECT_UNKNOWN } from './reader.ts';
import { directionsOf, finishReply } from './replies.ts';
import { EXTENT_CUT, EXTENT_OPEN, EXTENT_WHOLE, type Request } from './request.ts';
import { readRequest } from './requests.ts';
import {
  KIND_COMMAND,
  KIND_DATA_TYPES,
  KIND_EXECUTE,
  KIND_LOGOFF,
  KIND_PROTOCOL,
  KIND_SILENT,
  Pending,
  type TnsSession,
} from './session.ts';
import { execute, fetch, load, lob } from './statements.ts';

const FAST_AUTH_VERSION = 13;
const CALL_START_BYTES = 3;

/** The payload of one DATA packet from the client. `whole`: the packet was not cut by a gap. */
export function onClientData(
  session: TnsSession,
  frame: Frame,
  flags: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  sink: EventSink,
): void {
  const { request } = session;
  const isFull = frame.length >= session.sduBytes && (flags & c.DATA_END_OF_REQUEST) === 0;
  if (session.skipsRest) {
    session.skipsRest = isFull;
    return;
  }
  if (request.length === 0) {
    if (bytes[start] === c.MSG_ROW && bindsLate(session, bytes, start, end)) return;
    // The answer to a flush of out binds (or of a LOB array) goes on with the call before.
    if (end - start === 1 && bytes[start] === c.MSG_FLUSH_OUT_BINDS) return;
    // Data types may be cut anywhere, not only at the SDU; what counts stands in front.
    const isTypes = session.pending.at(-1)?.kind === KIND_DATA_TYPES && session.reply.wireBytes === 0;
    if (isTypes && bytes[start] !== c.MSG_FUNCTION) return;
    if (!session.endOfResponse) finishReply(session, true, sink);
    request.startUs = frame.startUs;
  }
  append(session, bytes, start, end);
  session.skipsRest = frame.truncated && isFull;
  const ends = frame.truncated || (flags & c.DATA_END_OF_REQUEST) !== 0;
  if (ends || (frame.length < session.sduBytes && request.mayBeWhole))
    takeRequest(session, ends, frame.truncated, sink);
}

/** Keeps what fits; of a text that does not fit, length and digest are still taken. */
function append(session: TnsSession, bytes: Uint8Array, start: number, end: number): void {
  const { request } = session;
  const { room } = request;
  const wasFull = request.overflowed;
  request.append(bytes, start, end);
  if (end - start <= room) return;
  if (!wasFull) session.longText = followText(session);
  session.longText?.feed(bytes, start + room, end);
}

/** Memory is short: of a request that is coming in, no more than `bytesMax` are kept. */
export function shortenRequest(session: TnsSession, bytesMax: number): void {
  const { request } = session;
  if (request.bytes.length <= bytesMax) return;
  if (request.length > bytesMax && !request.overflowed) session.longText = followText(session);
  request.shorten(bytesMax);
}

/** The text, or the data of a LOB, that the kept bytes of a request end in; `undefined` when they end elsewhere. */
function followText(session: TnsSession): LongText | undefined {
  const { request } = session;
  settleDialect(session, request.bytes, 0, request.length);
  const { partial } = readRequest(session.context(), request.bytes, 0, request.length, EXTENT_OPEN);
  if (partial === undefined) return undefined;
  const { at, rawBytes, dialect } = partial;
  const lengthBytes = session.negotiation.bigChunks ? (dialect === DIALECT_U ? 0 : 4) : 1;
  const text = new LongText(
    rawBytes >= 0
      ? { kind: 'raw', bytes: rawBytes }
      : { kind: 'chunks', lengthBytes, bigEndian: (dialect & BIG_ENDIAN) !== 0 },
  );
  text.feed(request.bytes, at, request.length);
  return text.done ? undefined : text;
}

/** Before version 10 the values of a block's binds are sent once the server has asked for them. */
function bindsLate(session: TnsSession, bytes: Uint8Array, start: number, end: number): boolean {
  const pending = session.pending[0];
  if (pending?.kind !== KIND_EXECUTE || pending.event?.kind !== 'statement' || pending.entry === undefined)
    return false;
  const { entry, event } = pending;
  entry.directions = directionsOf(session) ?? entry.directions;
  const values = readLateRows(session.context(), entry, bytes, start, end);
  if (values !== undefined && values.length > 0) event.parameters = [...(event.parameters ?? []), ...values];
  session.reply.interrupt();
  return true;
}

/** The server speaks, or the connection ends: whatever there is of a request is all that comes. */
export function forceRequest(session: TnsSession, lost: boolean, sink: EventSink): void {
  if (session.request.length > 0) takeRequest(session, true, lost, sink);
}

function takeRequest(session: TnsSession, forced: boolean, lost: boolean, sink: EventSink): void {
  const { request } = session;
  const marks = lost ? MARK_GAP : request.overflowed ? MARK_TRUNCATED : 0;
  // Of a text that has a hole, neither length nor digest are known.
  if (lost) session.longText = undefined;
  if (!readMessage(session, request.bytes, 0, request.length, forced, marks, request.startUs, sink)) {
    request.noteIncomplete();
    return;
  }
  request.clear();
  session.longText = undefined;
}

/** The first call that tells settles what the negotiation leaves open, or did not say. */
function settleDialect(session: TnsSession, bytes: Uint8Array, start: number, end: number): void {
  if (session.dialect !== DIALECT_UNKNOWN) return;
  session.dialect = refine(session.negotiation.dialect, dialectOfRequest(bytes, start, end));
}

/** False when the message is not complete and more may come. */
function readMessage(
  session: TnsSession,
  bytes: Uint8Array,
  start: number,
  end: number,
  forced: boolean,
  marks: number,
  startUs: number,
  sink: EventSink,
): boolean {
  switch (bytes[start]) {
    case c.MSG_PROTOCOL:
      session.negotiation.clientProtocol(new Cursor().reset(bytes, start, end));
      session.push(new Pending(KIND_PROTOCOL, 0, undefined), sink);
      return true;
    case c.MSG_DATA_TYPES:
      session.negotiation.clientDataTypes(new Cursor().reset(bytes, start, end));
      session.push(new Pending(KIND_DATA_TYPES, 0, undefined), sink);
      return true;
    case c.MSG_FAST_AUTH:
      return readFastAuth(session, bytes, start, end, marks, startUs, sink);
    case c.MSG_FUNCTION:
    case c.MSG_PIGGYBACK:
      break;
    default:
      session.strayMessages++;
      return true;
  }
  settleDialect(session, bytes, start, end);
  const extent = marks !== 0 ? EXTENT_CUT : forced ? EXTENT_WHOLE : EXTENT_OPEN;
  const request = readRequest(session.context(), bytes, start, end, extent);
  if (request.cut && !forced) return false;
  apply(session, request, marks, startUs, sink);
  return true;
}

/** Fast authentication: messages 1, 2 and the first login call in one. */
function readFastAuth(
  session: TnsSession,
  bytes: Uint8Array,
  start: number,
  end: number,
  marks: number,
  startUs: number,
  sink: EventSink,
): boolean {
  const cursor = new Cursor().reset(bytes, start + 4, end);
  session.negotiation.clientProtocol(cursor);
  let types = cursor.pos;
  while (types < end && !(bytes[types] === c.MSG_DATA_TYPES && bytes[types - 1] === FAST_AUTH_VERSION)) types++;
  session.negotiation.clientDataTypes(new Cursor().reset(bytes, Math.min(types, end), end));
  for (let at = types; at + CALL_START_BYTES < end; at++) {
    const isCall = bytes[at] === c.MSG_FUNCTION && (bytes[at + 1] === c.FN_AUTH_1 || bytes[at + 1] === c.FN_AUTH_2);
    if (!isCall || (bytes[at + 3] as number) > 1) continue;
    session.dialect = dialectOfRequest(bytes, at, end);
    const context = { ...session.context(), fieldVersion: FAST_AUTH_VERSION, sure: true };
    const request = readRequest(context, bytes, at, end, marks === 0 ? EXTENT_WHOLE : EXTENT_CUT);
    if (request.login === undefined || request.login.user === undefined) continue;
    apply(session, request, marks, startUs, sink);
    const pending = session.pending.at(-1);
    if (pending) pending.fast = true;
    return true;
  }
  session.strayMessages++;
  return true;
}

/** Of a call whose end is missing, what came is what is known. */
function readBeginning(session: TnsSession, request: Request): void {
  const { partial, execute: found, salvaged } = request;
  if (partial?.call === undefined) return;
  if (session.longText === undefined) {
    const isFound = found !== undefined && !salvaged;
    if (isFound || !partial.isAgreed || !partial.call.sqlBytes?.length) return;
    request.isPartial = true;
  }
  request.execute = partial.call;
  request.malformed = false;
  request.salvaged = false;
  request.cut = false;
}

/** A message of which so little is there that not even its call is known. */
function unread(session: TnsSession, sequence: number, marks: number, startUs: number, sink: EventSink): void {
  const event = session.statement(startUs, 'command');
  event.marks |= marks;
  session.push(new Pending(KIND_COMMAND, sequence, event), sink);
}

function apply(session: TnsSession, request: Request, marks: number, startUs: number, sink: EventSink): void {
  for (const id of request.closed) session.closeCursor(session.cursors.delete(id), sink);
  for (const id of request.cancelled) session.closeCursor(session.cursors.get(id), sink);
  applyAttributes(session, request, startUs, sink);
  const { fn, sequence } = request;
  if (marks !== 0) readBeginning(session, request);
  // A text that was searched for in what a hole left is a part of one.
  if (request.salvaged && (marks & MARK_GAP) !== 0) request.execute = undefined;
  const isLogin = request.login !== undefined;
  if (request.fieldVersion >= 0) session.triedVersion = request.fieldVersion;
  if (request.dialect !== DIALECT_UNKNOWN) session.dialect = request.dialect;
  const faults = marks | (request.malformed ? MARK_MALFORMED : 0) | (request.cut && marks === 0 ? MARK_MALFORMED : 0);
  if (!isLogin) session.releaseHeldLogin(sink);
  const command = c.COMMANDS.get(fn);
  if (command) {
    const event = session.statement(startUs, command[1], command[0]);
    event.marks |= faults;
    session.push(new Pending(KIND_COMMAND, sequence, event), sink);
    return;
  }
  switch (fn) {
    case c.FN_OSQL7:
    case c.FN_BUNDLE_8:
    case c.FN_OALL7:
    case c.FN_OALL8:
    case c.FN_REEXECUTE:
    case c.FN_REEXECUTE_FETCH:
      execute(session, request, faults, startUs, sink);
      break;
    case c.FN_FETCH:
      fetch(session, request, faults, startUs, sink);
      break;
    case c.FN_AUTH_1:
    case c.FN_AUTH_2:
    case c.FN_O3LOGON_KEY:
    case c.FN_O3LOGON:
      login(session, request, startUs, sink);
      break;
    case c.FN_DIRECT_PATH_PREPARE:
    case c.FN_DIRECT_PATH_LOAD:
    case c.FN_DIRECT_PATH_OPERATION:
      load(session, request, faults, startUs, sink);
      break;
    case c.FN_CLOSE:
      session.closeCursor(session.cursors.delete(request.cursorId), sink);
      session.push(new Pending(KIND_SILENT, sequence, undefined), sink);
      break;
    case c.FN_LOB:
      lob(session, request, faults, startUs, sink);
      break;
    case c.FN_LOGOFF:
      session.quitUs = startUs;
      session.push(new Pending(KIND_LOGOFF, sequence, undefined), sink);
      break;
    case -1:
      if (marks === 0) session.strayMessages++;
      else unread(session, sequence, faults, startUs, sink);
      break;
    default:
      session.push(new Pending(KIND_SILENT, sequence, undefined), sink);
  }
}

/** The client interrupts the call it waits for. */
export function cancel(session: TnsSession): void {
  const event = session.pending[0]?.event;
  if (event?.kind === 'statement') event.marks |= MARK_CANCELLED;
}
