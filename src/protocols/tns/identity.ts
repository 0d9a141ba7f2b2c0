/** Who speaks: logins, end-to-end attributes, the current schema. */
import { LoginEvent } from '../../contracts/event.ts';
import type { EventSink } from '../../contracts/protocol.ts';
import { MODE_CHANGE_PASSWORD } from './constants.ts';
import { methodOf, privilegedUser } from './login.ts';
import type { Request } from './request.ts';
import { KIND_COMMAND, KIND_LOGIN, Pending, type TnsSession } from './session.ts';

/** End-to-end attributes and the current schema hold from the call on that carries them. */
export function applyAttributes(session: TnsSession, request: Request, startUs: number, sink: EventSink): void {
  const { endToEnd, schema } = request;
  if (endToEnd?.hasClientId) session.identify({ endUser: endToEnd.clientId });
  // The program that logged in is worth more than the name it gives itself; mid-stream there is only that.
  if (endToEnd?.module !== undefined && session.identity.program === undefined) {
    session.identify({ program: endToEnd.module });
  }
  if (schema === undefined || schema === session.schema) return;
  // The driver repeats it with each call until the server confirms; it is recorded once.
  session.schema = schema;
  const event = session.statement(startUs, 'command', 'SET CURRENT_SCHEMA');
  event.parameters = [schema];
  session.emit(event, sink);
}

/** `app[bob]`: the user who logs in, and the one who acts. */
const PROXY_PATTERN = /^([^[\]]+)\[([^[\]]+)\]$/;

/** Either call of a login: both are one event. The second call alone, in a session, changes a password. */
export function login(session: TnsSession, request: Request, startUs: number, sink: EventSink): void {
  const call = request.login;
  if (call === undefined) return;
  const { pairs, mode } = call;
  if (session.loggedIn && (mode & MODE_CHANGE_PASSWORD) !== 0) {
    const change = session.statement(startUs, 'command', 'CHANGE PASSWORD');
    if (call.user !== undefined) change.parameters = [call.user];
    session.push(new Pending(KIND_COMMAND, request.sequence, change), sink);
    return;
  }
  const named = PROXY_PATTERN.exec(call.user ?? '');
  const user = named?.[1] ?? call.user ?? session.identity.user;
  const proxy = pairs.get('PROXY_CLIENT_NAME') ?? named?.[2];
  const isRetry = session.heldLogin !== undefined && session.heldLogin.identity.user === user;
  if (!isRetry) session.releaseHeldLogin(sink);
  session.identify({
    user,
    effectiveUser: proxy ?? privilegedUser(mode) ?? (call.phase === 1 ? undefined : session.identity.effectiveUser),
    osUser: pairs.get('AUTH_SID') ?? session.identity.osUser,
    clientHost: pairs.get('AUTH_MACHINE') ?? session.identity.clientHost,
    program: pairs.get('AUTH_PROGRAM_NM') ?? session.identity.program,
  });
  session.userUnknown = false;
  const event = session.heldLogin ?? new LoginEvent(session.identity, startUs);
  session.heldLogin = undefined;
  event.identity = session.identity;
  event.method = methodOf(mode, call.old);
  session.loginMode = mode;
  const pending = new Pending(KIND_LOGIN, request.sequence, event);
  pending.firstPhase = call.phase === 1;
  session.push(pending, sink);
}
