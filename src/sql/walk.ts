/** What the walks of all statements share: the tokens they read, the facts they fill, and the usual ends. */
import type { DialectRules } from './dialects.ts';
import type { Facts } from './facts.ts';
import { CLAUSE_EXPRESSION } from './levels.ts';
import { Query } from './query.ts';
import { KIND_SEMICOLON, type Tokens } from './tokens.ts';

export interface Walk {
  readonly tokens: Tokens;
  readonly facts: Facts;
  readonly rules: DialectRules;
  /** Walks the statement that begins at token `i`; gives the token where it ends. */
  readonly statementAt: (walk: Walk, i: number) => number;
  /** Inside an anonymous block. */
  isBlock: boolean;
}

export function queryAt(walk: Walk, i: number): number {
  return new Query(walk.tokens, walk.facts, walk.rules, walk.isBlock).run(i);
}

/** A query that belongs to the statement around it: its tables count, its verb does not. */
export function embeddedQuery(walk: Walk, i: number): number {
  const query = new Query(walk.tokens, walk.facts, walk.rules, walk.isBlock);
  query.isRecorded = true;
  return query.run(i);
}

/** A condition or loop head from `i` up to THEN, LOOP or DO; without `isControl`, an expression to the statement's end. */
export function expressionAt(walk: Walk, i: number, isControl: boolean): number {
  const query = new Query(walk.tokens, walk.facts, walk.rules, walk.isBlock);
  query.level.clause = CLAUSE_EXPRESSION;
  query.isRecorded = true;
  query.isControl = isControl;
  return query.run(i);
}

/** The end of a statement whose words are no columns; its subqueries and functions are still read. */
export function endOf(walk: Walk, i: number): number {
  const query = new Query(walk.tokens, walk.facts, walk.rules, walk.isBlock);
  query.level.clause = CLAUSE_EXPRESSION;
  query.isRecorded = true;
  query.hasColumns = false;
  return query.run(i);
}

/** The separator that ends the statement, or the end. */
export function restOf(walk: Walk, from: number): number {
  let i = from;
  while (i < walk.tokens.count && walk.tokens.kindAt(i) !== KIND_SEMICOLON) i++;
  return i;
}
