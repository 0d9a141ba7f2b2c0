/** What a module says of the frame at a place, made safe for a driver: lengths and needs are positive and finite. */
import {
  type Direction,
  FRAME_MALFORMED,
  FRAME_MORE,
  FRAME_OK,
  type FrameOut,
  type FrameVerdict,
  type ProtocolLimits,
  type ProtocolModule,
} from '../../contracts/protocol.ts';

/** `module.frame` for `bytes[pos, end)`; fills `out`. */
export function measure<S>(
  module: ProtocolModule<S>,
  session: S,
  direction: Direction,
  bytes: Uint8Array,
  pos: number,
  end: number,
  out: FrameOut,
): FrameVerdict {
  out.length = 0;
  out.type = 0;
  out.need = 0;
  out.want = 0;
  out.rest = false;
  const verdict = module.frame(session, direction, bytes, pos, end, out);
  if (verdict === FRAME_OK) return out.length >= 1 ? FRAME_OK : FRAME_MALFORMED;
  if (verdict === FRAME_MORE) {
    if (out.need <= end - pos) out.need = end - pos + 1;
    if (out.need > module.limits.frameBytesMax) return FRAME_MALFORMED;
  }
  return verdict;
}

/** Leading bytes of the frame that the module gets: those it wants, or all, as far as the limit goes. */
export function deliverableBytes(limits: ProtocolLimits, out: FrameOut): number {
  const kept = out.want > 0 && out.want < out.length ? out.want : out.length;
  return Math.min(kept, limits.frameBytesMax);
}
