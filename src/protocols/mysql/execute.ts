/**
 * Prepared statements on the client's side: execute, bulk execute, fetch, long data, reset, close. MySQL Internals
 * "Prepared Statements"; MariaDB knowledge base "COM_STMT_EXECUTE", "COM_STMT_BULK_EXECUTE".
 *
 * A statement's id is told by the prepare's reply. While such a reply is awaited, requests that name a statement keep
 * a bounded copy of themselves and are resolved when it is in.
 */
import { Cursor } from '../../base/cursor.ts';
import {
  type BindValue,
  MARK_GAP,
  MARK_MALFORMED,
  MARK_TRUNCATED,
  MARK_UNKNOWN_HANDLE,
  StatementEvent,
} from '../../contracts/event.ts';
import type { EventSink, Frame } from '../../contracts/protocol.ts';
import * as c from './constants.ts';
import { LIMITS } from './limits.ts';
import { lenenc } from './messages.ts';
import { KIND_FETCH, KIND_NONE, KIND_PREPARE, KIND_RESULT, type MysqlSession, Pending } from './session.ts';
import { copyText, type Prepared } from './statements.ts';
import { readValue } from './values.ts';

/** Bytes of a request kept until its statement's id is known. */
const DEFERRED_BYTES_MAX = 64 * 1024;
/** Values of a bulk execution that are kept; the rest is only said to be there. */
const BULK_VALUES_MAX = 1024;
/** Query attributes kept of one request, and bytes of a name or value. */
const ATTRIBUTES_MAX = 32;
const ATTRIBUTE_BYTES_MAX = 256;
const PENDING_BYTES = 512;
/** Stands for a value sent apart of which a part was lost. */
const LOST: BindValue = { type: 'lost', hex: '' };
const INDICATOR_NONE = 0;
const INDICATOR_NULL = 1;
const INDICATORS: readonly string[] = ['none', 'null', 'default', 'ignore', 'ignore row'];

/**
 * Query attributes before the text of COM_QUERY: those with a short text as value, by name. Fails the cursor when they
 * can't be read.
 */
export function readAttributes(session: MysqlSession, cursor: Cursor): ReadonlyMap<string, string> | undefined {
  if (!hasAttributes(session, cursor)) return undefined;
  const count = lenenc(cursor);
  lenenc(cursor);
  if (count <= 0) return undefined;
  const nulls = cursor.pos;
  cursor.skip(Math.ceil(count / 8));
  const typesSent = cursor.u8() === 1;
  const types: number[] = [];
  const names: string[] = [];
  for (let i = 0; typesSent && i < count && !cursor.failed; i++) {
    types.push(cursor.u16le());
    names.push(readName(cursor, session));
  }
  const tags = new Map<string, string>();
  for (let i = 0; i < types.length && !cursor.failed; i++) {
    if (isNull(cursor.bytes, nulls, i)) continue;
    addTag(tags, names[i], readValue(cursor, types[i] as number, session.encoding, ATTRIBUTE_BYTES_MAX));
  }
  return tags.size > 0 ? tags : undefined;
}

/** Only what has a name and a short text as value; of too many, the first. */
function addTag(tags: Map<string, string>, name: string | undefined, value: BindValue | undefined): void {
  if (typeof value !== 'string' || value.length > ATTRIBUTE_BYTES_MAX) return;
  if (name !== undefined && name !== '' && tags.size < ATTRIBUTES_MAX) tags.set(name, value);
}

/** An attribute's name; of one that is too long, nothing. */
function readName(cursor: Cursor, session: MysqlSession): string {
  const length = lenenc(cursor);
  if (length > 0 && length <= ATTRIBUTE_BYTES_MAX) return cursor.text(length, session.encoding);
  cursor.skip(Math.max(0, length));
  return '';
}

/** Where the greeting was not seen, a statement that begins with a count below the blank and "one set" has them. */
function hasAttributes(session: MysqlSession, cursor: Cursor): boolean {
  const offered = !session.capabilitiesKnown || session.has(c.CLIENT_QUERY_ATTRIBUTES);
  if (session.greeted || !offered) return session.capabilitiesKnown && offered;
  return cursor.remaining() >= 2 && cursor.peek() < 9 && cursor.bytes[cursor.pos + 1] === 1;
}

