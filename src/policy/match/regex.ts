/**
 * Regular expressions in time linear in the text: Thompson's construction, simulated ("Regular expression search
 * algorithm", CACM 11(6), 1968). The engine of JavaScript backtracks, so hostile SQL could stop the sensor with it.
 *
 * Case never matters. Supported: characters, `.`, `[a-z]`, `\d \w \s` and their opposites, `\b \B ^ $`, groups, `|`,
 * `* + ? {n,m}`. Not supported, and refused: back-references, look-around, lazy quantifiers.
 */
import { type NeededWords, neededWords } from './regex-literals.ts';
import { parseRegex, RegexError, type RegexNode } from './regex-parser.ts';

const OP_SET = 0;
const OP_SPLIT = 1;
const OP_JUMP = 2;
const OP_ASSERT = 3;
const OP_MATCH = 4;

export const REGEX_PROGRAM_MAX = 512;
const NON_ASCII = 128;
const COMPILED_NODES_MAX = 10_000;
/** UTF-16 units of a text that are looked at: bounds what one statement may cost. */
export const REGEX_TEXT_MAX = 16_384;

type Assertion = 'start' | 'end' | 'word' | 'not-word';

export class Regex {
  /** Range of the last match found by `search`, in UTF-16 units. */
  matchStart = 0;
  matchEnd = 0;
  /** A text without one word of each group, case aside, has no match. */
  readonly needed: NeededWords;
  private readonly ops: number[] = [];
  private readonly first: number[] = [];
  private readonly second: number[] = [];
  private readonly sets: CharSet[] = [];
  private readonly assertions: Assertion[] = [];
  /** Threads in order of priority: instruction and where it began. `marks` holds the step an instruction was added in. */
  private current: ThreadList;
  private next: ThreadList;
  private readonly marks: Int32Array;
  private readonly stack: Int32Array;
  /** By folded ASCII code, and one place for all others: 1 when a match may begin with it. */
  private readonly starts: Uint8Array = new Uint8Array(NON_ASCII + 1);
  private step = 0;
  private compiled = 0;

  /** Throws `RegexError` when the source is not understood or too large. */
  constructor(source: string) {
    const tree = parseRegex(source);
    this.needed = neededWords(tree);
    this.compile(tree);
    this.emit(OP_MATCH, 0, 0);
    this.findStarts();
    const size = this.ops.length;
    this.current = new ThreadList(size);
    this.next = new ThreadList(size);
    this.marks = new Int32Array(size).fill(-1);
    this.stack = new Int32Array(size * 2 + 2);
  }

  /** Finds the match that ends first in the first `REGEX_TEXT_MAX` units; its range is in `matchStart`, `matchEnd`. */
  search(text: string): boolean {
    const end = Math.min(text.length, REGEX_TEXT_MAX);
    this.step = 0;
    this.marks.fill(-1);
    this.current.size = 0;
    for (let at = 0; at <= end; at++) {
      if (this.current.size === 0) {
        const from = at;
        at = this.skipTo(text, at, end);
        // An assertion that failed before the leap may hold behind it: what is marked must be asked again.
        if (at !== from) this.step++;
      }
      if (this.follow(this.current, 0, at, text, at)) return this.found(at);
      if (at === end) return false;
      this.step++;
      this.next.size = 0;
      const code = foldCode(text.charCodeAt(at));
      for (let i = 0; i < this.current.size; i++) {
        const pc = this.current.pcs[i] as number;
        const set = this.sets[this.first[pc] as number];
        if (set === undefined || !set.has(code)) continue;
        if (this.follow(this.next, pc + 1, this.current.starts[i] as number, text, at + 1)) return this.found(at + 1);
      }
      const swap = this.current;
      this.current = this.next;
      this.next = swap;
    }
    return false;
  }

  /** The next place where a match may begin, or `end`. */
  private skipTo(text: string, from: number, end: number): number {
    let at = from;
    while (at < end && this.starts[Math.min(foldCode(text.charCodeAt(at)), NON_ASCII)] === 0) at++;
    return at;
  }

  /** Marks the characters a match may begin with; all of them when it may be empty. Assertions are taken to hold. */
  private findStarts(): void {
    const pending = [0];
    for (const pc of pending) {
      const op = this.ops[pc];
      const next = op === OP_ASSERT ? pc + 1 : (this.first[pc] as number);
      if (op === OP_MATCH) this.starts.fill(1);
      else if (op === OP_SET) {
        const set = this.sets[this.first[pc] as number];
        for (let code = 0; code < NON_ASCII; code++) if (set?.has(code) === true) this.starts[code] = 1;
        this.starts[NON_ASCII] = 1;
      } else {
        if (!pending.includes(next)) pending.push(next);
        if (op === OP_SPLIT && !pending.includes(this.second[pc] as number)) pending.push(this.second[pc] as number);
      }
    }
  }

