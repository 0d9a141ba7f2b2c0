/**
 * Which statement of a request got which result. Protocols tell a request's text and its results in order; the lexer
 * tells the statements. One record for each executed statement where the two can be paired, one for all where not.
 */
import type { Outcome, StatementEvent } from '../contracts/event.ts';
import type { SqlStatement } from '../contracts/sql.ts';

export interface Part {
  /** `undefined`: the request as a whole (no text, or results that cannot be told apart). */
  readonly statement: SqlStatement | undefined;
  readonly outcomes: readonly Outcome[];
}

/** A syntax error refuses the whole text before any statement of it runs (PostgreSQL), wherever it stands. */
const SYNTAX_ERROR = '42601';

/** At least one part. `statements` are those of `event.text` that are not empty. */
export function pair(event: StatementEvent, statements: readonly SqlStatement[]): readonly Part[] {
  const { outcomes } = event;
  const first = statements[0];
  if (first === undefined) return [{ statement: undefined, outcomes }];
  if (statements.length === 1) return [{ statement: first, outcomes }];
  const last = outcomes.at(-1);
  const stopped =
    last?.errorCode !== undefined && last.errorCode !== SYNTAX_ERROR && outcomes.length < statements.length;
  if (outcomes.length !== statements.length && !stopped) return [{ statement: undefined, outcomes }];
  return outcomes.map((outcome, i) => ({ statement: statements[i], outcomes: [outcome] }));
}
