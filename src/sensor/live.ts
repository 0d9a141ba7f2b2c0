/** Live capture as the main thread sees it: starts the capture thread, hears its counters, hands it policies, stops it. */
import { Worker } from 'node:worker_threads';
import type { Alarm } from '../alarm/alarm.ts';
import type { SessionNotice } from '../audit/sessions-elsewhere.ts';
import { UserError } from '../base/errors.ts';
import type { PolicySource } from '../policy/files/source.ts';
import { ALARMS_UNDER_WAY_MAX } from './alarm-sink.ts';
import type { Judged } from './evidence.ts';
import type { CaptureCommand, CaptureJob, CaptureMessage, CrewRecord, PolicyInForce, Progress } from './messages.ts';
import { ThreadQueue } from './thread-queue.ts';
import type { TrafficReceiver } from './traffic.ts';

export interface LiveListeners {
  ready(): void;
  progress(progress: Progress): void;
  /** `undefined`: alarms are not asked for. */
  readonly alarm: ((alarm: Alarm) => void) | undefined;
  /** Of a thread in a crew: its records, which are the receiver's from then on. */
  records?(records: readonly CrewRecord[], notices: readonly SessionNotice[]): void;
  /** `undefined`: flow records are not asked for. */
  readonly traffic: TrafficReceiver | undefined;
}

interface Pending {
  resolve(inForce: PolicyInForce): void;
  reject(reason: UserError): void;
}

export class LiveCapture {
  /** The last counters; rejects with a UserError when the thread could not go on. */
  readonly ended: Promise<Progress>;
  /** `undefined` until the capture runs. */
  policy: PolicyInForce | undefined = undefined;
  latest: Progress | undefined = undefined;
  private readonly worker: Worker;
  private readonly interfaces: readonly string[];
  private readonly stopFlag: Int32Array;
  private readonly pending = new Map<number, Pending>();
  private readonly lane = new ThreadQueue(ALARMS_UNDER_WAY_MAX);
  private tickets = 0;

  constructor(job: Omit<CaptureJob, 'stop' | 'alarms' | 'sendsTraffic'>, listeners: LiveListeners) {
    this.interfaces = job.interfaces;
    const stop = new SharedArrayBuffer(4);
    this.stopFlag = new Int32Array(stop);
    const alarms = listeners.alarm === undefined ? undefined : this.lane.shared;
    const workerData: CaptureJob = { ...job, alarms, sendsTraffic: listeners.traffic !== undefined, stop };
    this.worker = new Worker(new URL('./capture-worker.js', import.meta.url), { workerData });
    this.ended = new Promise((resolve, reject) => {
      this.worker.on('message', (message: CaptureMessage) => {
        if (message.kind === 'stopped') resolve(message.progress);
        else if (message.kind === 'failed') reject(new UserError(message.message));
        else this.hear(message, listeners);
      });
      this.worker.on('error', reject);
      this.worker.on('exit', () => this.rejectPending());
    });
    // Whoever waits for it still sees the rejection.
    this.ended.catch(() => undefined);
  }

  /** Alarms that never reached this thread: it was too busy. */
  get alarmsDropped(): number {
    return this.lane.dropped;
  }

  stop(): void {
    Atomics.store(this.stopFlag, 0, 1);
  }

  /** Puts a policy in force. Rejects with a UserError when it is refused; then the old one stays. */
  enforce(sources: readonly PolicySource[]): Promise<PolicyInForce> {
    const ticket = ++this.tickets;
    return new Promise((resolve, reject) => {
      this.pending.set(ticket, { resolve, reject });
      const command: CaptureCommand = { kind: 'enforce', ticket, sources };
      this.worker.postMessage(command);
    });
  }

  /** Tells what became of deferred records. */
  judged(judged: Judged): void {
    const command: CaptureCommand = { kind: 'judged', judged };
    this.worker.postMessage(command);
  }

  private hear(message: CaptureMessage, listeners: LiveListeners): void {
    switch (message.kind) {
      case 'ready':
        this.policy = message.policy;
        listeners.ready();
        break;
      case 'progress':
        this.latest = message.progress;
        listeners.progress(message.progress);
        break;
      case 'alarm':
        this.lane.leave();
        listeners.alarm?.(message.alarm);
        break;
      case 'records':
        listeners.records?.(message.records, message.notices);
        break;
      case 'traffic':
        listeners.traffic?.write(message.rows, message.count, this.interfaces);
        break;
      case 'heartbeat':
        listeners.traffic?.heartbeat(message.beat);
        break;
      case 'enforced':
        this.policy = message.policy;
        this.take(message.ticket)?.resolve(message.policy);
        break;
      case 'refused':
        this.take(message.ticket)?.reject(new UserError(message.message));
        break;
    }
  }

  private take(ticket: number): Pending | undefined {
    const pending = this.pending.get(ticket);
    this.pending.delete(ticket);
    return pending;
  }

  private rejectPending(): void {
    for (const { reject } of this.pending.values()) reject(new UserError('the capture has ended'));
    this.pending.clear();
  }
}
