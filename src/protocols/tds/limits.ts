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

/** Bytes of a request, over all its packets, that are kept together. */
export const MESSAGE_BYTES_MAX: number = LIMITS.frameBytesMax;
/** Bytes of a token of a reply that may straddle packets. */
export const TOKEN_BYTES_MAX: number = 256 * 1024;
/** Parameters kept of one call. */
export const PARAMETERS_MAX = 8192;
/** Calls read of one request. */
export const CALLS_MAX = 1024;
/** Outcomes of one request; of further ones only the sum is kept, in the last. */
export const OUTCOMES_MAX = 1024;
/** Columns of a result; servers allow no more in a SELECT. Rows of more cannot be told apart. */
export const COLUMNS_MAX = 4096;
/** Columns whose values take no bytes (typed NULL): a row of nothing else would cost time without costing bytes. */
export const EMPTY_COLUMNS_MAX = 16;
/** Columns of a result that are remembered with a handle. */
export const SHAPE_COLUMNS_MAX = 256;
/** MARS sessions open at a time. */
export const MARS_SESSIONS_MAX = 256;
/** What each takes in memory with nothing under way, roughly. */
export const MARS_SESSION_BYTES = 4096;
/** Texts of statements (in UTF-16 units) and columns of their results that one session's handles may hold, in bytes roughly. */
export const HANDLE_WEIGHT_MAX: number = 4 * 1024 * 1024;
/** Texts and values of the requests that wait for their reply, roughly. */
export const PENDING_BYTES_MAX: number = 4 * 1024 * 1024;
