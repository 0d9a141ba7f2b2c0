/**
 * The normalised text of a statement and its fingerprint.
 *
 * Literals, numbers and parameters become `?`; a sign before a number goes with it, adjacent strings are one. Flat lists
 * behind IN and rows behind VALUES become `(?)`, repeated rows are written once. Comments are gone, tokens stand apart by
 * at most one space whatever the text had, reserved words are upper case, names are as written.
 *
 * The fingerprint is 64 bits: two 32-bit lanes over the UTF-16 units of the summary with ASCII letters folded, each
 * `lane = (rotl(lane, 5) ^ unit) * odd constant`, then the murmur3 finaliser with the lanes crossed; 16 hex digits.
 * It is part of the record's format: changing the summary or the hash changes stored fingerprints.
 */
import { decodeText } from '../base/text.ts';
import { flagsOf, KEYWORDS, RESERVED_END } from './keywords.ts';
import {
  KIND_COMMA,
  KIND_DOT,
  KIND_DOUBLE_STRING,
  KIND_LEFT,
  KIND_NONE,
  KIND_NUMBER,
  KIND_OPERATOR,
  KIND_PARAMETER,
  KIND_QUOTED,
  KIND_RIGHT,
  KIND_SEMICOLON,
  KIND_STRING,
  KIND_WORD,
  type Tokens,
} from './tokens.ts';

/** Longest summary, UTF-16 units; the rest is cut and marked with `…`. */
export const SUMMARY_LENGTH_MAX = 16_384;

const ELLIPSIS = '\u2026';
const ELLIPSIS_UNIT = 0x2026;
const OPEN_ROUND = 0x28;
const CLOSE_ROUND = 0x29;
const QUESTION = 0x3f;
const PLUS = 0x2b;
const MINUS = 0x2d;
const OPEN_SQUARE = 0x5b;
const CLOSE_SQUARE = 0x5d;
const SPACE = 0x20;
const AT = 0x40;

// Constants of other modules are looked up at each use, so the paths taken for every token have their own.
const RESERVED = RESERVED_END;

/** What is written for a token: itself, or something else by its form. */
const FORM_VALUE = 1;
const FORM_WORD = 2;
const FORM_OPERATOR = 3;
const FORM_LEFT = 4;
const FORM_MARK = 5;
/** By kind of token; 0 for those that are written as they are. */
const FORMS: Uint8Array = new Uint8Array(256);
for (const kind of [KIND_STRING, KIND_DOUBLE_STRING, KIND_NUMBER, KIND_PARAMETER]) FORMS[kind] = FORM_VALUE;
FORMS[KIND_WORD] = FORM_WORD;
FORMS[KIND_OPERATOR] = FORM_OPERATOR;
FORMS[KIND_LEFT] = FORM_LEFT;
for (const kind of [KIND_RIGHT, KIND_COMMA, KIND_SEMICOLON, KIND_DOT]) FORMS[kind] = FORM_MARK;

/** By kind of token: its only character. */
const MARKS: Uint8Array = new Uint8Array(256);
MARKS[KIND_COMMA] = 0x2c;
MARKS[KIND_SEMICOLON] = 0x3b;
MARKS[KIND_DOT] = 0x2e;

/** What the token written last wants behind it: a space, none, or one before anything but an opening bracket. */
const SPACED = 0;
const TIGHT = 1;
const NAME = 2;

export class Summarizer {
  /** The summary so far: as bytes where the text is ASCII, else as UTF-16 units. */
  private readonly narrow = Buffer.alloc(SUMMARY_LENGTH_MAX);
  private readonly wide = new Uint16Array(SUMMARY_LENGTH_MAX);
  private units: Uint8Array | Uint16Array = this.narrow;
  private readonly digits = new Uint8Array(16);
  private readonly rows = new Rows();
  private length = 0;
  private isFull = false;
  /** `SPACED`, `TIGHT` or `NAME`. */
  private spacing = TIGHT;
  /** Kind of the token written last, and its index. */
  private lastKind = KIND_NONE;
  private last = -1;
  private secrets: readonly number[] = NO_SECRETS;
  private secretsSeen = 0;
  private low = 0;
  private high = 0;

