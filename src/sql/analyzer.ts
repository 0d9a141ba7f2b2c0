/**
 * The SQL analysis: text in, one `SqlStatement` per statement out (`contracts/sql.ts`).
 *
 * A text known but for its plain literals is not even lexed (`templates.ts`). Else a statement is lexed, looked up by its
 * shape (its tokens with the literals left out), and only walked and summarised when that shape is new or its meaning
 * lies in a literal. Templates and shapes are compared in full, never by hash alone.
 *
 * Limits: `TOKENS_MAX` tokens per statement (the rest is one literal, `…` ends the summary), `STATEMENTS_MAX` statements
 * per text (the rest is one statement `UNKNOWN`), both counted. What it is not: a parser. It does not resolve names,
 * does not evaluate expressions, and sees SQL inside strings only where `embedded.ts` says.
 */
import type { Counters } from '../base/counters.ts';
import type { SqlAnalyzer, SqlDialect, SqlStatement, TextSpan } from '../contracts/sql.ts';
import { Assignments, budgetFor, type CodeBudget } from './assembled.ts';
import { BODY_RULES, type DialectRules, rulesOf } from './dialects.ts';
import { codeText, EMBEDDED_DEPTH_MAX, mergeCode } from './embedded.ts';
import { Facts, NO_NAMES } from './facts.ts';
import { Lexer } from './lexer.ts';
import { Query } from './query.ts';
import { findSecrets } from './secrets.ts';
import { type Shape, ShapeCache } from './shapes.ts';
import { walkStatements } from './statement.ts';
import { Summarizer } from './summary.ts';
import { mayHoldTags, readTags } from './tags.ts';
import { TemplateCache } from './templates.ts';
import { KIND_DOUBLE_STRING, type Tokens } from './tokens.ts';

/** Statements per text. */
export const STATEMENTS_MAX = 16_384;

/** An analyzer that says how it fares: `statements`, `templates_known`, `shapes_known`, `shapes_new`,
 * `statements_cut`, `texts_cut`. */
export interface CountingAnalyzer extends SqlAnalyzer {
  readonly counters: Counters;
}

/** A new analyzer; it reuses its buffers from text to text and keeps none of a text. */
export function createAnalyzer(): CountingAnalyzer {
  return new Analyzer(0);
}

class Analyzer implements CountingAnalyzer {
  readonly counters: Counters = {
    statements: 0,
    shapes_known: 0,
    shapes_new: 0,
    statements_cut: 0,
    texts_cut: 0,
    templates_known: 0,
  };
  private readonly lexer = new Lexer(rulesOf('generic'), true);
  private readonly facts = new Facts(this.lexer.tokens);
  private readonly query = new Query(this.lexer.tokens, this.facts);
  private readonly summarizer = new Summarizer();
  private readonly shapes = new ShapeCache();
  private readonly templates = new TemplateCache(this.lexer.tokens.codes);
  /** The statement read last may be remembered by its template. */
  private isPlain = false;

  /** How many literals this analyzer's texts stand inside. */
  private readonly depth: number;
  private inner: Analyzer | undefined = undefined;
  /** Of the text being analysed, once code in it was asked for. */
  private assignments: Assignments | undefined = undefined;
  private budget: CodeBudget = budgetFor('');

  constructor(depth: number) {
    this.depth = depth;
  }

  analyze(text: string, dialect: SqlDialect): readonly SqlStatement[] {
    return this.analyzeBy(text, rulesOf(dialect));
  }

  private analyzeBy(text: string, rules: DialectRules): readonly SqlStatement[] {
    const { lexer, counters, templates } = this;
    lexer.open(text, rules);
    const known = templates.find(rules);
    if (known !== undefined) {
      lexer.close();
      counters['statements'] = (counters['statements'] as number) + 1;
      counters['templates_known'] = (counters['templates_known'] as number) + 1;
      return [known];
    }
    const out: SqlStatement[] = [];
    this.assignments = undefined;
    if (this.depth === 0) this.budget = budgetFor(text);
    while (!lexer.atEnd()) {
      if (out.length === STATEMENTS_MAX) {
        counters['texts_cut'] = (counters['texts_cut'] as number) + 1;
        out.push(uncounted(lexer.position(), text.length));
        break;
      }
      lexer.next();
      if (lexer.tokens.count > 0) out.push(this.statement(text, rules));
      else if (lexer.comments.count > 0) this.lateTags(text, out);
    }
    const only = out[0];
    if (only === undefined) out.push(empty(text.length));
    else if (out.length === 1 && this.isPlain) templates.add(rules, only);
    lexer.close();
    this.assignments = undefined;
    counters['statements'] = (counters['statements'] as number) + out.length;
    return out;
  }

  private statement(text: string, rules: DialectRules): SqlStatement {
    const { lexer, shapes, counters } = this;
    let shape = shapes.find(lexer.tokens, lexer.shapeHash, rules);
    // Of a known shape nothing but secrets and comments depends on more than its tokens; what EXECUTE runs is for others.
    this.isPlain =
      shape !== undefined && shape.secrets.length === 0 && shape.executes === undefined && lexer.comments.count === 0;
    if (shape === undefined) {
      counters['shapes_new'] = (counters['shapes_new'] as number) + 1;
      shape = this.shape(rules);
    } else counters['shapes_known'] = (counters['shapes_known'] as number) + 1;
    const { cutAt } = lexer;
    const literals = lexer.literals.list(
      cutAt < 0 ? undefined : { start: cutAt, end: Math.min(lexer.end, text.length) },
    );
    return {
      start: lexer.start,
      end: lexer.end,
      operation: shape.operation,
      operations: shape.operations,
      objects: shape.objects,
      objectsWritten: shape.objectsWritten,
      columns: shape.columns,
      functions: shape.functions,
      procedure: shape.procedure,
      executes: shape.executes,
      summary: shape.summary,
      fingerprint: shape.fingerprint,
      literals,
      secrets: this.secrets(text, shape),
      tags: lexer.comments.count > 0 ? this.tags(text, undefined) : undefined,
      effect: shape.effect,
      template: undefined,
    };
  }

