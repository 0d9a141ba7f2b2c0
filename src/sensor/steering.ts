/** What the control socket's requests mean to a running sensor. */

import type { AlarmDesk, OutletReport } from '../alarm/desk.ts';
import { UserError } from '../base/errors.ts';
import { CODE_PUSH, CODE_RELOAD, CODE_STATUS, RESULT_DONE, RESULT_REFUSED } from '../control/frame.ts';
import type { ControlHandler, ControlReply } from '../control/server.ts';
import type { PolicySource } from '../policy/files/source.ts';
import { parsePolicies } from '../policy/policy.ts';
import { readPolicies } from './assemble.ts';
import type { LiveCapture } from './live.ts';
import type { PolicyInForce, Progress } from './messages.ts';

export interface SensorFacts {
  readonly sensor: string;
  readonly interfaces: readonly string[];
  /** As given on the command line: read again by a reload. */
  readonly policies: readonly string[];
  /** The source tells what the system dropped. */
  readonly tellsDrops: boolean;
}

/** Content of a reply to `CODE_STATUS`. */
export interface SensorStatus {
  readonly sensor: string;
  readonly pid: number;
  readonly interfaces: readonly string[];
  /** RFC 3339. */
  readonly started: string;
  readonly policy: PolicyInForce | undefined;
  readonly alarms: readonly OutletReport[];
  readonly counters: Readonly<Record<string, unknown>>;
}

/** The part of a capture that is steered. */
export type Steered = Pick<LiveCapture, 'policy' | 'latest' | 'alarmsDropped' | 'enforce'>;

export class Steering {
  private readonly live: Steered;
  private readonly facts: SensorFacts;
  private readonly started: string = new Date().toISOString();
  private readonly desk: AlarmDesk;
  private reloads = 0;
  private refusals = 0;

  constructor(live: Steered, facts: SensorFacts, desk: AlarmDesk) {
    this.live = live;
    this.facts = facts;
    this.desk = desk;
  }

  handlers(): ReadonlyMap<number, ControlHandler> {
    return new Map<number, ControlHandler>([
      [CODE_STATUS, () => ({ result: RESULT_DONE, content: JSON.stringify(this.status()) })],
      [CODE_RELOAD, () => this.reply(() => this.reload())],
      [CODE_PUSH, (content) => this.reply(() => this.enforce(sourcesOf(content)))],
    ]);
  }

  status(): SensorStatus {
    const { sensor, interfaces } = this.facts;
    const { policy, latest, alarmsDropped } = this.live;
    const counters = {
      policyReloads: this.reloads,
      policyRefusals: this.refusals,
      alarmsDropped,
      ...(latest && countersOf(latest, this.facts.tellsDrops)),
    };
    return {
      sensor,
      pid: process.pid,
      interfaces,
      started: this.started,
      policy,
      alarms: this.desk.reports(),
      counters,
    };
  }

  /** Reads the policy files again. Rejects with a UserError when they are refused; then the old policy stays. */
  reload(): Promise<PolicyInForce> {
    return this.enforce(() => readPolicies(this.facts.policies).sources);
  }

  private async enforce(sources: () => readonly PolicySource[]): Promise<PolicyInForce> {
    try {
      const wanted = sources();
      // Refused here, a broken policy costs the capture thread nothing.
      parsePolicies(wanted);
      const inForce = await this.live.enforce(wanted);
      this.reloads++;
      return inForce;
    } catch (error) {
      this.refusals++;
      throw error;
    }
  }

  private async reply(act: () => Promise<PolicyInForce>): Promise<ControlReply> {
    try {
      return { result: RESULT_DONE, content: JSON.stringify(await act()) };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return { result: RESULT_REFUSED, content: error.message };
    }
  }
}

/** Reads a push's content when asked to. */
function sourcesOf(content: Buffer): () => readonly PolicySource[] {
  return () => {
    let pushed: unknown;
    try {
      pushed = JSON.parse(content.toString());
    } catch {
      throw new UserError('the pushed policy is no JSON');
    }
    const list = (pushed as { sources?: unknown } | null)?.sources;
    if (!Array.isArray(list) || list.length === 0) throw new UserError('the pushed policy has no "sources"');
    return list.map((entry: unknown) => {
      const { name, text, named } = (entry ?? {}) as Readonly<Record<string, unknown>>;
      if (typeof name !== 'string' || typeof text !== 'string')
        throw new UserError('a source of the pushed policy lacks its "name" or "text"');
      return { name, text, named: named === true };
    });
  };
}

/** Maps do not survive JSON. Drops that nobody counts are not 0. */
function countersOf({ stats, counters, tally, worst }: Progress, tellsDrops: boolean): Record<string, unknown> {
  const plain = Object.entries(tally).map(([name, value]) => [
    name,
    value instanceof Map ? Object.fromEntries(value) : value,
  ]);
  const drops = tellsDrops ? { drops: stats.drops } : { dropsUnknown: true, queueDrops: stats.drops };
  return { packets: stats.packets, ...drops, ...counters, tally: Object.fromEntries(plain), worst };
}
