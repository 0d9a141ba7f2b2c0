/** Matching of names: users, operations, tables. Case never matters; `*` and `?` are wildcards. */

import { foldWidth } from './width.ts';

/** Results kept per matcher: names repeat from statement to statement. */
const REMEMBERED_MAX = 1024;

const DOT = 0x2e;
const STAR = 0x2a;
const QUESTION = 0x3f;

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
 * Wildcard match of the whole `text`. `barrier` is a character code that wildcards do not cross, -1 for none. Goes back
 * to the last `*` only, so it costs at most pattern × text.
 */
export function globMatches(pattern: string, text: string, barrier: number): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    const code = p < pattern.length ? pattern.charCodeAt(p) : -1;
    if (code === STAR) {
      star = p++;
      resume = t;
    } else if (code === text.charCodeAt(t) || (code === QUESTION && text.charCodeAt(t) !== barrier)) {
      p++;
      t++;
    } else if (star >= 0 && text.charCodeAt(resume) !== barrier) {
      t = ++resume;
      p = star + 1;
    } else {
      return false;
    }
  }
  while (p < pattern.length && pattern.charCodeAt(p) === STAR) p++;
  return p === pattern.length;
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
    const barrier = this.dotted ? DOT : -1;
    return this.globs.some((glob) => globMatches(glob, name, barrier));
  }
}
