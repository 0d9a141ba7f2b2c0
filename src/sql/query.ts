/**
 * The walk over queries and data changes: SELECT, INSERT, REPLACE, UPDATE, DELETE, MERGE, VALUES and TABLE with all that
 * nests in them. One pass over the tokens with a stack of bracket levels; what a name means follows from the clause of
 * its level. It is not a parser: it accepts what no server would, and gives what the words say.
 */

import { isStep, keywordStep, STOP } from './clauses.ts';
import { Ctes } from './ctes.ts';
import { type DialectRules, rulesOf } from './dialects.ts';
import { type Facts, sameName } from './facts.ts';
import {
  CLAUSE_COLUMNS,
  CLAUSE_CTE,
  CLAUSE_EXPRESSION,
  CLAUSE_IGNORE,
  CLAUSE_INSERT,
  CLAUSE_ON,
  CLAUSE_SET,
  CLAUSE_START,
  CLAUSE_TABLE,
  CLAUSE_TABLED,
  Level,
  MODE_DELETE,
  MODE_READ,
  MODE_UPDATE,
  MODE_WRITE,
} from './levels.ts';
import { isAssignment, Name, readName, valuesEnd } from './names.ts';
import {
  KIND_COMMA,
  KIND_DOUBLE_STRING,
  KIND_LEFT,
  KIND_NONE,
  KIND_OPERATOR,
  KIND_QUOTED,
  KIND_RIGHT,
  KIND_SEMICOLON,
  KIND_WORD,
  type Tokens,
} from './tokens.ts';
import {
  isFrameWord,
  isFunctionWord,
  isNoFunction,
  isOuterJoinMark,
  isQueryWord,
  isTableHint,
  isTablePrefix,
  mayBeAlias,
  startsAnother,
  TYPED_LITERALS,
} from './words.ts';

/** Levels kept for the next statement. */
const LEVELS_KEPT = 64;

// Constants of other modules are looked up at each use, so what is done for every token has its own.
const WORD = KIND_WORD;
const DOUBLE_STRING = KIND_DOUBLE_STRING;
const LEFT = KIND_LEFT;

/** Walks one query, or what else `begin` says, after another. */
export class Query {
  readonly tokens: Tokens;
  readonly facts: Facts;
  rules: DialectRules = rulesOf('generic');
  /** In a stored block: `SELECT … INTO` fills variables. */
  isBlock = false;
  level: Level = new Level();
  /** The statement's own verb has been recorded. */
  isRecorded = false;
  /** A condition or loop head: THEN, LOOP and DO end it. */
  isControl = false;

  /** Open brackets: `levels[depth]` is the level, those behind it are used again. */
  private readonly levels: Level[] = [this.level];
  private depth = 0;
  private readonly name = new Name();
  private readonly ctes = new Ctes();
  /** Position behind the last operand: a name there is an alias. */
  private operandEnd = -1;
  /** Position of the bracket that opens the arguments of a table function. */
  private argumentsAt = -1;
  private casesOpen = 0;

  constructor(tokens: Tokens, facts: Facts) {
    this.tokens = tokens;
    this.facts = facts;
  }

  /** Makes ready to walk what begins in that clause. */
  begin(rules: DialectRules, isBlock: boolean, clause: number): void {
    this.rules = rules;
    this.isBlock = isBlock;
    this.isRecorded = false;
    this.isControl = false;
    this.operandEnd = this.argumentsAt = -1;
    this.casesOpen = 0;
    this.depth = 0;
    this.level = this.levels[0] as Level;
    this.level.open(clause, true, true, 0);
    this.facts.open(this.level);
  }

