import { UserError } from '../base/errors.ts';

/** A query or a time that makes no sense: one line that names the column, or the expression. */
export class QueryError extends UserError {
  override readonly name = 'QueryError';
  /** What is wrong, without the column. */
  readonly reason: string;
  /** Where in the query, from 1; `undefined` when it is not about a place. */
  readonly column: number | undefined;

  constructor(reason: string, column?: number) {
    super(column === undefined ? reason : `query, column ${column}: ${reason}`);
    this.reason = reason;
    this.column = column;
  }
}