  private shape(rules: DialectRules): Shape {
    const { lexer, summarizer, counters } = this;
    const { tokens } = lexer;
    const { facts } = this;
    walkStatements(this.query, rules);
    const secrets = findSecrets(tokens);
    const innerSecrets = facts.code.length > 0 ? this.embedded(tokens, facts, rules) : NO_SPANS;
    const isCut = lexer.cutAt >= 0;
    if (isCut) counters['statements_cut'] = (counters['statements_cut'] as number) + 1;
    const summary = summarizer.summarize(tokens, isCut, secrets);
    const shape: Shape = {
      operation: facts.operation,
      operations: facts.operations(),
      objects: facts.objects(),
      objectsWritten: facts.objectsWritten(),
      columns: facts.columns.list(),
      functions: facts.functions.list(),
      procedure: facts.procedure,
      executes: facts.executes,
      effect: facts.effect,
      secrets,
      innerSecrets,
      summary,
      fingerprint: summarizer.fingerprint(),
    };
    if (!facts.readsLiterals && !this.mayNameByString(facts.operation) && !isCut && facts.effect === undefined)
      this.shapes.add(tokens, lexer.shapeHash, rules, shape);
    facts.reset();
    return shape;
  }

  /** Outside queries any double-quoted string may be a name, so its content matters. */
  private mayNameByString(operation: string | undefined): boolean {
    if (operation !== undefined && QUERIES.has(operation)) return false;
    const { kind, count } = this.lexer.tokens;
    for (let i = 0; i < count; i++) if (kind[i] === KIND_DOUBLE_STRING) return true;
    return false;
  }

  /** Follows the literals that hold SQL; gives the secrets in them. */
  private embedded(tokens: Tokens, facts: Facts, rules: DialectRules): readonly TextSpan[] {
    const spans: TextSpan[] = [];
    if (this.depth >= EMBEDDED_DEPTH_MAX) return spans;
    this.inner ??= new Analyzer(this.depth + 1);
    this.assignments ??= new Assignments(tokens.text, rules, this.budget);
    for (const code of facts.code) {
      if (this.budget.left <= 0) break;
      const known = codeText(tokens, code, this.assignments);
      if (known === undefined) continue;
      const { text, start } = known;
      if (start < 0) this.budget.left -= text.length;
      this.inner.budget = this.budget;
      if (facts.effect?.kind === 'prepare') facts.effect = { ...facts.effect, text: facts.effect.text ?? text };
      mergeCode(this.inner.analyzeBy(text, code.isBlock ? BODY_RULES : rules), tokens, code, start, facts, spans);
    }
    return spans;
  }

  private secrets(text: string, shape: Shape): readonly TextSpan[] {
    const { tokens, cutAt, end } = this.lexer;
    if (shape.secrets.length === 0 && shape.innerSecrets.length === 0 && cutAt < 0) return NO_SPANS;
    let spans: TextSpan[] = shape.secrets.map((i) => ({ start: tokens.startOf(i), end: tokens.endOf(i) }));
    if (shape.innerSecrets.length > 0) spans = disjoint(spans.concat(shape.innerSecrets));
    if (cutAt >= 0 && /password|passwd|pwd|identified|secret|connection|credential/i.test(text.slice(cutAt, end))) {
      spans.push({ start: cutAt, end });
    }
    return spans;
  }

  private tags(text: string, into: Map<string, string> | undefined): Map<string, string> | undefined {
    let tags = into;
    for (const { start, end } of this.lexer.comments.list(undefined))
      if (mayHoldTags(text, start, end)) tags = readTags(text, start, end, tags);
    return tags;
  }

  /** A comment behind the last separator speaks of the statement before it. */
  private lateTags(text: string, out: SqlStatement[]): void {
    const last = out.pop();
    if (last === undefined) return;
    const tags = this.tags(text, last.tags === undefined ? undefined : new Map(last.tags));
    out.push({ ...last, tags });
  }
}

/** Spans in order, without those that begin inside another. */
function disjoint(spans: TextSpan[]): TextSpan[] {
  spans.sort((a, b) => a.start - b.start || b.end - a.end);
  let end = -1;
  return spans.filter((span) => {
    if (span.start < end) return false;
    end = span.end;
    return true;
  });
}

const QUERIES: ReadonlySet<string> = new Set(['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'REPLACE']);
const NO_SPANS: readonly TextSpan[] = [];

function empty(end: number): SqlStatement {
  return {
    start: 0,
    end,
    operation: undefined,
    operations: NO_NAMES,
    objects: NO_NAMES,
    objectsWritten: NO_NAMES,
    columns: NO_NAMES,
    functions: NO_NAMES,
    procedure: undefined,
    executes: undefined,
    summary: '',
    fingerprint: EMPTY_FINGERPRINT,
    literals: NO_SPANS,
    secrets: NO_SPANS,
    tags: undefined,
    effect: undefined,
    template: undefined,
  };
}

/** The rest of a text with too many statements: all of it is withheld as a literal and secret. */
function uncounted(start: number, end: number): SqlStatement {
  const spans = [{ start, end }];
  return {
    ...empty(end),
    start,
    operation: 'UNKNOWN',
    operations: ['UNKNOWN'],
    summary: '\u2026',
    literals: spans,
    secrets: spans,
  };
}

const EMPTY_FINGERPRINT = '0000000000000000';
