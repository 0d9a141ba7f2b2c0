/**
 * A listener may send the client to another address: what the first connection said of the client is kept for the one
 * that follows, by the client's address and the port it was sent to (names of hosts cannot be resolved here).
 * Where other threads read other connections both are said to whom all tell: the new address is usually another one's.
 */
import type { Identity } from '../../contracts/event.ts';
import type { EventSink } from '../../contracts/protocol.ts';
import { portOf } from './connect.ts';
import { REDIRECTS_MAX } from './limits.ts';
import type { TnsSession } from './session.ts';

function keyOf(session: TnsSession, port: number | undefined): string {
  return `redirect:${session.connection.clientAddress}:${port ?? ''}`;
}

/** `text`: the descriptor of the new address. The oldest is forgotten when there are too many. */
export function rememberRedirect(session: TnsSession, text: string, sink: EventSink): void {
  const { shared } = session.connection;
  const key = keyOf(session, portOf(text));
  if (sink.hasOthers === true) {
    sink.announce?.(key, withoutUser(session.identity), true);
    return;
  }
  shared.delete(key);
  shared.set(key, session.identity);
  if (shared.size <= REDIRECTS_MAX) return;
  const [oldest] = shared.keys();
  if (oldest !== undefined) shared.delete(oldest);
}

/** The second connection of a redirected client starts with what the first one said. */
export function recallRedirect(session: TnsSession, sink: EventSink): void {
  const { shared, serverPort } = session.connection;
  const keys = [keyOf(session, serverPort), keyOf(session, undefined)];
  if (sink.hasOthers === true) {
    const { clientAddress, clientPort, serverAddress, firstTsUs } = session.connection;
    session.redirectKey = `redirected:${clientAddress}:${clientPort}:${serverAddress}:${serverPort}:${firstTsUs}`;
    sink.takeOver?.(keys, session.redirectKey);
    return;
  }
  for (const key of keys) {
    const first = shared.get(key) as Identity | undefined;
    if (first === undefined) continue;
    shared.delete(key);
    session.identify(withoutUser(first));
    return;
  }
}

function withoutUser(identity: Identity): Identity {
  return { ...identity, user: undefined, effectiveUser: undefined };
}

/** Where the session's events go: to those who may know more of it, while it lacks what a redirected client had said. */
export function sinkOf(session: TnsSession, sink: EventSink): EventSink {
  const { redirectKey } = session;
  const { osUser, clientHost, program, database } = session.identity;
  const isWhole = [osUser, clientHost, program, database].every((fact) => fact !== undefined);
  if (redirectKey === undefined || isWhole || sink.emitFor === undefined) return sink;
  return { emit: (event) => sink.emitFor?.(redirectKey, event) };
}

/** The connection is over: nothing more is asked of the first one. */
export function forgetRedirect(session: TnsSession, sink: EventSink): void {
  if (session.redirectKey !== undefined) sink.announce?.(session.redirectKey, undefined, false);
}
