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
import { KEYWORDS, RESERVED_END } from './keywords.ts';
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
const QUESTION = 0x3f;
const PLUS = 0x2b;
const MINUS = 0x2d;
const OPEN_SQUARE = 0x5b;
const CLOSE_SQUARE = 0x5d;

export class Summarizer {
  private readonly units = new Uint16Array(SUMMARY_LENGTH_MAX);
  private readonly bytes = Buffer.alloc(SUMMARY_LENGTH_MAX);
  private length = 0;
  private isFull = false;
  private isWide = false;
  /** Kind of the token written last, and its index. */
  private lastKind = KIND_NONE;
  private last = -1;
  private secrets: readonly number[] = [];
  private secretsSeen = 0;
  private low = 0;
  private high = 0;

  /**
   * Summary of all tokens; `isCut` when the statement had more. Tokens listed in `secrets` (rising indices) become `?`
   * whatever they are: Oracle writes passwords as words.
   */
  summarize(tokens: Tokens, isCut: boolean, secrets: readonly number[]): string {
    this.secrets = secrets;
    this.secretsSeen = 0;
    this.length = 0;
    this.isFull = false;
    this.isWide = false;
    this.lastKind = KIND_NONE;
    this.last = -1;
    const isQuery = isQueryStatement(tokens);
    const rows = new Rows();
    for (let i = 0; i < tokens.count && !this.isFull; ) i = this.step(tokens, i, isQuery, rows);
    const text = this.text();
    const whole = isCut || this.isFull ? text + ELLIPSIS : text;
    this.hash(whole);
    return whole;
  }

  /** Hash of the last summary as 16 hex digits. */
  fingerprint(): string {
    return hex32(this.high) + hex32(this.low);
  }

  private step(tokens: Tokens, i: number, isQuery: boolean, rows: Rows): number {
    const kind = this.isSecret(i) ? KIND_STRING : tokens.kindAt(i);
    switch (kind) {
      case KIND_STRING:
      case KIND_DOUBLE_STRING:
      case KIND_NUMBER:
      case KIND_PARAMETER:
        if (!(isStringKind(kind) && isStringKind(this.lastKind))) this.value(tokens, i, kind);
        this.lastKind = kind;
        return i + 1;
      case KIND_OPERATOR:
        if (this.isSign(tokens, i)) return i + 1;
        break;
      case KIND_LEFT: {
        const opensList = rows.opens(tokens, i, this.length);
        const close = opensList ? flatListEnd(tokens, i) : -1;
        if (close > 0) {
          this.space(tokens, i, kind);
          rows.begin(this.length);
          this.raw('(?)');
          this.mark(close, KIND_RIGHT);
          this.length = rows.end(this.units, this.length);
          return close + 1;
        }
        this.space(tokens, i, kind);
        if (opensList) rows.begin(this.length);
        rows.depth++;
        this.copy(tokens, i, false);
        this.mark(i, kind);
        return i + 1;
      }
      case KIND_RIGHT:
        rows.depth--;
        this.copy(tokens, i, false);
        this.mark(i, kind);
        this.length = rows.end(this.units, this.length);
        return i + 1;
      case KIND_WORD:
        rows.word(tokens.word(i));
        break;
      default:
    }
    this.space(tokens, i, kind);
    const id = kind === KIND_WORD ? (tokens.fact[i] as number) : 0;
    this.copy(
      tokens,
      i,
      id > 0 && (id < RESERVED_END || (!isQuery && rows.depth === 0 && tokens.kindAt(i + 1) !== KIND_DOT)),
    );
    this.mark(i, kind);
    return i + 1;
  }

  private isSecret(i: number): boolean {
    while (this.secretsSeen < this.secrets.length && (this.secrets[this.secretsSeen] as number) < i) this.secretsSeen++;
    return this.secrets[this.secretsSeen] === i;
  }

  private value(tokens: Tokens, i: number, kind: number): void {
    this.space(tokens, i, kind);
    this.put(QUESTION);
    this.last = i;
  }

  private mark(i: number, kind: number): void {
    this.last = i;
    this.lastKind = kind;
  }

