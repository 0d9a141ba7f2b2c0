/** The packet layer as a module of its own: what the connection's driver reads, or the driver inside compression. */
import type { Cursor } from '../../base/cursor.ts';
import { LoginEvent, MARK_GAP, StatementEvent } from '../../contracts/event.ts';
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
import { LIMITS } from './limits.ts';
import { assumeLogin } from './login.ts';
import { plausiblePacket } from './plausible.ts';
import { onServerPacket } from './replies.ts';
import { onClientPacket, onClientRest } from './requests.ts';
import {
  KIND_AUTH,
  KIND_NONE,
  MysqlSession,
  PHASE_COMMAND,
  PHASE_GREETING,
  PHASE_RESPONSE,
  REPLY_COLUMNS,
  REPLY_COLUMNS_END,
  REPLY_LOST,
  REPLY_PREPARE_DEFINITIONS,
} from './session.ts';

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

/** Packets are missing, or (`synced`) a part of one whose kind is known. */
export function onPacketGap(
  session: MysqlSession,
  direction: Direction,
  lostBytes: number,
  synced: boolean,
  sink: EventSink,
): void {
  const touched = direction === TO_SERVER ? session.pending.at(-1) : session.pending[0];
  if (synced) {
    if (touched?.event) {
      touched.event.marks |= MARK_GAP;
      touched.event.lostBytes += lostBytes;
    }
    return;
  }
  session.gapSeen = true;
  session.doubt = true;
  session.lostBytes += lostBytes;
  if (direction === TO_SERVER) loseRequests(session);
  else loseReplies(session, sink);
}

function loseRequests(session: MysqlSession): void {
  if (session.clientContinues && session.pending.at(-1)?.event) markLast(session);
  session.clientContinues = false;
  session.body = undefined;
  session.infileEnded = true;
  // A lost execution may have changed the types that later ones rely on; lost pieces make a value wrong.
  for (const prepared of session.statements.all()) {
    prepared.types = undefined;
    session.statements.forgetLongData(prepared);
  }
  if (session.phase === PHASE_GREETING || session.phase === PHASE_RESPONSE) {
    session.phase = PHASE_COMMAND;
    session.userUnknown = true;
  }
}

function markLast(session: MysqlSession): void {
  const last = session.pending.at(-1);
  if (last?.event instanceof StatementEvent) last.event.marks |= MARK_GAP;
}

function loseReplies(session: MysqlSession, sink: EventSink): void {
  session.serverContinues = false;
  if (session.phase === PHASE_GREETING) session.phase = PHASE_RESPONSE;
  const head = session.pending[0];
  if (head === undefined) return;
  if (head.kind === KIND_AUTH && head.event instanceof LoginEvent) {
    assumeLogin(session);
    session.finish(MARK_GAP, sink);
    return;
  }
  if (head.event) head.event.marks |= MARK_GAP;
  if (session.pending.filter((p) => p.kind !== KIND_NONE).length > 1) {
    session.goAdrift(sink);
    return;
  }
  const { replyState } = session;
  if (replyState === REPLY_COLUMNS || replyState === REPLY_COLUMNS_END || replyState === REPLY_PREPARE_DEFINITIONS) {
    if (session.outcome) session.outcome.returnedRows = undefined;
    session.replyState = REPLY_LOST;
  }
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
  onEnd: (session, reason, tsUs, sink) => session.end(reason, tsUs, sink),
};
