/**
 * The rows of a bulk INSERT behind its first: `, (1, 'a', NULL)`, again and again. When the first row holds nothing but
 * literals, a row like it adds nothing to the statement but its literals, so that no tokens are made of it. Whatever is
 * not as plain as that is left to the lexer.
 */
import type { Codes } from './codes.ts';
import type { DialectRules } from './dialects.ts';
import { flagsOf, keywordId, wordHash } from './keywords.ts';
import { isDigit, scanNumber, scanQuoted, scanWord } from './scan.ts';
import type { Spans } from './spans.ts';
import { leadsToSecret } from './suspects.ts';
import {
  KIND_COMMA,
  KIND_LEFT,
  KIND_NUMBER,
  KIND_OPERATOR,
  KIND_STRING,
  KIND_WORD,
  type Tokens,
} from './tokens.ts';

const SPACE = 0x20;
const QUOTE = 0x27;
const LEFT = 0x28;
const RIGHT = 0x29;
const COMMA = 0x2c;
const MINUS = 0x2d;

/** Names looked at for each list of rows; with more of them, tokens are made. */
const SUSPECTS_MAX = 16;

const INSERTS: Uint8Array = flagsOf('INSERT REPLACE');
const LISTS: Uint8Array = flagsOf('VALUES VALUE');
/** Words that stand for a value, as literals do. */
const VALUE_WORDS: Uint8Array = flagsOf('NULL TRUE FALSE');

/** Whether the last token closes the first row of an INSERT, of nothing but literals; none before it names a secret. */
export function endsFirstRow(tokens: Tokens): boolean {
  if (!hasFlag(tokens, 0, INSERTS)) return false;
  const last = tokens.count - 2;
  let i = last;
  while (isValue(tokens, i)) i--;
  if (i === last || tokens.kindAt(i) !== KIND_LEFT || !hasFlag(tokens, i - 1, LISTS)) return false;
  if (tokens.suspectCount > SUSPECTS_MAX) return false;
  for (let at = 0; at < tokens.suspectCount; at++) {
    if (leadsToSecret(tokens.slice(tokens.suspects[at] as number).toLowerCase())) return false;
  }
  return true;
}

function hasFlag(tokens: Tokens, i: number, flags: Uint8Array): boolean {
  return tokens.kindAt(i) === KIND_WORD && flags[tokens.fact[i] as number] === 1;
}

function isValue(tokens: Tokens, i: number): boolean {
  switch (tokens.kindAt(i)) {
    case KIND_STRING:
    case KIND_NUMBER:
    case KIND_COMMA:
      return true;
    case KIND_OPERATOR:
      return tokens.isOperator(i, MINUS);
    default:
      return hasFlag(tokens, i, VALUE_WORDS);
  }
}

/** Reads rows of one text after another. */
export class Rows {
  /** Of the row read last: how many tokens the lexer would have made of it. */
  tokenCount = 0;
  private readonly codes: Codes;
  private readonly literals: Spans;

  /** Literals are added to `literals`. */
  constructor(codes: Codes, literals: Spans) {
    this.codes = codes;
    this.literals = literals;
  }

  /** Behind the row whose comma is at `from`; -1, with no literal added, when it is not plain. */
  read(from: number, rules: DialectRules): number {
    const { codes, literals } = this;
    const { bytes } = codes;
    const { count } = literals;
    const open = bytes[from] === COMMA ? this.behindSpace(from + 1) : from;
    this.tokenCount = 2;
    let p = bytes[open] === LEFT ? open : -1;
    while (p >= 0) {
      const end = this.value(this.behindSpace(p + 1), rules);
      p = end < 0 ? -1 : this.behindSpace(end);
      this.tokenCount += 2;
      if (bytes[p] === RIGHT) return p + 1;
      if (bytes[p] !== COMMA) p = -1;
    }
    literals.count = count;
    return -1;
  }

  /** Behind the value at `from`, or -1. */
  private value(from: number, rules: DialectRules): number {
    const { codes } = this;
    const { bytes } = codes;
    const c = bytes[from] as number;
    if (c === QUOTE) return this.literal(from, scanQuoted(codes, from + 1, QUOTE, rules.backslash));
    if (isDigit(c)) return this.literal(from, scanNumber(codes, from));
    if (c === MINUS && isDigit(bytes[from + 1] as number)) {
      this.tokenCount++;
      return this.literal(from + 1, scanNumber(codes, from + 1));
    }
    const end = scanWord(codes, from, rules);
    const id = end > from ? keywordId(codes.data, from, end, wordHash(codes.data, from, end)) : 0;
    return VALUE_WORDS[id] === 1 ? end : -1;
  }

  private literal(start: number, end: number): number {
    this.literals.add(start, end);
    return end;
  }

  private behindSpace(from: number): number {
    const { bytes, length } = this.codes;
    let p = from;
    while (p < length && (bytes[p] as number) <= SPACE) p++;
    return p;
  }
}
