/** What the drivers of a pipeline count, all together. */
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
