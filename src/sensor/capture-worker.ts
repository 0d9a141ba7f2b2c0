/**
 * A capture thread: its rings, one pipeline. It reads blocks in place, gives them back, and yields to its event loop
 * often enough for the store's acknowledgements. It stops when the shared flag says so, and only then unmaps the ring.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { UserError } from '../base/errors.ts';
import { CapSource } from '../capture/live/cap.ts';
import { type LiveSource, openRing } from '../capture/live/ring.ts';
import { compileFilter } from '../capture/live/tcpdump-filter.ts';
import type { SourceStats } from '../contracts/packet.ts';
import { parsePolicySteps } from '../policy/policy.ts';
import { ALARMS_UNDER_WAY_MAX, AlarmSink } from './alarm-sink.ts';
import { assembleAlone, type CaptureParts } from './capture-parts.ts';
import { ClockWatch } from './clock-watch.ts';
import { assembleMember } from './crew-member.ts';
import { policyFilter } from './kernel-filter.ts';
import { type LossAccount, LossLedger, lossAccounts, unknownDrops } from './loss-ledger.ts';
import type { CaptureCommand, CaptureJob, CaptureMessage, PolicyInForce, Progress } from './messages.ts';
import { ThreadQueue } from './thread-queue.ts';
import { Watch } from './watch.ts';

const POLL_MS = 100;
const PROGRESS_MS = 1000;
/** Blocks read in a row before the event loop has its turn. */
const BLOCKS_PER_TURN = 8;
/** After a stop: how long what is there is read. */
const DRAIN_MS = 10_000;
/** The last block is handed over after its time; then nothing more comes. */
const DRAIN_QUIET_MS = 50;
/** Idle timers run this far behind the clock, so that packets still in the ring are not overtaken. */
const IDLE_LAG_US = 1_000_000;

/** Policies being compiled, a step between two turns of the capture: meanwhile nothing waits for packets. */
let compiling = 0;

const job = workerData as CaptureJob;
const stop = new Int32Array(job.stop);

