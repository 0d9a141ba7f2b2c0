/**
 * What differs between SQL dialects for the lexer, as data. Facts from the lexical chapters of the manuals:
 * PostgreSQL 17 §4.1, MySQL 8.4 §11 and §11.7, MariaDB "Comment Syntax", Transact-SQL "Database Identifiers" and
 * "Constants", Oracle 23ai SQL "Literals" and "Database Object Names", DB2 11.5 "Tokens" and "Constants".
 *
 * Settings of a session that change its lexer (MySQL `ANSI_QUOTES` and `NO_BACKSLASH_ESCAPES`, PostgreSQL
 * `standard_conforming_strings = off`, T-SQL `QUOTED_IDENTIFIER OFF`) are not on the wire of most sessions: every
 * dialect is read with its server's defaults.
 */
import type { SqlDialect } from '../contracts/sql.ts';

/** Stands for a character outside ASCII that is no space: it is part of a word. */
export const CODE_WIDE = 0xff;

/** What a character below 128 starts. Characters above are space or part of a word. */
export const CLASS_OTHER = 0;
export const CLASS_SPACE = 1;
export const CLASS_WORD = 2;
export const CLASS_DIGIT = 3;
export const CLASS_QUOTE = 4;
export const CLASS_DOUBLE_QUOTE = 5;
export const CLASS_BACKTICK = 6;
export const CLASS_BRACKET = 7;
export const CLASS_PUNCTUATION = 8;
export const CLASS_DOT = 9;
export const CLASS_DASH = 10;
export const CLASS_SLASH = 11;
export const CLASS_HASH = 12;
export const CLASS_DOLLAR = 13;
export const CLASS_QUESTION = 14;
export const CLASS_COLON = 15;
export const CLASS_AT = 16;
export const CLASS_OPERATOR = 17;

export interface DialectRules {
  readonly dialect: SqlDialect;
  /** `CLASS_*` by character code, 128 entries. */
  readonly classes: Uint8Array;
  /** What a character below 128 counts for in a word's hash: itself, letters lower case; 0 where it ends the word. */
  readonly wordPart: Uint8Array;
  /** `\` escapes the next character in every '…' (and "…" where that is a string). */
  readonly backslash: boolean;
  /** "…" is a string, not a name. */
  readonly doubleQuoteString: boolean;
  /** Comments nest. */
  readonly nestedComments: boolean;
  /** `--` opens a comment only before space or a control character. */
  readonly dashNeedsSpace: boolean;
  /** Comments that open with `!` or `M!` (and perhaps a version) hold code. */
  readonly executedComments: boolean;
  /** `$tag$ … $tag$` is a string. */
  readonly dollarQuotes: boolean;
  /** `$1` is a parameter. */
  readonly dollarParameters: boolean;
  /** `q'[ … ]'` is a string. */
  readonly qQuotes: boolean;
  /** `E'…'` takes backslash escapes. */
  readonly escapeStrings: boolean;
  /** `:name` is a parameter. */
  readonly colonParameters: boolean;
  /** A word may begin with digits. */
  readonly digitWords: boolean;
  /** Operators are any run of operator characters, ended by PostgreSQL's rule for `+` and `-`. */
  readonly freeOperators: boolean;
  /** One request may hold statements without separators. */
  readonly batch: boolean;
  /** A request is one statement, and a stored unit or anonymous block runs to its end. */
  readonly oneBlock: boolean;
  /** `BEGIN` as the first word opens a transaction (else a block). */
  readonly beginIsTransaction: boolean;
  /** `SELECT … INTO name` makes a table (else it fills variables). */
  readonly selectIntoTable: boolean;
  /** What UPDATE and DELETE change may be named by an alias of their FROM or USING. */
  readonly targetAliases: boolean;
  /** A CTE is visible in its own body without RECURSIVE. */
  readonly implicitRecursion: boolean;
}

type Switches = Partial<Omit<DialectRules, 'dialect' | 'classes' | 'wordPart'>>;

function dialect(
  name: SqlDialect,
  wordStart: string,
  wordOnly: string,
  special: string,
  switches: Switches,
): DialectRules {
  const classes = baseClasses();
  const wordPart = baseWordPart();
  for (const c of wordStart) {
    classes[c.charCodeAt(0)] = CLASS_WORD;
    wordPart[c.charCodeAt(0)] = c.charCodeAt(0);
  }
  for (const c of wordOnly) wordPart[c.charCodeAt(0)] = c.charCodeAt(0);
  for (const c of special) classes[c.charCodeAt(0)] = SPECIAL[c] ?? CLASS_OPERATOR;
  return { ...NONE, ...switches, dialect: name, classes, wordPart };
}

