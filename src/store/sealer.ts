/** The thread that makes indexes, so that ingest never waits for one. Takes segments one at a time; `null` ends it. */
import { parentPort } from 'node:worker_threads';
import { StoreError, toStoreError } from './errors.ts';
import { buildIndex, type SealedSegment } from './seal.ts';

/** What the sealer says of each segment. */
export interface SealReport {
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
    buildIndex(segment);
  } catch (error) {
    problem = toStoreError(error, segment.path).message;
  }
  const report: SealReport = { problem };
  parent.postMessage(report);
});
