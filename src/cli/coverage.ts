/** `wiretrail coverage`: a statement of completeness for a stretch of time, to be filed with what was found in it. */
import { Command, Option } from 'commander';
import { EXIT_DONE, EXIT_LOSS, UserError } from '../base/errors.ts';
import { formatTime } from '../base/time.ts';
import { parseFilter } from '../query/language.ts';
import { DROPS_UNKNOWN } from '../sensor/loss-ledger.ts';
import { printable } from '../store/format/table.ts';
import { StoreReader } from '../store/reader.ts';
import { type Coverage, coverageOf, isComplete } from '../traffic/coverage.ts';
import { type TimeSpan, TrafficReader } from '../traffic/reader.ts';
import { recordAccess } from './access.ts';
import { byteSize, counted, grouped, say } from './text.ts';
import { type TimeOptions, timeOptions, timeRange } from './time-range.ts';

interface CoverageOptions extends TimeOptions {
  readonly store: string;
  readonly format: 'text' | 'json';
}

const HOLES_SHOWN = 20;
const LOSSES_SHOWN = 50;

const EXAMPLES = `
Examples:
  wiretrail coverage --store ./data                         over all that was recorded
  wiretrail coverage --from 2026-11-20 --to 2026-11-21      one day, UTC
  wiretrail coverage -t -1d --format json

Exit codes: 0 complete · 3 something was lost, or nobody watched for a while`;

export function coverageCommand(exit: (code: number) => void): Command {
  return timeOptions(
    new Command('coverage')
      .description('say how complete the record of a stretch of time is')
      .option('--store <dir>', 'the store', 'data'),
  )
    .addOption(new Option('--format <form>', 'how to print').choices(['text', 'json']).default('text'))
    .addHelpText('after', EXAMPLES)
    .action((options: CoverageOptions) => exit(run(options)));
}

function run(options: CoverageOptions): number {
  const { from, to, time } = options;
  recordAccess(options.store, 'READ', 'coverage', [from, to, time].filter((word) => word !== undefined).join(' '));
  const records = new StoreReader(options.store);
  const traffic = new TrafficReader(options.store);
  try {
    const span = timeRange(options, Date.now() * 1000) ?? traffic.span();
    if (span === undefined) {
      throw new UserError(
        `${options.store}: no heartbeats; it was filled without flow records, or by an older version`,
      );
    }
    const statements = coverageOf(traffic.heartbeats(span), span);
    for (const problem of traffic.problems) say(`wiretrail: ${problem}`);
    const losses = lossesIn(records, span);
    const { listed, areMore, areDropsCounted } = losses;
    if (options.format === 'json') {
      const statement = { span, sensors: statements, losses: listed, moreLosses: areMore };
      process.stdout.write(`${JSON.stringify(statement)}\n`);
    } else {
      printStatements(statements, span, losses);
    }
    return areDropsCounted && statements.length > 0 && statements.every(isComplete) ? EXIT_DONE : EXIT_LOSS;
  } finally {
    traffic.close();
    records.close();
  }
}

function printStatements(statements: readonly Coverage[], span: TimeSpan, losses: Losses): void {
  const print = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  print(`Completeness from ${formatTime(span.fromUs)} to ${formatTime(span.toUs)}`);
  if (statements.length === 0) print('No sensor watched in this time.');
  for (const statement of statements)
    for (const line of statementLines(statement, span, losses.areDropsCounted)) print(line);
  for (const line of lossLines(losses)) print(line);
}

