/** The packet layer as a module of its own: what the connection's driver reads, or the driver inside compression. */
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
import { packetFrame } from './frame.ts';
import { onPacketGap } from './gaps.ts';
import { LIMITS } from './limits.ts';
import { plausiblePacket } from './plausible.ts';
import { onServerPacket } from './replies.ts';
import { onClientPacket, onClientRest } from './requests.ts';
import { MysqlSession } from './session.ts';

export function onPacket(
  session: MysqlSession,
  direction: Direction,
  frame: Frame,
  cursor: Cursor,
  sink: EventSink,
): FrameWish {
  if (direction === TO_SERVER) onClientPacket(session, frame, cursor, sink);
  else onServerPacket(session, frame, cursor, sink);
  return NEXT;
}

export function onPacketRest(
  session: MysqlSession,
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  done: boolean,
): void {
  if (direction === TO_SERVER) onClientRest(session, bytes, start, end, done);
}

export const packetModule: ProtocolModule<MysqlSession> = {
  name: 'mysql',
  portHints: [],
  limits: LIMITS,
  systems: ['mysql', 'mariadb'],
  probe: () => 0,
  open: (connection: ConnectionInfo) => new MysqlSession(connection),
  frame: packetFrame,
  plausible: (_session, direction, bytes, start, end, out) => plausiblePacket(direction, bytes, start, end, out),
  onFrame: onPacket,
  onRest: onPacketRest,
  onGap: (session, direction, lostBytes, synced, _tsUs, sink) =>
    onPacketGap(session, direction, lostBytes, synced, sink),
  relieve: (session, all, _tsUs, sink) => {
    if (all) session.relieve(sink);
  },
  onEnd: (session, reason, tsUs, sink) => session.end(reason, tsUs, sink),
};
