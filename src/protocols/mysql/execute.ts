/**
 * Prepared statements on the client's side: execute, bulk execute, fetch, long data, reset, close. MySQL Internals
 * "Prepared Statements"; MariaDB knowledge base "COM_STMT_EXECUTE", "COM_STMT_BULK_EXECUTE".
 *
 * A statement's id is told by the prepare's reply. While such a reply is awaited, requests that name a statement keep
 * a bounded copy of themselves and are resolved when it is in.
 */
import { Cursor } from '../../base/cursor.ts';
import {
  MARK_GAP,
  MARK_MALFORMED,
  MARK_TRUNCATED,
  MARK_UNKNOWN_HANDLE,
  StatementEvent,
} from '../../contracts/event.ts';
import type { EventSink, Frame } from '../../contracts/protocol.ts';
import { copyText } from '../sdk/handles.ts';
import * as c from './constants.ts';
import { loseRequests } from './gaps.ts';
import { bulkValues, executionValues } from './parameters.ts';
import { KIND_FETCH, KIND_NONE, KIND_PREPARE, KIND_RESULT, Pending } from './pending.ts';
import type { MysqlSession } from './session.ts';
import type { Prepared } from './statements.ts';

/** Bytes that a request in the queue, and each value in it, take beside their content. */
const PENDING_BYTES = 512;
const VALUE_BYTES = 48;

export function onExecute(session: MysqlSession, frame: Frame, cursor: Cursor, sink: EventSink): void {
  requestOf(session, 'prepared', frame, cursor, sink);
}

export function onBulkExecute(session: MysqlSession, frame: Frame, cursor: Cursor, sink: EventSink): void {
  requestOf(session, 'bulk', frame, cursor, sink);
}

function requestOf(session: MysqlSession, call: string, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const event = session.statement(frame.startUs, call);
  const pending = new Pending(KIND_RESULT, event, 1);
  const goesOn = frame.available < frame.length || session.clientContinues;
  if (frame.lostBytes > 0) {
    event.marks |= MARK_GAP;
    event.lostBytes += frame.lostBytes;
  }
  pending.prepared = session.lastPrepared;
  if (session.preparesPending === 0) execute(session, pending, event, cursor, goesOn && frame.lostBytes === 0);
  else {
    if (goesOn) event.marks |= MARK_TRUNCATED;
    defer(pending, cursor);
    if (session.lastPrepared && namesLast(cursor)) copyText(session.lastPrepared, event);
  }
  const bytes = PENDING_BYTES + frame.available + valueBytes(event);
  session.push(pending, bytes, frame.startUs, sink);
}

function valueBytes(event: StatementEvent): number {
  return VALUE_BYTES * (event.parameters?.length ?? 0);
}

/** The statement prepared last is meant: its text is known before its id is. */
function namesLast(cursor: Cursor): boolean {
  const { bytes, pos } = cursor;
  return cursor.remaining() >= 4 && bytes.subarray(pos, pos + 4).every((byte) => byte === 0xff);
}

/** Keeps what is there of a request; the queue counts its bytes. */
function defer(pending: Pending, cursor: Cursor): void {
  pending.deferred = cursor.bytes.slice(cursor.pos, cursor.end);
  pending.deferredCommand = cursor.bytes[cursor.pos - 1] as number;
}

/** Resolves what waited for the reply to a prepare, up to the next prepare that has none. */
export function resolveDeferred(session: MysqlSession): void {
  for (let pending = session.head; pending !== undefined; pending = pending.next) {
    if (pending.kind === KIND_PREPARE) return;
    const { deferred, event } = pending;
    if (deferred === undefined) continue;
    pending.deferred = undefined;
    scratch.reset(deferred, 0, deferred.length);
    if (pending.deferredCommand === c.COM_STMT_SEND_LONG_DATA) addLongData(session, scratch, scratch.remaining());
    else if (pending.deferredCommand === c.COM_STMT_CLOSE) pending.prepared = close(session, scratch);
    else if (pending.deferredCommand === c.COM_STMT_RESET) pending.prepared = reset(session, scratch);
    else if (event instanceof StatementEvent) {
      execute(session, pending, event, scratch, false);
      if (session.grow(pending, valueBytes(event))) continue;
      event.parameters = undefined;
      event.marks |= MARK_TRUNCATED;
    }
  }
}

const scratch = new Cursor();

