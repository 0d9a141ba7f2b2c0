/** What the drivers of a pipeline count, all together. */
import type { SessionCounters } from '../../contracts/protocol.ts';

export interface DriverCounters {
  frames: number;
  malformedFrames: number;
  truncatedFrames: number;
  gaps: number;
  gapBytes: number;
  resyncs: number;
  /** Bytes passed over while looking for a frame. */
  unparsedBytes: number;
  heldOverflows: number;
  strayFrames: number;
  evictedHandles: number;
  pendingOverflows: number;
}

/** Adds what a session counted. Its gaps are the connection's, which the connection's own driver has counted. */
export function addSessionCounters(to: DriverCounters, session: SessionCounters): void {
  to.strayFrames += session.strayFrames;
  to.evictedHandles += session.evictedHandles;
  to.pendingOverflows += session.pendingOverflows;
  const { inner } = session;
  if (inner === undefined) return;
  to.malformedFrames += inner.malformedFrames;
  to.truncatedFrames += inner.truncatedFrames;
  to.resyncs += inner.resyncs;
  to.unparsedBytes += inner.unparsedBytes;
  to.heldOverflows += inner.heldOverflows;
}

export function newDriverCounters(): DriverCounters {
  return {
    frames: 0,
    malformedFrames: 0,
    truncatedFrames: 0,
    gaps: 0,
    gapBytes: 0,
    resyncs: 0,
    unparsedBytes: 0,
    heldOverflows: 0,
    strayFrames: 0,
    evictedHandles: 0,
    pendingOverflows: 0,
  };
}
