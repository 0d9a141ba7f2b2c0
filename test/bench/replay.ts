/**
 * Replay of the MySQL capture (1 million packets, 10,000 flows, 470,000 statements) by Wiretrail and by its peers:
 * argus counts flows, tcpdump only reads, tshark prints the statements. Every count is checked.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { best, type Cost, measure, programPath } from './measure.ts';
import { type Workload, writeMysqlCapture } from './workload.ts';

const FLOWS = 10_000;
const PACKETS_PER_FLOW = 100;
/** Of the long capture, where start and compilation hardly count. */
const PACKETS_PER_FLOW_LONG = 1000;
const SEED = 1;
/**
 * Packets a second by the capture's own clock. It matters to argus, which writes down every connection that was active
 * each five seconds: at 1,000, where a connection asks every twenty seconds, that is one record for each packet.
 */
const SLOWER_PACES = [10_000, 1000];

export interface Result extends Omit<Cost, 'stdout' | 'stderr'> {
  readonly name: string;
  readonly packets: number;
  readonly statements: number | undefined;
}

/** Name and options of a run of Wiretrail. */
type Run = readonly [string, readonly string[]];
const ONE_WORKER: Run = ['wiretrail, 1 worker', []];
const RUNS: readonly Run[] = [ONE_WORKER, ['wiretrail, 2 workers', ['--workers', '2']]];

/** `rounds` runs of each, of which the cheapest counts; peers that are not installed are left out. */
export async function replayResults(rounds: number, report: (result: Result) => void): Promise<void> {
  await onCapture(PACKETS_PER_FLOW, async (folder, path, workload) => {
    const stores: Run = ['wiretrail, 1 worker, store', ['--store', join(folder, 'store')]];
    await wiretrail(rounds, [...RUNS, stores], folder, path, workload, report);
    await peers(rounds, folder, path, workload, report);
  });
}

/** The same with ten times the packets of a flow, and without those that take memory for each. */
export async function longReplayResults(rounds: number, report: (result: Result) => void): Promise<void> {
  await onCapture(PACKETS_PER_FLOW_LONG, async (folder, path, workload) => {
    await wiretrail(rounds, RUNS, folder, path, workload, report);
    await argus(rounds, folder, path, workload, report);
  });
}

/** The same packets, less close together. */
export async function slowerReplayResults(rounds: number, report: (result: Result) => void): Promise<void> {
  for (const pace of SLOWER_PACES) {
    const reportPace = (result: Result): void =>
      report({ ...result, name: `${result.name}, at ${pace.toLocaleString('en')} packets/s` });
    const replayAll: ReplayAll = async (folder, path, workload) => {
      await wiretrail(rounds, [ONE_WORKER], folder, path, workload, reportPace);
      await argus(rounds, folder, path, workload, reportPace);
    };
    await onCapture(PACKETS_PER_FLOW, replayAll, BigInt(1e9 / pace));
  }
}

type ReplayAll = (folder: string, path: string, workload: Workload) => Promise<void>;

async function onCapture(packetsPerFlow: number, replayAll: ReplayAll, stepNs?: bigint): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-bench-'));
  try {
    const path = join(folder, 'mysql.pcap');
    await replayAll(folder, path, writeMysqlCapture(path, FLOWS, packetsPerFlow, SEED, stepNs));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function wiretrail(
  rounds: number,
  runs: readonly Run[],
  folder: string,
  path: string,
  workload: Workload,
  report: (result: Result) => void,
): Promise<void> {
  const main = join(import.meta.dirname, '../../main.js');
  for (const [name, options] of runs) {
    const cost = await best(rounds, async () => {
      rmSync(join(folder, 'store'), { recursive: true, force: true });
      const found = await measure([process.execPath, main, 'replay', path, ...options]);
      assert.equal(counted(found.stderr, 'packets'), workload.packets, `${name}: packets`);
      assert.equal(counted(found.stderr, 'sessions'), workload.flows, `${name}: sessions`);
      assert.equal(counted(found.stderr, 'statements'), workload.statements, `${name}: statements`);
      return found;
    });
    report(resultOf(name, workload, workload.statements, cost));
  }
}

/** The number behind a word at the beginning of a line of the summary. */
function counted(summary: string, word: string): number {
  const line = summary.split('\n').find((text) => text.startsWith(`${word} `));
  return Number(/[\d,]+/.exec(line ?? '')?.[0].replaceAll(',', ''));
}

async function argus(
  rounds: number,
  folder: string,
  path: string,
  workload: Workload,
  report: (result: Result) => void,
): Promise<void> {
  const program = programPath('argus');
  if (program === undefined) return;
  const cost = await best(rounds, () => measure([program, '-r', path, '-w', join(folder, 'argus.out')]));
  report(resultOf('argus (flows only)', workload, undefined, cost));
}

async function peers(
  rounds: number,
  folder: string,
  path: string,
  workload: Workload,
  report: (result: Result) => void,
): Promise<void> {
  await argus(rounds, folder, path, workload, report);
  const tcpdump = programPath('tcpdump');
  if (tcpdump) {
    const cost = await best(rounds, () => measure([tcpdump, '-r', path, '-w', '/dev/null']));
    report(resultOf('tcpdump (reads only)', workload, undefined, cost));
  }
  const tshark = programPath('tshark');
  if (tshark) {
    const print = ['-r', path, '-Y', 'mysql.query', '-T', 'fields', '-e', 'mysql.query'];
    const shell = ['/bin/sh', '-c', 'exec "$0" "$@" | wc -l', tshark, ...print];
    const cost = await measure(shell);
    assert.equal(Number(cost.stdout), workload.statements, 'tshark: statements');
    report(resultOf('tshark -e mysql.query', workload, workload.statements, cost));
  }
}

function resultOf(name: string, workload: Workload, statements: number | undefined, cost: Cost): Result {
  const { cpuSeconds, wallSeconds, peakMib } = cost;
  return { name, packets: workload.packets, statements, cpuSeconds, wallSeconds, peakMib };
}
