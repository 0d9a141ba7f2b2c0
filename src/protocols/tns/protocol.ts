/** Oracle Net (TNS) and the two-task common protocol (TTC) in it, 9i to 23ai. What is read and what is not: README.md. */
import type { Cursor } from '../../base/cursor.ts';
import { LoginEvent, MARK_GAP, type TlsFacts } from '../../contracts/event.ts';
import {
  type Direction,
  type EventSink,
  type Frame,
  type FrameWish,
  NEXT,
  type ProtocolModule,
  SHORT_BYTES,
  SHORTEST_BYTES,
  STOP,
  TO_CLIENT,
  TO_SERVER,
} from '../../contracts/protocol.ts';
import { TLS_HANDSHAKE } from '../sdk/tls.ts';
import { CIPHER_NAMES, isAno, readAnoReply } from './ano.ts';
import { cancel, forceRequest, onClientData, shortenRequest } from './calls.ts';
import { connectFacts, refusalCode } from './connect.ts';
import * as c from './constants.ts';
import { LIMITS } from './limits.ts';
import { FRAME_TLS, packetFrame, plausiblePacket, probe, tlsFrame } from './packet.ts';
import { forgetRedirect, recallRedirect, rememberRedirect, sinkOf } from './redirect.ts';
import { finishReply, onServerData } from './replies.ts';
import { TnsSession } from './session.ts';

const DESCRIPTOR_BYTES_MAX = 8192;
const REFUSE_TEXT_OFFSET = 12;
const REDIRECT_TEXT_OFFSET = 10;
const ACCEPT_SDU32_OFFSET = 32;
const ACCEPT_FLAGS_OFFSET = 41;
const MARKER_KIND_OFFSET = 10;
const MARKER_RESET = 2;
/** Server name that Oracle's clients put into TLS: the service, and the version of the protocol. */
const SNI_PATTERN = /^S\d+\.(.+)\.V\d+\.\d+$/;

function mayBeTls(session: TnsSession, bytes: Uint8Array, start: number, end: number): boolean {
  if (session.tlsSeen) return true;
  return session.connectStartUs < 0 && start < end && bytes[start] === TLS_HANDSHAKE && !session.connection.midstream;
}

function onFrame(session: TnsSession, direction: Direction, frame: Frame, cursor: Cursor, sink: EventSink): FrameWish {
  const start = cursor.pos;
  const end = cursor.end;
  if (frame.type === FRAME_TLS) return onTls(session, direction, frame, cursor, sink);
  session.lostBytes += frame.lostBytes;
  if (end - start < c.HEADER_BYTES) return NEXT;
  switch (frame.type) {
    case c.PACKET_CONNECT:
      onConnect(session, frame, cursor, sink);
      return NEXT;
    case c.PACKET_ACCEPT:
      onAccept(session, cursor);
      return NEXT;
    case c.PACKET_REFUSE:
      onRefuse(session, frame, cursor.bytes, start + REFUSE_TEXT_OFFSET, end, sink);
      return NEXT;
    case c.PACKET_REDIRECT:
      onRedirect(session, cursor.bytes, start + REDIRECT_TEXT_OFFSET, end, sink);
      return NEXT;
    case c.PACKET_MARKER:
      onMarker(session, direction, cursor, sink);
      return NEXT;
    case c.PACKET_DATA:
      return onData(session, direction, frame, cursor, sink);
    default:
      return NEXT;
  }
}

function onConnect(session: TnsSession, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const { bytes, pos: start, end } = cursor;
  session.userUnknown = false;
  if (session.connectStartUs < 0) session.connectStartUs = frame.startUs;
  cursor.skip(24);
  const length = cursor.u16be();
  const offset = cursor.u16be();
  if (cursor.failed) return;
  if (((bytes[start + 5] as number) & c.FLAG_REDIRECTED) !== 0) recallRedirect(session, sink);
  session.descriptorFollows = offset + length > frame.length;
  if (!session.descriptorFollows) readDescriptor(session, bytes, start + offset, end);
}

function readDescriptor(session: TnsSession, bytes: Uint8Array, start: number, end: number): void {
  if (start >= end) return;
  const facts = connectFacts(descriptorText(bytes, start, end));
  session.identify({
    database: facts.service ?? session.identity.database,
    program: facts.program ?? session.identity.program,
    clientHost: facts.host ?? session.identity.clientHost,
    osUser: facts.osUser ?? session.identity.osUser,
  });
}