  private found(end: number): true {
    this.matchEnd = end;
    return true;
  }

  /** Adds `pc` and all that is reached from it without a character. True when that is the end of the expression. */
  private follow(list: ThreadList, pc: number, start: number, text: string, at: number): boolean {
    let depth = 0;
    this.stack[depth++] = pc;
    while (depth > 0) {
      const top = this.stack[--depth] as number;
      if (this.marks[top] === this.step) continue;
      this.marks[top] = this.step;
      switch (this.ops[top]) {
        case OP_MATCH:
          this.matchStart = start;
          return true;
        case OP_JUMP:
          this.stack[depth++] = this.first[top] as number;
          break;
        case OP_SPLIT:
          this.stack[depth++] = this.second[top] as number;
          this.stack[depth++] = this.first[top] as number;
          break;
        case OP_ASSERT:
          if (holds(this.assertions[this.first[top] as number], text, at)) this.stack[depth++] = top + 1;
          break;
        default:
          list.push(top, start);
      }
    }
    return false;
  }

  private emit(op: number, first: number, second: number): number {
    if (this.ops.length >= REGEX_PROGRAM_MAX) throw new RegexError('the expression is too large');
    this.first.push(first);
    this.second.push(second);
    return this.ops.push(op) - 1;
  }

  private compile(node: RegexNode): void {
    // Bounded apart from the program: repeated empty groups emit nothing.
    if (++this.compiled > COMPILED_NODES_MAX) throw new RegexError('the expression is too large');
    switch (node.kind) {
      case 'set':
        this.emit(OP_SET, this.sets.push(new CharSet(node.ranges, node.negated)) - 1, 0);
        break;
      case 'assert':
        this.emit(OP_ASSERT, this.assertions.push(node.assertion) - 1, 0);
        break;
      case 'sequence':
        for (const part of node.parts) this.compile(part);
        break;
      case 'either': {
        const split = this.emit(OP_SPLIT, this.ops.length + 1, 0);
        this.compile(node.left);
        const jump = this.emit(OP_JUMP, 0, 0);
        this.second[split] = this.ops.length;
        this.compile(node.right);
        this.first[jump] = this.ops.length;
        break;
      }
      case 'repeat':
        this.repeat(node.part, node.min, node.max);
        break;
    }
  }

  private repeat(part: RegexNode, min: number, max: number): void {
    for (let i = 0; i < min; i++) this.compile(part);
    if (max === Number.POSITIVE_INFINITY) {
      const split = this.emit(OP_SPLIT, this.ops.length + 1, 0);
      this.compile(part);
      this.emit(OP_JUMP, split, 0);
      this.second[split] = this.ops.length;
      return;
    }
    const splits: number[] = [];
    for (let i = min; i < max; i++) {
      splits.push(this.emit(OP_SPLIT, this.ops.length + 1, 0));
      this.compile(part);
    }
    for (const split of splits) this.second[split] = this.ops.length;
  }
}

class ThreadList {
  size = 0;
  readonly pcs: Int32Array;
  readonly starts: Int32Array;
  constructor(capacity: number) {
    this.pcs = new Int32Array(capacity);
    this.starts = new Int32Array(capacity);
  }
  push(pc: number, start: number): void {
    this.pcs[this.size] = pc;
    this.starts[this.size++] = start;
  }
}

/** Characters by ranges `[first, last]` of folded codes; a bitmap for ASCII. */
class CharSet {
  private readonly ascii = new Uint8Array(128);
  private readonly ranges: readonly (readonly [number, number])[];
  private readonly negated: boolean;
  constructor(ranges: readonly (readonly [number, number])[], negated: boolean) {
    this.ranges = ranges;
    this.negated = negated;
    for (const [first, last] of ranges)
      for (let code = first; code <= Math.min(last, 127); code++) this.ascii[foldCode(code)] = 1;
  }
  has(code: number): boolean {
    const inside =
      code < 128 ? this.ascii[code] === 1 : this.ranges.some(([first, last]) => first <= code && code <= last);
    return inside !== this.negated;
  }
}

/** ASCII capitals to small letters; other letters as they are. */
function foldCode(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
}

function holds(assertion: Assertion | undefined, text: string, at: number): boolean {
  switch (assertion) {
    case 'start':
      return at === 0;
    case 'end':
      return at === text.length;
    default: {
      const boundary = isWordUnit(text, at - 1) !== isWordUnit(text, at);
      return boundary === (assertion === 'word');
    }
  }
}

function isWordUnit(text: string, at: number): boolean {
  if (at < 0 || at >= text.length) return false;
  const code = foldCode(text.charCodeAt(at));
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x5f;
}
