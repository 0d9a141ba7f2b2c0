/**
 * The outcomes of the request at the head of the queue, and what the end of a result means for the session.
 */
import { Cursor } from '../../base/cursor.ts';
import { MARK_TRUNCATED, type Outcome, StatementEvent } from '../../contracts/event.ts';
import { type EventSink, Frame } from '../../contracts/protocol.ts';
import { encodingOfCharset } from './charset.ts';
import * as c from './constants.ts';
import type { OkReply } from './messages.ts';
import { KIND_FETCH, KIND_NONE, Pending } from './pending.ts';
import type { MysqlSession } from './session.ts';
import { settingOf } from './settings.ts';
import { SPARE } from './spare.ts';

/** Outcomes of one request; of further ones only the sum is kept, in the last. */
const OUTCOMES_MAX = 1024;

/** A packet of the reply to the first request of the queue. A single instance is reused. */
export class Reply {
  head: Pending = new Pending(KIND_NONE, undefined, 0);
  frame: Frame = new Frame();
  /** Stands behind the packet's header. */
  cursor: Cursor = new Cursor();
  /** Of the payload, by the header. */
  length = 0;

  reset(head: Pending, frame: Frame, cursor: Cursor, length: number): this {
    this.head = head;
    this.frame = frame;
    this.cursor = cursor;
    this.length = length;
    return this;
  }
}

/** A marker of the end, not a row that begins with a cell of 16 MB or more. */
export function isEnd({ cursor, length }: Reply): boolean {
  return cursor.peek() === c.REPLY_EOF && length < c.PAYLOAD_MAX;
}

/** Starts an outcome unless one is open, and counts the frame in. */
export function outcomeOf(session: MysqlSession, { head, frame }: Reply, sink: EventSink): Outcome {
  if (!head.started) begin(session, head, sink);
  let { outcome } = session;
  if (outcome === undefined) {
    const event = subjectOf(head);
    const outcomes = event instanceof StatementEvent ? event.outcomes : undefined;
    const last = outcomes?.at(-1);
    const reuse = head.kind === KIND_FETCH || (outcomes?.length ?? 0) >= OUTCOMES_MAX;
    if (last !== undefined && reuse) {
      outcome = last;
      if (event && head.kind !== KIND_FETCH) event.marks |= MARK_TRUNCATED;
    } else {
      outcome = SPARE.outcome();
      outcome.firstByteUs = frame.startUs;
      // Nearly always the only one: a list of one takes a fraction of one that grows.
      if (event instanceof StatementEvent && event.outcomes.length === 0) event.outcomes = [outcome];
      else outcomes?.push(outcome);
    }
    session.outcome = outcome;
  }
  addBytes(session, frame);
  return outcome;
}

/** What the reply is about: rows that are fetched are those of the statement that opened the cursor. */
export function subjectOf(head: Pending): Pending['event'] {
  return head.kind === KIND_FETCH ? head.prepared?.cursor : head.event;
}

/** The first packet of the reply: what the session is now is what the statement was executed with. */
function begin(session: MysqlSession, head: Pending, sink: EventSink): void {
  head.started = true;
  if (!(head.event instanceof StatementEvent)) return;
  head.event.identity = session.identity;
  if (head.prepared?.cursor) session.closeCursor(head.prepared, sink);
}

/** Counts a packet into the outcome, which ends with it so far. */
export function addBytes(session: MysqlSession, frame: Frame): void {
  const { outcome } = session;
  if (outcome === undefined) return;
  outcome.responseBytes += frame.length;
  outcome.endUs = frame.endUs;
}

/** Takes over what the server says it changed; else what the statement's own text says. */
export function applySetting(session: MysqlSession, head: Pending, ok: OkReply): void {
  const event = head.event instanceof StatementEvent ? head.event : undefined;
  const setting = event?.text === undefined ? undefined : settingOf(event.text);
  const database = ok.schema ?? setting?.database;
  const charset = ok.charset ?? setting?.charset;
  if (database !== undefined) setDatabase(session, database);
  if (charset !== undefined) session.encoding = encodingOfCharset(charset);
}

export function setDatabase(session: MysqlSession, database: string): void {
  session.identify({ database: database === '' ? undefined : database });
}

/** One result is complete: another follows, a cursor stays open, or the request is answered. */
export function endResult(session: MysqlSession, head: Pending, status: number, sink: EventSink): void {
  const { event, prepared } = head;
  if (event instanceof StatementEvent) event.transaction = (status & c.STATUS_IN_TRANSACTION) === 0 ? 'idle' : 'open';
  if ((status & c.STATUS_MORE_RESULTS) !== 0) {
    session.resetReply();
    return;
  }
  const lastRow = (status & c.STATUS_LAST_ROW_SENT) !== 0;
  const opens = (status & c.STATUS_CURSOR_EXISTS) !== 0 && !lastRow;
  if (opens && prepared && event instanceof StatementEvent && head.kind !== KIND_FETCH) {
    session.openCursor(prepared, event);
  }
  session.finish(0, sink);
  if (head.kind === KIND_FETCH && lastRow && prepared) session.closeCursor(prepared, sink);
}
