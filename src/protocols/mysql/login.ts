/**
 * The connection phase and COM_CHANGE_USER: greeting, TLS request, login, authentication in any number of rounds.
 * MySQL Internals "Connection Phase". Passwords, scrambles and keys are passed over, never kept.
 */
import type { Cursor } from '../../base/cursor.ts';
import { type Identity, LoginEvent, MARK_GAP } from '../../contracts/event.ts';
import { type Direction, type EventSink, type Frame, type FrameWish, NEXT, STOP } from '../../contracts/protocol.ts';
import { bounded } from '../sdk/session.ts';
import { TlsObserver } from '../sdk/tls.ts';
import { encodingOfCharset } from './charset.ts';
import * as c from './constants.ts';
import {
  type ClientLogin,
  readChangeUser,
  readError,
  readGreeting,
  readHandshakeResponse,
  readOk,
} from './messages.ts';
import { KIND_AUTH, Pending } from './pending.ts';
import { proxiedAddress } from './proxy.ts';
import {
  FRAMING_COMPRESSED,
  FRAMING_UNKNOWN,
  type MysqlSession,
  PHASE_COMMAND,
  PHASE_GREETING,
  PHASE_RESPONSE,
  PHASE_TLS,
} from './session.ts';

/** Payload of the packet that asks for TLS: a login message cut before the user's name. */
const SSL_REQUEST_BYTES = 32;

export function onProxyHeader(session: MysqlSession, cursor: Cursor): void {
  const clientHost = proxiedAddress(cursor.bytes, cursor.pos, cursor.end);
  if (clientHost !== undefined) session.identify({ clientHost });
}

/** The server's first packet; an ERR instead of a greeting is a refused login. */
export function onGreeting(session: MysqlSession, frame: Frame, cursor: Cursor, sink: EventSink): void {
  session.phase = PHASE_RESPONSE;
  if (cursor.peek() === c.REPLY_ERR) {
    const login = new LoginEvent(session.identity, frame.startUs);
    fail(session, login, frame, cursor);
    session.emit(login, sink);
    return;
  }
  const greeting = readGreeting(cursor);
  if (greeting === undefined) return;
  session.identify({ system: greeting.mariadb ? 'mariadb' : 'mysql' });
  session.serverCapabilities = greeting.capabilities;
  session.serverExtendedCapabilities = greeting.extendedCapabilities;
  session.greeted = true;
}

/** The client's first packet after the greeting (or without it, when the server is not heard). */
export function onClientLogin(
  session: MysqlSession,
  frame: Frame,
  cursor: Cursor,
  sequence: number,
  sink: EventSink,
): void {
  const payloadBytes = frame.length - c.HEADER_BYTES;
  if (payloadBytes === SSL_REQUEST_BYTES && asksForTls(cursor)) {
    session.phase = PHASE_TLS;
    session.tlsStartUs = frame.startUs;
    return;
  }
  const login = readHandshakeResponse(cursor);
  session.phase = PHASE_COMMAND;
  if (login === undefined) {
    session.gapSeen = true;
    session.doubt = true;
    session.loginUnseen();
    return;
  }
  agree(session, login);
  session.encoding = login.encoding;
  const event = new LoginEvent(identityOf(session.identity, login), frame.startUs);
  event.method = login.plugin ?? 'mysql_native_password';
  if (frame.lostBytes > 0) {
    event.marks |= MARK_GAP;
    event.lostBytes = frame.lostBytes;
  }
  const pending = new Pending(KIND_AUTH, event, (sequence + 1) & 0xff);
  session.push(pending, frame.available, frame.startUs, sink);
}

function asksForTls(cursor: Cursor): boolean {
  const second = cursor.pos + 1;
  return second < cursor.end && ((cursor.bytes[second] as number) & (c.CLIENT_SSL >> 8)) !== 0;
}

function agree(session: MysqlSession, login: ClientLogin): void {
  const server = session.greeted ? session.serverCapabilities : -1;
  session.capabilities = login.capabilities & server;
  session.extendedCapabilities =
    login.extendedCapabilities & (session.greeted ? session.serverExtendedCapabilities : -1);
  session.capabilitiesKnown = true;
}

function identityOf(before: Identity, login: ClientLogin): Identity {
  const { attributes } = login;
  return bounded({
    system: before.system,
    user: login.user,
    effectiveUser: undefined,
    osUser: attributes.get('_os_user') ?? attributes.get('os_user') ?? before.osUser,
    clientHost: attributes.get('_client_host') ?? before.clientHost,
    program: attributes.get('program_name') ?? attributes.get('_client_name') ?? before.program,
    endUser: undefined,
    database: login.database,
  });
}

