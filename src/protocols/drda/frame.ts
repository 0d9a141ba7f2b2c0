/**
 * Data stream structures (DRDA volume 3, "DSS"): length, 0xD0, format, correlation identifier. One that is longer than
 * 32,767 bytes is continued in segments with a two-byte header; a driver's frame is one segment.
 */
import {
  FRAME_MALFORMED,
  FRAME_MORE,
  FRAME_OK,
  type FrameOut,
  type FrameVerdict,
  PROBE_CERTAIN,
  PROBE_MORE,
  PROBE_NO,
  PROBE_UNSURE,
  type ProbeVerdict,
} from '../../contracts/protocol.ts';
import { TLS_HANDSHAKE, tlsRecordFrame } from '../sdk/tls.ts';
import { DSS_ENCRYPTED_OBJECT, DSS_REQUEST_NO_REPLY, EXCSAT, EXCSATRD, isLegal } from './codepoints.ts';

const DSS_HEADER_BYTES = 6;
const CONTINUATION_HEADER_BYTES = 2;
/** Bit of a segment's length that says another one follows. */
export const CONTINUED = 0x8000;
const MAGIC = 0xd0;
const FIRST_OBJECT_BYTES = DSS_HEADER_BYTES + 4;

/** `Frame.type`. */
export const FRAME_DSS = 1;
export const FRAME_CONTINUATION = 2;
export const FRAME_TLS = 3;

export function frame(
  continued: boolean,
  opening: boolean,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: FrameOut,
): FrameVerdict {
  const there = end - start;
  if (continued) {
    out.need = CONTINUATION_HEADER_BYTES;
    if (there < CONTINUATION_HEADER_BYTES) return FRAME_MORE;
    out.type = FRAME_CONTINUATION;
    out.length = word(bytes, start) & ~CONTINUED;
    return out.length > CONTINUATION_HEADER_BYTES ? FRAME_OK : FRAME_MALFORMED;
  }
  if (opening && bytes[start] === TLS_HANDSHAKE) {
    out.type = FRAME_TLS;
    return tlsRecordFrame(bytes, start, end, out);
  }
  out.need = DSS_HEADER_BYTES;
  if (there >= 3 && bytes[start + 2] !== MAGIC) return FRAME_MALFORMED;
  if (there < DSS_HEADER_BYTES) return FRAME_MORE;
  const type = (bytes[start + 3] as number) & 0x0f;
  if (type < 1 || type > DSS_REQUEST_NO_REPLY || (bytes[start + 3] as number) & 0x80) return FRAME_MALFORMED;
  out.type = FRAME_DSS;
  out.length = word(bytes, start) & ~CONTINUED;
  return out.length >= FIRST_OBJECT_BYTES || type === DSS_ENCRYPTED_OBJECT ? FRAME_OK : FRAME_MALFORMED;
}

/** For resynchronisation: the first object must be one that its sender may send, and fit. */
export function plausible(
  fromClient: boolean,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: FrameOut,
): FrameVerdict {
  if (end - start >= 3 && bytes[start + 2] !== MAGIC) return FRAME_MALFORMED;
  out.need = FIRST_OBJECT_BYTES;
  if (end - start < FIRST_OBJECT_BYTES) return FRAME_MORE;
  const whole = word(bytes, start);
  const format = bytes[start + 3] as number;
  const object = word(bytes, start + DSS_HEADER_BYTES);
  if (!isLegal(fromClient, format & 0x0f, word(bytes, start + DSS_HEADER_BYTES + 2))) return FRAME_MALFORMED;
  if (format & 0x80) return FRAME_MALFORMED;
  // A segmented structure says little about where the next one starts: it is not believed here.
  if (whole & CONTINUED || whole < FIRST_OBJECT_BYTES) return FRAME_MALFORMED;
  if (!(object & CONTINUED) && (object < 4 || object > whole - DSS_HEADER_BYTES)) return FRAME_MALFORMED;
  out.type = FRAME_DSS;
  out.length = whole;
  return FRAME_OK;
}

export function probe(bytes: Uint8Array, start: number, end: number, fromClient: boolean): ProbeVerdict {
  const there = end - start;
  if (bytes[start] === TLS_HANDSHAKE && (there < 2 || bytes[start + 1] === 3)) {
    return there < 2 ? PROBE_MORE : PROBE_UNSURE;
  }
  if (there >= 3 && bytes[start + 2] !== MAGIC) return PROBE_NO;
  if (there < FIRST_OBJECT_BYTES) return PROBE_MORE;
  const format = bytes[start + 3] as number;
  const whole = word(bytes, start) & ~CONTINUED;
  const object = word(bytes, start + DSS_HEADER_BYTES);
  const codePoint = word(bytes, start + DSS_HEADER_BYTES + 2);
  if (format & 0x80 || !isLegal(fromClient, format & 0x0f, codePoint)) return PROBE_NO;
  if (whole < FIRST_OBJECT_BYTES) return PROBE_NO;
  if (!(object & CONTINUED) && (object < 4 || object > whole - DSS_HEADER_BYTES)) return PROBE_NO;
  return codePoint === EXCSAT || codePoint === EXCSATRD || object === whole - DSS_HEADER_BYTES
    ? PROBE_CERTAIN
    : PROBE_UNSURE;
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}
