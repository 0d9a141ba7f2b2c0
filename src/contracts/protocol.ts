/**
 * What a protocol folder supplies and what the SDK promises it. One folder under `src/protocols` default-exports one
 * `ProtocolModule`; nothing else names it.
 *
 * The driver (`protocols/sdk/driver.ts`) owns the loop: carry-over between segments, caps, skipping, gaps and
 * resynchronisation. A module only says how long a frame is (`frame`) and what a frame means (`onFrame`).
 */

import type { Cursor } from '../base/cursor.ts';
import type { HeldMemory } from '../base/memory-budget.ts';
import type { AuditEvent, Identity } from './event.ts';

export const TO_SERVER = 0;
export const TO_CLIENT = 1;
export type Direction = 0 | 1;

/** What a probe thinks of a direction's first bytes. */
export const PROBE_NO = 0;
/** Too few bytes to tell. */
export const PROBE_MORE = 1;
/** Legal, but other protocols look like that too: wants a second opinion (the other direction, or a port hint). */
export const PROBE_UNSURE = 2;
export const PROBE_CERTAIN = 3;
export type ProbeVerdict = 0 | 1 | 2 | 3;

/** `out.length` and `out.type` describe the frame that starts here. */
export const FRAME_OK = 0;
/** Undecidable from these bytes: call again once `out.need` bytes are there. Nothing was consumed. */
export const FRAME_MORE = 1;
/** No legal frame starts here. The driver marks, counts and resynchronises. */
export const FRAME_MALFORMED = 2;
/** Undecidable until the other direction says something. The driver holds a bounded number of bytes. */
export const FRAME_WAIT = 3;
export type FrameVerdict = 0 | 1 | 2 | 3;

/** Filled by `ProtocolModule.frame`; owned and reset by the driver before each call. */
export class FrameOut {
  /** Whole length in bytes, header included; at least 1. */
  length = 0;
  /** The module's own label, handed back in `Frame.type`. */
  type = 0;
  /** With `FRAME_MORE`: bytes, counted from the frame's start, that the next attempt needs. */
  need = 0;
  /** Leading bytes `onFrame` wants to read; 0 means all. The rest is skipped by length, however long it is. */
  want = 0;
  /** Set to receive what lies beyond the delivered bytes through `onRest`. */
  rest = false;
  /** Scratch that survives from one frame to the next while resynchronising (a sequence number); -1 at first. */
  chain = -1;
}

/** One frame as `onFrame` sees it. A single instance is reused. */
export class Frame {
  type = 0;
  /** Length on the wire, header included. */
  length = 0;
  /** Bytes the cursor can reach. Less than `length` when only a part was wanted, or the frame is over the cap. */
  available = 0;
  /** True when bytes that were wanted are missing: over `frameBytesMax`, or lost. */
  truncated = false;
  /** Bytes of this frame known to be lost; they follow the available ones. */
  lostBytes = 0;
  /** Capture time of the first byte and of the last byte delivered. */
  startUs = 0;
  endUs = 0;
}

/** Go on. */
export const NEXT = 0;
/** Nothing more can be read from this connection (encrypted, or not this protocol): the driver stops for good. */
export const STOP = 1;
export type FrameWish = 0 | 1;

export const END_FIN = 0;
export const END_RST = 1;
/** Idle, evicted, reused, or the source ended: the connection's true end was not seen. */
export const END_UNSEEN = 2;
export type EndReason = 0 | 1 | 2;

/** Caps of one module. All are enforced by the driver or the session, and counted when they bite. */
export interface ProtocolLimits {
  /** Bytes of a frame that are kept together for `onFrame`. */
  readonly frameBytesMax: number;
  /** Bytes of a statement's text that are kept; beyond it the length and a SHA-256 of the whole are. */
  readonly sqlBytesMax: number;
  /** Bytes of one bind value that are kept. */
  readonly valueBytesMax: number;
  /** Prepared statements (and cursors, portals) remembered per session, least recently used dropped. */
  readonly handlesMax: number;
  /** Statements that may wait for their reply. */
  readonly pendingMax: number;
  /** Consecutive plausible frames that end a resynchronisation. */
  readonly resyncFrames: number;
  /** Bytes a direction may hold while it waits for the other one, or looks for a frame. */
  readonly heldBytesMax: number;
}

/** What is known of a connection once its protocol is: to sessions, and to the audit stage. */
export interface ConnectionInfo {
  readonly protocol: string;
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly serverAddress: string;
  readonly serverPort: number;
  /** Time of the flow's first packet. */
  readonly firstTsUs: number;
  /** The start of the conversation was not seen: users, handles and encodings may be unknown. */
  readonly midstream: boolean;
  /** Outer VLAN id, -1 without. */
  readonly vlanId: number;
  /** As in `audit.tunnel`; empty without. */
  readonly tunnel: string;
  /** State shared by all connections of one protocol in this pipeline (cancel keys); its users bound it. */
  readonly shared: Map<string, unknown>;
  /** Counts what is held of the connection from one packet to the next; whoever holds it adds it, roughly in bytes. */
  readonly memory: HeldMemory;
}

