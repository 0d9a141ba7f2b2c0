/** Notices that the system clock was set: times of records before and after it do not follow each other. */
import { performance } from 'node:perf_hooks';

/** What the clock may gain or lose between two looks, by being disciplined, without having jumped. */
const JUMP_MS = 500;

export class ClockWatch {
  /** Times the clock was set. */
  jumps = 0;
  private readonly steadyMs: () => number;
  private offsetMs: number | undefined = undefined;

  /** `steadyMs` is a clock that nobody sets. */
  constructor(steadyMs: () => number = () => performance.now()) {
    this.steadyMs = steadyMs;
  }

  /** To be called every second or so with the system clock. True when it was set since the last call. */
  look(nowMs: number): boolean {
    const offsetMs = nowMs - this.steadyMs();
    const wasSet = this.offsetMs !== undefined && Math.abs(offsetMs - this.offsetMs) > JUMP_MS;
    if (wasSet) this.jumps++;
    this.offsetMs = offsetMs;
    return wasSet;
  }
}
