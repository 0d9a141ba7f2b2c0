/**
 * Finds the values that stand for certain columns: literals and bind places in lists of INSERT and SELECT, assignments,
 * comparisons, named arguments, and SQL in literals. What it does not understand counts as such a value: to hide one
 * too many costs a comparison, to show one costs a secret.
 *
 * An expression is read in segments, which end where a truth value, a list item or a clause ends. All values of a segment
 * that names a wanted column are found, those in its brackets too; a bracket with segments of its own (a subquery, an
 * AND) leaves the values beside it to them. Variables of the text that stand in such a segment, and names that a query gives
 * a wanted column, are followed in further readings.
 */
import type { ColumnValueFinder, ColumnValues, SqlDialect, TextSpan, WantedColumns } from '../contracts/sql.ts';
import { BindPlaces } from './bind-places.ts';
import { type DialectRules, rulesOf } from './dialects.ts';
import { EMBEDDED_DEPTH_MAX } from './embedded.ts';
import { Lexer } from './lexer.ts';
import { namePart } from './names.ts';
import { Segments } from './segments.ts';
import {
  KIND_COMMA,
  KIND_DOT,
  KIND_DOUBLE_STRING,
  KIND_LEFT,
  KIND_NUMBER,
  KIND_PARAMETER,
  KIND_QUOTED,
  KIND_RIGHT,
  KIND_SEMICOLON,
  KIND_STRING,
  KIND_WORD,
  type Tokens,
} from './tokens.ts';
import { isQueryWord } from './words.ts';

/** Readings of one text: the first, and those that follow its variables. A text that needs more is found whole. */
const READINGS_MAX = 8;
const VARIABLES_MAX = 64;

/** Words that begin SQL in a literal. Any other text that names a column is hidden whole. */
const STATEMENT_START =
  /^\s*(?:select|insert|update|delete|merge|replace|with|exec|execute|call|begin|declare|create|alter|set)\b/i;

/** A finder; it keeps no text. */
export function createColumnValueFinder(): ColumnValueFinder {
  return new Finder();
}

class Finder implements ColumnValueFinder {
  private readonly lexer = new Lexer(rulesOf('generic'));

  find(text: string, dialect: SqlDialect, wanted: WantedColumns, bindCount: number): ColumnValues {
    const rules = rulesOf(dialect);
    const variables = new Variables();
    for (let readings = 0; readings < READINGS_MAX && variables.followed.size <= VARIABLES_MAX; readings++) {
      const result = new Reading(text, rules, wanted, variables, 0);
      result.read(this.lexer, text, 0);
      if (variables.settle()) continue;
      return { literals: result.literals(), binds: result.places.indices(bindCount, dialect) };
    }
    return { literals: [{ start: 0, end: text.length }], binds: undefined };
  }
}

/** Names of a text, in lower case and with their marks, that hold values of wanted columns. */
class Variables {
  readonly followed: Set<string> = new Set();
  private known = 0;
  /** How often each marked name stands in the text, and which of them stand for a wanted column. */
  private readonly met = new Map<string, number>();
  private readonly found = new Set<string>();

  has(name: string): boolean {
    return this.followed.size > 0 && this.followed.has(name.toLowerCase());
  }

  add(name: string): void {
    this.followed.add(name.toLowerCase());
  }

  meet(written: string): void {
    const name = written.toLowerCase();
    this.met.set(name, (this.met.get(name) ?? 0) + 1);
  }

  find(written: string): void {
    this.found.add(written.toLowerCase());
  }

  /** A reading has ended: a marked name is followed when it stands elsewhere, too. True when there is more to follow. */
  settle(): boolean {
    for (const name of this.found) if ((this.met.get(name) ?? 0) > 1) this.followed.add(name);
    this.met.clear();
    this.found.clear();
    const grew = this.followed.size > this.known;
    this.known = this.followed.size;
    return grew;
  }
}

/** One reading of a text, with what earlier ones learned of its variables. */
class Reading {
  readonly places: BindPlaces = new BindPlaces();
  private readonly spans: TextSpan[] = [];
  private readonly segments: Segments;
  private readonly text: string;
  private readonly rules: DialectRules;
  private readonly wanted: WantedColumns;
  private readonly variables: Variables;
  private readonly depth: number;
  private tokens: Tokens;
  /** The text assigns to names without a mark, as procedural languages do. */
  private hasPlainVariables = false;
  private offset = 0;
  /** All values from here on may be binds of code in a literal. */
  private findsRest = false;

  constructor(text: string, rules: DialectRules, wanted: WantedColumns, variables: Variables, depth: number) {
    this.text = text;
    this.rules = rules;
    this.wanted = wanted;
    this.variables = variables;
    this.depth = depth;
    this.segments = new Segments((token) => this.found(token));
    this.hasPlainVariables = /:=|\bdeclare\b/i.test(text);
    this.tokens = NO_TOKENS;
  }

  /** Disjoint and in order. */
  literals(): readonly TextSpan[] {
    const { spans } = this;
    spans.sort((a, b) => a.start - b.start || b.end - a.end);
    let end = -1;
    return spans.filter((span) => {
      if (span.start < end) return false;
      ({ end } = span);
      return true;
    });
  }

