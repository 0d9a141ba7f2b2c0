/**
 * What the server says. Each reply belongs to the oldest request that waits for one; a reply that cannot be its answer
 * shows that the count is wrong, and from then on replies are given to nobody until the count is certain again.
 */
import type { Cursor } from '../../base/cursor.ts';
import { MARK_GAP, MARK_NO_REPLY, Outcome, type StatementEvent, type TransactionState } from '../../contracts/event.ts';
import type { EventSink, Frame } from '../../contracts/protocol.ts';
import { markCancelled, register } from './cancel.ts';
import { OUTCOMES_MAX } from './limits.ts';
import { failLogin, finishLogin, onAuthentication, onParameterStatus } from './login.ts';
import { readError } from './messages.ts';
import {
  STEP_BIND,
  STEP_CLOSE,
  STEP_DESCRIBE,
  STEP_FUNCTION,
  STEP_LOST,
  STEP_PARSE,
  STEP_QUERY,
  STEP_SYNC,
  type Step,
  type StepKind,
} from './pending.ts';
import {
  describe,
  endResult,
  extend,
  head,
  misfit,
  onCommandComplete,
  onCopyData,
  onCopyStart,
  onDataRow,
  onRowDescription,
  onSuspended,
} from './results.ts';
import {
  COPY_MODE_BOTH,
  COPY_MODE_IN,
  COPY_MODE_NONE,
  COPY_MODE_OUT,
  detachEndedPortals,
  endStatement,
  giveUp,
  loseAlignment,
  markLost,
  PHASE_LOGIN,
  PHASE_READY,
  PHASE_START,
  PHASE_UNKNOWN,
  releaseEnded,
  type Session,
  setTypes,
} from './session.ts';
import * as wire from './wire.ts';

/** A typed message from the server; the cursor stands at its header. */
export function onReply(s: Session, frame: Frame, cursor: Cursor, sink: EventSink): void {
  if (frame.lostBytes > 0) onCutReply(s, frame);
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
      if (!frame.truncated) register(s, cursor, sink);
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
      else s.strayFrames++;
  }
}

/** Part of the message is lost: whatever is read from it may be wanting. */
function onCutReply(s: Session, frame: Frame): void {
  if (s.login) {
    s.login.marks |= MARK_GAP;
    s.login.lostBytes += frame.lostBytes;
  } else if (s.aligned) {
    markLost(s.queue.head()?.subject(), frame.lostBytes);
  }
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

/** A reply that is the whole answer to a request of this kind. */
function answered(s: Session, kind: StepKind): void {
  if (head(s)?.kind === kind) s.queue.shift();
  else misfit(s);
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
  if (step.statement && !cursor.failed) setTypes(s, step.statement, types);
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
  // The server drops the unnamed statement before it looks at the new one.
  if (step.kind === STEP_PARSE && step.name === '') step.previous = undefined;
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
  const event = s.statement(step.startUs, 'prepare');
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
    if (s.portals.get(step.portal.name) === step.portal) s.portals.delete(step.portal.name);
  }
  // What a message behind the Sync has put in its place stands.
  if (step.name === undefined || s.statements.peek(step.name) !== step.statement) return;
  if (step.previous) s.statements.set(step.name, step.previous);
  else s.statements.delete(step.name);
}

function onReady(s: Session, frame: Frame, cursor: Cursor, sink: EventSink): void {
  cursor.skip(wire.HEADER_BYTES);
  const status = cursor.u8();
  s.quiet = true;
  if (s.phase === PHASE_LOGIN || s.phase === PHASE_UNKNOWN || s.phase === PHASE_START) {
    finishLogin(s, frame.endUs, sink);
    s.phase = PHASE_READY;
    return;
  }
  if (s.aligned) endBoundary(s, transactionOf(status), sink);
  releaseEnded(s, sink);
  if (status === wire.STATUS_IDLE) detachEndedPortals(s, sink);
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
