/** A condition tree: what a rule's `when` becomes after reading, and how it is compiled into one function. */

import type { Range } from '../../base/networks.ts';
import type { Position } from '../files/source.ts';
import type { KeywordScanner } from '../match/keywords.ts';
import type { Facts, Finding } from './facts.ts';
import { KIND_ALL } from './facts.ts';
import type { PortRange } from './units.ts';

/** What can be asked of a record. */
export type Predicate = (facts: Facts) => boolean;

/** One condition, ready to be asked. */
export interface Check {
  test(facts: Facts): boolean;
  /** Why it holds; `undefined` when it does not. Never changes what the check remembers. */
  find(facts: Facts): Finding | undefined;
  /**
   * What is left to ask of the statements of one template, given one of them, or the answer for all of them. Without it
   * that is the check itself.
   */
  specialise?(facts: Facts): Predicate | boolean;
  /** Keys a full table forgot, for checks that remember. */
  evicted?(): number;
}

/** What checks are built with: new for every engine, so that engines share no memory. */
export interface CheckBuilder {
  readonly keywords: KeywordScanner;
  /** Takes the place of what checks remember, when another engine does that. */
  readonly deferral: Deferral | undefined;
}

/** Stands in for conditions that remember: notes that one was asked, and holds for nothing. */
export class Deferral implements Check {
  asked = false;

  test(): boolean {
    this.asked = true;
    return false;
  }

  find(): undefined {
    return undefined;
  }
}

/** Rough costs: within `all` and `any` the cheap are asked first. Those that remember come last: they see what the others let through. */
export const COST_NUMBER = 1;
export const COST_NAME = 2;
export const COST_NAMES = 3;
export const COST_KEYWORD = 10;
export const COST_REGEX = 20;
export const COST_MEMORY = 100;

export interface Leaf {
  readonly kind: 'leaf';
  /** Key in the policy. */
  readonly name: string;
  /** What is asked for, as people read it. */
  readonly expected: string;
  readonly position: Position;
  readonly cost: number;
  /** `KIND_*` bits of the records it can hold for. */
  readonly kinds: number;
  /** The only servers, or ports of servers, for which it can hold; left out when it can for any. */
  readonly servers?: readonly Range[];
  readonly serverPorts?: readonly PortRange[];
  /** Looks at nothing but what the statements of one template have in common. */
  readonly isFixed?: boolean;
  build(builder: CheckBuilder): Check;
}

export type Condition =
  | Leaf
  | { readonly kind: 'all' | 'any'; readonly parts: readonly Condition[] }
  | { readonly kind: 'not'; readonly part: Condition };

/** Kinds of records for which the condition can hold at all. */
export function kindsOf(condition: Condition): number {
  switch (condition.kind) {
    case 'leaf':
      return condition.kinds;
    case 'all':
      return condition.parts.reduce((bits, part) => bits & kindsOf(part), KIND_ALL);
    case 'any':
      return condition.parts.reduce((bits, part) => bits | kindsOf(part), 0);
    case 'not':
      return condition.part.kind === 'leaf' && condition.part.name === 'kind'
        ? KIND_ALL & ~condition.part.kinds
        : KIND_ALL;
  }
}

function costOf(condition: Condition): number {
  if (condition.kind === 'leaf') return condition.cost;
  if (condition.kind === 'not') return costOf(condition.part);
  return condition.parts.reduce((cost, part) => Math.max(cost, costOf(part)), 0);
}

/** A built leaf beside what it was built from, for explanations. */
export interface BuiltLeaf {
  readonly leaf: Leaf;
  readonly check: Check;
}

/** The tree with its checks in place of descriptions. */
export type BuiltCondition =
  | ({ readonly kind: 'leaf' } & BuiltLeaf)
  | { readonly kind: 'all' | 'any'; readonly parts: readonly BuiltCondition[] }
  | { readonly kind: 'not'; readonly part: BuiltCondition };

export function buildCondition(condition: Condition, builder: CheckBuilder): BuiltCondition {
  switch (condition.kind) {
    case 'leaf':
      return { kind: 'leaf', leaf: condition, check: condition.build(builder) };
    case 'not':
      return { kind: 'not', part: buildCondition(condition.part, builder) };
    default: {
      const parts = condition.parts.toSorted((a, b) => costOf(a) - costOf(b));
      return { kind: condition.kind, parts: parts.map((part) => buildCondition(part, builder)) };
    }
  }
}

/** One function for the whole tree. `any` stops at the first that holds, `all` at the first that does not. */
export function compile(condition: BuiltCondition): Predicate {
  switch (condition.kind) {
    case 'leaf': {
      const { check } = condition;
      return (facts) => check.test(facts);
    }
    case 'not': {
      const part = compile(condition.part);
      return (facts) => !part(facts);
    }
    case 'all':
      return allOf(condition.parts.map(compile));
    case 'any':
      return anyOf(condition.parts.map(compile));
  }
}

export function allOf(parts: readonly Predicate[]): Predicate {
  const [first, second] = parts;
  // Most are of two, which are asked of every record.
  if (parts.length === 2 && first !== undefined && second !== undefined)
    return (facts) => first(facts) && second(facts);
  return (facts) => {
    for (const part of parts) if (!part(facts)) return false;
    return true;
  };
}

export function anyOf(parts: readonly Predicate[]): Predicate {
  const [first, second] = parts;
  if (parts.length === 2 && first !== undefined && second !== undefined)
    return (facts) => first(facts) || second(facts);
  return (facts) => {
    for (const part of parts) if (part(facts)) return true;
    return false;
  };
}

/** All leaves, in order of evaluation. */
export function* leavesOf(condition: BuiltCondition): Generator<BuiltLeaf> {
  if (condition.kind === 'leaf') yield condition;
  else if (condition.kind === 'not') yield* leavesOf(condition.part);
  else for (const part of condition.parts) yield* leavesOf(part);
}
