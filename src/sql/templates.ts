/**
 * Texts seen before but for their plain literals: the second, faster memory of the analysis, before any token is made.
 *
 * A template is a text with its plain literals left out: numbers of digits with at most one point inside, and strings in
 * single quotes without quotes, backslashes or control characters in them. Everything else is compared character by
 * character, spaces and case included. Two texts of one template therefore differ inside literals only, and a lexer
 * finds the same tokens in both: none of those contents can end a literal early, or go on behind it.
 *
 * `scan` knows less of SQL than the lexer, on purpose. It gives up at all that may change what follows (comments,
 * prefixes and escapes of strings, characters outside ASCII, a second statement), and a text becomes a template only
 * when the lexer found the very same literals in it. A hash only finds the set of slots.
 */
import { SQL_TEMPLATES_MAX, type SqlStatement, type TextSpan } from '../contracts/sql.ts';
import type { Codes } from './codes.ts';
import { CLASS_BACKTICK, CLASS_BRACKET, type DialectRules } from './dialects.ts';

/** Slots in a set: templates that fall to the same one do not drive each other out. */
const WAYS = 4;
const TEXT_LENGTH_MAX = 4096;
const LITERALS_MAX = 128;

const QUOTE = 0x27;
const DOT = 0x2e;
const DASH = 0x2d;
const SLASH = 0x2f;
const STAR = 0x2a;
const BACKSLASH = 0x5c;
const BACKTICK = 0x60;
const BRACKET = 0x5b;
const BRACKET_CLOSE = 0x5d;

// What a character means to `scan`.
const PLAIN = 0;
const WORD = 1;
const DIGIT = 2;
const STRING = 3;
/** Opens a comment when its double, or a star, follows. */
const COMMENT = 4;
const NAME = 5;
const STOP = 6;

const MEANING: Uint8Array = meanings();
/** 1 for letters, digits and `_`. */
const PART: Uint8Array = MEANING.map((meaning) => (meaning === WORD || meaning === DIGIT ? 1 : 0));

interface Entry {
  readonly hash: number;
  readonly rules: DialectRules;
  readonly bytes: Uint8Array;
  /** Start and end of every literal in `bytes`. */
  readonly spans: Int32Array;
  readonly statement: SqlStatement;
}

export class TemplateCache {
  private readonly slots: (Entry | undefined)[] = new Array(SQL_TEMPLATES_MAX).fill(undefined);
  /** The text scanned last: its characters, and its literals as start, end pairs. */
  private bytes: Uint8Array = NOTHING;
  private readonly spans = new Int32Array(2 * LITERALS_MAX);
  /** -1: it can have no template. */
  private spanWords = -1;
  private hash = 0;
  /** Way of the set that is replaced next. */
  private turn = 0;

  /** The analysis of a text whose template is known. The characters are needed until `add`. */
  find(codes: Codes, rules: DialectRules): SqlStatement | undefined {
    const { bytes, length } = codes;
    this.bytes = bytes;
    this.spanWords = codes.isAscii && length <= TEXT_LENGTH_MAX ? this.scan(length, rules) : -1;
    if (this.spanWords < 0) return undefined;
    const entry = this.known(rules, length);
    if (entry === undefined) return undefined;
    const { statement } = entry;
    return {
      start: statement.start,
      end: length - (entry.bytes.length - statement.end),
      operation: statement.operation,
      operations: statement.operations,
      objects: statement.objects,
      objectsWritten: statement.objectsWritten,
      columns: statement.columns,
      functions: statement.functions,
      procedure: statement.procedure,
      executes: statement.executes,
      summary: statement.summary,
      fingerprint: statement.fingerprint,
      literals: this.literals(),
      secrets: statement.secrets,
      tags: undefined,
      effect: undefined,
      template: statement.template,
    };
  }

  /**
   * Keeps the analysis of the text that `find` was asked for last and did not know. The caller has made sure that it
   * is the only statement of the text, and depends on none of its literals.
   */
  add({ length }: Codes, rules: DialectRules, statement: SqlStatement): void {
    if (this.spanWords < 0 || !this.agrees(statement.literals)) return;
    const slot = this.freeSlot();
    const kept = { ...statement, literals: NO_SPANS, template: { slot } };
    const bytes = Uint8Array.from(this.bytes.subarray(0, length));
    const spans = this.spans.slice(0, this.spanWords);
    this.slots[slot] = { hash: this.hash, rules, bytes, spans, statement: kept };
  }

