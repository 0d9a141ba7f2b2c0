/** Bracket levels of the query walk, and the words that need a table of their own. */
import type { ScopeMark } from './facts.ts';
import { flagsOf } from './keywords.ts';

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

function words(list: string): ReadonlySet<string> {
  return new Set(list.trim().split(/\s+/));
}

/** Words that begin a statement in a T-SQL batch. All are reserved there, so none is a name. */
export const STARTERS: ReadonlySet<string> = words(`
  SELECT INSERT UPDATE DELETE MERGE TRUNCATE CREATE ALTER DROP GRANT REVOKE DENY EXEC EXECUTE DECLARE SET USE IF WHILE
  BEGIN PRINT RETURN RAISERROR THROW WAITFOR BACKUP RESTORE KILL SHUTDOWN DBCC COMMIT ROLLBACK SAVE OPEN FETCH CLOSE
  DEALLOCATE GOTO BULK REVERT RECONFIGURE CHECKPOINT
`);

/** Reserved words that are functions before a bracket. */
const FUNCTION_WORDS: Uint8Array = flagsOf('LEFT RIGHT INSERT MOD BINARY');

/** Soft words that stand before a bracket without being a function. */
const NOT_FUNCTIONS: Uint8Array = flagsOf('KEY INDEX TOP OF ROWS MATERIALIZED CONFLICT SETS ROLLUP CUBE');

/** Words of window frames and row limits. */
const FRAME_WORDS: Uint8Array = flagsOf(
  'CURRENT ROW ROWS RANGE PRECEDING FOLLOWING FIRST LAST NEXT ONLY TIES ZONE SIBLINGS PRIOR START SEPARATOR',
);

// By keyword id; 0 is no keyword.

export function isFunctionWord(id: number): boolean {
  return FUNCTION_WORDS[id] === 1;
}

export function isNoFunction(id: number): boolean {
  return NOT_FUNCTIONS[id] === 1;
}

export function isFrameWord(id: number): boolean {
  return FRAME_WORDS[id] === 1;
}

/** Words between the verb and its table. */
export const TABLE_PREFIXES: ReadonlySet<string> = words(
  'ONLY TOP LOW_PRIORITY HIGH_PRIORITY QUICK DELAYED TEMP TEMPORARY UNLOGGED',
);

/** Words in the bracket behind a table that make it a T-SQL hint. */
export const TABLE_HINTS: ReadonlySet<string> = words(`
  NOLOCK READPAST UPDLOCK ROWLOCK HOLDLOCK TABLOCK TABLOCKX PAGLOCK XLOCK NOWAIT READUNCOMMITTED READCOMMITTED
  REPEATABLEREAD SERIALIZABLE SNAPSHOT INDEX FORCESEEK FORCESCAN NOEXPAND
`);

/** Types whose literals MySQL and T-SQL write before a string. */
export const TYPED_LITERALS: ReadonlySet<string> = words('DATE TIME TIMESTAMP INTERVAL');

/** Words that make the bracket before them a query. */
export function isQueryWord(word: string): boolean {
  switch (word) {
    case 'SELECT':
    case 'WITH':
    case 'VALUES':
    case 'TABLE':
    case 'INSERT':
    case 'UPDATE':
    case 'DELETE':
    case 'MERGE':
      return true;
    default:
      return false;
  }
}
