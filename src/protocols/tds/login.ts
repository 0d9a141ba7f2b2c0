/** The login: PRELOGIN, TLS inside it, LOGIN7 or the record of TDS 4.2 and 5.0, SSPI, LOGINACK. MS-TDS §2.2.6. */
import type { Cursor } from '../../base/cursor.ts';
import { LoginEvent, MARK_GAP, MARK_MALFORMED } from '../../contracts/event.ts';
import {
  type Direction,
  type EventSink,
  type FrameWish,
  NEXT,
  STOP,
  TO_CLIENT,
  TO_SERVER,
} from '../../contracts/protocol.ts';
import type { Message } from './assembly.ts';
import type { Channel } from './channel.ts';
import { encodingOfCharset } from './collation.ts';
import { ENCRYPT_ON, ENCRYPT_REQUIRED, ENCRYPT_UNKNOWN, PACKET_SSPI } from './constants.ts';
import { readLogin7, readOldLogin, readPreloginEncryption, readSecurityBlob } from './login-messages.ts';
import { KIND_LOGIN, KIND_PRELOGIN, Pending } from './pending.ts';
import type { TdsSession } from './session.ts';

/** TLS records inside a PRELOGIN packet. */
const TLS_RECORD_FIRST = 0x14;
const TLS_RECORD_LAST = 0x17;

export function onPrelogin(channel: Channel, message: Message, sink: EventSink): void {
  const { session } = channel;
  if (session.loginStartUs < 0) session.loginStartUs = message.startUs;
  const first = message.bytes[message.start] ?? 0;
  if (first >= TLS_RECORD_FIRST && first <= TLS_RECORD_LAST) return;
  channel.push(new Pending(KIND_PRELOGIN, undefined), sink);
}

/** The server's options; or, in TLS, nothing that is not observed already. */
export function onPreloginReply(session: TdsSession, cursor: Cursor): void {
  const encryption = readPreloginEncryption(cursor);
  if (encryption >= 0) session.encryption = encryption;
}

/** Bytes of TLS, inside PRELOGIN packets or bare. `wrapped`: the former, which only the handshake is. */
export function onTls(
  session: TdsSession,
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  wrapped: boolean,
  tsUs: number,
  sink: EventSink,
): FrameWish {
  if (session.tlsStartUs < 0) session.tlsStartUs = session.loginStartUs < 0 ? tsUs : session.loginStartUs;
  session.tls.feed(direction, bytes, start, end);
  session.tlsWrapped ||= wrapped;
  if (isHidden(session, direction, bytes[start] ?? 0, wrapped)) {
    session.becomeOpaque(tsUs, sink);
    return STOP;
  }
  if (isLoginOnly(session.encryption) && !wrapped && direction === TO_SERVER) encryptedLogin(session, tsUs, sink);
  return NEXT;
}

/** Whether everything to come is in TLS, and what is worth knowing of the handshake has been read. */
function isHidden(session: TdsSession, direction: Direction, recordType: number, wrapped: boolean): boolean {
  const serverSpeaks = !wrapped && direction === TO_CLIENT;
  if (isFull(session.encryption)) return session.tls.done || serverSpeaks;
  if (isLoginOnly(session.encryption)) return false;
  // The answer of PRELOGIN was lost: a server that still speaks in TLS after the handshake will to the end.
  return session.tlsWrapped ? serverSpeaks && recordType === TLS_RECORD_LAST : session.tls.done;
}

function isFull(encryption: number): boolean {
  return encryption === ENCRYPT_ON || encryption === ENCRYPT_REQUIRED;
}

function isLoginOnly(encryption: number): boolean {
  return encryption !== ENCRYPT_UNKNOWN && !isFull(encryption);
}

/** The client's login inside TLS; what follows is in the clear again. */
function encryptedLogin(session: TdsSession, tsUs: number, sink: EventSink): void {
  if (session.loginEncrypted) return;
  session.loginEncrypted = true;
  const event = new LoginEvent(session.identity, session.loginStartUs < 0 ? tsUs : session.loginStartUs);
  event.method = 'encrypted';
  session.main.beginRequest(false, sink);
  session.main.push(new Pending(KIND_LOGIN, event), sink);
}

