/** Caps of a DRDA session. The README says what happens when one bites. */
import type { ProtocolLimits } from '../../contracts/protocol.ts';

export const LIMITS: ProtocolLimits = {
  // A data stream structure travels in segments of at most 32,767 bytes; larger objects are put together by the session.
  frameBytesMax: 64 * 1024,
  sqlBytesMax: 256 * 1024,
  valueBytesMax: 4096,
  handlesMax: 4096,
  pendingMax: 4096,
  resyncFrames: 3,
  heldBytesMax: 64 * 1024,
};

/** Bytes of one object that are put together from segments; beyond it only a statement's hash goes on. */
export const OBJECT_BYTES_MAX: number = 1024 * 1024;
/** Bytes of statement texts remembered for prepared sections. */
export const HANDLE_BYTES_MAX: number = 8 * 1024 * 1024;
/** Texts and values of requests that wait for their reply, roughly; and of queries whose result sets are open. */
export const PENDING_BYTES_MAX: number = 8 * 1024 * 1024;
/** Result sets open at the same time; beyond it the oldest is taken for closed. */
export const CURSORS_MAX = 4096;
/** Bind values kept of one request (a multi-row insert has rows times columns). */
export const PARAMETERS_MAX = 4096;
/** Columns of one row descriptor; SQL allows fewer. */
export const COLUMNS_MAX = 4096;
/** Columns whose values take no bytes: rows of nothing else would cost time without costing bytes. */
export const EMPTY_COLUMNS_MAX = 16;
/** Tokens of connections that may be cancelled, in one pipeline; the oldest is forgotten. */
export const INTERRUPT_TOKENS_MAX = 65_536;
/** DB2's have 12; no token may be longer than this. */
export const INTERRUPT_TOKEN_BYTES_MAX = 255;
/** Waiting requests that are looked through for a reply's correlation identifier. */
export const MATCH_DEPTH_MAX = 64;
/** Result sets kept apart in one call; further ones are added to the last. */
export const OUTCOMES_MAX = 256;
