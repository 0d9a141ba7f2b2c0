/**
 * Scanners of the lexer's long tokens: each takes the text, or its characters as `Codes` has them, and the position
 * behind the opening mark, and gives the position behind the closing one, or the end of the text when there is none. All
 * are linear and never step back. Behind the last character stand zeros, which are part of nothing.
 */
import type { Codes } from './codes.ts';
import { CLASS_SPACE, type DialectRules } from './dialects.ts';

const BACKSLASH = 0x5c;
const STAR = 0x2a;
const SLASH = 0x2f;
const DOLLAR = 0x24;
const QUOTE = 0x27;
const DOUBLE_QUOTE = 0x22;
const AMPERSAND = 0x26;

/** A body that ends at `mark`, where a doubled mark (and with `backslash` an escaped one) does not end it. */
export function scanQuoted({ bytes, length }: Codes, from: number, mark: number, backslash: boolean): number {
  for (let p = from; p < length; p++) {
    const c = bytes[p] as number;
    if (c === mark) {
      if (bytes[p + 1] !== mark) return p + 1;
      p++;
    } else if (c === BACKSLASH && backslash) p++;
  }
  return length;
}

/** Oracle `q'[…]'`; `from` is at the delimiter. */
function scanDelimited(text: string, from: number): number {
  if (from >= text.length) return text.length;
  const open = text[from] as string;
  const close = CLOSING[open] ?? open;
  const at = text.indexOf(`${close}'`, from + 1);
  return at < 0 ? text.length : at + 2;
}

const CLOSING: { readonly [open: string]: string } = { '[': ']', '{': '}', '(': ')', '<': '>' };

/** Behind the `$tag$` that opens at `from`, or `from` when none does. */
export function scanDollarTag({ bytes, length }: Codes, from: number, rules: DialectRules): number {
  for (let p = from + 1; p < length; p++) {
    const c = bytes[p] as number;
    if (c === DOLLAR) return p + 1;
    if (rules.wordPart[c] === 0 || (p === from + 1 && isDigit(c))) return from;
  }
  return from;
}

/** Behind the tag that closes a body opened by `text[tagStart, tagEnd)`. */
export function scanDollarBody(text: string, tagStart: number, tagEnd: number): number {
  const tag = text.slice(tagStart, tagEnd);
  const at = text.indexOf(tag, tagEnd);
  return at < 0 ? text.length : at + tag.length;
}

/** A block comment; `from` is behind its opening mark. */
export function scanComment({ bytes, length }: Codes, from: number, nested: boolean): number {
  let depth = 1;
  for (let p = from; p + 1 < length; p++) {
    const c = bytes[p] as number;
    if (c === STAR && bytes[p + 1] === SLASH) {
      depth--;
      if (depth === 0) return p + 2;
      p++;
    } else if (nested && c === SLASH && bytes[p + 1] === STAR) {
      depth++;
      p++;
    }
  }
  return length;
}

/** To the line's end: the line feed or return is not part of the comment. */
export function scanLine({ bytes, length }: Codes, from: number): number {
  for (let p = from; p < length; p++) {
    const c = bytes[p] as number;
    if (c === 0x0a || c === 0x0d) return p;
  }
  return length;
}

export function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}

function isHexDigit(c: number): boolean {
  return isDigit(c) || (c >= 0x41 && c <= 0x46) || (c >= 0x61 && c <= 0x66);
}

/** A number whose first character, a digit or a dot before one, is at `from`. */
export function scanNumber({ bytes }: Codes, from: number): number {
  let p = from;
  const second = (bytes[from + 1] as number) | 32;
  if (bytes[from] === 0x30 && (second === 0x78 || second === 0x62 || second === 0x6f)) {
    p = from + 2;
    while (isHexDigit(bytes[p] as number) || bytes[p] === 0x5f) p++;
    if (p > from + 2 || second === 0x78) return p;
    return from + 1;
  }
  p = digits(bytes, p);
  // Two dots are a range, not a fraction.
  if (bytes[p] === 0x2e && bytes[p + 1] !== 0x2e) p = digits(bytes, p + 1);
  if (((bytes[p] as number) | 32) === 0x65) {
    const sign = bytes[p + 1];
    const first = sign === 0x2b || sign === 0x2d ? p + 2 : p + 1;
    if (isDigit(bytes[first] as number)) p = digits(bytes, first);
  }
  return p;
}

function digits(bytes: Uint8Array, from: number): number {
  let p = from;
  for (;;) {
    const c = bytes[p] as number;
    if (!isDigit(c) && !(c === 0x5f && isDigit(bytes[p + 1] as number))) return p;
    p++;
  }
}

/** Whether a number begins the word characters in `[from, wordEnd)`: all of them, or up to an exponent's end. */
export function isNumber(codes: Codes, from: number, wordEnd: number): boolean {
  const numberEnd = scanNumber(codes, from);
  if (numberEnd >= wordEnd) return true;
  let p = from;
  while (isDigit(codes.bytes[p] as number)) p++;
  return numberEnd > p && ((codes.bytes[p] as number) | 32) === 0x65;
}

/** Behind the word characters at `from`. */
export function scanWord({ bytes }: Codes, from: number, rules: DialectRules): number {
  let p = from;
  while (rules.wordPart[bytes[p] as number] !== 0) p++;
  return p;
}

