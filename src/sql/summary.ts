/**
 * The normalised text of a statement; its fingerprint is a hash of it (`summary-text.ts`).
 *
 * Literals, numbers and parameters become `?`; a sign before a number goes with it, adjacent strings are one. Flat lists
 * behind IN and rows behind VALUES become `(?)`, repeated rows are written once. Comments are gone, tokens stand apart by
 * at most one space whatever the text had, reserved words are upper case, names are as written.
 */
import { flagsOf, KEYWORDS, RESERVED_END } from './keywords.ts';
import { SummaryText } from './summary-text.ts';
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

const OPEN_ROUND = 0x28;
const CLOSE_ROUND = 0x29;
const QUESTION = 0x3f;
const PLUS = 0x2b;
const MINUS = 0x2d;
const OPEN_SQUARE = 0x5b;
const CLOSE_SQUARE = 0x5d;
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
  private readonly out = new SummaryText();
  private readonly rows = new Rows();
  /** `SPACED`, `TIGHT` or `NAME`. */
  private spacing = TIGHT;
  /** Kind of the token written last, and its index. */
  private lastKind = KIND_NONE;
  private last = -1;
  private secrets: readonly number[] = NO_SECRETS;
  private secretsSeen = 0;

  /**
   * Summary of all tokens; `isCut` when the statement had more. Tokens listed in `secrets` (rising indices) become `?`
   * whatever they are: Oracle writes passwords as words.
   */
  summarize(tokens: Tokens, isCut: boolean, secrets: readonly number[]): string {
    const { out } = this;
    out.reset(tokens.codes.isAscii);
    this.secrets = secrets;
    this.secretsSeen = 0;
    this.spacing = TIGHT;
    this.lastKind = KIND_NONE;
    this.last = -1;
    const isQuery = isQueryStatement(tokens);
    this.rows.reset();
    for (let i = 0; i < tokens.count && !out.isFull; ) i = this.step(tokens, i, isQuery);
    return out.end(isCut || out.isFull);
  }

  /** Hash of the last summary as 16 hex digits. */
  fingerprint(): string {
    return this.out.fingerprint();
  }

  /** Writes the token at `i`, or what stands for it and those behind it: the token to go on from. */
  private step(tokens: Tokens, i: number, isQuery: boolean): number {
    const kind = this.secrets.length > 0 && this.isSecret(i) ? KIND_STRING : (tokens.kind[i] as number);
    switch (FORMS[kind]) {
      case FORM_VALUE:
        // Adjacent strings are one.
        if (!(isStringKind(kind) && isStringKind(this.lastKind))) {
          this.out.put(QUESTION, this.gap());
          this.spacing = SPACED;
        }
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
        this.out.put(MARKS[kind] as number, 0);
        this.spacing = kind === KIND_DOT ? TIGHT : SPACED;
        break;
      default:
        this.out.copy(tokens, i, this.gap());
        this.spacing = kind === KIND_QUOTED ? NAME : SPACED;
    }
    this.lastKind = kind;
    this.last = i;
    return i + 1;
  }

  private word(tokens: Tokens, i: number, isQuery: boolean): void {
    const { rows, out } = this;
    const id = tokens.fact[i] as number;
    const isReserved = id > 0 && id < RESERVED;
    rows.word(id);
    const gap = this.gap();
    // Soft keywords are rarely names outside queries.
    if (isReserved || (id > 0 && !isQuery && rows.depth === 0 && tokens.kindAt(i + 1) !== KIND_DOT))
      out.keyword(id, tokens.endOf(i) - tokens.startOf(i), gap);
    else out.copy(tokens, i, gap);
    this.spacing = isReserved ? SPACED : NAME;
  }

  private operator(tokens: Tokens, i: number): void {
    const code = tokens.fact[i] as number;
    const isTight = code === OPEN_SQUARE || code === CLOSE_SQUARE || code === AT || tokens.isCast(i);
    this.out.copy(tokens, i, isTight ? 0 : this.gap());
    this.spacing = isTight && code !== CLOSE_SQUARE ? TIGHT : SPACED;
  }

  /** An opening bracket; with all that is in it when that is a list of values. */
  private left(tokens: Tokens, i: number): number {
    const { rows, out } = this;
    const opensList = rows.opens(tokens, i, out.length);
    const close = opensList ? flatListEnd(tokens, i) : -1;
    const gap = this.spacing === SPACED ? 1 : 0;
    if (opensList) rows.begin(out.length + gap);
    this.spacing = TIGHT;
    out.put(OPEN_ROUND, gap);
    this.lastKind = KIND_LEFT;
    this.last = i;
    if (close < 0) {
      rows.depth++;
      return i + 1;
    }
    out.put(QUESTION, 0);
    return this.closed(close);
  }

  private right(i: number): number {
    this.rows.depth--;
    return this.closed(i);
  }

  /** Writes the closing bracket at `i`. */
  private closed(i: number): number {
    this.out.put(CLOSE_ROUND, 0);
    this.spacing = SPACED;
    this.lastKind = KIND_RIGHT;
    this.last = i;
    this.rows.end(this.out);
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

  /** 1 for a space before a token that wants one, when the one before does. */
  private gap(): number {
    return this.spacing === TIGHT ? 0 : 1;
  }
}

const NO_SECRETS: readonly number[] = [];
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

  /** A bracket has closed: a row that is the same as the one before is taken back. */
  end(out: SummaryText): void {
    if (this.depth !== this.listDepth || this.rowStart < 0) return;
    const start = this.rowStart;
    this.rowStart = -1;
    if (!this.isValues) return;
    const { previousStart, previousEnd } = this;
    if (previousEnd >= 0 && out.isSame(previousStart, previousEnd, start, out.length)) {
      out.length = previousEnd;
      return;
    }
    this.previousStart = start;
    this.previousEnd = out.length;
  }
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
