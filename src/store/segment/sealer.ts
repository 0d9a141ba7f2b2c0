/** The thread that finishes complete segments, so that ingest never waits for one. Takes segments one at a time; `null` ends it. */
import { existsSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { StoreError, toStoreError } from '../errors.ts';
import { removeSegmentFiles } from '../expiry/retention.ts';
import { type SealedSegment, sealSegment } from './seal.ts';

/** What the sealer says of each segment. */
export interface SealReport {
  readonly path: string;
  readonly problem: string | undefined;
}

const parent = parentPort;
if (parent === null) throw new StoreError('usage', 'this module runs as a thread of a store');
parent.on('message', (segment: SealedSegment | null) => {
  if (segment === null) {
    parent.close();
    return;
  }
  let problem: string | undefined;
  try {
    sealSegment(segment);
  } catch (error) {
    problem = toStoreError(error, segment.path).message;
  }
  // It expired meanwhile: nothing of it is to stay.
  if (!existsSync(segment.path)) {
    removeSegmentFiles(segment.path);
    problem = undefined;
  }
  const report: SealReport = { path: segment.path, problem };
  parent.postMessage(report);
});