  /** Walks from token `from`; returns the token at which another statement of the request begins, or the end. */
  run(from: number): number {
    const { tokens } = this;
    let i = from;
    while (i < tokens.count) {
      const at = i;
      const kind = tokens.kind[i] as number;
      if (kind === WORD) {
        i = this.wordAt(i);
        if (i === STOP) return this.finish(at);
        continue;
      }
      switch (kind) {
        case KIND_COMMA:
          this.comma();
          i++;
          break;
        case KIND_OPERATOR:
          i = this.operatorAt(i);
          break;
        case KIND_LEFT:
          i = this.open(i);
          break;
        case KIND_RIGHT:
          i = this.close(i);
          break;
        case KIND_SEMICOLON:
          return this.finish(i);
        case KIND_QUOTED:
        case KIND_DOUBLE_STRING:
          i = this.wordAt(i);
          if (i === STOP) return this.finish(at);
          break;
        default:
          i++;
          this.operandEnd = i;
      }
    }
    return this.finish(i);
  }

  private finish(i: number): number {
    for (; this.depth >= 0; this.depth--) this.end(this.levels[this.depth] as Level);
    if (this.levels.length > LEVELS_KEPT) this.levels.length = LEVELS_KEPT;
    return i;
  }

  /** A level ends, and what could be named in it only. */
  private end(level: Level): void {
    this.ctes.forget(level.ctes);
    level.cteName = '';
    this.facts.close(level, this.rules.targetAliases);
  }

  private open(i: number): number {
    const { level, tokens } = this;
    const before = tokens.word(i - 1);
    if (level.clause === CLAUSE_EXPRESSION) {
      // A row or list of nothing but values: it has no names to read.
      const end = valuesEnd(tokens, i);
      if (end > 0) {
        this.operandEnd = before === 'TOP' || before === 'ON' ? -1 : end;
        return end;
      }
    }
    const after = tokens.word(i + 1);
    const isQuery = isQueryWord(after) || (level.clause === CLAUSE_START && tokens.kindAt(i + 1) === KIND_LEFT);
    let clause = CLAUSE_EXPRESSION;
    let isOperand = true;
    if (isQuery) clause = CLAUSE_START;
    else if (i === this.argumentsAt) clause = CLAUSE_EXPRESSION;
    else if (before === 'WITH' || before === 'OPTION') clause = CLAUSE_IGNORE;
    else if (level.clause === CLAUSE_TABLE)
      clause = before === 'TOP' || before === 'TABLE' ? CLAUSE_EXPRESSION : CLAUSE_TABLE;
    else if (level.clause === CLAUSE_TABLED) clause = before === 'USING' ? CLAUSE_COLUMNS : CLAUSE_IGNORE;
    else if (level.clause === CLAUSE_INSERT) clause = CLAUSE_COLUMNS;
    else if (level.clause === CLAUSE_CTE || level.clause === CLAUSE_IGNORE) clause = CLAUSE_IGNORE;
    else if (before === 'TOP' || before === 'ON') isOperand = false;
    const isOuter = level.isOuter && level.clause === CLAUSE_START;
    const next = this.push();
    next.open(clause, isQuery || clause === CLAUSE_TABLE, isOuter, this.ctes.count);
    this.facts.open(next);
    next.isOperand = isOperand;
    next.hasColumns = next.isQuery || level.hasColumns;
    if (clause === CLAUSE_TABLE) {
      next.mode = level.mode;
      next.verb = level.verb;
    }
    if (level.clause === CLAUSE_TABLE && before !== 'TOP') level.clause = CLAUSE_TABLED;
    this.level = next;
    return i + 1;
  }

  /** The level inside the one that is open now. */
  private push(): Level {
    const depth = ++this.depth;
    if (depth === this.levels.length) this.levels.push(new Level());
    return this.levels[depth] as Level;
  }

  private close(i: number): number {
    if (this.depth > 0) {
      const closed = this.level;
      this.level = this.levels[--this.depth] as Level;
      this.end(closed);
      this.inherit(closed);
      this.operandEnd = closed.isOperand ? i + 1 : -1;
      if (this.level.clause === CLAUSE_TABLED) i = this.alias(i + 1, -1) - 1;
    }
    return i + 1;
  }

