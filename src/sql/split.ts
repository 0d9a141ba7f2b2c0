/**
 * Decides whether a `;` ends a statement. Only compound bodies need a decision: stored units with `BEGIN … END`
 * (SQL/PSM, MySQL, MariaDB, DB2, PostgreSQL `BEGIN ATOMIC`), Oracle blocks, T-SQL blocks in a batch, and the bracketed
 * actions of PostgreSQL's `CREATE RULE`. The words of a statement are read once, and only when a `;` is met.
 *
 * `IF`, `LOOP`, `WHILE`, `REPEAT` and `FOR` need no counting: they close with `END` and their own word, and stand
 * inside a `BEGIN … END`. `CASE` counts, because a bare `END` may close it.
 */
import type { DialectRules } from './dialects.ts';
import { KIND_COMMA, KIND_LEFT, KIND_RIGHT, KIND_WORD, type Tokens } from './tokens.ts';

const MODE_UNKNOWN = 0;
/** Every `;` ends the statement. */
const MODE_PLAIN = 1;
/** A `;` inside `BEGIN … END` does not. */
const MODE_BLOCK = 2;
/** No `;` does. */
const MODE_WHOLE = 3;
/** A `;` inside brackets does not. */
const MODE_RULE = 4;

/** How far the words that tell a stored unit from other DDL may stand from the first. */
const HEAD_TOKENS_MAX = 24;

const STORED_UNITS: ReadonlySet<string> = new Set([
  'PROCEDURE',
  'PROC',
  'FUNCTION',
  'TRIGGER',
  'EVENT',
  'PACKAGE',
  'TYPE',
  'MODULE',
]);
/** The ones whose body is the rest of a T-SQL batch. */
const BATCH_UNITS: ReadonlySet<string> = new Set(['PROCEDURE', 'PROC', 'FUNCTION', 'TRIGGER']);

/** Words that make `BEGIN` a transaction, or another statement than a block. */
const NOT_A_BLOCK: ReadonlySet<string> = new Set([
  'TRAN',
  'TRANSACTION',
  'DISTRIBUTED',
  'DIALOG',
  'CONVERSATION',
  'WORK',
  'ISOLATION',
  'READ',
]);

/** Words that a name follows: a `BEGIN` behind them is one. */
const BEFORE_NAMES: ReadonlySet<string> = new Set([
  'PROCEDURE',
  'FUNCTION',
  'TRIGGER',
  'EVENT',
  'EXISTS',
  'ON',
  'FROM',
  'INTO',
  'UPDATE',
  'JOIN',
  'TABLE',
  'SELECT',
  'AS',
]);

/** Words that an `END` closes without having opened a counted level. */
const UNCOUNTED: ReadonlySet<string> = new Set(['IF', 'LOOP', 'WHILE', 'REPEAT', 'FOR', 'CONVERSATION']);

export class Splitter {
  private mode = MODE_UNKNOWN;
  private depth = 0;
  private brackets = 0;
  private read_ = 0;
  private rules: DialectRules | undefined = undefined;

  reset(rules: DialectRules): void {
    this.mode = MODE_UNKNOWN;
    this.depth = 0;
    this.brackets = 0;
    this.read_ = 0;
    this.rules = rules;
  }

  /** Whether a `;` behind the tokens so far ends the statement. */
  endsAt(tokens: Tokens): boolean {
    if (this.mode === MODE_PLAIN) return true;
    this.read(tokens);
    switch (this.mode) {
      case MODE_BLOCK:
        return this.depth === 0 && !(this.rules?.batch === true && this.brackets > 0);
      case MODE_RULE:
        return this.brackets === 0;
      case MODE_WHOLE:
        return false;
      default:
        return true;
    }
  }

  /** Takes in the tokens added since the last call. */
  read(tokens: Tokens): void {
    if (this.mode === MODE_UNKNOWN) this.mode = this.modeOf(tokens);
    if (this.mode === MODE_BLOCK || this.mode === MODE_RULE) {
      for (let i = this.read_; i < tokens.count; i++) this.step(tokens, i);
    }
    this.read_ = tokens.count;
  }

  /** The tokens from `count` on have been dropped. */
  rewind(count: number): void {
    this.read_ = count;
  }

  private step(tokens: Tokens, i: number): void {
    const kind = tokens.kindAt(i);
    if (kind === KIND_LEFT) this.brackets++;
    else if (kind === KIND_RIGHT) this.brackets = Math.max(0, this.brackets - 1);
    else if (kind === KIND_WORD && this.brackets === 0) {
      const word = tokens.word(i);
      if (word === 'BEGIN') {
        if (this.opensBlock(tokens, i)) this.depth++;
      } else if (word === 'CASE') {
        if (tokens.word(i - 1) !== 'END') this.depth++;
      } else if (word === 'END' && !UNCOUNTED.has(tokens.word(i + 1))) this.depth = Math.max(0, this.depth - 1);
    }
  }

  private opensBlock(tokens: Tokens, i: number): boolean {
    const next = tokens.word(i + 1);
    if (this.rules?.dialect === 'postgresql') return next === 'ATOMIC';
    return !NOT_A_BLOCK.has(next) && !BEFORE_NAMES.has(tokens.word(i - 1)) && tokens.kindAt(i - 1) !== KIND_COMMA;
  }

  private modeOf(tokens: Tokens): number {
    const rules = this.rules;
    if (rules === undefined) return MODE_PLAIN;
    const first = tokens.word(0);
    if (first === 'CREATE' || first === 'ALTER') return createMode(tokens, rules);
    if (rules.batch) return MODE_BLOCK;
    if (rules.oneBlock) {
      return first === 'BEGIN' || first === 'DECLARE' || tokens.slice(0) === '<<' ? MODE_WHOLE : MODE_PLAIN;
    }
    if (first !== 'BEGIN' || tokens.count === 1) return MODE_PLAIN;
    // MariaDB: BEGIN NOT ATOMIC opens a block where BEGIN alone opens a transaction.
    if (rules.beginIsTransaction) return tokens.word(1) === 'NOT' ? MODE_BLOCK : MODE_PLAIN;
    return NOT_A_BLOCK.has(tokens.word(1)) ? MODE_PLAIN : MODE_BLOCK;
  }
}

function createMode(tokens: Tokens, rules: DialectRules): number {
  const head = Math.min(tokens.count, HEAD_TOKENS_MAX);
  for (let i = 1; i < head; i++) {
    const word = tokens.word(i);
    if (rules.batch && BATCH_UNITS.has(word)) return MODE_WHOLE;
    if (STORED_UNITS.has(word)) return rules.oneBlock ? MODE_WHOLE : MODE_BLOCK;
    if (word === 'RULE') return MODE_RULE;
    if (word === 'TABLE' || word === 'VIEW' || word === 'INDEX' || word === 'USER') break;
  }
  return rules.batch ? MODE_BLOCK : MODE_PLAIN;
}
