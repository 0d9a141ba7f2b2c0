/**
 * What the server says. Each reply belongs to the oldest request that waits for one; a reply that cannot be its answer
 * shows that the count is wrong, and from then on replies are given to nobody until the count is certain again.
 */
import type { Cursor } from '../../base/cursor.ts';
import {
  MARK_NO_REPLY,
  MARK_TRUNCATED,
  Outcome,
  type StatementEvent,
  type TransactionState,
} from '../../contracts/event.ts';
import type { EventSink, Frame } from '../../contracts/protocol.ts';
import { markCancelled, register } from './cancel.ts';
import { OUTCOMES_MAX } from './limits.ts';
import { failLogin, finishLogin, onAuthentication, onParameterStatus } from './login.ts';
import { readError, readTag } from './messages.ts';
import {
  STEP_BIND,
  STEP_CLOSE,
  STEP_DESCRIBE,
  STEP_EXECUTE,
  STEP_FUNCTION,
  STEP_LOST,
  STEP_PARSE,
  STEP_QUERY,
  STEP_SYNC,
  type Step,
  type StepKind,
} from './pending.ts';
import {
  COPY_MODE_BOTH,
  COPY_MODE_IN,
  COPY_MODE_NONE,
  COPY_MODE_OUT,
  type CopyMode,
  detachAllPortals,
  endPortal,
  endStatement,
  giveUp,
  loseAlignment,
  newStatement,
  PHASE_LOGIN,
  PHASE_READY,
  PHASE_START,
  PHASE_UNKNOWN,
  releaseEnded,
  type Session,
} from './session.ts';
import * as wire from './wire.ts';

/** A typed message from the server; the cursor stands at its header. */
export function onReply(s: Session, frame: Frame, cursor: Cursor, sink: EventSink): void {
  switch (frame.type) {
    case wire.DATA_ROW:
      onDataRow(s, frame);
      return;
    case wire.NOTICE:
    case wire.NOTIFICATION:
    case wire.NEGOTIATE_VERSION:
      return;
    case wire.PARAMETER_STATUS:
      onParameterStatus(s, cursor);
      return;
    case wire.AUTHENTICATION:
      onAuthentication(s, frame, cursor);
      return;
    case wire.BACKEND_KEY_DATA:
      cursor.skip(wire.HEADER_BYTES);
      register(s, cursor);
      return;
    case wire.READY_FOR_QUERY:
      onReady(s, frame, cursor, sink);
      return;
    case wire.ERROR_RESPONSE:
      onError(s, frame, cursor, sink);
      return;
    default:
      s.quiet = false;
      if (s.aligned) onAnswer(s, frame, cursor, sink);
  }
}

/** The hot one: a row is counted by its length and not looked at. */
function onDataRow(s: Session, frame: Frame): void {
  const outcome = s.outcome ?? rowOutcome(s, frame);
  if (outcome === undefined) return;
  outcome.returnedRows = (outcome.returnedRows ?? 0) + 1;
  outcome.responseBytes += frame.length;
  outcome.endUs = frame.endUs;
}

function rowOutcome(s: Session, frame: Frame): Outcome | undefined {
  s.quiet = false;
  return s.aligned ? currentOutcome(s, frame) : undefined;
}

/** Messages that answer the request at the head of the queue. */
function onAnswer(s: Session, frame: Frame, cursor: Cursor, sink: EventSink): void {
  switch (frame.type) {
    case wire.PARSE_COMPLETE:
      answered(s, STEP_PARSE);
      return;
    case wire.BIND_COMPLETE:
      answered(s, STEP_BIND);
      return;
    case wire.CLOSE_COMPLETE:
      answered(s, STEP_CLOSE);
      return;
    case wire.PARAMETER_DESCRIPTION:
      onParameterDescription(s, cursor);
      return;
    case wire.NO_DATA:
      if (head(s)?.kind === STEP_DESCRIBE) describe(s, false);
      else answered(s, STEP_DESCRIBE);
      return;
    case wire.ROW_DESCRIPTION:
      onRowDescription(s, frame);
      return;
    case wire.COMMAND_COMPLETE:
      onCommandComplete(s, frame, cursor, sink);
      return;
    case wire.EMPTY_QUERY:
      endResult(s, frame, sink);
      return;
    case wire.PORTAL_SUSPENDED:
      onSuspended(s, frame, sink);
      return;
    case wire.FUNCTION_RESPONSE:
      if (head(s)?.kind === STEP_FUNCTION) endResult(s, frame, sink);
      else misfit(s);
      return;
    case wire.COPY_IN:
      onCopyStart(s, frame, cursor, COPY_MODE_IN);
      return;
    case wire.COPY_OUT:
      onCopyStart(s, frame, cursor, COPY_MODE_OUT);
      return;
    case wire.COPY_BOTH:
      onCopyStart(s, frame, cursor, COPY_MODE_BOTH);
      return;
    case wire.COPY_DATA:
      onCopyData(s, frame, cursor);
      return;
    default:
      // CopyDone: what the copy came to follows in CommandComplete.
      if (s.outcome) extend(s.outcome, frame);
  }
}

