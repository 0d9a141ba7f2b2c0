/**
 * A listener may send the client to another address: what the first connection said of the client is kept for the one
 * that follows, by the client's address and the port it was sent to (names of hosts cannot be resolved here).
 */
import type { Identity } from '../../contracts/event.ts';
import { portOf } from './connect.ts';
import { REDIRECTS_MAX } from './limits.ts';
import type { TnsSession } from './session.ts';

function keyOf(session: TnsSession, port: number | undefined): string {
  return `redirect:${session.connection.clientAddress}:${port ?? ''}`;
}

/** `text`: the descriptor of the new address. The oldest is forgotten when there are too many. */
export function rememberRedirect(session: TnsSession, text: string): void {
  const { shared } = session.connection;
  const key = keyOf(session, portOf(text));
  shared.delete(key);
  shared.set(key, session.identity);
  if (shared.size <= REDIRECTS_MAX) return;
  const [oldest] = shared.keys();
  if (oldest !== undefined) shared.delete(oldest);
}

/** The second connection of a redirected client starts with what the first one said. */
export function recallRedirect(session: TnsSession): void {
  const { shared, serverPort } = session.connection;
  for (const key of [keyOf(session, serverPort), keyOf(session, undefined)]) {
    const first = shared.get(key) as Identity | undefined;
    if (first === undefined) continue;
    shared.delete(key);
    session.identify({ ...first, user: undefined, effectiveUser: undefined });
    return;
  }
}
