/**
 * Recognition. An opening packet, an Authentication message or an error with its fields is enough to be certain;
 * a single message picked up mid-stream is not, a chain of them is.
 */
import {
  type Direction,
  FRAME_MORE,
  FRAME_OK,
  FrameOut,
  PROBE_BYTES_MAX,
  PROBE_CERTAIN,
  PROBE_MORE,
  PROBE_NO,
  PROBE_UNSURE,
  type ProbeVerdict,
  TO_CLIENT,
} from '../../contracts/protocol.ts';
import { TLS_HANDSHAKE, TLS_HEADER_BYTES } from '../sdk/tls.ts';
import { isOpening, replyFrame, requestFrame } from './frame.ts';
import { looksRight } from './plausible.ts';
import * as wire from './wire.ts';

/** `ProtocolModule.probe`. */
export function probe(bytes: Uint8Array, start: number, end: number, direction: Direction): ProbeVerdict {
  if (start >= end) return PROBE_MORE;
  if (direction === TO_CLIENT) return probeServer(bytes, start, end);
  const first = bytes[start];
  if (first === 0) return probeOpening(bytes, start, end);
  if (first === TLS_HANDSHAKE) return probeTls(bytes, start, end);
  return probeChain(bytes, start, end, direction);
}

function probeServer(bytes: Uint8Array, start: number, end: number): ProbeVerdict {
  const first = bytes[start];
  const answer = first === wire.ANSWER_TLS || first === wire.ANSWER_NO || first === wire.ANSWER_GSS;
  // An answer to a request for encryption; behind it, if anything, what was negotiated.
  if (answer && (end - start === 1 || bytes[start + 1] === TLS_HANDSHAKE)) return PROBE_UNSURE;
  if (first === TLS_HANDSHAKE) return PROBE_UNSURE;
  return probeChain(bytes, start, end, TO_CLIENT);
}

/** Length and code are eight bytes that hardly agree by chance; a start-up packet also begins with a parameter's name. */
function probeOpening(bytes: Uint8Array, start: number, end: number): ProbeVerdict {
  if (end - start < 8) return bytes[start + 1] === 0 || end - start === 1 ? PROBE_MORE : PROBE_NO;
  const length = wire.int32At(bytes, start);
  const code = wire.int32At(bytes, start + 4);
  if (!isOpening(length, code)) return PROBE_NO;
  if (code === wire.CODE_TLS || code === wire.CODE_GSS || code === wire.CODE_CANCEL) return PROBE_CERTAIN;
  if (code === VERSION_2) return length === VERSION_2_BYTES ? PROBE_CERTAIN : PROBE_NO;
  if (code >>> 16 !== 3) return PROBE_NO;
  if (end - start === 8) return length === 8 ? PROBE_UNSURE : PROBE_MORE;
  return isNameByte(bytes[start + 8] as number) ? PROBE_CERTAIN : PROBE_UNSURE;
}

/** StartupPacket of protocol 2.0, which has a fixed size. */
const VERSION_2 = 0x20000;
const VERSION_2_BYTES = 296;

function isNameByte(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f;
}

/** The protocol's ALPN name behind its length byte. */
const ALPN = Buffer.from('\x0apostgresql', 'latin1');

/** Direct TLS is told from all other TLS by the application protocol that the client asks for. */
function probeTls(bytes: Uint8Array, start: number, end: number): ProbeVerdict {
  if (end - start >= 2 && bytes[start + 1] !== 3) return PROBE_NO;
  const shown = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
  if (shown.includes(ALPN)) return PROBE_CERTAIN;
  const whole = end - start >= TLS_HEADER_BYTES && TLS_HEADER_BYTES + wire.uint16At(bytes, start + 3) <= end - start;
  return whole || end - start >= PROBE_BYTES_MAX ? PROBE_NO : PROBE_MORE;
}

const out = new FrameOut();
/** Messages in a row that are believed without a second opinion. */
const CERTAIN_MESSAGES = 3;
/** Longer messages are legal, but then other protocols' bytes are, too. */
const PROBED_LENGTH_MAX = 1 << 24;

function probeChain(bytes: Uint8Array, start: number, end: number, direction: Direction): ProbeVerdict {
  let pos = start;
  let whole = 0;
  while (pos < end) {
    const verdict = direction === TO_CLIENT ? replyFrame(bytes, pos, end, out) : requestFrame(bytes, pos, end, out);
    if (verdict === FRAME_MORE) return whole > 0 ? PROBE_UNSURE : PROBE_MORE;
    if (verdict !== FRAME_OK || out.length > PROBED_LENGTH_MAX) return PROBE_NO;
    const stop = Math.min(end, pos + out.length);
    if (!looksRight(direction, out.type, bytes, pos, stop, out.length)) return PROBE_NO;
    if (stop - pos === out.length) whole++;
    if (whole > 0 && isTelling(direction, out.type, pos - start)) return PROBE_CERTAIN;
    if (whole >= CERTAIN_MESSAGES) return PROBE_CERTAIN;
    pos = stop;
  }
  return PROBE_UNSURE;
}

/** Messages whose inside was checked so closely that one is enough, as the first of a direction. */
function isTelling(direction: Direction, type: number, offset: number): boolean {
  return direction === TO_CLIENT && offset === 0 && (type === wire.AUTHENTICATION || type === wire.ERROR_RESPONSE);
}
