/** Server messages: collects a reply's beginning and end, finds its status, and settles the call that waits. */
import { Cursor } from '../../base/cursor.ts';
import { MARK_GAP, MARK_MALFORMED, Outcome, type StatementEvent } from '../../contracts/event.ts';
import type { EventSink, Frame } from '../../contracts/protocol.ts';
import * as c from './constants.ts';
import { CursorEntry } from './cursors.ts';
import { readReturnedCursors } from './describe.ts';
import { siblings } from './dialect.ts';
import { privilegedUser, readLoginReply } from './login.ts';
import { DIALECT_U, isNative, TtcReader } from './reader.ts';
import {
  KIND_COMMAND,
  KIND_DATA_TYPES,
  KIND_EXECUTE,
  KIND_FETCH,
  KIND_LOGIN,
  KIND_LOGOFF,
  KIND_PROTOCOL,
  type Pending,
  type TnsSession,
} from './session.ts';
import { findStatus, isTransactionOpen } from './status.ts';
import { CallStatus, type StatusShape } from './status-shape.ts';

/** Servers fill packets to a little less than the session data unit: more follows such a packet. */
const FULL_PACKET_SLACK = 128;
/** A reply in more short packets than this is looked at again when the client goes on. */
const SEARCHES_MAX = 16;
const VERSION_TWENTY = 14;
const VERSION_TWELVE = 7;
const VERSION_ELEVEN = 5;
const VERSION_TEN = 3;
const VERSION_NINE = 2;
/** Fast authentication is spoken at this field version, whatever is agreed in it. */
const VERSION_FAST_AUTH = 13;

/** The payload of one DATA packet from the server. */
export function onServerData(
  session: TnsSession,
  frame: Frame,
  flags: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  sink: EventSink,
): void {
  const { reply } = session;
  session.skipsRest = false;
  if (session.pending.length === 0) {
    session.strayMessages++;
    return;
  }
  if (reply.wireBytes === 0) reply.firstUs = frame.startUs;
  reply.wireBytes += frame.length;
  reply.lastUs = frame.endUs;
  reply.append(bytes, start, end);
  if (frame.truncated) reply.holed = true;
  // Only where it was agreed is it ever set: the ACCEPT that said so may have been lost.
  if ((flags & c.DATA_END_OF_RESPONSE) !== 0) session.endOfResponse = true;
  if (session.endOfResponse) {
    const alone = end - start === 1 && bytes[start] === c.MSG_END_OF_RESPONSE;
    if (alone || (flags & c.DATA_END_OF_RESPONSE) !== 0) finishReply(session, true, sink);
  } else if (reply.searches < SEARCHES_MAX && (mayEnd(session, frame) || isNegotiation(session))) {
    reply.searches++;
    finishReply(session, false, sink);
  }
}

function mayEnd(session: TnsSession, frame: Frame): boolean {
  return frame.length < session.sduBytes - FULL_PACKET_SLACK;
}

function isNegotiation(session: TnsSession): boolean {
  const kind = session.pending[0]?.kind;
  return kind === KIND_PROTOCOL || kind === KIND_DATA_TYPES;
}

/** Settles the first call if its reply is complete. `forced`: it is over, complete or not. */
export function finishReply(session: TnsSession, forced: boolean, sink: EventSink): void {
  const pending = session.pending[0];
  const { reply } = session;
  if (pending === undefined) return;
  if (reply.wireBytes === 0) {
    if (forced && !session.endOfResponse) {
      session.takePending();
      session.release(pending, 0, sink);
    }
    return;
  }
  if (pending.kind === KIND_PROTOCOL || pending.kind === KIND_DATA_TYPES) {
    negotiate(session, pending);
    session.takePending();
    reply.clear();
    return;
  }
  if (pending.fast && !reply.holed) negotiateFast(session);
  const status = statusOf(session, pending);
  if (status === undefined && !forced) return;
  if (status !== undefined && answersAnother(session, pending, status)) {
    reply.clear();
    return;
  }
  session.takePending();
  if (status === undefined && session.doubt) session.release(pending, MARK_GAP, sink);
  else settle(session, pending, status, sink);
  reply.clear();
}

