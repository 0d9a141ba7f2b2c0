/**
 * A listener may send the client to another address: what the first connection said of the client is kept, by its
 * address, for the one that follows.
 */
import type { Identity } from '../../contracts/event.ts';
import { REDIRECTS_MAX } from './limits.ts';
import type { TnsSession } from './session.ts';

function keyOf(session: TnsSession): string {
  return `redirect:${session.connection.clientAddress}`;
}

/** The oldest is forgotten when there are too many. */
export function rememberRedirect(session: TnsSession): void {
  const { shared } = session.connection;
  shared.delete(keyOf(session));
  shared.set(keyOf(session), session.identity);
  if (shared.size <= REDIRECTS_MAX) return;
  const [oldest] = shared.keys();
  if (oldest !== undefined) shared.delete(oldest);
}

/** The second connection of a redirected client starts with what the first one said. */
export function recallRedirect(session: TnsSession): void {
  const { shared } = session.connection;
  const first = shared.get(keyOf(session)) as Identity | undefined;
  shared.delete(keyOf(session));
  if (first !== undefined) session.identity = { ...first, user: undefined, effectiveUser: undefined };
}
