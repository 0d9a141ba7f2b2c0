/**
 * The YAML that policies are written in: block mappings and lists, flow collections, plain and quoted words on one line,
 * folded texts, comments. Anything else, and anything doubtful, is left to the full reader (`full-yaml.ts`), which must
 * give the same tree for all that is read here. Those of this project take
 * 2.5 ms here and 80 there, loading included, which was a third of a replay's start.
 */
import type { KeyNode, MapNode, Node, PairNode, ScalarNode, SeqNode } from './nodes.ts';

const DEPTH_MAX = 32;

/** Characters that mean the same everywhere: no tabs, carriage returns or marks of byte order. */
const DOUBTFUL = /[^\n -~\u00a1-\u2027\u202a-\ud7ff]/;
const BLANK_LINES = /(?: *(?:#[^\n]*)?\n)*/y;
const INDENT = / */y;
const LINE_END = /(?: +#[^\n]*| *)(?:\n|$)/y;
const KEY = /([A-Za-z_][\w./-]*):(?=[ \n])/y;
const ITEM = /- +(?=[^ #\n])/y;
/** Begins with nothing that has a meaning of its own. */
const PLAIN_IN_BLOCK = /(?:[\w./$(+<=^~;\\\u00a1-\ud7ff]|-(?=\w))[^\n]*/y;
const PLAIN_IN_FLOW = /(?:[\w./$(+<=^~;\\\u00a1-\ud7ff]|-(?=\w))[^\n,[\]{}]*/y;
const SINGLE_QUOTED = /'((?:[^'\n]|'')*)'/y;
const DOUBLE_QUOTED = /"((?:[^"\\\n]|\\["\\/nt])*)"/y;
const BLOCK_SCALAR = /([|>])(-?)\n/y;
const FLOW_SPACE = /(?:(?<=\s)#[^\n]*| )+/y;

const NULL = /^(?:~|null|Null|NULL)$/;
const TRUE = /^(?:true|True|TRUE)$/;
const FALSE = /^(?:false|False|FALSE)$/;
const COMMENT_BEHIND = / +#.*$/;
/** A mapping where a word was expected. */
const COLON = /:(?: |$)/;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t' };

/** The tree, or `undefined` when the text is not as simple as that, or has no contents. */
export function readSimpleYaml(text: string): Node | undefined {
  if (DOUBTFUL.test(text) || !text.endsWith('\n')) return undefined;
  return new SimpleYaml(text).read();
}

/** Its methods return `undefined` when they meet what is not simple. */
class SimpleYaml {
  private readonly text: string;
  private pos = 0;
  /** Spaces before `pos`, where a line begins. */
  private indent = 0;
  private depth = 0;

  constructor(text: string) {
    this.text = text;
  }

  read(): Node | undefined {
    if (!this.nextLine()) return undefined;
    const root = this.block();
    return this.pos === this.text.length ? root : undefined;
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.pos;
    const found = pattern.exec(this.text);
    if (found !== null) this.pos += found[0].length;
    return found;
  }

  /** From the beginning of a line to the next that says something; false when there is none. */
  private nextLine(): boolean {
    this.match(BLANK_LINES);
    this.indent = this.match(INDENT)?.[0].length ?? 0;
    return this.pos < this.text.length;
  }

  private block(): Node | undefined {
    if (++this.depth > DEPTH_MAX) return undefined;
    const isList = this.text.startsWith('- ', this.pos);
    const node = isList ? this.blockList(this.indent) : this.blockMap(this.indent);
    this.depth--;
    return node;
  }

  private blockMap(indent: number): MapNode | undefined {
    const start = this.pos;
    let end = start;
    const pairs: PairNode[] = [];
    const names = new Set<string>();
    do {
      const key = this.key(names);
      if (key === undefined) return undefined;
      const value = this.blockValue(indent);
      if (value === undefined) return undefined;
      pairs.push({ key, value });
      end = value.end;
    } while (this.pos < this.text.length && this.indent === indent);
    return this.indent > indent ? undefined : { kind: 'map', start, end, pairs };
  }

  /** What is no plain word, or would be read as something else than a word, is not simple. */
  private key(names: Set<string>): KeyNode | undefined {
    const start = this.pos;
    const word = this.match(KEY)?.[1];
    if (word === undefined || names.has(word) || NULL.test(word) || TRUE.test(word) || FALSE.test(word))
      return undefined;
    names.add(word);
    return { start, end: start + word.length, text: word };
  }

  /** What stands behind a key; afterwards `pos` is in the next line that says something. */
  private blockValue(indent: number): Node | undefined {
    if (this.match(LINE_END) === null) {
      this.match(INDENT);
      return this.lineValue(indent);
    }
    if (!this.nextLine() || this.indent < indent) return undefined;
    const isList = this.text.startsWith('- ', this.pos);
    if (this.indent === indent && !isList) return undefined;
    return isList || this.isAtKey() ? this.block() : this.lineValue(indent);
  }

  private blockList(indent: number): SeqNode | undefined {
    const start = this.pos;
    let end = start;
    const items: Node[] = [];
    do {
      const dash = this.match(ITEM);
      if (dash === null) break;
      const item = this.listItem(indent, indent + dash[0].length);
      if (item === undefined) return undefined;
      items.push(item);
      end = item.end;
    } while (this.pos < this.text.length && this.indent === indent);
    return this.indent > indent || items.length === 0 ? undefined : { kind: 'seq', start, end, items };
  }

  private isAtKey(): boolean {
    KEY.lastIndex = this.pos;
    return KEY.test(this.text);
  }

  private listItem(indent: number, column: number): Node | undefined {
    if (!this.isAtKey()) return this.lineValue(indent);
    if (++this.depth > DEPTH_MAX) return undefined;
    const map = this.blockMap(column);
    this.depth--;
    return map;
  }

  /** A value that begins in this line, to the end of its last line. */
  private lineValue(indent: number): Node | undefined {
    const start = this.pos;
    const first = this.text[start];
    let node: Node | undefined;
    if (first === '>' || first === '|') node = this.blockScalar(indent);
    else {
      node = this.collection(indent) ?? this.quoted();
      if (node === undefined) {
        if (this.pos !== start) return undefined;
        node = this.plain(PLAIN_IN_BLOCK);
      }
      if (node === undefined || this.match(LINE_END) === null) return undefined;
    }
    this.nextLine();
    return node;
  }

  /** Lines of one indentation, without an empty one among them. */
  private blockScalar(indent: number): ScalarNode | undefined {
    const start = this.pos;
    const [, style, chomp] = this.match(BLOCK_SCALAR) ?? [];
    if (style === undefined) return undefined;
    const within = this.match(INDENT)?.[0].length ?? 0;
    if (within <= indent) return undefined;
    const line = new RegExp(`${' '.repeat(within)}([^ \\n][^\\n]*)\\n`, 'y');
    this.pos -= within;
    const lines: string[] = [];
    for (let found = this.match(line); found !== null; found = this.match(line)) lines.push(found[1] ?? '');
    const end = this.pos;
    this.nextLine();
    if (lines.length === 0 || lines.some((text) => text.endsWith(' ')) || this.indent > indent) return undefined;
    this.pos = end;
    const text = lines.join(style === '>' ? ' ' : '\n') + (chomp === '-' ? '' : '\n');
    return { kind: 'scalar', start, end, text, flag: undefined };
  }

  /** `undefined` with `pos` unmoved when no collection begins here. */
  private collection(indent: number): Node | undefined {
    const first = this.text[this.pos];
    if (first !== '[' && first !== '{') return undefined;
    if (++this.depth > DEPTH_MAX) return undefined;
    const start = this.pos++;
    const node = first === '[' ? this.flowList(start, indent) : this.flowMap(start, indent);
    this.depth--;
    return node;
  }

  private flowList(start: number, indent: number): SeqNode | undefined {
    const items: Node[] = [];
    while (this.flowSpace(indent) && this.text[this.pos] !== ']') {
      const item = this.flowValue(indent);
      if (item === undefined || !this.flowComma(indent, ']')) return undefined;
      items.push(item);
    }
    return this.text[this.pos++] === ']' ? { kind: 'seq', start, end: this.pos, items } : undefined;
  }

  private flowMap(start: number, indent: number): MapNode | undefined {
    const pairs: PairNode[] = [];
    const names = new Set<string>();
    while (this.flowSpace(indent) && this.text[this.pos] !== '}') {
      const key = this.key(names);
      if (key === undefined || !this.flowSpace(indent)) return undefined;
      const value = this.flowValue(indent);
      if (value === undefined || !this.flowComma(indent, '}')) return undefined;
      pairs.push({ key, value });
    }
    return this.text[this.pos++] === '}' ? { kind: 'map', start, end: this.pos, pairs } : undefined;
  }

  private flowValue(indent: number): Node | undefined {
    const start = this.pos;
    const node = this.collection(indent) ?? this.quoted();
    return node === undefined && this.pos === start ? this.plain(PLAIN_IN_FLOW) : node;
  }

  /** Behind a value: past the comma, or before the end of the collection. */
  private flowComma(indent: number, close: string): boolean {
    if (!this.flowSpace(indent)) return false;
    if (this.text[this.pos] !== ',') return this.text[this.pos] === close;
    this.pos++;
    return true;
  }

  /** Past spaces, comments and line ends; to the end of the text when a line is not indented as it must be in a block. */
  private flowSpace(indent: number): boolean {
    this.match(FLOW_SPACE);
    if (this.text[this.pos] !== '\n') return true;
    this.pos++;
    if (this.nextLine() && this.indent > indent) return true;
    this.pos = this.text.length;
    return false;
  }

  private quoted(): ScalarNode | undefined {
    const start = this.pos;
    const single = this.match(SINGLE_QUOTED)?.[1];
    if (single !== undefined) return this.words(start, single.replaceAll("''", "'"));
    const double = this.match(DOUBLE_QUOTED)?.[1];
    if (double === undefined) return undefined;
    return this.words(
      start,
      double.replace(/\\(.)/g, (_, escaped: string) => ESCAPES[escaped] ?? escaped),
    );
  }

  private words(start: number, text: string): ScalarNode {
    return { kind: 'scalar', start, end: this.pos, text, flag: undefined };
  }

  private plain(pattern: RegExp): ScalarNode | undefined {
    const start = this.pos;
    const found = this.match(pattern)?.[0];
    if (found === undefined) return undefined;
    const text = found.replace(COMMENT_BEHIND, '').trimEnd();
    if (COLON.test(text)) return undefined;
    const end = start + text.length;
    this.pos = end;
    const flag = TRUE.test(text) ? true : FALSE.test(text) ? false : undefined;
    return { kind: 'scalar', start, end, text: NULL.test(text) ? undefined : text, flag };
  }
}
