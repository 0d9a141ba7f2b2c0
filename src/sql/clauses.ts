/** What keywords do in the query walk: they end clauses, begin them, and name what the statement does. */
import { flagsOf } from './keywords.ts';
import {
  CLAUSE_CTE,
  CLAUSE_EXPRESSION,
  CLAUSE_IGNORE,
  CLAUSE_INSERT,
  CLAUSE_LIST,
  CLAUSE_ON,
  CLAUSE_SET,
  CLAUSE_START,
  CLAUSE_TABLE,
  CLAUSE_TABLED,
  type Level,
  MODE_DELETE,
  MODE_READ,
  MODE_UPDATE,
  MODE_WRITE,
} from './levels.ts';
import type { Query } from './query.ts';
import { KIND_LEFT, KIND_PARAMETER, KIND_WORD } from './tokens.ts';

/** Another statement begins at the word. */
export const STOP = -1;

/** By keyword id: whether `keywordStep` does anything with the word. */
const STEPS: Uint8Array = flagsOf(`
  SELECT VALUES INSERT REPLACE UPDATE DELETE MERGE TABLE WITH FROM INTO JOIN APPLY STRAIGHT_JOIN ON USING SET UNION
  EXCEPT INTERSECT MINUS AS FOR RETURNING OUTPUT WHERE HAVING GROUP ORDER LIMIT OFFSET FETCH WINDOW QUALIFY CONNECT
  WHEN TOP ALL FIRST
`);

export function isStep(id: number): boolean {
  return STEPS[id] === 1;
}

/** Takes the keyword at `i`: the position to go on from, or 0 when it may be a name there. */
export function keywordStep(query: Query, word: string, i: number): number {
  const level = query.level;
  switch (word) {
    case 'SELECT':
    case 'VALUES':
    case 'INSERT':
    case 'REPLACE':
    case 'UPDATE':
    case 'DELETE':
    case 'MERGE':
    case 'TABLE':
    case 'WITH':
      return verb(query, word, i);
    case 'FROM':
      return from(query, i);
    case 'INTO':
      return into(query, i);
    case 'JOIN':
    case 'APPLY':
    case 'STRAIGHT_JOIN':
      if (level.isQuery && (level.clause === CLAUSE_TABLED || level.clause === CLAUSE_ON)) level.clause = CLAUSE_TABLE;
      return i + 1;
    case 'ON':
      return on(query, i);
    case 'USING':
      if ((level.verb === 'DELETE' || level.verb === 'MERGE') && level.mode !== MODE_READ) {
        level.mode = MODE_READ;
        level.clause = CLAUSE_TABLE;
      }
      return i + 1;
    case 'SET':
      if (level.isQuery && level.clause !== CLAUSE_CTE) level.clause = CLAUSE_SET;
      return i + 1;
    case 'UNION':
    case 'EXCEPT':
    case 'INTERSECT':
    case 'MINUS':
      restart(level);
      return i + 1;
    case 'AS':
      return as(query, i);
    case 'FOR':
      return forClause(query, i);
    default:
      return expressionClause(query, word, i);
  }
}

/** Keywords behind which an expression, or nothing of interest, follows. */
function expressionClause(query: Query, word: string, i: number): number {
  const level = query.level;
  switch (word) {
    case 'RETURNING':
    case 'OUTPUT':
      level.isReturning = true;
      level.clause = CLAUSE_EXPRESSION;
      return i + 1;
    case 'WHERE':
    case 'HAVING':
    case 'GROUP':
    case 'ORDER':
    case 'LIMIT':
    case 'OFFSET':
    case 'FETCH':
    case 'WINDOW':
    case 'QUALIFY':
    case 'CONNECT':
      if (level.isQuery && level.clause !== CLAUSE_CTE) level.clause = CLAUSE_EXPRESSION;
      return i + 1;
    case 'WHEN':
      if (level.verb === 'MERGE') return when(query, i);
      if (level.verb === 'INSERT' && level.isQuery) level.clause = CLAUSE_EXPRESSION;
      return i + 1;
    case 'TOP': {
      const follows = query.tokens.kindAt(i + 1);
      if (level.clause !== CLAUSE_LIST && level.clause !== CLAUSE_TABLE) return 0;
      return follows === KIND_PARAMETER || query.tokens.isLiteral(i + 1) ? i + 2 : follows === KIND_LEFT ? i + 1 : 0;
    }
    case 'ALL':
    case 'FIRST':
      // Oracle: INSERT ALL, INSERT FIRST.
      if (level.verb !== 'INSERT' || query.tokens.word(i - 1) !== 'INSERT') return 0;
      level.clause = CLAUSE_EXPRESSION;
      return i + 1;
    default:
      return 0;
  }
}

function restart(level: Level): void {
  level.clause = CLAUSE_START;
  level.mode = MODE_READ;
  level.verb = '';
  level.isQuery = true;
  level.isReturning = false;
}

