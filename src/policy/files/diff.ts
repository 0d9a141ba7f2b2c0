/** What changed from one policy to the next: rule by rule, and line by line of each file. */
import type { Policy } from '../policy.ts';
import type { Rule } from './policy-file.ts';

export interface RuleChange {
  readonly rule: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** Of a changed rule: which of its keys differ. */
  readonly keys: readonly string[];
}

export interface LineChange {
  readonly kind: 'same' | 'added' | 'removed';
  readonly text: string;
  /** From 1: of the old text for `removed`, of the new one else. */
  readonly line: number;
}

export interface FileChange {
  readonly file: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** Changed lines with some around them; `same` lines further away are left out. */
  readonly lines: readonly LineChange[];
}

export interface PolicyDiff {
  readonly rules: readonly RuleChange[];
  readonly files: readonly FileChange[];
}

/** Unchanged lines shown around a change. */
const CONTEXT_LINES = 3;
/** Lines that are compared with each other; a larger stretch counts as replaced whole. */
const COMPARED_LINES_MAX = 2000;

export function diffPolicies(before: Policy, after: Policy): PolicyDiff {
  return { rules: diffRules(before, after), files: diffFiles(before, after) };
}

function diffRules(before: Policy, after: Policy): readonly RuleChange[] {
  const old = new Map(before.rules.map((rule) => [rule.id, rule]));
  const next = new Map(after.rules.map((rule) => [rule.id, rule]));
  const changes: RuleChange[] = [];
  for (const [id, rule] of next) {
    const was = old.get(id);
    if (was === undefined) changes.push({ rule: id, change: 'added', keys: [] });
    else {
      const keys = changedKeys(was, rule);
      if (keys.length > 0) changes.push({ rule: id, change: 'changed', keys });
    }
  }
  for (const id of old.keys()) if (!next.has(id)) changes.push({ rule: id, change: 'removed', keys: [] });
  return changes;
}

/** Where things stand does not count. A long list counts by its first values and its length; the lines show the rest. */
function changedKeys(before: Rule, after: Rule): readonly string[] {
  const keys = Object.keys(after) as (keyof Rule)[];
  return keys.filter((key) => key !== 'file' && key !== 'line' && plain(before[key]) !== plain(after[key]));
}

function plain(value: unknown): string {
  return JSON.stringify(value, (key, inner) => (key === 'position' || key === 'line' ? undefined : inner)) ?? '';
}

function diffFiles(before: Policy, after: Policy): readonly FileChange[] {
  const old = new Map(before.sources.map(({ name, text }) => [baseOf(name), text]));
  const next = new Map(after.sources.map(({ name, text }) => [baseOf(name), text]));
  const changes: FileChange[] = [];
  for (const [file, text] of next) {
    const was = old.get(file);
    if (was === text) continue;
    const change = was === undefined ? 'added' : 'changed';
    changes.push({ file, change, lines: diffLines(was ?? '', text) });
  }
  for (const [file, text] of old)
    if (!next.has(file)) changes.push({ file, change: 'removed', lines: diffLines(text, '') });
  return changes;
}

/** A push and a folder name the same file differently. */
function baseOf(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

/** Longest common subsequence of what is left between the lines equal at both ends. */
export function diffLines(before: string, after: string): readonly LineChange[] {
  const a = linesOf(before);
  const b = linesOf(after);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const changes: LineChange[] = [];
  for (let i = 0; i < head; i++) changes.push({ kind: 'same', text: b[i] ?? '', line: i + 1 });
  diffMiddle(a, b, head, tail, changes);
  for (let i = b.length - tail; i < b.length; i++) changes.push({ kind: 'same', text: b[i] ?? '', line: i + 1 });
  return withContext(changes);
}

function linesOf(text: string): readonly string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function diffMiddle(a: readonly string[], b: readonly string[], head: number, tail: number, out: LineChange[]): void {
  const rows = a.length - tail - head;
  const columns = b.length - tail - head;
  const isCompared = rows <= COMPARED_LINES_MAX && columns <= COMPARED_LINES_MAX;
  const lengths = isCompared ? commonLengths(a, b, head, rows, columns) : undefined;
  let i = 0;
  let j = 0;
  while (i < rows || j < columns) {
    const isSame = lengths !== undefined && i < rows && j < columns && a[head + i] === b[head + j];
    const dropsOld =
      i < rows &&
      (j >= columns ||
        lengths === undefined ||
        lengthAt(lengths, columns, i + 1, j) >= lengthAt(lengths, columns, i, j + 1));
    if (isSame) out.push({ kind: 'same', text: b[head + j] ?? '', line: head + j + 1 });
    else if (dropsOld) out.push({ kind: 'removed', text: a[head + i] ?? '', line: head + i + 1 });
    else out.push({ kind: 'added', text: b[head + j] ?? '', line: head + j + 1 });
    if (isSame || dropsOld) i++;
    if (isSame || !dropsOld) j++;
  }
}

/** Length of the longest common subsequence of the lines from `i` and from `j` on, for all of them. */
function commonLengths(
  a: readonly string[],
  b: readonly string[],
  head: number,
  rows: number,
  columns: number,
): Uint16Array {
  const lengths = new Uint16Array((rows + 1) * (columns + 1));
  for (let i = rows - 1; i >= 0; i--) {
    for (let j = columns - 1; j >= 0; j--) {
      lengths[i * (columns + 1) + j] =
        a[head + i] === b[head + j]
          ? lengthAt(lengths, columns, i + 1, j + 1) + 1
          : Math.max(lengthAt(lengths, columns, i + 1, j), lengthAt(lengths, columns, i, j + 1));
    }
  }
  return lengths;
}

function lengthAt(lengths: Uint16Array, columns: number, i: number, j: number): number {
  return lengths[i * (columns + 1) + j] ?? 0;
}

function withContext(changes: readonly LineChange[]): readonly LineChange[] {
  const near = new Uint8Array(changes.length);
  for (const [i, { kind }] of changes.entries())
    if (kind !== 'same') near.fill(1, Math.max(0, i - CONTEXT_LINES), i + CONTEXT_LINES + 1);
  return changes.filter((_, i) => near[i] === 1);
}