/** COM_CHANGE_USER: a login on a connection that has one. The old user stays until the server agrees. */
export function onChangeUser(session: MysqlSession, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const login = readChangeUser(cursor, effectiveCapabilities(session), session.encoding);
  const event = new LoginEvent(login ? identityOf(session.identity, login) : session.identity, frame.startUs);
  event.method = login?.plugin;
  const pending = new Pending(KIND_AUTH, event, (session.clientSequence + 1) & 0xff);
  pending.changesUser = true;
  if (login) pending.encoding = login.encoding;
  session.push(pending, frame.available, frame.startUs, sink);
}

/** Mid-stream, what every client of the last twenty years has. */
function effectiveCapabilities(session: MysqlSession): number {
  return session.capabilitiesKnown
    ? session.capabilities
    : c.CLIENT_SECURE_CONNECTION | c.CLIENT_PLUGIN_AUTH | c.CLIENT_CONNECT_ATTRS;
}

/** A server packet while a login is the first thing waiting. */
export function onAuthReply(
  session: MysqlSession,
  pending: Pending,
  event: LoginEvent,
  frame: Frame,
  cursor: Cursor,
  sink: EventSink,
): void {
  if (!pending.started) event.firstByteUs = frame.startUs;
  pending.started = true;
  event.endUs = frame.endUs;
  switch (cursor.peek()) {
    case c.REPLY_OK:
      succeed(session, pending, event, cursor, sink);
      session.finish(0, sink);
      break;
    case c.REPLY_ERR:
      fail(session, event, frame, cursor);
      session.finish(0, sink);
      break;
    case c.REPLY_EOF:
      cursor.skip(1);
      event.method = cursor.remaining() === 0 ? 'mysql_old_password' : cursor.cstring('latin1');
      break;
    case c.REPLY_NEXT_FACTOR:
      cursor.skip(1);
      event.method = `${event.method ?? ''},${cursor.cstring('latin1')}`;
      break;
    default:
    // More data for the method under way (caching_sha2_password's verdicts, a public key).
  }
}

function succeed(session: MysqlSession, pending: Pending, event: LoginEvent, cursor: Cursor, sink: EventSink): void {
  const ok = readOk(cursor);
  session.loggedIn = true;
  session.userUnknown = false;
  const database = cursor.failed ? undefined : ok.schema;
  session.identity = database === undefined ? event.identity : { ...event.identity, database };
  if (pending.encoding !== undefined) session.encoding = pending.encoding;
  if (!cursor.failed && ok.charset !== undefined) session.encoding = encodingOfCharset(ok.charset);
  if (pending.changesUser) session.dropStatements(sink);
  else startCompression(session);
}

function fail(session: MysqlSession, event: LoginEvent, frame: Frame, cursor: Cursor): void {
  const error = readError(cursor, session.encoding);
  event.errorCode = error.code;
  event.errorText = error.text;
  if (event.firstByteUs === 0) event.firstByteUs = frame.startUs;
  event.endUs = frame.endUs;
}

/** The login's reply was lost: what follows is read as if it had succeeded. */
export function assumeLogin(session: MysqlSession): void {
  const head = session.head;
  if (session.phase === PHASE_GREETING || session.phase === PHASE_RESPONSE) session.phase = PHASE_COMMAND;
  if (head?.event instanceof LoginEvent && !head.changesUser) {
    session.identity = head.event.identity;
    startCompression(session);
  }
}

/** Where the server's flags are not known, its packets tell whether they are compressed. */
function startCompression(session: MysqlSession): void {
  if (session.willCompress()) session.framing = session.greeted ? FRAMING_COMPRESSED : FRAMING_UNKNOWN;
}

export function onTls(session: MysqlSession, direction: Direction, cursor: Cursor, sink: EventSink): FrameWish {
  session.tls ??= new TlsObserver(session.connection.memory);
  session.tls.feed(direction, cursor.bytes, cursor.pos, cursor.end);
  if (!session.tls.done) return NEXT;
  emitOpaque(session, sink);
  return STOP;
}

export function emitOpaque(session: MysqlSession, sink: EventSink): void {
  session.emitOpaque('tls', session.tlsStartUs, session.tls?.facts, sink);
}
