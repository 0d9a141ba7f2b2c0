/**
 * MARS: several conversations on one connection, in packets of MC-SMP §2.2.1. Each has its own requests and replies; the
 * login, the handles and the database belong to the connection.
 */
import type { Cursor } from '../../base/cursor.ts';
import {
  type Direction,
  END_UNSEEN,
  type EventSink,
  type Frame,
  NEXT,
  PROBE_NO,
  type ProtocolModule,
} from '../../contracts/protocol.ts';
import { newDriverCounters } from '../sdk/counters.ts';
import { Driver } from '../sdk/driver.ts';
import { FrameWindow } from '../sdk/window.ts';
import { Channel } from './channel.ts';
import { SMP_DATA, SMP_FIN, SMP_HEADER_BYTES } from './constants.ts';
import { packetFrame, plausiblePacket } from './frame.ts';
import { LIMITS, MARS_SESSION_BYTES, MARS_SESSIONS_MAX } from './limits.ts';
import type { Multiplexed, TdsSession } from './session.ts';

/** TDS packets of one MARS session. */
const packets: ProtocolModule<Channel> = {
  name: 'tds',
  portHints: [],
  limits: LIMITS,
  systems: ['microsoft.sql_server'],
  probe: () => PROBE_NO,
  open: () => {
    throw new RangeError('a MARS session is opened by its connection');
  },
  frame: (_channel, direction, bytes, start, end, out) => packetFrame(direction, bytes, start, end, out),
  plausible: (channel, direction, bytes, start, end, out) =>
    plausiblePacket(channel.session, direction, bytes, start, end, out),
  onFrame: (channel, direction, frame, cursor, sink) => {
    channel.packet(direction, frame, cursor, sink);
    return NEXT;
  },
  onGap: (channel, direction, lostBytes, synced, _tsUs, sink) => channel.gap(direction, lostBytes, synced, sink),
  relieve: (channel, all, _tsUs, sink) => channel.relieve(all, sink),
  onEnd: (channel, _reason, _tsUs, sink) => channel.end(sink),
};

class MarsSession implements Multiplexed {
  readonly channel: Channel;
  readonly driver: Driver<Channel>;
  /** Sides that sent FIN. */
  finished = 0;

  constructor(session: TdsSession, sink: EventSink) {
    this.channel = new Channel(session);
    session.marsCounters ??= newDriverCounters();
    const { marsCounters, gapSeen, connection } = session;
    this.driver = new Driver(packets, this.channel, sink, marsCounters, gapSeen, new FrameWindow(), connection.memory);
  }

  relieve(all: boolean, tsUs: number): void {
    this.driver.relieve(all, tsUs);
  }

  end(reason: 0 | 1 | 2, tsUs: number): void {
    this.driver.end(reason, tsUs);
  }
}

/** An SMP packet; the cursor stands at its header. */
export function onSmpPacket(
  session: TdsSession,
  direction: Direction,
  frame: Frame,
  cursor: Cursor,
  sink: EventSink,
): void {
  cursor.skip(1);
  const flag = cursor.u8();
  const id = cursor.u16le();
  cursor.skip(SMP_HEADER_BYTES - 4);
  let mars = session.mars.get(id) as MarsSession | undefined;
  if (mars === undefined) {
    if (flag === SMP_FIN) return;
    if (session.mars.size >= MARS_SESSIONS_MAX) {
      session.marsOverflows++;
      return;
    }
    mars = new MarsSession(session, sink);
    session.mars.set(id, mars);
    session.connection.memory.add(MARS_SESSION_BYTES);
  }
  if (flag === SMP_DATA) {
    mars.driver.data(direction, cursor.bytes, cursor.pos, cursor.end, frame.endUs);
    if (frame.lostBytes > 0) mars.driver.gap(direction, frame.lostBytes, frame.endUs);
    else if (frame.truncated) mars.driver.gap(direction, frame.length - frame.available, frame.endUs);
  } else if (flag === SMP_FIN) {
    mars.finished |= 1 << direction;
    if (mars.finished !== 3) return;
    mars.end(END_UNSEEN, frame.endUs);
    session.mars.delete(id);
    session.connection.memory.add(-MARS_SESSION_BYTES);
  }
}

/** Bytes of the connection are missing: they may have been of any session. */
export function onSmpGap(session: TdsSession, direction: Direction, lostBytes: number, tsUs: number): void {
  for (const mars of session.mars.values()) (mars as MarsSession).driver.gap(direction, Math.max(1, lostBytes), tsUs);
}