  /**
   * Summary of all tokens; `isCut` when the statement had more. Tokens listed in `secrets` (rising indices) become `?`
   * whatever they are: Oracle writes passwords as words.
   */
  summarize(tokens: Tokens, isCut: boolean, secrets: readonly number[]): string {
    this.units = tokens.codes.isAscii ? this.narrow : this.wide;
    this.secrets = secrets;
    this.secretsSeen = 0;
    this.length = 0;
    this.isFull = false;
    this.spacing = TIGHT;
    this.lastKind = KIND_NONE;
    this.last = -1;
    const isQuery = isQueryStatement(tokens);
    this.rows.reset();
    for (let i = 0; i < tokens.count && !this.isFull; ) i = this.step(tokens, i, isQuery);
    const hasMore = isCut || this.isFull;
    this.hash(hasMore);
    return hasMore ? this.text() + ELLIPSIS : this.text();
  }

  /** Hash of the last summary as 16 hex digits. */
  fingerprint(): string {
    const { digits } = this;
    for (let i = 0; i < 8; i++) {
      digits[i] = HEX_DIGITS[(this.high >>> (28 - 4 * i)) & 15] as number;
      digits[i + 8] = HEX_DIGITS[(this.low >>> (28 - 4 * i)) & 15] as number;
    }
    return decodeText(digits, 0, 16, 'latin1');
  }

  /** Writes the token at `i`, or what stands for it and those behind it: the token to go on from. */
  private step(tokens: Tokens, i: number, isQuery: boolean): number {
    const kind = this.secrets.length > 0 && this.isSecret(i) ? KIND_STRING : (tokens.kind[i] as number);
    switch (FORMS[kind]) {
      case FORM_VALUE:
        // Adjacent strings are one.
        if (!(isStringKind(kind) && isStringKind(this.lastKind))) this.mark(QUESTION, SPACED);
        break;
      case FORM_WORD:
        this.word(tokens, i, isQuery);
        break;
      case FORM_OPERATOR:
        if (this.isSign(tokens, i)) return i + 1;
        this.operator(tokens, i);
        break;
      case FORM_LEFT:
        return this.left(tokens, i);
      case FORM_MARK:
        if (kind === KIND_RIGHT) return this.right(i);
        // A mark stands close behind whatever there is.
        this.spacing = TIGHT;
        this.mark(MARKS[kind] as number, kind === KIND_DOT ? TIGHT : SPACED);
        break;
      default:
        this.copy(tokens, i, PLAIN);
        this.spacing = kind === KIND_QUOTED ? NAME : SPACED;
    }
    this.lastKind = kind;
    this.last = i;
    return i + 1;
  }

  private word(tokens: Tokens, i: number, isQuery: boolean): void {
    const { rows } = this;
    const id = tokens.fact[i] as number;
    const isReserved = id > 0 && id < RESERVED;
    rows.word(id);
    const isUpper =
      isReserved || (id > 0 && !isQuery && rows.depth === 0 && tokens.kindAt(i + 1) !== KIND_DOT);
    this.copy(tokens, i, isUpper ? UPPER : PLAIN);
    this.spacing = isReserved ? SPACED : NAME;
  }

  private operator(tokens: Tokens, i: number): void {
    const code = tokens.fact[i] as number;
    const isTight = code === OPEN_SQUARE || code === CLOSE_SQUARE || code === AT || tokens.isCast(i);
    if (isTight) this.spacing = TIGHT;
    this.copy(tokens, i, PLAIN);
    this.spacing = isTight && code !== CLOSE_SQUARE ? TIGHT : SPACED;
  }

  /** An opening bracket; with all that is in it when that is a list of values. */
  private left(tokens: Tokens, i: number): number {
    const { rows } = this;
    const opensList = rows.opens(tokens, i, this.length);
    const close = opensList ? flatListEnd(tokens, i) : -1;
    if (this.spacing === SPACED) this.put(SPACE);
    if (opensList) rows.begin(this.length);
    this.spacing = TIGHT;
    this.put(OPEN_ROUND);
    this.lastKind = KIND_LEFT;
    this.last = i;
    if (close < 0) {
      rows.depth++;
      return i + 1;
    }
    this.put(QUESTION);
    return this.closed(close);
  }

