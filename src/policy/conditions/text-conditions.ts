/** Conditions on the text of a statement: keywords (one pass for all rules) and regular expressions. */
import { isMap, type Node } from 'yaml';
import { KEYWORD_BYTES_MAX } from '../match/aho-corasick.ts';
import type { KeywordScanner, TextArea } from '../match/keywords.ts';
import { Regex } from '../match/regex.ts';
import { RegexError } from '../match/regex-parser.ts';
import { foldWidth } from '../match/width.ts';
import { type Argument, describeList, readValues } from './arguments.ts';
import { allOf, type Check, COST_KEYWORD, COST_REGEX, type Predicate } from './condition.ts';
import { type Definition, type JsonSchema, LIST_SCHEMA } from './definition.ts';
import { byteRange, type Facts, type Finding, KIND_STATEMENT, locate } from './facts.ts';

const AREAS: readonly TextArea[] = ['text', 'code'];
const AREA_DOC = 'in: text (as sent; default) or code (normalised: no literals, no comments, one space).';

function optionsSchema(main: string, value: JsonSchema): JsonSchema {
  return {
    anyOf: [
      value,
      {
        type: 'object',
        required: [main],
        additionalProperties: false,
        properties: { [main]: value, word: { type: 'boolean' }, in: { enum: AREAS } },
      },
    ],
  };
}

interface TextOptions {
  readonly main: Node;
  readonly word: boolean;
  readonly area: TextArea;
}

/** Reads the long form `{ <main>: …, word: …, in: … }` or the short one, which is `<main>` itself. */
function readOptions(
  { file, name, node }: Argument,
  main: string,
  allowed: readonly string[],
): TextOptions | undefined {
  if (!isMap(node)) return { main: node, word: true, area: 'text' };
  let mainNode: Node | undefined;
  let word = true;
  let area: TextArea = 'text';
  for (const entry of file.entries(node, `"${name}"`, allowed)) {
    if (entry.key === main) mainNode = entry.value;
    else if (entry.key === 'word') word = file.flag(entry.value, 'word') ?? word;
    else area = file.word(entry.value, 'in', AREAS) ?? area;
  }
  if (mainNode === undefined) {
    file.problem(node, `"${name}" needs "${main}"`);
    return undefined;
  }
  return { main: mainNode, word, area };
}

export const keyword: Definition = {
  doc: `Words in the statement, whole words unless word: false; case does not matter. ${AREA_DOC}`,
  schema: optionsSchema('words', LIST_SCHEMA),
  read(argument) {
    const options = readOptions(argument, 'words', ['words', 'word', 'in']);
    if (options === undefined) return undefined;
    const found: string[] = [];
    for (const value of readValues({ ...argument, node: options.main })) {
      if (value.text === '') value.file.problem(value.node, 'empty keyword');
      else if (Buffer.byteLength(value.text) > KEYWORD_BYTES_MAX)
        value.file.problem(value.node, `keyword longer than ${KEYWORD_BYTES_MAX} bytes`);
      else found.push(value.text);
    }
    return {
      expected: describeList(found),
      cost: COST_KEYWORD,
      kinds: KIND_STATEMENT,
      isFixed: options.area === 'code',
      build: ({ keywords }) => new KeywordCheck(keywords, found, options.word, options.area),
    };
  },
};

class KeywordCheck implements Check {
  private readonly scanner: KeywordScanner;
  private readonly area: TextArea;
  private readonly group: number;

  constructor(scanner: KeywordScanner, found: readonly string[], word: boolean, area: TextArea) {
    this.scanner = scanner;
    this.area = area;
    this.group = scanner.add(found, word, area);
  }

  test(facts: Facts): boolean {
    return this.scanner.holds(this.group, facts);
  }

  specialise(facts: Facts): Predicate | boolean {
    return specialiseGroup(this.scanner, this.group, facts);
  }

  find(facts: Facts): Finding | undefined {
    if (!this.test(facts)) return undefined;
    const { text, start, end } = this.scanner.firstHit(this.group);
    return this.area === 'text' ? { found: text, byteStart: start, byteEnd: end } : locate(facts, text, text);
  }
}

/** Words of the text: those outside its literals are the same in all statements of a template. */
function specialiseGroup(scanner: KeywordScanner, group: number, facts: Facts): Predicate | boolean {
  if (!scanner.isPlain(group)) return (asked) => scanner.holds(group, asked);
  if (scanner.holdsOutsideLiterals(group, facts)) return true;
  return facts.hasStrings() && ((asked) => scanner.holdsInStrings(group, asked));
}

export const regex: Definition = {
  doc: `A regular expression, linear in the text: no back-references, look-around or lazy quantifiers; case does not matter; looks at the first 16,384 characters. Slower than keyword: put a cheap condition beside it. ${AREA_DOC}`,
  schema: optionsSchema('pattern', { type: 'string' }),
  read(argument) {
    const { file } = argument;
    const options = readOptions(argument, 'pattern', ['pattern', 'in']);
    if (options === undefined) return undefined;
    const source = file.text(options.main, 'pattern');
    if (source === undefined) return undefined;
    const compiled = compileRegex(source);
    if (typeof compiled === 'string') {
      file.problem(options.main, `regular expression: ${compiled}`);
      return undefined;
    }
    return {
      expected: source,
      cost: COST_REGEX,
      kinds: KIND_STATEMENT,
      isFixed: options.area === 'code',
      build: ({ keywords }) => new RegexCheck(keywords, compiled, options.area),
    };
  },
};

function compileRegex(source: string): Regex | string {
  try {
    const compiled = new Regex(source);
    return compiled.search('') ? 'it matches an empty text, and so everything' : compiled;
  } catch (error) {
    if (error instanceof RegexError) return error.message;
    throw error;
  }
}

/** Runs the expression only over texts that have the words it needs, which the pass for all keywords finds on its way. */
class RegexCheck implements Check {
  private readonly scanner: KeywordScanner;
  private readonly regex: Regex;
  private readonly area: TextArea;
  private readonly groups: readonly number[];

  constructor(scanner: KeywordScanner, compiled: Regex, area: TextArea) {
    this.scanner = scanner;
    this.regex = compiled;
    this.area = area;
    this.groups = compiled.needed.map((words) => scanner.add(words, false, area));
  }

  test(facts: Facts): boolean {
    for (const group of this.groups) if (!this.scanner.holds(group, facts)) return false;
    const text = this.textOf(facts);
    return text !== undefined && this.regex.search(text);
  }

  specialise(facts: Facts): Predicate | boolean {
    const parts: Predicate[] = [];
    for (const group of this.groups) {
      const special = specialiseGroup(this.scanner, group, facts);
      if (special === false) return false;
      if (special !== true) parts.push(special);
    }
    parts.push(({ record: { text } }) => text !== undefined && this.regex.search(text));
    return allOf(parts);
  }

  find(facts: Facts): Finding | undefined {
    const text = this.textOf(facts);
    if (text === undefined || !this.test(facts)) return undefined;
    const { matchStart, matchEnd } = this.regex;
    const found = text.slice(matchStart, matchEnd);
    const sent = facts.record.text ?? text;
    return this.area === 'text' ? { found, ...byteRange(sent, matchStart, matchEnd) } : locate(facts, found, found);
  }

  private textOf(facts: Facts): string | undefined {
    const text = this.area === 'code' ? facts.code() : facts.record.text;
    return text === undefined ? undefined : foldWidth(text);
  }
}
