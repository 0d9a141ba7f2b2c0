/**
 * Texts seen before but for their plain literals: the second, faster memory of the analysis, before any token is made.
 *
 * A template is a text with its plain literals left out (`template-scan.ts`). Everything else is compared character by
 * character, spaces and case included (`template-tree.ts`). Two texts of one template therefore differ inside literals
 * only, and a lexer finds the same tokens in both: none of those contents can end a literal early, or go on behind it.
 * A text becomes a template only when the lexer found the very same literals in it.
 */
import { SQL_TEMPLATES_MAX, type SqlStatement, type TextSpan } from '../contracts/sql.ts';
import type { Codes } from './codes.ts';
import type { DialectRules } from './dialects.ts';
import { ScannedText } from './template-scan.ts';
import { TemplateBytes, TemplateTree } from './template-tree.ts';

/** Bytes of code that all templates together may hold. */
const CODE_BYTES_MAX = 1024 * 1024;

export class TemplateCache {
  private readonly trees = new Map<DialectRules, TemplateTree>();
  private readonly store = new TemplateBytes(CODE_BYTES_MAX);
  /** The text looked for last. */
  private readonly text: ScannedText;
  private isLoaded = false;
  private count = 0;
  /** Connections of one dialect come one after another. */
  private rules: DialectRules | undefined = undefined;
  private tree: TemplateTree = new TemplateTree(this.store);

  /** For texts that are loaded into `codes`. */
  constructor(codes: Codes) {
    this.text = new ScannedText(codes);
  }

  /** The analysis of the loaded text, if its template is known. */
  find(rules: DialectRules): SqlStatement | undefined {
    const { text } = this;
    this.isLoaded = text.load();
    if (!this.isLoaded) return undefined;
    const entry = this.treeOf(rules).find(text);
    if (entry === undefined) return undefined;
    const { statement } = entry;
    return {
      start: statement.start,
      end: text.length - (entry.length - statement.end),
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
      literals: text.literals(),
      secrets: statement.secrets,
      tags: undefined,
      effect: undefined,
      template: statement.template,
    };
  }

  /**
   * Keeps the analysis of the text that `find` was asked for last and did not know. The caller has made sure that it
   * is the only statement of the text, and depends on none of its literals. Where there is no room all are forgotten:
   * those in use are back soon.
   */
  add(rules: DialectRules, statement: SqlStatement): void {
    const { text } = this;
    if (!this.isLoaded || !text.scan(rules) || !this.agrees(statement.literals)) return;
    if (this.count === SQL_TEMPLATES_MAX) this.forgetAll();
    const entry = { length: text.length, statement: { ...statement, literals: [], template: { slot: this.count } } };
    if (this.treeOf(rules).add(text, entry)) this.count++;
    else this.forgetAll();
  }

  private treeOf(rules: DialectRules): TemplateTree {
    if (rules === this.rules) return this.tree;
    let tree = this.trees.get(rules);
    if (tree === undefined) {
      tree = new TemplateTree(this.store);
      this.trees.set(rules, tree);
    }
    this.rules = rules;
    this.tree = tree;
    return tree;
  }

  private forgetAll(): void {
    this.trees.clear();
    this.rules = undefined;
    this.store.used = 0;
    this.count = 0;
  }

  private agrees(literals: readonly TextSpan[]): boolean {
    const { spans, words } = this.text;
    if (literals.length * 2 !== words) return false;
    return literals.every(({ start, end }, i) => spans[2 * i] === start && spans[2 * i + 1] === end);
  }
}
