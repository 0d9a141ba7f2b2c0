/** Caps of a PostgreSQL session. The README says what happens when one bites. */
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

/** Messages that may wait for their reply: a statement of the extended protocol takes about four. */
export const STEPS_MAX: number = 4 * LIMITS.pendingMax;
/** Bytes of requests that wait for their reply: what is kept of them, roughly. */
export const PENDING_BYTES_MAX: number = 8 * 1024 * 1024;
/** Bytes of remembered statements, and as many again of remembered portals. */
export const HANDLE_BYTES_MAX: number = 8 * 1024 * 1024;
/** Bytes kept of the values behind `frameBytesMax` of one message, together; of further ones length and hash are. */
export const TAIL_KEPT_BYTES_MAX: number = LIMITS.frameBytesMax;
/** Results kept apart in one request; further ones are added to the last. */
export const OUTCOMES_MAX = 4096;
/** Cancel keys remembered in one pipeline; the oldest is forgotten. */
export const CANCEL_KEYS_MAX = 65_536;