/** After a loss, replies whose ends are marked may be those of calls that were given up. */
function answersAnother(session: TnsSession, pending: Pending, status: CallStatus): boolean {
  if (!session.endOfResponse || !session.repliesLost || status.short) return false;
  return status.call !== pending.sequence;
}

function negotiate(session: TnsSession, pending: Pending): void {
  const cursor = new Cursor().reset(session.reply.bytes, 0, session.reply.length);
  if (pending.kind === KIND_PROTOCOL && cursor.peek() === c.MSG_PROTOCOL) session.negotiation.serverProtocol(cursor);
  if (pending.kind === KIND_DATA_TYPES && cursor.peek() === c.MSG_DATA_TYPES) {
    session.negotiation.serverDataTypes(cursor);
  }
}

/** The server's half of a negotiation inside fast authentication comes before the login's own reply. */
function negotiateFast(session: TnsSession): void {
  const cursor = new Cursor().reset(session.reply.bytes, 0, session.reply.length);
  if (cursor.peek() === c.MSG_PROTOCOL) session.negotiation.serverProtocol(cursor);
  session.dialect = DIALECT_U;
}

/** The status that ends the reply, in the shape agreed; by trial of all shapes where none was seen agreed. */
function statusOf(session: TnsSession, pending: Pending): CallStatus | undefined {
  const { reply } = session;
  let end = reply.length;
  if (session.endOfResponse && end > 1 && reply.bytes[end - 1] === c.MSG_END_OF_RESPONSE) end--;
  const shortAllowed = pending.kind !== KIND_EXECUTE && pending.kind !== KIND_FETCH;
  for (const shape of shapesOf(session, pending)) {
    const status = findStatus(shape, reply.bytes, reply.tailStart(), end, pending.sequence, shortAllowed);
    if (status === undefined || (session.doubt && status.call !== pending.sequence)) continue;
    if (!status.short && shape.dialect !== DIALECT_U) session.dialect = shape.dialect;
    return status;
  }
  return undefined;
}

function* shapesOf(session: TnsSession, pending: Pending): Generator<StatusShape> {
  const { negotiation } = session;
  const { bigChunks, dialect, fieldVersion } = session.context();
  const { callStatusField, sequenceField } = negotiation;
  // Statuses of version 9 begin with the rows; whether those of all clients do is not known.
  if (fieldVersion >= 0 && fieldVersion < VERSION_TEN) {
    yield { dialect, fieldVersion, callStatusField: false, sequenceField: false, bigChunks };
    yield { dialect, fieldVersion, callStatusField: true, sequenceField: true, bigChunks };
  }
  if (fieldVersion >= 0) yield { dialect, fieldVersion, callStatusField, sequenceField, bigChunks };
  if (pending.fast) yield { dialect, fieldVersion: VERSION_FAST_AUTH, callStatusField, sequenceField, bigChunks };
  if (negotiation.fieldVersion >= 0 && negotiation.dialect !== 0) return;
  for (const tried of siblings(dialect)) {
    for (const version of [VERSION_TWENTY, VERSION_TWELVE, VERSION_ELEVEN]) {
      yield { dialect: tried, fieldVersion: version, callStatusField: true, sequenceField: true, bigChunks: true };
    }
  }
  for (const version of [VERSION_TEN, VERSION_NINE]) {
    const numbered = version === VERSION_TEN;
    yield { dialect, fieldVersion: version, callStatusField: false, sequenceField: numbered, bigChunks };
  }
}

function settle(session: TnsSession, pending: Pending, status: CallStatus | undefined, sink: EventSink): void {
  settleKind(session, pending, status, sink);
  if (status === undefined || (status.callStatus & c.CALL_STATUS_SESSION_RELEASED) === 0) return;
  session.closeCursors(sink);
  session.cursors.clear();
}

