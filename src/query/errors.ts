import { UserError } from '../base/errors.ts';

/** A query or a time that makes no sense: one line that names the column, or the expression. */
export class QueryError extends UserError {
  override readonly name = 'QueryError';
}
