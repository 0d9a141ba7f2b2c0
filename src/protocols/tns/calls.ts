/** Client messages: puts packets together, applies what was read, and queues the call for its reply. */
import { createHash } from 'node:crypto';
import { Cursor } from '../../base/cursor.ts';
import {
  type Identity,
  LoginEvent,
  MARK_CANCELLED,
  MARK_GAP,
  MARK_MALFORMED,
  MARK_TRUNCATED,
  MARK_UNKNOWN_HANDLE,
  type StatementEvent,
} from '../../contracts/event.ts';
import type { EventSink, Frame } from '../../contracts/protocol.ts';
import * as c from './constants.ts';
import { CursorEntry } from './cursors.ts';
import type { ExecuteCall } from './execute.ts';
import { LIMITS, VALUES_MAX } from './limits.ts';
import { methodOf, privilegedUser } from './login.ts';
import { dialectOfRequest } from './negotiate.ts';
import { DIALECT_UNKNOWN } from './reader.ts';
import { finishReply } from './replies.ts';
import { type Request, readRequest } from './requests.ts';
import {
  cutText,
  KIND_COMMAND,
  KIND_DATA_TYPES,
  KIND_EXECUTE,
  KIND_FETCH,
  KIND_LOGIN,
  KIND_LOGOFF,
  KIND_PROTOCOL,
  KIND_SILENT,
  Pending,
  type TnsSession,
} from './session.ts';

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
  if (request.length === 0) {
    // The answer to a flush of out binds (or of a LOB array) goes on with the call before.
    if (end - start === 1 && bytes[start] === c.MSG_FLUSH_OUT_BINDS) return;
    // Data types may be cut anywhere, not only at the SDU; what counts stands in front.
    const isTypes = session.pending.at(-1)?.kind === KIND_DATA_TYPES && session.reply.wireBytes === 0;
    if (isTypes && bytes[start] !== c.MSG_FUNCTION) return;
    if (!session.endOfResponse) finishReply(session, true, sink);
    request.startUs = frame.startUs;
  }
  request.append(bytes, start, end);
  const ends = frame.truncated || (flags & c.DATA_END_OF_REQUEST) !== 0;
  if (ends || frame.length < session.sduBytes) takeRequest(session, ends, frame.truncated, sink);
}

/** The server speaks, or the connection ends: whatever there is of a request is all that comes. */
export function forceRequest(session: TnsSession, lost: boolean, sink: EventSink): void {
  if (session.request.length > 0) takeRequest(session, true, lost, sink);
}

function takeRequest(session: TnsSession, forced: boolean, lost: boolean, sink: EventSink): void {
  const { request } = session;
  const marks = lost ? MARK_GAP : request.overflowed ? MARK_TRUNCATED : 0;
  if (readMessage(session, request.bytes, 0, request.length, forced, marks, request.startUs, sink)) request.clear();
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
  if (session.dialect === DIALECT_UNKNOWN) {
    session.dialect = session.negotiation.dialect || dialectOfRequest(bytes, start, end);
  }
  const request = readRequest(session.context(), bytes, start, end);
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
    const request = readRequest(context, bytes, at, end);
    if (request.login === undefined || request.login.user === undefined) continue;
    apply(session, request, marks, startUs, sink);
    const pending = session.pending.at(-1);
    if (pending) pending.fast = true;
    return true;
  }
  session.strayMessages++;
  return true;
}

function apply(session: TnsSession, request: Request, marks: number, startUs: number, sink: EventSink): void {
  for (const id of request.closed) session.closeCursor(session.cursors.take(id), sink);
  applyAttributes(session, request, startUs, sink);
  const { fn, sequence } = request;
  if (request.fieldVersion >= 0) session.triedVersion = request.fieldVersion;
  if (request.dialect !== DIALECT_UNKNOWN) session.dialect = request.dialect;
  const faults = marks | (request.malformed ? MARK_MALFORMED : 0) | (request.cut && marks === 0 ? MARK_MALFORMED : 0);
  if (fn !== c.FN_AUTH_1 && fn !== c.FN_AUTH_2) session.releaseHeldLogin(sink);
  const command = c.COMMANDS.get(fn);
  if (command) {
    const event = session.statement(startUs, command[1], command[0]);
    event.marks |= faults;
    session.push(new Pending(KIND_COMMAND, sequence, event), sink);
    return;
  }
  switch (fn) {
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
      login(session, request, startUs, sink);
      break;
    case c.FN_LOB:
      lob(session, request, faults, startUs, sink);
      break;
    case c.FN_LOGOFF:
      session.quitUs = startUs;
      session.push(new Pending(KIND_LOGOFF, sequence, undefined), sink);
      break;
    case -1:
      session.strayMessages++;
      break;
    default:
      session.push(new Pending(KIND_SILENT, sequence, undefined), sink);
  }
}

/** End-to-end attributes and the current schema hold from the call on that carries them. */
function applyAttributes(session: TnsSession, request: Request, startUs: number, sink: EventSink): void {
  const { endToEnd, schema } = request;
  if (endToEnd?.hasClientId) setIdentity(session, { endUser: endToEnd.clientId });
  // The program that logged in is worth more than the name it gives itself; mid-stream there is only that.
  if (endToEnd?.module !== undefined && session.identity.program === undefined) {
    setIdentity(session, { program: endToEnd.module });
  }
  if (schema === undefined || schema === session.schema) return;
  // The driver repeats it with each call until the server confirms; it is recorded once.
  session.schema = schema;
  const event = session.statement(startUs, 'command', 'SET CURRENT_SCHEMA');
  event.parameters = [schema];
  session.emit(event, sink);
}

export function setIdentity(session: TnsSession, change: Partial<Identity>): void {
  session.identity = { ...session.identity, ...change };
}

