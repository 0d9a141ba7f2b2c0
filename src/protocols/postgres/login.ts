/**
 * From the first byte to the first ReadyForQuery: negotiation of encryption, StartupMessage, authentication, and the
 * session's parameters, which may also change later ("Start-up", "SSL Session Encryption", "GSSAPI Session Encryption").
 */
import type { Cursor } from '../../base/cursor.ts';
import { LoginEvent, MARK_GAP, MARK_MALFORMED, MARK_MIDSTREAM } from '../../contracts/event.ts';
import { type Direction, type EventSink, type Frame, type FrameWish, NEXT, STOP } from '../../contracts/protocol.ts';
import { TlsObserver } from '../sdk/tls.ts';
import { onCancelRequest } from './cancel.ts';
import { encodingOf } from './encoding.ts';
import { readError } from './messages.ts';
import {
  AWAIT_GSS,
  AWAIT_NOTHING,
  AWAIT_TLS,
  PHASE_LOGIN,
  PHASE_READY,
  PHASE_TLS,
  PHASE_UNKNOWN,
  type Session,
} from './session.ts';
import * as wire from './wire.ts';

/** An untyped packet from the client. */
export function onUntyped(s: Session, frame: Frame, cursor: Cursor, sink: EventSink): FrameWish {
  cursor.skip(4);
  const code = cursor.i32be();
  if (s.firstUs === 0) s.firstUs = frame.startUs;
  switch (code) {
    case wire.CODE_TLS:
      s.awaited = AWAIT_TLS;
      return NEXT;
    case wire.CODE_GSS:
      s.awaited = AWAIT_GSS;
      return NEXT;
    case wire.CODE_CANCEL:
      onCancelRequest(s, cursor, frame.startUs, sink);
      return NEXT;
    default:
      if (code >>> 16 !== 3) return stopOpaque(s, 'unknown-version', frame.startUs, sink);
      onStartup(s, frame, cursor);
      return NEXT;
  }
}

function onStartup(s: Session, frame: Frame, cursor: Cursor): void {
  let user: string | undefined;
  let database: string | undefined;
  let program: string | undefined;
  let replication: boolean | undefined = false;
  while (cursor.peek() > 0) {
    const key = cursor.cstring('utf8');
    const value = cursor.cstring('utf8');
    if (cursor.failed) break;
    if (key === 'user') user = value;
    else if (key === 'database') database = value;
    else if (key === 'application_name') program = value;
    else if (key === 'client_encoding') s.encoding = encodingOf(value);
    else if (key === 'replication') replication = !/^(false|off|no|0)$/i.test(value);
  }
  if (cursor.peek() !== 0) cursor.fail(); // a NUL ends the list
  // What was cut off may have asked for it.
  s.replication = cursor.failed ? undefined : replication;
  s.identify({ user, database: database || user, program: program || undefined });
  s.login = new LoginEvent(s.identity, frame.startUs);
  if (cursor.failed || user === undefined) s.login.marks |= frame.lostBytes > 0 ? MARK_GAP : MARK_MALFORMED;
  s.login.lostBytes += frame.lostBytes;
  s.userUnknown = false;
  s.phase = PHASE_LOGIN;
}

/** The server's one-byte answer to a request for encryption. */
export function onNegotiation(s: Session, frame: Frame, cursor: Cursor, sink: EventSink): FrameWish {
  const answer = cursor.u8();
  const awaited = s.awaited;
  s.awaited = AWAIT_NOTHING;
  if (answer === wire.ANSWER_NO) return NEXT;
  if (awaited === AWAIT_GSS) return stopOpaque(s, 'gss', s.firstUs, sink);
  beginTls(s, frame.startUs);
  return NEXT;
}

function beginTls(s: Session, startUs: number): void {
  // Whatever the client said in the clear behind its request was discarded by the server.
  s.login = undefined;
  s.queue.takeUntil(() => false);
  s.phase = PHASE_TLS;
  s.awaited = AWAIT_NOTHING;
  s.tls ??= new TlsObserver(s.connection.memory);
  if (s.firstUs === 0) s.firstUs = startUs;
}

