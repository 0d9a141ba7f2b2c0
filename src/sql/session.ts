/**
 * Statements that change the session or run something by name: SET, RESET, USE, PREPARE, EXECUTE, CALL and their kin.
 * Names and values they set become the statement's effect.
 */
import type { Facts } from './facts.ts';
import { isAssignment, Name, namePart, readName } from './names.ts';
import {
  KIND_LEFT,
  KIND_NUMBER,
  KIND_PARAMETER,
  KIND_QUOTED,
  KIND_SEMICOLON,
  KIND_WORD,
  type Tokens,
} from './tokens.ts';
import { endOf, innerStatement, type Walk } from './walk.ts';

/** Walks a session statement at `i`: where it ends, or 0 when `word` begins none. */
export function sessionStatement(walk: Walk, word: string, i: number): number {
  switch (word) {
    case 'SET':
      return setStatement(walk, i);
    case 'RESET':
      return resetStatement(walk, i);
    case 'USE':
      return useStatement(walk, i);
    case 'REVERT':
      walk.facts.addOperation('REVERT', true);
      walk.facts.effect = { kind: 'effective-user', user: undefined };
      return endOf(walk, i + 1);
    case 'PREPARE':
      return prepareStatement(walk, i);
    case 'DEALLOCATE':
      return deallocate(walk, i);
    case 'DROP':
      return walk.tokens.word(i + 1) === 'PREPARE' ? deallocate(walk, i) : 0;
    case 'DISCARD':
      walk.facts.addOperation('DISCARD', true);
      if (walk.tokens.word(i + 1) === 'ALL') walk.facts.effect = { kind: 'discard-all' };
      return endOf(walk, i + 1);
    case 'CALL':
      return callStatement(walk, 'CALL', i);
    case 'EXEC':
    case 'EXECUTE':
      return executeStatement(walk, i);
    default:
      return 0;
  }
}

/** Text of a literal or name used as a value. A literal's content makes the result its own. */
function value(tokens: Tokens, facts: Facts, i: number): string | undefined {
  const kind = tokens.kindAt(i);
  if (tokens.isString(i)) facts.readsLiterals = true;
  return tokens.isString(i) || kind === KIND_WORD || kind === KIND_QUOTED ? namePart(tokens, i) : undefined;
}

function setStatement(walk: Walk, start: number): number {
  const { tokens, facts } = walk;
  let i = start + 1;
  const scope = tokens.word(i);
  if (scope === 'SESSION' && tokens.word(i + 1) === 'AUTHORIZATION') {
    facts.addOperation('SET SESSION AUTHORIZATION', true);
    const user = value(tokens, facts, i + 2);
    facts.effect = { kind: 'effective-user', user: tokens.word(i + 2) === 'DEFAULT' ? undefined : user };
    return endOf(walk, i + 2);
  }
  if (
    (scope === 'SESSION' || scope === 'LOCAL' || scope === 'GLOBAL' || scope === 'CURRENT') &&
    !isAssignment(tokens, i + 1)
  )
    i++;
  switch (tokens.word(i)) {
    case 'ROLE': {
      if (isAssignment(tokens, i + 1)) break;
      facts.addOperation('SET ROLE', true);
      const role = value(tokens, facts, i + 1);
      const isNone = /^(none|default)$/i.test(role ?? '') && tokens.kindAt(i + 1) === KIND_WORD;
      facts.effect = { kind: 'effective-user', user: isNone ? undefined : role };
      return endOf(walk, i + 1);
    }
    case 'PASSWORD':
      facts.addOperation('SET PASSWORD', true);
      return endOf(walk, i + 1);
    case 'TRANSACTION':
      facts.addOperation('SET TRANSACTION', true);
      return endOf(walk, i + 1);
    default:
  }
  facts.addOperation('SET', true);
  setting(walk, i);
  return endOf(walk, i);
}

/** `SET name = value` and its dialect forms, where the name has an effect that is followed. */
function setting(walk: Walk, i: number): void {
  const { tokens, facts } = walk;
  const name = tokens.slice(i).toLowerCase();
  const hasMark = isAssignment(tokens, i + 1) || tokens.word(i + 1) === 'TO';
  const at = hasMark ? i + 2 : i + 1;
  switch (name) {
    case 'search_path':
    case 'schema':
    case 'current_schema': {
      const first = value(tokens, facts, tokens.word(at) === 'SCHEMA' ? at + 1 : at);
      const isDefault = tokens.word(at) === 'DEFAULT';
      facts.effect = { kind: 'schema', schema: isDefault ? undefined : first };
      return;
    }
    case 'current':
      if (tokens.word(i + 1) === 'SCHEMA') setting(walk, i + 1);
      return;
    case 'application_name': {
      const program = value(tokens, facts, at);
      if (hasMark && program !== undefined) facts.effect = { kind: 'program', program };
      return;
    }
    case 'role': {
      const role = value(tokens, facts, at);
      facts.effect = { kind: 'effective-user', user: /^(none|default)$/i.test(role ?? '') ? undefined : role };
      return;
    }
    default:
  }
}

function resetStatement(walk: Walk, i: number): number {
  const { tokens, facts } = walk;
  const word = tokens.word(i + 1);
  const isAuthorization = word === 'SESSION' && tokens.word(i + 2) === 'AUTHORIZATION';
  if (word === 'ROLE' || isAuthorization) {
    facts.addOperation(isAuthorization ? 'RESET SESSION AUTHORIZATION' : 'RESET ROLE', true);
    facts.effect = { kind: 'effective-user', user: undefined };
  } else {
    facts.addOperation('RESET', true);
    if (tokens.slice(i + 1).toLowerCase() === 'search_path') facts.effect = { kind: 'schema', schema: undefined };
  }
  return endOf(walk, i + 1);
}

