/**
 * Results: rows, completion, suspension, COPY. A result belongs to the query, Execute or function call at the head of
 * the queue, and is one `Outcome` of its event.
 */
import type { Cursor } from '../../base/cursor.ts';
import { MARK_TRUNCATED, Outcome } from '../../contracts/event.ts';
import type { EventSink, Frame } from '../../contracts/protocol.ts';
import { OUTCOMES_MAX } from './limits.ts';
import { readTag } from './messages.ts';
import { STEP_DESCRIBE, STEP_EXECUTE, STEP_FUNCTION, STEP_LOST, STEP_QUERY, type Step } from './pending.ts';
import {
  COPY_MODE_BOTH,
  COPY_MODE_IN,
  COPY_MODE_NONE,
  COPY_MODE_OUT,
  type CopyMode,
  endPortal,
  endStatement,
  loseAlignment,
  type Session,
} from './session.ts';
import * as wire from './wire.ts';

/** The hot one: a row is counted by its length and not looked at. */
export function onDataRow(s: Session, frame: Frame): void {
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

/** The request that the next reply answers; beyond a loss of requests there is none to be sure of. */
export function head(s: Session): Step | undefined {
  const step = s.queue.head();
  if (step?.kind !== STEP_LOST) return step;
  s.queue.shift();
  loseAlignment(s);
  return undefined;
}

/** The reply is no answer to the oldest request. After a loss of replies that is no wonder. */
export function misfit(s: Session): void {
  if (!s.gapped) loseAlignment(s);
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

export function extend(outcome: Outcome, frame: Frame): void {
  outcome.responseBytes += frame.length;
  outcome.endUs = frame.endUs;
}

/** Ends a Describe. */
export function describe(s: Session, returnsRows: boolean): void {
  const step = s.queue.shift();
  if (step?.statement) step.statement.returnsRows = returnsRows;
}

export function onRowDescription(s: Session, frame: Frame): void {
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

export function onCommandComplete(s: Session, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const outcome = currentOutcome(s, frame);
  if (outcome === undefined) return;
  cursor.skip(wire.HEADER_BYTES);
  const { command, rows } = readTag(cursor.cstring(s.encoding));
  if (!cursor.failed) outcome.tag = command;
  const step = s.queue.head();
  if (step?.kind === STEP_EXECUTE && step.portal?.statement?.returnsRows) outcome.returnedRows ??= 0;
  // After a loss nobody can tell whether rows came back.
  const unseen = s.gapped && outcome.returnedRows === undefined && RETURNING.has(command);
  if (rows !== undefined && !unseen) count(outcome, command, rows, s.copy, step?.kind === STEP_EXECUTE);
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
export function endResult(s: Session, frame: Frame, sink: EventSink): void {
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
export function onSuspended(s: Session, frame: Frame, sink: EventSink): void {
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

export function onCopyStart(s: Session, frame: Frame, cursor: Cursor, mode: CopyMode): void {
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
  if (mode === COPY_MODE_IN) takeDataAhead(s, step, outcome);
}

/** Clients may send COPY data, and its end, before they are asked to. */
function takeDataAhead(s: Session, step: Step, outcome: Outcome): void {
  outcome.bulkBytes += step.aheadBytes;
  // The server ignores a Sync that it reads while it takes data.
  const ignored = step.dataEnded ? step.syncsInData : Number.POSITIVE_INFINITY;
  if (step.kind === STEP_EXECUTE) s.queue.dropSyncsBehindHead(ignored);
  if (step.dataEnded) s.copy = COPY_MODE_NONE;
  step.aheadBytes = 0;
  step.dataEnded = false;
}

/** Signature, flags and the length of no extension; and the end of a binary stream. */
const BINARY_HEADER_BYTES = 19;
const BINARY_TRAILER_BYTES = 2;

export function onCopyData(s: Session, frame: Frame, cursor: Cursor): void {
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