function tell(message: CaptureMessage, transfer: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

function tellTraffic(rows: Float64Array, count: number): void {
  tell({ kind: 'traffic', rows, count }, [rows.buffer as ArrayBuffer]);
}

async function capture(source: LiveSource, parts: CaptureParts): Promise<void> {
  const { pipeline } = parts;
  const ledger = new LossLedger((...loss) => pipeline.auditor.loss(...loss));
  const clock = new ClockWatch();
  const startMs = performance.now();
  const accounts = (): LossAccount[] => {
    const { cutPackets } = source.stats();
    const known = lossAccounts(source.links(), { cutPackets, clockJumps: clock.jumps }, pipeline.counters());
    if (source.tellsDrops) return known;
    return [...known, unknownDrops(job.interfaces.join(', '), (performance.now() - startMs) / 1000)];
  };
  const totals = () => ({ stats: { ...source.stats() }, counters: pipeline.counters(), clockJumps: clock.jumps });
  // In a crew the main thread watches, over all of its threads.
  const isWatching = job.sendsTraffic && job.crew === undefined;
  const watch = isWatching ? new Watch((beat) => tell({ kind: 'heartbeat', beat }), totals) : undefined;
  watch?.tick(Date.now() * 1000);
  let lastProgressMs = Date.now();
  while (Atomics.load(stop, 0) === 0) {
    for (let i = 0; i < BLOCKS_PER_TURN; i++) {
      const batch = source.poll(i === 0 && compiling === 0 ? POLL_MS : 0);
      if (!batch) {
        pipeline.advance(Date.now() * 1000 - IDLE_LAG_US);
        break;
      }
      pipeline.run(batch);
      source.release(batch);
    }
    const nowMs = Date.now();
    if (nowMs - lastProgressMs >= PROGRESS_MS) {
      lastProgressMs = nowMs;
      clock.look(nowMs);
      watch?.tick(nowMs * 1000);
      ledger.observe(nowMs * 1000, accounts);
      parts.flush();
      tell({ kind: 'progress', progress: progressOf(source.stats(), parts) });
    }
    parts.tick();
    await nextTurn();
  }
  drain(source, parts);
  pipeline.finish();
  // The ring tells its last drops when it is closed; its blocks are not needed any more.
  source.close();
  ledger.close(Date.now() * 1000, accounts());
  watch?.tick(Date.now() * 1000);
  watch?.close();
  parts.tick();
}

/** What came before the stop is read. What the time does not suffice for counts as lost when the source is closed. */
function drain(source: LiveSource, { pipeline }: CaptureParts): void {
  const quietMs = DRAIN_QUIET_MS + 2 * job.retireMs;
  const endMs = Date.now() + DRAIN_MS;
  source.refuse();
  for (let lastMs = Date.now(); Date.now() < endMs; ) {
    const batch = source.poll(quietMs);
    if (batch !== undefined) {
      pipeline.run(batch);
      source.release(batch);
      lastMs = Date.now();
    } else if (Date.now() - lastMs >= quietMs) {
      return;
    }
  }
}

function progressOf(stats: SourceStats, { pipeline, tally, engine }: CaptureParts): Progress {
  return { stats: { ...stats }, counters: pipeline.counters(), tally, worst: engine.worst };
}

function alarmSinks(): AlarmSink[] {
  if (job.alarms === undefined) return [];
  const queue = new ThreadQueue(ALARMS_UNDER_WAY_MAX, job.alarms);
  return [
    new AlarmSink((alarm) => {
      if (queue.enter()) tell({ kind: 'alarm', alarm });
    }),
  ];
}

function inForce({ engine }: CaptureParts): PolicyInForce {
  return { version: engine.version, rules: engine.policy.rules.length, since: new Date().toISOString() };
}

/** The kernel swaps programs in one step: no frame falls between the old and the new. */
function applyFilter(source: LiveSource, { engine }: CaptureParts): void {
  if (job.kernelFilter) source.setFilter(policyFilter(engine.policy));
}

type EnforceCommand = Extract<CaptureCommand, { kind: 'enforce' }>;

/**
 * Compiled in steps between turns of the capture, put in force in one: every record is judged by one policy or the other.
 * The main thread has read these texts without complaint.
 */
async function obey({ ticket, sources }: EnforceCommand, source: LiveSource, parts: CaptureParts): Promise<void> {
  compiling++;
  try {
    const steps = parsePolicySteps(sources, { checked: true });
    let step = steps.next();
    while (step.done !== true) {
      await nextTurn();
      step = steps.next();
    }
    await nextTurn();
    parts.enforce(step.value);
    applyFilter(source, parts);
    tell({ kind: 'enforced', ticket, policy: inForce(parts) });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    tell({ kind: 'refused', ticket, message: error.message });
  } finally {
    compiling--;
  }
}

/** A filter is compiled for each interface: VLAN tags and link headers differ. */
function openSource(): LiveSource {
  const { filter, crew, cap, interfaces, blockBytes, blockCount, retireMs, promiscuous, ignoreOutgoing } = job;
  if (cap !== undefined) return new CapSource(interfaces, cap);
  return openRing({
    ...{ interfaces, blockBytes, blockCount, retireMs, promiscuous, ignoreOutgoing },
    ...(filter === undefined ? {} : { filter: (name: string) => compileFilter(filter, name) }),
    ...(crew === undefined ? {} : { fanout: { group: crew.fanoutGroup } }),
  });
}

function assembleParts(): Promise<CaptureParts> {
  const { crew } = job;
  const traffic = job.sendsTraffic ? tellTraffic : undefined;
  if (crew === undefined) return assembleAlone(job, alarmSinks(), traffic);
  return assembleMember(job, crew, traffic, (records, notices) => tell({ kind: 'records', records, notices }));
}

async function main(): Promise<void> {
  const source = openSource();
  try {
    const parts = await assembleParts();
    applyFilter(source, parts);
    let obeyed = Promise.resolve();
    parentPort?.on('message', (command: CaptureCommand) => {
      if (command.kind === 'judged') parts.judged?.(command.judged);
      else obeyed = obeyed.then(() => obey(command, source, parts));
    });
    parentPort?.unref();
    tell({ kind: 'ready', policy: inForce(parts) });
    await capture(source, parts);
    // Judgements may still have to come.
    parentPort?.ref();
    await parts.close();
    parentPort?.unref();
    tell({ kind: 'stopped', progress: progressOf(source.stats(), parts) });
  } finally {
    source.close();
  }
}

// Not awaited: in the bundle this is a script.
main().catch((error: unknown) => {
  if (!(error instanceof UserError)) throw error;
  tell({ kind: 'failed', message: error.message });
});
