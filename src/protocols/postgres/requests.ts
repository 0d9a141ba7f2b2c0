/** What the client says once it is logged in: queries, the extended protocol, COPY data, function calls. */
import { type Cursor, indexOfByte } from '../../base/cursor.ts';
import {
  MARK_GAP,
  MARK_MALFORMED,
  MARK_TRUNCATED,
  MARK_UNKNOWN_HANDLE,
  type StatementEvent,
} from '../../contracts/event.ts';
import type { EventSink, Frame } from '../../contracts/protocol.ts';
import { copyText, type TextHolder } from '../sdk/handles.ts';
import { Digest, keptText, sha256 } from '../sdk/long.ts';
import { readValues } from './bind.ts';
import { readFunctionCall } from './function_call.ts';
import { Portal, Statement } from './handles.ts';
import { LIMITS } from './limits.ts';
import { finishLogin, onPassword } from './login.ts';
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
  Step,
  type StepKind,
} from './pending.ts';
import {
  COPY_MODE_BOTH,
  COPY_MODE_IN,
  COPY_MODE_NONE,
  detachPortal,
  enqueue,
  loseAlignment,
  markLost,
  PHASE_LOGIN,
  PHASE_READY,
  PHASE_UNKNOWN,
  realign,
  type Session,
  setTypes,
} from './session.ts';
import { ParseTail, TextTail } from './tail.ts';
import * as wire from './wire.ts';

/** A typed message from the client; the cursor stands at its header. */
export function onRequest(s: Session, frame: Frame, cursor: Cursor, sink: EventSink): void {
  cursor.skip(wire.HEADER_BYTES);
  switch (frame.type) {
    case wire.PASSWORD:
      cursor.pos -= wire.HEADER_BYTES;
      onPassword(s, cursor);
      return;
    case wire.TERMINATE:
      s.quit = true;
      return;
    case wire.FLUSH:
      return;
    case wire.COPY_DATA:
      onCopyData(s, frame);
      return;
    case wire.COPY_DONE:
    case wire.COPY_FAIL:
      onCopyEnd(s);
      return;
    default:
      onAnswered(s, frame, cursor, sink);
  }
}

function onCopyData(s: Session, frame: Frame): void {
  if (s.copy === COPY_MODE_IN || s.copy === COPY_MODE_BOTH) {
    if (s.outcome) s.outcome.bulkBytes += frame.length;
    return;
  }
  const step = s.queue.before(s.queue.syncsAtEnd());
  if (step) step.aheadBytes += frame.length;
}

function onCopyEnd(s: Session): void {
  if (s.copy !== COPY_MODE_NONE) {
    if (s.copy === COPY_MODE_IN) s.copy = COPY_MODE_NONE;
    return;
  }
  const syncs = s.queue.syncsAtEnd();
  const step = s.queue.before(syncs);
  if (step === undefined || step.dataEnded) return;
  step.dataEnded = true;
  step.syncsInData = syncs;
}

/** A message that the server answers. */
function onAnswered(s: Session, frame: Frame, cursor: Cursor, sink: EventSink): void {
  if (frame.type === wire.SYNC) {
    // While it takes COPY data the server ignores Sync; the one that counts follows CopyDone.
    if (s.copy === COPY_MODE_IN) return;
    s.discarding = false;
  } else if (s.discarding) {
    return;
  }
  begin(s, frame, sink);
  if (frame.lostBytes > 0 && (frame.type === wire.PARSE || frame.type === wire.CLOSE)) {
    // It may have been about any name.
    s.requestLosses++;
    s.statements.delete('');
  }
  switch (frame.type) {
    case wire.QUERY:
      onQuery(s, frame, cursor, sink);
      return;
    case wire.PARSE:
      onParse(s, frame, cursor, sink);
      return;
    case wire.BIND:
      onBind(s, frame, cursor, sink);
      return;
    case wire.EXECUTE:
      onExecute(s, frame, cursor, sink);
      return;
    case wire.DESCRIBE:
      onDescribe(s, frame, cursor, sink);
      return;
    case wire.CLOSE:
      onClose(s, frame, cursor, sink);
      return;
    case wire.FUNCTION_CALL:
      onFunctionCall(s, frame, cursor, sink);
      return;
    default:
      enqueue(s, newStep(STEP_SYNC, frame), sink);
  }
}