function settleKind(session: TnsSession, pending: Pending, status: CallStatus | undefined, sink: EventSink): void {
  switch (pending.kind) {
    case KIND_LOGIN:
      settleLogin(session, pending, status, sink);
      break;
    case KIND_EXECUTE:
      settleExecute(session, pending, status, sink);
      break;
    case KIND_FETCH:
      settleFetch(session, pending, status, sink);
      break;
    case KIND_COMMAND:
      if (pending.event?.kind !== 'statement') break;
      addOutcome(session, pending.event, status).bulkBytes = pending.bulkBytes;
      session.emit(pending.event, sink);
      break;
    case KIND_LOGOFF:
      session.logout('quit', session.quitUs, sink);
      break;
    default:
  }
}

/** Native code as Oracle prints it. */
function oraCode(code: number): string {
  return `ORA-${String(code).padStart(5, '0')}`;
}

function addOutcome(session: TnsSession, event: StatementEvent, status: CallStatus | undefined): Outcome {
  const { reply } = session;
  const outcome = new Outcome();
  outcome.firstByteUs = reply.firstUs;
  outcome.endUs = reply.lastUs;
  outcome.responseBytes = reply.wireBytes;
  event.outcomes.push(outcome);
  if (status === undefined) {
    event.marks |= reply.holed ? MARK_GAP : MARK_MALFORMED;
    return outcome;
  }
  fail(outcome, status);
  event.transaction = isTransactionOpen(status) ? 'open' : 'idle';
  return outcome;
}

function fail(outcome: Outcome, status: CallStatus): void {
  if (status.errorCode === 0 || status.errorCode === c.ORA_NO_DATA_FOUND) return;
  outcome.errorCode = oraCode(status.errorCode);
  outcome.errorText =
    status.batchErrors.length === 0 ? status.errorText : [status.errorText, ...status.batchErrors].join('; ');
}

/** Before version 10 a parsed query is answered with parameters alone. */
function parameterStatus(session: TnsSession, pending: Pending): CallStatus | undefined {
  const { reply } = session;
  if (!pending.old || reply.holed || reply.bytes[0] !== c.MSG_PARAMETERS) return undefined;
  const status = new CallStatus();
  status.cursorId = pending.cursorId;
  return status;
}

function settleExecute(session: TnsSession, pending: Pending, answer: CallStatus | undefined, sink: EventSink): void {
  const { event, entry } = pending;
  if (event?.kind !== 'statement' || entry === undefined) return;
  const status = answer ?? parameterStatus(session, pending);
  const outcome = addOutcome(session, event, status);
  if (status === undefined) {
    session.emit(event, sink);
    return;
  }
  if (entry.isPlsql && !session.reply.holed) entry.directions = directionsOf(session) ?? entry.directions;
  learnCursor(session, pending, status, sink);
  if (status.sqlType === SQL_TYPE_SELECT) entry.isQuery = true;
  const failed = outcome.errorCode !== undefined;
  if (entry.isQuery && !failed) outcome.returnedRows = status.rows;
  else if (!entry.isQuery && !entry.isPlsql && (!failed || status.rows > 0)) outcome.affectedRows = status.rows;
  if (entry.isPlsql && !failed) keepReturnedCursors(session, entry, sink);
  if (pending.silent) {
    if (failed) session.emit(event, sink);
    return;
  }
  const more = entry.isQuery && !failed && status.errorCode === 0 && status.cursorId !== 0;
  if (more) session.openCursor(status.cursorId, entry, event, sink);
  else session.emit(event, sink);
}

const SQL_TYPE_SELECT = 3;

/** The reply names the cursor that the text now stands for. */
function learnCursor(session: TnsSession, pending: Pending, status: CallStatus, sink: EventSink): void {
  const id = status.cursorId || pending.cursorId;
  if (id === 0 || pending.entry === undefined) return;
  session.keepCursor(id, pending.entry, sink);
}

function settleFetch(session: TnsSession, pending: Pending, status: CallStatus | undefined, sink: EventSink): void {
  const { entry } = pending;
  const event = entry?.open;
  if (entry === undefined || event === undefined) return;
  const { reply } = session;
  const outcome = event.outcomes.at(-1) ?? addOutcome(session, event, status);
  if (outcome.endUs !== reply.lastUs || outcome.responseBytes !== reply.wireBytes) {
    outcome.responseBytes += reply.wireBytes;
    outcome.endUs = reply.lastUs;
  }
  if (status === undefined) {
    event.marks |= reply.holed ? MARK_GAP : MARK_MALFORMED;
    return;
  }
  // The count runs on over all fetches of an execution.
  outcome.returnedRows = Math.max(outcome.returnedRows ?? 0, status.rows);
  fail(outcome, status);
  if (status.errorCode !== 0) session.closeCursor(entry, sink);
}

