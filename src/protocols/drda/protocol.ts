/** The DRDA protocol module: DB2 (LUW, z/OS, i) and Apache Derby's network server. See README.md. */
import type { Cursor } from '../../base/cursor.ts';
import {
  type ConnectionInfo,
  type Direction,
  type EventSink,
  FRAME_MALFORMED,
  type Frame,
  type FrameWish,
  NEXT,
  type ProtocolModule,
  STOP,
  TO_SERVER,
} from '../../contracts/protocol.ts';
import { TlsObserver } from '../sdk/tls.ts';
import { onSegment } from './dss.ts';
import { FRAME_TLS, frame, plausible, probe } from './frame.ts';
import { LIMITS } from './limits.ts';
import { onEnd, onGap, relieve } from './loss.ts';
import { Session } from './session.ts';

const drda: ProtocolModule<Session> = {
  name: 'drda',
  portHints: [446, 448, 1527, 50000, 50001],
  limits: LIMITS,
  systems: ['ibm.db2', 'derby'],
  probe: (bytes, start, end, direction) => probe(bytes, start, end, direction === TO_SERVER),
  open: (connection: ConnectionInfo): Session => new Session(connection),
  frame: (s, direction, bytes, start, end, out) =>
    frame(s.lanes[direction].continued, !s.started, bytes, start, end, out),
  plausible: (s, direction, bytes, start, end, out) =>
    s.tls ? FRAME_MALFORMED : plausible(direction === TO_SERVER, bytes, start, end, out),
  onFrame,
  onGap,
  relieve,
  // Replies that answer no request are ignored.
  counters: (s) => ({
    strayFrames: 0,
    evictedHandles: s.statements.evicted,
    pendingOverflows: s.pendingOverflows,
  }),
  onEnd,
};

export default drda;

function onFrame(s: Session, direction: Direction, header: Frame, cursor: Cursor, sink: EventSink): FrameWish {
  if (header.type === FRAME_TLS) return onTls(s, direction, header, cursor, sink);
  if (s.tls) return stopOpaque(s, sink);
  s.started = true;
  onSegment(s, direction, header, cursor, sink);
  return NEXT;
}

function onTls(s: Session, direction: Direction, header: Frame, cursor: Cursor, sink: EventSink): FrameWish {
  if (s.tls === undefined) {
    s.tls = new TlsObserver(s.connection.memory);
    s.firstUs = header.startUs;
  }
  s.tls.feed(direction, cursor.bytes, cursor.pos, cursor.end);
  return s.tls.done ? stopOpaque(s, sink) : NEXT;
}

function stopOpaque(s: Session, sink: EventSink): FrameWish {
  s.emitOpaque('tls', s.firstUs, s.tls?.facts, sink);
  return STOP;
}
