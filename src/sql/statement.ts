/**
 * Chooses the walk for each statement by its first word, and follows compound statements: T-SQL batches without
 * separators, and anonymous blocks (`BEGIN … END`, `DECLARE … BEGIN … END`), whose parts are read one after another.
 */
import { alterStatement, createStatement, dropStatement } from './ddl.ts';
import type { DialectRules } from './dialects.ts';
import { Name, readName } from './names.ts';
import type { Query } from './query.ts';
import { sessionStatement } from './session.ts';
import { KIND_COMMA, KIND_LEFT, KIND_OPERATOR, KIND_SEMICOLON, type Tokens } from './tokens.ts';
import { utilityStatement } from './utility.ts';
import { embeddedQuery, endOf, expressionAt, queryAt, type Walk } from './walk.ts';

/** Fills the facts of `query` from all its tokens. */
export function walkStatements(query: Query, rules: DialectRules): void {
  const { tokens, facts } = query;
  const walk: Walk = { tokens, facts, rules, query, statementAt, isBlock: false, nesting: 0 };
  let i = 0;
  while (i < tokens.count) {
    const next = statementAt(walk, i);
    i = next > i ? next : i + 1;
  }
  // Nothing but conditions or labels: the first word stands for the whole.
  if (facts.operation === undefined) facts.addOperation(firstWord(tokens, 0), true);
}

function statementAt(walk: Walk, i: number): number {
  const { tokens } = walk;
  const word = tokens.word(i);
  switch (word) {
    case 'SELECT':
    case 'WITH':
    case 'VALUES':
    case 'INSERT':
    case 'DELETE':
    case 'MERGE':
    case 'TABLE':
    case 'REPLACE':
      return queryAt(walk, i);
    case 'UPDATE':
      return tokens.word(i + 1) === 'STATISTICS' ? utilityStatement(walk, word, i) : queryAt(walk, i);
    case 'CREATE':
      return createStatement(walk, i);
    case 'ALTER':
      return alterStatement(walk, i);
    case 'DROP':
      return sessionStatement(walk, word, i) || dropStatement(walk, i);
    case 'BEGIN':
      return begin(walk, i);
    case 'DECLARE':
      if (walk.rules.oneBlock) return declareBlock(walk, i);
      break;
    case 'END':
      if (walk.isBlock || walk.rules.batch) {
        return tokens.word(i + 1) === 'TRY' || tokens.word(i + 1) === 'CATCH' ? i + 2 : i + 1;
      }
      break;
    case 'IF':
    case 'WHILE':
    case 'FOR':
    case 'CASE':
    case 'WHEN':
    case 'RETURN':
    case 'REPEAT':
      return controlStatement(walk, word, i);
    case 'ELSE':
    case 'THEN':
    case 'LOOP':
      return i + 1;
    case '':
      return unknownStatement(walk, i);
    default:
  }
  if (walk.isBlock && word === 'DO') return i + 1;
  const next = sessionStatement(walk, word, i);
  if (next > 0) return next;
  const end = utilityStatement(walk, word, i);
  return end > 0 ? end : other(walk, i);
}

/** A transaction, or a block. */
function begin(walk: Walk, i: number): number {
  const { tokens, facts, rules } = walk;
  const next = tokens.word(i + 1);
  const opens =
    next === 'TRAN' || next === 'TRANSACTION' || next === 'DISTRIBUTED' || next === 'WORK' || i + 1 >= tokens.count;
  if (walk.isBlock || !opens) {
    const isBlock = walk.isBlock || rules.batch || !rules.beginIsTransaction || next === 'NOT';
    if (isBlock) {
      if (!rules.batch) {
        if (!walk.isBlock) facts.addOperation('BLOCK', true);
        walk.isBlock = true;
      }
      return next === 'NOT' || next === 'TRY' || next === 'CATCH' || next === 'ATOMIC' ? i + 2 : i + 1;
    }
  }
  facts.addOperation('BEGIN', true);
  return endOf(walk, i + 1);
}

/** Oracle: the declarations hold no statements but cursors; the block begins behind them. */
function declareBlock(walk: Walk, i: number): number {
  walk.facts.addOperation('BLOCK', true);
  walk.isBlock = true;
  let p = i + 1;
  while (p < walk.tokens.count && walk.tokens.word(p) !== 'BEGIN') {
    p = walk.tokens.word(p) === 'SELECT' ? Math.max(embeddedQuery(walk, p), p + 1) : p + 1;
  }
  return p;
}

/** Conditions and loop heads: their queries are read, their words are no operations of their own. */
function controlStatement(walk: Walk, word: string, i: number): number {
  if (!walk.isBlock && !walk.rules.batch) return other(walk, i);
  return expressionAt(walk, i + 1, word !== 'RETURN');
}

/**
 * A statement whose first token is no keyword: a procedure call (T-SQL's first in a batch, any in a block), an
 * assignment, a label; otherwise its first word is its operation.
 */
function unknownStatement(walk: Walk, i: number): number {
  const { tokens, facts, rules } = walk;
  const kind = tokens.kindAt(i);
  if (kind === KIND_SEMICOLON || kind === KIND_COMMA) return i + 1;
  if (kind === KIND_LEFT) return queryAt(walk, i);
  const name = new Name();
  if (!readName(tokens, i, name)) return i + 1;
  const isFirst = facts.operation === undefined;
  if (walk.isBlock) {
    const isCall = tokens.kindAt(name.next) === KIND_LEFT || tokens.kindAt(name.next) === KIND_SEMICOLON;
    if (isCall) {
      facts.procedure ??= name.text;
      facts.functions.add(name.text);
    }
  } else if (rules.batch && isFirst && tokens.kindAt(name.next) !== KIND_OPERATOR) {
    facts.addOperation('EXECUTE', true);
    facts.procedure ??= name.text;
    return endOf(walk, name.next);
  } else if (!rules.batch) return other(walk, i);
  return endOf(walk, name.next);
}

/** Longest first word that is taken for an operation when it is no keyword. */
const OPERATION_LENGTH_MAX = 24;

function firstWord(tokens: Tokens, i: number): string {
  const text = tokens.slice(i);
  return text.length <= OPERATION_LENGTH_MAX && /^[A-Za-z][A-Za-z_]*$/.test(text) ? text.toUpperCase() : 'UNKNOWN';
}

/** A statement of no known kind. In a block or batch only its first word is lost, elsewhere it is the operation. */
function other(walk: Walk, i: number): number {
  if (!walk.isBlock) walk.facts.addOperation(firstWord(walk.tokens, i), true);
  return walk.isBlock || walk.rules.batch ? endOf(walk, i + 1) : walk.tokens.count;
}
