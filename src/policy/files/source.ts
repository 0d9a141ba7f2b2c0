/** Reads policy files as YAML nodes, so that every complaint can name file, line and column. */

import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  type Scalar,
} from 'yaml';
import { UserError } from '../../base/errors.ts';

export interface PolicySource {
  /** Name in messages and explanations. */
  readonly name: string;
  readonly text: string;
  /** The user named this file itself, so `enabled: false` does not leave it out. */
  readonly named?: boolean;
}

export interface PolicyProblem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly reason: string;
}

/** A policy that is refused. The message is one line: the first problem, and how many more there are. */
export class PolicyError extends UserError {
  override readonly name = 'PolicyError';
  readonly problems: readonly PolicyProblem[];
  constructor(problems: readonly PolicyProblem[]) {
    const first = problems[0];
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
    super(first === undefined ? 'broken policy' : formatProblem(first) + more);
    this.problems = problems;
  }
}

export function formatProblem(problem: PolicyProblem): string {
  return `${problem.file}:${problem.line}:${problem.column}: ${problem.reason}`;
}

export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Entry {
  readonly key: string;
  readonly keyNode: Node;
  readonly value: Node;
}

const POLICY_FILE_CHARS_MAX: number = 4 * 1024 * 1024;
const PROBLEMS_MAX = 100;
const WRITTEN_CHARS_MAX = 200;

/** One file: its nodes, and the problems found in them. */
export class PolicyFile {
  readonly source: PolicySource;
  readonly root: Node | undefined;
  private readonly lines = new LineCounter();
  private readonly problems: PolicyProblem[];

  constructor(source: PolicySource, problems: PolicyProblem[]) {
    this.source = source;
    this.problems = problems;
    if (source.text.length > POLICY_FILE_CHARS_MAX) {
      this.root = undefined;
      this.report({ line: 1, column: 1 }, `larger than ${POLICY_FILE_CHARS_MAX} characters`);
      return;
    }
    const document: Document.Parsed<ParsedNode> = parseDocument(source.text, { lineCounter: this.lines });
    for (const error of document.errors) {
      const at = error.linePos?.[0];
      this.report(
        { line: at?.line ?? 1, column: at?.col ?? 1 },
        error.message.split('\n')[0]?.replace(/ at line .*$/, '') ?? '',
      );
    }
    this.root = document.errors.length === 0 ? (document.contents ?? undefined) : undefined;
    if (document.errors.length === 0 && this.root === undefined)
      this.report({ line: 1, column: 1 }, 'the file is empty');
  }

  problem(node: Node, reason: string): void {
    this.report(this.position(node), reason);
  }

  position(node: Node): Position {
    const at = this.lines.linePos(node.range?.[0] ?? 0);
    return { line: at.line, column: at.col };
  }

  /** The node as it stands in the file, on one line. */
  written(node: Node): string {
    const [start, end] = node.range ?? [0, 0];
    const text = this.source.text.slice(start, end).replace(/\s+/g, ' ').trim();
    return text.length > WRITTEN_CHARS_MAX ? `${text.slice(0, WRITTEN_CHARS_MAX)}…` : text;
  }

  /** Entries of a mapping. Complains about anything else, and about keys that are not in `allowed`. */
  entries(node: Node, what: string, allowed: readonly string[] | undefined): readonly Entry[] {
    if (!isMap(node)) {
      this.problem(node, `${what} must be a mapping (key: value)`);
      return [];
    }
    const entries: Entry[] = [];
    for (const pair of node.items) {
      if (!isScalar(pair.key)) {
        this.problem(node, `${what}: keys must be plain words`);
        continue;
      }
      const keyNode: Scalar = pair.key;
      const key = String(keyNode.value);
      if (allowed !== undefined && !allowed.includes(key))
        this.problem(keyNode, unknownWord(`key "${key}" in ${what}`, key, allowed));
      else if (pair.value === null) this.problem(keyNode, `"${key}" has no value`);
      else entries.push({ key, keyNode, value: pair.value as Node });
    }
    return entries;
  }

  items(node: Node, what: string): readonly Node[] {
    if (isSeq(node)) return node.items as Node[];
    this.problem(node, `${what} must be a list`);
    return [];
  }

  /** A scalar as it is written, so that `0123` and `1045` stay names. `undefined` after a complaint. */
  text(node: Node, what: string): string | undefined {
    if (isScalar(node) && node.value !== null)
      return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
    if (isAlias(node)) this.problem(node, 'YAML aliases are not supported; name a set and refer to it as $name');
    else this.problem(node, isScalar(node) ? `${what} is empty` : `${what} must be one value`);
    return undefined;
  }

  /** One of `words`, or `undefined` after a complaint. */
  word<W extends string>(node: Node, what: string, words: readonly W[]): W | undefined {
    const text = this.text(node, what);
    const found = words.find((word) => word === text);
    if (text !== undefined && found === undefined) this.problem(node, unknownWord(`${what} "${text}"`, text, words));
    return found;
  }

  flag(node: Node, what: string): boolean | undefined {
    if (isScalar(node) && typeof node.value === 'boolean') return node.value;
    this.problem(node, `${what} must be true or false`);
    return undefined;
  }

  private report(position: Position, reason: string): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push({ file: this.source.name, ...position, reason });
  }
}

function unknownWord(what: string, word: string, known: readonly string[]): string {
  const near = known.find(
    (candidate) => distance(word.toLowerCase(), candidate) <= Math.min(2, Math.floor(candidate.length / 3)),
  );
  if (near !== undefined) return `unknown ${what}; did you mean "${near}"?`;
  return `unknown ${what}; known: ${known.join(', ')}`;
}

/** Levenshtein distance, for short words. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
