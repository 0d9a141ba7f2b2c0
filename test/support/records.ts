/** Replays a capture in this process, without a policy: a hundred replays take no longer than one command line. */
import { recordToLine } from '#src/audit/json.js';
import { openFiles } from '#src/capture/files/file.js';
import { loadProtocols } from '#src/protocols/registry.js';
import { Pipeline } from '#src/sensor/pipeline.js';
import { replay } from '#src/sensor/replay.js';

const FLOWS_MAX = 1024;

/** The records as JSON Lines, in the order in which they were written. */
export async function replayInProcess(path: string): Promise<string> {
  const lines: string[] = [];
  const pipeline = new Pipeline({
    sensor: 'replay',
    protocols: await loadProtocols(),
    ports: new Map(),
    policy: undefined,
    sink: {
      write(record) {
        lines.push(recordToLine(record));
        return true;
      },
    },
    flowsMax: FLOWS_MAX,
    overlap: [],
    evidence: undefined,
    ordered: true,
  });
  const source = openFiles([path]);
  try {
    await replay(source, pipeline, undefined, () => {});
  } finally {
    source.close();
  }
  return lines.join('\n');
}
