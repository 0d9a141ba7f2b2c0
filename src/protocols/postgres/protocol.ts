/** The PostgreSQL protocol module: frontend/backend protocol 3.0 and 3.2. See README.md. */
import type { Cursor } from '../../base/cursor.ts';
import {
  type ConnectionInfo,
  type Direction,
  type EventSink,
  type Frame,
  type FrameWish,
  NEXT,
  type ProtocolModule,
  TO_SERVER,
} from '../../contracts/protocol.ts';
import { frame } from './frame.ts';
import { LIMITS } from './limits.ts';
import { onNegotiation, onTlsRecord, onUntyped } from './login.ts';
import { onEnd, onGap } from './loss.ts';
import { plausible } from './plausible.ts';
import { probe } from './probe.ts';
import { onReply } from './replies.ts';
import { onRequest } from './requests.ts';
import { endTail, relieve, Session } from './session.ts';
import * as wire from './wire.ts';

const postgres: ProtocolModule<Session> = {
  name: 'postgres',
  portHints: [5432, 6432],
  limits: LIMITS,
  systems: ['postgresql'],
  probe,
  open: (connection: ConnectionInfo): Session => new Session(connection),
  frame,
  plausible,
  onFrame,
  onRest,
  onGap,
  relieve: (session, all, _tsUs, sink) => {
    session.tls?.relieve();
    if (all) relieve(session, sink);
  },
  counters: (session) => ({
    strayFrames: session.strayFrames,
    evictedHandles: session.statements.evicted + session.portals.evicted,
    pendingOverflows: session.pendingOverflows,
  }),
  onEnd,
};

function onFrame(session: Session, direction: Direction, header: Frame, cursor: Cursor, sink: EventSink): FrameWish {
  switch (header.type) {
    case wire.FRAME_UNTYPED:
      return onUntyped(session, header, cursor, sink);
    case wire.FRAME_NEGOTIATION:
      return onNegotiation(session, header, cursor, sink);
    case wire.FRAME_TLS_RECORD:
    case wire.FRAME_NOT_TLS:
      return onTlsRecord(session, direction, header, cursor, sink);
    default:
      if (direction === TO_SERVER) onRequest(session, header, cursor, sink);
      else onReply(session, header, cursor, sink);
      return NEXT;
  }
}

function onRest(
  session: Session,
  _direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  done: boolean,
): void {
  session.tail?.feed(bytes, start, end);
  if (done) endTail(session, true);
}

export default postgres;
