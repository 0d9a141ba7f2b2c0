/**
 * Templates of one dialect as a tree of their bytes: texts that begin alike share the way, and a literal is one step
 * of it. A text is looked up in one pass, what is no literal eight bytes at a time, and compared in full by that.
 */
import type { SqlStatement } from '../contracts/sql.ts';
import { literalEnd, MEANING_DIGIT, MEANING_STRING, meaningOf, type ScannedText } from './template-scan.ts';

/** What is kept of a template. */
export interface TemplateEntry {
  /** Length of the text that it was made of. */
  readonly length: number;
  readonly statement: SqlStatement;
}

/** Bytes of all templates, as far as they are not shared; when they are used up, all trees are forgotten. */
export class TemplateBytes {
  readonly bytes: Uint8Array;
  readonly data: DataView;
  used = 0;

  constructor(sizeBytes: number) {
    this.bytes = new Uint8Array(sizeBytes);
    this.data = new DataView(this.bytes.buffer);
  }

  /** Copies `from[start, end)`. Returns where it lies; -1 when there is no room. */
  put(from: Uint8Array, start: number, end: number): number {
    const at = this.used;
    if (at + end - start > this.bytes.length) return -1;
    this.bytes.set(from.subarray(start, end), at);
    this.used = at + end - start;
    return at;
  }
}

/** Code that follows what led here: `bytes[start, end)` of the tree's store. What may follow hangs on it. */
class Node {
  start: number;
  end: number;
  /** Its end lies in a word or a quoted name, where no literal begins. */
  isInside: boolean;
  /** Set where a text may end. */
  entry: TemplateEntry | undefined = undefined;
  /** Behind a number, and behind a string. */
  number: Node | undefined = undefined;
  string: Node | undefined = undefined;
  /** Code that goes on, by its first byte: a list, since few bytes can follow. */
  child: Node | undefined = undefined;
  sibling: Node | undefined = undefined;

  constructor(start: number, end: number, isInside: boolean) {
    this.start = start;
    this.end = end;
    this.isInside = isInside;
  }
}

export class TemplateTree {
  private readonly store: TemplateBytes;
  private readonly root = new Node(0, 0, false);

  constructor(store: TemplateBytes) {
    this.store = store;
  }

  /** The entry of the text's template. The text's literals are found by the way: `text.words` of `text.spans`. */
  find(text: ScannedText): TemplateEntry | undefined {
    const { bytes, length } = text;
    text.words = 0;
    let node: Node | undefined = this.root;
    let pos = 0;
    while (node !== undefined) {
      if (!this.isNext(node, text, pos)) return undefined;
      pos += node.end - node.start;
      if (pos === length) return node.entry;
      const byte = bytes[pos] as number;
      const meaning: number = node.isInside ? 0 : meaningOf(byte);
      if (meaning === MEANING_DIGIT || meaning === MEANING_STRING) {
        const end = literalEnd(bytes, pos, meaning);
        if (end < 0 || !text.addSpan(pos, end)) return undefined;
        node = meaning === MEANING_DIGIT ? node.number : node.string;
        pos = end;
      } else node = this.childOf(node, byte);
    }
    return undefined;
  }

  /** Whether the node's code is next in the text. */
  private isNext(node: Node, text: ScannedText, pos: number): boolean {
    const { end } = node;
    if (pos + end - node.start > text.length) return false;
    let at = node.start;
    let p = pos;
    const lastEight = end - 8;
    if (at > lastEight) {
      const { bytes } = this.store;
      for (; at < end; at++, p++) if (bytes[at] !== text.bytes[p]) return false;
      return true;
    }
    // Eight ASCII bytes of a template are a number that is neither 0 nor NaN: it equals nothing but the same eight bytes.
    const { data } = this.store;
    for (; at < lastEight; at += 8, p += 8)
      if (data.getFloat64(at, true) !== text.data.getFloat64(p, true)) return false;
    return data.getFloat64(lastEight, true) === text.data.getFloat64(p - (at - lastEight), true);
  }

  private childOf(node: Node, byte: number): Node | undefined {
    const { bytes } = this.store;
    let child = node.child;
    while (child !== undefined && bytes[child.start] !== byte) child = child.sibling;
    return child;
  }

  /** Adds a text that was scanned. False when there is no room for its bytes. */
  add(text: ScannedText, entry: TemplateEntry): boolean {
    let node = this.root;
    let pos = 0;
    for (let word = 0; word <= text.words; word += 2) {
      const stop = word < text.words ? (text.spans[word] as number) : text.length;
      const last = this.addCode(node, text, pos, stop);
      if (last === undefined) return false;
      node = last;
      if (word === text.words) break;
      pos = text.spans[word + 1] as number;
      node = meaningOf(text.bytes[stop] as number) === MEANING_DIGIT ? numberOf(node) : stringOf(node);
    }
    node.entry = entry;
    return true;
  }

  /** The node at whose end the code in `[from, to)` ends, going on from the end of `node`. */
  private addCode(start: Node, text: ScannedText, from: number, to: number): Node | undefined {
    let node = start;
    let pos = from;
    // The node behind a literal has no code of its own until it is split off here.
    while (pos < to) {
      const child = this.childOf(node, text.bytes[pos] as number);
      if (child === undefined) return this.newChild(node, text, pos, to);
      const same = this.commonBytes(child, text, pos, to);
      if (same < child.end - child.start) split(child, same, text.isInside(pos + same));
      node = child;
      pos += same;
    }
    return node;
  }

  private newChild(node: Node, text: ScannedText, from: number, to: number): Node | undefined {
    const at = this.store.put(text.bytes, from, to);
    if (at < 0) return undefined;
    const child = new Node(at, at + to - from, text.isInside(to));
    child.sibling = node.child;
    node.child = child;
    return child;
  }

  private commonBytes(node: Node, text: ScannedText, pos: number, to: number): number {
    const { bytes } = this.store;
    const most = Math.min(node.end - node.start, to - pos);
    let same = 0;
    while (same < most && bytes[node.start + same] === text.bytes[pos + same]) same++;
    return same;
  }
}

/** Cuts a node in two: it keeps its first bytes, a child takes the others and all that hung on it. */
function split(node: Node, count: number, isInside: boolean): void {
  const rest = new Node(node.start + count, node.end, node.isInside);
  rest.entry = node.entry;
  rest.number = node.number;
  rest.string = node.string;
  rest.child = node.child;
  node.end = node.start + count;
  node.isInside = isInside;
  node.entry = undefined;
  node.number = undefined;
  node.string = undefined;
  node.child = rest;
}

function numberOf(node: Node): Node {
  node.number ??= new Node(0, 0, false);
  return node.number;
}

function stringOf(node: Node): Node {
  node.string ??= new Node(0, 0, false);
  return node.string;
}