  /** What a closed bracket leaves to the level around it: a CTE's name, and the table that stands for the bracket. */
  private inherit(closed: Level): void {
    const level = this.level;
    if (level.clause === CLAUSE_CTE && closed.isQuery) this.ctes.add(level.cteName, closed.firstObject);
    else if (level.firstObject < 0) level.firstObject = closed.firstObject;
    // A derived table that is changed changes its first table.
    if (level.clause === CLAUSE_TABLED && level.mode !== MODE_READ && closed.isQuery && closed.verb === 'SELECT') {
      this.facts.markWritten(closed.firstObject);
    }
  }

  private comma(): void {
    const level = this.level;
    if (level.clause === CLAUSE_TABLED || level.clause === CLAUSE_ON) level.clause = CLAUSE_TABLE;
    this.operandEnd = -1;
  }

  private operatorAt(i: number): number {
    this.operandEnd = -1;
    const tokens = this.tokens;
    if (tokens.isCast(i) && readName(tokens, i + 1, this.name)) {
      this.operandEnd = this.name.next;
      return this.name.next;
    }
    return i + 1;
  }

  private wordAt(i: number): number {
    const { level, tokens } = this;
    const word = tokens.word(i);
    if (word !== '') {
      if (this.isControl && this.depth === 0 && this.endsControl(word)) return STOP;
      if (this.rules.batch && this.depth === 0 && startsAnother(level, tokens, word, i)) return STOP;
      const next = isStep(tokens.fact[i] as number) ? keywordStep(this, word, i) : 0;
      if (next !== 0) {
        this.operandEnd = word === 'END' || word === 'NULL' || word === 'TRUE' || word === 'FALSE' ? i + 1 : -1;
        return next;
      }
    }
    switch (level.clause) {
      case CLAUSE_TABLE:
        return this.table(i, word);
      case CLAUSE_CTE:
        return this.cte(i, word);
      case CLAUSE_IGNORE:
      case CLAUSE_START:
        return i + 1;
      case CLAUSE_TABLED:
      case CLAUSE_INSERT:
        return i + 1;
      default:
        return this.operand(i, word);
    }
  }

  /** THEN belongs to the condition while a CASE is open. */
  private endsControl(word: string): boolean {
    if (word === 'CASE') this.casesOpen++;
    else if (word === 'END') this.casesOpen--;
    return this.casesOpen === 0 && (word === 'THEN' || word === 'LOOP' || word === 'DO');
  }

  /** The name of a CTE, or a word between its parts. */
  private cte(i: number, word: string): number {
    if (word === 'RECURSIVE') {
      this.level.isRecursive = true;
      return i + 1;
    }
    const before = this.tokens.word(i - 1);
    const isFirst = before === 'WITH' || before === 'RECURSIVE' || this.tokens.kindAt(i - 1) === KIND_COMMA;
    if (!isFirst || !this.read(i)) return i + 1;
    this.level.cteName = this.name.text;
    if (this.level.isRecursive || this.rules.implicitRecursion) this.ctes.add(this.name.text, -1);
    return this.name.next;
  }

  /** Reads a name that is not a column's; one that may be a string makes the result this statement's own. */
  private read(i: number): boolean {
    if (!readName(this.tokens, i, this.name)) return false;
    if (this.name.hasString) this.facts.readsLiterals = true;
    return true;
  }

