/**
 * INTRDBRQS (DRDA volume 3): interrupts what another connection is executing. It names that one by the token of its
 * ACCRDBRM, so sessions of one pipeline register theirs in `ConnectionInfo.shared`. A token is only compared, never put
 * into an event.
 */
import { MARK_CANCELLED, type StatementEvent } from '../../contracts/event.ts';
import type { ConnectionInfo } from '../../contracts/protocol.ts';
import * as cp from './codepoints.ts';
import type { DdmReader } from './ddm.ts';
import { INTERRUPT_TOKEN_BYTES_MAX, INTERRUPT_TOKENS_MAX } from './limits.ts';
import type { Session } from './session.ts';

/** Key in `ConnectionInfo.shared`. */
const TOKENS = 'drda.interruptTokens';
/** SQLSTATE "processing was cancelled as requested". */
const CANCELLED = '57014';

function registry(connection: ConnectionInfo): Map<string, Session> {
  let tokens = connection.shared.get(TOKENS) as Map<string, Session> | undefined;
  if (tokens === undefined) {
    tokens = new Map();
    connection.shared.set(TOKENS, tokens);
  }
  return tokens;
}

/** The token of RDBINTTKN, which is only unique per server; `undefined` when it is none. */
function readToken({ serverAddress, serverPort }: ConnectionInfo, parameters: DdmReader): string | undefined {
  const bytes = parameters.body.remaining();
  if (bytes === 0 || bytes > INTERRUPT_TOKEN_BYTES_MAX) return undefined;
  return `${serverAddress}|${serverPort}|${parameters.body.hex(bytes)}`;
}

/** The database was opened with this token: makes the session findable. */
export function registerToken(s: Session, parameters: DdmReader): void {
  forgetToken(s);
  const token = readToken(s.connection, parameters);
  if (token === undefined) return;
  const tokens = registry(s.connection);
  for (const oldest of tokens.keys()) {
    if (tokens.size < INTERRUPT_TOKENS_MAX) break;
    tokens.delete(oldest);
  }
  s.interruptToken = token;
  tokens.set(token, s);
}

export function forgetToken(s: Session): void {
  if (s.interruptToken === undefined) return;
  const tokens = registry(s.connection);
  if (tokens.get(s.interruptToken) === s) tokens.delete(s.interruptToken);
  s.interruptToken = undefined;
}

/** `event` is the request, recorded as coming from its victim's user: such a connection need not log in. */
export function onInterrupt(s: Session, event: StatementEvent, parameters: DdmReader): void {
  event.operation = 'CANCEL';
  while (parameters.next()) {
    if (parameters.codePoint !== cp.RDBINTTKN) continue;
    const token = readToken(s.connection, parameters);
    const victim = token === undefined ? undefined : registry(s.connection).get(token);
    if (victim === undefined) return;
    event.identity = victim.identity;
    event.marks = 0;
    const running = victim.queue[0];
    victim.cancelled = running?.cursor?.execution.event ?? running?.events[0];
  }
}

/** Marks a statement that failed because it was cancelled. */
export function markCancelled(s: Session, event: StatementEvent, errorCode: string | undefined): void {
  if (errorCode === CANCELLED || (errorCode !== undefined && s.cancelled === event)) event.marks |= MARK_CANCELLED;
}
