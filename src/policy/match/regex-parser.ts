/** Parses the source of a regular expression into a tree; see `regex.ts` for what is supported. */

export type RegexNode =
  | { readonly kind: 'set'; readonly ranges: readonly CodeRange[]; readonly negated: boolean }
  | { readonly kind: 'assert'; readonly assertion: 'start' | 'end' | 'word' | 'not-word' }
  | { readonly kind: 'sequence'; readonly parts: readonly RegexNode[] }
  | { readonly kind: 'either'; readonly left: RegexNode; readonly right: RegexNode }
  | { readonly kind: 'repeat'; readonly part: RegexNode; readonly min: number; readonly max: number };

export type CodeRange = readonly [first: number, last: number];

export class RegexError extends Error {}

/** Far more than a program of `REGEX_PROGRAM_MAX` instructions needs; bounds the recursion over alternatives. */
const SOURCE_CHARS_MAX = 4096;
const DEPTH_MAX = 32;
const REPEAT_MAX = 100;
const TOP_CODE = 0xffff;

const CLASSES: Readonly<Record<string, readonly CodeRange[]>> = {
  d: [[0x30, 0x39]],
  w: [
    [0x30, 0x39],
    [0x41, 0x5a],
    [0x5f, 0x5f],
    [0x61, 0x7a],
  ],
  s: [
    [0x09, 0x0d],
    [0x20, 0x20],
    [0xa0, 0xa0],
    [0x2000, 0x200a],
    [0x2028, 0x2029],
    [0x3000, 0x3000],
  ],
};
const CONTROLS: Readonly<Record<string, number>> = { n: 0x0a, r: 0x0d, t: 0x09, f: 0x0c, v: 0x0b, '0': 0 };

/** Throws `RegexError`. */
export function parseRegex(source: string): RegexNode {
  if (source.length > SOURCE_CHARS_MAX) throw new RegexError(`longer than ${SOURCE_CHARS_MAX} characters`);
  const parser = new Parser(source);
  const node = parser.either(0);
  if (!parser.atEnd()) throw new RegexError('")" without "("');
  return node;
}

class Parser {
  private readonly source: string;
  private at = 0;

  constructor(source: string) {
    this.source = source;
  }

  atEnd(): boolean {
    return this.at >= this.source.length;
  }

  either(depth: number): RegexNode {
    if (depth > DEPTH_MAX) throw new RegexError(`groups deeper than ${DEPTH_MAX}`);
    const left = this.sequence(depth);
    if (!this.take('|')) return left;
    const branches = [left, this.sequence(depth)];
    while (this.take('|')) branches.push(this.sequence(depth));
    return branches.reduceRight((right, branch) => ({ kind: 'either', left: branch, right }));
  }

  private sequence(depth: number): RegexNode {
    const parts: RegexNode[] = [];
    while (!this.atEnd() && this.peek() !== '|' && this.peek() !== ')') parts.push(this.repeated(depth));
    return { kind: 'sequence', parts };
  }

  private repeated(depth: number): RegexNode {
    const part = this.atom(depth);
    const bounds = this.bounds();
    if (bounds === undefined) return part;
    if (this.peek() === '?') throw new RegexError('lazy quantifiers are not supported');
    if (this.bounds() !== undefined) throw new RegexError('two quantifiers in a row');
    return { kind: 'repeat', part, min: bounds[0], max: bounds[1] };
  }

  private bounds(): readonly [number, number] | undefined {
    if (this.take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.take('?')) return [0, 1];
    const braces = /^\{([0-9]{1,3})(?:(,)([0-9]{0,3}))?\}/.exec(this.source.slice(this.at, this.at + 10));
    if (braces === null) return undefined;
    this.at += braces[0].length;
    const min = Number(braces[1]);
    const max = braces[2] === undefined ? min : braces[3] === '' ? Number.POSITIVE_INFINITY : Number(braces[3]);
    if (min > REPEAT_MAX || (max !== Number.POSITIVE_INFINITY && max > REPEAT_MAX) || min > max)
      throw new RegexError(`${braces[0]}: bounds must rise and be at most ${REPEAT_MAX}`);
    return [min, max];
  }

