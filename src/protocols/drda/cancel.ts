/**
 * INTRDBRQS (DRDA volume 3): interrupts what another connection is executing. It names that one by the token of its
 * ACCRDBRM.
 */
import { type AuditEvent, MARK_CANCELLED, type StatementEvent } from '../../contracts/event.ts';
import type { EventSink } from '../../contracts/protocol.ts';
import { CancelKeys, isNear } from '../sdk/cancel.ts';
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
export function registerToken(s: Session, parameters: DdmReader, sink: EventSink): void {
  const token = readToken(parameters);
  if (token === undefined) TOKENS.forget(s, sink);
  else TOKENS.register(s, token, sink);
}

export function forgetToken(s: Session, sink: EventSink): void {
  TOKENS.forget(s, sink);
}

/** `event` is the request, recorded as coming from its victim's user: such a connection need not log in. */
export function onInterrupt(s: Session, event: StatementEvent, parameters: DdmReader): void {
  event.operation = 'CANCEL';
  while (parameters.next()) {
    if (parameters.codePoint !== cp.RDBINTTKN) continue;
    const token = readToken(parameters);
    if (token === undefined) return;
    event.marks = 0;
    s.userUnknown = false;
    const victim = TOKENS.find(s.connection, token);
    if (victim === undefined) {
      s.interrupt = { event, token };
      return;
    }
    event.identity = victim.identity;
    const running = victim.queue[0];
    if (isNear(s, victim)) victim.cancelled = running?.cursor?.execution.event ?? running?.events[0];
  }
}

/** Where the request goes that is recorded now: to whoever may know the session that it means. */
export function sinkOf(s: Session, event: AuditEvent, sink: EventSink): EventSink {
  const { interrupt } = s;
  if (interrupt?.event !== event) return sink;
  s.interrupt = undefined;
  return { emit: (request) => TOKENS.emitFor(s.connection, interrupt.token, request, sink) };
}

/** Marks a statement that failed because it was cancelled. */
export function markCancelled(s: Session, event: StatementEvent, errorCode: string | undefined): void {
  if (errorCode === CANCELLED || (errorCode !== undefined && s.cancelled === event)) event.marks |= MARK_CANCELLED;
}