/** The request that the next reply answers; beyond a loss of requests there is none to be sure of. */
function head(s: Session): Step | undefined {
  const step = s.queue.head();
  if (step?.kind !== STEP_LOST) return step;
  s.queue.shift();
  loseAlignment(s);
  return undefined;
}

/** The reply is no answer to the oldest request. After a loss of replies that is no wonder. */
function misfit(s: Session): void {
  if (!s.gapped) loseAlignment(s);
}

/** A reply that is the whole answer to a request of this kind. */
function answered(s: Session, kind: StepKind): void {
  if (head(s)?.kind === kind) s.queue.shift();
  else misfit(s);
}

/** The result that the message belongs to, opened with its first message. */
function currentOutcome(s: Session, frame: Frame): Outcome | undefined {
  if (s.outcome) return s.outcome;
  const step = head(s);
  const executing = step?.kind === STEP_QUERY || step?.kind === STEP_EXECUTE || step?.kind === STEP_FUNCTION;
  const event = executing ? step.subject() : undefined;
  if (step === undefined || event === undefined) {
    if (s.aligned) misfit(s);
    return undefined;
  }
  const last = event.outcomes.at(-1);
  if (last && step.kind === STEP_EXECUTE) {
    s.outcome = last; // the portal was executed before: one result in parts
  } else if (last && event.outcomes.length >= OUTCOMES_MAX) {
    event.marks |= MARK_TRUNCATED;
    s.outcome = last;
  } else {
    s.outcome = new Outcome();
    s.outcome.firstByteUs = frame.startUs;
    event.outcomes.push(s.outcome);
  }
  return s.outcome;
}

function extend(outcome: Outcome, frame: Frame): void {
  outcome.responseBytes += frame.length;
  outcome.endUs = frame.endUs;
}

function onParameterDescription(s: Session, cursor: Cursor): void {
  const step = head(s);
  if (step?.kind !== STEP_DESCRIBE) {
    misfit(s);
    return;
  }
  cursor.skip(wire.HEADER_BYTES);
  const count = cursor.u16be();
  const types: number[] = [];
  for (let i = 0; i < count && !cursor.failed; i++) types.push(cursor.u32be());
  if (step.statement && !cursor.failed) step.statement.types = types;
}

/** Ends a Describe. */
function describe(s: Session, returnsRows: boolean): void {
  const step = s.queue.shift();
  if (step?.statement) step.statement.returnsRows = returnsRows;
}

function onRowDescription(s: Session, frame: Frame): void {
  const step = head(s);
  if (step?.kind === STEP_DESCRIBE) {
    describe(s, true);
  } else if (step?.kind === STEP_QUERY) {
    const outcome = currentOutcome(s, frame);
    if (outcome === undefined) return;
    outcome.returnedRows ??= 0;
    extend(outcome, frame);
  } else {
    misfit(s);
  }
}

/** Commands whose count is of rows that came back, if rows came back at all. */
const RETURNING: ReadonlySet<string> = new Set(['SELECT', 'FETCH']);

function onCommandComplete(s: Session, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const outcome = currentOutcome(s, frame);
  if (outcome === undefined) return;
  cursor.skip(wire.HEADER_BYTES);
  const { command, rows } = readTag(cursor.cstring(s.encoding));
  if (!cursor.failed) outcome.tag = command;
  const step = s.queue.head();
  if (step?.kind === STEP_EXECUTE && step.portal?.statement?.returnsRows) outcome.returnedRows ??= 0;
  if (rows !== undefined) count(outcome, command, rows, s.copy, step?.kind === STEP_EXECUTE);
  endResult(s, frame, sink);
}

