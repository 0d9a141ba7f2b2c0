/**
 * What people do in the console is also written into the store's own record of its use (`store/reads.ts`), where
 * `wiretrail verify` covers it. A thread writes, for it waits on the disk and on other processes; what comes meanwhile
 * goes with the next write. Whoever shows something waits until it is on disk.
 */
import { hostname } from 'node:os';
import { Worker } from 'node:worker_threads';
import { osUser } from '../base/os-user.ts';
import type { Access } from '../store/reads.ts';
import { ConsoleError } from './error.ts';
import type { TrailFacts } from './trail.ts';

/** Entries that wait at most; beyond it what would have been done is refused. */
const WAITING_MAX = 1000;

interface Waiting {
  readonly access: Access;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Answer of the thread: `undefined` when all is on disk. */
export type AccessAnswer = { readonly problem: string | undefined };

/** Actions that show records; others are named by what they change. */
const READS: ReadonlySet<string> = new Set(['view', 'search', 'reveal', 'export', 'packets', 'report', 'policy-try']);

export class AccessLog {
  private readonly worker: Worker;
  private readonly osUser: string = osUser();
  private waiting: Waiting[] = [];
  private writing: Waiting[] = [];
  private failure: Error | undefined = undefined;

  constructor(directory: string) {
    this.worker = new Worker(new URL('./access-worker.js', import.meta.url), { workerData: { directory } });
    this.worker.on('message', ({ problem }: AccessAnswer) => this.settle(problem));
    this.worker.on('error', (error) => {
      this.failure = error;
      this.settle(error.message);
    });
  }

  /** Resolves when the entry is on disk. Rejects (`unavailable`) when it cannot be written: then nothing may be shown. */
  write({ who, address, action, subject, detail = '' }: TrailFacts): Promise<void> {
    if (this.failure !== undefined || this.waiting.length >= WAITING_MAX)
      return Promise.reject(new ConsoleError('unavailable', 'what is done here cannot be recorded now; try again'));
    const access: Access = {
      timeUs: Date.now() * 1000,
      operation: READS.has(action) ? 'READ' : action.toUpperCase(),
      call: `console ${action}`,
      text: detail === '' ? subject : `${subject} ${detail}`,
      user: who,
      osUser: this.osUser,
      host: address === '' ? hostname() : address,
      program: 'wiretrail console',
    };
    return new Promise((resolve, reject) => {
      this.waiting.push({ access, resolve, reject });
      this.next();
    });
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }

  private next(): void {
    if (this.writing.length > 0 || this.waiting.length === 0) return;
    this.writing = this.waiting;
    this.waiting = [];
    this.worker.postMessage(this.writing.map(({ access }) => access));
  }

  private settle(problem: string | undefined): void {
    const done = this.writing;
    this.writing = [];
    for (const { resolve, reject } of done) {
      if (problem === undefined) resolve();
      else reject(new ConsoleError('unavailable', `this cannot be recorded, so it is not done: ${problem}`));
    }
    if (this.failure === undefined) this.next();
  }
}
