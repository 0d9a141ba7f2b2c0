/**
 * What the server sends in the command phase: OK, ERR, result sets, the reply to a prepare, the request for a local
 * file. MySQL Internals "Text Protocol", "Binary Protocol"; MariaDB knowledge base "Result Set Packets". Rows are
 * counted by their headers and never kept.
 */
import type { Cursor } from '../../base/cursor.ts';
import { LoginEvent, MARK_MALFORMED, Outcome, StatementEvent } from '../../contracts/event.ts';
import { type EventSink, type Frame, TO_CLIENT } from '../../contracts/protocol.ts';
import * as c from './constants.ts';
import { resolveDeferred } from './execute.ts';
import { countRows, TYPE_ROWS } from './frame.ts';
import { loseReplies } from './gaps.ts';
import { onAuthReply, onGreeting } from './login.ts';
import { lenenc, readEofStatus, readError, readOk } from './messages.ts';
import { looksLikeOpening } from './opening.ts';
import { addBytes, applySetting, endResult, isEnd, outcomeOf, setDatabase } from './outcome.ts';
import { beginsReply } from './plausible.ts';
import { onDefinition, onPrepared } from './prepares.ts';
import {
  FRAMING_PLAIN,
  KIND_CLONE,
  KIND_FETCH,
  KIND_FIELDS,
  KIND_PREPARE,
  KIND_STREAM,
  KIND_STRING,
  type MysqlSession,
  type Pending,
  PHASE_FOREIGN,
  PHASE_GREETING,
  REPLY_COLUMNS,
  REPLY_COLUMNS_END,
  REPLY_FIRST,
  REPLY_INFILE,
  REPLY_LOST,
  REPLY_PREPARE_DEFINITIONS,
  REPLY_ROWS,
} from './session.ts';
import { copyText } from './statements.ts';

const OK_BYTES_MIN = 7;

/** One packet of the server, or a run of rows; the cursor stands at its header. */
export function onServerPacket(session: MysqlSession, frame: Frame, cursor: Cursor, sink: EventSink): void {
  session.lastServerUs = frame.endUs;
  const start = cursor.pos;
  const length = cursor.u24le();
  const sequence = cursor.u8();
  if (isLateGreeting(session, sequence, cursor, length)) session.restart();
  if (frame.lostBytes > 0 && !isRowFrame(session, cursor)) {
    loseReplies(session, frame.lostBytes, sink);
    return;
  }
  if (session.phase === PHASE_GREETING) {
    onGreeting(session, frame, cursor, sink);
    return;
  }
  const head = session.pending[0];
  if (head === undefined) {
    session.strayFrames++;
    return;
  }
  if (head.event instanceof LoginEvent) {
    if (session.gapSeen && sequence !== head.replySequence) {
      session.strayFrames++;
      return;
    }
    head.replySequence = (sequence + 1) & 0xff;
    onAuthReply(session, head, head.event, frame, cursor, sink);
    return;
  }
  if (frame.type === TYPE_ROWS) {
    onRows(session, frame, countRows(cursor.bytes, start, cursor.end));
    return;
  }
  if (session.serverContinues) {
    session.serverContinues = length === c.PAYLOAD_MAX;
    addBytes(session, frame);
    return;
  }
  if (!head.started && !begins(session, head, sequence, length, cursor)) {
    session.strayFrames++;
    return;
  }
  onReplyPacket(session, head, frame, length, cursor, sink);
}

/** A packet cut by a gap is a row all the same. */
function isRowFrame(session: MysqlSession, cursor: Cursor): boolean {
  const first = cursor.peek();
  return session.replyState === REPLY_ROWS && (session.serverContinues || (first >= 0 && first < c.REPLY_EOF));
}

/** The connection's TCP handshake was not captured, or a gap came first, but its greeting is here. */
function isLateGreeting(session: MysqlSession, sequence: number, cursor: Cursor, length: number): boolean {
  if (sequence !== 0 || !session.userUnknown || session.pending.length > 0) return false;
  return looksLikeOpening(TO_CLIENT, sequence, cursor.bytes, cursor.pos, cursor.end, length);
}

/**
 * A packet may begin the reply to `head`: it goes on with the request's sequence, or starts afresh as some servers do,
 * or as servers like inside compressed packets. After a loss only the exact number is believed, and only with a packet
 * that can begin a reply: long results pass through every number.
 */
function begins(session: MysqlSession, head: Pending, sequence: number, length: number, cursor: Cursor): boolean {
  if (!session.gapSeen) return sequence === head.replySequence || sequence === 1 || session.framing !== FRAMING_PLAIN;
  if (sequence !== head.replySequence) return false;
  if (head.kind === KIND_STRING || head.kind === KIND_FETCH || head.kind === KIND_FIELDS) return true;
  return beginsReply(cursor.bytes, cursor.pos, cursor.end, length);
}

function onReplyPacket(
  session: MysqlSession,
  head: Pending,
  frame: Frame,
  length: number,
  cursor: Cursor,
  sink: EventSink,
): void {
  const first = cursor.peek();
  if (first === c.REPLY_ERR && head.kind !== KIND_STRING) {
    onError(session, head, frame, cursor, sink);
    return;
  }
  switch (session.replyState) {
    case REPLY_FIRST:
      onFirst(session, head, frame, length, cursor, sink);
      break;
    case REPLY_INFILE:
      onOk(session, head, frame, cursor, sink);
      break;
    case REPLY_COLUMNS:
      addBytes(session, frame);
      if (--session.definitionsLeft <= 0) session.replyState = REPLY_COLUMNS_END;
      return;
    case REPLY_COLUMNS_END:
      if (isEnd(cursor, length) && length === c.EOF_BYTES) {
        onColumnsEof(session, head, frame, cursor, sink);
        return;
      }
      session.replyState = REPLY_ROWS;
      onRow(session, head, frame, length, cursor, sink);
      break;
    case REPLY_ROWS:
      onRow(session, head, frame, length, cursor, sink);
      break;
    case REPLY_PREPARE_DEFINITIONS:
      onDefinition(session, frame, length, cursor, sink);
      break;
    default:
      addBytes(session, frame);
  }
}