function useStatement(walk: Walk, i: number): number {
  const { tokens, facts } = walk;
  facts.addOperation('USE', true);
  const name = new Name();
  if (readName(tokens, i + 1, name)) facts.effect = { kind: 'database', database: name.text };
  return endOf(walk, Math.max(i + 1, name.next));
}

/** `PREPARE name [(types)] AS statement`, MySQL `PREPARE name FROM '…'`, `PREPARE TRANSACTION`. */
function prepareStatement(walk: Walk, i: number): number {
  const { tokens, facts } = walk;
  if (tokens.word(i + 1) === 'TRANSACTION') {
    facts.addOperation('PREPARE TRANSACTION', true);
    return endOf(walk, i + 2);
  }
  facts.addOperation('PREPARE', true);
  const name = new Name();
  if (!readName(tokens, i + 1, name)) return endOf(walk, i + 1);
  // The text is the statement's own, so no two share their result.
  facts.readsLiterals = true;
  let p = name.next;
  while (
    p < tokens.count &&
    tokens.word(p) !== 'AS' &&
    tokens.word(p) !== 'FROM' &&
    tokens.kindAt(p) !== KIND_SEMICOLON
  )
    p++;
  if (tokens.word(p) === 'AS' && p + 1 < tokens.count) {
    const text = tokens.text.slice(tokens.startOf(p + 1), tokens.endOf(tokens.count - 1));
    facts.effect = { kind: 'prepare', name: name.text, text };
    return innerStatement(walk, p + 1);
  }
  const text = tokens.isString(p + 1) ? namePart(tokens, p + 1) : undefined;
  if (tokens.word(p) === 'FROM') facts.addCode(concatenation(tokens, p + 1), false, false);
  facts.effect = { kind: 'prepare', name: name.text, text };
  return endOf(walk, p);
}

function deallocate(walk: Walk, i: number): number {
  const { tokens, facts } = walk;
  facts.addOperation('DEALLOCATE', true);
  const at = tokens.word(i + 1) === 'PREPARE' ? i + 2 : i + 1;
  const name = tokens.word(at) === 'ALL' ? undefined : value(tokens, facts, at);
  // A T-SQL cursor is no prepared statement.
  if (!walk.rules.batch) facts.effect = { kind: 'deallocate', name };
  return endOf(walk, at);
}

/** Tokens of an expression that makes text, from its first operand: empty when it begins with none. */
function concatenation(tokens: Tokens, from: number): readonly number[] {
  if (!mayBeText(tokens, from)) return [];
  const parts = [from];
  let i = from + 1;
  while (tokens.isOperator(i, 0x2b) || tokens.slice(i) === '||') {
    parts.push(i + 1);
    i += 2;
  }
  return parts;
}

/** A string, a variable, hexadecimal digits, a call that joins or converts. */
function mayBeText(tokens: Tokens, i: number): boolean {
  const kind = tokens.kindAt(i);
  return tokens.isString(i) || kind === KIND_PARAMETER || kind === KIND_WORD || kind === KIND_NUMBER;
}

function callStatement(walk: Walk, operation: string, i: number): number {
  const { tokens, facts } = walk;
  facts.addOperation(operation, true);
  const name = new Name();
  let at = i + 1;
  // T-SQL: EXEC @result = procedure.
  if (tokens.kindAt(at) === KIND_PARAMETER && isAssignment(tokens, at + 1)) at += 2;
  if (tokens.kindAt(at) === KIND_LEFT) {
    facts.addCode(concatenation(tokens, at + 1), true, false);
    return endOf(walk, at);
  }
  if (!readName(tokens, at, name)) return endOf(walk, at);
  facts.procedure ??= name.text;
  if (name.last.toLowerCase() === 'sp_executesql') {
    const first = isAssignment(tokens, name.next + 1) ? name.next + 2 : name.next;
    facts.addCode(concatenation(tokens, first), true, false);
  }
  return endOf(walk, name.next);
}

/** T-SQL and DB2 run procedures with EXECUTE; elsewhere it runs a prepared statement. */
function executeStatement(walk: Walk, i: number): number {
  const { tokens, facts, rules } = walk;
  const next = tokens.word(i + 1);
  if (next === 'AS' && rules.batch) {
    facts.addOperation('EXECUTE AS', true);
    const at = isAssignment(tokens, i + 3) ? i + 4 : i + 3;
    const user = tokens.isString(at) ? value(tokens, facts, at) : undefined;
    if (user !== undefined) facts.effect = { kind: 'effective-user', user };
    return endOf(walk, i + 2);
  }
  if (next === 'IMMEDIATE') {
    facts.addOperation('EXECUTE IMMEDIATE', true);
    facts.addCode(concatenation(tokens, tokens.kindAt(i + 2) === KIND_LEFT ? i + 3 : i + 2), true, false);
    return endOf(walk, i + 2);
  }
  if (walk.isBlock && !rules.batch && tokens.isString(i + 1)) {
    facts.addOperation('EXECUTE IMMEDIATE', true);
    facts.addCode(concatenation(tokens, i + 1), true, false);
    return endOf(walk, i + 1);
  }
  if (rules.batch || rules.oneBlock || tokens.word(i) === 'EXEC') return callStatement(walk, 'EXECUTE', i);
  facts.addOperation('EXECUTE', true);
  const name = new Name();
  if (!readName(tokens, i + 1, name)) return endOf(walk, i + 1);
  facts.executes = name.text;
  return endOf(walk, name.next);
}
