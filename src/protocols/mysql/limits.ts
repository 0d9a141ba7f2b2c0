/** Caps of the module. What happens when each bites is in the README. */
import type { ProtocolLimits } from '../../contracts/protocol.ts';

export const LIMITS: ProtocolLimits = {
  frameBytesMax: 1024 * 1024,
  sqlBytesMax: 256 * 1024,
  valueBytesMax: 4096,
  handlesMax: 4096,
  pendingMax: 4096,
  resyncFrames: 3,
  heldBytesMax: 64 * 1024,
};

/** Bytes kept of the values behind `frameBytesMax` of one message, together; of further ones length and hash are. */
export const TAIL_KEPT_BYTES_MAX: number = LIMITS.frameBytesMax;
