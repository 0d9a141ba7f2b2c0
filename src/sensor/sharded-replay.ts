/** A replay on several threads: the same records, in the same order, as on one. `shard-worker.ts` is one of them. */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { SessionsElsewhere } from '../audit/sessions-elsewhere.ts';
import { addCounters, type Counters } from '../base/counters.ts';
import { UserError } from '../base/errors.ts';
import { DISPOSITION_RECORD } from '../contracts/policy.ts';
import { type Severity, worstSeverity } from '../contracts/record.ts';
import type { Outputs } from './assemble.ts';
import { isAlert, type Judged } from './evidence.ts';
import { ShardMerge } from './merge.ts';
import type { PipelineCounters } from './pipeline.ts';
import type { ShardJob, ShardMessage, ShardRecord, ShardReport } from './shard-messages.ts';
import { addTally } from './tally.ts';
import { HeartbeatSum, type TrafficReceiver } from './traffic.ts';

/** How far the slowest shard is. */
export interface ReplayProgress {
  readonly bytesRead: number;
  readonly bytesTotal: number | undefined;
}

/** Threads for `replaySharded`. They load what they need at once, while their creator gets their job ready. */
export function startShards(count: number): readonly Worker[] {
  return Array.from({ length: count }, () => new Worker(join(import.meta.dirname, 'shard-worker.js')));
}

export async function stopShards(threads: readonly Worker[]): Promise<void> {
  await Promise.all(threads.map((thread) => thread.terminate()));
}

/**
 * Replays `job.files` in threads that have done nothing yet, into `outputs`. The report holds the counters of all shards;
 * those of packets, which every shard reads, are counted once. Throws a UserError when an input cannot be used.
 */
export async function replaySharded(
  threads: readonly Worker[],
  job: Omit<ShardJob, 'shard' | 'taken' | 'sendsRecords' | 'sendsTraffic'>,
  outputs: Outputs,
  traffic: TrafficReceiver | undefined,
  onProgress: (progress: ReplayProgress) => void,
): Promise<ShardReport> {
  const { engine, tally, takesRecords, writer } = outputs;
  const workers = threads.length;
  const taken = new SharedArrayBuffer(4 * workers);
  const words = new Int32Array(taken);
  const kept = { ignored: 0, dropped: 0 };
  const judgements = Array.from({ length: workers }, (): Judgements => ({ upTo: 0, alerts: [] }));
  const sessions = new SessionsElsewhere();
  const write = ({ record, deferred, statement, ticket, shard, target }: ShardRecord): void => {
    if (target !== undefined) sessions.describe(record, target);
    if (deferred && engine.evaluate(record, statement) !== DISPOSITION_RECORD) kept.ignored++;
    else if (!tally.write(record)) kept.dropped++;
    const judged = judgements[shard];
    if (ticket === 0 || judged === undefined) return;
    judged.upTo = ticket;
    if (isAlert(record)) judged.alerts.push(ticket);
  };
  const markTaken = (shard: number): void => {
    Atomics.add(words, shard, 1);
    Atomics.notify(words, shard);
  };
  const merge = new ShardMerge(workers, write, markTaken, (notice) => sessions.hear(notice));
  const sendsRecords = takesRecords;
  const sendsTraffic = traffic !== undefined;
  const heartbeats = new HeartbeatSum(workers, (beat) => traffic?.heartbeat(beat));
  const evidence = job.evidence && { ...job.evidence, writers: workers };
  const runs = threads.map((thread, index) => {
    const shard = { index, count: workers };
    const whole: ShardJob = { ...job, evidence, shard, sendsRecords, sendsTraffic, taken };
    thread.postMessage(whole);
    return shardReport(thread, (message) => {
      if (message.kind === 'traffic') return traffic?.write(message.rows, message.count, message.interfaces);
      if (message.kind === 'heartbeat') return heartbeats.add(index, message.beat);
      merge.add(index, message.position, message.records, message.notices);
      tellJudgements(judgements, threads);
      writer?.tick();
      onProgress(message);
    }).catch((error: unknown) => {
      if (!(error instanceof UserError)) throw error;
      // It sends nothing more; what the others still have is kept.
      merge.add(index, Number.POSITIVE_INFINITY, []);
      return error;
    });
  });
  const reports: ShardReport[] = [];
  for (const report of await Promise.all(runs)) {
    if (report instanceof UserError) throw report;
    reports.push(report);
  }
  return together(reports, kept, engine.worst, outputs);
}

/** Of one shard's records, since it was told last. */
interface Judgements extends Judged {
  upTo: number;
  alerts: number[];
}

function tellJudgements(judgements: readonly Judgements[], threads: readonly Worker[]): void {
  for (const [shard, judged] of judgements.entries()) {
    if (judged.upTo === 0) continue;
    threads[shard]?.postMessage(judged);
    judged.upTo = 0;
    judged.alerts = [];
  }
}

type StreamMessage = Extract<ShardMessage, { kind: 'records' | 'traffic' | 'heartbeat' }>;

function shardReport(thread: Worker, onMessage: (message: StreamMessage) => void): Promise<ShardReport> {
  return new Promise((resolve, reject) => {
    thread.on('message', (message: ShardMessage) => {
      if (message.kind === 'done') resolve(message.report);
      else if (message.kind === 'failed') reject(new UserError(message.message));
      else onMessage(message);
    });
    thread.on('error', reject);
    thread.on('exit', (code) => reject(new Error(`a worker ended early, with ${code}`)));
  });
}

function together(
  reports: readonly ShardReport[],
  kept: { readonly ignored: number; readonly dropped: number },
  worst: Severity | undefined,
  { tally }: Outputs,
): ShardReport {
  const [first, ...others] = reports;
  if (first === undefined) throw new RangeError('a replay needs a worker');
  const { counters } = first;
  addTally(tally.counts, first.tally);
  for (const { counters: more, tally: moreTally } of others) {
    const { evidence } = more;
    addCounters(counters.protocols, more.protocols);
    addCounters(counters.audit, more.audit);
    addOwn(counters.reassembly, more.reassembly);
    if (evidence !== undefined) addCounters(counters.evidence ?? {}, evidence);
    addTally(tally.counts, moreTally);
  }
  addCounters(counters.audit, kept);
  counters.reassembly['foreignPackets'] = 0;
  return {
    stats: first.stats,
    counters,
    tally: tally.counts,
    worst: worstSeverity([worst, ...reports.map((r) => r.worst)]),
  };
}

/** Counters of reassembly but those of packets, which every shard counts alike. */
function addOwn(into: PipelineCounters['reassembly'], from: Readonly<Counters>): void {
  addCounters(into, { ...from, packets: 0 });
}