/** Whether a `--` at `from` opens a comment. */
export function opensLineComment(text: string, from: number, rules: DialectRules): boolean {
  if (!rules.dashNeedsSpace || from + 2 >= text.length) return true;
  const c = text.charCodeAt(from + 2);
  return c < 128 && rules.classes[c] === CLASS_SPACE;
}

/** Operators of two and three characters outside PostgreSQL, longest first by their length. */
const LONG_OPERATORS: ReadonlySet<string> = new Set(
  '<=> <<= >>= ->> <= >= <> != == || && := -> << >> :: ** => !< !> ^= ~= += -= *= /= %= &= |='.split(' '),
);

/** Behind the operator at `from`. */
export function scanOperator(text: string, { bytes }: Codes, from: number, rules: DialectRules): number {
  if (rules.freeOperators) return scanFreeOperator(bytes, from);
  const next = bytes[from + 1] as number;
  if (FREE[next] === 0 && next !== 0x3a) return from + 1;
  if (LONG_OPERATORS.has(text.slice(from, from + 3))) return Math.min(text.length, from + 3);
  if (LONG_OPERATORS.has(text.slice(from, from + 2))) return Math.min(text.length, from + 2);
  return from + 1;
}

/** Characters PostgreSQL makes operators of (§4.1.3); brackets, braces and colons stand alone. */
const FREE = new Uint8Array(256);
for (const c of '+-*/<>=~!@#%^&|`?') FREE[c.charCodeAt(0)] = 1;
/** Those that let an operator end in `+` or `-`. */
const LETS_SIGN_END = new Uint8Array(256);
for (const c of '~!@#%^&|`?') LETS_SIGN_END[c.charCodeAt(0)] = 1;

function scanFreeOperator(bytes: Uint8Array, from: number): number {
  const first = bytes[from] as number;
  if (first === 0x3a) {
    const next = bytes[from + 1];
    return next === 0x3a || next === 0x3d ? from + 2 : from + 1;
  }
  if (FREE[first] === 0) return from + 1;
  let p = from;
  let signMayEnd = false;
  for (; FREE[bytes[p] as number] === 1; p++) {
    const c = bytes[p];
    const next = bytes[p + 1];
    if (p > from && ((c === 0x2d && next === 0x2d) || (c === SLASH && next === STAR))) break;
    if (LETS_SIGN_END[c as number] === 1) signMayEnd = true;
  }
  if (!signMayEnd) while (p > from + 1 && (bytes[p - 1] === 0x2b || bytes[p - 1] === 0x2d)) p--;
  return p;
}

/**
 * What the letters before a quote make of the string: as it is, with backslash escapes, Oracle's own delimiters, or
 * digits of bits or bytes (where a doubled quote ends it); `''` when they are no prefix in the dialect.
 */
type StringPrefix = 'plain' | 'escape' | 'delimited' | 'digits' | '';

/** The prefix in the one or two letters `bytes[from, to)`. */
function stringPrefix(bytes: Uint8Array, from: number, to: number, rules: DialectRules): StringPrefix {
  const last = (bytes[to - 1] as number) | 32;
  if (to - from === 1) {
    if (last === 0x6e) return 'plain';
    // T-SQL writes bytes as numbers; a word before a quote is another token there.
    if (last === 0x78 || last === 0x62) return rules.batch ? '' : 'digits';
    if (last === 0x65 && rules.escapeStrings) return 'escape';
    // Oracle: U'…' has escapes of its own, which are undone with the quotes.
    if (last === 0x75 && rules.qQuotes) return 'plain';
    return last === 0x71 && rules.qQuotes ? 'delimited' : '';
  }
  const first = (bytes[from] as number) | 32;
  if (first === 0x6e && last === 0x71 && rules.qQuotes) return 'delimited';
  // DB2: GX'…', UX'…', BX'…'.
  return last === 0x78 && rules.dialect === 'db2' && (first === 0x67 || first === 0x75 || first === 0x62)
    ? 'digits'
    : '';
}

/** Behind the literal, or name, whose prefix is the one or two letters at `[from, to)`; `from` when they are none. */
export function scanPrefixed(text: string, codes: Codes, from: number, to: number, rules: DialectRules): number {
  const { bytes } = codes;
  if (bytes[to] === QUOTE) {
    switch (stringPrefix(bytes, from, to, rules)) {
      case '':
        return from;
      case 'delimited':
        return scanDelimited(text, to + 1);
      case 'digits': {
        const at = text.indexOf("'", to + 1);
        return at < 0 ? text.length : at + 1;
      }
      case 'escape':
        return scanQuoted(codes, to + 1, QUOTE, true);
      default:
        return scanQuoted(codes, to + 1, QUOTE, rules.backslash);
    }
  }
  // U&'…' and U&"…".
  const mark = bytes[to + 1];
  const isUnicode = bytes[to] === AMPERSAND && to - from === 1 && ((bytes[from] as number) | 32) === 0x75;
  return isUnicode && (mark === QUOTE || mark === DOUBLE_QUOTE) ? scanQuoted(codes, to + 2, mark, false) : from;
}