  /** A table, a table function, or a word before one. */
  private table(i: number, word: string): number {
    const { level, tokens, facts, name } = this;
    if (word !== '' && isTablePrefix(tokens, word, i + 1, level.mode === MODE_READ)) return i + 1;
    if (tokens.isReserved(i) || !this.read(i)) return i + 1;
    level.clause = level.mode === MODE_WRITE && level.verb !== 'MERGE' ? CLAUSE_INSERT : CLAUSE_TABLED;
    const next = name.next;
    const hasBracket = tokens.kindAt(next) === KIND_LEFT && level.mode !== MODE_WRITE;
    if (hasBracket && !(this.rules.batch && isTableHint(tokens, next + 1))) {
      facts.functions.add(name.text);
      this.argumentsAt = next;
      return next;
    }
    const { text } = name;
    const cte = name.parts === 1 ? this.ctes.find(text) : undefined;
    if (cte !== undefined) {
      if (level.mode !== MODE_READ) facts.markWritten(cte.object);
      return this.alias(next, -1);
    }
    const { lastPart } = name;
    const object = facts.addObject(text, level.mode === MODE_WRITE);
    if (level.firstObject < 0) level.firstObject = object;
    const end = this.alias(next, object);
    // What has an alias of its own is a table, and no alias of another.
    const isBare = end === next;
    if (level.mode === MODE_UPDATE || level.mode === MODE_DELETE) facts.addTarget(text, object, level, isBare);
    if (isBare) facts.addAlias(lastPart, object, level);
    return end;
  }

  /** Reads an alias at `i` for `object` (-1: nothing that has a name); returns the position behind it. */
  private alias(i: number, object: number): number {
    const { tokens, facts, level } = this;
    const hasAs = tokens.word(i) === 'AS';
    const at = hasAs ? i + 1 : i;
    const kind = tokens.kindAt(at);
    const isAlias =
      kind === KIND_QUOTED ||
      kind === KIND_DOUBLE_STRING ||
      (kind === KIND_WORD && mayBeAlias(tokens, at, hasAs, this.rules.batch));
    if (!isAlias || (hasAs && tokens.word(at) === 'OF')) return i;
    this.read(at);
    if (object >= 0) facts.addAlias(this.name.lastPart, object, level);
    return this.name.next;
  }

  /** A column, function, alias or unit in an expression. */
  private operand(i: number, word: string): number {
    const { tokens, facts, name, level } = this;
    const isString = tokens.kind[i] === DOUBLE_STRING;
    const id = word === '' ? 0 : (tokens.fact[i] as number);
    if (isString || (tokens.isReserved(i) && !(isFunctionWord(id) && tokens.kindAt(i + 1) === LEFT))) {
      this.operandEnd = isString ? i + 1 : -1;
      return i + 1;
    }
    if (!readName(tokens, i, name)) return i + 1;
    const { next } = name;
    const isAlias = this.operandEnd === i;
    this.operandEnd = next;
    const follows = tokens.kindAt(next);
    if (follows === LEFT && !isOuterJoinMark(tokens, next)) return this.call(next, id);
    if (isAlias || name.hasStar || isFrameWord(id)) return next;
    if (word === 'INTERVAL' && tokens.isLiteral(next)) return next;
    if (tokens.isString(next) && this.isTypedLiteral(i)) return next;
    if (level.hasColumns) facts.columns.addToken(tokens, name.lastPart);
    if (level.clause === CLAUSE_SET && name.qualifier !== '' && isAssignment(tokens, next)) {
      const before = i - 1;
      if (tokens.kindAt(before) === KIND_COMMA || tokens.word(before) === 'SET') facts.assign(name.qualifier, level);
    }
    return next;
  }

  /** The call of the function that was read, with its bracket at `at`; its name has that keyword id. */
  private call(at: number, id: number): number {
    this.operandEnd = -1;
    if (isNoFunction(id)) return at;
    const { text } = this.name;
    this.facts.functions.add(text);
    const isExtract = this.tokens.word(at + 2) === 'FROM' && sameName(text, 'extract');
    return isExtract ? this.open(at) + 1 : at;
  }

  /** `DATE '…'`, `_utf8'…'`, and in most dialects any type's name. */
  private isTypedLiteral(i: number): boolean {
    if (this.tokens.kindAt(i) === KIND_NONE) return false;
    if (!this.rules.backslash && !this.rules.batch) return true;
    const { text } = this.name;
    return text.startsWith('_') || TYPED_LITERALS.has(text.toUpperCase());
  }
}