/** Characters that some dialects give a meaning of their own. */
const SPECIAL: { readonly [character: string]: number } = {
  '`': CLASS_BACKTICK,
  '[': CLASS_BRACKET,
  '#': CLASS_HASH,
  $: CLASS_DOLLAR,
  '?': CLASS_QUESTION,
  ':': CLASS_COLON,
  '@': CLASS_AT,
};

function baseClasses(): Uint8Array {
  const classes = new Uint8Array(256).fill(CLASS_OTHER, 0, 128).fill(CLASS_WORD, 128);
  classes.fill(CLASS_SPACE, 0, 33);
  classes[0x7f] = CLASS_SPACE;
  for (const c of '+*<>=~!%^&|[]{}@#?:\\`$') classes[c.charCodeAt(0)] = CLASS_OPERATOR;
  for (const c of '(),;') classes[c.charCodeAt(0)] = CLASS_PUNCTUATION;
  for (let c = 0x30; c <= 0x39; c++) classes[c] = CLASS_DIGIT;
  for (let c = 0x41; c <= 0x5a; c++) classes[c] = classes[c + 32] = CLASS_WORD;
  classes[0x5f] = CLASS_WORD;
  classes[0x27] = CLASS_QUOTE;
  classes[0x22] = CLASS_DOUBLE_QUOTE;
  classes[0x2e] = CLASS_DOT;
  classes[0x2d] = CLASS_DASH;
  classes[0x2f] = CLASS_SLASH;
  return classes;
}

function baseWordPart(): Uint8Array {
  const part = new Uint8Array(256).fill(CODE_WIDE, 128);
  for (let c = 0x30; c <= 0x39; c++) part[c] = c;
  for (let c = 0x61; c <= 0x7a; c++) part[c] = part[c - 32] = c;
  part[0x5f] = 0x5f;
  return part;
}

const NONE = {
  backslash: false,
  doubleQuoteString: false,
  nestedComments: false,
  dashNeedsSpace: false,
  executedComments: false,
  dollarQuotes: false,
  dollarParameters: false,
  qQuotes: false,
  escapeStrings: false,
  colonParameters: false,
  digitWords: false,
  freeOperators: false,
  batch: false,
  oneBlock: false,
  beginIsTransaction: false,
  selectIntoTable: false,
  targetAliases: false,
  implicitRecursion: false,
} as const;

const RULES: { readonly [D in SqlDialect]: DialectRules } = {
  postgresql: dialect('postgresql', '', '$', '$', {
    nestedComments: true,
    dollarQuotes: true,
    dollarParameters: true,
    escapeStrings: true,
    freeOperators: true,
    beginIsTransaction: true,
    selectIntoTable: true,
  }),
  mysql: dialect('mysql', '$', '', '`#?@', {
    backslash: true,
    doubleQuoteString: true,
    dashNeedsSpace: true,
    executedComments: true,
    digitWords: true,
    beginIsTransaction: true,
    targetAliases: true,
  }),
  tsql: dialect('tsql', '#', '@$', '[$?@', {
    nestedComments: true,
    batch: true,
    selectIntoTable: true,
    targetAliases: true,
    implicitRecursion: true,
  }),
  oracle: dialect('oracle', '', '$#', '?:', {
    qQuotes: true,
    colonParameters: true,
    oneBlock: true,
    implicitRecursion: true,
  }),
  db2: dialect('db2', '#@$', '', '?:', { nestedComments: true, colonParameters: true, implicitRecursion: true }),
  generic: dialect('generic', '', '$#', '`$?:@', {
    dollarQuotes: true,
    dollarParameters: true,
    escapeStrings: true,
    colonParameters: true,
    beginIsTransaction: true,
    selectIntoTable: true,
    targetAliases: true,
  }),
};

/** The body of a PostgreSQL function or DO: PL/pgSQL, or plain SQL which these rules read as well. */
export const BODY_RULES: DialectRules = {
  ...RULES.postgresql,
  oneBlock: true,
  beginIsTransaction: false,
  selectIntoTable: false,
};

export function rulesOf(name: SqlDialect): DialectRules {
  return RULES[name];
}

/** Unicode spaces, byte-order mark and zero-width space: no server takes them as part of a keyword. */
export function isWideSpace(c: number): boolean {
  if (c < 0x1680) return c === 0xa0 || c === 0x85;
  if (c < 0x2000) return c === 0x1680;
  return c <= 0x200b || c === 0x2028 || c === 0x2029 || c === 0x202f || c === 0x205f || c === 0x3000 || c === 0xfeff;
}