  private known(rules: DialectRules, length: number): Entry | undefined {
    const first = firstSlot(this.hash);
    for (let slot = first; slot < first + WAYS; slot++) {
      const entry = this.slots[slot];
      if (entry === undefined) return undefined;
      if (entry.hash === this.hash && entry.rules === rules && this.isOf(entry, length)) return entry;
    }
    return undefined;
  }

  /** An empty slot of the hash's set, or each of them in turn. */
  private freeSlot(): number {
    const first = firstSlot(this.hash);
    for (let slot = first; slot < first + WAYS; slot++) if (this.slots[slot] === undefined) return slot;
    this.turn = (this.turn + 1) % WAYS;
    return first + this.turn;
  }

  private agrees(literals: readonly TextSpan[]): boolean {
    if (literals.length * 2 !== this.spanWords) return false;
    return literals.every(({ start, end }, i) => this.spans[2 * i] === start && this.spans[2 * i + 1] === end);
  }

  private literals(): readonly TextSpan[] {
    const count = this.spanWords / 2;
    if (count === 0) return NO_SPANS;
    // Of its true size at once: a list that grows takes several times as much.
    const literals = new Array<TextSpan>(count);
    for (let i = 0; i < count; i++)
      literals[i] = { start: this.spans[2 * i] as number, end: this.spans[2 * i + 1] as number };
    return literals;
  }

  /** Whether the text scanned last equals the entry's outside their literals. */
  private isOf(entry: Entry, length: number): boolean {
    const { bytes, spans, spanWords } = this;
    if (entry.spans.length !== spanWords) return false;
    let at = 0;
    let from = 0;
    for (let i = 0; i < spanWords; i += 2) {
      // Up to the first character of the literal, which tells a string from a number.
      const to = spans[i] as number;
      const isString = bytes[to] === QUOTE;
      const stop = entry.spans[i] as number;
      if (stop - at !== to - from || isString !== (entry.bytes[stop] === QUOTE)) return false;
      while (from < to) if (bytes[from++] !== entry.bytes[at++]) return false;
      from = spans[i + 1] as number;
      at = entry.spans[i + 1] as number;
    }
    if (entry.bytes.length - at !== length - from) return false;
    while (from < length) if (bytes[from++] !== entry.bytes[at++]) return false;
    return true;
  }

  /** Finds literals and hash of the text in one pass: words of `spans` written, -1 when it can have no template. */
  private scan(length: number, rules: DialectRules): number {
    const { bytes, spans } = this;
    let words = 0;
    let hash = length === 0 ? 1 : 0;
    let p = 0;
    while (p < length) {
      const c = bytes[p] as number;
      const meaning = MEANING[c] as number;
      if (meaning === PLAIN) {
        hash = step(hash, c);
        p++;
        continue;
      }
      if (meaning === WORD) {
        let inside = c;
        do {
          hash = step(hash, inside);
          inside = bytes[++p] as number;
        } while (PART[inside] === 1);
        // Letters before a quote may be a prefix of the string.
        if (inside === QUOTE) return -1;
        continue;
      }
      const isLiteral = meaning === DIGIT || meaning === STRING;
      const end = isLiteral ? literalEnd(bytes, p, meaning) : codeEnd(bytes, p, c, meaning, rules);
      if (end < 0) return -1;
      if (isLiteral) {
        if (words === 2 * LITERALS_MAX) return -1;
        spans[words++] = p;
        spans[words++] = end;
        hash = step(hash, meaning);
        p = end;
      }
      for (; p < end; p++) hash = step(hash, bytes[p] as number);
    }
    this.hash = hash;
    return words;
  }
}

// The functions below read a text that ends with a zero byte, which is part of nothing.

function step(hash: number, value: number): number {
  return ((hash << 5) - hash + value) | 0;
}

/** First slot of the hash's set: the upper bits of the product depend on all of the hash. */
function firstSlot(hash: number): number {
  return (Math.imul(hash, 0x9e3779b1) >>> 16) & (SQL_TEMPLATES_MAX - WAYS);
}

/** Behind the literal at `from`; -1 when it is not plain. */
function literalEnd(bytes: Uint8Array, from: number, meaning: number): number {
  return meaning === DIGIT ? numberEnd(bytes, from) : stringEnd(bytes, from);
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
  for (let c = 0x30; c <= 0x39; c++) table[c] = DIGIT;
  for (let c = 0x41; c <= 0x5a; c++) table[c] = table[c + 32] = WORD;
  table[0x5f] = WORD;
  table[QUOTE] = STRING;
  table[DASH] = COMMENT;
  table[SLASH] = COMMENT;
  table[BACKTICK] = NAME;
  table[BRACKET] = NAME;
  return table;
}

const NO_SPANS: readonly TextSpan[] = [];
const NOTHING = new Uint8Array(0);
