/** Requests that wait for their replies, and what becomes of them. */
import { MARK_NO_REPLY, Outcome, type StatementEvent } from '../../contracts/event.ts';
import type { EventSink } from '../../contracts/protocol.ts';
import { markCancelled } from './cancel.ts';
import * as cp from './codepoints.ts';
import { LIMITS, MATCH_DEPTH_MAX, PENDING_BYTES_MAX } from './limits.ts';
import { endLoginStep } from './login.ts';
import { bindSection } from './packages.ts';
import { applyRegisters } from './registers.ts';
import { endCursor, endCursors, type Request, type Session } from './session.ts';
import { setText } from './text.ts';

/** Adds a request; when too much waits, the oldest are emitted unanswered. */
export function enqueue(s: Session, request: Request, sink: EventSink): void {
  s.queue.push(request);
  request.queued = true;
  while (s.queue.length > LIMITS.pendingMax) giveUpOldest(s, sink);
}

/** An object added to what is kept of a request. */
export function addWeight(s: Session, request: Request, bytes: number): void {
  if (!request.queued) return;
  request.weight += bytes;
  hold(s, bytes);
}

function hold(s: Session, bytes: number): void {
  s.queueBytes += bytes;
  s.connection.memory.add(bytes);
}

/** Gives up the oldest requests when too much is kept of all. */
export function makeRoom(s: Session, sink: EventSink): void {
  while (s.queueBytes > PENDING_BYTES_MAX && s.queue.length > 1) giveUpOldest(s, sink);
}

function giveUpOldest(s: Session, sink: EventSink): void {
  const head = s.queue[0];
  if (head === undefined) return;
  s.pendingOverflows++;
  finish(s, head, head.startUs, sink);
}

/** The oldest waiting request of this number. Those before it get no further reply. */
export function match(s: Session, correlation: number, endUs: number, sink: EventSink): Request | undefined {
  const request = oldest(s, correlation);
  if (request === undefined) return undefined;
  for (let head = s.queue[0]; head !== undefined && head !== request; head = s.queue[0]) finish(s, head, endUs, sink);
  return request;
}

/** The same, without any effect on those before it. */
export function oldest(s: Session, correlation: number): Request | undefined {
  const depth = Math.min(s.queue.length, MATCH_DEPTH_MAX);
  for (let i = 0; i < depth; i++) if (s.queue[i]?.correlation === correlation) return s.queue[i];
  return undefined;
}

/** The server's chain has ended: what else the client asked for in the same chain was not executed, or not answered. */
export function endChain(s: Session, chain: number, endUs: number, sink: EventSink): void {
  for (let head = s.queue[0]; head !== undefined && head.chain <= chain; head = s.queue[0]) {
    if (s.failedChain === head.chain && !head.answered) drop(s, head);
    else finish(s, head, endUs, sink);
  }
}

/** Emits all that waits, up to `kept`, without a (complete) reply. */
export function flushUnanswered(s: Session, marks: number, sink: EventSink, kept?: Request): void {
  for (let head = s.queue[0]; head !== undefined && head !== kept; head = s.queue[0]) {
    for (const event of head.events) event.marks |= marks | MARK_NO_REPLY;
    finish(s, head, head.outcome?.endUs ?? head.startUs, sink);
  }
}

function drop(s: Session, request: Request): void {
  const index = s.queue.indexOf(request);
  if (index >= 0) s.queue.splice(index, 1);
  if (request.queued) hold(s, -request.weight);
  request.queued = false;
  if (s.current === request) s.current = undefined;
}

/** No more replies come for this request. */
export function finish(s: Session, request: Request, endUs: number, sink: EventSink): void {
  drop(s, request);
  if (request.failed) noteFailure(s, request);
  switch (request.codePoint) {
    case cp.EXCSAT:
      // What was agreed on was not seen: names are judged by their bytes.
      if (!request.answered) s.ccsid = 0;
      break;
    case cp.SECCHK:
    case cp.ACCRDB:
      endLoginStep(s, request, endUs, sink);
      break;
    case cp.PRPSQLSTT:
      if (request.failed) {
        s.statements.delete(request.key);
        emitFailure(s, request, 'prepare', sink);
      }
      break;
    case cp.BNDSQLSTT:
      if (request.failed) emitFailure(s, request, 'prepare', sink);
      else if (!request.answered) s.uncertain = true;
      else if (request.text) bindSection(s, request.key, { text: request.text, hold: request.hold });
      break;
    case cp.ENDBND:
      if (request.failed) emitFailure(s, request, 'command', sink, 'BIND');
      break;
    case cp.CNTQRY:
    case cp.CLSQRY:
      finishCursorCommand(s, request, sink);
      break;
    default:
      finishStatements(s, request, sink);
  }
}

