/** Replays packets from files through a pipeline on this thread, as fast as the sinks take the records. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PacketSource, SourceStats } from '../contracts/packet.ts';
import type { Pipeline } from './pipeline.ts';
import type { Watch } from './watch.ts';

const POLL_MS = 250;

/** Reads to the end. `onBatch` is called after each look at the source. */
export async function replay(
  source: PacketSource,
  pipeline: Pipeline,
  watch: Watch | undefined,
  onBatch: () => void,
): Promise<SourceStats> {
  await readAll(source, pipeline, watch, onBatch);
  pipeline.finish();
  watch?.close();
  return source.stats();
}

/** As `replay`, but leaves pipeline and watch open, so that they can be finished where an input cannot be read on. */
export async function readAll(
  source: PacketSource,
  pipeline: Pipeline,
  watch: Watch | undefined,
  onBatch: () => void,
): Promise<void> {
  while (!source.ended) {
    const batch = source.poll(POLL_MS);
    if (batch) {
      watch?.begin(batch);
      pipeline.run(batch);
      watch?.end(batch);
      source.release(batch);
    }
    onBatch();
    await nextTurn(); // messages from other threads
  }
}
