/** The keywords of all conditions in one automaton, run at most once a record and area, and only when a condition asks. */
import { type Keyword, Matcher } from './aho-corasick.ts';
import type { Facts } from './facts.ts';

/** `text`: the statement as sent. `code`: without literals and comments. */
export type TextArea = 'text' | 'code';

/** UTF-8 bytes of a text that are scanned; texts are cut long before by the protocol's own limits. */
const SCAN_BYTES_MAX = 1024 * 1024;
const BUFFER_BYTES_FIRST = 16 * 1024;

interface AreaScan {
  generation: number;
  readonly area: TextArea;
}

export class KeywordScanner {
  /** Texts longer than what is scanned. */
  cut = 0;
  private readonly keywords: Keyword[] = [];
  private readonly groupOf: number[] = [];
  private readonly areaOf: TextArea[] = [];
  private matcher: Matcher | undefined;
  private hitGeneration: Int32Array = new Int32Array(0);
  private hitKeyword: Int32Array = new Int32Array(0);
  private hitStart: Int32Array = new Int32Array(0);
  private hitEnd: Int32Array = new Int32Array(0);
  private readonly text: AreaScan = { generation: -1, area: 'text' };
  private readonly code: AreaScan = { generation: -1, area: 'code' };
  private scanning: AreaScan = this.text;
  private buffer: Uint8Array = new Uint8Array(BUFFER_BYTES_FIRST);
  private readonly encoder = new TextEncoder();
  private readonly receive = (keyword: number, start: number, end: number): void => this.hit(keyword, start, end);

  /** Announces a condition's keywords; returns the number to ask `holds` with. All before `seal`. */
  add(words: readonly string[], word: boolean, area: TextArea): number {
    const group = this.areaOf.push(area) - 1;
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

  /** The first keyword of the group in the record `holds` was last asked about, with its bytes in the area. */
  firstHit(group: number): { readonly text: string; readonly start: number; readonly end: number } {
    const keyword = this.keywords[this.hitKeyword[group] ?? 0];
    return { text: keyword?.text ?? '', start: this.hitStart[group] ?? 0, end: this.hitEnd[group] ?? 0 };
  }

  private run(scan: AreaScan, facts: Facts): void {
    scan.generation = facts.generation;
    const text = scan.area === 'code' ? facts.code() : facts.record.text;
    if (text === undefined || this.matcher === undefined) return;
    this.scanning = scan;
    const bytes = this.encode(text);
    this.matcher.scan(this.buffer, 0, bytes, this.receive);
  }

  private encode(text: string): number {
    const worst = Math.min(text.length * 3, SCAN_BYTES_MAX);
    if (this.buffer.length < worst) this.buffer = new Uint8Array(worst);
    const { read, written } = this.encoder.encodeInto(text, this.buffer);
    if (read < text.length) this.cut++;
    return written;
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
