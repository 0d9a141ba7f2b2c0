/**
 * Plain literals of a text, found without a lexer: numbers of digits with at most one point inside, and strings in single
 * quotes without quotes, backslashes or control characters in them.
 *
 * `scan` knows less of SQL than the lexer, on purpose. It gives up at all that may change what follows: comments,
 * prefixes and escapes of strings, characters outside ASCII, a second statement.
 */
import type { TextSpan } from '../contracts/sql.ts';
import type { Codes } from './codes.ts';
import { CLASS_BACKTICK, CLASS_BRACKET, type DialectRules } from './dialects.ts';

const TEXT_LENGTH_MAX = 4096;
const LITERALS_MAX = 128;
const NAMES_MAX = 128;

const QUOTE = 0x27;
const DOT = 0x2e;
const DASH = 0x2d;
const SLASH = 0x2f;
const STAR = 0x2a;
const BACKSLASH = 0x5c;
const BACKTICK = 0x60;
const BRACKET = 0x5b;
const BRACKET_CLOSE = 0x5d;

// What a character means.
const PLAIN = 0;
const WORD = 1;
export const MEANING_DIGIT = 2;
export const MEANING_STRING = 3;
/** Opens a comment when its double, or a star, follows. */
const COMMENT = 4;
const NAME = 5;
const STOP = 6;

const MEANING: Uint8Array = meanings();
/** 1 for letters, digits and `_`. */
const PART: Uint8Array = MEANING.map((meaning) => (meaning === WORD || meaning === MEANING_DIGIT ? 1 : 0));

/** What the byte means where neither a word nor a quoted name goes on. */
export function meaningOf(byte: number): number {
  return MEANING[byte] as number;
}

/** A text's characters, and its literals. A single instance is used for one text after another. */
export class ScannedText {
  /** ASCII, ended by a zero byte. */
  bytes: Uint8Array;
  data: DataView;
  length = 0;
  /** Start and end of every literal: the first `words`. */
  readonly spans: Int32Array = new Int32Array(2 * LITERALS_MAX);
  words = 0;
  /** Start and end of every quoted name: the first `nameWords`. */
  private readonly names = new Int32Array(2 * NAMES_MAX);
  private nameWords = 0;
  private readonly codes: Codes;

  constructor(codes: Codes) {
    this.codes = codes;
    this.bytes = codes.bytes;
    this.data = codes.data;
  }

  /** Takes the text that was loaded into the codes. False when it is too long or not all ASCII. */
  load(): boolean {
    const { codes } = this;
    this.words = 0;
    this.bytes = codes.bytes;
    this.data = codes.data;
    this.length = codes.length;
    return codes.isAscii && codes.length <= TEXT_LENGTH_MAX;
  }

  /** False when there are too many. */
  addSpan(start: number, end: number): boolean {
    if (this.words === 2 * LITERALS_MAX) return false;
    this.spans[this.words++] = start;
    this.spans[this.words++] = end;
    return true;
  }

  literals(): readonly TextSpan[] {
    const count = this.words / 2;
    if (count === 0) return NO_SPANS;
    // Of its true size at once: a list that grows takes several times as much.
    const literals = new Array<TextSpan>(count);
    for (let i = 0; i < count; i++)
      literals[i] = { start: this.spans[2 * i] as number, end: this.spans[2 * i + 1] as number };
    return literals;
  }

  /** Whether what comes at `pos` goes on with a word or a quoted name. Asked of a text that was scanned. */
  isInside(pos: number): boolean {
    if (pos > 0 && PART[this.bytes[pos - 1] as number] === 1) return true;
    for (let i = 0; i < this.nameWords; i += 2)
      if (pos > (this.names[i] as number) && pos < (this.names[i + 1] as number)) return true;
    return false;
  }

  /** Finds the literals of the text. False when it is not as plain as that. */
  scan(rules: DialectRules): boolean {
    const { bytes, length } = this;
    this.words = 0;
    this.nameWords = 0;
    let p = 0;
    while (p < length) {
      const c = bytes[p] as number;
      const meaning = MEANING[c] as number;
      if (meaning === PLAIN) {
        p++;
      } else if (meaning === WORD) {
        p++;
        while (PART[bytes[p] as number] === 1) p++;
        // Letters before a quote may be a prefix of the string.
        if (bytes[p] === QUOTE) return false;
      } else {
        const isLiteral = meaning === MEANING_DIGIT || meaning === MEANING_STRING;
        const end = isLiteral ? literalEnd(bytes, p, meaning) : codeEnd(bytes, p, c, meaning, rules);
        if (end < 0) return false;
        if (isLiteral && !this.addSpan(p, end)) return false;
        if (meaning === NAME && !this.addName(p, end)) return false;
        p = end;
      }
    }
    return true;
  }

  private addName(start: number, end: number): boolean {
    if (this.nameWords === 2 * NAMES_MAX) return false;
    this.names[this.nameWords++] = start;
    this.names[this.nameWords++] = end;
    return true;
  }
}

// The functions below read a text that ends with a zero byte, which is part of nothing.

/** Behind the literal at `from`; -1 when it is not plain. */
export function literalEnd(bytes: Uint8Array, from: number, meaning: number): number {
  return meaning === MEANING_DIGIT ? numberEnd(bytes, from) : stringEnd(bytes, from);
}

/** -1 when it may be something else, or go on in a way that only the lexer knows. */
function numberEnd(bytes: Uint8Array, from: number): number {
  let p = from + 1;
  while (isDigit(bytes[p] as number)) p++;
  if (bytes[p] === DOT && isDigit(bytes[p + 1] as number)) {
    p += 2;
    while (isDigit(bytes[p] as number)) p++;
  }
  return PART[bytes[p] as number] === 1 ? -1 : p;
}

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}

function stringEnd(bytes: Uint8Array, from: number): number {
  for (let p = from + 1; ; p++) {
    const c = bytes[p] as number;
    if (c === QUOTE) return bytes[p + 1] === QUOTE ? -1 : p + 1;
    if (c < 0x20 || c > 0x7e || c === BACKSLASH) return -1;
  }
}

/** Behind the operator or quoted name at `from`; -1 when it is none. */
function codeEnd(bytes: Uint8Array, from: number, c: number, meaning: number, rules: DialectRules): number {
  const next = bytes[from + 1] as number;
  if (meaning === COMMENT) return next === c || (c === SLASH && next === STAR) ? -1 : from + 1;
  if (meaning !== NAME || rules.classes[c] !== (c === BACKTICK ? CLASS_BACKTICK : CLASS_BRACKET)) return -1;
  const close = c === BACKTICK ? BACKTICK : BRACKET_CLOSE;
  for (let p = from + 1; ; p++) {
    const inside = bytes[p] as number;
    if (inside === close) return p + 1;
    if (inside < 0x20 || inside > 0x7e) return -1;
  }
}

function meanings(): Uint8Array {
  const table = new Uint8Array(256).fill(STOP);
  for (const c of ' \t\n\r!%&()*+,.:<=>?@^|~]') table[c.charCodeAt(0)] = PLAIN;
  for (let c = 0x30; c <= 0x39; c++) table[c] = MEANING_DIGIT;
  for (let c = 0x41; c <= 0x5a; c++) table[c] = table[c + 32] = WORD;
  table[0x5f] = WORD;
  table[QUOTE] = MEANING_STRING;
  table[DASH] = COMMENT;
  table[SLASH] = COMMENT;
  table[BACKTICK] = NAME;
  table[BRACKET] = NAME;
  return table;
}

const NO_SPANS: readonly TextSpan[] = [];
