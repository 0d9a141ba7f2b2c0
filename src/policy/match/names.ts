/** Matching of names: users, operations, tables. Case never matters; `*` and `?` are wildcards. */
import { globMatches, NO_BARRIER } from '../../base/glob.ts';
import { foldWidth } from './width.ts';

/** Results kept per matcher: names repeat from statement to statement. Longer ones are no names, but texts of errors. */
const REMEMBERED_MAX = 1024;
const REMEMBERED_CHARS_MAX = 256;

const DOT = 0x2e;

/** True when `pattern` has wildcards. */
export function isGlob(pattern: string): boolean {
  return pattern.includes('*') || pattern.includes('?');
}

/** Why `pattern` cannot be meant so, or `undefined`. */
export function globProblem(pattern: string): string | undefined {
  if (pattern === '') return 'empty name';
  if (/[[\]{}]/.test(pattern) && isGlob(pattern)) return `"${pattern}": only * and ? are wildcards, not brackets`;
  if (pattern.includes('**')) return `"${pattern}": ** means no more than *`;
  if (pattern !== pattern.trim()) return `"${pattern}" begins or ends with a space`;
  return undefined;
}

/**
 * A list of names and patterns. With `dotted`, `orders` also means `shop.orders`: a pattern is compared with as many
 * of the last parts of the name as it has itself, and wildcards stay within a part.
 */
export class NameMatcher {
  private readonly exact: ReadonlySet<string>;
  private readonly globs: readonly string[];
  private readonly dotted: boolean;
  private readonly remembered = new Map<string, boolean>();

  constructor(patterns: readonly string[], dotted: boolean) {
    const lower = patterns.map((pattern) => pattern.toLowerCase());
    this.exact = new Set(lower.filter((pattern) => !isGlob(pattern)));
    this.globs = lower.filter(isGlob);
    this.dotted = dotted;
  }

  test(name: string): boolean {
    const known = this.remembered.get(name);
    if (known !== undefined) return known;
    const verdict = this.judge(foldWidth(name).toLowerCase());
    if (name.length > REMEMBERED_CHARS_MAX) return verdict;
    if (this.remembered.size >= REMEMBERED_MAX) this.remembered.clear();
    this.remembered.set(name, verdict);
    return verdict;
  }

  private judge(name: string): boolean {
    if (this.judgeWhole(name)) return true;
    if (!this.dotted) return false;
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      if (this.judgeWhole(name.slice(dot + 1))) return true;
    }
    return false;
  }

  private judgeWhole(name: string): boolean {
    if (this.exact.has(name)) return true;
    const barrier = this.dotted ? DOT : NO_BARRIER;
    return this.globs.some((glob) => globMatches(name, glob, barrier));
  }
}