function onAccept(session: TnsSession, cursor: Cursor): void {
  const { bytes, pos: start, end } = cursor;
  cursor.skip(c.HEADER_BYTES);
  const version = cursor.u16be();
  cursor.skip(2);
  const sdu = cursor.u16be();
  if (cursor.failed) return;
  session.descriptorFollows = false;
  if (sdu > 0) session.sduBytes = sdu;
  session.large = version >= c.VERSION_LARGE_PACKETS;
  if (!session.large) return;
  const sdu32 = u32(bytes, start + ACCEPT_SDU32_OFFSET, end);
  if (sdu32 > 0) session.sduBytes = sdu32;
  if (version < c.VERSION_ACCEPT_FLAGS) return;
  const flags = u32(bytes, start + ACCEPT_FLAGS_OFFSET, end);
  session.endOfResponse = Math.floor(flags / c.ACCEPT_END_OF_RESPONSE) % 2 === 1;
}

function u32(bytes: Uint8Array, at: number, end: number): number {
  return at + 4 <= end ? new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0) : 0;
}

/** The new address stands in the packet, or in a DATA packet behind it. */
function onRedirect(session: TnsSession, bytes: Uint8Array, start: number, end: number, sink: EventSink): void {
  session.redirectFollows = start >= end && !session.redirectFollows;
  if (session.redirectFollows) return;
  rememberRedirect(session, descriptorText(bytes, Math.min(start, end), end), sink);
}

function descriptorText(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.min(end - start, DESCRIPTOR_BYTES_MAX)).toString();
}

/** A refusal is a failed login, although nobody has said yet who would log in. */
function onRefuse(
  session: TnsSession,
  frame: Frame,
  bytes: Uint8Array,
  start: number,
  end: number,
  sink: EventSink,
): void {
  if (start >= end && session.refusalStartUs < 0) {
    session.refusalStartUs = frame.startUs; // its text comes in a DATA packet
    return;
  }
  session.refusalStartUs = -1;
  const text = descriptorText(bytes, Math.min(start, end), end);
  const event = new LoginEvent(session.identity, session.connectStartUs < 0 ? frame.startUs : session.connectStartUs);
  event.firstByteUs = frame.startUs;
  event.endUs = frame.endUs;
  event.errorCode = refusalCode(text) ?? 'refused';
  event.errorText = text;
  session.emit(event, sink);
}

/** Break and reset: what was half said is void, the call is not. */
function onMarker(session: TnsSession, direction: Direction, cursor: Cursor, sink: EventSink): void {
  const kind = cursor.pos + MARKER_KIND_OFFSET < cursor.end ? cursor.bytes[cursor.pos + MARKER_KIND_OFFSET] : 0;
  if (direction === TO_CLIENT) {
    forceRequest(session, false, sink);
    session.reply.interrupt();
    session.serverBroke = kind !== MARKER_RESET || session.serverBroke;
  } else if (kind === MARKER_RESET) {
    session.serverBroke = false;
  } else if (!session.serverBroke) cancel(session);
}

function onData(session: TnsSession, direction: Direction, frame: Frame, cursor: Cursor, sink: EventSink): FrameWish {
  const { bytes, pos: start } = cursor;
  if (cursor.remaining() < c.DATA_HEADER_BYTES) return NEXT;
  const flags = ((bytes[start + 8] as number) << 8) | (bytes[start + 9] as number);
  const payload = start + c.DATA_HEADER_BYTES;
  if (isAno(bytes, payload, cursor.end)) return onAno(session, direction, frame, bytes, payload, cursor.end, sink);
  const end = Math.max(payload, cursor.end - (frame.truncated ? 0 : session.macBytes));
  if ((flags & c.DATA_COMPRESSED) !== 0) return opaque(session, 'compression', frame.startUs, sink);
  if (direction === TO_SERVER && session.descriptorFollows) {
    session.descriptorFollows = false;
    readDescriptor(session, bytes, payload, end);
  } else if (direction === TO_CLIENT && session.redirectFollows) {
    onRedirect(session, bytes, payload, end, sink);
  } else if (direction === TO_CLIENT && session.refusalStartUs >= 0) {
    onRefuse(session, frame, bytes, payload, end, sink);
  } else if (direction === TO_SERVER) {
    if (payload < end) onClientData(session, frame, flags, bytes, payload, end, sink);
    if ((flags & c.DATA_EOF) !== 0) onEof(session, frame.startUs, sink);
  } else if (payload < end) {
    forceRequest(session, false, sink);
    onServerData(session, frame, flags, bytes, payload, end, sink);
  }
  return NEXT;
}

