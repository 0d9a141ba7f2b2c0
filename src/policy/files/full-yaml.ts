/** YAML 1.2 to the letter, by the package `yaml`, which is loaded for the first file that needs it. */
import { createRequire } from 'node:module';
import type { Document, Pair, ParsedNode } from 'yaml';
import type { KeyNode, Node, PairNode } from './nodes.ts';

export interface YamlProblem {
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly reason: string;
}

export interface YamlReading {
  /** `undefined` after problems, and of a file without contents. */
  readonly root: Node | undefined;
  readonly problems: readonly YamlProblem[];
}

type Yaml = typeof import('yaml');
let loaded: Yaml | undefined;

/** Not imported: 70 modules, of which most runs need none (`simple-yaml.ts`), and files are read synchronously. */
function yaml(): Yaml {
  loaded ??= createRequire(import.meta.url)('yaml') as Yaml;
  return loaded;
}

export function readFullYaml(text: string): YamlReading {
  const { LineCounter, parseDocument } = yaml();
  const document: Document.Parsed<ParsedNode> = parseDocument(text, { lineCounter: new LineCounter() });
  const problems = document.errors.map((error) => ({
    line: error.linePos?.[0].line ?? 1,
    column: error.linePos?.[0].col ?? 1,
    reason: error.message.split('\n')[0]?.replace(/ at line .*$/, '') ?? '',
  }));
  return { root: problems.length === 0 && document.contents ? nodeOf(document.contents) : undefined, problems };
}

function nodeOf(parsed: ParsedNode): Node {
  const { isMap, isScalar, isSeq } = yaml();
  const place = placeOf(parsed);
  if (isMap(parsed)) return { kind: 'map', ...place, pairs: parsed.items.map(pairOf) };
  if (isSeq(parsed)) return { kind: 'seq', ...place, items: (parsed.items as ParsedNode[]).map(nodeOf) };
  if (!isScalar(parsed)) return { kind: 'alias', ...place };
  const { value, source } = parsed;
  const text = value === null ? undefined : typeof value === 'string' ? value : (source ?? String(value));
  return { kind: 'scalar', ...place, text, flag: typeof value === 'boolean' ? value : undefined };
}

function pairOf({ key, value }: Pair<unknown, unknown>): PairNode {
  return { key: keyOf(key), value: value === null ? undefined : nodeOf(value as ParsedNode) };
}

function keyOf(key: unknown): KeyNode | undefined {
  const { isScalar } = yaml();
  return isScalar(key) ? { ...placeOf(key as ParsedNode), text: String(key.value) } : undefined;
}

function placeOf({ range }: ParsedNode): { start: number; end: number } {
  const [start, end] = range;
  return { start, end };
}
