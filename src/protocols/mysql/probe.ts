/**
 * Recognises the protocol by the first bytes of a direction: certain by a greeting, a refusal or a login; unsure by a
 * command or by a chain of reply packets, as mid-stream shows them.
 */
import {
  type Direction,
  FRAME_MALFORMED,
  FRAME_MORE,
  FRAME_OK,
  FrameOut,
  PROBE_CERTAIN,
  PROBE_MORE,
  PROBE_NO,
  PROBE_UNSURE,
  type ProbeVerdict,
  TO_CLIENT,
  TO_SERVER,
} from '../../contracts/protocol.ts';
import * as c from './constants.ts';
import { probeGreeting, probeLogin } from './opening.ts';
import { plausibleCompressed, plausiblePacket, SHAPE_COMPRESSED, shapeOf } from './plausible.ts';
import { proxyHeader } from './proxy.ts';

const FIRST_SEQUENCE_MAX = 8;

const out = new FrameOut();

export function probe(bytes: Uint8Array, start: number, end: number, direction: Direction): ProbeVerdict {
  if (end - start < c.HEADER_BYTES + 1) return PROBE_MORE;
  return direction === TO_SERVER ? probeClient(bytes, start, end) : probeServer(bytes, start, end);
}

function probeServer(bytes: Uint8Array, start: number, end: number): ProbeVerdict {
  const length = c.u24(bytes, start);
  const payload = start + c.HEADER_BYTES;
  if (bytes[start + 3] === 0) {
    const first = bytes[payload];
    if (first === 10 || first === 9) {
      const verdict = probeGreeting(bytes, payload, end, length, first);
      if (verdict !== PROBE_NO) return verdict;
    }
    return first === c.REPLY_ERR ? probeRefusal(bytes, payload, end, length) : PROBE_NO;
  }
  // What a turn of the server begins with answers a request or a round of the login. (In the X protocol the byte is 0.)
  return (bytes[start + 3] as number) > FIRST_SEQUENCE_MAX ? PROBE_NO : probeChain(bytes, start, end, TO_CLIENT);
}

/** ERR instead of a greeting: too many connections, host blocked or not allowed. Some carry a SQLSTATE. */
function probeRefusal(bytes: Uint8Array, payload: number, end: number, length: number): ProbeVerdict {
  if (length < 4 || length > 1024) return PROBE_NO;
  if (end - payload < 3) return PROBE_MORE;
  const code = (bytes[payload + 1] as number) | ((bytes[payload + 2] as number) << 8);
  if (code < 1000 || code >= 5000) return PROBE_NO;
  const limit = Math.min(end, payload + length);
  for (let at = payload + 3; at < limit; at++) if ((bytes[at] as number) < 0x20) return PROBE_NO;
  if (end > payload + length) return PROBE_NO;
  return end === payload + length ? PROBE_CERTAIN : PROBE_MORE;
}

function probeClient(bytes: Uint8Array, start: number, end: number): ProbeVerdict {
  if (proxyHeader(bytes, start, end) > 0) return PROBE_MORE;
  const length = c.u24(bytes, start);
  if (bytes[start + 3] === 1) {
    const verdict = probeLogin(bytes, start + c.HEADER_BYTES, end, length);
    if (verdict !== PROBE_NO) return verdict;
  }
  return probeChain(bytes, start, end, TO_SERVER);
}

/** All that is there must be packets of the direction, the first of them whole. */
function probeChain(bytes: Uint8Array, start: number, end: number, direction: Direction): ProbeVerdict {
  const compressed = shapeOf(bytes, start, end) === SHAPE_COMPRESSED;
  out.chain = -1;
  let pos = start;
  while (pos < end) {
    out.length = 0;
    const verdict = compressed
      ? plausibleCompressed(bytes, pos, end, out)
      : plausiblePacket(direction, bytes, pos, end, out);
    if (verdict === FRAME_MALFORMED) return PROBE_NO;
    if (verdict === FRAME_MORE) return pos === start ? PROBE_MORE : PROBE_UNSURE;
    if (verdict !== FRAME_OK || out.length < 1) return PROBE_NO;
    pos += out.length;
  }
  return PROBE_UNSURE;
}
