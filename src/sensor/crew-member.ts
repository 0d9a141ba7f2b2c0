/**
 * A capture thread among several: a whole pipeline over its share of the connections, whose records go to the main
 * thread. Nothing waits there: while the queue is full, records are dropped and counted, as when a store is too slow.
 */
import type { SessionNotice } from '../audit/sessions-elsewhere.ts';
import type { AuditRecord, RecordSink } from '../contracts/record.ts';
import type { SqlStatement } from '../contracts/sql.ts';
import type { StatusSink } from '../contracts/traffic.ts';
import { createEngine, type ExplainingEngine } from '../policy/engine.ts';
import type { Policy } from '../policy/policy.ts';
import { loadProtocols } from '../protocols/registry.ts';
import { createColumnValueFinder } from '../sql/column-values.ts';
import { readPolicies } from './assemble.ts';
import { type CaptureParts, secretSeed } from './capture-parts.ts';
import { Evidence } from './evidence.ts';
import type { CaptureJob, CrewPlace, CrewRecord } from './messages.ts';
import { Pipeline } from './pipeline.ts';
import { newTally } from './tally.ts';
import { ThreadQueue } from './thread-queue.ts';

/** Records on their way from one capture thread to the main thread. */
export const RECORDS_UNDER_WAY_MAX = 65_536;
/** Records of one message. */
const RECORDS_PER_MESSAGE = 512;
/** Loss records of one thread, by number: no sensor writes more. */
const LOSSES_PER_MEMBER = 2 ** 40;

/** Takes what goes to the main thread. */
type Send = (records: readonly CrewRecord[], notices: readonly SessionNotice[]) => void;

export class CrewOutbox implements RecordSink {
  private readonly queue: ThreadQueue;
  private readonly send: Send;
  private readonly evidence: Evidence | undefined;
  private waiting: CrewRecord[] = [];
  private notices: SessionNotice[] = [];

  constructor(shared: SharedArrayBuffer, send: Send, evidence: Evidence | undefined = undefined) {
    this.queue = new ThreadQueue(RECORDS_UNDER_WAY_MAX, shared);
    this.send = send;
    this.evidence = evidence;
  }

  write(record: AuditRecord): boolean {
    this.evidence?.write(record);
    if (!this.queue.enter()) return false;
    this.add({ record, deferred: false, statement: undefined, ticket: 0, target: undefined });
    return true;
  }

  /** `false` when it had to be dropped. */
  defer(record: AuditRecord, statement: SqlStatement | undefined, target: string | undefined = undefined): boolean {
    if (!this.queue.enter()) return false;
    // A template is known by its identity, which no copy has.
    const analysed = statement && { ...statement, template: undefined };
    this.add({ record, deferred: true, statement: analysed, ticket: this.evidence?.await(record) ?? 0, target });
    return true;
  }

  /** Without room it is forgotten: requests of other threads will not find the session. */
  announce(notice: SessionNotice): void {
    if (!this.queue.enter()) return;
    this.notices.push(notice);
    if (this.notices.length >= RECORDS_PER_MESSAGE) this.flush();
  }

  /** Sends what waits. */
  flush(): void {
    const { waiting, notices } = this;
    if (waiting.length + notices.length === 0) return;
    this.waiting = [];
    this.notices = [];
    this.send(waiting, notices);
  }

  private add(record: CrewRecord): void {
    this.waiting.push(record);
    if (this.waiting.length >= RECORDS_PER_MESSAGE) this.flush();
  }
}

/** Throws a UserError when a policy or the folder of evidence cannot be used. */
export async function assembleMember(
  job: CaptureJob,
  crew: CrewPlace,
  traffic: StatusSink | undefined,
  send: Send,
): Promise<CaptureParts> {
  const evidence = job.evidence === undefined ? undefined : new Evidence(job.evidence, job.flowsMax);
  const outbox = new CrewOutbox(crew.records, send, evidence);
  // What is counted of records is counted where they come together.
  const tally = newTally();
  const start = (policy: Policy): ExplainingEngine =>
    createEngine(policy, { maskKey: crew.maskKey, columnValues: createColumnValueFinder(), defersMemory: true });
  let engine = start(readPolicies(job.policies));
  const pipeline: Pipeline = new Pipeline({
    sensor: job.sensor,
    protocols: await loadProtocols(),
    ports: job.ports,
    policy: engine,
    sink: outbox,
    flowsMax: job.flowsMax,
    sessionMemoryMax: job.sessionMemoryMax,
    overlap: job.overlap,
    evidence,
    traffic,
    hashSeed: secretSeed(),
    firstLoss: crew.index * LOSSES_PER_MEMBER,
    defer: (record, statement, target) => {
      if (!outbox.defer(record, statement, target)) pipeline.auditor.counters.dropped++;
    },
    announce: (notice) => outbox.announce(notice),
  });
  return {
    pipeline,
    get engine() {
      return engine;
    },
    tally,
    enforce(policy) {
      engine = start(policy);
      pipeline.auditor.policy = engine;
    },
    judged: (judged) => evidence?.settle(judged),
    tick: () => outbox.flush(),
    flush: () => undefined,
    async close() {
      outbox.flush();
      await evidence?.settled();
      evidence?.close();
    },
  };
}
