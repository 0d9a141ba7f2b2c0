/** Why a rule matched: the conditions that held, what they found, and at which byte of the statement. */
import { type BuiltCondition, COST_MEMORY } from './conditions/condition.ts';
import type { Facts, Finding } from './conditions/facts.ts';
import type { Position } from './files/source.ts';

export interface Evidence extends Finding {
  /** Key of the condition in the policy, `not ` before it when it held by not holding. */
  readonly condition: string;
  /** What the policy asks for. */
  readonly expected: string;
  /** Where the condition stands in the rule's file. */
  readonly position: Position;
}

/** Evidence of a tree that held, in order of evaluation; empty when it does not hold for these facts. */
export function evidenceOf(condition: BuiltCondition, facts: Facts): readonly Evidence[] {
  return prove(condition, facts) ?? [];
}

/** `undefined` when the condition does not hold. */
function prove(condition: BuiltCondition, facts: Facts): Evidence[] | undefined {
  switch (condition.kind) {
    case 'leaf': {
      const finding = condition.check.find(facts);
      const { name, expected, position } = condition.leaf;
      return finding && [{ condition: name, expected, position, ...finding }];
    }
    case 'all': {
      const proofs = condition.parts.map((part) => prove(part, facts));
      return proofs.includes(undefined) ? undefined : proofs.flatMap((proof) => proof ?? []);
    }
    case 'any':
      for (const part of condition.parts) {
        const proof = prove(part, facts);
        if (proof !== undefined) return proof;
      }
      return undefined;
    case 'not':
      return disprove(condition.part, facts);
  }
}

/** A negation is shown by what it denies. One over memory is taken as it was: it cannot be asked again. */
function disprove(condition: BuiltCondition, facts: Facts): Evidence[] | undefined {
  if (condition.kind !== 'leaf') {
    if (prove(condition, facts) !== undefined) return undefined;
    const leaf = firstLeaf(condition);
    return (
      leaf && [{ condition: `not ${condition.kind}`, expected: leaf.expected, position: leaf.position, found: 'none' }]
    );
  }
  const { leaf, check } = condition;
  if (leaf.cost !== COST_MEMORY && check.find(facts) !== undefined) return undefined;
  return [{ condition: `not ${leaf.name}`, expected: leaf.expected, position: leaf.position, found: 'none' }];
}

function firstLeaf(condition: BuiltCondition): { readonly expected: string; readonly position: Position } | undefined {
  if (condition.kind === 'leaf') return condition.leaf;
  const part = condition.kind === 'not' ? condition.part : condition.parts[0];
  return part && firstLeaf(part);
}
