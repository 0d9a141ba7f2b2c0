/**
 * Lists as long as the data: the rows of an INSERT, and what stands behind IN. When such a list begins with a plain value,
 * or a row of these, then others like it add nothing to the statement but their literals. No tokens are made of them, so
 * that statements are of one shape whatever the length of their lists. What is not as plain as that is left to the lexer.
 */
import type { Codes } from './codes.ts';
import { CLASS_QUESTION, type DialectRules } from './dialects.ts';
import { flagsOf, keywordId, wordHash } from './keywords.ts';
import { isDigit, scanNumber, scanQuoted, scanWord } from './scan.ts';
import type { Spans } from './spans.ts';
import { leadsToSecret } from './suspects.ts';
import {
  KIND_COMMA,
  KIND_LEFT,
  KIND_NUMBER,
  KIND_OPERATOR,
  KIND_PARAMETER,
  KIND_STRING,
  KIND_WORD,
  type Tokens,
} from './tokens.ts';

const SPACE = 0x20;
const DOLLAR = 0x24;
const QUOTE = 0x27;
const LEFT = 0x28;
const RIGHT = 0x29;
const COMMA = 0x2c;
const MINUS = 0x2d;
const QUESTION = 0x3f;

/** Names looked at for each list; with more of them that may lead to a secret, tokens are made. */
const SUSPECTS_MAX = 16;

const INSERTS: Uint8Array = flagsOf('INSERT REPLACE');
const QUERIES: Uint8Array = flagsOf('SELECT INSERT REPLACE UPDATE DELETE WITH');
const VALUES: Uint8Array = flagsOf('VALUES VALUE');
const IN: Uint8Array = flagsOf('IN');
/** Words that stand for a value, as literals do. */
const VALUE_WORDS: Uint8Array = flagsOf('NULL TRUE FALSE');

/** Whether the last token closes the first row of an INSERT, and that holds nothing but values. */
function endsFirstRow(tokens: Tokens): boolean {
  const last = tokens.count - 2;
  let i = last;
  while (isValue(tokens, i) || tokens.kindAt(i) === KIND_COMMA) i--;
  return i < last && tokens.kindAt(i) === KIND_LEFT && hasFlag(tokens, i - 1, VALUES) && isHarmless(tokens, INSERTS);
}

/** Whether the last token is the first value behind IN. */
function endsFirstItem(tokens: Tokens): boolean {
  const last = tokens.count - 1;
  return (
    tokens.kindAt(last - 1) === KIND_LEFT &&
    hasFlag(tokens, last - 2, IN) &&
    isValue(tokens, last) &&
    isHarmless(tokens, QUERIES)
  );
}

/** The statement begins with one of the words, and no name so far makes secrets of the literals behind it. */
function isHarmless(tokens: Tokens, firstWords: Uint8Array): boolean {
  if (!hasFlag(tokens, 0, firstWords) || tokens.suspectCount > SUSPECTS_MAX) return false;
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
    case KIND_PARAMETER:
      return true;
    case KIND_OPERATOR:
      return tokens.isOperator(i, MINUS);
    default:
      return hasFlag(tokens, i, VALUE_WORDS);
  }
}

/** Reads lists of one text after another. */
export class Lists {
  private readonly tokens: Tokens;
  private readonly codes: Codes;
  private readonly literals: Spans;
  /** Of what was read last: how many tokens the lexer would have made of it. */
  private tokenCount = 0;

  /** Literals are added to `literals`. */
  constructor(tokens: Tokens, literals: Spans) {
    this.tokens = tokens;
    this.codes = tokens.codes;
    this.literals = literals;
  }

  /** Behind the rows at `from` of which no tokens need to be made. */
  behindRows(from: number, rules: DialectRules): number {
    let pos = from;
    for (let isMore = endsFirstRow(this.tokens); isMore; ) {
      const end = this.row(pos, rules);
      isMore = end > pos;
      if (isMore) pos = end;
    }
    return pos;
  }

  /** The bracket that closes the list whose first comma is at `from`, if no tokens need to be made of its values. */
  behindItems(from: number, rules: DialectRules): number {
    if (!endsFirstItem(this.tokens)) return from;
    this.tokenCount = 0;
    const close = this.values(from + 1, rules);
    return close < 0 ? from : close;
  }

  /** Behind the row whose comma is at `from`, or -1. */
  private row(from: number, rules: DialectRules): number {
    const { bytes } = this.codes;
    const open = bytes[from] === COMMA ? this.behindSpace(from + 1) : from;
    this.tokenCount = 2;
    if (bytes[open] !== LEFT) return -1;
    const close = this.values(open + 1, rules);
    return close < 0 ? -1 : close + 1;
  }

  /** The closing bracket behind the values at `from`; -1, with no literal added, when tokens have to be made. */
  private values(from: number, rules: DialectRules): number {
    const { literals } = this;
    const { bytes } = this.codes;
    const { count } = literals;
    for (let p = from; ; p++) {
      const end = this.value(this.behindSpace(p), rules);
      if (end < 0) break;
      p = this.behindSpace(end);
      this.tokenCount += 2;
      if (bytes[p] === RIGHT && this.tokens.skip(this.tokenCount)) return p;
      if (bytes[p] !== COMMA) break;
    }
    literals.count = count;
    return -1;
  }

  /** Behind the value at `from`, or -1. */
  private value(from: number, rules: DialectRules): number {
    const { codes } = this;
    const { bytes } = codes;
    const c = bytes[from] as number;
    const next = bytes[from + 1] as number;
    if (c === QUOTE) return this.literal(from, scanQuoted(codes, from + 1, QUOTE, rules.backslash));
    if (isDigit(c)) return this.literal(from, scanNumber(codes, from));
    if (c === MINUS && isDigit(next)) {
      this.tokenCount++;
      return this.literal(from + 1, scanNumber(codes, from + 1));
    }
    if (c === QUESTION) return rules.classes[c] === CLASS_QUESTION ? from + 1 : -1;
    if (c === DOLLAR && isDigit(next) && rules.dollarParameters) return this.behindDigits(from + 2);
    const end = scanWord(codes, from, rules);
    const id = end > from ? keywordId(codes.data, from, end, wordHash(codes.data, from, end)) : 0;
    return VALUE_WORDS[id] === 1 ? end : -1;
  }

  private literal(start: number, end: number): number {
    this.literals.add(start, end);
    return end;
  }

  private behindDigits(from: number): number {
    const { bytes } = this.codes;
    let p = from;
    while (isDigit(bytes[p] as number)) p++;
    return p;
  }

  private behindSpace(from: number): number {
    const { bytes, length } = this.codes;
    let p = from;
    while (p < length && (bytes[p] as number) <= SPACE) p++;
    return p;
  }
}