function isNull(bytes: Uint8Array, nulls: number, index: number): boolean {
  return ((bytes[nulls + (index >> 3)] as number) & (1 << (index & 7))) !== 0;
}

export function onExecute(session: MysqlSession, frame: Frame, cursor: Cursor, sink: EventSink): void {
  requestOf(session, 'prepared', frame, cursor, sink);
}

export function onBulkExecute(session: MysqlSession, frame: Frame, cursor: Cursor, sink: EventSink): void {
  requestOf(session, 'bulk', frame, cursor, sink);
}

function requestOf(session: MysqlSession, call: string, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const event = session.statement(frame.startUs, call);
  const pending = new Pending(KIND_RESULT, event, 1);
  if (frame.available < frame.length || session.clientContinues) event.marks |= MARK_TRUNCATED;
  if (frame.lostBytes > 0) {
    event.marks |= MARK_GAP;
    event.lostBytes += frame.lostBytes;
  }
  pending.prepared = session.lastPrepared;
  if (session.preparesPending === 0) execute(session, pending, event, cursor);
  else {
    defer(pending, cursor);
    if (session.lastPrepared && namesLast(cursor)) copyText(session.lastPrepared, event);
  }
  session.push(pending, PENDING_BYTES + frame.available, frame.startUs, sink);
}

/** The statement prepared last is meant: its text is known before its id is. */
function namesLast(cursor: Cursor): boolean {
  const { bytes, pos } = cursor;
  return cursor.remaining() >= 4 && bytes.subarray(pos, pos + 4).every((byte) => byte === 0xff);
}

function defer(pending: Pending, cursor: Cursor): void {
  const end = Math.min(cursor.end, cursor.pos + DEFERRED_BYTES_MAX);
  if (end < cursor.end && pending.event) pending.event.marks |= MARK_TRUNCATED;
  pending.deferred = cursor.bytes.slice(cursor.pos, end);
  pending.deferredCommand = cursor.bytes[cursor.pos - 1] as number;
}

/** Resolves what waited for the reply to a prepare, up to the next prepare that has none. */
export function resolveDeferred(session: MysqlSession): void {
  for (const pending of session.pending) {
    if (pending.kind === KIND_PREPARE) return;
    const { deferred, event } = pending;
    if (deferred === undefined) continue;
    pending.deferred = undefined;
    scratch.reset(deferred, 0, deferred.length);
    if (pending.deferredCommand === c.COM_STMT_SEND_LONG_DATA) addLongData(session, scratch, scratch.remaining());
    else if (pending.deferredCommand === c.COM_STMT_CLOSE) pending.prepared = close(session, scratch);
    else if (pending.deferredCommand === c.COM_STMT_RESET) pending.prepared = reset(session, scratch);
    else if (event instanceof StatementEvent) execute(session, pending, event, scratch);
  }
}

const scratch = new Cursor();

/** Gives the execution its text and values; the cursor stands behind the command byte. */
function execute(session: MysqlSession, pending: Pending, event: StatementEvent, cursor: Cursor): void {
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
  const values =
    event.call === 'bulk'
      ? bulkValues(session, prepared, event, cursor)
      : bindValues(session, prepared, event, cut, cursor);
  session.statements.forgetLongData(prepared);
  if (values !== undefined) event.parameters = values;
  else if (session.gapSeen) event.marks |= MARK_GAP;
  else if (!cut) event.marks |= MARK_MALFORMED;
}

/** Values of COM_STMT_EXECUTE. `undefined`: their types were not seen, or they can't be read. `cut`: some are missing. */
function bindValues(
  session: MysqlSession,
  prepared: Prepared,
  event: StatementEvent,
  cut: boolean,
  cursor: Cursor,
): BindValue[] | undefined {
  const flags = cursor.u8();
  cursor.skip(4);
  const start = cursor.pos;
  const counted = (flags & c.EXECUTE_PARAMETER_COUNT) !== 0;
  const named = session.capabilitiesKnown && session.greeted ? session.has(c.CLIENT_QUERY_ATTRIBUTES) : counted;
  let values = readBindValues(session, prepared, event, cursor, counted, named);
  if (cut) return values;
  if (cursor.failed || cursor.remaining() > 0) {
    // Some clients agree on query attributes and then send none of their fields.
    cursor.reset(cursor.bytes, start, cursor.end);
    values = readBindValues(session, prepared, event, cursor, counted, !named);
  }
  return cursor.failed || cursor.remaining() > 0 ? undefined : values;
}