  /** Reads all statements of `text`, which stands at `offset` in the whole. */
  read(lexer: Lexer, text: string, offset: number): void {
    this.offset = offset;
    this.tokens = lexer.tokens;
    lexer.open(text, this.rules);
    while (!lexer.atEnd()) {
      lexer.next();
      this.statement();
      if (lexer.cutAt >= 0) {
        this.span(lexer.cutAt, lexer.end);
        this.places.giveUp();
      }
    }
    lexer.close();
  }

  private statement(): void {
    const { tokens, segments } = this;
    segments.reset();
    for (let i = 0; i < tokens.count; i++) {
      switch (tokens.kindAt(i)) {
        case KIND_LEFT:
          segments.open(isQueryWord(tokens.word(i + 1)), tokens.kindAt(i + 1) === KIND_LEFT, tokens.word(i - 1));
          break;
        case KIND_RIGHT:
          segments.close();
          break;
        case KIND_COMMA:
          segments.comma();
          break;
        case KIND_SEMICOLON:
          segments.reset();
          break;
        case KIND_WORD:
          this.word(i);
          break;
        case KIND_QUOTED:
          this.name(i);
          break;
        case KIND_DOUBLE_STRING:
          if (segments.takesColumns() || this.wanted.column(namePart(tokens, i))) this.name(i);
          else this.literal(i);
          break;
        case KIND_STRING:
          this.literal(i);
          break;
        case KIND_NUMBER:
          this.value(i);
          break;
        case KIND_PARAMETER:
          this.parameter(i);
          break;
        default:
      }
    }
    segments.reset();
  }

  private word(i: number): void {
    const { tokens, segments } = this;
    const word = tokens.word(i);
    const isCall = tokens.kindAt(i + 1) === KIND_LEFT;
    if (word !== '' && segments.keyword(word, tokens.word(i - 1), isCall)) return;
    if (!tokens.isReserved(i)) this.name(i);
  }

  /** A name: perhaps a wanted column, a table, or a variable without a mark. */
  private name(i: number): void {
    const { tokens, segments, wanted, variables } = this;
    const name = namePart(tokens, i);
    if (segments.takesColumns()) {
      segments.column(wanted.column(name));
      return;
    }
    if (segments.takesTable() && wanted.table(name)) segments.tableWanted();
    const isQualifier = tokens.kindAt(i + 1) === KIND_DOT;
    if (isQualifier) return;
    if (wanted.column(name) || variables.has(name)) segments.want();
    else if (segments.isWanted() && this.isAlias(i)) variables.add(name);
    else if (this.hasPlainVariables && tokens.kindAt(i + 1) !== KIND_LEFT) segments.value(i);
  }

  /** Behind AS, another name or a bracket: what an item of a SELECT list is called from there on. */
  private isAlias(i: number): boolean {
    const { tokens } = this;
    const before = tokens.kindAt(i - 1);
    return tokens.word(i - 1) === 'AS' || tokens.isName(i - 1) || before === KIND_RIGHT;
  }

  private parameter(i: number): void {
    const { segments, wanted, variables } = this;
    const written = this.tokens.slice(i);
    this.places.add(written, this.offset + this.tokens.startOf(i));
    this.value(i);
    variables.meet(written);
    // `@card = '…'` names an argument, or a variable that is set.
    const name = written.slice(1).replace(/^"(.*)"$/s, '$1');
    if (name !== '' && (variables.has(written) || wanted.column(name))) segments.want();
  }

  private value(i: number): void {
    if (this.findsRest) this.found(i);
    else this.segments.value(i);
  }

  private literal(i: number): void {
    const { tokens, wanted } = this;
    this.value(i);
    const content = namePart(tokens, i);
    if (!wanted.mentions(content) && !this.mentionsVariable(content)) return;
    if (wanted.column(content.trim())) return; // the name alone, as in a catalogue query
    const at = tokens.slice(i).indexOf(content);
    if (at < 0 || this.depth >= EMBEDDED_DEPTH_MAX || !STATEMENT_START.test(content)) {
      this.found(i);
      return;
    }
    // A lexer of its own: this one is in the midst of a statement.
    const inner = new Reading(content, this.rules, wanted, this.variables, this.depth + 1);
    inner.read(new Lexer(this.rules), content, this.offset + tokens.startOf(i) + at);
    this.spans.push(...inner.spans);
    if (!inner.places.anyUnnamedFound) return;
    // Its binds come later in this text, or with it: which they are is not known.
    this.places.giveUp();
    this.findsRest = true;
  }

  private mentionsVariable(content: string): boolean {
    const { followed } = this.variables;
    if (followed.size === 0) return false;
    const folded = content.toLowerCase();
    for (const variable of followed) if (folded.includes(variable)) return true;
    return false;
  }

  /** The value at token `i` stands for a wanted column. */
  private found(i: number): void {
    const { tokens, variables } = this;
    const kind = tokens.kindAt(i);
    if (kind === KIND_PARAMETER) {
      const written = tokens.slice(i);
      this.places.found(this.offset + tokens.startOf(i));
      if (written.length > 1 && !/^\$\d/.test(written)) variables.find(written);
    } else if (kind === KIND_WORD || kind === KIND_QUOTED) variables.add(namePart(tokens, i));
    else this.span(tokens.startOf(i), tokens.endOf(i));
  }

  private span(start: number, end: number): void {
    this.spans.push({ start: this.offset + start, end: this.offset + Math.min(end, this.text.length) });
  }
}

const NO_TOKENS = new Lexer(rulesOf('generic')).tokens;
