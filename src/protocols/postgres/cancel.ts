/**
 * CancelRequest: it comes on a connection of its own and names its victim by process id and secret key, so sessions of
 * one pipeline register their keys in `ConnectionInfo.shared`. A key is only compared, never put into an event.
 */
import type { Cursor } from '../../base/cursor.ts';
import { MARK_CANCELLED, type StatementEvent } from '../../contracts/event.ts';
import type { ConnectionInfo, EventSink } from '../../contracts/protocol.ts';
import { CANCEL_KEYS_MAX } from './limits.ts';
import { newStatement, type Session } from './session.ts';

/** SQLSTATE query_canceled. */
export const QUERY_CANCELED = '57014';

const KEYS = 'postgres.cancelKeys';

function registry(connection: ConnectionInfo): Map<string, Session> {
  let keys = connection.shared.get(KEYS) as Map<string, Session> | undefined;
  if (keys === undefined) {
    keys = new Map();
    connection.shared.set(KEYS, keys);
  }
  return keys;
}

/** Process id and key, which end the message; they are only unique per server. */
function readKey(connection: ConnectionInfo, cursor: Cursor): string {
  return `${connection.serverAddress}|${connection.serverPort}|${cursor.hex(cursor.remaining())}`;
}

/** BackendKeyData: makes the session findable. The cursor stands before the process id. */
export function register(s: Session, cursor: Cursor): void {
  unregister(s);
  const keys = registry(s.connection);
  if (keys.size >= CANCEL_KEYS_MAX) {
    const oldest = keys.keys().next();
    if (!oldest.done) keys.delete(oldest.value);
  }
  s.cancelKey = readKey(s.connection, cursor);
  keys.set(s.cancelKey, s);
}

export function unregister(s: Session): void {
  if (s.cancelKey === undefined) return;
  const keys = registry(s.connection);
  if (keys.get(s.cancelKey) === s) keys.delete(s.cancelKey);
  s.cancelKey = undefined;
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
  const victim = registry(s.connection).get(readKey(s.connection, cursor));
  const event = newStatement(s, startUs, 'cancel');
  event.operation = 'CANCEL';
  event.parameters = [processId];
  if (victim) {
    event.identity = victim.identity;
    victim.cancelled = victim.aligned ? victim.queue.firstSubject() : undefined;
  }
  sink.emit(event);
}

/** Marks a statement that failed because it was cancelled. */
export function markCancelled(s: Session, event: StatementEvent, errorCode: string | undefined): void {
  if (errorCode === QUERY_CANCELED || s.cancelled === event) event.marks |= MARK_CANCELLED;
}
