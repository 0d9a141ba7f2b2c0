/**
 * What the server sends in the command phase, and which request it answers: MySQL Internals "Command Phase". What
 * results are made of is in `results.ts`, the reply to a prepare in `prepares.ts`.
 */
import type { Cursor } from '../../base/cursor.ts';
import { LoginEvent, MARK_CANCELLED, Outcome, StatementEvent } from '../../contracts/event.ts';
import { type EventSink, type Frame, TO_CLIENT } from '../../contracts/protocol.ts';
import { copyText } from '../sdk/handles.ts';
import * as c from './constants.ts';
import { resolveDeferred } from './execute.ts';
import { countRows, TYPE_ROWS } from './frame.ts';
import { loseReplies } from './gaps.ts';
import { onAuthReply, onGreeting } from './login.ts';
import { readError } from './messages.ts';
import { looksLikeOpening } from './opening.ts';
import { addBytes, isEnd, outcomeOf, Reply, subjectOf } from './outcome.ts';
import { KIND_FETCH, KIND_FIELDS, KIND_PREPARE, KIND_STREAM, KIND_STRING, type Pending } from './pending.ts';
import { beginsReply } from './plausible.ts';
import { onDefinition, onPrepared } from './prepares.ts';
import { onColumnsEof, onOk, onResult, onRow, onRows } from './results.ts';
import {
  FRAMING_PLAIN,
  type MysqlSession,
  PHASE_GREETING,
  REPLY_COLUMNS,
  REPLY_COLUMNS_END,
  REPLY_FIRST,
  REPLY_INFILE,
  REPLY_PREPARE_DEFINITIONS,
  REPLY_ROWS,
} from './session.ts';

const reply = new Reply();

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
  const head = session.head;
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
  onReplyPacket(session, reply.reset(head, frame, cursor, length), sink);
}

/** A packet cut by a gap is a row all the same. */
function isRowFrame(session: MysqlSession, cursor: Cursor): boolean {
  const first = cursor.peek();
  return session.replyState === REPLY_ROWS && (session.serverContinues || (first >= 0 && first < c.REPLY_EOF));
}

/** The connection's TCP handshake was not captured, or a gap came first, but its greeting is here. */
function isLateGreeting(session: MysqlSession, sequence: number, cursor: Cursor, length: number): boolean {
  if (sequence !== 0 || !session.userUnknown || session.head !== undefined) return false;
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

function onReplyPacket(session: MysqlSession, reply: Reply, sink: EventSink): void {
  if (reply.cursor.peek() === c.REPLY_ERR && reply.head.kind !== KIND_STRING) {
    onError(session, reply, sink);
    return;
  }
  switch (session.replyState) {
    case REPLY_FIRST:
      onFirst(session, reply, sink);
      break;
    case REPLY_INFILE:
      onOk(session, reply, sink);
      break;
    case REPLY_COLUMNS:
      addBytes(session, reply.frame);
      if (--session.definitionsLeft <= 0) session.replyState = REPLY_COLUMNS_END;
      return;
    case REPLY_COLUMNS_END:
      if (isEnd(reply) && reply.length === c.EOF_BYTES) {
        onColumnsEof(session, reply, sink);
        return;
      }
      session.replyState = REPLY_ROWS;
      onRow(session, reply, sink);
      break;
    case REPLY_ROWS:
      onRow(session, reply, sink);
      break;
    case REPLY_PREPARE_DEFINITIONS:
      onDefinition(session, reply, sink);
      break;
    default:
      addBytes(session, reply.frame);
  }
}

function onError(session: MysqlSession, reply: Reply, sink: EventSink): void {
  const { head, cursor } = reply;
  const error = readError(cursor, session.encoding);
  const outcome = outcomeOf(session, reply, sink);
  if (error.native === c.ERR_PROGRESS) return;
  outcome.errorCode = error.code;
  outcome.errorText = error.text;
  const subject = subjectOf(head);
  if (subject instanceof StatementEvent && c.ERRS_CANCELLED.has(error.native)) subject.marks |= MARK_CANCELLED;
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

function onFirst(session: MysqlSession, reply: Reply, sink: EventSink): void {
  const { head } = reply;
  const outcome = outcomeOf(session, reply, sink);
  switch (head.kind) {
    case KIND_STRING:
      session.finish(0, sink);
      break;
    case KIND_PREPARE:
      onPrepared(session, reply, sink);
      break;
    case KIND_FETCH:
      session.replyState = REPLY_ROWS;
      outcome.returnedRows ??= 0;
      onRow(session, reply, sink, true);
      break;
    case KIND_FIELDS:
      if (!isEnd(reply)) return;
      session.finish(0, sink);
      break;
    case KIND_STREAM:
      onStream(session, reply, sink);
      break;
    default:
      onResult(session, reply, outcome, sink);
      break;
  }
}

/** A replication stream is recorded when it starts: it has no end to wait for, and its packets are not kept. */
function onStream(session: MysqlSession, reply: Reply, sink: EventSink): void {
  const { head } = reply;
  const { event } = head;
  if (event instanceof StatementEvent && !head.silent) {
    head.silent = true;
    session.emit(event, sink);
    // What is counted from here on is not the emitted event's.
    session.outcome = new Outcome();
  }
  if (isEnd(reply)) session.finish(0, sink);
}
