/**
 * One lexer for all dialects. It fills `Tokens` one statement at a time and stops behind the `;`
 * that ends it; every character is read once (operators and string prefixes look at most three ahead).
 *
 * Words carry their keyword id; a word behind a dot is always a name. Comments are no tokens; the code inside MySQL's
 * executed comments is. Text that no server would accept (an unterminated literal, a stray character) gives tokens
 * all the same: such a literal reaches to the end of the text.
 */
import type { Codes } from './codes.ts';
import {
  CLASS_AT,
  CLASS_BACKTICK,
  CLASS_BRACKET,
  CLASS_COLON,
  CLASS_DASH,
  CLASS_DIGIT,
  CLASS_DOLLAR,
  CLASS_DOT,
  CLASS_DOUBLE_QUOTE,
  CLASS_HASH,
  CLASS_OTHER,
  CLASS_PUNCTUATION,
  CLASS_QUESTION,
  CLASS_QUOTE,
  CLASS_SLASH,
  CLASS_SPACE,
  CLASS_WORD,
  type DialectRules,
} from './dialects.ts';
import { keywordId, wordHash } from './keywords.ts';
import { Lists } from './lists.ts';
import {
  isDigit,
  isNumber,
  opensLineComment,
  scanComment,
  scanDollarBody,
  scanDollarTag,
  scanLine,
  scanNumber,
  scanOperator,
  scanPrefixed,
  scanQuoted,
  scanWord,
} from './scan.ts';
import { Spans } from './spans.ts';
import { Splitter } from './split.ts';
import { isLeading, mayLead } from './suspects.ts';
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
  KIND_SYSTEM_VARIABLE,
  KIND_WORD,
  Tokens,
} from './tokens.ts';

// Constants of other modules are looked up at each use, so what is done for every token has its own.
const SPACE = CLASS_SPACE;
const LETTER = CLASS_WORD;
const MARK = CLASS_PUNCTUATION;
const WORD = KIND_WORD;
const DOT = KIND_DOT;
const NUMBER = KIND_NUMBER;

/** By character of `CLASS_PUNCTUATION`: its kind. */
const MARK_KINDS: Uint8Array = new Uint8Array(256);
MARK_KINDS[0x28] = KIND_LEFT;
MARK_KINDS[0x29] = KIND_RIGHT;
MARK_KINDS[0x2c] = KIND_COMMA;
MARK_KINDS[0x3b] = KIND_SEMICOLON;

const SEMICOLON = 0x3b;
const POINT = 0x2e;
const CLOSING = 0x29;
const COMMA = 0x2c;
const QUOTE = 0x27;
const DOUBLE_QUOTE = 0x22;
const BACKTICK = 0x60;
const AMPERSAND = 0x26;
const STAR = 0x2a;
const SLASH = 0x2f;
const DASH = 0x2d;

/** Comments remembered per statement, for their tags; later ones replace the last. */
const COMMENTS_MAX = 16;

export class Lexer {
  readonly tokens: Tokens = new Tokens();
  readonly comments: Spans = new Spans();
  /** Literals of the statement, those without tokens among them. */
  readonly literals: Spans = new Spans();
  /** Hash of the statement without its literals; only a hint, equal statements give equal hashes. */
  shapeHash = 0;
  /** First character behind the last stored token when there were more than `TOKENS_MAX`, or -1. */
  cutAt = -1;
  /** Range of the last statement, its comments included, without separator and outer space. */
  start = 0;
  end = 0;

  private readonly splitter = new Splitter();
  private rules: DialectRules;
  private text = '';
  private readonly codes: Codes;
  /** Characters of the text, with zeros behind them (`Codes`). */
  private bytes: Uint8Array;
  private data: DataView;
  private pos = 0;
  private executed = false;
  /** Kind of the token added last. */
  private lastKind = KIND_NONE;
  private readonly lists: Lists | undefined;

  /** With `skipsLists`, no tokens are made of what is in lists and adds nothing but literals (`lists.ts`). */
  constructor(rules: DialectRules, skipsLists = false) {
    this.rules = rules;
    this.lists = skipsLists ? new Lists(this.tokens, this.literals) : undefined;
    this.codes = this.tokens.codes;
    this.bytes = this.codes.bytes;
    this.data = this.codes.data;
  }

  open(text: string, rules: DialectRules): void {
    this.text = text;
    this.tokens.text = text;
    this.codes.load(text);
    this.bytes = this.codes.bytes;
    this.data = this.codes.data;
    this.rules = rules;
    this.pos = 0;
    this.executed = false;
  }

  /** Drops the text, so that an idle analyzer holds no statement. */
  close(): void {
    this.text = '';
    this.tokens.text = '';
    this.codes.clear();
    this.bytes = this.codes.bytes;
    this.data = this.codes.data;
  }

  /** Position behind the last statement and its separator. */
  position(): number {
    return this.pos;
  }

  atEnd(): boolean {
    return this.pos >= this.text.length;
  }

