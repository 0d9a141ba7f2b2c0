/** Names out of tokens: quotes removed, escapes undone, dotted parts joined. */
import {
  KIND_COMMA,
  KIND_DOT,
  KIND_DOUBLE_STRING,
  KIND_LEFT,
  KIND_NUMBER,
  KIND_OPERATOR,
  KIND_PARAMETER,
  KIND_QUOTED,
  KIND_RIGHT,
  KIND_STRING,
  KIND_WORD,
  type Tokens,
} from './tokens.ts';

/** Parts read as one name; servers take four, and a bound keeps reading linear. */
const PARTS_MAX = 8;

// Constants of other modules are looked up at each use, so what is asked for every token has its own.
const DOT = KIND_DOT;
const DOUBLE_STRING = KIND_DOUBLE_STRING;

/** By kind: whether such a token can be part of a name. */
const PARTS: Uint8Array = new Uint8Array(256);
PARTS[KIND_WORD] = PARTS[KIND_QUOTED] = PARTS[KIND_DOUBLE_STRING] = 1;

const AT = 0x40;
const STAR = 0x2a;

/** A dotted name: which tokens it takes, and what they say. Reused: read it before the next call. */
export class Name {
  /** Behind the last token. */
  next = 0;
  /** How many parts. */
  parts = 0;
  /** `.*` stands behind it. */
  hasStar = false;
  /** A part of it is a double-quoted string of a dialect that has them. */
  hasString = false;

  private tokens: Tokens | undefined = undefined;
  private first = 0;
  /** The token of the last part. */
  lastPart = 0;
  /** Part before the last, when one dot is between them; else -1. */
  private qualifierPart = -1;
  /** Behind the last token that is part of the text. */
  private end = 0;

  /** Takes the part at `i` for the first. */
  begin(tokens: Tokens, i: number): void {
    this.tokens = tokens;
    this.first = this.lastPart = i;
    this.end = i + 1;
    this.qualifierPart = -1;
    this.parts = 1;
    this.hasStar = false;
    this.hasString = tokens.kind[i] === DOUBLE_STRING;
  }

  /** Takes the part at `i`, behind one dot or more. */
  add(i: number, dots: number, isString: boolean): void {
    this.qualifierPart = dots === 1 ? this.lastPart : -1;
    this.lastPart = i;
    this.end = i + 1;
    this.parts++;
    if (isString) this.hasString = true;
  }

  /** The text goes on to `end`, behind what a database link names. */
  extend(end: number): void {
    this.end = end;
  }

  /** The last part. */
  get last(): string {
    return this.tokens === undefined ? '' : namePart(this.tokens, this.lastPart);
  }

  /** The part before the last, or `''`. */
  get qualifier(): string {
    return this.tokens === undefined || this.qualifierPart < 0 ? '' : namePart(this.tokens, this.qualifierPart);
  }

  /** Parts joined with dots, as written without quotes. */
  get text(): string {
    const { tokens, first, end } = this;
    if (tokens === undefined) return '';
    if (end - first === 1) return namePart(tokens, first);
    let text = '';
    for (let i = first; i < end; i++) {
      const isPart = tokens.kind[i] !== KIND_DOT && tokens.kind[i] !== KIND_OPERATOR;
      text += isPart ? namePart(tokens, i) : tokens.slice(i);
    }
    return text;
  }
}

/**
 * Reads the dotted name at `i` into `out`; false when there is none. Double-quoted strings count as names here.
 * T-SQL's empty parts (`db..t`) are kept; a final `.*` is taken but not part of the name. A name behind an Oracle
 * database link operator is kept with it (`emp@remote`).
 */
export function readName(tokens: Tokens, i: number, out: Name): boolean {
  if (!isPart(tokens.kindAt(i))) return false;
  out.begin(tokens, i);
  let p = i + 1;
  let next = tokens.kindAt(p);
  // Most names have one part or two, and neither a second dot nor a link behind them.
  for (; next === DOT && out.parts < PARTS_MAX; next = tokens.kindAt(p)) {
    let dots = 1;
    let kind = tokens.kindAt(p + 1);
    while (dots < PARTS_MAX && kind === DOT) kind = tokens.kindAt(p + ++dots);
    if (!isPart(kind)) {
      out.hasStar = tokens.isOperator(p + dots, STAR);
      p += out.hasStar ? dots + 1 : dots;
      break;
    }
    out.add(p + dots, dots, kind === DOUBLE_STRING);
    p += dots + 1;
  }
  if (tokens.isOperator(p, AT)) p = readLink(tokens, p, out);
  out.next = p;
  return true;
}

