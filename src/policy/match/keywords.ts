/** The keywords of all conditions in one automaton, run at most once a record and area, and only when a condition asks. */

import type { Facts } from '../conditions/facts.ts';
import { type Keyword, Matcher } from './aho-corasick.ts';
import { foldWidth } from './width.ts';

/** `text`: the statement as sent. `code`: without literals and comments. */
export type TextArea = 'text' | 'code';

/** UTF-8 bytes of a text that are scanned; texts are cut long before by the protocol's own limits. */
const SCAN_BYTES_MAX = 1024 * 1024;
const BUFFER_BYTES_FIRST = 16 * 1024;

const QUOTE = 0x27;

interface AreaScan {
  generation: number;
  /** The text, and what was scanned of it; the same unless it has full-width forms. */
  original: string;
  folded: string;
  readonly area: TextArea;
}

export class KeywordScanner {
  /** Texts longer than what is scanned. */
  cut = 0;
  private readonly keywords: Keyword[] = [];
  private readonly groupOf: number[] = [];
  private readonly areaOf: TextArea[] = [];
  /** By group: no word of it has a character in common with a number, or with what encloses a string. */
  private readonly plain: boolean[] = [];
  private matcher: Matcher | undefined;
  private hitGeneration: Int32Array = new Int32Array(0);
  private hitKeyword: Int32Array = new Int32Array(0);
  private hitStart: Int32Array = new Int32Array(0);
  private hitEnd: Int32Array = new Int32Array(0);
  private readonly text: AreaScan = { generation: -1, original: '', folded: '', area: 'text' };
  private readonly code: AreaScan = { generation: -1, original: '', folded: '', area: 'code' };
  /** Of the text, only its strings. */
  private readonly strings: AreaScan = { generation: -1, original: '', folded: '', area: 'text' };
  private scanning: AreaScan = this.text;
  private buffer: Uint8Array = new Uint8Array(BUFFER_BYTES_FIRST);
  private readonly encoder = new TextEncoder();
  private readonly receive = (keyword: number, start: number, end: number): void => this.hit(keyword, start, end);

  /** Announces a condition's keywords; returns the number to ask `holds` with. All before `seal`. */
  add(words: readonly string[], word: boolean, area: TextArea): number {
    const group = this.areaOf.push(area) - 1;
    this.plain.push(!words.some((word) => /[0-9.']/.test(word)));
    for (const text of words) {
      this.keywords.push({ text, word });
      this.groupOf.push(group);
    }
    return group;
  }

  /** Builds the automaton. Throws `MatcherError` when the keywords are too many. */
  seal(): void {
    this.matcher = new Matcher(this.keywords, { ignoreCase: true, encodings: ['utf8'] });
    this.hitGeneration = new Int32Array(this.areaOf.length).fill(-1);
    this.hitKeyword = new Int32Array(this.areaOf.length);
    this.hitStart = new Int32Array(this.areaOf.length);
    this.hitEnd = new Int32Array(this.areaOf.length);
  }

  holds(group: number, facts: Facts): boolean {
    const scan = this.areaOf[group] === 'code' ? this.code : this.text;
    if (scan.generation !== facts.generation) this.run(scan, facts);
    return this.hitGeneration[group] === facts.generation;
  }

  // Of statements with a template (`SqlStatement.template`) the scan of one tells what is in the code of all. What is
  // left are their literals. A plain group has nothing to look for in a number or across the end of a string.

  isPlain(group: number): boolean {
    return this.plain[group] === true;
  }

  /** Whether a word of a plain group stands outside the literals; is remembered for all statements of the template. */
  holdsOutsideLiterals(group: number, facts: Facts): boolean {
    const { text } = facts.record;
    if (text === undefined || this.matcher === undefined) return false;
    let holds = false;
    let from = 0;
    const bytes = this.encode(text);
    const receive = (keyword: number): void => {
      if (this.groupOf[keyword] === group) holds = true;
    };
    // A literal's mark stands in for it, as the neighbour of a word.
    for (const { start, end } of facts.statement?.literals ?? []) {
      this.matcher.scan(this.buffer, from, start + 1, receive);
      from = end - 1;
    }
    this.matcher.scan(this.buffer, from, bytes, receive);
    return holds;
  }

  /** Whether a word of a plain group stands in a string of a statement that has a template. */
  holdsInStrings(group: number, facts: Facts): boolean {
    const { strings } = this;
    if (strings.generation !== facts.generation) {
      strings.generation = facts.generation;
      this.scanning = strings;
      this.matcher?.scan(this.buffer, 0, this.encodeStrings(facts), this.receive);
    }
    return this.hitGeneration[group] === facts.generation;
  }

  /** The first keyword of the group in the record `holds` was last asked about, with its bytes in the area. */
  firstHit(group: number): { readonly text: string; readonly start: number; readonly end: number } {
    const keyword = this.keywords[this.hitKeyword[group] ?? 0];
    const { folded, original } = this.areaOf[group] === 'code' ? this.code : this.text;
    const inOriginal = (byte: number): number => {
      if (folded === original) return byte;
      const chars = Buffer.from(folded).toString('utf8', 0, byte).length;
      return Buffer.byteLength(original.slice(0, chars));
    };
    const start = inOriginal(this.hitStart[group] ?? 0);
    return { text: keyword?.text ?? '', start, end: inOriginal(this.hitEnd[group] ?? 0) };
  }

  private run(scan: AreaScan, facts: Facts): void {
    scan.generation = facts.generation;
    const text = scan.area === 'code' ? facts.code() : facts.record.text;
    if (text === undefined || this.matcher === undefined) return;
    this.scanning = scan;
    let bytes = this.encode(text);
    scan.original = text;
    scan.folded = text;
    // More bytes than units: not all of it is ASCII.
    if (bytes > text.length) {
      scan.folded = foldWidth(text);
      if (scan.folded !== text) bytes = this.encode(scan.folded);
    }
    this.matcher.scan(this.buffer, 0, bytes, this.receive);
  }

  private encode(text: string): number {
    const worst = Math.min(text.length * 3, SCAN_BYTES_MAX);
    if (this.buffer.length < worst) this.buffer = new Uint8Array(worst);
    const { read, written } = this.encoder.encodeInto(text, this.buffer);
    if (read < text.length) this.cut++;
    return written;
  }

  /** With their quotes, one after another: no plain word reaches from one into the next. They are ASCII. */
  private encodeStrings({ record, statement }: Facts): number {
    const { text } = record;
    if (text === undefined || statement === undefined) return 0;
    if (this.buffer.length < text.length) this.buffer = new Uint8Array(text.length);
    const { buffer } = this;
    let bytes = 0;
    for (const { start, end } of statement.literals) {
      if (text.charCodeAt(start) !== QUOTE) continue;
      for (let i = start; i < end; i++) buffer[bytes++] = text.charCodeAt(i);
    }
    return bytes;
  }

  private hit(keyword: number, start: number, end: number): void {
    const group = this.groupOf[keyword] as number;
    const { generation, area } = this.scanning;
    if (this.areaOf[group] !== area || this.hitGeneration[group] === generation) return;
    this.hitGeneration[group] = generation;
    this.hitKeyword[group] = keyword;
    this.hitStart[group] = start;
    this.hitEnd[group] = end;
  }
}