/** The client closes; an answer to its logoff does not always come. */
function onEof(session: TnsSession, tsUs: number, sink: EventSink): void {
  finishReply(session, true, sink);
  session.flush(0, sink);
  session.releaseHeldLogin(sink);
  session.logout('quit', tsUs, sink);
}

function onAno(
  session: TnsSession,
  direction: Direction,
  frame: Frame,
  bytes: Uint8Array,
  start: number,
  end: number,
  sink: EventSink,
): FrameWish {
  if (direction === TO_SERVER) return NEXT;
  const choice = readAnoReply(bytes, start, end);
  if (choice.cipher !== 0) {
    const cipher = CIPHER_NAMES.get(choice.cipher) ?? String(choice.cipher);
    return opaque(session, 'native-encryption', frame.startUs, sink, { cipher });
  }
  if (choice.macBytes > 0) session.macBytes = choice.macBytes;
  return NEXT;
}

function opaque(
  session: TnsSession,
  reason: string,
  tsUs: number,
  sink: EventSink,
  facts: TlsFacts | undefined = session.tlsSeen ? session.tls.facts : undefined,
): FrameWish {
  session.flush(0, sink);
  const service = SNI_PATTERN.exec(facts?.sni ?? '')?.[1];
  if (service !== undefined) session.identify({ database: service });
  const startUs = session.connectStartUs < 0 ? tsUs : session.connectStartUs;
  session.emitOpaque(reason, startUs, facts, sinkOf(session, sink));
  forgetRedirect(session, sink);
  return STOP;
}

function onTls(session: TnsSession, direction: Direction, frame: Frame, cursor: Cursor, sink: EventSink): FrameWish {
  if (!session.tlsSeen) session.tlsStartUs = frame.startUs;
  session.tlsSeen = true;
  session.tls.feed(direction, cursor.bytes, cursor.pos, cursor.end);
  return session.tls.done ? opaque(session, 'tls', session.tlsStartUs, sink) : NEXT;
}

const tns: ProtocolModule<TnsSession> = {
  name: 'tns',
  portHints: [1521, 1522, 1526, 2484],
  limits: LIMITS,
  systems: ['oracle.db'],
  probe,
  open: (connection) => new TnsSession(connection),
  frame: (session, direction, bytes, start, end, out) => {
    if (mayBeTls(session, bytes, start, end)) return tlsFrame(bytes, start, end, out);
    // What follows a hole in a reply still holds its status.
    out.rest = direction === TO_CLIENT;
    return packetFrame(session.large, bytes, start, end, out);
  },
  plausible: (session, direction, bytes, start, end, out) =>
    session.tlsSeen
      ? tlsFrame(bytes, start, end, out)
      : plausiblePacket(session.large, direction, bytes, start, end, out),
  onFrame,
  onRest: (session, direction, bytes, start, end) => {
    if (direction === TO_CLIENT && session.reply.wireBytes > 0) session.reply.append(bytes, start, end);
  },
  onGap: (session, direction, lostBytes, synced, _tsUs, sink) => {
    session.lostBytes += lostBytes;
    if (direction === TO_SERVER) {
      // A call may be missing, whose reply must not be taken for that of one before it. In the round after an error
      // only the client's marker can be.
      if (!session.serverBroke) session.doubt = true;
      forceRequest(session, true, sink);
    } else {
      session.reply.holed = true;
      if (!synced) session.repliesLost = true;
      // With several replies outstanding, none can be told from the next.
      if (session.pending.length > 1) session.flush(MARK_GAP, sink);
    }
  },
  relieve: (session, all, _tsUs, sink) => {
    session.tls.relieve();
    shortenRequest(session, all ? SHORTEST_BYTES : SHORT_BYTES);
    if (all) session.relieve(sink);
  },
  counters: (session) => ({
    strayFrames: session.strayMessages,
    evictedHandles: session.cursors.evicted,
    pendingOverflows: session.pendingOverflows,
  }),
  onEnd: (session, reason, tsUs, sink) => {
    if (session.tlsSeen) opaque(session, 'tls', session.tlsStartUs, sink);
    else {
      forceRequest(session, false, sink);
      finishReply(session, true, sink);
      session.end(reason, tsUs, sink);
      forgetRedirect(session, sink);
    }
  },
};

export default tns;