function readBindValues(
  session: MysqlSession,
  prepared: Prepared,
  event: StatementEvent,
  cursor: Cursor,
  counted: boolean,
  named: boolean,
): BindValue[] | undefined {
  const count = counted ? lenenc(cursor) : prepared.parameterCount;
  if (count <= 0) return [];
  const nulls = cursor.pos;
  if (!cursor.skip(Math.ceil(count / 8))) return undefined;
  const names: string[] = [];
  if (cursor.u8() === 1) {
    const types: number[] = [];
    for (let i = 0; i < count && !cursor.failed; i++) {
      types.push(cursor.u16le());
      if (named) names.push(readName(cursor, session));
    }
    if (!cursor.failed) prepared.types = types;
  }
  const { types } = prepared;
  if (types === undefined || types.length !== count) {
    cursor.skip(cursor.remaining());
    return undefined;
  }
  const values: BindValue[] = [];
  const tags = new Map<string, string>();
  for (const [i, type] of types.entries()) {
    const value = bindValue(session, prepared, cursor, nulls, i, type);
    if (cursor.failed) break;
    // Query attributes come behind the parameters.
    if (i < prepared.parameterCount) values.push(value === undefined ? LOST : value);
    else addTag(tags, names[i], value);
  }
  event.tags = tags.size > 0 && !cursor.failed ? tags : undefined;
  return values;
}

function bindValue(
  session: MysqlSession,
  prepared: Prepared,
  cursor: Cursor,
  nulls: number,
  index: number,
  type: number,
): BindValue | undefined {
  const long = prepared.longData.get(index);
  if (long) return long.value(type, session.encoding);
  if (isNull(cursor.bytes, nulls, index)) return null;
  return readValue(cursor, type, session.encoding, LIMITS.valueBytesMax);
}

/** Values of all rows of a bulk execution, row by row. */
function bulkValues(
  session: MysqlSession,
  prepared: Prepared,
  event: StatementEvent,
  cursor: Cursor,
): BindValue[] | undefined {
  const count = prepared.parameterCount;
  const flags = cursor.u16le();
  if ((flags & c.BULK_SEND_TYPES) !== 0) {
    const types: number[] = [];
    for (let i = 0; i < count && !cursor.failed; i++) types.push(cursor.u16le());
    if (!cursor.failed) prepared.types = types;
  }
  const { types } = prepared;
  if (types === undefined || types.length !== count || count === 0) return undefined;
  const values: BindValue[] = [];
  for (let i = 0; cursor.remaining() > 0; i = (i + 1) % count) {
    if (values.length >= BULK_VALUES_MAX) {
      event.marks |= MARK_TRUNCATED;
      break;
    }
    const value = bulkValue(session, cursor, types[i] as number);
    if (cursor.failed) break;
    values.push(value);
  }
  return values;
}

function bulkValue(session: MysqlSession, cursor: Cursor, type: number): BindValue {
  const indicator = cursor.u8();
  if (indicator === INDICATOR_NULL) return null;
  if (indicator !== INDICATOR_NONE) return { type: INDICATORS[indicator] ?? 'indicator', hex: '' };
  return readValue(cursor, type, session.encoding, LIMITS.valueBytesMax) ?? null;
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
  if (prepared === undefined || cursor.failed) return;
  const data = session.statements.longData(prepared, index, LIMITS.valueBytesMax);
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
  const prepared = session.preparesPending > 0 ? undefined : reset(session, cursor);
  const pending = new Pending(KIND_RESULT, undefined, 1);
  pending.closesCursor = true;
  pending.prepared = prepared;
  if (session.preparesPending > 0) defer(pending, cursor);
  session.push(pending, PENDING_BYTES, frame.startUs, sink);
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
  if (session.pending.length === 0) {
    session.closeCursor(prepared, sink);
    return;
  }
  const pending = new Pending(KIND_NONE, undefined, 0);
  pending.prepared = prepared;
  session.push(pending, PENDING_BYTES, frame.startUs, sink);
}
