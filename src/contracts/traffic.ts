/**
 * Status records of connections: what a network auditor keeps of every TCP connection, database or not.
 *
 * A status record covers what one connection did within one interval of the clock (5 s by default, aligned to it), so
 * that records never cross the edge of a time bin that is a multiple of the interval.
 */
import type { Side } from './stream.ts';

/** What became of a connection's bytes. */
export const FLOW_UNDECIDED = 0;
/** Its protocol is known and its statements are read. */
export const FLOW_DATABASE = 1;
/** A database protocol that cannot be read (any more): encrypted, or of an unknown version. */
export const FLOW_OPAQUE = 2;
/** It speaks none of the protocols. */
export const FLOW_OTHER = 3;
export type FlowClass = 0 | 1 | 2 | 3;

export const FLOW_CLASS_NAMES: readonly string[] = ['undecided', 'database', 'opaque', 'other'];

/** What protocol detection knows of a flow. */
export interface FlowClassifier {
  /** Of the flow in this slot; a flow that ended with the packet pushed last still has its class. */
  flowClass(slot: number): FlowClass;
  /** The client by the word of the protocol; -1 as long as it is not known. */
  protocolClient(slot: number): Side | -1;
  /** The packet is counted: what ended with it may be forgotten. */
  settle(): void;
}

export const STATE_REQUESTED = 0;
export const STATE_CONNECTED = 1;
export const STATE_FINISHED = 2;
export const STATE_RESET = 3;
/** Still open when the table or the source gave it up. */
export const STATE_CUT = 4;
export type FlowState = 0 | 1 | 2 | 3 | 4;

/** Names as of Argus, but for `cut`. */
export const FLOW_STATE_NAMES: readonly string[] = ['REQ', 'CON', 'FIN', 'RST', 'cut'];

/**
 * Words of a status record in a batch, a Float64Array: numbers of any size go from thread to thread in one buffer.
 * Pairs of words are the client's and the server's. Times are microseconds since 1970, bytes are those on the wire.
 */
export const STATUS_WORDS = 32;
/** First and last packet of the record. */
export const STATUS_FIRST_US = 0;
export const STATUS_LAST_US = 1;
/** First packet of the connection as its audit records know it; with the ends it names the session. */
export const STATUS_SESSION_US = 2;
/** Four 32-bit words each, as in `PacketView`. */
export const STATUS_CLIENT = 3;
export const STATUS_SERVER = 7;
export const STATUS_PORTS = 11;
export const STATUS_PACKETS = 13;
export const STATUS_BYTES = 15;
/** TCP payload. */
export const STATUS_PAYLOAD = 17;
/** Packets whose sequence numbers had all been sent before. */
export const STATUS_RETRANSMITTED = 19;
/** A `FlowState`. */
export const STATUS_STATE = 21;
/** `STATUS_FLAG_*` bits. */
export const STATUS_FLAGS = 22;
/** Handshake: from SYN to SYN-ACK, and from there to the client's ACK; -1 when not seen. */
export const STATUS_SYN_ACK_US = 23;
export const STATUS_ACK_DATA_US = 24;
export const STATUS_VLAN = 25;
export const STATUS_TUNNEL_KIND = 26;
export const STATUS_TUNNEL_ID = 27;
export const STATUS_INTERFACE = 28;
/** A `FlowClass`. */
export const STATUS_CLASS = 29;

/** Who is the client was seen (handshake or protocol), not guessed from the ports. */
export const STATUS_FLAG_DIRECTED = 1;
/** The connection's first record. */
export const STATUS_FLAG_FIRST = 2;

/** Takes `count` status records; `rows` belongs to the receiver. */
export type StatusSink = (rows: Float64Array, count: number) => void;

/**
 * The sensor's own word about a span of time: it watched, and this is what it saw. Counts are those of the span.
 * A span that no heartbeat covers was not watched.
 */
export interface Heartbeat {
  readonly fromUs: number;
  readonly toUs: number;
  /** Frames and their bytes, of whatever protocol. */
  readonly packets: number;
  readonly bytes: number;
  /** Payload of TCP connections by class, indexed by `FLOW_*`. */
  readonly payloadBytes: readonly number[];
  /** Of database connections: bytes in gaps, and bytes that could not be read although they were there. */
  readonly gapBytes: number;
  readonly unparsedBytes: number;
  /** Frames of which only the beginning was captured (snap length), and the bytes that are missing of them. */
  readonly cutPackets: number;
  readonly cutBytes: number;
  /** Capture files that ended in the middle of a packet. */
  readonly cutFiles: number;
  /** Frames that the kernel dropped, and times the ring froze. */
  readonly kernelDrops: number;
  readonly ringFreezes: number;
  /** Connections given up because a table was full, and times that one was cut for want of memory. */
  readonly evictedFlows: number;
  /** Connections found to speak a database protocol. */
  readonly connections: number;
  /** Of those that ended: beginning or end was not seen. */
  readonly cutSessions: number;
  readonly clockJumps: number;
  /** Connections in the table at the end of the span. */
  readonly activeFlows: number;
  /** Records that a full queue refused. */
  readonly droppedRecords: number;
}
