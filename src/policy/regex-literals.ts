/**
 * Literals that a regular expression cannot do without: every match contains one of them. The keyword automaton looks
 * for them, in the pass that it makes anyway, and the expression itself is asked only where it found one.
 */
import type { RegexNode } from './regex-parser.ts';

/** Literals of one expression; more of them give way to a shorter list. */
const LITERALS_MAX = 32;
const LITERAL_LENGTH_MAX = 32;
/** Shorter ones are found in most texts. */
const LITERAL_LENGTH_MIN = 3;
const ASCII_MAX = 0x7f;

/** What is known of the texts a part of the expression matches. */
interface Known {
  /** All of them, when they are few. */
  readonly exact: readonly string[] | undefined;
  /** One of these is in each of them. */
  readonly required: readonly string[] | undefined;
}

const NOTHING: Known = { exact: undefined, required: undefined };
const EMPTY: Known = { exact: [''], required: undefined };

/** ASCII literals, small letters, one of which is in every match, whatever its case; `undefined` when there are none. */
export function requiredLiterals(expression: RegexNode): readonly string[] | undefined {
  const required = requiredOf(knownOf(expression));
  return required !== undefined && shortest(required) >= LITERAL_LENGTH_MIN ? required : undefined;
}

function knownOf(node: RegexNode): Known {
  switch (node.kind) {
    case 'assert':
      return EMPTY;
    case 'set':
      return node.negated ? NOTHING : { exact: charactersOf(node.ranges), required: undefined };
    case 'sequence':
      return sequence(node.parts.map(knownOf));
    case 'either':
      return either(knownOf(node.left), knownOf(node.right));
    case 'repeat': {
      const part = knownOf(node.part);
      if (node.min === 1 && node.max === 1) return part;
      if (node.min > 0) return { exact: undefined, required: requiredOf(part) };
      const isOptional = node.max === 1 && part.exact !== undefined;
      return isOptional ? { exact: limited(['', ...(part.exact ?? [])]), required: undefined } : NOTHING;
    }
  }
}

function charactersOf(ranges: readonly (readonly [number, number])[]): readonly string[] | undefined {
  const found = new Set<string>();
  for (const [first, last] of ranges) {
    if (last > ASCII_MAX) return undefined;
    for (let code = first; code <= last; code++) found.add(String.fromCharCode(code).toLowerCase());
  }
  return limited([...found]);
}

function sequence(parts: readonly Known[]): Known {
  let required: readonly string[] | undefined;
  let run: readonly string[] = [''];
  let isExact = true;
  for (const part of parts) {
    const joined = part.exact && limited(run.flatMap((head) => (part.exact ?? []).map((tail) => head + tail)));
    if (joined !== undefined) {
      run = joined;
      continue;
    }
    isExact = false;
    required = better(required, better(run, requiredOf(part)));
    run = part.exact ?? [''];
  }
  return { exact: isExact ? run : undefined, required: better(required, run) };
}

function either(left: Known, right: Known): Known {
  const exact = left.exact && right.exact && limited([...left.exact, ...right.exact]);
  const [a, b] = [requiredOf(left), requiredOf(right)];
  return { exact, required: a && b && limited([...a, ...b]) };
}

function requiredOf({ exact, required }: Known): readonly string[] | undefined {
  return better(required, exact);
}

/** The list whose shortest literal is longer; the shorter list of two alike. */
function better(a: readonly string[] | undefined, b: readonly string[] | undefined): readonly string[] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const difference = shortest(a) - shortest(b);
  return difference > 0 || (difference === 0 && a.length <= b.length) ? a : b;
}

function shortest(literals: readonly string[]): number {
  return literals.reduce((length, literal) => Math.min(length, literal.length), Number.POSITIVE_INFINITY);
}

function limited(literals: readonly string[]): readonly string[] | undefined {
  const isSmall = literals.length <= LITERALS_MAX && literals.every((text) => text.length <= LITERAL_LENGTH_MAX);
  return isSmall ? [...new Set(literals)] : undefined;
}
