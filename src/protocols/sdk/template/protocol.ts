/** The protocol as the rest of Wiretrail sees it. Spec: name it here, with its version. */
import {
  type Direction,
  PROBE_CERTAIN,
  PROBE_MORE,
  PROBE_NO,
  type ProbeVerdict,
  type ProtocolModule,
} from '../../../contracts/protocol.ts';
import { FRAME_HEADER_BYTES, frame, MAGIC, TYPE_HELLO } from './frame.ts';
import { Session } from './session.ts';

const template: ProtocolModule<Session> = {
  name: 'template',
  portHints: [],
  systems: ['template'],
  limits: {
    frameBytesMax: 1024 * 1024,
    sqlBytesMax: 256 * 1024,
    valueBytesMax: 4096,
    handlesMax: 4096,
    pendingMax: 4096,
    resyncFrames: 3,
    heldBytesMax: 64 * 1024,
  },
  probe,
  open: (connection) => new Session(connection),
  frame: (_session, _direction, bytes, start, end, out) => frame(bytes, start, end, out),
  onFrame: (session, direction, one, cursor, sink) => session.onFrame(direction, one, cursor, sink),
  onGap: (session, _direction, lostBytes, synced, _tsUs, sink) => session.onGap(lostBytes, synced, sink),
  onEnd: (session, reason, tsUs, sink) => session.onEnd(reason, tsUs, sink),
};

export default template;

/** Certain only when no other protocol could begin like this. */
function probe(bytes: Uint8Array, start: number, end: number, direction: Direction): ProbeVerdict {
  if (direction === 1) return PROBE_MORE;
  if (bytes[start] !== TYPE_HELLO) return PROBE_NO;
  if (end - start < FRAME_HEADER_BYTES + 1) return PROBE_MORE;
  return bytes[start + FRAME_HEADER_BYTES] === MAGIC ? PROBE_CERTAIN : PROBE_NO;
}