export function onLogin7(channel: Channel, message: Message, sink: EventSink): void {
  const { session } = channel;
  const login = readLogin7(message.bytes, message.start, message.end);
  if (session.loginStartUs < 0) session.loginStartUs = message.startUs;
  if (login !== undefined) {
    session.dialect.setVersion(login.version);
    const { user, clientHost, program, database } = login;
    session.identify({ system: 'microsoft.sql_server', user, clientHost, program, database });
    session.userUnknown = false;
  }
  pushLogin(channel, message, login, sink);
}

/** The login waits for the server's answer. `login`: what the message says; `undefined` when it makes no sense. */
function pushLogin(
  channel: Channel,
  message: Message,
  login: { readonly method: string } | undefined,
  sink: EventSink,
): void {
  const { session } = channel;
  const event = new LoginEvent(session.identity, session.loginStartUs);
  event.method = login?.method;
  if (message.isBroken) event.marks |= MARK_GAP;
  else if (login === undefined) event.marks |= MARK_MALFORMED;
  event.lostBytes = message.lostBytes;
  channel.push(new Pending(KIND_LOGIN, event), sink);
}

/** A further message of an integrated login; NTLM names the user in its last. */
export function onSspi(channel: Channel, message: Message, sink: EventSink): void {
  const { session } = channel;
  const head = channel.pending[0];
  let event = head?.kind === KIND_LOGIN && head.event?.kind === 'login' ? head.event : undefined;
  if (event === undefined) {
    event = new LoginEvent(session.identity, message.startUs);
    channel.push(new Pending(KIND_LOGIN, event), sink);
  }
  if (message.type !== PACKET_SSPI) return;
  const blob = readSecurityBlob(message.bytes, message.start, message.end);
  event.method = blob.method;
  if (blob.user !== undefined) session.identify({ user: blob.user });
  if (blob.host !== undefined && session.identity.clientHost === undefined) session.identify({ clientHost: blob.host });
  event.identity = session.identity;
}

export function onOldLogin(channel: Channel, message: Message, sink: EventSink): void {
  const { session } = channel;
  const login = readOldLogin(message.bytes, message.start, message.end);
  session.dialect.setSybase();
  if (session.loginStartUs < 0) session.loginStartUs = message.startUs;
  if (login !== undefined) {
    session.dialect.bigEndian = login.bigEndian;
    if (login.charset !== undefined) session.dialect.encoding = encodingOfCharset(login.charset);
    const { user, clientHost, program } = login;
    session.identify({ system: 'sybase', user, clientHost, program });
    session.userUnknown = false;
  }
  pushLogin(channel, message, login, sink);
}

const SYBASE_LOGIN_SUCCEEDED = 5;
const SYBASE_LOGIN_NEGOTIATES = 7;

/** LOGINACK (§2.2.7.14): the server agrees, and says which version is spoken. */
export function onLoginAck(channel: Channel, cursor: Cursor): void {
  const { session } = channel;
  const { dialect } = session;
  const status = cursor.u8();
  const version = cursor.u32be();
  if (cursor.failed) return;
  const major = version >>> 24;
  if (major === 4 || major === 5) {
    dialect.setSybase();
    const server = cursor.text(cursor.u8(), 'latin1');
    session.identify({ system: /microsoft/i.test(server) ? 'microsoft.sql_server' : 'sybase' });
    if (status === SYBASE_LOGIN_NEGOTIATES) return;
    if (status !== SYBASE_LOGIN_SUCCEEDED && major === 5) return;
  } else {
    dialect.setVersion(version);
  }
  session.loggedIn = true;
}

/** The reply to a login message is over. It may only ask for more: a challenge, a token, a negotiation. */
export function endLogin(channel: Channel, pending: Pending, whole: boolean, sink: EventSink): void {
  const { session } = channel;
  const event = pending.event;
  if (event?.kind !== 'login') return;
  if (event.firstByteUs === 0) event.firstByteUs = channel.reader.startUs;
  const failed = event.errorCode !== undefined;
  if (whole && !failed && !session.loggedIn) return;
  event.endUs = channel.reader.endUs;
  event.identity = session.identity;
  if (failed) session.loggedIn = false;
  channel.finish(0, sink);
}
