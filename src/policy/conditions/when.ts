/** Reads a rule's `when`: a mapping of conditions that must all hold, with `all`, `any` and `not` to combine them. */
import { isMap, type Node } from 'yaml';
import type { Entry, PolicyFile } from '../files/source.ts';
import type { Sets } from './arguments.ts';
import { type Condition, kindsOf } from './condition.ts';
import { CONDITIONS } from './conditions.ts';

const DEPTH_MAX = 16;
const KEYS: readonly string[] = ['all', 'any', 'not', ...Object.keys(CONDITIONS)];

/** `undefined` when there was a complaint that leaves nothing to judge by. */
export function readWhen(file: PolicyFile, node: Node, sets: Sets, depth = 0): Condition | undefined {
  if (depth > DEPTH_MAX) {
    file.problem(node, `conditions nested deeper than ${DEPTH_MAX}`);
    return undefined;
  }
  const entries = file.entries(node, depth === 0 ? '"when"' : 'a condition', KEYS);
  if (entries.length === 0 && isMap(node)) file.problem(node, 'no conditions: it would match every record');
  const parts = entries.map((entry) => readEntry(file, entry, sets, depth)).filter((part) => part !== undefined);
  if (parts.length === 0) return undefined;
  const condition: Condition = parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: 'all', parts };
  if (parts.length === entries.length && kindsOf(condition) === 0 && parts.every((part) => kindsOf(part) !== 0))
    file.problem(node, 'can never match: its conditions are about different kinds of records');
  return condition;
}

function readEntry(file: PolicyFile, entry: Entry, sets: Sets, depth: number): Condition | undefined {
  if (entry.key === 'not') {
    const part = readWhen(file, entry.value, sets, depth + 1);
    return part === undefined ? undefined : { kind: 'not', part };
  }
  if (entry.key === 'all' || entry.key === 'any') {
    const items = file.items(entry.value, `"${entry.key}"`);
    if (items.length === 0) file.problem(entry.value, `"${entry.key}" is empty`);
    const parts = items.map((item) => readWhen(file, item, sets, depth + 1)).filter((part) => part !== undefined);
    return parts.length === 0 ? undefined : { kind: entry.key, parts };
  }
  const definition = CONDITIONS[entry.key];
  const leaf = definition?.read({ file, name: entry.key, node: entry.value, sets });
  return leaf && { kind: 'leaf', name: entry.key, position: file.position(entry.keyNode), ...leaf };
}