function noteFailure(s: Session, request: Request): void {
  if (s.failedChain !== request.chain) s.failedKey = '';
  s.failedChain = request.chain;
  if (request.codePoint === cp.PRPSQLSTT) s.failedKey = request.key;
}

/** A statement that could not be prepared or bound is a record of its own. */
function emitFailure(s: Session, request: Request, call: string, sink: EventSink, operation?: string): void {
  const event = s.statement(request.startUs, call, operation);
  if (request.text !== undefined) setText(event, request.text);
  event.marks |= request.marks;
  event.lostBytes += request.lostBytes;
  applyVerdict(s, request, event);
  if (request.outcome) event.outcomes.push(request.outcome);
  s.emit(event, sink);
}

function finishCursorCommand(s: Session, request: Request, sink: EventSink): void {
  const cursor = request.cursor;
  if (cursor === undefined || cursor.execution.emitted) return;
  const { event } = cursor.execution;
  event.marks |= request.marks;
  event.lostBytes += request.lostBytes;
  applyVerdict(s, request, event);
  const over = request.codePoint === cp.CLSQRY || request.failed || isExhausted(request);
  if (over) endCursor(s, cursor, sink);
}

function isExhausted(request: Request): boolean {
  const walker = request.cursor?.walker;
  return walker?.ended === true && request.cursor?.scrollable === false;
}

function finishStatements(s: Session, request: Request, sink: EventSink): void {
  const { execution, events } = request;
  const unprepared = s.failedKey !== '' && s.failedKey === request.key && s.failedChain === request.chain;
  if (request.failed && unprepared) return;
  applyVerdict(s, request, events[0]);
  for (const [index, event] of events.entries()) {
    if (!request.answered) event.marks |= MARK_NO_REPLY;
    else if (index > 0 && request.outcome) event.outcomes.push(Object.assign(new Outcome(), request.outcome));
    event.transaction = transactionOf(request, event);
    if (execution === undefined) s.emit(event, sink);
  }
  if (request.answered && !request.failed) applyRegisters(s, events);
  if (execution === undefined) return;
  execution.answered = true;
  const cursor = request.cursor;
  // The end of data has been seen, or the query failed: nothing will be fetched.
  if (cursor && (request.failed || isExhausted(request))) endCursor(s, cursor, sink);
  else if (execution.openCursors === 0 && (cursor === undefined || !cursor.ended)) {
    execution.emit(s, sink);
  }
}

/** SQL always runs in a unit of work; it is open until ENDUOWRM says otherwise. */
function transactionOf(request: Request, event: StatementEvent): StatementEvent['transaction'] {
  if (!request.answered) return undefined;
  if (request.committed) return 'idle';
  switch (request.codePoint) {
    case cp.EXCSQLIMM:
    case cp.EXCSQLSTT:
    case cp.EXCSQLSET:
    case cp.OPNQRY:
      return 'open';
    case cp.SYNCCTL:
      return !request.failed && /(?:COMMIT|ROLLBACK)$/.test(event.operation ?? '') ? 'idle' : undefined;
    default:
      return undefined;
  }
}

/** Writes down what went wrong, in the words of the SQLCARD or else of the reply message. */
function applyVerdict(s: Session, request: Request, event: StatementEvent | undefined): void {
  const outcome = request.outcome;
  if (outcome === undefined || !request.failed) return;
  outcome.errorCode ??= request.errorCode ?? request.replyName;
  outcome.errorText ??= request.errorText ?? request.replyName;
  if (event !== undefined) markCancelled(s, event, outcome.errorCode);
}

/** A unit of work has ended: result sets that do not survive it are closed. */
export function endUnitOfWork(s: Session, committed: boolean, sink: EventSink): void {
  endCursors(s, sink, 0, committed);
}
