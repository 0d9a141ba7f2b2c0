/**
 * MySQL and MariaDB client/server protocol, and the TLS, compression and PROXY headers around it. What is read and what
 * is not is in the README.
 */
import type { Cursor } from '../../base/cursor.ts';
import {
  type Direction,
  type EventSink,
  type Frame,
  type FrameOut,
  type FrameVerdict,
  type FrameWish,
  NEXT,
  type ProtocolModule,
  TO_CLIENT,
  TO_SERVER,
  type WaitingRequests,
} from '../../contracts/protocol.ts';
import { CompressedLayer } from './compress.ts';
import { COM_QUERY, HEADER_BYTES, u24 } from './constants.ts';
import { mayBeCompressed, TYPE_COMPRESSED, TYPE_PROXY, TYPE_TLS, tlsFrame, wireFrame } from './frame.ts';
import { onPacketGap } from './gaps.ts';
import { LIMITS } from './limits.ts';
import { emitOpaque, onProxyHeader, onTls } from './login.ts';
import { onPacket, onPacketRest, packetModule } from './packets.ts';
import { plausibleCompressed, plausiblePacket, SHAPE_PLAIN, shapeOf } from './plausible.ts';
import { probe } from './probe.ts';
import { FRAMING_COMPRESSED, FRAMING_PLAIN, FRAMING_UNKNOWN, MysqlSession, PHASE_TLS } from './session.ts';

function plausible(
  session: MysqlSession,
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: FrameOut,
): FrameVerdict {
  if (session.phase === PHASE_TLS) return tlsFrame(start, end, out);
  const compressed =
    session.framing === FRAMING_COMPRESSED ||
    (mayBeCompressed(session, direction) && shapeOf(bytes, start, end) !== SHAPE_PLAIN);
  if (compressed) return plausibleCompressed(bytes, start, end, out);
  return plausiblePacket(direction, bytes, start, end, out);
}

function onFrame(
  session: MysqlSession,
  direction: Direction,
  frame: Frame,
  cursor: Cursor,
  sink: EventSink,
): FrameWish {
  switch (frame.type) {
    case TYPE_TLS:
      return onTls(session, direction, cursor, sink);
    case TYPE_PROXY:
      onProxyHeader(session, cursor);
      return NEXT;
    case TYPE_COMPRESSED:
      if (session.framing === FRAMING_PLAIN) {
        // What was taken for plain packets was the inside of compressed ones.
        onPacketGap(session, TO_SERVER, 0, false, sink);
        onPacketGap(session, TO_CLIENT, 0, false, sink);
      }
      session.framing = FRAMING_COMPRESSED;
      session.layer ??= new CompressedLayer(packetModule, session, sink);
      session.layer.packet(direction, frame, cursor);
      return NEXT;
    default:
      if (session.framing === FRAMING_UNKNOWN && direction === TO_SERVER) settleFraming(session, cursor);
      return onPacket(session, direction, frame, cursor, sink);
  }
}

/**
 * A command in the clear, and then another: so is the connection. One is not enough, it may be the inside of a
 * compressed packet whose header was not captured; the server's packets are not, since login replies are always plain.
 */
function settleFraming(session: MysqlSession, cursor: Cursor): void {
  if (cursor.bytes[cursor.pos + 3] !== 0) return;
  if (session.plainCommandSeen) session.framing = FRAMING_PLAIN;
  session.plainCommandSeen = true;
}

/** COM_QUERY in one packet: nothing comes of it before the server answers. */
const requests: WaitingRequests<MysqlSession> = {
  isIdle: (session) => session.isIdle(),
  isRequest: (bytes, start, end) =>
    end - start > HEADER_BYTES &&
    u24(bytes, start) === end - start - HEADER_BYTES &&
    bytes[start + 3] === 0 &&
    bytes[start + HEADER_BYTES] === COM_QUERY,
};

const mysql: ProtocolModule<MysqlSession> = {
  name: 'mysql',
  portHints: [3306],
  limits: LIMITS,
  systems: ['mysql', 'mariadb'],
  probe,
  open: (connection) => new MysqlSession(connection),
  frame: wireFrame,
  plausible,
  onFrame,
  onRest: (session, direction, bytes, start, end, done) => {
    if (session.layer) session.layer.rest(direction, bytes, start, end);
    else onPacketRest(session, direction, bytes, start, end, done);
  },
  onGap: (session, direction, lostBytes, synced, tsUs, sink) => {
    if (session.layer) session.layer.gap(direction, lostBytes, synced, tsUs);
    else onPacketGap(session, direction, lostBytes, synced, sink);
  },
  requests,
  relieve: (session, all, tsUs, sink) => {
    session.tls?.relieve();
    if (session.layer) session.layer.driver.relieve(all, tsUs);
    else if (all) session.relieve(sink);
  },
  counters: (session) => ({
    strayFrames: session.strayFrames,
    evictedHandles: session.statements.evicted,
    pendingOverflows: session.pendingOverflows,
    inner: session.layer?.counters,
  }),
  onEnd: (session, reason, tsUs, sink) => {
    if (session.phase === PHASE_TLS) emitOpaque(session, sink);
    // Ends the search of the inner driver first, which may still find packets; both drivers share the session.
    if (session.layer) session.layer.driver.end(reason, tsUs);
    else session.end(reason, tsUs, sink);
  },
};

export default mysql;
