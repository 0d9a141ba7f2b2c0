/**
 * Code that a text puts together before it runs it: in variables, from pieces, character codes and hexadecimal digits
 * (`SET @s = CAST(0x44524F50… AS varchar(4000)); EXEC(@s)`). Only what the text itself says is followed, statement after
 * statement; branches and loops are read once, from top to bottom.
 */
import type { DialectRules } from './dialects.ts';
import { Lexer } from './lexer.ts';
import { isAssignment, namePart, skipBrackets } from './names.ts';
import {
  KIND_COMMA,
  KIND_LEFT,
  KIND_NUMBER,
  KIND_PARAMETER,
  KIND_RIGHT,
  KIND_SEMICOLON,
  KIND_WORD,
  type Tokens,
} from './tokens.ts';

/** Characters of one piece of code; a variable that is doubled again and again ends here. */
const CODE_CHARS_MAX = 65_536;
const ASSIGNMENTS_MAX = 1024;

/** An expression ends before one of these, outside brackets. */
const ENDS: ReadonlySet<string> = new Set(
  'SET EXEC EXECUTE DECLARE SELECT PRINT IF WHILE BEGIN END FROM WHERE INTO PREPARE USING'.split(' '),
);
const CHARACTER_CALLS: ReadonlySet<string> = new Set(['char', 'chr', 'nchar']);
/** Words of conversions, which say nothing of the text. */
const SILENT_CALLS: ReadonlySet<string> = new Set(['cast', 'convert', 'concat', 'unhex', 'as']);

/** Characters that may still be put together for one text, at all depths: what it makes of itself stays linear. */
export interface CodeBudget {
  left: number;
}

export function budgetFor(text: string): CodeBudget {
  return { left: text.length + CODE_CHARS_MAX };
}

interface Assignment {
  /** Lower case, with its mark. */
  readonly variable: string;
  /** Where its value ends in the text. */
  readonly end: number;
  readonly value: string;
}

/** The assignments of one text, read when first asked for. */
export class Assignments {
  private readonly text: string;
  private readonly rules: DialectRules;
  private readonly budget: CodeBudget;
  private list: Assignment[] | undefined = undefined;

  constructor(text: string, rules: DialectRules, budget: CodeBudget) {
    this.text = text;
    this.rules = rules;
    this.budget = budget;
  }

  /** What the variable holds at `position` of the text; `undefined` when that is not said. */
  valueAt(variable: string, position: number): string | undefined {
    this.list ??= this.read();
    const name = variable.toLowerCase();
    return this.list.findLast((assignment) => assignment.variable === name && assignment.end <= position)?.value;
  }

  private read(): Assignment[] {
    const list: Assignment[] = [];
    const lexer = new Lexer(this.rules);
    const { tokens } = lexer;
    const values = new Map<string, string>();
    lexer.open(this.text, this.rules);
    while (!lexer.atEnd() && this.mayGoOn(list)) {
      lexer.next();
      for (let i = 0; i < tokens.count && this.mayGoOn(list); i++) {
        const from = valueStart(tokens, i);
        if (from < 0) continue;
        const variable = tokens.slice(i).toLowerCase();
        const { text, next } = expressionText(tokens, from, (name) => values.get(name));
        if (text === undefined) continue;
        this.budget.left -= text.length;
        values.set(variable, text);
        list.push({ variable, end: tokens.endOf(Math.max(from, next - 1)), value: text });
      }
    }
    lexer.close();
    return list;
  }

  private mayGoOn(list: readonly Assignment[]): boolean {
    return list.length < ASSIGNMENTS_MAX && this.budget.left > 0;
  }
}

/** Where the value begins that the variable at `i` is given, or -1: `@s = …`, `@s varchar(9) = …`, `s := …`. */
function valueStart(tokens: Tokens, i: number): number {
  const kind = tokens.kindAt(i);
  if (kind !== KIND_PARAMETER && kind !== KIND_WORD) return -1;
  let p = i + 1;
  if (tokens.kindAt(p) === KIND_WORD && (kind === KIND_PARAMETER || tokens.word(p) === '')) {
    p = tokens.kindAt(p + 1) === KIND_LEFT ? skipBrackets(tokens, p + 1) : p + 1;
  }
  if (!isAssignment(tokens, p)) return -1;
  return kind === KIND_PARAMETER || tokens.slice(p) === ':=' ? p + 1 : -1;
}

export interface ExpressionText {
  /** `undefined` when no literal is in it. */
  readonly text: string | undefined;
  /** Behind the expression. */
  readonly next: number;
}

/** The text that the expression at `from` makes of its literals, with `?` for what is not known. */
export function expressionText(
  tokens: Tokens,
  from: number,
  valueOfVariable: (name: string) => string | undefined,
): ExpressionText {
  let text = '';
  let isKnown = false;
  let depth = 0;
  let i = from;
  for (; i < tokens.count && text.length < CODE_CHARS_MAX; i++) {
    const kind = tokens.kindAt(i);
    if (kind === KIND_LEFT) depth++;
    else if (kind === KIND_RIGHT) depth--;
    if (depth < 0 || kind === KIND_SEMICOLON || (depth === 0 && (kind === KIND_COMMA || ENDS.has(tokens.word(i)))))
      break;
    const piece = pieceText(tokens, i, valueOfVariable);
    if (piece === undefined) continue;
    text += piece;
    isKnown ||= piece !== '?';
  }
  return { text: isKnown ? text.slice(0, CODE_CHARS_MAX) : undefined, next: i };
}

/** What one token adds to the text; `undefined` for nothing. */
function pieceText(
  tokens: Tokens,
  i: number,
  valueOfVariable: (name: string) => string | undefined,
): string | undefined {
  const raw = tokens.slice(i);
  if (tokens.isString(i)) return /^[xX]'/.test(raw) ? hexText(raw.slice(2, -1)) : namePart(tokens, i);
  switch (tokens.kindAt(i)) {
    case KIND_NUMBER:
      if (/^0x/i.test(raw)) return hexText(raw.slice(2));
      return isCharacterCode(tokens, i) ? characterText(Number(raw)) : undefined;
    case KIND_PARAMETER:
      return valueOfVariable(raw.toLowerCase()) ?? '?';
    case KIND_WORD: {
      const word = raw.toLowerCase();
      if (tokens.kindAt(i + 1) === KIND_LEFT || SILENT_CALLS.has(word)) return undefined;
      return valueOfVariable(word);
    }
    default:
      return undefined;
  }
}

/** The number is an argument of CHAR, which takes several in MySQL. */
function isCharacterCode(tokens: Tokens, i: number): boolean {
  let p = i - 1;
  while (p > 0 && i - p < 64 && (tokens.kindAt(p) === KIND_COMMA || tokens.kindAt(p) === KIND_NUMBER)) p--;
  return tokens.kindAt(p) === KIND_LEFT && CHARACTER_CALLS.has(tokens.slice(p - 1).toLowerCase());
}

function characterText(code: number): string {
  return Number.isInteger(code) && code >= 0 && code <= 0xffff ? String.fromCharCode(code) : '?';
}

/** Bytes as text: UTF-16 when every second one is zero, as NVARCHAR has it. */
function hexText(digits: string): string {
  const bytes = Buffer.from(digits.slice(0, 2 * CODE_CHARS_MAX), 'hex');
  const isWide = bytes.length >= 4 && bytes.length % 2 === 0 && bytes.every((byte, i) => i % 2 === 0 || byte === 0);
  return bytes.toString(isWide ? 'utf16le' : 'latin1');
}
