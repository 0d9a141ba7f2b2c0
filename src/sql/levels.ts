/** Bracket levels of the query walk: what clause each is in, and what it has met so far. */
import type { ScopeMark } from './facts.ts';

/** A verb is expected. */
export const CLAUSE_START = 0;
/** Between WITH and the verb. */
export const CLAUSE_CTE = 1;
/** A select list. */
export const CLAUSE_LIST = 2;
/** A table is expected. */
export const CLAUSE_TABLE = 3;
/** Behind a table. */
export const CLAUSE_TABLED = 4;
/** A join condition: a comma leads back to the tables. */
export const CLAUSE_ON = 5;
export const CLAUSE_SET = 6;
/** A list of column names. */
export const CLAUSE_COLUMNS = 7;
/** Behind the target of INSERT. */
export const CLAUSE_INSERT = 8;
export const CLAUSE_EXPRESSION = 9;
/** Names here are neither tables nor columns. */
export const CLAUSE_IGNORE = 10;

/** What a table in the clause is for. */
export const MODE_READ = 0;
export const MODE_WRITE = 1;
export const MODE_UPDATE = 2;
export const MODE_DELETE = 3;

export class Level implements ScopeMark {
  clause: number = CLAUSE_START;
  mode: number = MODE_READ;
  verb = '';
  /** FROM, JOIN and the like mean clauses here, not arguments. */
  isQuery = false;
  /** The verb here is the statement's own. */
  isOuter = false;
  /** A name behind the closing bracket is an alias. */
  isOperand = true;
  isRecursive = false;
  /** Behind RETURNING or OUTPUT. */
  isReturning = false;
  /** Names may be columns: a query is around them. */
  hasColumns = true;
  /** The first table named here or in a bracket here, -1 before one is. */
  firstObject = -1;
  cteName = '';
  targets = 0;
  aliases = 0;
  /** Common table expressions that can be named around it. */
  ctes = 0;

  /** Begins a level, in an object that may have been another. */
  open(clause: number, isQuery: boolean, isOuter: boolean, ctes: number): void {
    this.clause = clause;
    this.mode = MODE_READ;
    this.verb = '';
    this.isQuery = isQuery;
    this.isOuter = isOuter;
    this.isOperand = true;
    this.isRecursive = false;
    this.isReturning = false;
    this.hasColumns = true;
    this.firstObject = -1;
    this.cteName = '';
    this.ctes = ctes;
  }
}
