/**
 * What a loss makes doubtful. The rules of attribution after it are `MysqlSession.push`'s and `begins`'s (replies.ts):
 * better a statement without outcome than one with another's.
 */
import { LoginEvent, MARK_GAP } from '../../contracts/event.ts';
import { type Direction, type EventSink, TO_SERVER } from '../../contracts/protocol.ts';
import { assumeLogin } from './login.ts';
import { KIND_AUTH, KIND_NONE, type Pending } from './pending.ts';
import {
  type MysqlSession,
  PHASE_COMMAND,
  PHASE_GREETING,
  PHASE_RESPONSE,
  REPLY_INFILE,
  REPLY_LOST,
  REPLY_ROWS,
} from './session.ts';

/** Packets are missing, or (`synced`) a part of one whose kind is known. */
export function onPacketGap(
  session: MysqlSession,
  direction: Direction,
  lostBytes: number,
  synced: boolean,
  sink: EventSink,
): void {
  if (synced) {
    if (direction === TO_SERVER) session.body?.lose();
    markLoss(direction === TO_SERVER ? session.last : session.head, lostBytes);
  } else if (direction === TO_SERVER) loseRequests(session, lostBytes);
  else loseReplies(session, lostBytes, sink);
}

function markLoss(pending: Pending | undefined, lostBytes: number): void {
  if (pending?.event === undefined) return;
  pending.event.marks |= MARK_GAP;
  pending.event.lostBytes += lostBytes;
}

/** Requests may be missing, and what they changed is not known. */
export function loseRequests(session: MysqlSession, lostBytes: number): void {
  session.gapSeen = true;
  session.doubt = true;
  session.lostBytes += lostBytes;
  if (session.clientContinues) markLoss(session.last, 0);
  if (session.replyState === REPLY_INFILE) markLoss(session.head, 0);
  session.clientContinues = false;
  session.body?.lose();
  session.body = undefined;
  session.infileEnded = true;
  // A lost execution may have changed the types that later ones rely on; lost pieces make a value wrong.
  session.statements.loseExecutions();
  if (session.phase === PHASE_GREETING || session.phase === PHASE_RESPONSE) {
    session.phase = PHASE_COMMAND;
    session.loginUnseen();
  }
}

/** Several requests wait for their reply. */
function asksMoreThanOnce(session: MysqlSession): boolean {
  let asking = 0;
  for (let pending = session.head; pending !== undefined; pending = pending.next)
    if (pending.kind !== KIND_NONE) asking++;
  return asking > 1;
}

/** Packets of replies may be missing. */
export function loseReplies(session: MysqlSession, lostBytes: number, sink: EventSink): void {
  session.gapSeen = true;
  session.doubt = true;
  session.lostBytes += lostBytes;
  session.serverContinues = false;
  if (session.phase === PHASE_GREETING) session.phase = PHASE_RESPONSE;
  const head = session.head;
  if (head === undefined) return;
  if (head.kind === KIND_AUTH && head.event instanceof LoginEvent) {
    assumeLogin(session);
    session.finish(MARK_GAP, sink);
    return;
  }
  markLoss(head, 0);
  if (asksMoreThanOnce(session)) {
    session.goAdrift(sink);
    return;
  }
  // Rows can still be told from their end. What else follows can't be told from what precedes it.
  if (!head.started || session.replyState === REPLY_ROWS || session.replyState === REPLY_INFILE) return;
  if (session.outcome) session.outcome.returnedRows = undefined;
  session.replyState = REPLY_LOST;
}