  /** A sign of a number, not an operator between operands. */
  private isSign(tokens: Tokens, i: number): boolean {
    if (!tokens.isOperator(i, MINUS) && !tokens.isOperator(i, PLUS)) return false;
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

  private space(tokens: Tokens, i: number, kind: number): void {
    if (needsSpace(tokens, this.last, this.lastKind, i, kind)) this.put(0x20);
  }

  private put(unit: number): void {
    if (this.length >= SUMMARY_LENGTH_MAX) this.isFull = true;
    else this.units[this.length++] = unit;
  }

  private raw(text: string): void {
    for (let i = 0; i < text.length; i++) this.put(text.charCodeAt(i));
  }

  private copy(tokens: Tokens, i: number, isUpper: boolean): void {
    const start = tokens.startOf(i);
    const end = tokens.endOf(i);
    if (this.length + end - start > SUMMARY_LENGTH_MAX) {
      this.isFull = true;
      return;
    }
    const { text } = tokens;
    const { units } = this;
    let n = this.length;
    if (isUpper) {
      const word = KEYWORDS[tokens.fact[i] as number] as string;
      for (let p = 0; p < word.length; p++) units[n++] = word.charCodeAt(p);
    } else {
      for (let p = start; p < end; p++) {
        const c = text.charCodeAt(p);
        if (c > 0xff) this.isWide = true;
        units[n++] = c;
      }
    }
    this.length = n;
  }

  private text(): string {
    if (this.isWide) return Buffer.from(this.units.buffer, 0, 2 * this.length).toString('utf16le');
    for (let i = 0; i < this.length; i++) this.bytes[i] = this.units[i] as number;
    return this.bytes.toString('latin1', 0, this.length);
  }

  private hash(text: string): void {
    let a = 0x243f6a88;
    let b = 0x85a308d3 | 0;
    for (let i = 0; i < text.length; i++) {
      let c = text.charCodeAt(i);
      if (c >= 0x41 && c <= 0x5a) c += 32;
      a = Math.imul(((a << 5) | (a >>> 27)) ^ c, 0x9e3779b1);
      b = Math.imul(((b << 5) | (b >>> 27)) ^ c, 0x85ebca77);
    }
    a ^= text.length;
    const low = finalMix(a ^ ((b << 15) | (b >>> 17)));
    this.low = low;
    this.high = finalMix(b ^ low);
  }
}

/** Follows one VALUES or IN list at a time: where its rows stand in the summary, to drop a row equal to the one before. */
class Rows {
  depth = 0;
  private listDepth = -1;
  private isValues = false;
  private rowStart = -1;
  private previousStart = -1;
  private previousEnd = -1;
  private isNext = false;

  word(word: string): void {
    if (word === 'VALUES' || word === 'VALUE' || word === 'IN') {
      this.isNext = true;
      this.isValues = word !== 'IN';
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
  end(units: Uint16Array, length: number): number {
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

function isSame(units: Uint16Array, aStart: number, aEnd: number, bStart: number, bEnd: number): boolean {
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

function needsSpace(tokens: Tokens, last: number, lastKind: number, i: number, kind: number): boolean {
  switch (lastKind) {
    case KIND_NONE:
    case KIND_LEFT:
    case KIND_DOT:
      return false;
    case KIND_OPERATOR:
      if (isTight(tokens, last) && !tokens.isOperator(last, CLOSE_SQUARE)) return false;
      break;
    default:
  }
  switch (kind) {
    case KIND_RIGHT:
    case KIND_COMMA:
    case KIND_SEMICOLON:
    case KIND_DOT:
      return false;
    case KIND_OPERATOR:
      return !isTight(tokens, i);
    case KIND_LEFT:
      return !(lastKind === KIND_QUOTED || (lastKind === KIND_WORD && !tokens.isReserved(last)));
    default:
      return true;
  }
}

/** Operators written without space: `::`, `[`, `]`, `@`. */
function isTight(tokens: Tokens, i: number): boolean {
  if (tokens.isOperator(i, OPEN_SQUARE) || tokens.isOperator(i, CLOSE_SQUARE) || tokens.isOperator(i, 0x40))
    return true;
  return tokens.fact[i] === 0 && tokens.slice(i) === '::';
}

function isStringKind(kind: number): boolean {
  return kind === KIND_STRING || kind === KIND_DOUBLE_STRING;
}

/** Soft keywords are upper case outside queries, where they are rarely names. */
function isQueryStatement(tokens: Tokens): boolean {
  if (tokens.kindAt(0) === KIND_LEFT) return true;
  const id = tokens.kindAt(0) === KIND_WORD ? (tokens.fact[0] as number) : 0;
  return id > 0 && id < RESERVED_END && !['CREATE', 'ALTER', 'DROP', 'GRANT', 'REVOKE', 'SET'].includes(tokens.word(0));
}

function finalMix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Two digits by byte. */
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function hex32(value: number): string {
  return (
    (HEX[value >>> 24] as string) +
    (HEX[(value >>> 16) & 255] as string) +
    (HEX[(value >>> 8) & 255] as string) +
    (HEX[value & 255] as string)
  );
}