function isPart(kind: number): boolean {
  return PARTS[kind] === 1;
}

/** The database link behind the name, whose operator is at `at`. */
function readLink(tokens: Tokens, at: number, out: Name): number {
  if (tokens.kindAt(at + 1) !== KIND_WORD && tokens.kindAt(at + 1) !== KIND_QUOTED) return at;
  let p = at + 2;
  while (tokens.kindAt(p) === KIND_DOT && tokens.kindAt(p + 1) === KIND_WORD && out.parts < PARTS_MAX) {
    out.parts++;
    p += 2;
  }
  out.extend(p);
  return p;
}

/** One part of a name, or the text of a string or word: quotes and prefixes removed, doubled quotes undone. */
export function namePart(tokens: Tokens, i: number): string {
  const raw = tokens.slice(i);
  const kind = tokens.kindAt(i);
  if (kind === KIND_WORD) return raw;
  if (kind === KIND_STRING || kind === KIND_DOUBLE_STRING || kind === KIND_QUOTED) return unquoted(raw);
  return raw;
}

/** Content of a quoted name or string literal as written in `raw`; `\` escapes other than of quotes stay. */
export function unquoted(raw: string): string {
  const first = raw.charCodeAt(0);
  if (first === 0x24) {
    const tag = raw.indexOf('$', 1) + 1;
    return tag > 0 && raw.length >= 2 * tag ? raw.slice(tag, raw.length - tag) : raw.slice(tag);
  }
  let open = 0;
  while (open < 3 && open < raw.length && !isQuote(raw.charCodeAt(open))) open++;
  const mark = raw[open];
  if (mark === undefined) return raw;
  const close = mark === '[' ? ']' : mark;
  const isClosed = raw.length > open + 1 && raw.endsWith(close);
  let content = raw.slice(open + 1, isClosed ? raw.length - 1 : raw.length);
  const prefix = raw.slice(0, open).toLowerCase();
  // q'[…]' has delimiters of its own inside the quotes.
  if (prefix === 'q' || prefix === 'nq') return content.slice(1, -1);
  if (content.includes(close)) content = content.replaceAll(close + close, close);
  if (prefix === 'u&' || prefix === 'u') return unicodeUnescaped(content);
  return content.includes('\\') && mark === "'" ? content.replaceAll("\\'", "'") : content;
}

function isQuote(c: number): boolean {
  return c === 0x22 || c === 0x27 || c === 0x60 || c === 0x5b;
}

/** Undoes `\XXXX` and `\+XXXXXX` of `U&'…'` and `U&"…"`; a different UESCAPE character is not followed. */
function unicodeUnescaped(content: string): string {
  return content.replace(/\\(?:\+([0-9A-Fa-f]{6})|([0-9A-Fa-f]{4})|\\)/g, (whole, long, short) => {
    if (whole === '\\\\') return '\\';
    const code = Number.parseInt(long ?? short, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

/** Position behind the bracket that opens at `i`, or the end of the tokens. */
export function skipBrackets(tokens: Tokens, i: number): number {
  let depth = 0;
  for (let p = i; p < tokens.count; p++) {
    const kind = tokens.kindAt(p);
    if (kind === KIND_LEFT) depth++;
    else if (kind === KIND_LEFT + 1) {
      depth--;
      if (depth <= 0) return p + 1;
    }
  }
  return tokens.count;
}

/** True when the operator at `i` is `=` or `:=`. */
export function isAssignment(tokens: Tokens, i: number): boolean {
  return tokens.kindAt(i) === KIND_OPERATOR && (tokens.isOperator(i, 0x3d) || tokens.slice(i) === ':=');
}

/** Behind the bracket that opens at `i` when there is nothing in it but literals, parameters and commas; else 0. */
export function valuesEnd({ kind, count }: Tokens, i: number): number {
  for (let p = i + 1; p < count; p++) {
    switch (kind[p] as number) {
      case KIND_RIGHT:
        return p + 1;
      case KIND_STRING:
      case KIND_NUMBER:
      case KIND_PARAMETER:
      case KIND_COMMA:
        break;
      default:
        return 0;
    }
  }
  return 0;
}
