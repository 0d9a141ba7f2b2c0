/**
 * Which statement of a request got which result. Protocols tell a request's text and its results in order; the lexer
 * tells the statements. One record for each executed statement where the two can be paired, one for all where not.
 */
import type { Outcome, StatementEvent } from '../contracts/event.ts';
import type { SqlStatement } from '../contracts/sql.ts';

/** What becomes one record. */
export interface Part {
  /** Usually one; all when results cannot be told apart; none when there is no text. */
  readonly statements: readonly SqlStatement[];
  readonly outcomes: readonly Outcome[];
  /** Stands for the request as a whole: its text is the request's, separators included. */
  readonly whole: boolean;
}

/** A syntax error refuses the whole text before any statement of it runs (PostgreSQL), wherever it stands. */
const SYNTAX_ERROR = '42601';

/**
 * At least one part. `statements` are those of `event.text` that are not empty. When one failed, those behind it never
 * ran: they stay with it, so that what was attempted is written down and judged.
 */
export function pair(event: StatementEvent, statements: readonly SqlStatement[]): readonly Part[] {
  const { outcomes } = event;
  const last = outcomes.at(-1);
  const stopped =
    last?.errorCode !== undefined && last.errorCode !== SYNTAX_ERROR && outcomes.length < statements.length;
  if (statements.length < 2 || (outcomes.length !== statements.length && !stopped)) {
    return [{ statements, outcomes, whole: true }];
  }
  return outcomes.map((outcome, i) => ({
    statements: statements.slice(i, i === outcomes.length - 1 ? undefined : i + 1),
    outcomes: [outcome],
    whole: false,
  }));
}

/** Several statements as one, for those who judge them together. `undefined` for none. */
export function merged(statements: readonly SqlStatement[]): SqlStatement | undefined {
  const first = statements[0];
  if (first === undefined || statements.length === 1) return first;
  const all = (list: (statement: SqlStatement) => readonly string[]): string[] => [
    ...new Set(statements.flatMap((statement) => list(statement))),
  ];
  return {
    ...first,
    end: statements.at(-1)?.end ?? first.end,
    operations: all((s) => s.operations),
    objects: all((s) => s.objects),
    objectsWritten: all((s) => s.objectsWritten),
    columns: all((s) => s.columns),
    functions: all((s) => s.functions),
    procedure: statements.find((s) => s.procedure !== undefined)?.procedure,
    executes: statements.find((s) => s.executes !== undefined)?.executes,
    summary: statements.map((s) => s.summary).join('; '),
    literals: statements.flatMap((s) => s.literals),
    secrets: statements.flatMap((s) => s.secrets),
  };
}

/** Those that say something: an empty one stands for a text without any. */
export function withText(statements: readonly SqlStatement[]): readonly SqlStatement[] {
  const [first] = statements;
  if (statements.length === 1 && first !== undefined && first.end > first.start) return statements;
  return statements.filter((s) => s.end > s.start);
}