export interface EventSink {
  emit(event: AuditEvent): void;
  /** Other threads read other connections: what `announce` and `takeOver` say is heard where all come together. */
  readonly hasOthers?: boolean;
  /**
   * As `emit`, of an event that is described by the session of another connection, as far as it lacks facts: by a key that
   * no session read here has.
   */
  emitFor?(key: string, event: AuditEvent): void;
  /**
   * Requests on other connections may mean this session by `key`, which it has from now on (`isNew`) or had before: who
   * speaks in it; `undefined`: not any more.
   */
  announce?(key: string, identity: Identity | undefined, isNew: boolean): void;
  /** What was announced of the first of `keys` that is known goes to this session, under the key `own`, and is used up. */
  takeOver?(keys: readonly string[], own: string): void;
  /** As `ProtocolModule.relieve` with `all`, for what is kept of the connection here. */
  relieve?(): void;
  /** Whoever made an event may use it and its outcomes again after `emit`; of its values and lists any may be kept. */
  readonly keepsNoEvents?: boolean;
}

/** The audit stage, as protocols see it: one sink a connection. */
export interface SessionOpener {
  open(connection: ConnectionInfo): EventSink;
}

/** What a session counted and no event tells. The driver adds it to the host's counters when the connection ends. */
export interface SessionCounters {
  /** Frames that are no request, or answer none. */
  readonly strayFrames: number;
  /** Prepared statements, portals and the like that were forgotten because there were too many. */
  readonly evictedHandles: number;
  /** Times that too many requests waited for their reply. */
  readonly pendingOverflows: number;
  /** What drivers inside the session counted, where there are any: of what is compressed, or multiplexed. */
  readonly inner?: InnerCounters | undefined;
}

/** As those of the connection's own driver (`sdk/counters.ts`), to which they are added. */
export interface InnerCounters {
  readonly malformedFrames: number;
  readonly truncatedFrames: number;
  readonly resyncs: number;
  readonly unparsedBytes: number;
  readonly heldOverflows: number;
}

/**
 * Requests that the driver may leave unread until the connection's next word (`sdk/shelf.ts`). Only the time of reading
 * changes, so reading such a request must emit nothing, and neither ask for nor change what other connections see.
 */
export interface WaitingRequests<S> {
  /** No request is open, and the next one may wait. Asked when the server has spoken, both directions between frames. */
  isIdle(session: S): boolean;
  /** Pure. The bytes are one whole request of that kind. */
  isRequest(bytes: Uint8Array, start: number, end: number): boolean;
}

export interface ProtocolModule<S = unknown> {
  /** Folder name, and the word users write in `--port PORT=NAME`. */
  readonly name: string;
  readonly portHints: readonly number[];
  readonly limits: ProtocolLimits;
  /** Values of `db.system.name` that it may report. */
  readonly systems: readonly string[];
  /** Pure. Judges the first bytes of a direction (the driver shows at most `PROBE_BYTES_MAX`). */
  probe(bytes: Uint8Array, start: number, end: number, direction: Direction): ProbeVerdict;
  /** A session with every field initialised (one hidden class). */
  open(connection: ConnectionInfo): S;
  /** Reads a frame's header only. No side effects: the driver also calls it speculatively. */
  frame(session: S, direction: Direction, bytes: Uint8Array, start: number, end: number, out: FrameOut): FrameVerdict;
  /** `frame` for resynchronisation: stricter, for a stream whose frame boundary is a guess. Default: `frame`. */
  plausible?(
    session: S,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    out: FrameOut,
  ): FrameVerdict;
  /** A whole frame, or its kept part. The only place that changes state. The cursor starts at the frame's header. */
  onFrame(session: S, direction: Direction, frame: Frame, cursor: Cursor, sink: EventSink): FrameWish;
  /** The bytes after the delivered part of a frame with `out.rest`, in order; `done` with its last byte. */
  onRest?(session: S, direction: Direction, bytes: Uint8Array, start: number, end: number, done: boolean): void;
  /**
   * `lostBytes` are missing. `synced`: they lay inside the skipped part of a frame, the next frame's start is known.
   * Otherwise frames are lost too, and the driver resynchronises (also after `FRAME_MALFORMED`, with 0 lost bytes).
   */
  onGap(session: S, direction: Direction, lostBytes: number, synced: boolean, tsUs: number, sink: EventSink): void;
  /** Without it every request is read when it comes. */
  readonly requests?: WaitingRequests<S>;
  /**
   * All connections together hold too much, and this one holds most (`base/memory-budget.ts`). `all` false: messages
   * being put together are cut to `SHORT_BYTES`, as if that were their cap. True, where that was not enough: to
   * `SHORTEST_BYTES`; what waits for a reply is emitted as it is, and handles are forgotten. A module without it holds
   * nothing worth asking for.
   */
  relieve?(session: S, all: boolean, tsUs: number, sink: EventSink): void;
  counters?(session: S): SessionCounters;
  /** The connection is over: emit what is open. */
  onEnd(session: S, reason: EndReason, tsUs: number, sink: EventSink): void;
}

export const PROBE_BYTES_MAX = 512;

/** What all connections of a pipeline may hold together, in bytes, where nothing else is asked for. */
export const SESSION_MEMORY_MAX: number = 256 * 1024 * 1024;
/** Bytes of a message under way that `relieve` leaves: at first, and of `all`. */
export const SHORT_BYTES = 4096;
export const SHORTEST_BYTES = 256;
