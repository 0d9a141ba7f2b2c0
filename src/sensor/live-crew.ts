/**
 * Live capture on several threads: the kernel shares the frames of every interface among them (PACKET_FANOUT), both
 * directions of a connection to the same one. Each runs a whole pipeline; here their records come together, are judged
 * where a rule remembers all connections, and written. Records of one thread keep their order, those of different
 * threads mix as they come.
 */
import { newAuditCounters } from '../audit/auditor.ts';
import { addCounters } from '../base/counters.ts';
import { UserError } from '../base/errors.ts';
import { emptyStats } from '../capture/batch.ts';
import type { SourceStats } from '../contracts/packet.ts';
import { DISPOSITION_RECORD } from '../contracts/policy.ts';
import { worstSeverity } from '../contracts/record.ts';
import type { PolicySource } from '../policy/files/source.ts';
import { parsePolicies } from '../policy/policy.ts';
import { type OutputOptions, type Outputs, openOutputs } from './assemble.ts';
import { ClockWatch } from './clock-watch.ts';
import { RECORDS_UNDER_WAY_MAX } from './crew-member.ts';
import { isAlert } from './evidence.ts';
import { LiveCapture, type LiveListeners } from './live.ts';
import type { CaptureJob, CrewRecord, PolicyInForce, Progress } from './messages.ts';
import type { PipelineCounters } from './pipeline.ts';
import { ThreadQueue } from './thread-queue.ts';
import { WaitingRequests } from './waiting-requests.ts';
import { Watch, type WatchTotals } from './watch.ts';

export type CrewJob = Omit<CaptureJob, 'stop' | 'alarms' | 'crew' | 'sendsTraffic'>;

/** How often the store hears of acknowledgements, and what was written becomes visible. */
const TICK_MS = 100;
/** Groups are numbers of this machine's network namespace; interfaces of one crew take consecutive ones. */
const FANOUT_GROUPS = 65_000;

const NOTHING_YET: PipelineCounters = {
  decode: {},
  reassembly: {},
  protocols: {},
  audit: newAuditCounters(),
  traffic: undefined,
  evidence: undefined,
};

/** The same to the rest of the sensor as a `LiveCapture`. */
export class LiveCrew {
  /** The last counters of all; rejects with a UserError when a thread could not go on. */
  readonly ended: Promise<Progress>;
  readonly alarmsDropped = 0;
  private readonly members: readonly LiveCapture[];
  private readonly outputs: Outputs;
  /** Of records that were judged here. */
  private readonly kept = { ignored: 0, dropped: 0 };
  private readonly ticks: NodeJS.Timeout;
  private readonly clock = new ClockWatch();
  private readonly watch: Watch | undefined;
  private last: Progress | undefined = undefined;
  private readonly requests = new WaitingRequests((item, member) => this.judge(item, member));
  /** Of each thread's records, since it was told last. */
  private readonly judgements: { upTo: number; readonly alerts: number[] }[];

  /** Throws a UserError when a policy or an output cannot be used. `more`: what the outputs are besides the job's. */
  static async start(
    job: CrewJob,
    size: number,
    more: OutputOptions['sinks'],
    listeners: LiveListeners,
  ): Promise<LiveCrew> {
    const outputs = await openOutputs({ ...job, sinks: more ?? [], whenFull: 'drop' });
    return new LiveCrew(job, size, outputs, listeners);
  }

  private constructor(job: CrewJob, size: number, outputs: Outputs, listeners: LiveListeners) {
    this.outputs = outputs;
    this.judgements = Array.from({ length: size }, () => ({ upTo: 0, alerts: [] }));
    const fanoutGroup = process.pid % FANOUT_GROUPS;
    let starting = size;
    const evidence = job.evidence && { ...job.evidence, writers: size };
    this.members = Array.from({ length: size }, (_, index) => {
      const queue = new ThreadQueue(RECORDS_UNDER_WAY_MAX);
      const crew = { index, fanoutGroup, maskKey: outputs.maskKey, records: queue.shared };
      return new LiveCapture(
        { ...job, evidence, crew },
        {
          ready: () => {
            if (--starting === 0) listeners.ready();
          },
          progress: () => {
            const { latest } = this;
            if (latest !== undefined) listeners.progress(latest);
          },
          alarm: undefined,
          traffic: listeners.traffic && { write: listeners.traffic.write, heartbeat: () => undefined },
          records: (records, notices) => {
            this.requests.hear(notices, performance.now());
            this.take(records, index);
            queue.leave(records.length + notices.length);
            this.tellJudged(index);
          },
        },
      );
    });
    const { traffic } = listeners;
    this.watch =
      traffic &&
      new Watch(
        (beat) => traffic.heartbeat(beat),
        () => this.totals(),
      );
    this.ticks = setInterval(() => {
      this.clock.look(Date.now());
      this.watch?.tick(Date.now() * 1000);
      this.releaseRequests(performance.now());
      outputs.writer?.tick();
      outputs.jsonl?.flush();
    }, TICK_MS);
    this.ended = this.finish();
    this.ended.catch(() => undefined);
  }

