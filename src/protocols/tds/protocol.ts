/**
 * Tabular Data Stream: Microsoft SQL Server (TDS 7.0 to 8.0) and Sybase ASE (TDS 4.2 and 5.0), with MARS and the TLS
 * inside and around it. What is read and what is not is in the README.
 */
import type { Cursor } from '../../base/cursor.ts';
import {
  type Direction,
  type EventSink,
  type Frame,
  type FrameWish,
  NEXT,
  type ProtocolModule,
} from '../../contracts/protocol.ts';
import { HEADER_BYTES, PACKET_PRELOGIN } from './constants.ts';
import { plausibleFrame, TYPE_SMP, TYPE_TLS, wireFrame } from './frame.ts';
import { LIMITS } from './limits.ts';
import { onTls } from './login.ts';
import { probe } from './probe.ts';
import { TdsSession } from './session.ts';
import { onSmpGap, onSmpPacket } from './smp.ts';

function onFrame(session: TdsSession, direction: Direction, frame: Frame, cursor: Cursor, sink: EventSink): FrameWish {
  switch (frame.type) {
    case TYPE_TLS:
      return onTls(session, direction, cursor.bytes, cursor.pos, cursor.end, false, frame.startUs, sink);
    case TYPE_SMP:
      onSmpPacket(session, direction, frame, cursor, sink);
      return NEXT;
    default:
      if (isWrappedTls(cursor)) {
        const start = cursor.pos + HEADER_BYTES;
        return onTls(session, direction, cursor.bytes, start, cursor.end, true, frame.startUs, sink);
      }
      session.main.packet(direction, frame, cursor, sink);
      return NEXT;
  }
}

/** A record of the TLS handshake inside a PRELOGIN packet; the first option of PRELOGIN itself is numbered 0. */
function isWrappedTls(cursor: Cursor): boolean {
  const { bytes, pos, end } = cursor;
  const first = pos + HEADER_BYTES < end ? (bytes[pos + HEADER_BYTES] as number) : 0;
  return bytes[pos] === PACKET_PRELOGIN && first !== 0 && first !== 0xff;
}

const tds: ProtocolModule<TdsSession> = {
  name: 'tds',
  portHints: [1433, 5000],
  limits: LIMITS,
  systems: ['microsoft.sql_server', 'sybase'],
  probe,
  open: (connection) => new TdsSession(connection),
  frame: (_session, direction, bytes, start, end, out) => wireFrame(direction, bytes, start, end, out),
  plausible: plausibleFrame,
  onFrame,
  onGap: (session, direction, lostBytes, synced, tsUs, sink) => {
    session.main.gap(direction, lostBytes, synced, sink);
    if (session.mars.size > 0) onSmpGap(session, direction, lostBytes, tsUs);
  },
  relieve: (session, all, tsUs, sink) => session.relieve(all, tsUs, sink),
  counters: (session) => ({
    strayFrames: session.strayMessages,
    evictedHandles: session.handles.evicted,
    pendingOverflows: session.pendingOverflows + session.marsOverflows,
    inner: session.marsCounters,
  }),
  onEnd: (session, reason, tsUs, sink) => {
    if (session.isHidden) session.becomeOpaque(tsUs, sink);
    session.end(reason, tsUs, sink);
  },
};

export default tds;