/** Before a request is queued: what its coming says about the replies seen so far. */
function begin(s: Session, frame: Frame, sink: EventSink): void {
  if (s.phase === PHASE_LOGIN && s.login !== undefined && (s.login.marks & MARK_GAP) !== 0) {
    // The end of the login was lost. A client that goes on was let in.
    finishLogin(s, frame.startUs, sink);
    loseAlignment(s);
  }
  if (s.phase === PHASE_UNKNOWN) s.phase = PHASE_READY;
  if (s.aligned && s.queue.head()?.kind === STEP_LOST) loseAlignment(s);
  if (!s.aligned && s.quiet) realign(s, sink);
  else if (s.gapped) loseAlignment(s);
  s.quiet = false;
}

/** Bytes that a step, and each value in it, take beside their content: 65,535 values must not fill the queue. */
const STEP_WEIGHT = 256;
const PARAMETER_WEIGHT = 48;

function newStep(kind: StepKind, frame: Frame): Step {
  return new Step(kind, frame.startUs, STEP_WEIGHT + frame.available);
}

function onQuery(s: Session, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const step = newStep(STEP_QUERY, frame);
  const event = s.statement(frame.startUs, 'simple');
  step.event = event;
  // It uses the unnamed statement and the unnamed portal itself.
  step.name = '';
  step.previous = s.statements.delete('');
  detachPortal(s, s.portals.delete(''), sink);
  const start = cursor.pos;
  if (!takeText(s, frame, cursor, event) && frame.truncated) {
    event.textLength = frame.length - wire.HEADER_BYTES - 1;
    if (frame.lostBytes > 0) markLost(event, frame.lostBytes);
    else {
      const left = event.textLength - (cursor.end - start);
      s.tail = new TextTail(new Digest().add(cursor.bytes, start, cursor.end), left, (_, hash) => {
        event.textSha256 = hash;
      });
    }
  }
  nameReplication(s, event);
  enqueue(s, step, sink);
}

/** Gives `holder` the text at the cursor, which then stands behind its NUL. False: the NUL is cut off, or was not sent. */
function takeText(s: Session, frame: Frame, cursor: Cursor, holder: TextHolder): boolean {
  const { bytes, pos: start, end } = cursor;
  const nul = indexOfByte(bytes, 0, start, end);
  const stop = nul < 0 ? end : nul;
  holder.text = keptText(bytes, start, stop, s.encoding, LIMITS.sqlBytesMax);
  if (nul < 0) {
    holder.marks |= frame.truncated ? MARK_TRUNCATED : MARK_MALFORMED;
    return false;
  }
  cursor.pos = nul + 1;
  if (stop - start > LIMITS.sqlBytesMax) {
    holder.textLength = stop - start;
    holder.textSha256 = sha256(bytes, start, stop);
    holder.marks |= MARK_TRUNCATED;
  }
  return true;
}

const REPLICATION_COMMAND =
  /^\s*(IDENTIFY_SYSTEM|START_REPLICATION|BASE_BACKUP|(?:CREATE|DROP|READ|ALTER)_REPLICATION_SLOT|TIMELINE_HISTORY|UPLOAD_MANIFEST)\b/i;

/** Walsender commands are no SQL: they name their operation themselves. */
function nameReplication(s: Session, event: StatementEvent): void {
  if (s.replication === false) return;
  const match = REPLICATION_COMMAND.exec((event.text ?? '').slice(0, 64));
  if (match === null) return;
  event.call = 'replication';
  event.operation = (match[1] as string).toUpperCase();
}

function onParse(s: Session, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const step = newStep(STEP_PARSE, frame);
  const name = cursor.cstring(s.encoding);
  if (!cursor.failed) {
    step.name = name;
    step.previous = s.statements.delete(name);
    step.statement = readStatement(s, name, frame, cursor);
    s.statements.set(name, step.statement);
  }
  enqueue(s, step, sink);
}

