/** Words without which a regular expression cannot match: the keyword automaton looks for them before it is run. */
import type { RegexNode } from './regex-parser.ts';

/** Groups of alternatives, in lower case: a match contains at least one word of every group. */
export type NeededWords = readonly (readonly string[])[];

/** Alternatives of one group at most, and characters of one word that are looked for. */
const WORDS_MAX = 32;
const WORD_CHARS_MAX = 32;
/** Shorter ones are in nearly every statement. */
const WORD_CHARS_MIN = 2;

/** ASCII only: other letters have several forms that the automaton and the expression fold differently. */
export function neededWords(node: RegexNode): NeededWords {
  return groupsOf(node).filter((group) => group.every((word) => word.length >= WORD_CHARS_MIN));
}

/** What a node's matches are, when they are few: all their texts. `undefined` when they are not. */
function textsOf(node: RegexNode): readonly string[] | undefined {
  switch (node.kind) {
    case 'assert':
      return [''];
    case 'set': {
      const [range] = node.ranges;
      const isOne = !node.negated && node.ranges.length === 1 && range !== undefined && range[0] === range[1];
      return isOne && range[0] < 128 ? [String.fromCharCode(range[0]).toLowerCase()] : undefined;
    }
    case 'either': {
      const left = textsOf(node.left);
      const right = textsOf(node.right);
      return left && right && left.length + right.length <= WORDS_MAX ? [...left, ...right] : undefined;
    }
    case 'repeat':
      return node.min === 1 && node.max === 1 ? textsOf(node.part) : undefined;
    case 'sequence': {
      let texts: readonly string[] = [''];
      for (const part of node.parts) {
        const next = textsOf(part);
        const joined = next && join(texts, next);
        if (joined === undefined) return undefined;
        texts = joined;
      }
      return texts;
    }
  }
}

/** Every text of `heads` followed by every one of `tails`; `undefined` when they are too many or too long. */
function join(heads: readonly string[], tails: readonly string[]): readonly string[] | undefined {
  if (heads.length * tails.length > WORDS_MAX) return undefined;
  const joined = heads.flatMap((head) => tails.map((tail) => head + tail));
  return joined.every((text) => text.length <= WORD_CHARS_MAX) ? joined : undefined;
}

function groupsOf(node: RegexNode): NeededWords {
  switch (node.kind) {
    case 'assert':
      return [];
    case 'set':
      return group(textsOf(node));
    case 'repeat':
      return node.min === 0 ? [] : groupsOf(node.part);
    case 'either': {
      // One group of each branch together: a match has a word of either.
      const left = rarest(groupsOf(node.left));
      const right = rarest(groupsOf(node.right));
      return left && right && left.length + right.length <= WORDS_MAX ? [[...left, ...right]] : [];
    }
    case 'sequence':
      return groupsOfSequence(node.parts);
  }
}

/** Neighbours whose texts are known are joined; what stands between them asks for its own words. */
function groupsOfSequence(parts: readonly RegexNode[]): NeededWords {
  const groups: (readonly string[])[] = [];
  let texts: readonly string[] = [''];
  for (const part of parts) {
    const next = textsOf(part);
    const joined = next && join(texts, next);
    if (joined !== undefined) {
      texts = joined;
      continue;
    }
    groups.push(...group(texts));
    texts = next?.every((text) => text.length <= WORD_CHARS_MAX) ? next : [''];
    if (next === undefined) groups.push(...groupsOf(part));
  }
  return [...groups, ...group(texts)];
}

function group(texts: readonly string[] | undefined): NeededWords {
  return texts === undefined || texts.includes('') ? [] : [[...new Set(texts)]];
}

/** The group whose shortest word is longest. */
function rarest(groups: NeededWords): readonly string[] | undefined {
  let best: readonly string[] | undefined;
  let bestChars = 0;
  for (const words of groups) {
    const chars = Math.min(...words.map((word) => word.length));
    if (chars > bestChars) {
      best = words;
      bestChars = chars;
    }
  }
  return best;
}