  /** Reads the next statement (perhaps an empty one) and its separator. */
  next(): void {
    this.begin();
    const { bytes, tokens } = this;
    const { length } = this.codes;
    const { classes } = this.rules;
    let pos = this.pos;
    while (pos < length) {
      const c = bytes[pos] as number;
      const kind = classes[c] as number;
      if (kind === SPACE) {
        pos++;
        continue;
      }
      if (c === SEMICOLON && this.splitter.endsAt(tokens)) {
        pos++;
        break;
      }
      if (this.start < 0) this.start = pos;
      if (kind === LETTER) pos = this.word(pos);
      else if (kind === MARK) {
        const { lists, rules } = this;
        const behind = c === COMMA && lists !== undefined ? lists.behindItems(pos, rules) : pos;
        pos = behind > pos ? behind : this.take(MARK_KINDS[c] as number, pos, pos + 1);
        if (c === CLOSING && bytes[pos] === COMMA && lists !== undefined) pos = lists.behindRows(pos, rules);
      } else pos = this.other(pos, c, kind);
      this.end = pos;
    }
    this.pos = pos;
    if (this.start < 0) this.start = this.end = pos;
    if (this.cutAt >= 0) tokens.count = tokens.limit;
  }

  private begin(): void {
    this.tokens.reset();
    this.lastKind = KIND_NONE;
    this.literals.count = 0;
    this.comments.count = 0;
    this.shapeHash = 0;
    this.cutAt = -1;
    this.start = -1;
    this.end = -1;
    this.splitter.reset(this.rules);
  }

  private add(kind: number, fact: number, start: number, end: number): void {
    const { tokens } = this;
    if (tokens.count >= tokens.room) this.makeRoom(start);
    const i = tokens.count;
    tokens.count = i + 1;
    tokens.kind[i] = kind;
    tokens.fact[i] = fact;
    tokens.start[i] = start;
    tokens.end[i] = end;
    this.lastKind = kind;
    this.shapeHash = (Math.imul(this.shapeHash ^ (kind + (fact << 4)), 0x9e3779b1) + (this.shapeHash >>> 15)) | 0;
  }

  /** There is no room for the token at `start`: more is made, or those behind the limit are dropped. */
  private makeRoom(start: number): void {
    const { tokens } = this;
    const { limit } = tokens;
    if (tokens.count >= limit && this.cutAt < 0) this.cutAt = start;
    if (tokens.count >= tokens.kind.length && !tokens.grow()) {
      this.splitter.read(tokens);
      tokens.count = limit;
      this.splitter.rewind(limit);
    }
    tokens.room = this.cutAt < 0 ? Math.min(tokens.kind.length, limit) : tokens.kind.length;
  }

  private word(from: number): number {
    const { bytes, data } = this;
    const part = this.rules.wordPart;
    let p = from + 1;
    while (part[bytes[p] as number] !== 0) p++;
    if (p - from <= 2 && (bytes[p] === QUOTE || bytes[p] === AMPERSAND)) {
      const behind = scanPrefixed(this.text, this.codes, from, p, this.rules);
      const isString = bytes[p] === QUOTE || bytes[p + 1] === QUOTE;
      if (behind > from)
        return isString ? this.literal(KIND_STRING, from, behind) : this.named(KIND_QUOTED, from, behind);
    }
    const hash = wordHash(data, from, p);
    this.shapeHash = (this.shapeHash ^ hash) | 0;
    // A word behind a dot is always a name.
    const id = this.lastKind === DOT ? 0 : keywordId(data, from, p, hash);
    if (id === 0 ? mayLead(data, from, p) : isLeading(id)) this.tokens.suspect();
    this.add(WORD, id, from, p);
    return p;
  }

  /** A name that is no plain word, or a parameter. */
  private named(kind: number, start: number, end: number): number {
    if (mayLead(this.data, start, end)) this.tokens.suspect();
    return this.take(kind, start, end);
  }

  private other(from: number, c: number, kind: number): number {
    switch (kind) {
      case CLASS_DIGIT:
        return this.number(from);
      case CLASS_QUOTE:
        return this.literal(KIND_STRING, from, scanQuoted(this.codes, from + 1, QUOTE, this.rules.backslash));
      case CLASS_DOT:
        return this.dot(from);
      case CLASS_DOUBLE_QUOTE:
        return this.rules.doubleQuoteString
          ? this.literal(KIND_DOUBLE_STRING, from, scanQuoted(this.codes, from + 1, DOUBLE_QUOTE, this.rules.backslash))
          : this.named(KIND_QUOTED, from, scanQuoted(this.codes, from + 1, DOUBLE_QUOTE, false));
      case CLASS_BACKTICK:
        return this.named(KIND_QUOTED, from, scanQuoted(this.codes, from + 1, BACKTICK, false));
      case CLASS_BRACKET:
        return this.named(KIND_QUOTED, from, scanQuoted(this.codes, from + 1, 0x5d, false));
      case CLASS_OTHER:
        return from + 1;
      default:
        return this.marked(from, c, kind);
    }
  }

