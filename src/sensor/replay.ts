/** Replays packets from files through a pipeline on this thread, as fast as the sinks take the records. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PacketSource, SourceStats } from '../contracts/packet.ts';
import type { Pipeline } from './pipeline.ts';

const POLL_MS = 250;

export async function replay(source: PacketSource, pipeline: Pipeline, onBatch: () => void): Promise<SourceStats> {
  while (!source.ended) {
    const batch = source.poll(POLL_MS);
    if (batch) {
      pipeline.run(batch);
      source.release(batch);
    }
    onBatch();
    await nextTurn(); // messages from the store's thread
  }
  pipeline.finish();
  return source.stats();
}
