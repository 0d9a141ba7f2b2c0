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

/** Bytes of one request (all its packets) that are kept until it is read. */
export const REQUEST_BYTES_MAX: number = 1024 * 1024;
/** Leading bytes of a reply that are kept: enough for login values and I/O vectors. */
export const REPLY_HEAD_BYTES_MAX = 8192;
/** Last bytes of a reply that are kept: enough for an end-of-call status with its message. */
export const REPLY_TAIL_BYTES_MAX = 4096;
/** Bind values of one execution that are listed, over all its rows. */
export const VALUES_MAX = 4096;
/** Connections that were redirected and whose second half is awaited. */
export const REDIRECTS_MAX = 1024;