const DIRECTIONS_OFFSET_FIXED = 24;
const DIRECTIONS_MAX = 65_536;

/** A reader of what is kept of the reply's beginning. */
function replyReader(session: TnsSession): TtcReader {
  const { bytes, length } = session.reply;
  const context = session.context();
  const reader = new TtcReader();
  reader.reset(bytes, 0, length);
  reader.dialect = context.dialect;
  reader.bigChunks = context.bigChunks;
  return reader;
}

/** Cursors that a block gave to its caller; their fetches are recorded with the block's text. */
function keepReturnedCursors(session: TnsSession, parent: CursorEntry, sink: EventSink): void {
  const { fieldVersion } = session.context();
  const reader = replyReader(session);
  for (const id of readReturnedCursors(reader, fieldVersion, parent.binds ?? [], parent.directions)) {
    const entry = new CursorEntry();
    entry.text = parent.text;
    entry.textLength = parent.textLength;
    entry.textSha256 = parent.textSha256;
    entry.isPartial = parent.isPartial;
    entry.isQuery = true;
    entry.returned = true;
    session.keepCursor(id, entry, sink);
  }
}

/** Directions of a PL/SQL block's binds from the I/O vector that begins its reply; `undefined` without one. */
export function directionsOf(session: TnsSession): readonly number[] | undefined {
  const reader = replyReader(session);
  if (reader.peek() !== c.MSG_IO_VECTOR || isNative(reader.dialect)) return undefined;
  reader.skip(2);
  const low = reader.ub(2);
  const count = reader.ub(4) * 256 + low;
  if (reader.dialect === DIALECT_U) {
    reader.variable();
    reader.variable();
    for (let i = 0; i < 2; i++) reader.skip(reader.variable());
  } else reader.pos = DIRECTIONS_OFFSET_FIXED;
  if (count > DIRECTIONS_MAX || count > reader.remaining()) return undefined;
  return Array.from(reader.take(count));
}

function settleLogin(session: TnsSession, pending: Pending, status: CallStatus | undefined, sink: EventSink): void {
  const event = pending.event;
  if (event?.kind !== 'login') return;
  const { reply } = session;
  event.endUs = reply.lastUs;
  event.firstByteUs ||= reply.firstUs;
  const failed = status !== undefined && status.errorCode !== 0;
  if (failed) {
    // Of a privileged login in four calls, the first failure says why; what follows from it does not.
    event.errorCode ??= oraCode(status.errorCode);
    event.errorText ??= status.errorText;
    const isLast = !pending.firstPhase && (session.loginMode & c.MODE_RETRY) !== 0;
    if (privilegedUser(session.loginMode) !== undefined && !isLast) session.heldLogin = event;
    else session.emit(event, sink);
    return;
  }
  if (pending.firstPhase) {
    // The second call continues the same login.
    session.heldLogin = event;
    return;
  }
  // Before version 10 parameters alone mean success.
  const accepted = status !== undefined || (!reply.holed && reply.bytes[0] === c.MSG_PARAMETERS);
  if (!accepted) event.marks |= reply.holed ? MARK_GAP : MARK_MALFORMED;
  event.errorCode = undefined;
  event.errorText = undefined;
  readService(session);
  event.identity = session.identity;
  session.loggedIn = accepted;
  session.emit(event, sink);
}

/** The service's name, where the client did not say which it wanted. */
function readService(session: TnsSession): void {
  const { reply } = session;
  if (session.identity.database !== undefined || reply.holed || reply.bytes[0] !== c.MSG_PARAMETERS) return;
  const reader = replyReader(session);
  reader.skip(1);
  const facts = readLoginReply(reader);
  const database = facts.get('AUTH_SC_SERVICE_NAME') ?? facts.get('AUTH_DBNAME');
  if (database !== undefined) session.identify({ database });
}
