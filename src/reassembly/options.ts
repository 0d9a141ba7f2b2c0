/** Limits of flow tracking and reassembly, and what is counted when they bite. All times are packet time. */
import type { Counters } from '../base/counters.ts';
import { HASH_SEED_DEFAULT } from '../flow/hash.ts';
import type { OverlapRange } from './overlap.ts';

export interface ReassemblyOptions {
  /** Flows tracked at once. When full, the flow whose idle timeout is nearest is evicted. */
  readonly flowsMax: number;
  /** Key of the flow hash. */
  readonly hashSeed: number;
  /** Only the flows between pairs of addresses that fall to `shardIndex` of `shardCount` are kept. */
  readonly shardIndex: number;
  readonly shardCount: number;
  /** Pages of `PAGE_BYTES` that hold out-of-order data, in total and for one flow (at most 65,535). */
  readonly pagesMax: number;
  readonly pagesPerFlowMax: number;
  /** Hosts that resolve overlapping segments otherwise than `OVERLAP_FIRST`; the narrowest range counts. */
  readonly overlap: readonly OverlapRange[];
  /** How far ahead of the expected byte a segment or an acknowledgement may lie before it is disbelieved. */
  readonly windowBytesMax: number;
  /** Segments in a row, outside the window, after which a direction is taken up anew at the last one. */
  readonly resyncSegments: number;
  /** A hole that the peer acknowledged is declared lost after this many further packets of the flow, */
  readonly reorderPackets: number;
  /** or after this long, whichever is first: the mirror may still deliver it late. */
  readonly reorderUs: number;
  /** A hole that nobody acknowledged will be retransmitted; it is declared lost after this long. */
  readonly holeUs: number;
  /** Idle timeouts: handshake not finished, */
  readonly halfOpenUs: number;
  /** only one side ever seen, */
  readonly oneWayUs: number;
  /** both sides seen (longer than the two hours after which TCP keep-alives start), */
  readonly establishedUs: number;
  /** one side or both have sent a FIN, */
  readonly closingUs: number;
  /** and how long an ended flow keeps its slot, to swallow late copies. */
  readonly closedUs: number;
}

export const REASSEMBLY_DEFAULTS: ReassemblyOptions = {
  flowsMax: 262_144,
  hashSeed: HASH_SEED_DEFAULT,
  shardIndex: 0,
  shardCount: 1,
  pagesMax: 32_768,
  pagesPerFlowMax: 512,
  overlap: [],
  windowBytesMax: 16 << 20,
  resyncSegments: 16,
  reorderPackets: 8,
  reorderUs: 50_000,
  holeUs: 3_000_000,
  halfOpenUs: 30_000_000,
  oneWayUs: 300_000_000,
  establishedUs: 10_800_000_000,
  closingUs: 120_000_000,
  closedUs: 10_000_000,
};

export interface ReassemblyCounters extends Counters {
  /** Packets given to `push`, and those that belong to another shard. */
  packets: number;
  foreignPackets: number;
  flows: number;
  midstreamFlows: number;
  /** Flows of which only one side was ever seen, counted at their end. */
  oneWayFlows: number;
  endedFin: number;
  endedRst: number;
  endedTimeout: number;
  endedEvicted: number;
  /** Of those, connections; the others were half open and had not carried a byte. */
  evictedConnections: number;
  endedReused: number;
  endedSource: number;
  /** Packets without payload that belong to no flow and start none. */
  strayPackets: number;
  /** Packets that a flow's state does not allow, late ones of ended flows included. */
  ignoredPackets: number;
  /** Impossible combinations of flags, and segments without ACK. */
  badFlags: number;
  resetsIgnored: number;
  payloadBytes: number;
  deliveredBytes: number;
  /** Bytes seen before: retransmitted, or copied by a second mirror. */
  duplicateBytes: number;
  /** Segments that brought nothing else. */
  duplicateSegments: number;
  /** Of the bytes seen before, those that met held ones and were not equal to them: somebody sent two versions. */
  conflictBytes: number;
  /** Payload of flows whose receiver has no use for it. */
  ignoredBytes: number;
  lostBytes: number;
  gaps: number;
  /** Segments that were copied because something before them was missing. */
  heldSegments: number;
  /** Times held data had to be let go because a page limit was reached. */
  heldOverflows: number;
  outOfWindow: number;
  resyncs: number;
}

export function newReassemblyCounters(): ReassemblyCounters {
  return {
    packets: 0,
    foreignPackets: 0,
    flows: 0,
    midstreamFlows: 0,
    oneWayFlows: 0,
    endedFin: 0,
    endedRst: 0,
    endedTimeout: 0,
    endedEvicted: 0,
    evictedConnections: 0,
    endedReused: 0,
    endedSource: 0,
    strayPackets: 0,
    ignoredPackets: 0,
    badFlags: 0,
    resetsIgnored: 0,
    payloadBytes: 0,
    deliveredBytes: 0,
    duplicateBytes: 0,
    duplicateSegments: 0,
    conflictBytes: 0,
    ignoredBytes: 0,
    lostBytes: 0,
    gaps: 0,
    heldSegments: 0,
    heldOverflows: 0,
    outOfWindow: 0,
    resyncs: 0,
  };
}