function statementLines(coverage: Coverage, span: TimeSpan, areDropsCounted: boolean): string[] {
  const { sensor, holes, understoodBytes, encryptedBytes, otherBytes, undecidedBytes, gapBytes, unparsedBytes } =
    coverage;
  const whole = understoodBytes + encryptedBytes + otherBytes + undecidedBytes + gapBytes + unparsedBytes;
  const share = (bytes: number): string => `${byteSize(bytes)}, ${percent(bytes, whole)}`;
  const note = areDropsCounted ? '' : ' (not counted while libpcap captured)';
  const lines = [
    '',
    `Sensor ${sensor}: ${areDropsCounted && isComplete(coverage) ? 'complete' : 'NOT complete'}`,
    `  watched      ${(coverage.watchedUs / 1e6).toFixed(1)} s, ${percent(coverage.watchedUs, span.toUs - span.fromUs)} of the time`,
    ...holes
      .slice(0, HOLES_SHOWN)
      .map((hole) => `    not from   ${formatTime(hole.fromUs)} to ${formatTime(hole.toUs)}`),
    ...(holes.length > HOLES_SHOWN ? [`    and ${counted(holes.length - HOLES_SHOWN, 'hole')} more`] : []),
    `  seen         ${counted(coverage.packets, 'packet')}, ${byteSize(coverage.bytes)}`,
    `  dropped      ${counted(coverage.kernelDrops, 'packet')} by the kernel${note}; ${counted(coverage.ringFreezes, 'freeze')} of the ring`,
    ...cutLines(coverage),
    `  payload      ${byteSize(whole)} of TCP`,
    `    understood ${share(understoodBytes)}`,
    `    encrypted  ${share(encryptedBytes)}`,
    `    other      ${share(otherBytes)}`,
    `    undecided  ${share(undecidedBytes)}`,
    `    lost       ${share(gapBytes)} in gaps of database connections`,
    `    unreadable ${share(unparsedBytes)}`,
    `  sessions     ${grouped(coverage.connections)} begun, ${grouped(coverage.cutSessions)} cut (beginning or end not seen)`,
    `  given up     ${counted(coverage.evictedFlows, 'connection')}, ${counted(coverage.droppedRecords, 'record')}`,
  ];
  if (coverage.clockJumps > 0) lines.push(`  clock        set ${grouped(coverage.clockJumps)} times`);
  return lines;
}

function cutLines({ cutPackets, cutBytes, cutFiles }: Coverage): string[] {
  const parts: string[] = [];
  if (cutPackets > 0) parts.push(`${counted(cutPackets, 'packet')}, of which ${byteSize(cutBytes)} were not captured`);
  if (cutFiles > 0) parts.push(`${counted(cutFiles, 'file')} in the middle of a packet`);
  return parts.length === 0 ? [] : [`  cut short    ${parts.join('; ')}`];
}

/** An entry of the ledger, in its own words. */
interface Loss {
  readonly time: string;
  readonly reason: string;
  readonly detail: string;
}

interface Losses {
  /** The first of them. */
  readonly listed: readonly Loss[];
  readonly areMore: boolean;
  /** Where nobody counted dropped packets, that there were none is no news. */
  readonly areDropsCounted: boolean;
}

function lossesIn(records: StoreReader, span: TimeSpan): Losses {
  const filter = parseFilter('kind:loss', 0);
  const listed: Loss[] = [];
  let areMore = false;
  let areDropsCounted = true;
  for (const { timeUs, reason = '', errorText, text } of records.query({ ...span, filter, order: 'oldest' })) {
    if (reason === DROPS_UNKNOWN) areDropsCounted = false;
    if (listed.length < LOSSES_SHOWN) {
      listed.push({ time: formatTime(timeUs), reason, detail: printable(errorText ?? text ?? '') });
      continue;
    }
    areMore = true;
    if (!areDropsCounted) break;
  }
  return { listed, areMore, areDropsCounted };
}

function lossLines({ listed, areMore }: Losses): string[] {
  if (listed.length === 0) return [];
  const lines = listed.map(({ time, reason, detail }) => `  ${time}  ${reason}: ${detail}`);
  const more = areMore ? ["  … more with 'wiretrail query kind:loss'"] : [];
  return ['', 'Losses written down:', ...lines, ...more];
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '0 %' : `${((100 * part) / whole).toFixed(part === whole || part === 0 ? 0 : 3)} %`;
}