/** A verb, where it is one. */
function verb(query: Query, word: string, i: number): number {
  const level = query.level;
  const isStart = level.clause === CLAUSE_START || level.clause === CLAUSE_CTE;
  switch (word) {
    case 'SELECT':
      restart(level);
      level.clause = CLAUSE_LIST;
      return begin(query, word, i);
    case 'VALUES':
      if (level.clause === CLAUSE_SET) return 0;
      if (isStart) begin(query, word, i);
      level.clause = CLAUSE_EXPRESSION;
      return i + 1;
    case 'WITH':
      if (level.clause !== CLAUSE_START) {
        if (level.clause === CLAUSE_INSERT && query.tokens.kindAt(i + 1) !== KIND_LEFT) return startCte(level, i);
        // A hint in brackets, or one word: WITH UR, WITH TIES, WITH ORDINALITY.
        return query.tokens.kindAt(i + 1) === KIND_WORD ? i + 2 : i + 1;
      }
      return startCte(level, i);
    case 'TABLE':
      if (!isStart && level.clause !== CLAUSE_INSERT) return i + 1;
      restart(level);
      level.clause = CLAUSE_TABLE;
      return begin(query, word, i);
    case 'UPDATE':
      if (isStart) return change(query, word, MODE_UPDATE, i);
      if (query.tokens.word(i - 1) === 'KEY') level.clause = CLAUSE_SET;
      return i + 1;
    case 'DELETE':
      return isStart ? change(query, word, MODE_DELETE, i) : i + 1;
    case 'MERGE':
      return isStart ? change(query, word, MODE_WRITE, i) : i + 1;
    default:
      return insert(query, word, i, isStart);
  }
}

function insert(query: Query, word: string, i: number, isStart: boolean): number {
  const level = query.level;
  if (isStart) return change(query, word, MODE_WRITE, i);
  if (level.verb === 'MERGE' && word === 'INSERT') {
    level.clause = CLAUSE_INSERT;
    return i + 1;
  }
  return 0;
}

function startCte(level: Level, i: number): number {
  level.clause = CLAUSE_CTE;
  level.isQuery = true;
  return i + 1;
}

function change(query: Query, word: string, mode: number, i: number): number {
  restart(query.level);
  query.level.mode = mode;
  query.level.clause = CLAUSE_TABLE;
  begin(query, word, i);
  if (word === 'REPLACE') query.level.verb = 'INSERT';
  return i + 1;
}

/** Records the verb: the statement's own always, an inner one when it writes. */
function begin(query: Query, word: string, i: number): number {
  const level = query.level;
  level.verb = word;
  level.isQuery = true;
  const reads = word === 'SELECT' || word === 'VALUES' || word === 'TABLE';
  const isOwn = level.isOuter && !query.isRecorded;
  if (isOwn) query.isRecorded = true;
  if (isOwn || !reads) query.facts.addOperation(word === 'TABLE' ? 'SELECT' : word, isOwn);
  return i + 1;
}

function from(query: Query, i: number): number {
  const { level, tokens } = query;
  if (!level.isQuery) return i + 1;
  if (tokens.word(i - 1) === 'DISTINCT' && (tokens.word(i - 2) === 'IS' || tokens.word(i - 2) === 'NOT')) return i + 1;
  if (!(level.mode === MODE_DELETE && !query.facts.hasTargets(level))) level.mode = MODE_READ;
  level.clause = CLAUSE_TABLE;
  return i + 1;
}

function into(query: Query, i: number): number {
  const { level, tokens, rules } = query;
  if (!level.isQuery) return i + 1;
  if (level.clause === CLAUSE_TABLE && level.mode === MODE_WRITE) return i + 1;
  const makesTable = rules.selectIntoTable && !query.isBlock;
  const isVariable = tokens.kindAt(i + 1) === KIND_PARAMETER;
  const isTarget = level.isReturning ? rules.batch : level.verb === 'INSERT' || (level.verb === 'SELECT' && makesTable);
  if (!isTarget || isVariable) {
    level.clause = CLAUSE_IGNORE;
    return i + 1;
  }
  level.mode = MODE_WRITE;
  level.clause = CLAUSE_TABLE;
  return tokens.word(i + 1) === 'TABLE' ? i + 2 : i + 1;
}

function on(query: Query, i: number): number {
  const { level, tokens } = query;
  const next = tokens.word(i + 1);
  if (next === 'CONFLICT' || next === 'DUPLICATE') {
    level.clause = CLAUSE_EXPRESSION;
    return tokens.word(i + 2) === 'KEY' ? i + 3 : i + 2;
  }
  if (level.clause === CLAUSE_TABLED) level.clause = CLAUSE_ON;
  return i + 1;
}

/** `WHEN [NOT] MATCHED [BY SOURCE | TARGET]` of MERGE; any other WHEN belongs to a CASE. */
function when(query: Query, i: number): number {
  const { level, tokens } = query;
  const p = tokens.word(i + 1) === 'NOT' ? i + 2 : i + 1;
  if (tokens.word(p) !== 'MATCHED') return i + 1;
  level.clause = CLAUSE_EXPRESSION;
  return tokens.word(p + 1) === 'BY' ? p + 3 : p + 1;
}

/** Behind AS stands an alias or a type, except where a query follows. */
function as(query: Query, i: number): number {
  const { level, tokens } = query;
  if (level.clause === CLAUSE_CTE || level.clause === CLAUSE_TABLED || level.clause === CLAUSE_START) return i + 1;
  return tokens.isName(i + 1) || tokens.isString(i + 1) ? i + 2 : i + 1;
}

function forClause(query: Query, i: number): number {
  const { level, tokens } = query;
  switch (tokens.word(i + 1)) {
    case 'UPDATE':
    case 'SHARE':
    case 'NO':
    case 'KEY':
    case 'XML':
    case 'READ':
    case 'FETCH':
      if (level.isQuery) level.clause = CLAUSE_IGNORE;
      return i + 2;
    case 'JOIN':
    case 'ORDER':
    case 'GROUP':
      return i + 2;
    default:
      return i + 1;
  }
}
