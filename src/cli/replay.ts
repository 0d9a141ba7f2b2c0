/** `wiretrail replay`: captures in, records out. */
import { Command } from 'commander';
import { EXIT_DONE, EXIT_LOSS, EXIT_RULE_MATCHED, UserError } from '../base/errors.ts';
import { openFiles } from '../capture/file.ts';
import type { SourceStats } from '../contracts/packet.ts';
import type { Severity } from '../contracts/record.ts';
import type { OverlapRange } from '../reassembly/overlap.ts';
import { type AssemblyOptions, assemble, openOutputs } from '../sensor/assemble.ts';
import type { PipelineCounters } from '../sensor/pipeline.ts';
import { replay } from '../sensor/replay.ts';
import { type ReplayProgress, replaySharded } from '../sensor/sharded-replay.ts';
import { isAtLeast, type TallySnapshot } from '../sensor/tally.ts';
import {
  byteCount,
  DEFAULT_EVIDENCE_BYTES,
  DEFAULT_FLOWS_MAX,
  evidenceOptions,
  overlapRange,
  PACKAGED_POLICIES,
  portHint,
  positiveInteger,
  repeated,
  severity,
} from './options.ts';
import { internalLoss, printSummary } from './report.ts';
import { byteSize, grouped, ProgressLine } from './text.ts';

interface ReplayOptions {
  readonly jsonl?: string;
  readonly store?: string;
  readonly policies?: readonly string[];
  readonly maskKey?: string;
  readonly port?: ReadonlyMap<number, string>;
  readonly failOn?: Severity;
  readonly sensorName: string;
  readonly flows: number;
  readonly workers: number;
  readonly overlap?: readonly OverlapRange[];
  readonly evidence?: string;
  readonly evidenceMaxBytes: number;
  readonly quiet?: boolean;
}

/** What a replay found, whatever the number of its threads. */
interface Found {
  readonly stats: SourceStats;
  readonly counters: PipelineCounters;
  readonly tally: TallySnapshot;
  readonly worst: Severity | undefined;
}

const EXAMPLES = `
Examples:
  wiretrail replay capture.pcap --jsonl -                 records on standard output, the summary on standard error
  wiretrail replay captures/ --store ./data               every pcap and pcapng of a folder (.gz and .zst too)
  tcpdump -w - port 5432 | wiretrail replay - --jsonl -   from a pipe
  wiretrail replay ci.pcap --fail-on high                 exit code 1 when a rule of severity high or above matched
  wiretrail replay day/*.pcap --workers 2 --store ./data   on two threads
  wiretrail replay odd.pcap --port 15432=postgres         a hint where the beginning of a connection is missing`;

export function replayCommand(exit: (code: number) => void): Command {
  return new Command('replay')
    .description(
      'read captures (pcap, pcapng, also .gz and .zst; folders; - for standard input) and write audit records',
    )
    .argument('<file...>', 'captures, in the order given')
    .option('--jsonl <path>', 'write records as JSON lines; - is standard output')
    .option('--store <dir>', 'write records into a store')
    .option('--policies <dir>', 'folder or file of policies, repeatable (default: those that come with it)', repeated)
    .option('--mask-key <file>', 'secret of the hashes in place of masked values (default: mask.key in the store)')
    .option('--port <port=protocol>', 'protocol hint, repeatable', portHint)
    .option('--fail-on <severity>', 'exit 1 when a rule of this severity or above matched', severity)
    .option('--sensor-name <name>', 'name written on every record', 'replay')
    .option('--flows <count>', 'connections tracked at once', positiveInteger, DEFAULT_FLOWS_MAX)
    .option('--overlap <hosts=policy>', 'how hosts resolve overlapping segments: first, last, bsd, linux', overlapRange)
    .option('--evidence <dir>', 'keep the packets behind alerts in a folder, as pcapng; with one worker only')
    .option('--evidence-max-bytes <size>', 'size of that folder; the oldest go', byteCount, DEFAULT_EVIDENCE_BYTES)
    .option('--workers <count>', 'threads; records are the same with any number', positiveInteger, 1)
    .option('--quiet', 'no summary')
    .addHelpText('after', EXAMPLES)
    .action(async (files: string[], options: ReplayOptions) => exit(await run(files, options)));
}

async function run(files: readonly string[], options: ReplayOptions): Promise<number> {
  const { stats, counters, tally, worst } = await (options.workers > 1
    ? replayOnSeveral(files, options)
    : replayOnOne(files, options));
  if (!options.quiet) printSummary(tally, stats, counters);
  if (options.failOn && worst && isAtLeast(worst, options.failOn)) return EXIT_RULE_MATCHED;
  return internalLoss(counters) > 0 ? EXIT_LOSS : EXIT_DONE;
}

async function replayOnOne(files: readonly string[], options: ReplayOptions): Promise<Found> {
  const parts = await assemble({ ...assemblyOptions(options), ordered: true });
  const source = openFiles(files);
  const { pipeline, tally } = parts;
  const progress = new ProgressLine();
  const stats = await replay(source, pipeline, () =>
    progress.update(() => describe(source, tally.counts.records, source.currentFile)),
  );
  progress.end();
  await parts.close();
  source.close();
  return { stats, counters: pipeline.counters(), tally: tally.counts, worst: parts.engine.worst };
}

async function replayOnSeveral(files: readonly string[], options: ReplayOptions): Promise<Found> {
  if (files.includes('-')) throw new UserError('standard input can be read by one worker only');
  if (options.evidence !== undefined) throw new UserError('--evidence needs --workers 1');
  const common = assemblyOptions(options);
  const outputs = await openOutputs(common);
  const { sensor, policies, ports, flowsMax, overlap } = common;
  const job = { files, sensor, policies, ports, flowsMax, overlap, maskKey: outputs.maskKey };
  const progress = new ProgressLine();
  try {
    return await replaySharded(job, options.workers, outputs, (at) =>
      progress.update(() => describe(at, outputs.tally.counts.records, undefined)),
    );
  } finally {
    progress.end();
    await outputs.close();
  }
}

function assemblyOptions(options: ReplayOptions): AssemblyOptions {
  return {
    sensor: options.sensorName,
    policies: options.policies ?? [PACKAGED_POLICIES],
    maskKey: options.maskKey,
    ports: options.port ?? new Map(),
    flowsMax: options.flows,
    overlap: options.overlap ?? [],
    evidence: evidenceOptions(options),
    store: options.store,
    jsonl: options.jsonl,
    whenFull: 'wait',
  };
}

function describe({ bytesRead, bytesTotal }: ReplayProgress, records: number, file: string | undefined): string {
  const share = bytesTotal ? ` of ${byteSize(bytesTotal)}, ${Math.floor((100 * bytesRead) / bytesTotal)} %` : '';
  return `${byteSize(bytesRead)}${share}, ${grouped(records)} records  ${file ?? ''}`;
}
