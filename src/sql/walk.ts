/** What the walks of all statements share: the tokens they read, the facts they fill, and the usual ends. */
import type { DialectRules } from './dialects.ts';
import type { Facts } from './facts.ts';
import { CLAUSE_EXPRESSION, CLAUSE_START } from './levels.ts';
import type { Query } from './query.ts';
import { KIND_LEFT, KIND_RIGHT, KIND_SEMICOLON, type Tokens } from './tokens.ts';

/** How deep statements are read inside statements (`EXPLAIN`, `PREPARE … AS`); none nests more than once or twice. */
const NESTING_MAX = 8;

export interface Walk {
  readonly tokens: Tokens;
  readonly facts: Facts;
  readonly rules: DialectRules;
  /** Of the same tokens and facts. */
  readonly query: Query;
  /** Walks the statement that begins at token `i`; gives the token where it ends. */
  readonly statementAt: (walk: Walk, i: number) => number;
  /** Inside an anonymous block. */
  isBlock: boolean;
  /** Statements around the one being walked. */
  nesting: number;
}

/** Walks the statement inside another; one too deep is left unread. */
export function innerStatement(walk: Walk, i: number): number {
  if (walk.nesting >= NESTING_MAX) return restOf(walk, i);
  walk.nesting++;
  const end = walk.statementAt(walk, i);
  walk.nesting--;
  return end;
}

export function queryAt(walk: Walk, i: number): number {
  return begin(walk, CLAUSE_START).run(i);
}

/** A query that belongs to the statement around it: its tables count, its verb does not. */
export function embeddedQuery(walk: Walk, i: number): number {
  const query = begin(walk, CLAUSE_START);
  query.isRecorded = true;
  return query.run(i);
}

/** A condition or loop head from `i` up to THEN, LOOP or DO; without `isControl`, an expression to the statement's end. */
export function expressionAt(walk: Walk, i: number, isControl: boolean): number {
  const query = begin(walk, CLAUSE_EXPRESSION);
  query.isRecorded = true;
  query.isControl = isControl;
  return query.run(i);
}

/** The end of a statement whose words are no columns; its subqueries and functions are still read. */
export function endOf(walk: Walk, i: number): number {
  const query = begin(walk, CLAUSE_EXPRESSION);
  query.isRecorded = true;
  query.level.isQuery = false;
  query.level.hasColumns = false;
  return query.run(i);
}

/** One query is walked at a time. */
function begin({ query, rules, isBlock }: Walk, clause: number): Query {
  query.begin(rules, isBlock, clause);
  return query;
}

/** The separator that ends the statement, or the end. */
function restOf(walk: Walk, from: number): number {
  let i = from;
  while (i < walk.tokens.count && walk.tokens.kindAt(i) !== KIND_SEMICOLON) i++;
  return i;
}

/** Words that begin a statement in a T-SQL batch and cannot be part of a definition. */
const AFTER_DEFINITION: ReadonlySet<string> = new Set(
  `SELECT INSERT UPDATE DELETE MERGE TRUNCATE CREATE EXEC EXECUTE DECLARE USE IF WHILE BEGIN PRINT BACKUP RESTORE KILL
   GRANT REVOKE DENY SHUTDOWN DBCC RETURN RAISERROR COMMIT ROLLBACK`.split(/\s+/),
);

/** Classes behind ALTER and DROP that make them statements; behind others they may be clauses of ALTER TABLE. */
const DEFINED: ReadonlySet<string> = new Set(
  'TABLE VIEW PROC PROCEDURE FUNCTION TRIGGER DATABASE LOGIN USER'.split(' '),
);

/** In a batch: whether the word at `i` begins the statement behind a definition. */
export function startsAfterDefinition(tokens: Tokens, i: number): boolean {
  const word = tokens.word(i);
  const before = tokens.word(i - 1);
  if (word === '' || before === 'AS' || before === 'WITH' || before === 'FOR') return false;
  if (before === 'ON' && (word === 'UPDATE' || word === 'DELETE')) return false;
  return AFTER_DEFINITION.has(word) || ((word === 'DROP' || word === 'ALTER') && DEFINED.has(tokens.word(i + 1)));
}

/** Where a definition ends: at its separator, or in a batch at the next statement's first word outside brackets. */
export function definitionEnd(walk: Walk, from: number): number {
  const { tokens } = walk;
  if (!walk.rules.batch) return restOf(walk, from);
  let depth = 0;
  for (let i = from; i < tokens.count; i++) {
    const kind = tokens.kindAt(i);
    if (kind === KIND_LEFT) depth++;
    else if (kind === KIND_RIGHT) depth--;
    else if (kind === KIND_SEMICOLON || (depth <= 0 && i > from && startsAfterDefinition(tokens, i))) return i;
  }
  return tokens.count;
}
