/** What the API refuses, as data: a status, a code for programs, a sentence for people. */

import type { QueryError } from '../query/errors.ts';

export type ProblemCode =
  | 'bad-request'
  | 'query'
  | 'sign-in-needed'
  | 'sign-in-refused'
  | 'code-needed'
  | 'code-wrong'
  | 'locked'
  | 'role-needed'
  | 'people-only'
  | 'origin'
  | 'not-found'
  | 'conflict'
  | 'weak-password'
  | 'too-many'
  | 'busy'
  | 'unavailable'
  | 'refused';

const STATUS: { readonly [C in ProblemCode]: number } = {
  'bad-request': 400,
  query: 400,
  'sign-in-needed': 401,
  'sign-in-refused': 401,
  'code-needed': 401,
  'code-wrong': 401,
  locked: 429,
  'role-needed': 403,
  'people-only': 403,
  origin: 403,
  'not-found': 404,
  conflict: 409,
  'weak-password': 400,
  'too-many': 429,
  busy: 503,
  unavailable: 503,
  refused: 422,
};

export class ConsoleError extends Error {
  override readonly name = 'ConsoleError';
  readonly code: ProblemCode;
  /** Of a query, from 1. */
  readonly column: number | undefined;
  readonly retryAfterS: number | undefined;

  constructor(code: ProblemCode, message: string, facts: { column?: number; retryAfterS?: number } = {}) {
    super(message);
    this.code = code;
    this.column = facts.column;
    this.retryAfterS = facts.retryAfterS;
  }

  get statusCode(): number {
    return STATUS[this.code];
  }
}

/** What is wrong with a query. */
export function queryRefusal({ reason, column }: QueryError): ConsoleError {
  return new ConsoleError('query', reason, column === undefined ? {} : { column });
}
