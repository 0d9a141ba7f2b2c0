/** Events that nobody keeps, as new ones again: stores one after another, as the classes' own initialisers are. */
import type { Outcome, StatementEvent } from '../../contracts/event.ts';

/** All but who, when and how: what `StatementEvent` is made of. */
export function clearStatement(event: StatementEvent): void {
  event.text = undefined;
  event.textLength = undefined;
  event.textSha256 = undefined;
  event.parameters = undefined;
  event.operation = undefined;
  event.procedure = undefined;
  event.objects = undefined;
  event.tags = undefined;
  event.outcomes = [];
  event.transaction = undefined;
  event.marks = 0;
  event.lostBytes = 0;
}

export function clearOutcome(outcome: Outcome): void {
  outcome.errorCode = undefined;
  outcome.errorText = undefined;
  outcome.returnedRows = undefined;
  outcome.affectedRows = undefined;
  outcome.tag = undefined;
  outcome.responseBytes = 0;
  outcome.bulkBytes = 0;
  outcome.firstByteUs = 0;
  outcome.endUs = 0;
}
