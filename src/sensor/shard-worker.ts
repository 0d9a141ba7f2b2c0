/**
 * A thread of a replay with several workers. It reads every packet, so that its clock and its packet numbers are those
 * of all others, and follows the flows of its shard. What only counts is counted here; records go to the main thread
 * when someone wants them, or when a rule's memory of all flows must judge them.
 */
import { parentPort } from 'node:worker_threads';
import { PacketOrder } from '../audit/order.ts';
import type { SessionNotice } from '../audit/sessions-elsewhere.ts';
import { withoutOptimizing } from '../base/engine-flags.ts';
import { UserError } from '../base/errors.ts';
import { type FileSource, openFiles } from '../capture/files/file.ts';
import type { AuditRecord, RecordSink } from '../contracts/record.ts';
import type { SqlStatement } from '../contracts/sql.ts';
import type { StatusSink } from '../contracts/traffic.ts';
import { createEngine } from '../policy/engine.ts';
import { parsePolicies } from '../policy/policy.ts';
import { loadProtocols } from '../protocols/registry.ts';
import { createColumnValueFinder } from '../sql/column-values.ts';
import { Evidence, type Judged } from './evidence.ts';
import { Pipeline } from './pipeline.ts';
import { readAll } from './replay.ts';
import type { ShardJob, ShardMessage, ShardNotice, ShardRecord } from './shard-messages.ts';
import { Tally } from './tally.ts';
import { Watch } from './watch.ts';

/** Messages that the main thread may be behind. */
const MESSAGES_MAX = 8;
/** Records of a message; more are sent in several. */
const RECORDS_MAX = 4096;
/** Sleeps end after this time even without a signal, to look again. */
const WAIT_MS = 1000;

class Outbox implements RecordSink {
  /** Packet that is being read. */
  position: () => number = () => 0;
  private readonly order = new PacketOrder();
  private records: ShardRecord[] = [];
  private notices: ShardNotice[] = [];
  private sent = 0;
  private readonly shard: number;
  private readonly taken: Int32Array;
  private readonly source: FileSource;
  private readonly evidence: Evidence | undefined;

  constructor(job: ShardJob, source: FileSource, evidence: Evidence | undefined) {
    this.shard = job.shard.index;
    this.taken = new Int32Array(job.taken);
    this.source = source;
    this.evidence = evidence;
  }

  write(record: AuditRecord): boolean {
    this.add(record, undefined, false, undefined);
    return true;
  }

  readonly defer = (
    record: AuditRecord,
    statement: SqlStatement | undefined,
    target: string | undefined = undefined,
  ): void => {
    this.add(record, statement, true, target);
  };

  readonly announce = (notice: SessionNotice): void => {
    this.makeRoom();
    this.notices.push({ position: this.position(), notice });
  };

  /** More may come of the packet that is being read: only what was before it is complete. */
  private makeRoom(): void {
    if (this.records.length + this.notices.length >= RECORDS_MAX) this.send(this.position() - 1);
  }

  private add(
    record: AuditRecord,
    statement: SqlStatement | undefined,
    deferred: boolean,
    target: string | undefined,
  ): void {
    this.makeRoom();
    const position = this.position();
    const orderUs = this.order.keyUs(record, position);
    // A template is known by its identity, which no copy has.
    const analysed = statement && { ...statement, template: undefined };
    const ticket = deferred ? (this.evidence?.await(record) ?? 0) : 0;
    this.records.push({ position, orderUs, record, deferred, statement: analysed, ticket, shard: this.shard, target });
  }

  /** Sends what is there; everything up to the packet `position` is then told. */
  send(position: number): void {
    const { taken, shard } = this;
    for (;;) {
      const seen = Atomics.load(taken, shard);
      if (this.sent - seen < MESSAGES_MAX) break;
      Atomics.wait(taken, shard, seen, WAIT_MS);
    }
    this.sent++;
    const { bytesRead, bytesTotal } = this.source;
    const { records, notices } = this;
    tell({ kind: 'records', position, records, notices, bytesRead, bytesTotal });
    this.records = [];
    this.notices = [];
  }
}

function tell(message: ShardMessage, transfer: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

function trafficOf({ interfaces }: FileSource): StatusSink {
  return (rows, count) => tell({ kind: 'traffic', rows, count, interfaces }, [rows.buffer as ArrayBuffer]);
}

function watchOf(source: FileSource, pipeline: Pipeline): Watch {
  const totals = () => ({ stats: { ...source.stats() }, counters: pipeline.counters(), clockJumps: 0 });
  return new Watch((beat) => tell({ kind: 'heartbeat', beat }), totals);
}

function both(evidence: Evidence | undefined, sink: RecordSink): RecordSink {
  if (evidence === undefined) return sink;
  return {
    write(record) {
      evidence.write(record);
      return sink.write(record);
    },
  };
}

/** The main thread's first message. */
function nextJob(): Promise<ShardJob> {
  return new Promise((resolve) => parentPort?.once('message', resolve));
}

async function main(): Promise<void> {
  const job = await nextJob();
  const policies = withoutOptimizing(() => parsePolicies(job.policies, { checked: true }));
  const policy = createEngine(policies, {
    maskKey: job.maskKey,
    columnValues: createColumnValueFinder(),
    defersMemory: true,
  });
  const source = openFiles(job.files);
  const evidence = job.evidence && new Evidence(job.evidence, job.flowsMax);
  parentPort?.on('message', (judged: Judged) => evidence?.settle(judged));
  const outbox = new Outbox(job, source, evidence);
  const tally = new Tally([]);
  const { sensor, ports, flowsMax, sessionMemoryMax, overlap, shard, sendsRecords, sendsTraffic } = job;
  const sink = both(evidence, sendsRecords ? outbox : tally);
  const options = {
    sensor,
    ports,
    flowsMax,
    sessionMemoryMax,
    overlap,
    evidence,
    shard,
    policy,
    sink,
    ordered: true,
    defer: outbox.defer,
    announce: outbox.announce,
    traffic: sendsTraffic ? trafficOf(source) : undefined,
  };
  const pipeline = new Pipeline({ ...options, protocols: await loadProtocols() });
  outbox.position = () => pipeline.position;
  const watch = sendsTraffic ? watchOf(source, pipeline) : undefined;
  const problem = await problemOf(readAll(source, pipeline, watch, () => outbox.send(pipeline.position)));
  pipeline.finish();
  watch?.close();
  outbox.send(Number.POSITIVE_INFINITY);
  await evidence?.settled();
  evidence?.close();
  const report = { stats: source.stats(), counters: pipeline.counters(), tally: tally.counts, worst: policy.worst };
  source.close();
  tell(problem === undefined ? { kind: 'done', report } : { kind: 'failed', message: problem });
}

/** Why an input cannot be read on, in one line; what came before it is kept. `undefined`: all was read. */
async function problemOf(reading: Promise<void>): Promise<string | undefined> {
  try {
    await reading;
    return undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.message;
  }
}

// Not awaited: in the bundle this is a script.
main().catch((error: unknown) => {
  if (!(error instanceof UserError)) throw error;
  tell({ kind: 'failed', message: error.message });
});
