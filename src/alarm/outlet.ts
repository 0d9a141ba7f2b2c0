/**
 * One receiver's queue. Whatever the receiver does, the sensor never waits: the queue is bounded, alarms it has no room
 * for are dropped and counted, and one that cannot be delivered is tried again with growing pauses, then given up.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Alarm } from './alarm.ts';

/** How a receiver takes several alarms at once, where one message each would be too many. */
export interface Digest {
  readonly alarmsMax: number;
  /** Least time between two messages; what comes meanwhile is sent together. */
  readonly pauseMs: number;
  send(alarms: readonly Alarm[]): Promise<void>;
}

/** A way out. `send` resolves when the alarm is handed over, and rejects when it was not. */
export interface AlarmTransport {
  /** For people and counters: never with a secret in it. */
  readonly name: string;
  send(alarm: Alarm): Promise<void>;
  readonly digest?: Digest;
  close(): void;
}

export interface OutletCounters {
  sent: number;
  /** Attempts that failed and were repeated. */
  retried: number;
  /** Given up after the last attempt. */
  failed: number;
  /** No room in the queue, or still in it at the end. */
  dropped: number;
}

export interface OutletOptions {
  readonly queueMax?: number;
  readonly attemptsMax?: number;
  readonly firstPauseMs?: number;
  readonly sendTimeoutMs?: number;
}

const DEFAULTS: Required<OutletOptions> = { queueMax: 1000, attemptsMax: 6, firstPauseMs: 500, sendTimeoutMs: 10_000 };
const PAUSE_MS_MAX = 30_000;

export class Outlet {
  readonly counters: OutletCounters = { sent: 0, retried: 0, failed: 0, dropped: 0 };
  /** Why the last attempt failed; `undefined` when it did not. */
  problem: string | undefined = undefined;
  readonly name: string;
  private readonly transport: AlarmTransport;
  private readonly options: Required<OutletOptions>;
  private readonly queue: Alarm[] = [];
  /** Aborted when no more alarms come: pauses between messages end. */
  private readonly closing = new AbortController();
  /** Aborted when the time to leave is over. */
  private readonly ending = new AbortController();
  private pumping: Promise<void> | undefined = undefined;

  constructor(transport: AlarmTransport, options: OutletOptions = {}) {
    this.transport = transport;
    this.name = transport.name;
    this.options = { ...DEFAULTS, ...options };
  }

  /** False when there was no room. */
  push(alarm: Alarm): boolean {
    if (this.closing.signal.aborted || this.queue.length >= this.options.queueMax) {
      this.counters.dropped++;
      return false;
    }
    this.queue.push(alarm);
    this.pumping ??= this.pump();
    return true;
  }

  /** Gives what is queued `graceMs` to leave, then counts the rest as dropped. */
  async close(graceMs: number): Promise<void> {
    this.closing.abort();
    const timer = new AbortController();
    await Promise.race([this.pumping, sleep(graceMs, undefined, timer).catch(() => undefined)]);
    timer.abort();
    this.ending.abort();
    this.transport.close();
    await this.pumping;
    this.counters.dropped += this.queue.length;
    this.queue.length = 0;
  }

  private async pump(): Promise<void> {
    const { digest } = this.transport;
    while (this.queue.length > 0 && !this.ending.signal.aborted) {
      const alarms = this.queue.slice(0, digest?.alarmsMax ?? 1);
      const delivered = await this.deliver(alarms);
      if (this.ending.signal.aborted && !delivered) break; // still in the queue: counted there
      this.queue.splice(0, alarms.length);
      if (delivered) this.counters.sent += alarms.length;
      else this.counters.failed += alarms.length;
      if (digest !== undefined) await pause(digest.pauseMs, this.closing.signal);
    }
    this.pumping = undefined;
  }

  /** A digest stays as it is from attempt to attempt: alarms that come meanwhile wait for the next. */
  private async deliver(alarms: readonly Alarm[]): Promise<boolean> {
    let pauseMs = this.options.firstPauseMs;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.withTimeout(this.send(alarms));
        this.problem = undefined;
        return true;
      } catch (error) {
        if (!this.ending.signal.aborted || this.problem === undefined) this.problem = reasonOf(error);
      }
      if (attempt >= this.options.attemptsMax || this.ending.signal.aborted) return false;
      this.counters.retried++;
      await pause(pauseMs, this.ending.signal);
      pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
    }
  }

  private async send(alarms: readonly Alarm[]): Promise<void> {
    const { digest } = this.transport;
    const [first] = alarms;
    if (digest !== undefined && alarms.length > 1) await digest.send(alarms);
    else if (first !== undefined) await this.transport.send(first);
  }

  private async withTimeout(sending: Promise<void>): Promise<void> {
    const timer = new AbortController();
    const late = sleep(this.options.sendTimeoutMs, undefined, {
      signal: AbortSignal.any([timer.signal, this.ending.signal]),
    });
    try {
      await Promise.race([
        sending,
        late.then(() => {
          throw new Error(`no answer within ${this.options.sendTimeoutMs} ms`);
        }),
      ]);
    } finally {
      timer.abort();
      sending.catch(() => undefined);
      late.catch(() => undefined);
    }
  }
}

/** Ends early when the signal says so. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

/** `fetch` hides the reason behind "fetch failed". */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error && cause.message !== '' ? cause.message : message;
}