/** The rest of a Parse message: text and parameter types. */
function readStatement(s: Session, name: string, frame: Frame, cursor: Cursor): Statement {
  const statement = new Statement(name, s.requestLosses);
  const start = cursor.pos;
  if (takeText(s, frame, cursor, statement)) {
    const count = cursor.u16be();
    const types: number[] = [];
    for (let i = 0; i < count && !cursor.failed; i++) types.push(cursor.u32be());
    if (cursor.failed && types.length > 0) types.pop();
    if (cursor.failed && !frame.truncated) statement.marks |= MARK_MALFORMED;
    statement.types = types;
  } else if (frame.lostBytes > 0) {
    statement.marks |= MARK_GAP;
  } else if (frame.truncated) {
    const textDone = (length: number, hash: string): void => {
      statement.textLength = length;
      statement.textSha256 = hash;
    };
    s.tail = new ParseTail(new Digest().add(cursor.bytes, start, cursor.end), textDone, (all) => {
      setTypes(s, statement, all);
    });
  }
  return statement;
}

/** Fills an event with the statement it executes. */
function describe(s: Session, event: StatementEvent, statement: Statement | undefined): void {
  if (statement === undefined) {
    event.marks |= MARK_UNKNOWN_HANDLE;
    return;
  }
  copyText(statement, event);
  // Among lost requests may have been one that gave its name to another text.
  if (statement.losses !== s.requestLosses) event.marks |= MARK_GAP;
}

function onBind(s: Session, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const portalName = cursor.cstring(s.encoding);
  const statementName = cursor.cstring(s.encoding);
  const step = newStep(STEP_BIND, frame);
  const statement = cursor.failed ? undefined : s.statements.get(statementName);
  const event = s.statement(frame.startUs, 'prepared');
  describe(s, event, statement);
  if (cursor.failed) event.marks |= frame.truncated ? MARK_TRUNCATED : MARK_MALFORMED;
  else readValues(s, frame, cursor, statement?.types ?? [], event);
  if (frame.lostBytes > 0) markLost(event, frame.lostBytes);
  step.weight += PARAMETER_WEIGHT * (event.parameters?.length ?? 0);
  const portal = new Portal(portalName, statement, event, step.weight, s.queue.boundariesQueued);
  step.portal = portal;
  s.portals.set(portalName, portal, (gone) => detachPortal(s, gone, sink));
  enqueue(s, step, sink);
}

function onExecute(s: Session, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const name = cursor.cstring(s.encoding);
  const step = newStep(STEP_EXECUTE, frame);
  const portal = cursor.failed ? undefined : s.portals.get(name);
  if (portal?.event) {
    step.portal = portal;
    portal.executing++;
  } else {
    // Not known, or executed again after its end.
    const event = s.statement(frame.startUs, 'prepared');
    describe(s, event, portal?.statement);
    if (frame.lostBytes > 0) markLost(event, frame.lostBytes);
    step.event = event;
  }
  enqueue(s, step, sink);
}

const KIND_STATEMENT = 0x53;

function onDescribe(s: Session, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const step = newStep(STEP_DESCRIBE, frame);
  const kind = cursor.u8();
  const name = cursor.cstring(s.encoding);
  step.statement = kind === KIND_STATEMENT ? s.statements.get(name) : s.portals.get(name)?.statement;
  enqueue(s, step, sink);
}

function onClose(s: Session, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const step = newStep(STEP_CLOSE, frame);
  const kind = cursor.u8();
  const name = cursor.cstring(s.encoding);
  if (!cursor.failed && kind === KIND_STATEMENT) {
    step.name = name;
    step.previous = s.statements.delete(name);
  } else if (!cursor.failed) {
    detachPortal(s, s.portals.delete(name), sink);
  }
  enqueue(s, step, sink);
}

function onFunctionCall(s: Session, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const step = newStep(STEP_FUNCTION, frame);
  const event = s.statement(frame.startUs, 'function');
  event.operation = 'CALL';
  readFunctionCall(s, frame, cursor, event);
  step.weight += PARAMETER_WEIGHT * (event.parameters?.length ?? 0);
  if (frame.lostBytes > 0) markLost(event, frame.lostBytes);
  step.event = event;
  enqueue(s, step, sink);
}
