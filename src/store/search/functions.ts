/** The comparisons of a query that SQLite cannot make itself, as functions of its SQL. All give 0 for NULL. */
import type Database from 'better-sqlite3';
import { decodeText } from '../../base/text.ts';
import { addressPredicate, globMatches, parseAddress } from '../../query/match.ts';
import { ByteWriter, cursorOver } from '../segment/bytes.ts';
import { readTextForm } from '../segment/delta.ts';
import {
  FUNCTION_GLOB,
  FUNCTION_GLOB_LIST,
  FUNCTION_NETWORK,
  FUNCTION_OBJECT,
  FUNCTION_POLICY,
  FUNCTION_TEXT,
} from './compile.ts';

/** Used again by every call: it holds nothing between two. */
const SCRATCH = new ByteWriter(4096);

/** Registers the functions on a connection. `referenceOf` gives the reference text of a row of `shape`. */
export function registerFunctions(
  db: Database.Database,
  referenceOf: (shapeRow: number) => Uint8Array | undefined,
): void {
  const networks = new Map<string, (address: string) => boolean>();
  const options = { deterministic: true };
  db.function(FUNCTION_GLOB, options, (value: unknown, pattern: string) => Number(matches(value, pattern)));
  db.function(FUNCTION_GLOB_LIST, options, (list: unknown, pattern: string) =>
    Number(textList(list).some((item) => matches(item, pattern))),
  );
  db.function(FUNCTION_OBJECT, options, (list: unknown, pattern: string) =>
    Number(textList(list).some((item) => objectMatches(item, pattern))),
  );
  db.function(FUNCTION_POLICY, options, (policy: unknown, field: string, pattern: string) =>
    Number(policyMatches(policy, field, pattern)),
  );
  db.function(FUNCTION_NETWORK, options, (address: unknown, range: string) => {
    let predicate = networks.get(range);
    if (predicate === undefined) {
      const parsed = parseAddress(range);
      predicate = parsed === undefined ? () => false : addressPredicate(parsed);
      networks.set(range, predicate);
    }
    return Number(typeof address === 'string' && predicate(address));
  });
  db.function(FUNCTION_TEXT, options, (body: unknown, shapeRow: number, needle: string) => {
    if (!(body instanceof Uint8Array)) return 0;
    const bytes = readTextForm(cursorOver(body), referenceOf(shapeRow), SCRATCH);
    if (bytes === undefined) return 0;
    return Number(decodeText(bytes, 0, bytes.length, 'utf8').toLowerCase().includes(needle));
  });
}

/** `pattern` as `compile.ts` writes it: `*` and a pattern, or `=` and a literal; lower case. */
function matches(value: unknown, pattern: string): boolean {
  if (typeof value !== 'string') return false;
  const lower = value.toLowerCase();
  const wanted = pattern.slice(1);
  return pattern.startsWith('*') ? globMatches(lower, wanted) : lower === wanted;
}

/** `orders` finds `public.orders` too; `public.orders` finds only itself. */
function objectMatches(name: string, pattern: string): boolean {
  if (matches(name, pattern)) return true;
  const dot = name.lastIndexOf('.');
  return dot >= 0 && matches(name.slice(dot + 1), pattern);
}

function policyMatches(policy: unknown, field: string, pattern: string): boolean {
  const list = parseList(policy);
  return list.some(
    (match) => typeof match === 'object' && match !== null && matches(Reflect.get(match, field), pattern),
  );
}

function textList(value: unknown): string[] {
  return parseList(value).filter((item) => typeof item === 'string');
}

/** The array in a JSON text; empty when there is none (a damaged row matches nothing). */
export function parseList(value: unknown): unknown[] {
  if (typeof value !== 'string') return [];
  try {
    const parsed: unknown = JSON.parse(value);
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return []; // SyntaxError: not JSON
  }
}
