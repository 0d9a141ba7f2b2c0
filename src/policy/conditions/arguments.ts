/** Reads what stands behind a condition's key: lists with sets, names, networks, numbers. */
import { isSeq, type Node } from 'yaml';
import type { PolicyFile } from '../files/source.ts';
import { globProblem } from '../match/names.ts';

/** One value of a list, and where to complain about it: sets may come from another file. */
export interface Value {
  readonly text: string;
  readonly file: PolicyFile;
  readonly node: Node;
}

export type Sets = ReadonlyMap<string, readonly Value[]>;

/** What a condition is read from. */
export interface Argument {
  readonly file: PolicyFile;
  /** The condition's key. */
  readonly name: string;
  readonly node: Node;
  readonly sets: Sets;
}

const LIST_VALUES_MAX = 20_000;

/** The values of a list, or of a single value; `$name` stands for a set, `$$x` for `$x`. Never empty unless it complained. */
export function readValues({ file, name, node, sets }: Argument): readonly Value[] {
  const values: Value[] = [];
  for (const item of isSeq(node) ? (node.items as Node[]) : [node]) {
    const text = file.text(item, `"${name}"`);
    if (text === undefined) continue;
    if (!text.startsWith('$') || text.startsWith('$$')) {
      values.push({ text: text.startsWith('$$') ? text.slice(1) : text, file, node: item });
      continue;
    }
    const set = sets.get(text.slice(1));
    if (set === undefined) file.problem(item, `unknown set ${text}; known: ${[...sets.keys()].join(', ') || 'none'}`);
    else values.push(...set);
  }
  if (values.length > LIST_VALUES_MAX) file.problem(node, `"${name}": more than ${LIST_VALUES_MAX} values`);
  if (isSeq(node) && node.items.length === 0) file.problem(node, `"${name}": the list is empty, so nothing can match`);
  return values;
}

/** Names and patterns. Complains about patterns that cannot be meant so. */
export function readNames(argument: Argument): readonly string[] {
  const names: string[] = [];
  for (const value of readValues(argument)) {
    const problem = globProblem(value.text);
    if (problem !== undefined) value.file.problem(value.node, problem);
    else names.push(value.text);
  }
  return names;
}

/** Values through `parse`, which returns a complaint as text. */
export function readParsed<T>(argument: Argument, parse: (text: string) => T | string): readonly T[] {
  const parsed: T[] = [];
  for (const value of readValues(argument)) {
    const result = parse(value.text);
    if (typeof result === 'string') value.file.problem(value.node, result);
    else parsed.push(result);
  }
  return parsed;
}

/** Words out of a fixed list, single or several. */
export function readWords<W extends string>(argument: Argument, words: readonly W[]): readonly W[] {
  const { file, name, node } = argument;
  const nodes = isSeq(node) ? (node.items as Node[]) : [node];
  if (nodes.length === 0) file.problem(node, `"${name}": the list is empty, so nothing can match`);
  return nodes.map((item) => file.word(item, name, words)).filter((word) => word !== undefined);
}

/** A list as people read it. */
export function describeList(values: readonly string[]): string {
  const shown = values.slice(0, 5).join(', ');
  return values.length > 5 ? `${shown}, … (${values.length})` : shown;
}