  /** Characters whose meaning the next one decides. */
  private marked(from: number, c: number, kind: number): number {
    const { text, codes, rules } = this;
    const next = this.bytes[from + 1] as number;
    switch (kind) {
      case CLASS_DASH:
        if (next === DASH && opensLineComment(text, from, rules)) return this.comment(from, scanLine(codes, from));
        break;
      case CLASS_SLASH:
        if (next === STAR) return this.blockComment(from);
        break;
      case CLASS_HASH:
        return this.comment(from, scanLine(codes, from));
      case CLASS_DOLLAR:
        return this.dollar(from, next);
      case CLASS_QUESTION:
        return this.named(KIND_PARAMETER, from, from + 1);
      case CLASS_COLON:
        if (rules.wordPart[next] !== 0) return this.named(KIND_PARAMETER, from, scanWord(codes, from + 1, rules));
        if (next === DOUBLE_QUOTE)
          return this.named(KIND_PARAMETER, from, scanQuoted(codes, from + 2, DOUBLE_QUOTE, false));
        break;
      case CLASS_AT:
        return this.at(from, next);
      default:
        if (c === STAR && next === SLASH && this.executed) {
          this.executed = false;
          return from + 2;
        }
    }
    const end = scanOperator(text, codes, from, rules);
    return this.take(KIND_OPERATOR, from, end, end - from === 1 ? c : 0);
  }

  private take(kind: number, start: number, end: number, fact = 0): number {
    this.add(kind, fact, start, end);
    return end;
  }

  private literal(kind: number, start: number, end: number): number {
    this.add(kind, 0, start, end);
    if (this.cutAt < 0) this.literals.add(start, end);
    return end;
  }

  /** A decimal point before a digit, unless it stands in a range (`1..2`) or, in MySQL, behind a name (`db.1t`). */
  private dot(from: number): number {
    if (!isDigit(this.bytes[from + 1] as number)) return this.take(DOT, from, from + 1);
    const last = this.tokens.count - 1;
    const kind = this.tokens.kindAt(last);
    const isBehindDot = kind === KIND_DOT && this.tokens.end[last] === from;
    const isBehindName =
      this.rules.digitWords && (kind === KIND_WORD || kind === KIND_QUOTED) && this.tokens.end[last] === from;
    return isBehindDot || isBehindName ? this.take(DOT, from, from + 1) : this.number(from);
  }

  private number(from: number): number {
    const { bytes, rules } = this;
    if (!rules.digitWords) {
      let p = from;
      while (isDigit(bytes[p] as number)) p++;
      const next = bytes[p] as number;
      // Nothing but digits, as most numbers are.
      if (next !== POINT && rules.wordPart[next] === 0) return this.literal(NUMBER, from, p);
    } else {
      const last = this.tokens.count - 1;
      // MySQL: a word may begin with digits, and behind a dot it is one.
      const wordEnd = scanWord(this.codes, from, this.rules);
      const afterDot = this.tokens.kindAt(last) === KIND_DOT && this.tokens.end[last] === from;
      if (wordEnd > from && (afterDot || !isNumber(this.codes, from, wordEnd)))
        return this.named(KIND_WORD, from, wordEnd);
    }
    return this.literal(NUMBER, from, scanNumber(this.codes, from));
  }

  private dollar(from: number, next: number): number {
    const { text, codes, bytes, rules } = this;
    if (rules.dollarParameters && isDigit(next)) {
      let p = from + 1;
      while (isDigit(bytes[p] as number)) p++;
      return this.named(KIND_PARAMETER, from, p);
    }
    if (rules.dollarQuotes) {
      const tagEnd = scanDollarTag(codes, from, rules);
      if (tagEnd > from) return this.literal(KIND_STRING, from, scanDollarBody(text, from, tagEnd));
    } else if (isDigit(next)) return this.literal(KIND_NUMBER, from, scanNumber(codes, from + 1));
    else if (rules.wordPart[next] !== 0) return this.named(KIND_WORD, from, scanWord(codes, from + 1, rules));
    return this.take(KIND_OPERATOR, from, from + 1, 0x24);
  }

  /** `@name`, `@'name'`, `@@name`, `@@global.name`. */
  private at(from: number, next: number): number {
    const { codes, rules } = this;
    if (next === 0x40) return this.take(KIND_SYSTEM_VARIABLE, from, scanWord(codes, from + 2, rules));
    if (rules.wordPart[next] !== 0) return this.named(KIND_PARAMETER, from, scanWord(codes, from + 1, rules));
    return this.take(KIND_OPERATOR, from, from + 1, 0x40);
  }

  private blockComment(from: number): number {
    const { codes, bytes } = this;
    if (this.rules.executedComments) {
      const mark = bytes[from + 2];
      const open = mark === 0x21 ? from + 3 : mark === 0x4d && bytes[from + 3] === 0x21 ? from + 4 : 0;
      if (open > 0) {
        this.executed = true;
        let p = open;
        while (p < open + 6 && isDigit(bytes[p] as number)) p++;
        return p;
      }
    }
    return this.comment(from, scanComment(codes, from + 2, this.rules.nestedComments));
  }

  private comment(start: number, end: number): number {
    if (this.comments.count === COMMENTS_MAX) this.comments.count--;
    this.comments.add(start, end);
    return end;
  }
}
