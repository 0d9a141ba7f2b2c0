/** All ways out of a sensor together. */
import type { Alarm } from './alarm.ts';
import { openTransport } from './open.ts';
import { Outlet, type OutletCounters } from './outlet.ts';

export interface OutletReport extends OutletCounters {
  readonly name: string;
  /** Why the last attempt failed. */
  readonly problem: string | undefined;
}

export class AlarmDesk {
  private readonly outlets: readonly Outlet[];

  /** Throws a UserError when a URL names no way out. `version` is the program's. */
  constructor(urls: readonly string[], version: string) {
    this.outlets = urls.map((url) => new Outlet(openTransport(url, version)));
  }

  /** Never waits. */
  raise(alarm: Alarm): void {
    for (const outlet of this.outlets) outlet.push(alarm);
  }

  reports(): readonly OutletReport[] {
    return this.outlets.map(({ name, problem, counters }) => ({ name, problem, ...counters }));
  }

  async close(graceMs: number): Promise<void> {
    await Promise.all(this.outlets.map((outlet) => outlet.close(graceMs)));
  }
}