  private right(i: number): number {
    this.rows.depth--;
    return this.closed(i);
  }

  /** Writes the closing bracket at `i`. */
  private closed(i: number): number {
    this.put(CLOSE_ROUND);
    this.spacing = SPACED;
    this.lastKind = KIND_RIGHT;
    this.last = i;
    this.length = this.rows.end(this.units, this.length);
    return i + 1;
  }

  private isSecret(i: number): boolean {
    while (this.secretsSeen < this.secrets.length && (this.secrets[this.secretsSeen] as number) < i) this.secretsSeen++;
    return this.secrets[this.secretsSeen] === i;
  }

  /** A sign of a number, not an operator between operands. */
  private isSign(tokens: Tokens, i: number): boolean {
    const code = tokens.fact[i];
    if (code !== MINUS && code !== PLUS) return false;
    const next = tokens.kindAt(i + 1);
    if (next !== KIND_NUMBER && next !== KIND_PARAMETER) return false;
    switch (this.lastKind) {
      case KIND_OPERATOR:
        return !tokens.isOperator(this.last, CLOSE_SQUARE);
      case KIND_NONE:
      case KIND_LEFT:
      case KIND_COMMA:
        return true;
      case KIND_WORD:
        return tokens.isReserved(this.last) && tokens.word(this.last) !== 'END';
      default:
        return false;
    }
  }

  /** Writes `unit` as a token of its own. */
  private mark(unit: number, spacing: number): void {
    if (this.spacing !== TIGHT) this.put(SPACE);
    this.put(unit);
    this.spacing = spacing;
  }

  private put(unit: number): void {
    if (this.length >= SUMMARY_LENGTH_MAX) this.isFull = true;
    else this.units[this.length++] = unit;
  }

  /** Writes the token at `i`, its ASCII characters by `table`. */
  private copy(tokens: Tokens, i: number, table: Uint8Array): void {
    if (this.spacing !== TIGHT) this.put(SPACE);
    const start = tokens.start[i] as number;
    const end = tokens.end[i] as number;
    if (this.length + end - start > SUMMARY_LENGTH_MAX) {
      this.isFull = true;
      return;
    }
    const { units } = this;
    const { bytes } = tokens.codes;
    let n = this.length;
    if (tokens.codes.isAscii) for (let p = start; p < end; p++) units[n++] = table[bytes[p] as number] as number;
    else {
      const { text } = tokens;
      for (let p = start; p < end; p++) {
        const unit = text.charCodeAt(p);
        units[n++] = unit < 0x80 ? (table[unit] as number) : unit;
      }
    }
    this.length = n;
  }

  private text(): string {
    if (this.units === this.narrow) return decodeText(this.narrow, 0, this.length, 'latin1');
    return Buffer.from(this.wide.buffer, 0, 2 * this.length).toString('utf16le');
  }

  private hash(hasMore: boolean): void {
    const { units, length } = this;
    let a = 0x243f6a88;
    let b = 0x85a308d3 | 0;
    for (let i = 0; i < length; i++) {
      let c = units[i] as number;
      if (c >= 0x41 && c <= 0x5a) c += 32;
      a = Math.imul(((a << 5) | (a >>> 27)) ^ c, 0x9e3779b1);
      b = Math.imul(((b << 5) | (b >>> 27)) ^ c, 0x85ebca77);
    }
    if (hasMore) {
      a = Math.imul(((a << 5) | (a >>> 27)) ^ ELLIPSIS_UNIT, 0x9e3779b1);
      b = Math.imul(((b << 5) | (b >>> 27)) ^ ELLIPSIS_UNIT, 0x85ebca77);
    }
    a ^= hasMore ? length + 1 : length;
    const low = finalMix(a ^ ((b << 15) | (b >>> 17)));
    this.low = low;
    this.high = finalMix(b ^ low);
  }
}

const NO_SECRETS: readonly number[] = [];

/** By character: itself, and letters in upper case. */
const PLAIN: Uint8Array = Uint8Array.from({ length: 256 }, (_, c) => c);
const UPPER: Uint8Array = Uint8Array.from({ length: 256 }, (_, c) => (c >= 0x61 && c <= 0x7a ? c - 32 : c));