function onError(session: MysqlSession, head: Pending, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const error = readError(cursor, session.encoding);
  const outcome = outcomeOf(session, head, frame, sink);
  if (error.native === c.ERR_PROGRESS) return;
  outcome.errorCode = error.code;
  outcome.errorText = error.text;
  outcome.endUs = frame.endUs;
  const { event, prepared } = head;
  if (head.kind === KIND_PREPARE && prepared && event instanceof StatementEvent) {
    head.silent = false;
    copyText(prepared, event);
  }
  const closes = head.kind === KIND_FETCH && prepared !== undefined;
  session.finish(0, sink);
  if (closes) session.closeCursor(prepared, sink);
  if (head.kind === KIND_PREPARE) resolveDeferred(session);
}

function onFirst(
  session: MysqlSession,
  head: Pending,
  frame: Frame,
  length: number,
  cursor: Cursor,
  sink: EventSink,
): void {
  const outcome = outcomeOf(session, head, frame, sink);
  switch (head.kind) {
    case KIND_STRING:
      outcome.endUs = frame.endUs;
      session.finish(0, sink);
      break;
    case KIND_PREPARE:
      onPrepared(session, head, frame, cursor, sink);
      break;
    case KIND_FETCH:
      session.replyState = REPLY_ROWS;
      outcome.returnedRows ??= 0;
      onRow(session, head, frame, length, cursor, sink, true);
      break;
    case KIND_FIELDS:
      if (!isEnd(cursor, length)) return;
      outcome.endUs = frame.endUs;
      session.finish(0, sink);
      break;
    case KIND_STREAM:
      onStream(session, head, frame, length, cursor, sink);
      break;
    default:
      onResult(session, head, outcome, frame, length, cursor, sink);
      break;
  }
}

function onResult(
  session: MysqlSession,
  head: Pending,
  outcome: Outcome,
  frame: Frame,
  length: number,
  cursor: Cursor,
  sink: EventSink,
): void {
  const first = cursor.peek();
  const optional = saysMetadataFirst(session, cursor, length);
  if (first === c.REPLY_OK && !optional) {
    onOk(session, head, frame, cursor, sink);
    return;
  }
  if (first === c.REPLY_LOCAL_INFILE) {
    onLocalInfile(session, head, outcome, cursor);
    return;
  }
  if (isEnd(cursor, length)) {
    onEnd(session, head, outcome, frame, length, cursor, sink);
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

function onOk(session: MysqlSession, head: Pending, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const outcome = session.outcome ?? outcomeOf(session, head, frame, sink);
  if (session.replyState === REPLY_INFILE) addBytes(session, frame);
  const ok = readOk(cursor);
  outcome.endUs = frame.endUs;
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
function onLocalInfile(session: MysqlSession, head: Pending, outcome: Outcome, cursor: Cursor): void {
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

function onColumnsEof(session: MysqlSession, head: Pending, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const outcome = outcomeOf(session, head, frame, sink);
  const status = readEofStatus(cursor);
  session.replyState = REPLY_ROWS;
  if ((status & c.STATUS_CURSOR_EXISTS) === 0 || head.prepared === undefined) return;
  outcome.endUs = frame.endUs;
  endResult(session, head, status, sink);
}

function onRows(session: MysqlSession, frame: Frame, rows: number): void {
  const { outcome } = session;
  if (outcome === undefined) return;
  outcome.returnedRows = (outcome.returnedRows ?? 0) + rows;
  outcome.responseBytes += frame.length;
}

function onRow(
  session: MysqlSession,
  head: Pending,
  frame: Frame,
  length: number,
  cursor: Cursor,
  sink: EventSink,
  counted = false,
): void {
  const { outcome } = session;
  if (outcome === undefined) return;
  if (!counted) addBytes(session, frame);
  if (isEnd(cursor, length)) {
    onEnd(session, head, outcome, frame, length, cursor, sink);
    return;
  }
  outcome.returnedRows = (outcome.returnedRows ?? 0) + 1;
  session.serverContinues = length === c.PAYLOAD_MAX;
}

/** EOF, or the OK that stands for it. */
function onEnd(
  session: MysqlSession,
  head: Pending,
  outcome: Outcome,
  frame: Frame,
  length: number,
  cursor: Cursor,
  sink: EventSink,
): void {
  let status: number;
  if (length <= c.EOF_BYTES) status = readEofStatus(cursor);
  else {
    const ok = readOk(cursor);
    status = ok.status;
    applySetting(session, head, ok);
  }
  outcome.endUs = frame.endUs;
  if ((status & c.STATUS_PS_OUT_PARAMS) !== 0) outcome.tag = 'OUT PARAMETERS';
  endResult(session, head, status, sink);
}

/** A replication stream is recorded when it starts: it has no end to wait for, and its packets are not kept. */
function onStream(
  session: MysqlSession,
  head: Pending,
  frame: Frame,
  length: number,
  cursor: Cursor,
  sink: EventSink,
): void {
  const { event } = head;
  if (event instanceof StatementEvent && !head.silent) {
    if (session.outcome) session.outcome.endUs = frame.endUs;
    head.silent = true;
    session.emit(event, sink);
    // What is counted from here on is not the emitted event's.
    session.outcome = new Outcome();
  }
  if (isEnd(cursor, length)) session.finish(0, sink);
}
