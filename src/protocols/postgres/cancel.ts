/** CancelRequest: it comes on a connection of its own and names its victim by process id and secret key. */
import type { Cursor } from '../../base/cursor.ts';
import { MARK_CANCELLED, type StatementEvent } from '../../contracts/event.ts';
import type { EventSink } from '../../contracts/protocol.ts';
import { CancelKeys, isNear } from '../sdk/cancel.ts';
import { CANCEL_KEYS_MAX } from './limits.ts';
import type { Session } from './session.ts';

/** SQLSTATE query_canceled. */
const QUERY_CANCELED = '57014';

const KEYS: CancelKeys<Session> = new CancelKeys('postgres.cancelKeys', CANCEL_KEYS_MAX);

/** Process id and key, which end the message. */
function readKey(cursor: Cursor): string {
  return cursor.hex(cursor.remaining());
}

/** BackendKeyData: makes the session findable. The cursor stands before the process id. */
export function register(s: Session, cursor: Cursor, sink: EventSink): void {
  KEYS.register(s, readKey(cursor), sink);
}

export function unregister(s: Session, sink: EventSink): void {
  KEYS.forget(s, sink);
}

/**
 * A CancelRequest, whose cursor stands before the process id. Emits the request, as coming from the victim's user, and
 * remembers with the victim which statement it was aimed at.
 */
export function onCancelRequest(s: Session, cursor: Cursor, startUs: number, sink: EventSink): void {
  s.userUnknown = false; // nobody logs in on such a connection
  const start = cursor.pos;
  const processId = cursor.i32be();
  cursor.pos = start;
  const key = readKey(cursor);
  const victim = KEYS.find(s.connection, key);
  const event = s.statement(startUs, 'cancel', 'CANCEL');
  event.parameters = [processId];
  if (victim === undefined) {
    KEYS.emitFor(s.connection, key, event, sink);
    return;
  }
  event.identity = victim.identity;
  if (isNear(s, victim)) victim.cancelled = victim.aligned ? victim.queue.firstSubject() : undefined;
  sink.emit(event);
}

/** Marks a statement that failed because it was cancelled. */
export function markCancelled(s: Session, event: StatementEvent, errorCode: string | undefined): void {
  if (errorCode === QUERY_CANCELED || s.cancelled === event) event.marks |= MARK_CANCELLED;
}
