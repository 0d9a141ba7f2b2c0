/**
 * What reassembly tells the stage above it, and what that stage may ask about a flow.
 *
 * A flow is a slot number of the flow table. Its two ends are sides: side 0 sends what the other receives. Which of
 * them is the client is the SYN's word (`FlowReader.clientSide`), else the protocol probe's.
 */

/** One end of a flow: 0 is the lower (address, port) of the canonical key, 1 the higher. */
export type Side = 0 | 1;

export const FLOW_END_FIN = 0;
export const FLOW_END_RST = 1;
export const FLOW_END_TIMEOUT = 2;
/** The table or its memory was full and this flow was given up. */
export const FLOW_END_EVICTED = 3;
/** A new SYN reused the 4-tuple. */
export const FLOW_END_REUSED = 4;
/** The source ended (end of the file, sensor stopped). */
export const FLOW_END_SOURCE = 5;
export type FlowEnd = 0 | 1 | 2 | 3 | 4 | 5;

export const FLOW_END_NAMES: readonly string[] = ['fin', 'rst', 'timeout', 'evicted', 'reused', 'source'];

/** Asks for more of the flow's bytes. */
export const STREAM_KEEP = 0;
/** The receiver has no use for the rest: reassembly of the flow is switched off until the 4-tuple is reused. */
export const STREAM_IGNORE = 1;
export type StreamWish = 0 | 1;

export interface StreamReceiver {
  /**
   * Contiguous bytes of one direction, each byte once. `bytes[start, end)` is borrowed until the call returns.
   * Data that depends on unseen bytes of the other direction is held back for a bounded time, so calls come in causal order.
   */
  onData(slot: number, side: Side, bytes: Uint8Array, start: number, end: number, tsUs: number): StreamWish;
  /** `lostBytes` (> 0) of this direction will never come. */
  onGap(slot: number, side: Side, lostBytes: number, tsUs: number): StreamWish;
  /** The flow is over; the slot may be reused after the call. Called once for each flow that had `onData` or `onGap`. */
  onEnd(slot: number, reason: FlowEnd, tsUs: number): void;
}

/** Facts about a flow. Strings are built on call: ask once a session, never once a packet. */
export interface FlowReader {
  address(slot: number, side: Side): string;
  port(slot: number, side: Side): number;
  /** Side that sent the SYN (or received the SYN-ACK); -1 when neither was seen. */
  clientSide(slot: number): Side | -1;
  /** Time of the flow's first packet. */
  firstTsUs(slot: number): number;
  /** True when the flow was picked up without its handshake. */
  isMidstream(slot: number): boolean;
  vlanId(slot: number): number;
  tunnelKind(slot: number): number;
  tunnelId(slot: number): number;
  interfaceIndex(slot: number): number;
}
