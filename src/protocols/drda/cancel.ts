/**
 * INTRDBRQS (DRDA volume 3): interrupts what another connection is executing. It names that one by the token of its
 * ACCRDBRM.
 */
import { MARK_CANCELLED, type StatementEvent } from '../../contracts/event.ts';
import { CancelKeys } from '../sdk/cancel.ts';
import * as cp from './codepoints.ts';
import type { DdmReader } from './ddm.ts';
import { INTERRUPT_TOKEN_BYTES_MAX, INTERRUPT_TOKENS_MAX } from './limits.ts';
import type { Session } from './session.ts';

/** SQLSTATE "processing was cancelled as requested". */
const CANCELLED = '57014';

const TOKENS: CancelKeys<Session> = new CancelKeys('drda.interruptTokens', INTERRUPT_TOKENS_MAX);

/** The token of RDBINTTKN; `undefined` when it is none. */
function readToken(parameters: DdmReader): string | undefined {
  const bytes = parameters.body.remaining();
  return bytes === 0 || bytes > INTERRUPT_TOKEN_BYTES_MAX ? undefined : parameters.body.hex(bytes);
}

/** The database was opened with this token: makes the session findable. */
export function registerToken(s: Session, parameters: DdmReader): void {
  const token = readToken(parameters);
  if (token === undefined) TOKENS.forget(s);
  else TOKENS.register(s, token);
}

export function forgetToken(s: Session): void {
  TOKENS.forget(s);
}

/** `event` is the request, recorded as coming from its victim's user: such a connection need not log in. */
export function onInterrupt(s: Session, event: StatementEvent, parameters: DdmReader): void {
  event.operation = 'CANCEL';
  while (parameters.next()) {
    if (parameters.codePoint !== cp.RDBINTTKN) continue;
    const token = readToken(parameters);
    const victim = token === undefined ? undefined : TOKENS.find(s.connection, token);
    if (victim === undefined) return;
    event.identity = victim.identity;
    event.marks = 0;
    s.userUnknown = false;
    const running = victim.queue[0];
    victim.cancelled = running?.cursor?.execution.event ?? running?.events[0];
  }
}

/** Marks a statement that failed because it was cancelled. */
export function markCancelled(s: Session, event: StatementEvent, errorCode: string | undefined): void {
  if (errorCode === CANCELLED || (errorCode !== undefined && s.cancelled === event)) event.marks |= MARK_CANCELLED;
}
