/** Bracket levels of the query walk, and the words that need a table of their own. */
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

export interface Level {
  clause: number;
  mode: number;
  verb: string;
  /** FROM, JOIN and the like mean clauses here, not arguments. */
  isQuery: boolean;
  /** The verb here is the statement's own. */
  isOuter: boolean;
  /** A name behind the closing bracket is an alias. */
  isOperand: boolean;
  isRecursive: boolean;
  /** Behind RETURNING or OUTPUT. */
  isReturning: boolean;
  /** Names may be columns: a query is around them. */
  hasColumns: boolean;
  /** The first table named here or in a bracket here, -1 before one is. */
  firstObject: number;
  cteName: string;
  readonly scope: ScopeMark;
  readonly ctes: number;
}

export function newLevel(clause: number, isQuery: boolean, isOuter: boolean, scope: ScopeMark, ctes: number): Level {
  return {
    clause,
    mode: MODE_READ,
    verb: '',
    isQuery,
    isOuter,
    isOperand: true,
    isRecursive: false,
    isReturning: false,
    hasColumns: true,
    firstObject: -1,
    cteName: '',
    scope,
    ctes,
  };
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
export const FUNCTION_WORDS: ReadonlySet<string> = words('LEFT RIGHT INSERT MOD BINARY');

/** Soft words that stand before a bracket without being a function. */
export const NOT_FUNCTIONS: ReadonlySet<string> = words('KEY INDEX TOP OF ROWS MATERIALIZED CONFLICT SETS ROLLUP CUBE');

/** Words of window frames and row limits. */
export const FRAME_WORDS: ReadonlySet<string> = words(
  'CURRENT ROW ROWS RANGE PRECEDING FOLLOWING FIRST LAST NEXT ONLY TIES ZONE SIBLINGS PRIOR START SEPARATOR',
);

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