/** Puts the count of a command tag where it belongs. */
function count(outcome: Outcome, command: string, rows: number, copy: CopyMode, executed: boolean): void {
  if (command === 'COPY') {
    if (copy === COPY_MODE_OUT) outcome.returnedRows = rows;
    else outcome.affectedRows = rows;
  } else if (RETURNING.has(command)) {
    if (outcome.returnedRows !== undefined) outcome.returnedRows = Math.max(outcome.returnedRows, rows);
    else if (rows === 0 && executed) outcome.returnedRows = 0;
    else outcome.affectedRows = rows; // rows that did not come back: CREATE TABLE AS counts so
  } else if (command !== 'MOVE') {
    outcome.affectedRows = rows;
  }
}

/** A result is complete. A query may have further ones; an Execute or function call has not. */
function endResult(s: Session, frame: Frame, sink: EventSink): void {
  const outcome = currentOutcome(s, frame);
  if (outcome === undefined) return;
  extend(outcome, frame);
  s.outcome = undefined;
  s.copy = COPY_MODE_NONE;
  const step = s.queue.head();
  if (step?.kind === STEP_EXECUTE) endExecute(s, step, sink);
}

function endExecute(s: Session, step: Step, sink: EventSink): void {
  s.queue.shift();
  const { portal } = step;
  if (portal === undefined) {
    if (step.event) endStatement(s, step.event, sink);
    return;
  }
  portal.executing--;
  if (portal.executing === 0) endPortal(s, portal, sink);
}

/** The portal has more rows: its event stays open until it is executed to its end, closed, or gone. */
function onSuspended(s: Session, frame: Frame, sink: EventSink): void {
  const step = head(s);
  const outcome = step?.kind === STEP_EXECUTE ? currentOutcome(s, frame) : undefined;
  if (step === undefined || outcome === undefined) {
    misfit(s);
    return;
  }
  extend(outcome, frame);
  outcome.returnedRows ??= 0;
  s.outcome = undefined;
  if (step.portal === undefined || step.portal.detached) {
    endExecute(s, step, sink);
    return;
  }
  s.queue.shift();
  step.portal.executing--;
}

function onCopyStart(s: Session, frame: Frame, cursor: Cursor, mode: CopyMode): void {
  const outcome = currentOutcome(s, frame);
  const step = s.queue.head();
  const event = step?.subject();
  if (outcome === undefined || step === undefined || event === undefined) return;
  extend(outcome, frame);
  cursor.skip(wire.HEADER_BYTES);
  s.copy = mode;
  s.copyBinary = cursor.u8() === 1;
  if (mode === COPY_MODE_OUT) outcome.returnedRows = 0;
  if (event.call !== 'replication') event.call = mode === COPY_MODE_BOTH ? 'replication' : 'copy';
  // The server ignores a Sync that it reads while it takes data.
  if (mode === COPY_MODE_IN && step.kind === STEP_EXECUTE) s.queue.retain((other) => other.kind !== STEP_SYNC);
}

/** Signature, flags and the length of no extension; and the end of a binary stream. */
const BINARY_HEADER_BYTES = 19;
const BINARY_TRAILER_BYTES = 2;

function onCopyData(s: Session, frame: Frame, cursor: Cursor): void {
  const outcome = s.outcome;
  if (outcome === undefined) return;
  extend(outcome, frame);
  if (s.copy !== COPY_MODE_OUT) return;
  const body = frame.length - wire.HEADER_BYTES;
  if (s.copyBinary && (body <= BINARY_TRAILER_BYTES || isLoneHeader(body, cursor))) return;
  outcome.returnedRows = (outcome.returnedRows ?? 0) + 1;
}

function isLoneHeader(body: number, cursor: Cursor): boolean {
  // With the trailer behind it, the stream of an empty table is one message.
  if (body !== BINARY_HEADER_BYTES && body !== BINARY_HEADER_BYTES + BINARY_TRAILER_BYTES) return false;
  cursor.skip(wire.HEADER_BYTES);
  return wire.COPY_SIGNATURE.every((byte) => cursor.u8() === byte);
}

