/**
 * The loss ledger: what was not seen, by the minute. Every counter of a loss has an account; at the end of each minute
 * in which it rose, a `loss` record says where, why and how much, so that the store tells which minutes are complete.
 */

import type { Counters } from '../base/counters.ts';
import { MINUTE_US } from '../base/time.ts';

/** One counter that only rises. */
export interface LossAccount {
  /** `audit.reason` of its records. */
  readonly reason: string;
  /** Interface, or the stage that lost something. */
  readonly where: string;
  /** What is counted, in the plural; `bytes` goes into `audit.lost_bytes` too. */
  readonly unit: string;
  /** Since the start. */
  readonly total: number;
}

/** Reason of the entries that say that nobody counted what was dropped. */
export const DROPS_UNKNOWN = 'drops-unknown';

/** Takes an entry of the ledger: `Auditor.loss`. */
export type WriteLoss = (reason: string, timeUs: number, lostBytes: number | undefined, detail: string) => void;

export class LossLedger {
  private readonly write: WriteLoss;
  /** Totals when the last entries were written, by account. */
  private readonly written = new Map<string, number>();
  private minute = -1;

  constructor(write: WriteLoss) {
    this.write = write;
  }

  /** To be called more than once a minute. Accounts are known by reason and place; new ones begin at 0. */
  observe(nowUs: number, accounts: () => readonly LossAccount[]): void {
    const minute = Math.floor(nowUs / MINUTE_US);
    if (minute === this.minute) return;
    // A clock that was set back ends a minute as well.
    if (this.minute >= 0) this.close(nowUs, accounts());
    this.minute = minute;
  }

  /** Writes what is not written yet: at the end of a minute, and of the capture. */
  close(nowUs: number, accounts: readonly LossAccount[]): void {
    for (const { reason, where, unit, total } of accounts) {
      const key = `${reason}\n${where}`;
      const lost = total - (this.written.get(key) ?? 0);
      if (lost <= 0) continue;
      this.written.set(key, total);
      this.write(reason, nowUs, unit === 'bytes' ? lost : undefined, `${where}: ${lost} ${unit} since the last entry`);
    }
  }
}

/** Losses of an interface, as `RingSource.links` reports them. */
interface LinkLosses {
  readonly name: string;
  readonly drops: number;
  readonly freezes: number;
  readonly reopens: number;
}

interface StageCounters {
  readonly reassembly: Counters;
  readonly protocols: Counters;
  readonly audit: Counters;
}

/** Of a source that does not tell what was dropped before it: so many seconds are without a count, in every minute. */
export function unknownDrops(where: string, seconds: number): LossAccount {
  return {
    reason: DROPS_UNKNOWN,
    where,
    unit: 'seconds without a count of dropped packets',
    total: Math.ceil(seconds),
  };
}

/** Losses that no interface tells of. */
interface SensorLosses {
  readonly cutPackets: number;
  readonly clockJumps: number;
}

/** The accounts of a capture: its interfaces, then the stages in the order of the packet's path. */
export function lossAccounts(
  links: readonly LinkLosses[],
  { cutPackets, clockJumps }: SensorLosses,
  counters: StageCounters,
): LossAccount[] {
  const accounts: LossAccount[] = [];
  for (const { name, drops, freezes, reopens } of links) {
    accounts.push({ reason: 'kernel-drops', where: name, unit: 'packets', total: drops });
    accounts.push({ reason: 'ring-freezes', where: name, unit: 'freezes of the ring', total: freezes });
    accounts.push({ reason: 'interface-lost', where: name, unit: 'times removed', total: reopens });
  }
  accounts.push({ reason: 'packets-cut', where: 'capture', unit: 'packets captured in part', total: cutPackets });
  accounts.push({ reason: 'clock-jumps', where: 'system clock', unit: 'times set', total: clockJumps });
  for (const [reason, where, unit, stage, counter] of STAGE_ACCOUNTS) {
    accounts.push({ reason, where, unit, total: counters[stage][counter] ?? 0 });
  }
  return accounts;
}

const STAGE_ACCOUNTS: readonly (readonly [string, string, string, keyof StageCounters, string])[] = [
  ['flows-evicted', 'flow table', 'flows', 'reassembly', 'endedEvicted'],
  ['held-overflow', 'reassembly', 'times held data was let go', 'reassembly', 'heldOverflows'],
  ['gaps', 'connections of databases', 'bytes', 'protocols', 'gapBytes'],
  ['unparsed', 'connections of databases', 'bytes', 'protocols', 'unparsedBytes'],
  ['memory-short', 'connections of databases', 'times what one held was let go', 'protocols', 'memoryReliefs'],
  ['queue-overflow', 'store', 'records', 'audit', 'dropped'],
];