  private atom(depth: number): RegexNode {
    const char = this.next();
    switch (char) {
      case '(':
        return this.group(depth);
      case '[':
        return this.bracket();
      case '\\':
        return this.escape();
      case '.':
        return { kind: 'set', ranges: [[0x0a, 0x0a]], negated: true };
      case '^':
        return { kind: 'assert', assertion: 'start' };
      case '$':
        return { kind: 'assert', assertion: 'end' };
      case '*':
      case '+':
      case '?':
        throw new RegexError(`nothing before "${char}"`);
      default:
        return single(char.charCodeAt(0));
    }
  }

  private group(depth: number): RegexNode {
    if (this.take('?') && !this.take(':')) throw new RegexError('look-around and named groups are not supported');
    const node = this.either(depth + 1);
    if (!this.take(')')) throw new RegexError('"(" without ")"');
    return node;
  }

  private escape(): RegexNode {
    if (this.atEnd()) throw new RegexError('a backslash at the end');
    const char = this.next();
    if (char === 'b' || char === 'B') return { kind: 'assert', assertion: char === 'b' ? 'word' : 'not-word' };
    const ranges = CLASSES[char.toLowerCase()];
    if (ranges !== undefined) return { kind: 'set', ranges, negated: char !== char.toLowerCase() };
    return single(this.escapedCode(char));
  }

  private escapedCode(char: string): number {
    if (/[1-9]/.test(char)) throw new RegexError(`\\${char}: back-references are not supported`);
    if (char === 'x' || char === 'u') {
      const digits = this.source.slice(this.at, this.at + (char === 'x' ? 2 : 4));
      if (!/^([0-9a-fA-F]{2}){1,2}$/.test(digits)) throw new RegexError(`\\${char} without its hexadecimal digits`);
      this.at += digits.length;
      return Number.parseInt(digits, 16);
    }
    const control = CONTROLS[char];
    if (control !== undefined) return control;
    if (/[A-Za-z]/.test(char)) throw new RegexError(`unknown escape \\${char}`);
    return char.charCodeAt(0);
  }

  private bracket(): RegexNode {
    const negated = this.take('^');
    const ranges: CodeRange[] = [];
    while (!this.take(']')) {
      if (this.atEnd()) throw new RegexError('"[" without "]"');
      this.bracketItem(ranges);
    }
    if (ranges.length === 0) throw new RegexError('empty brackets');
    return { kind: 'set', ranges, negated };
  }

  private bracketItem(ranges: CodeRange[]): void {
    const first = this.bracketCode(ranges);
    if (first < 0) return;
    if (this.peek() !== '-' || this.source[this.at + 1] === ']') {
      ranges.push([first, first]);
      return;
    }
    this.at++;
    const last = this.bracketCode(ranges);
    if (last < first) throw new RegexError('a range in brackets that does not rise');
    ranges.push([first, last]);
  }

  /** The code of one character, or -1 when it was a class, which is added to `ranges`. */
  private bracketCode(ranges: CodeRange[]): number {
    if (this.atEnd()) throw new RegexError('"[" without "]"');
    const char = this.next();
    if (char !== '\\') return char.charCodeAt(0);
    if (this.atEnd()) throw new RegexError('a backslash at the end');
    const escaped = this.next();
    const ranged = CLASSES[escaped.toLowerCase()];
    if (ranged === undefined) return this.escapedCode(escaped);
    ranges.push(...(escaped === escaped.toLowerCase() ? ranged : opposite(ranged)));
    return -1;
  }

  private peek(): string {
    return this.source[this.at] ?? '';
  }

  private next(): string {
    return this.source[this.at++] ?? '';
  }

  private take(char: string): boolean {
    if (this.peek() !== char) return false;
    this.at++;
    return true;
  }
}

function single(code: number): RegexNode {
  return { kind: 'set', ranges: [[code, code]], negated: false };
}

/** What rising, disjoint ranges leave out. */
function opposite(ranges: readonly CodeRange[]): CodeRange[] {
  const left: CodeRange[] = [];
  let next = 0;
  for (const [first, last] of ranges) {
    if (first > next) left.push([next, first - 1]);
    next = last + 1;
  }
  left.push([next, TOP_CODE]);
  return left;
}
