/**
 * The tokens of one statement in reused typed arrays: kind, range of the text, and a small fact by kind. A statement
 * keeps at most `TOKENS_MAX` of them; what stands behind is read for its end only and counts as one literal.
 */
import { Codes } from './codes.ts';
import { KEYWORDS, RESERVED_END } from './keywords.ts';

export const KIND_NONE = 0;
/** Unquoted word; the fact is its keyword id, or 0. */
export const KIND_WORD = 1;
/** Quoted name. */
export const KIND_QUOTED = 2;
/** String literal of any form, with its prefix. */
export const KIND_STRING = 3;
/** "…" where that is a string: a name when it stands where only a name can. */
export const KIND_DOUBLE_STRING = 4;
export const KIND_NUMBER = 5;
/** `?`, `$1`, `:name`, `@name`. */
export const KIND_PARAMETER = 6;
/** `@@name`. */
export const KIND_SYSTEM_VARIABLE = 7;
/** Operator; the fact is its character code when it is one character, or 0. */
export const KIND_OPERATOR = 8;
export const KIND_LEFT = 9;
export const KIND_RIGHT = 10;
export const KIND_COMMA = 11;
export const KIND_SEMICOLON = 12;
export const KIND_DOT = 13;

/** By kind: strings of any form, and with them numbers. */
const STRINGS: Uint8Array = new Uint8Array(256);
STRINGS[KIND_STRING] = STRINGS[KIND_DOUBLE_STRING] = 1;
const LITERALS: Uint8Array = Uint8Array.from(STRINGS);
LITERALS[KIND_NUMBER] = 1;

/** Tokens kept per statement. */
export const TOKENS_MAX = 65_536;
/** Tokens behind the limit are seen by the splitter in pieces of this many. */
export const TOKENS_SPARE = 1024;
const TOKENS_INITIAL = 1024;
const COLON = 0x3a;

// Exported and imported constants are looked up at each use, so what is asked for every token has its own.
const NONE = KIND_NONE;
const WORD = KIND_WORD;
const OPERATOR = KIND_OPERATOR;
const WORDS = KEYWORDS;
const RESERVED = RESERVED_END;

export class Tokens {
  text = '';
  /** Of `text`. */
  readonly codes: Codes = new Codes();
  count = 0;
  /** How many can be kept: `TOKENS_MAX`, but for those that lists would have had (`lists.ts`). */
  limit: number = TOKENS_MAX;
  /** How many can be added before there has to be more room, or `limit` is reached. */
  room: number = TOKENS_INITIAL;
  kind: Uint8Array = new Uint8Array(TOKENS_INITIAL);
  fact: Uint16Array = new Uint16Array(TOKENS_INITIAL);
  start: Int32Array = new Int32Array(TOKENS_INITIAL);
  end: Int32Array = new Int32Array(TOKENS_INITIAL);

  /** Tokens that may name a secret (`suspects.ts`), rising: the first `suspectCount`. */
  readonly suspects: number[] = [];
  suspectCount = 0;

  /** Forgets the last statement. */
  reset(): void {
    this.count = 0;
    this.suspectCount = 0;
    this.limit = TOKENS_MAX;
    this.room = Math.min(this.kind.length, TOKENS_MAX);
  }

  /** The token added next may name a secret. */
  suspect(): void {
    if (this.count < TOKENS_MAX) this.suspects[this.suspectCount++] = this.count;
  }

  /** Takes tokens for kept that are not made; false when there are no more to be kept. */
  skip(count: number): boolean {
    if (this.count + count > this.limit) return false;
    this.limit -= count;
    this.room = Math.min(this.room, this.limit);
    return true;
  }

  /** Room for at least one more token; false when the statement has all it may have. */
  grow(): boolean {
    const size = this.kind.length;
    if (size >= TOKENS_MAX + TOKENS_SPARE) return false;
    const larger = Math.min(size * 2, TOKENS_MAX + TOKENS_SPARE);
    this.kind = copied(new Uint8Array(larger), this.kind);
    this.fact = copied(new Uint16Array(larger), this.fact);
    this.start = copied(new Int32Array(larger), this.start);
    this.end = copied(new Int32Array(larger), this.end);
    return true;
  }

  kindAt(i: number): number {
    return i >= 0 && i < this.count ? (this.kind[i] as number) : NONE;
  }

  /** Upper-case keyword at `i`, `''` for anything else. */
  word(i: number): string {
    return this.kindAt(i) === WORD ? (WORDS[this.fact[i] as number] as string) : '';
  }

  isReserved(i: number): boolean {
    if (this.kindAt(i) !== WORD) return false;
    const id = this.fact[i] as number;
    return id > 0 && id < RESERVED;
  }

  /** A word that may be a name, or a quoted name. */
  isName(i: number): boolean {
    const kind = this.kindAt(i);
    return kind === KIND_QUOTED || (kind === KIND_WORD && !this.isReserved(i));
  }

  /** True when the operator at `i` is the one character `code`. */
  isOperator(i: number, code: number): boolean {
    return this.kindAt(i) === OPERATOR && this.fact[i] === code;
  }

  /** PostgreSQL's `::`. */
  isCast(i: number): boolean {
    if (this.kindAt(i) !== OPERATOR || this.fact[i] !== 0) return false;
    const start = this.start[i] as number;
    const { bytes } = this.codes;
    return (this.end[i] as number) - start === 2 && bytes[start] === COLON && bytes[start + 1] === COLON;
  }

  isLiteral(i: number): boolean {
    return LITERALS[this.kindAt(i)] === 1;
  }

  isString(i: number): boolean {
    return STRINGS[this.kindAt(i)] === 1;
  }

  slice(i: number): string {
    return i >= 0 && i < this.count ? this.text.slice(this.start[i] as number, this.end[i] as number) : '';
  }

  startOf(i: number): number {
    return this.start[i] as number;
  }

  endOf(i: number): number {
    return this.end[i] as number;
  }
}

function copied<T extends Uint8Array | Uint16Array | Int32Array>(into: T, from: T): T {
  into.set(from);
  return into;
}
