/** `wiretrail replay`: captures in, records out. */
import { writeFileSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { Command, Option } from 'commander';
import type { AlarmDesk } from '../alarm/desk.ts';
import { EXIT_DONE, EXIT_LOSS, EXIT_RULE_MATCHED, UserError } from '../base/errors.ts';
import { InputError } from '../capture/batch.ts';
import { openFiles } from '../capture/files/file.ts';
import type { SourceStats } from '../contracts/packet.ts';
import { type RecordSink, type Severity, severityRank } from '../contracts/record.ts';
import { Findings, type ReportRule } from '../report/findings.ts';
import { formatReport, REPORT_FORMATS, type ReportFormat } from '../report/report.ts';
import { AlarmSink } from '../sensor/alarm-sink.ts';
import { type Assembly, type AssemblyOptions, assemble, type Outputs, openOutputs } from '../sensor/assemble.ts';
import type { PipelineCounters } from '../sensor/pipeline.ts';
import { replay } from '../sensor/replay.ts';
import { type ReplayProgress, replaySharded, startShards, stopShards } from '../sensor/sharded-replay.ts';
import type { TallySnapshot } from '../sensor/tally.ts';
import { trafficOpener } from '../sensor/traffic.ts';
import { Watch } from '../sensor/watch.ts';
import type { TrafficLog } from '../traffic/log.ts';
import { closeTraffic, trafficOptionsOf } from './flow-records.ts';
import { programVersion, severity, workerCount } from './options.ts';
import { type RecordingOptions, recordingOf, recordingOptions } from './recording.ts';
import { ALARM_GRACE_MS, internalLoss, printAlarms, printNextSteps, printSummary } from './report.ts';
import { byteSize, grouped, ProgressLine } from './text.ts';

interface ReplayOptions extends RecordingOptions {
  readonly workers: number;
  readonly failOn?: Severity;
  readonly report?: ReportFormat;
  readonly reportFile?: string;
  readonly quiet?: boolean;
}

/** What a replay found, whatever the number of its threads. */
interface Found {
  readonly stats: SourceStats;
  readonly counters: PipelineCounters;
  readonly tally: TallySnapshot;
  readonly worst: Severity | undefined;
  readonly rules: readonly ReportRule[];
}

const EXAMPLES = `
Examples:
  wiretrail replay capture.pcap --jsonl -                 records on standard output, the summary on standard error
  wiretrail replay captures/ --store ./data               every pcap and pcapng of a folder (.gz and .zst too)
  tcpdump -w - port 5432 | wiretrail replay - --jsonl -   from a pipe
  wiretrail replay ci.pcap --fail-on high                 exit code 1 when a rule of severity high or above matched
  wiretrail replay day/*.pcap --workers 2 --store ./data   on two threads
  wiretrail replay ci.pcap --fail-on high --report junit --report-file audit.xml
  wiretrail replay odd.pcap --port 15432=postgres         a hint where the beginning of a connection is missing`;

export function replayCommand(exit: (code: number) => void): Command {
  const command = new Command('replay')
    .description(
      'read captures (pcap, pcapng, also .gz and .zst; folders; - for standard input) and write audit records',
    )
    .argument('<file...>', 'captures, in the order given');
  return recordingOptions(command, 'replay')
    .optionsGroup('Replay:')
    .option('--workers <count>', 'threads; records are the same with any number', workerCount, 1)
    .option('--fail-on <severity>', 'exit 1 when a rule of this severity or above matched', severity)
    .addOption(new Option('--report <format>', 'write a report of all alerts').choices(REPORT_FORMATS))
    .option('--report-file <path>', 'where to write the report')
    .option('--quiet', 'no summary')
    .addHelpText('after', EXAMPLES)
    .action(async (files: string[], options: ReplayOptions) => exit(await run(files, options)));
}

async function run(files: readonly string[], options: ReplayOptions): Promise<number> {
  if ((options.report === undefined) !== (options.reportFile === undefined))
    throw new UserError('--report and --report-file go together');
  const findings = new Findings();
  const [only] = files;
  if (files.length === 1) findings.inputOf = () => only;
  const desk = options.alarm && (await openDesk(options.alarm));
  const alarms = desk && new AlarmSink((alarm) => desk.raise(alarm));
  const sinks = [...(options.report ? [findings] : []), ...(alarms ? [alarms] : [])];
  const { stats, counters, tally, worst, rules } = await (options.workers > 1
    ? replayOnSeveral(files, options, sinks)
    : replayOnOne(files, options, sinks, findings));
  await desk?.close(ALARM_GRACE_MS);
  writeReport(findings, rules, options);
  if (!options.quiet) {
    printSummary(tally, stats, counters);
    printAlarms(desk?.reports() ?? []);
    if (options.store !== undefined) printNextSteps(options.store);
  }
  if (options.failOn && worst && severityRank(worst) >= severityRank(options.failOn)) return EXIT_RULE_MATCHED;
  return internalLoss(counters) > 0 ? EXIT_LOSS : EXIT_DONE;
}

/** Loaded only where alarms are sent. */
async function openDesk(urls: readonly string[]): Promise<AlarmDesk> {
  const desk = await import('../alarm/desk.ts');
  return new desk.AlarmDesk(urls, programVersion());
}

async function replayOnOne(
  files: readonly string[],
  options: ReplayOptions,
  sinks: readonly RecordSink[],
  findings: Findings,
): Promise<Found> {
  const log: { traffic: TrafficLog | undefined } = { traffic: undefined };
  const wanted = trafficOptionsOf(options);
  const status =
    wanted && ((rows: Float64Array, count: number): void => log.traffic?.write(rows, count, source.interfaces));
  const source = openFiles(files);
  const parts = await assemble({ ...assemblyOptions(options, sinks), ordered: true, traffic: status });
  const { pipeline, engine, tally } = parts;
  log.traffic = wanted && (await trafficOpener(wanted))();
  const totals = () => ({ stats: { ...source.stats() }, counters: pipeline.counters(), clockJumps: 0 });
  const watch = wanted && new Watch((beat) => log.traffic?.heartbeat(beat), totals);
  findings.inputOf = () => source.currentFile;
  const progress = new ProgressLine();
  try {
    const stats = await replay(source, pipeline, watch, () =>
      progress.update(() => describe(source, tally.counts.records, source.currentFile)),
    );
    await parts.close();
    closeTraffic(log.traffic);
    const { worst, policy } = engine;
    return { stats, counters: pipeline.counters(), tally: tally.counts, worst, rules: policy.rules };
  } catch (error) {
    if (error instanceof InputError) await keepWhatWasRead(parts, watch);
    // One line says what is wrong.
    log.traffic?.close();
    throw error;
  } finally {
    progress.end();
    source.close();
  }
}

/** An input could not be read to its end. That is what the user must know, so whatever fails now is not said. */
async function keepWhatWasRead({ pipeline, close }: Assembly, watch: Watch | undefined): Promise<void> {
  try {
    pipeline.finish();
    watch?.close();
    await close();
  } catch {
    // The records cannot be written either.
  }
}

async function replayOnSeveral(
  files: readonly string[],
  options: ReplayOptions,
  sinks: readonly RecordSink[],
): Promise<Found> {
  if (files.includes('-')) throw new UserError('standard input can be read by one worker only');
  const threads = startShards(options.workers);
  try {
    return await replayInto(await openOutputs(assemblyOptions(options, sinks)), threads, files, options);
  } finally {
    await stopShards(threads);
  }
}

async function replayInto(
  outputs: Outputs,
  threads: readonly Worker[],
  files: readonly string[],
  options: ReplayOptions,
): Promise<Found> {
  const { sensor, ports, flowsMax, sessionMemoryMax, overlap, evidence } = assemblyOptions(options, []);
  const policies = outputs.engine.policy.sources;
  const { maskKey } = outputs;
  const job = { files, sensor, policies, ports, flowsMax, sessionMemoryMax, overlap, evidence, maskKey };
  const progress = new ProgressLine();
  const wanted = trafficOptionsOf(options);
  const traffic = wanted && (await trafficOpener(wanted))();
  try {
    const report = await replaySharded(threads, job, outputs, traffic, (at) =>
      progress.update(() => describe(at, outputs.tally.counts.records, undefined)),
    );
    return { ...report, rules: outputs.engine.policy.rules };
  } finally {
    progress.end();
    await outputs.close();
    closeTraffic(traffic);
  }
}

function assemblyOptions(options: ReplayOptions, sinks: readonly RecordSink[]): AssemblyOptions {
  return { ...recordingOf(options), sinks, whenFull: 'wait' };
}

function writeReport(findings: Findings, rules: readonly ReportRule[], options: ReplayOptions): void {
  const { report: format, reportFile, failOn } = options;
  if (format === undefined || reportFile === undefined) return;
  const { omitted, records } = findings;
  const text = formatReport(format, { rules, findings: findings.list(), omitted, records, failOn }, programVersion());
  try {
    writeFileSync(reportFile, text);
  } catch (error) {
    throw new UserError(`cannot write the report: ${(error as Error).message}`);
  }
}

function describe({ bytesRead, bytesTotal }: ReplayProgress, records: number, file: string | undefined): string {
  const share = bytesTotal ? ` of ${byteSize(bytesTotal)}, ${Math.floor((100 * bytesRead) / bytesTotal)} %` : '';
  return `${byteSize(bytesRead)}${share}, ${grouped(records)} records  ${file ?? ''}`;
}
