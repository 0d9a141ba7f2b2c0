/** `wiretrail replay`: captures in, records out. */
import { Command } from 'commander';
import { EXIT_DONE, EXIT_LOSS, EXIT_RULE_MATCHED } from '../base/errors.ts';
import { type FileSource, openFiles } from '../capture/file.ts';
import type { Severity } from '../contracts/record.ts';
import { assemble } from '../sensor/assemble.ts';
import { replay } from '../sensor/replay.ts';
import { isAtLeast } from '../sensor/tally.ts';
import { DEFAULT_FLOWS_MAX, PACKAGED_POLICIES, portHint, positiveInteger, severity } from './options.ts';
import { internalLoss, printSummary } from './report.ts';
import { type RetentionOptions, retentionOptions, storeOptionsOf } from './retention.ts';
import { byteSize, grouped, ProgressLine } from './text.ts';

interface ReplayOptions extends RetentionOptions {
  readonly jsonl?: string;
  readonly store?: string;
  readonly policies: string;
  readonly port?: ReadonlyMap<number, string>;
  readonly failOn?: Severity;
  readonly sensorName: string;
  readonly flows: number;
  readonly quiet?: boolean;
}

const EXAMPLES = `
Examples:
  wiretrail replay capture.pcap --jsonl -                 records on standard output, the summary on standard error
  wiretrail replay captures/ --store ./data               every pcap and pcapng of a folder (.gz and .zst too)
  tcpdump -w - port 5432 | wiretrail replay - --jsonl -   from a pipe
  wiretrail replay ci.pcap --fail-on high                 exit code 1 when a rule of severity high or above matched
  wiretrail replay odd.pcap --port 15432=postgres         a hint where the beginning of a connection is missing`;

export function replayCommand(exit: (code: number) => void): Command {
  return retentionOptions(new Command('replay'))
    .description(
      'read captures (pcap, pcapng, also .gz and .zst; folders; - for standard input) and write audit records',
    )
    .argument('<file...>', 'captures, in the order given')
    .option('--jsonl <path>', 'write records as JSON lines; - is standard output')
    .option('--store <dir>', 'write records into a store')
    .option('--policies <dir>', 'folder or file of policies', PACKAGED_POLICIES)
    .option('--port <port=protocol>', 'protocol hint, repeatable', portHint)
    .option('--fail-on <severity>', 'exit 1 when a rule of this severity or above matched', severity)
    .option('--sensor-name <name>', 'name written on every record', 'replay')
    .option('--flows <count>', 'connections tracked at once', positiveInteger, DEFAULT_FLOWS_MAX)
    .option('--quiet', 'no summary')
    .addHelpText('after', EXAMPLES)
    .action(async (files: string[], options: ReplayOptions) => exit(await run(files, options)));
}

async function run(files: readonly string[], options: ReplayOptions): Promise<number> {
  const parts = await assemble({
    sensor: options.sensorName,
    policies: options.policies,
    ports: options.port ?? new Map(),
    flowsMax: options.flows,
    store: options.store,
    storeOptions: storeOptionsOf(options),
    jsonl: options.jsonl,
    whenFull: 'wait',
  });
  const source = openFiles(files);
  const { pipeline, policy, tally } = parts;
  const progress = new ProgressLine();
  const stats = await replay(source, pipeline, () => progress.update(() => describe(source, tally.counts.records)));
  progress.end();
  await parts.close();
  source.close();
  const counters = pipeline.counters();
  if (!options.quiet) printSummary(tally.counts, stats, counters);
  if (options.failOn && policy.worst && isAtLeast(policy.worst, options.failOn)) return EXIT_RULE_MATCHED;
  return internalLoss(stats, counters) > 0 ? EXIT_LOSS : EXIT_DONE;
}

function describe({ bytesRead, bytesTotal, currentFile }: FileSource, records: number): string {
  const share = bytesTotal ? ` of ${byteSize(bytesTotal)}, ${Math.floor((100 * bytesRead) / bytesTotal)} %` : '';
  return `${byteSize(bytesRead)}${share}, ${grouped(records)} records  ${currentFile ?? ''}`;
}
