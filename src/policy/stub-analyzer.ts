/** A small stand-in for the SQL analysis, for the unit tests of this folder: enough for plain statements. */
import type { SqlAnalyzer, SqlStatement } from '../contracts/sql.ts';

const TOKEN = /'(?:[^']|'')*'|"[^"]*"|`[^`]*`|--[^\n]*|\/\*[\s\S]*?\*\/|[A-Za-z_@#][\w$#]*|\d+(?:\.\d+)?|\s+|[^\s]/g;
const NAME = /^["`]?[A-Za-z_@#]/;
const TWO_WORDS = new Set(['CREATE', 'ALTER', 'DROP', 'SET']);
const BEFORE_OBJECT = new Set(['FROM', 'JOIN', 'INTO', 'UPDATE', 'TABLE', 'TRUNCATE', 'COPY', 'ON']);
const WRITES = new Set(['INTO', 'UPDATE', 'TABLE', 'TRUNCATE']);
const NOT_NAMES = new Set(['OUTFILE', 'DUMPFILE', 'TABLE', 'SELECT', 'ONLY', 'SET', 'USER', 'ROLE']);

export const stubAnalyzer: SqlAnalyzer = {
  analyze(text) {
    const statements: SqlStatement[] = [];
    let tokens: string[] = [];
    let start = 0;
    let end = 0;
    const flush = (): void => {
      if (tokens.length > 0) statements.push(toStatement(tokens, start, end));
      tokens = [];
    };
    for (const match of text.matchAll(TOKEN)) {
      const token = match[0];
      if (token === ';') flush();
      else if (!/^(\s|--|\/\*)/.test(token)) {
        if (tokens.length === 0) start = match.index;
        end = match.index + token.length;
        tokens.push(token);
      }
    }
    flush();
    return statements;
  },
};

function toStatement(tokens: readonly string[], start: number, end: number): SqlStatement {
  const upper = tokens.map((token) => token.toUpperCase());
  const first = upper[0] ?? '';
  const second = (upper[1] === 'OR' ? upper[3] : upper[1]) ?? '';
  const operation = operationOf(first, second);
  const objects = new Set<string>();
  const written = new Set<string>();
  const functions = new Set<string>();
  for (let i = 0; i < tokens.length; i++) {
    const { name, next } = nameAt(tokens, i + 1);
    if (BEFORE_OBJECT.has(upper[i] ?? '') && name !== '' && !NOT_NAMES.has(name.toUpperCase())) {
      objects.add(name);
      if (WRITES.has(upper[i] ?? '') || first === 'DELETE') written.add(name);
    }
    if (name !== '' && tokens[next] === '(' && upper[i] !== 'INTO') functions.add(name);
  }
  const called = operation === 'CALL' || operation === 'EXECUTE' ? nameAt(tokens, 1).name : undefined;
  const columns = tokens.filter((token) => NAME.test(token)).map((token) => token.replace(/["`]/g, ''));
  const summary = upper.map((token) => (/^['\d]/.test(token) ? '?' : token)).join(' ');
  return {
    start,
    end,
    operation,
    operations: [operation],
    objects: [...objects],
    objectsWritten: [...written],
    columns,
    functions: [...functions],
    procedure: called,
    executes: undefined,
    summary,
    fingerprint: summary.length.toString(16).padStart(16, '0'),
    literals: [],
    secrets: [],
    tags: undefined,
    effect: undefined,
    template: undefined,
  };
}

function operationOf(first: string, second: string): string {
  if (first === 'EXEC') return 'EXECUTE';
  if (first === 'SET' && second !== 'ROLE' && second !== 'PASSWORD') return 'SET';
  return TWO_WORDS.has(first) ? `${first} ${second}` : first;
}

/** A name with its dots from `at` on, without quotes; empty when there is none. */
function nameAt(tokens: readonly string[], at: number): { name: string; next: number } {
  let name = '';
  let next = at;
  while (next < tokens.length && NAME.test(tokens[next] ?? '')) {
    name += (tokens[next] ?? '').replace(/["`]/g, '');
    next++;
    while (tokens[next] === '.') {
      name += '.';
      next++;
    }
    if (!name.endsWith('.')) break;
  }
  return { name, next };
}
