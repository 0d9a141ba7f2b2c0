/**
 * What a host does when TCP segments that it cannot hand on yet overlap and differ: which bytes it keeps. Hosts differ,
 * and whoever knows that can show a sensor other bytes than the database gets. The rules are those of U. Shankar and
 * V. Paxson, "Active Mapping" (2003), and J. Novak and S. Sturges, "Target-Based TCP Stream Reassembly" (2007).
 */
import { seqDiff } from '../base/seq.ts';
import type { FlowTable } from '../flow/table.ts';

/** The bytes that came first stay. */
export const OVERLAP_FIRST = 0;
/** The bytes that came last stay. */
export const OVERLAP_LAST = 1;
/** First, except that a segment wins over those that begin behind its own begin. */
export const OVERLAP_BSD = 2;
/** As BSD, and a segment also wins over those that begin with it and end before it. */
export const OVERLAP_LINUX = 3;
export type OverlapPolicy = 0 | 1 | 2 | 3;

/** Names in the order of `OVERLAP_*`. */
export const OVERLAP_NAMES = ['first', 'last', 'bsd', 'linux'] as const;

/** Hosts from `first` to `last`: 128-bit addresses, IPv4 as `::ffff:a.b.c.d`. */
export interface OverlapRange {
  readonly first: bigint;
  readonly last: bigint;
  readonly policy: OverlapPolicy;
}

/** True when a later segment's bytes replace those of an earlier one that they meet. Numbers are of whole segments. */
export function laterWins(policy: OverlapPolicy, from: number, to: number, heldFrom: number, heldTo: number): boolean {
  const ahead = seqDiff(heldFrom, from);
  switch (policy) {
    case OVERLAP_LAST:
      return true;
    case OVERLAP_BSD:
      return ahead > 0;
    case OVERLAP_LINUX:
      return ahead > 0 || (ahead === 0 && seqDiff(to, heldTo) > 0);
    default:
      return false;
  }
}

const ADDRESS_WORDS = 4;

/** Tells how the receiver of a direction's bytes resolves overlaps. */
export class OverlapChooser {
  private readonly table: FlowTable;
  private readonly policies: readonly OverlapPolicy[];
  /** First and last address of each range, four words each; narrow ranges before wide ones. */
  private readonly bounds: Uint32Array;

  constructor(table: FlowTable, ranges: readonly OverlapRange[]) {
    const narrowFirst = [...ranges].sort((a, b) => {
      const difference = a.last - a.first - (b.last - b.first);
      return difference < 0n ? -1 : difference > 0n ? 1 : 0;
    });
    this.table = table;
    this.policies = narrowFirst.map(({ policy }) => policy);
    this.bounds = Uint32Array.from(narrowFirst.flatMap(({ first, last }) => [...wordsOf(first), ...wordsOf(last)]));
  }

  /** Policy for bytes that `side` of the flow sends: that of the host which receives them. */
  policy(slot: number, side: number): OverlapPolicy {
    const receiver = 1 - side;
    for (let i = 0; i < this.policies.length; i++) {
      const at = i * 2 * ADDRESS_WORDS;
      const isIn = this.compare(slot, receiver, at) >= 0 && this.compare(slot, receiver, at + ADDRESS_WORDS) <= 0;
      if (isIn) return this.policies[i] as OverlapPolicy;
    }
    return OVERLAP_FIRST;
  }

  /** The address of a flow's end against the one at `bounds[at]`: negative, 0 or positive. */
  private compare(slot: number, side: number, at: number): number {
    for (let word = 0; word < ADDRESS_WORDS; word++) {
      const difference = (this.table.addressWord(slot, side, word) >>> 0) - (this.bounds[at + word] as number);
      if (difference !== 0) return difference;
    }
    return 0;
  }
}

function wordsOf(address: bigint): number[] {
  return [96n, 64n, 32n, 0n].map((shift) => Number((address >> shift) & 0xffff_ffffn));
}