function onError(s: Session, frame: Frame, cursor: Cursor, sink: EventSink): void {
  if (s.phase === PHASE_LOGIN || s.phase === PHASE_START) {
    failLogin(s, frame, cursor, sink);
    return;
  }
  s.quiet = false;
  const step = s.aligned ? head(s) : undefined;
  if (step === undefined) return; // the server ends the session on its own account
  const { code, message } = readError(cursor, s.encoding);
  const fail = (event: StatementEvent, outcome: Outcome): void => {
    outcome.errorCode = code;
    outcome.errorText = message;
    markCancelled(s, event, code);
    extend(outcome, frame);
  };
  s.copy = COPY_MODE_NONE;
  if (step.kind === STEP_SYNC) {
    // What was executed fails as the transaction is committed.
    const outcome = s.ended?.outcomes.at(-1);
    if (s.ended && outcome) fail(s.ended, outcome);
    return;
  }
  const event = step.kind === STEP_PARSE ? failedParse(s, step) : step.subject();
  const recorded = event !== undefined && step.kind !== STEP_DESCRIBE && step.kind !== STEP_CLOSE;
  if (recorded) fail(event, errorOutcome(s, event, frame));
  s.outcome = undefined;
  if (step.kind === STEP_QUERY || step.kind === STEP_FUNCTION) return;
  if (step.portal) step.portal.event = undefined;
  if (recorded) endStatement(s, event, sink);
  skipPipeline(s);
}

function errorOutcome(s: Session, event: StatementEvent, frame: Frame): Outcome {
  const open = s.outcome;
  if (open) return open;
  const last = event.outcomes.at(-1);
  if (last && event.outcomes.length >= OUTCOMES_MAX) return last;
  const outcome = new Outcome();
  outcome.firstByteUs = frame.startUs;
  event.outcomes.push(outcome);
  return outcome;
}

/** A statement the server did not accept. */
function failedParse(s: Session, step: Step): StatementEvent {
  const event = newStatement(s, step.startUs, 'prepare');
  event.text = step.statement?.text;
  event.textLength = step.statement?.textLength;
  event.textSha256 = step.statement?.textSha256;
  event.marks |= step.statement?.marks ?? 0;
  return event;
}

/** After an error the server discards what follows up to Sync: none of it happened. */
function skipPipeline(s: Session): void {
  const skipped = s.queue.takeUntil((step) => step.kind === STEP_SYNC || step.kind === STEP_LOST);
  for (const step of skipped.reverse()) undo(s, step);
  s.discarding = s.queue.head() === undefined;
}

/** Takes back what a message changed when it was queued. */
function undo(s: Session, step: Step): void {
  if (step.portal) {
    step.portal.event = undefined;
    if (s.portals.use(step.portal.name) === step.portal) s.portals.delete(step.portal.name);
  }
  if (step.name === undefined) return;
  if (step.previous) s.statements.set(step.name, step.previous);
  else s.statements.delete(step.name);
}

function onReady(s: Session, frame: Frame, cursor: Cursor, sink: EventSink): void {
  cursor.skip(wire.HEADER_BYTES);
  const status = cursor.u8();
  s.quiet = true;
  if (s.phase === PHASE_LOGIN || s.phase === PHASE_UNKNOWN || s.phase === PHASE_START) {
    finishLogin(s, frame.endUs, 0, sink);
    s.phase = PHASE_READY;
    return;
  }
  if (s.aligned) endBoundary(s, transactionOf(status), sink);
  releaseEnded(s, sink);
  if (status === wire.STATUS_IDLE) detachAllPortals(s, sink);
  releaseEnded(s, sink);
}

function transactionOf(status: number): TransactionState | undefined {
  switch (status) {
    case wire.STATUS_IDLE:
      return 'idle';
    case wire.STATUS_OPEN:
      return 'open';
    case wire.STATUS_FAILED:
      return 'failed';
    default:
      return undefined;
  }
}

/** Ends the oldest query, function call or pipeline; what it left unanswered is given up. */
function endBoundary(s: Session, state: TransactionState | undefined, sink: EventSink): void {
  const { queue } = s;
  s.gapped = false;
  s.copy = COPY_MODE_NONE;
  if (queue.boundaries === 0) {
    // Nothing that waits asked for it.
    if (queue.length > 0) loseAlignment(s);
    return;
  }
  for (const step of queue.takeUntil((one) => one.isBoundary() || one.kind === STEP_LOST)) {
    giveUp(s, step, MARK_NO_REPLY, sink);
  }
  const step = head(s);
  if (step === undefined) return;
  queue.shift();
  s.outcome = undefined;
  if (step.event) {
    if (step.event.outcomes.length === 0) step.event.marks |= MARK_NO_REPLY;
    endStatement(s, step.event, sink);
  }
  if (s.ended) s.ended.transaction = state;
}
