/**
 * Results of statements: OK, result sets, the request for a local file. MySQL Internals "COM_QUERY Response", "Binary
 * Protocol Resultset"; MariaDB knowledge base "Result Set Packets". Rows are counted by their headers and never kept.
 */
import type { Cursor } from '../../base/cursor.ts';
import { MARK_MALFORMED, type Outcome, StatementEvent } from '../../contracts/event.ts';
import type { EventSink, Frame } from '../../contracts/protocol.ts';
import * as c from './constants.ts';
import { lenenc, readEofStatus, readOk } from './messages.ts';
import { addBytes, applySetting, endResult, isEnd, outcomeOf, type Reply, setDatabase } from './outcome.ts';
import { KIND_CLONE } from './pending.ts';
import {
  type MysqlSession,
  PHASE_FOREIGN,
  REPLY_COLUMNS,
  REPLY_COLUMNS_END,
  REPLY_INFILE,
  REPLY_LOST,
  REPLY_ROWS,
} from './session.ts';

const OK_BYTES_MIN = 7;

/** The first packet of a result. */
export function onResult(session: MysqlSession, reply: Reply, outcome: Outcome, sink: EventSink): void {
  const { head, cursor, length } = reply;
  const first = cursor.peek();
  const optional = saysMetadataFirst(session, cursor, length);
  if (first === c.REPLY_OK && !optional) {
    onOk(session, reply, sink);
    return;
  }
  if (first === c.REPLY_LOCAL_INFILE) {
    onLocalInfile(session, reply, outcome);
    return;
  }
  if (isEnd(reply)) {
    onEnd(session, reply, outcome, sink);
    return;
  }
  const metadataFollows = optional ? cursor.u8() !== 0 : true;
  const columns = lenenc(cursor);
  const cached = cachesMetadata(session) && cursor.remaining() === 1 && cursor.peek() === 0;
  outcome.returnedRows = 0;
  if (cursor.failed || columns <= 0 || cursor.remaining() > 1) {
    if (head.event) head.event.marks |= MARK_MALFORMED;
    session.replyState = REPLY_LOST;
    return;
  }
  session.definitionsLeft = metadataFollows && !cached ? columns : 0;
  session.replyState = session.definitionsLeft > 0 ? REPLY_COLUMNS : REPLY_COLUMNS_END;
}

/** CLIENT_OPTIONAL_RESULTSET_METADATA: a flag before the number of columns. Without the greeting, as its values tell. */
function saysMetadataFirst(session: MysqlSession, cursor: Cursor, length: number): boolean {
  if (length >= OK_BYTES_MIN) return false;
  if (session.capabilitiesKnown && (session.greeted || !session.has(c.CLIENT_OPTIONAL_METADATA))) {
    return session.has(c.CLIENT_OPTIONAL_METADATA);
  }
  const first = cursor.peek();
  return length === 2 && (first === 0 || (first === 1 && (cursor.bytes[cursor.pos + 1] as number) > 1));
}

/** MariaDB: a flag behind the number of columns. */
function cachesMetadata(session: MysqlSession): boolean {
  return !session.capabilitiesKnown || (session.extendedCapabilities & c.MARIADB_CACHE_METADATA) !== 0;
}

/** The statement is done, and returns no rows. */
export function onOk(session: MysqlSession, reply: Reply, sink: EventSink): void {
  const { head, cursor } = reply;
  const outcome = session.outcome ?? outcomeOf(session, reply, sink);
  if (session.replyState === REPLY_INFILE) addBytes(session, reply.frame);
  const ok = readOk(cursor);
  if (cursor.failed) {
    if (head.event) head.event.marks |= MARK_MALFORMED;
    session.finish(0, sink);
    return;
  }
  outcome.affectedRows = ok.affectedRows;
  if (head.kind === KIND_CLONE) session.phase = PHASE_FOREIGN;
  if (head.dropsStatements) session.dropStatements(sink);
  if (head.closesCursor && head.prepared) session.closeCursor(head.prepared, sink);
  if (head.database !== undefined) setDatabase(session, head.database);
  applySetting(session, head, ok);
  endResult(session, head, ok.status, sink);
}

/** The server asks for a file of the client's: a statement must have asked for that, or the server is not to be trusted. */
function onLocalInfile(session: MysqlSession, reply: Reply, outcome: Outcome): void {
  const { head, cursor } = reply;
  cursor.skip(1);
  const file = cursor.text(Math.min(cursor.remaining(), 4096), session.encoding);
  outcome.tag = 'LOCAL INFILE';
  session.replyState = REPLY_INFILE;
  session.infileEnded = false;
  const { event } = head;
  if (!(event instanceof StatementEvent)) return;
  event.call = 'bulk';
  event.parameters = [...(event.parameters ?? []), file];
  if (event.text === undefined || !/\bload\s/i.test(event.text)) {
    outcome.tag = 'UNREQUESTED LOCAL INFILE';
    event.marks |= MARK_MALFORMED;
  }
}

/** Rows come next, unless a cursor keeps them for later. */
export function onColumnsEof(session: MysqlSession, reply: Reply, sink: EventSink): void {
  const { head, cursor } = reply;
  outcomeOf(session, reply, sink);
  const status = readEofStatus(cursor);
  session.replyState = REPLY_ROWS;
  if ((status & c.STATUS_CURSOR_EXISTS) === 0 || head.prepared === undefined) return;
  endResult(session, head, status, sink);
}

/** A run of complete rows. */
export function onRows(session: MysqlSession, frame: Frame, rows: number): void {
  const { outcome } = session;
  if (outcome === undefined) return;
  outcome.returnedRows = (outcome.returnedRows ?? 0) + rows;
  addBytes(session, frame);
}

/** A row, or the end of the rows. `counted`: its bytes are. */
export function onRow(session: MysqlSession, reply: Reply, sink: EventSink, counted = false): void {
  const { outcome } = session;
  if (outcome === undefined) return;
  if (!counted) addBytes(session, reply.frame);
  if (isEnd(reply)) {
    onEnd(session, reply, outcome, sink);
    return;
  }
  outcome.returnedRows = (outcome.returnedRows ?? 0) + 1;
  session.serverContinues = reply.length === c.PAYLOAD_MAX;
}

/** EOF, or the OK that stands for it. */
function onEnd(session: MysqlSession, reply: Reply, outcome: Outcome, sink: EventSink): void {
  const { head, cursor, length } = reply;
  let status: number;
  if (length <= c.EOF_BYTES) status = readEofStatus(cursor);
  else {
    const ok = readOk(cursor);
    status = ok.status;
    applySetting(session, head, ok);
  }
  if ((status & c.STATUS_PS_OUT_PARAMS) !== 0) outcome.tag = 'OUT PARAMETERS';
  endResult(session, head, status, sink);
}
