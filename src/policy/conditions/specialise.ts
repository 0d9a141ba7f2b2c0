/**
 * What is left of a rule for the statements of one template (`SqlStatement.template`): conditions that look at nothing
 * but what those have in common are answered once, and most rules with them. The rest is asked of every record, so a
 * specialised rule holds exactly where the rule itself does.
 */
import { MARK_REDACTED } from '../../contracts/event.ts';
import type { AuditRecord } from '../../contracts/record.ts';
import type { SqlStatement } from '../../contracts/sql.ts';
import { allOf, anyOf, type BuiltCondition, COST_MEMORY, leavesOf, type Predicate } from './condition.ts';
import type { Facts } from './facts.ts';

/** The answer for all statements of the template that `facts` is about, or what to ask of each of them. */
export function specialise(condition: BuiltCondition, facts: Facts): Predicate | boolean {
  switch (condition.kind) {
    case 'leaf': {
      const { leaf, check } = condition;
      if (leaf.isFixed === true) return check.test(facts);
      return check.specialise === undefined ? (asked) => check.test(asked) : check.specialise(facts);
    }
    case 'not': {
      const part = specialise(condition.part, facts);
      return typeof part === 'boolean' ? !part : (asked) => !part(asked);
    }
    default:
      return specialiseParts(condition.parts, condition.kind === 'any', facts);
  }
}

/** `deciding`: the answer of one part that is the answer of all of them together. */
function specialiseParts(parts: readonly BuiltCondition[], deciding: boolean, facts: Facts): Predicate | boolean {
  const left: Predicate[] = [];
  let remembers = false;
  for (const part of parts) {
    const special = specialise(part, facts);
    if (typeof special !== 'boolean') {
      left.push(special);
      remembers ||= hasMemory(part);
    } else if (special === deciding) {
      if (!remembers) return deciding;
      // What remembers takes note of the record, whatever is decided behind it.
      left.push(() => deciding);
      break;
    }
  }
  const [only] = left;
  if (only === undefined) return !deciding;
  if (left.length === 1) return only;
  return deciding ? anyOf(left) : allOf(left);
}

/** Whether a condition in it counts, or remembers what it has seen. */
export function hasMemory(condition: BuiltCondition): boolean {
  for (const { leaf } of leavesOf(condition)) if (leaf.cost === COST_MEMORY) return true;
  return false;
}

/** Whether the record says of its text what the analysis does: nothing was added by the protocol, nothing cut out. */
export function isPlainRecord(record: AuditRecord, statement: SqlStatement): boolean {
  return (
    record.kind === 'statement' &&
    record.operation === statement.operation &&
    record.operations === (statement.operations.length > 1 ? statement.operations : undefined) &&
    record.objects === (statement.objects.length > 0 ? statement.objects : undefined) &&
    record.procedure === statement.procedure &&
    record.summary === statement.summary &&
    record.fingerprint === statement.fingerprint &&
    record.text !== undefined &&
    record.text.length >= statement.end &&
    (record.marks & MARK_REDACTED) === 0
  );
}