  /** The first thread's; all enforce the same. */
  get policy(): PolicyInForce | undefined {
    return this.members[0]?.policy;
  }

  /** `undefined` until every thread has told its counters. */
  get latest(): Progress | undefined {
    const all = this.members.map(({ latest }) => latest);
    return all.includes(undefined) ? undefined : this.together(all.filter((progress) => progress !== undefined));
  }

  stop(): void {
    for (const member of this.members) member.stop();
  }

  /** Puts a policy in force everywhere. Rejects with a UserError when it is refused; then the old one stays. */
  async enforce(sources: readonly PolicySource[]): Promise<PolicyInForce> {
    const policy = parsePolicies(sources);
    const [first] = await Promise.all(this.members.map((member) => member.enforce(sources)));
    this.outputs.enforce(policy);
    if (first === undefined) throw new UserError('the capture has ended');
    return first;
  }

  private take(records: readonly CrewRecord[], member: number): void {
    for (const item of records) {
      if (item.target === undefined) this.judge(item, member);
      else this.requests.add(item, item.target, member, performance.now());
    }
  }

  /** Judges and writes. */
  private judge({ record, deferred, statement, ticket }: CrewRecord, member: number): void {
    const { engine, tally } = this.outputs;
    const isKept = !deferred || engine.evaluate(record, statement) === DISPOSITION_RECORD;
    if (!isKept) this.kept.ignored++;
    else if (!tally.write(record)) this.kept.dropped++;
    const judgement = this.judgements[member];
    if (ticket === 0 || judgement === undefined) return;
    judgement.upTo = Math.max(judgement.upTo, ticket);
    if (isAlert(record)) judgement.alerts.push(ticket);
  }

  /** Tells a thread what its evidence waits for, unless something before it is not judged yet. */
  private tellJudged(member: number): void {
    const judgement = this.judgements[member];
    if (judgement === undefined || judgement.upTo === 0 || this.requests.has(member)) return;
    this.judgements[member] = { upTo: 0, alerts: [] };
    this.members[member]?.judged(judgement);
  }

  private releaseRequests(nowMs: number): void {
    this.requests.release(nowMs);
    for (const member of this.judgements.keys()) this.tellJudged(member);
  }

  private async finish(): Promise<Progress> {
    try {
      const ended = await Promise.all(this.members.map((member) => member.ended));
      this.releaseRequests(Number.POSITIVE_INFINITY);
      this.last = this.together(ended);
      this.watch?.tick(Date.now() * 1000);
      this.watch?.close();
      return this.last;
    } catch (error) {
      this.stop();
      await Promise.allSettled(this.members.map(({ ended }) => ended));
      throw error;
    } finally {
      clearInterval(this.ticks);
      await this.outputs.close();
    }
  }

  /** Zeros at first. */
  private totals(): WatchTotals {
    const { stats, counters } = this.last ?? this.latest ?? { stats: emptyStats(), counters: NOTHING_YET };
    return { stats, counters, clockJumps: this.clock.jumps };
  }

  private together(all: readonly Progress[]): Progress {
    const stats = emptyStats();
    const [first, ...others] = all.map(({ counters }) => structuredClone(counters));
    if (first === undefined) throw new RangeError('a crew needs a member');
    for (const more of others) {
      for (const stage of ['decode', 'reassembly', 'protocols', 'audit'] as const)
        addCounters(first[stage], more[stage]);
    }
    for (const { traffic } of others) if (traffic !== undefined) addCounters(first.traffic ?? {}, traffic);
    for (const { evidence } of others) if (evidence !== undefined) addCounters(first.evidence ?? {}, evidence);
    for (const progress of all) {
      for (const key of Object.keys(stats) as (keyof SourceStats)[]) stats[key] += progress.stats[key];
    }
    addCounters(first.audit, this.kept);
    const { engine, tally } = this.outputs;
    return {
      stats,
      counters: first,
      tally: tally.counts,
      worst: worstSeverity([engine.worst, ...all.map(({ worst }) => worst)]),
    };
  }
}