/** A TLS record of either side, also the first one of a connection that starts with TLS. */
export function onTlsRecord(
  s: Session,
  direction: Direction,
  frame: Frame,
  cursor: Cursor,
  sink: EventSink,
): FrameWish {
  if (s.phase !== PHASE_TLS) beginTls(s, frame.startUs);
  s.tls?.feed(direction, cursor.bytes, cursor.pos, cursor.end);
  return s.tls?.done || frame.type === wire.FRAME_NOT_TLS ? stopOpaque(s, 'tls', s.firstUs, sink) : NEXT;
}

/** Says that nothing more can be read, and why. */
export function stopOpaque(s: Session, reason: string, startUs: number, sink: EventSink): FrameWish {
  s.emitOpaque(reason, startUs, s.tls?.facts, sink);
  return STOP;
}

const METHODS: ReadonlyMap<number, string> = new Map([
  [wire.AUTH_KERBEROS, 'kerberos'],
  [wire.AUTH_CLEARTEXT, 'password'],
  [wire.AUTH_MD5, 'md5'],
  [wire.AUTH_SCM, 'scm'],
  [wire.AUTH_GSS, 'gss'],
  [wire.AUTH_SSPI, 'sspi'],
]);

/** Any Authentication message. */
export function onAuthentication(s: Session, frame: Frame, cursor: Cursor): void {
  cursor.skip(wire.HEADER_BYTES);
  const code = cursor.i32be();
  const login = openLogin(s, frame);
  s.saslOffered = code === wire.AUTH_SASL;
  if (code === wire.AUTH_OK) login.method ??= 'none';
  else if (code === wire.AUTH_SASL) login.method = saslMethod(cursor.cstring('utf8'));
  else login.method ??= METHODS.get(code);
}

/** SASLInitialResponse names the mechanism the client chose; all else in password messages is secret. */
export function onPassword(s: Session, cursor: Cursor): void {
  if (!s.saslOffered || s.login === undefined) return;
  s.saslOffered = false;
  cursor.skip(wire.HEADER_BYTES);
  const mechanism = cursor.cstring('utf8');
  if (!cursor.failed) s.login.method = saslMethod(mechanism);
}

/** A mechanism's registered name (RFC 4422 §3.1), in lower case; anything else might be a secret out of place. */
function saslMethod(mechanism: string): string {
  return /^[A-Z0-9_-]{1,40}$/.test(mechanism) ? mechanism.toLowerCase() : 'sasl';
}

/** The login in progress; opened here when its beginning was not seen. */
function openLogin(s: Session, frame: Frame): LoginEvent {
  if (s.login === undefined) {
    const opened = s.firstUs > 0;
    s.login = new LoginEvent(s.identity, opened ? s.firstUs : frame.startUs);
    if (!opened) s.login.marks |= MARK_MIDSTREAM;
    s.phase = PHASE_LOGIN;
  }
  if (s.login.firstByteUs === 0) s.login.firstByteUs = frame.startUs;
  return s.login;
}

/** ErrorResponse before ReadyForQuery: the login failed. */
export function failLogin(s: Session, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const { code, message } = readError(cursor, s.encoding);
  const login = openLogin(s, frame);
  // Nothing else is expected, except another opening packet where the server did not understand the first.
  s.phase = s.userUnknown ? PHASE_UNKNOWN : PHASE_READY;
  s.awaited = AWAIT_NOTHING;
  login.errorCode = code;
  login.errorText = message;
  emitLogin(s, login, frame.endUs, sink);
}

/** First ReadyForQuery, or a sign that it must have been: the login succeeded. */
export function finishLogin(s: Session, endUs: number, sink: EventSink): void {
  s.phase = PHASE_READY;
  if (s.login === undefined) return;
  s.loggedIn = true;
  emitLogin(s, s.login, endUs, sink);
}

function emitLogin(s: Session, login: LoginEvent, endUs: number, sink: EventSink): void {
  login.identity = s.identity;
  login.endUs = endUs;
  s.login = undefined;
  sink.emit(login);
}

/** ParameterStatus: reported at login and whenever the server's value changes. */
export function onParameterStatus(s: Session, cursor: Cursor): void {
  cursor.skip(wire.HEADER_BYTES);
  const name = cursor.cstring('utf8');
  const value = cursor.cstring(s.encoding);
  if (cursor.failed) return;
  if (name === 'client_encoding') s.encoding = encodingOf(value);
  else if (name === 'application_name') s.identify({ program: value || undefined });
  else if (name === 'session_authorization')
    s.identify({ effectiveUser: value === s.identity.user ? undefined : value });
}