/**
 * Gives the execution its text and values; the cursor stands behind the command byte. `open`: the message goes on behind
 * what the cursor can reach.
 */
function execute(session: MysqlSession, pending: Pending, event: StatementEvent, cursor: Cursor, open: boolean): void {
  const id = cursor.u32le();
  const last = pending.prepared;
  pending.prepared = id === c.MARIADB_LAST_STATEMENT ? last : session.statements.get(id);
  const { prepared } = pending;
  if (prepared === undefined || cursor.failed) {
    event.marks |= MARK_UNKNOWN_HANDLE;
    return;
  }
  copyText(prepared, event);
  if (prepared.parameterCount < 0) return;
  const cut = (event.marks & (MARK_TRUNCATED | MARK_GAP)) !== 0;
  const read =
    event.call === 'bulk'
      ? bulkValues(session, prepared, event, cursor, open)
      : executionValues(session, prepared, event, cursor, open, cut);
  session.statements.forgetLongData(prepared);
  if (read === undefined) {
    if (prepared.typesDropped) event.marks |= MARK_TRUNCATED;
    else if (session.gapSeen) event.marks |= MARK_GAP;
    else event.marks |= open ? MARK_TRUNCATED : cut ? 0 : MARK_MALFORMED;
    return;
  }
  event.parameters = read.values;
  pending.body = read.tail;
  if (read.tail !== undefined) session.body = read.tail;
}

/** Rows fetched through a cursor belong to the execution that opened it. */
export function onFetch(session: MysqlSession, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const pending = new Pending(KIND_FETCH, undefined, 1);
  pending.prepared = session.statements.get(cursor.u32le());
  session.push(pending, PENDING_BYTES, frame.startUs, sink);
}

export function onLongData(session: MysqlSession, frame: Frame, cursor: Cursor, sink: EventSink): void {
  if (session.preparesPending > 0) {
    later(session, frame, cursor, sink);
    return;
  }
  const consumed = cursor.pos - cursor.end + frame.available;
  addLongData(session, cursor, frame.length - consumed);
}

/** `lengthBytes`: of statement id, parameter index and data, by the packet's header. */
function addLongData(session: MysqlSession, cursor: Cursor, lengthBytes: number): void {
  const id = cursor.u32le();
  const index = cursor.u16le();
  const prepared = id === c.MARIADB_LAST_STATEMENT ? session.lastPrepared : session.statements.get(id);
  if (cursor.failed) loseRequests(session, 0);
  if (prepared === undefined || cursor.failed) return;
  const data = session.statements.longData(prepared, index);
  data?.expect(lengthBytes - 6);
  data?.add(cursor.bytes, cursor.pos, cursor.end);
  session.body = data;
}

export function onClose(session: MysqlSession, frame: Frame, cursor: Cursor, sink: EventSink): void {
  if (session.preparesPending > 0) {
    later(session, frame, cursor, sink);
    return;
  }
  inOrder(session, close(session, cursor), frame, sink);
}

export function onReset(session: MysqlSession, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const pending = new Pending(KIND_RESULT, undefined, 1);
  pending.closesCursor = true;
  if (session.preparesPending > 0) defer(pending, cursor);
  else pending.prepared = reset(session, cursor);
  session.push(pending, PENDING_BYTES + frame.available, frame.startUs, sink);
}

function close(session: MysqlSession, cursor: Cursor): Prepared | undefined {
  return session.statements.delete(cursor.u32le());
}

function reset(session: MysqlSession, cursor: Cursor): Prepared | undefined {
  const prepared = session.statements.get(cursor.u32le());
  if (prepared) session.statements.forgetLongData(prepared);
  return prepared;
}

/** A request without reply that names a statement not resolved yet. */
function later(session: MysqlSession, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const pending = new Pending(KIND_NONE, undefined, 0);
  defer(pending, cursor);
  session.push(pending, PENDING_BYTES + frame.available, frame.startUs, sink);
}

/** Closes the statement's cursor once the requests before are answered. */
function inOrder(session: MysqlSession, prepared: Prepared | undefined, frame: Frame, sink: EventSink): void {
  if (prepared === undefined) return;
  if (session.head === undefined) {
    session.closeCursor(prepared, sink);
    return;
  }
  const pending = new Pending(KIND_NONE, undefined, 0);
  pending.prepared = prepared;
  session.push(pending, PENDING_BYTES, frame.startUs, sink);
}
