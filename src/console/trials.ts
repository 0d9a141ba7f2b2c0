/** Policies being tried over history, by id: a few at a time, kept a while after they end so that the page can read them. */
import type { TryProgress } from './api/policies.ts';
import { ConsoleError } from './error.ts';
import type { ReadPool } from './reads/pool.ts';
import type { StreamTable } from './reads/task.ts';
import { newId } from './state.ts';

const TRIALS_MAX = 20;
const KEPT_MS = 30 * 60_000;

interface Trial {
  readonly who: string;
  readonly startedMs: number;
  progress: TryProgress;
  cancelled: boolean;
}

export class Trials {
  private readonly reads: ReadPool;
  private readonly trials = new Map<string, Trial>();

  constructor(reads: ReadPool) {
    this.reads = reads;
  }

  /** `who`: the owner, with what they may see. */
  start(who: string, args: Parameters<StreamTable['tryPolicy']>[1]): string {
    this.forgetOld();
    if (this.trials.size >= TRIALS_MAX) throw new ConsoleError('busy', 'too many trials at once; try again later');
    const id = newId();
    const progress = { id, state: 'running' as const, read: 0, total: 0, share: 0, matched: 0, rules: [], days: [] };
    const trial: Trial = { who, startedMs: Date.now(), progress, cancelled: false };
    this.trials.set(id, trial);
    void this.run(trial, args);
    return id;
  }

  /** Throws `not-found`; others' trials are not shown. */
  progress(id: string, who: string): TryProgress {
    return this.get(id, who).progress;
  }

  cancel(id: string, who: string): void {
    this.get(id, who).cancelled = true;
  }

  private get(id: string, who: string): Trial {
    const trial = this.trials.get(id);
    if (trial === undefined || trial.who !== who) throw new ConsoleError('not-found', 'there is no such trial');
    return trial;
  }

  private async run(trial: Trial, args: Parameters<StreamTable['tryPolicy']>[1]): Promise<void> {
    const { id } = trial.progress;
    try {
      for await (const progress of this.reads.stream('tryPolicy', args)) {
        trial.progress = { id, state: 'running', ...progress };
        if (trial.cancelled) break;
      }
      trial.progress = { ...trial.progress, state: trial.cancelled ? 'cancelled' : 'done' };
    } catch (error) {
      trial.progress = { ...trial.progress, state: 'failed', message: (error as Error).message };
    }
  }

  private forgetOld(): void {
    const now = Date.now();
    for (const [id, { startedMs, progress }] of this.trials)
      if (progress.state !== 'running' && now - startedMs > KEPT_MS) this.trials.delete(id);
  }
}