const ID_VALUES: number = KEYWORDS.indexOf('VALUES');
const ID_VALUE: number = KEYWORDS.indexOf('VALUE');
const ID_IN: number = KEYWORDS.indexOf('IN');

/** Follows one VALUES or IN list at a time: where its rows stand in the summary, to drop a row equal to the one before. */
class Rows {
  depth = 0;
  private listDepth = -1;
  private isValues = false;
  private rowStart = -1;
  private previousStart = -1;
  private previousEnd = -1;
  private isNext = false;

  reset(): void {
    this.depth = 0;
    this.listDepth = -1;
    this.isValues = false;
    this.isNext = false;
    this.rowStart = this.previousStart = this.previousEnd = -1;
  }

  /** A word, by its keyword id. */
  word(id: number): void {
    if (id === ID_VALUES || id === ID_VALUE || id === ID_IN) {
      this.isNext = true;
      this.isValues = id !== ID_IN;
      this.listDepth = this.depth;
      this.previousStart = this.previousEnd = -1;
    } else this.isNext = false;
  }

  /** Whether the bracket at `i` opens a list or row. */
  opens(tokens: Tokens, i: number, length: number): boolean {
    const isFirst = this.isNext && tokens.kindAt(i - 1) === KIND_WORD;
    this.isNext = false;
    if (isFirst) return true;
    const follows = this.isValues && this.depth === this.listDepth && this.previousEnd >= 0;
    return follows && tokens.kindAt(i - 1) === KIND_COMMA && this.previousEnd === length - 1;
  }

  begin(at: number): void {
    this.rowStart = at;
  }

  /** A bracket has closed: the length to go on from. */
  end(units: Uint8Array | Uint16Array, length: number): number {
    if (this.depth !== this.listDepth || this.rowStart < 0) return length;
    const start = this.rowStart;
    this.rowStart = -1;
    if (!this.isValues) return length;
    if (this.previousEnd >= 0 && isSame(units, this.previousStart, this.previousEnd, start, length))
      return this.previousEnd;
    this.previousStart = start;
    this.previousEnd = length;
    return length;
  }
}

function isSame(units: Uint8Array | Uint16Array, aStart: number, aEnd: number, bStart: number, bEnd: number): boolean {
  if (aEnd - aStart !== bEnd - bStart) return false;
  for (let i = 0; i < aEnd - aStart; i++) if (units[aStart + i] !== units[bStart + i]) return false;
  return true;
}

/** Position of the bracket that closes the list at `i` when it holds nothing but values, else -1. */
function flatListEnd(tokens: Tokens, i: number): number {
  for (let p = i + 1; p < tokens.count; p++) {
    switch (tokens.kindAt(p)) {
      case KIND_RIGHT:
        return p > i + 1 ? p : -1;
      case KIND_STRING:
      case KIND_DOUBLE_STRING:
      case KIND_NUMBER:
      case KIND_PARAMETER:
      case KIND_COMMA:
        break;
      case KIND_OPERATOR:
        if (!tokens.isOperator(p, MINUS) && !tokens.isOperator(p, PLUS)) return -1;
        break;
      case KIND_WORD: {
        const word = tokens.word(p);
        if (word !== 'NULL' && word !== 'DEFAULT' && word !== 'TRUE' && word !== 'FALSE') return -1;
        break;
      }
      default:
        return -1;
    }
  }
  return -1;
}

function isStringKind(kind: number): boolean {
  return kind === KIND_STRING || kind === KIND_DOUBLE_STRING;
}

/** Soft keywords are upper case outside queries, where they are rarely names. */
function isQueryStatement(tokens: Tokens): boolean {
  if (tokens.kindAt(0) === KIND_LEFT) return true;
  const id = tokens.kindAt(0) === KIND_WORD ? (tokens.fact[0] as number) : 0;
  return id > 0 && id < RESERVED_END && DEFINITIONS[id] === 0;
}

const DEFINITIONS: Uint8Array = flagsOf('CREATE ALTER DROP GRANT REVOKE SET');

function finalMix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** ASCII. */
const HEX_DIGITS: Uint8Array = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
