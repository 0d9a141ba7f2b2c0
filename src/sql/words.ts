/** Words of queries whose meaning their place decides. */
import { flagsOf } from './keywords.ts';
import { CLAUSE_CTE, CLAUSE_INSERT, CLAUSE_START, type Level } from './levels.ts';
import { KIND_LEFT, KIND_RIGHT, type Tokens } from './tokens.ts';

const PLUS = 0x2b;

function words(list: string): ReadonlySet<string> {
  return new Set(list.trim().split(/\s+/));
}

/** Words that begin a statement in a T-SQL batch. All are reserved there, so none is a name. */
const STARTERS: ReadonlySet<string> = words(`
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
const TABLE_PREFIXES: ReadonlySet<string> = words(
  'ONLY TOP LOW_PRIORITY HIGH_PRIORITY QUICK DELAYED TEMP TEMPORARY UNLOGGED',
);

/** Words in the bracket behind a table that make it a T-SQL hint. */
const TABLE_HINTS: ReadonlySet<string> = words(`
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

/** In a batch: whether the word at `i` begins the next statement rather than a part of the one in `level`. */
export function startsAnother({ clause, verb }: Level, tokens: Tokens, word: string, i: number): boolean {
  if (!STARTERS.has(word)) return false;
  if (clause === CLAUSE_START || clause === CLAUSE_CTE) return false;
  if (clause === CLAUSE_INSERT) return word !== 'SELECT' && word !== 'DEFAULT';
  const before = tokens.word(i - 1);
  if (before === 'FOR' || before === 'KEY' || (before === 'THEN' && verb === 'MERGE')) return false;
  if (before === 'ON' && (word === 'UPDATE' || word === 'DELETE')) return false;
  if (word === 'SET') return verb !== 'UPDATE' && verb !== 'MERGE';
  return !(word === 'IF' || word === 'UPDATE') || tokens.kindAt(i + 1) !== KIND_LEFT;
}

/** Whether the soft keyword before token `next` only introduces a table, which is read or not. */
export function isTablePrefix(tokens: Tokens, word: string, next: number, isRead: boolean): boolean {
  const kind = tokens.kindAt(next);
  if (word === 'ROWS') return tokens.word(next) === 'FROM';
  if (word === 'FINAL') return tokens.word(next) === 'TABLE';
  // ONLY may stand before any table, the others between a verb and its target.
  if (!TABLE_PREFIXES.has(word) || (isRead && word !== 'ONLY')) return false;
  if (kind === KIND_LEFT || tokens.isName(next)) return true;
  const follows = tokens.word(next);
  return follows === 'INTO' || follows === 'FROM' || follows === 'TABLE' || follows === 'IGNORE';
}

/** Whether token `i`, in the bracket behind a table, is a T-SQL hint. */
export function isTableHint(tokens: Tokens, i: number): boolean {
  return TABLE_HINTS.has(tokens.slice(i).toUpperCase());
}

/** Whether the word at `i`, behind a table, may be its alias; in a batch it may begin the next statement. */
export function mayBeAlias(tokens: Tokens, i: number, hasAs: boolean, isBatch: boolean): boolean {
  if (tokens.isReserved(i)) return false;
  const word = tokens.word(i);
  if (word === '' || hasAs) return true;
  if (isBatch && STARTERS.has(word)) return false;
  return !(
    word === 'USE' ||
    word === 'START' ||
    word === 'SAMPLE' ||
    word === 'DEFAULT' ||
    word === 'VERSIONS' ||
    word === 'MODEL'
  );
}

/** Oracle's `column(+)`, with its bracket at `i`. */
export function isOuterJoinMark(tokens: Tokens, i: number): boolean {
  return tokens.isOperator(i + 1, PLUS) && tokens.kindAt(i + 2) === KIND_RIGHT;
}
