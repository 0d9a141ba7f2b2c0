/**
 * Which servers a policy is about: what need not be looked at when only matched records are kept. An answer errs on the
 * side of more: every record that a rule can match is from one of the servers named.
 */

import type { Range } from '../base/networks.ts';
import type { Condition } from './conditions/condition.ts';
import type { PortRange } from './conditions/units.ts';
import type { Policy } from './policy.ts';

/** Servers in `addresses` with a port in `ports`; `undefined` is any. */
export interface ServerSet {
  readonly addresses: readonly Range[] | undefined;
  readonly ports: readonly PortRange[] | undefined;
}

const ANY: ServerSet = { addresses: undefined, ports: undefined };
/** Alternatives of one rule; beyond, the rule counts as being about any server. */
const SETS_MAX = 64;

/** The servers of all rules together; `undefined` when records of any server may have to be kept. */
export function serversOf(policy: Policy): readonly ServerSet[] | undefined {
  if (policy.record === 'all') return undefined;
  // A rule on trial has its records written down, whatever it would do in force.
  const keeping = policy.rules.filter(({ action, mode }) => action !== 'ignore' || mode === 'shadow');
  const sets = keeping.flatMap(({ when }) => setsOf(when));
  return sets.some(isAny) ? undefined : sets;
}

function isAny({ addresses, ports }: ServerSet): boolean {
  return addresses === undefined && ports === undefined;
}

function setsOf(condition: Condition): readonly ServerSet[] {
  switch (condition.kind) {
    case 'leaf':
      return [{ addresses: condition.servers, ports: condition.serverPorts }];
    case 'not':
      return [ANY];
    case 'any': {
      const sets = condition.parts.flatMap(setsOf);
      return sets.some(isAny) || sets.length > SETS_MAX ? [ANY] : sets;
    }
    case 'all':
      return condition.parts.map(setsOf).reduce(both, [ANY]);
  }
}

/** What is in one of `a` and in one of `b`, or more than that. */
function both(a: readonly ServerSet[], b: readonly ServerSet[]): readonly ServerSet[] {
  if (a.length * b.length > SETS_MAX) return a;
  return a.flatMap((left) =>
    b.map((right) => ({ addresses: left.addresses ?? right.addresses, ports: left.ports ?? right.ports })),
  );
}