function execute(session: TnsSession, request: Request, marks: number, startUs: number, sink: EventSink): void {
  const call = request.execute;
  const known = session.cursors.get(request.cursorId);
  const isFetch = call !== undefined && call.sqlBytes === undefined && (call.options & c.OPTION_EXECUTE) === 0;
  if (isFetch) {
    fetch(session, request, marks, startUs, sink);
    return;
  }
  session.closeCursor(known, sink);
  const entry = call?.sqlBytes === undefined ? (known ?? new CursorEntry()) : new CursorEntry();
  const event = session.statement(startUs, call?.sqlBytes === undefined ? 'prepared' : 'simple');
  event.marks |= marks;
  if (call?.sqlBytes !== undefined) setText(session, entry, call, call.sqlBytes);
  if (call?.binds !== undefined) entry.binds = call.binds;
  if (call?.isQuery) entry.isQuery = true;
  event.text = entry.text;
  event.textLength = entry.textLength;
  event.textSha256 = entry.textSha256;
  if (entry.textLength !== undefined) event.marks |= MARK_TRUNCATED;
  if (entry.text === undefined && !request.malformed && !request.cut) event.marks |= MARK_UNKNOWN_HANDLE;
  if (request.values !== undefined && request.values.length > 0) event.parameters = request.values;
  if ((request.values?.length ?? 0) >= VALUES_MAX) event.marks |= MARK_TRUNCATED;
  const pending = new Pending(KIND_EXECUTE, request.sequence, event);
  pending.entry = entry;
  pending.cursorId = request.cursorId;
  pending.silent = call !== undefined && (call.options & c.OPTION_EXECUTE) === 0;
  if (pending.silent) event.call = 'prepare';
  session.push(pending, sink);
}

const QUERY_PATTERN = /^[\s(]*(?:select|with)\b/i;
const BLOCK_PATTERN = /^\s*(?:begin|declare|call|<<)/i;

function setText(session: TnsSession, entry: CursorEntry, call: ExecuteCall, sql: Uint8Array): void {
  entry.isQuery = call.isQuery || QUERY_PATTERN.test(call.sql ?? '');
  entry.isPlsql = !entry.isQuery && (call.isPlsql || BLOCK_PATTERN.test(call.sql ?? ''));
  if (sql.length <= LIMITS.sqlBytesMax) {
    entry.text = call.sql;
    return;
  }
  entry.text = cutText(sql, LIMITS.sqlBytesMax, session.encoding());
  entry.textLength = sql.length;
  entry.textSha256 = createHash('sha256').update(sql).digest('hex');
}

/** More rows of a query; one whose beginning was not seen (a REF CURSOR, mid-stream) gets a record of its own. */
function fetch(session: TnsSession, request: Request, marks: number, startUs: number, sink: EventSink): void {
  const pending = new Pending(KIND_FETCH, request.sequence, undefinedOr(session, request, marks, startUs, sink));
  pending.entry = session.cursors.get(request.cursorId);
  pending.cursorId = request.cursorId;
  session.push(pending, sink);
}

function undefinedOr(
  session: TnsSession,
  request: Request,
  marks: number,
  startUs: number,
  sink: EventSink,
): StatementEvent | undefined {
  const known = session.cursors.get(request.cursorId);
  if (known !== undefined) return known.open;
  const entry = new CursorEntry();
  entry.isQuery = true;
  entry.open = session.statement(startUs, 'cursor', 'FETCH');
  entry.open.marks |= marks | MARK_UNKNOWN_HANDLE;
  session.keepCursor(request.cursorId, entry, sink);
  return entry.open;
}

function lob(session: TnsSession, request: Request, marks: number, startUs: number, sink: EventSink): void {
  const code = request.lobOperation;
  if (c.LOB_HOUSEKEEPING.has(code)) {
    session.push(new Pending(KIND_SILENT, request.sequence, undefined), sink);
    return;
  }
  const operation = c.LOB_OPERATIONS.get(code);
  const event = session.statement(startUs, 'command', operation ?? 'LOB OPERATION');
  if (operation === undefined) event.parameters = [code];
  event.marks |= marks;
  session.push(new Pending(KIND_COMMAND, request.sequence, event), sink);
}

function login(session: TnsSession, request: Request, startUs: number, sink: EventSink): void {
  const call = request.login;
  if (call === undefined) return;
  const { pairs, mode } = call;
  const user = call.user ?? session.identity.user;
  const proxy = pairs.get('PROXY_CLIENT_NAME');
  const isRetry = session.heldLogin !== undefined && session.heldLogin.identity.user === user;
  if (!isRetry) session.releaseHeldLogin(sink);
  setIdentity(session, {
    user,
    effectiveUser: proxy ?? privilegedUser(mode) ?? (call.phase === 1 ? undefined : session.identity.effectiveUser),
    osUser: pairs.get('AUTH_SID') ?? session.identity.osUser,
    clientHost: pairs.get('AUTH_MACHINE') ?? session.identity.clientHost,
    program: pairs.get('AUTH_PROGRAM_NM') ?? session.identity.program,
  });
  session.userUnknown = false;
  const event = session.heldLogin ?? new LoginEvent(session.identity, startUs);
  session.heldLogin = undefined;
  event.identity = session.identity;
  event.method = methodOf(mode);
  session.loginMode = mode;
  const pending = new Pending(KIND_LOGIN, request.sequence, event);
  pending.firstPhase = call.phase === 1;
  session.push(pending, sink);
}

/** The client interrupts the call it waits for. */
export function cancel(session: TnsSession): void {
  const event = session.pending[0]?.event;
  if (event?.kind === 'statement') event.marks |= MARK_CANCELLED;
}
