/** What a store's thread counts in one run. */
export interface IngestCounters {
  /** Records written in this run. */
  records: number;
  batches: number;
  /** Records that an earlier run had stored. */
  duplicates: number;
  commits: number;
  commitMs: number;
  commitMsMax: number;
  segmentsSealed: number;
  indexesBuilt: number;
  /** Segments that could not be indexed; they are searched row by row. */
  indexesFailed: number;
  /** Segments whose columns could not all be written as their records came; the thread that indexes made them of rows. */
  columnsGivenUp: number;
  segmentsExpired: number;
  recordsExpired: number;
  /** Longest time that sealing a segment and dropping expired ones kept the next record waiting. */
  rolloverMsMax: number;
  /** Segments past their time that a legal hold keeps. */
  segmentsHeld: number;
  /** Segments found damaged when the store was opened. */
  segmentsDamaged: number;
  /** Segment files, logs included, when last looked at (each commit). */
  bytesOnDisk: number;
}

export function newCounters(): IngestCounters {
  return {
    records: 0,
    batches: 0,
    duplicates: 0,
    commits: 0,
    commitMs: 0,
    commitMsMax: 0,
    segmentsSealed: 0,
    indexesBuilt: 0,
    indexesFailed: 0,
    columnsGivenUp: 0,
    segmentsExpired: 0,
    recordsExpired: 0,
    rolloverMsMax: 0,
    segmentsHeld: 0,
    segmentsDamaged: 0,
    bytesOnDisk: 0,
  };
}
