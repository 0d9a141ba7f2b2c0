/** Calls that are recorded as statements: bundled calls, re-executions, fetches, LOB operations, direct path loads. */
import {
  type BindValue,
  MARK_MALFORMED,
  MARK_TRUNCATED,
  MARK_UNKNOWN_HANDLE,
  type StatementEvent,
} from '../../contracts/event.ts';
import type { EventSink } from '../../contracts/protocol.ts';
import { beginningOf, keptText, sha256 } from '../sdk/long.ts';
import * as c from './constants.ts';
import { CursorEntry } from './cursors.ts';
import type { ExecuteCall } from './execute.ts';
import { LIMITS, VALUES_MAX } from './limits.ts';
import type { LobCall, Request } from './request.ts';
import { KIND_COMMAND, KIND_EXECUTE, KIND_FETCH, KIND_SILENT, Pending, type TnsSession } from './session.ts';

export function execute(session: TnsSession, request: Request, marks: number, startUs: number, sink: EventSink): void {
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
  if (call?.sqlBytes !== undefined) setText(session, entry, call, call.sqlBytes, request.isPartial);
  if (call?.binds !== undefined) entry.binds = call.binds;
  if (call?.isQuery) entry.isQuery = true;
  if (request.salvaged) entry.doubtful = true;
  if (entry.doubtful) event.marks |= MARK_MALFORMED;
  describeText(event, entry);
  if (entry.textLength !== undefined || entry.isPartial) event.marks |= MARK_TRUNCATED;
  if (entry.text === undefined && !request.malformed && !request.cut) event.marks |= MARK_UNKNOWN_HANDLE;
  if (request.values !== undefined && request.values.length > 0) event.parameters = request.values;
  if ((request.values?.length ?? 0) >= VALUES_MAX) event.marks |= MARK_TRUNCATED;
  const pending = new Pending(KIND_EXECUTE, request.sequence, event);
  pending.entry = entry;
  pending.cursorId = request.cursorId;
  pending.old = request.fn === c.FN_OALL7;
  pending.silent = call !== undefined && (call.options & c.OPTION_EXECUTE) === 0;
  if (pending.silent) event.call = 'prepare';
  session.push(pending, sink);
}

function describeText(event: StatementEvent, entry: CursorEntry): void {
  event.text = entry.text;
  event.textLength = entry.textLength;
  event.textSha256 = entry.textSha256;
}

const QUERY_PATTERN = /^[\s(]*(?:select|with)\b/i;
const BLOCK_PATTERN = /^\s*(?:begin|declare|call|<<)/i;

function setText(
  session: TnsSession,
  entry: CursorEntry,
  call: ExecuteCall,
  sql: Uint8Array,
  isPartial: boolean,
): void {
  entry.isQuery = call.isQuery || QUERY_PATTERN.test(call.sql ?? '');
  entry.isPlsql = !entry.isQuery && (call.isPlsql || BLOCK_PATTERN.test(call.sql ?? ''));
  const { longText } = session;
  if (longText === undefined && !isPartial && sql.length <= LIMITS.sqlBytesMax) {
    entry.text = call.sql;
    return;
  }
  entry.text = isPartial
    ? beginningOf(sql, 0, Math.min(sql.length, LIMITS.sqlBytesMax), session.encoding())
    : keptText(sql, 0, sql.length, session.encoding(), LIMITS.sqlBytesMax);
  entry.isPartial = isPartial;
  if (isPartial) return;
  entry.textLength = longText?.lengthBytes ?? sql.length;
  entry.textSha256 = longText?.sha256() ?? sha256(sql, 0, sql.length);
}

/** More rows of a query. A cursor whose query was not seen, or that a block handed out, gets a record of its own. */
export function fetch(session: TnsSession, request: Request, marks: number, startUs: number, sink: EventSink): void {
  const entry = session.cursors.get(request.cursorId) ?? unseen(session, request.cursorId, sink);
  if (entry.open === undefined && (entry.returned || entry.unseen)) {
    entry.open = session.statement(startUs, 'cursor', 'FETCH');
    entry.open.marks |= marks;
    describeText(entry.open, entry);
    if (entry.unseen) entry.open.marks |= MARK_UNKNOWN_HANDLE;
    entry.returned = false;
    entry.unseen = false;
  }
  const pending = new Pending(KIND_FETCH, request.sequence, entry.open);
  pending.entry = entry;
  pending.cursorId = request.cursorId;
  session.push(pending, sink);
}

function unseen(session: TnsSession, id: number, sink: EventSink): CursorEntry {
  const entry = new CursorEntry();
  entry.isQuery = true;
  entry.unseen = true;
  session.keepCursor(id, entry, sink);
  return entry;
}

/** Reads and changes of LOBs: the locator ties them to the statement that bound it. */
export function lob(session: TnsSession, request: Request, marks: number, startUs: number, sink: EventSink): void {
  const call = request.lob;
  const code = call?.operation ?? 0;
  if (c.LOB_HOUSEKEEPING.has(code)) {
    session.push(new Pending(KIND_SILENT, request.sequence, undefined), sink);
    return;
  }
  const operation = c.LOB_OPERATIONS.get(code);
  const event = session.statement(startUs, 'command', operation ?? 'LOB OPERATION');
  event.parameters = operation === undefined ? [code] : lobParameters(call);
  event.marks |= marks;
  const pending = new Pending(KIND_COMMAND, request.sequence, event);
  pending.bulkBytes = session.longText?.lengthBytes ?? call?.dataBytes ?? 0;
  session.push(pending, sink);
}

/** Locator, offset (from 1) and amount in characters or bytes, as far as they were sent. */
function lobParameters(call: LobCall | undefined): readonly BindValue[] | undefined {
  if (call?.locator === undefined) return undefined;
  const parameters: BindValue[] = [{ type: 'LOB locator', hex: call.locator }];
  if (call.offset > 0) parameters.push(call.offset);
  if (call.amount >= 0) parameters.push(call.amount);
  return parameters;
}

const LOAD_OPERATIONS: ReadonlyMap<number, string> = new Map([
  [c.FN_DIRECT_PATH_PREPARE, 'DIRECT PATH PREPARE'],
  [c.FN_DIRECT_PATH_LOAD, 'DIRECT PATH LOAD'],
]);
const LOAD_ENDS: ReadonlyMap<number, string> = new Map([
  [1, 'DIRECT PATH ABORT'],
  [2, 'DIRECT PATH FINISH'],
]);

/** Direct path load: each call is recorded, with the table that was prepared and the bytes of its rows. */
export function load(session: TnsSession, request: Request, marks: number, startUs: number, sink: EventSink): void {
  const call = request.directPath;
  if (call?.table !== undefined) {
    const { schema } = call;
    session.loadTable = schema === undefined || schema === '' ? call.table : `${schema}.${call.table}`;
  }
  const ending = LOAD_ENDS.get(call?.operation ?? 0) ?? 'DIRECT PATH OPERATION';
  const event = session.statement(startUs, 'bulk', LOAD_OPERATIONS.get(request.fn) ?? ending);
  event.marks |= marks;
  if (session.loadTable !== undefined) {
    event.objects = [session.loadTable];
    event.parameters = [session.loadTable, ...(call?.columns ?? [])];
  }
  const pending = new Pending(KIND_COMMAND, request.sequence, event);
  pending.bulkBytes = call?.dataBytes ?? 0;
  session.push(pending, sink);
}
