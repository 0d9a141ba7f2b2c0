/**
 * Aho-Corasick over bytes (Aho, Corasick: "Efficient string matching: an aid to bibliographic search", CACM 18(6), 1975):
 * all keywords in one pass, one table load a byte. `DESIGN.md` explains the table.
 */
import {
  buildSkipper,
  buildTable,
  jumpBytesMax,
  jumpHash,
  NEEDLE_EXACT,
  NEEDLE_UTF16,
  NEEDLE_WORD_END,
  NEEDLE_WORD_START,
  type Needle,
  type Skipper,
} from './automaton.ts';

export interface Keyword {
  readonly text: string;
  /** Count only where no letter, digit, `_`, `$` or non-ASCII character adjoins an end of the keyword that is one itself. */
  readonly word: boolean;
}

export type KeywordEncoding = 'utf8' | 'utf16le';

export interface MatcherOptions {
  /** ASCII letters match in either case; of other letters, the keyword as written, in lower and in upper case. */
  readonly ignoreCase: boolean;
  /** Encodings in which the scanned bytes may be written. */
  readonly encodings: readonly KeywordEncoding[];
  /** Limit of the table; 128 MiB when absent. */
  readonly tableBytesMax?: number;
}

export const KEYWORDS_MAX = 20_000;
export const KEYWORD_BYTES_MAX = 1024;
const TABLE_BYTES_MAX = 128 * 1024 * 1024;

/** Called for every occurrence, overlapping ones too, by rising `end`: `bytes[start, end)` is keyword number `keyword`. */
export type MatchReceiver = (keyword: number, start: number, end: number) => void;

/** Why keywords cannot be compiled; `keyword` is the index of the culprit, -1 when it is their sum. */
export class MatcherError extends Error {
  readonly keyword: number;
  constructor(keyword: number, message: string) {
    super(message);
    this.keyword = keyword;
  }
}

export class Matcher {
  /** Bytes of the transition table. */
  readonly tableBytes: number;
  readonly states: number;
  private readonly table: Int32Array;
  private readonly classes: Uint8Array;
  private readonly shift: number;
  private readonly shallowEnd: number;
  private readonly matchBase: number;
  private readonly skipper: Skipper;
  /** Where skipping goes on behind the automaton's last run. */
  private resume = 0;
  /** The buffer scanned last, two bytes at a time. */
  private units: Uint16Array = new Uint16Array(0);
  private unitsOwner: Uint8Array = new Uint8Array(0);
  /** Where that buffer begins in them, in bytes. */
  private unitsBase = 0;
  /** By match state: its first needle, and the longest proper suffix that is a match state too (-1: none). */
  private readonly heads: Int32Array;
  private readonly suffixes: Int32Array;
  /** By needle. */
  private readonly nexts: Int32Array;
  private readonly keywords: Int32Array;
  private readonly lengths: Int32Array;
  private readonly flags: Uint8Array;
  private readonly exact: readonly Uint8Array[];

  /** Throws `MatcherError` for an empty or too long keyword, too many of them, or a table over its limit. */
  constructor(keywords: readonly Keyword[], options: MatcherOptions) {
    const needles = toNeedles(keywords, options);
    const built = buildTable(needles, options.ignoreCase, options.tableBytesMax ?? TABLE_BYTES_MAX);
    if (built === undefined) {
      const limit = options.tableBytesMax ?? TABLE_BYTES_MAX;
      throw new MatcherError(-1, `${keywords.length} keywords need a table of more than ${limit} bytes`);
    }
    this.table = built.table;
    this.tableBytes = built.table.byteLength;
    this.classes = built.classes;
    this.shift = built.shift;
    this.states = built.table.length >> built.shift;
    this.shallowEnd = built.shallowEnd;
    this.matchBase = built.matchBase;
    this.heads = built.heads;
    this.suffixes = built.suffixes;
    this.nexts = built.nexts;
    this.skipper = buildSkipper(needles, options.ignoreCase);
    this.keywords = Int32Array.from(needles, (needle) => needle.keyword);
    this.lengths = Int32Array.from(needles, (needle) => needle.bytes.length);
    this.flags = Uint8Array.from(needles, (needle) => needle.flags);
    this.exact = needles.map((needle) => needle.bytes);
  }

  /** Scans `bytes[start, end)`; returns how many matches `receive` was told. Allocates a view when the buffer is another. */
  scan(bytes: Uint8Array, start: number, end: number, receive: MatchReceiver): number {
    const from = Math.max(0, start);
    const stop = Math.min(end, bytes.length);
    const { windowBytes } = this.skipper;
    if (windowBytes === 2) return this.scanPairs(bytes, from, stop, receive);
    if (windowBytes > 0)
      return this.skipper.pairs.length > 0
        ? this.scanEveryOther(bytes, from, stop, receive)
        : this.scanJumping(bytes, from, stop, receive);
    const { table, classes, matchBase } = this;
    let state = 0;
    let count = 0;
    for (let i = from; i < stop; i++) {
      state = table[state + (classes[bytes[i] as number] as number)] as number;
      if (state >= matchBase) count += this.report(state, bytes, from, stop, i + 1, receive);
    }
    return count;
  }

  /**
   * Jumps over what cannot begin a match, and runs the automaton where one may. It leaves the automaton one byte or
   * less behind, and past where it entered: so no byte is read by it more than twice, whatever the text.
   */
  private scanJumping(bytes: Uint8Array, start: number, stop: number, receive: MatchReceiver): number {
    const { jumps, windowBytes } = this.skipper;
    let count = 0;
    const jumpMax = jumpBytesMax(windowBytes);
    let windowEnd = start + windowBytes;
    while (windowEnd <= stop) {
      const hash = jumpHash(
        bytes[windowEnd - 3] as number,
        bytes[windowEnd - 2] as number,
        bytes[windowEnd - 1] as number,
      );
      const jump = jumps[hash] as number;
      // The commonest jump is added as a constant: so the next bytes are fetched on its prediction, not after the load.
      if (jump === jumpMax) {
        windowEnd += jumpMax;
        continue;
      }
      if (jump !== 0) {
        windowEnd += jump;
        continue;
      }
      count += this.runFrom(bytes, windowEnd - windowBytes, start, stop, receive);
      windowEnd = this.resume + windowBytes;
    }
    return count;
  }

  /**
   * For keywords of three bytes and more, some of them short: every pair of bytes at an even place of the buffer is looked
   * up. One such pair is in the first three bytes of each keyword, as its first and second or second and third.
   */
  private scanEveryOther(bytes: Uint8Array, start: number, stop: number, receive: MatchReceiver): number {
    const { pairs } = this.skipper;
    const units = this.unitsOf(bytes);
    const base = this.unitsBase;
    const unitEnd = (base + stop) >> 1;
    const lastOfFour = unitEnd - 3;
    let count = 0;
    this.resume = start;
    let unit = (base + start + 1) >> 1;
    while (unit < unitEnd) {
      // Four look-ups that do not wait for each other, and one branch that is nearly always the same.
      if (
        unit < lastOfFour &&
        ((pairs[units[unit] as number] as number) |
          (pairs[units[unit + 1] as number] as number) |
          (pairs[units[unit + 2] as number] as number) |
          (pairs[units[unit + 3] as number] as number)) ===
          0
      ) {
        unit += 4;
        continue;
      }
      if (pairs[units[unit] as number] === 0) {
        unit++;
        continue;
      }
      const at = 2 * unit - base;
      count += this.tryFrom(bytes, at - 1, at, start, stop, receive);
      unit = Math.max(unit + 1, (base + this.resume + 1) >> 1);
    }
    return count;
  }

  /** For keywords of two bytes and more: every pair of bytes is looked up, those at odd places put together of two units. */
  private scanPairs(bytes: Uint8Array, start: number, stop: number, receive: MatchReceiver): number {
    const { pairs } = this.skipper;
    const units = this.unitsOf(bytes);
    const base = this.unitsBase;
    // A unit beyond the last whole pair would be needed for the one at an odd place.
    const unitEnd = ((base + stop) >> 1) - 1;
    let count = 0;
    this.resume = start;
    let unit = (base + start) >> 1;
    let one = unit < unitEnd ? (units[unit] as number) : 0;
    while (unit < unitEnd) {
      const two = units[unit + 1] as number;
      const isFree = ((pairs[one] as number) | (pairs[(one >> 8) | ((two & 0xff) << 8)] as number)) === 0;
      if (isFree && unit + 1 < unitEnd) {
        const three = units[unit + 2] as number;
        if (((pairs[two] as number) | (pairs[(two >> 8) | ((three & 0xff) << 8)] as number)) === 0) {
          unit += 2;
          one = three;
          continue;
        }
      }
      if (isFree) {
        unit++;
        one = two;
        continue;
      }
      const at = 2 * unit - base;
      count += this.tryFrom(bytes, at, at + 1, start, stop, receive);
      unit = Math.max(unit + 1, (base + this.resume) >> 1);
      one = unit < unitEnd ? (units[unit] as number) : 0;
    }
    return count + this.tryFrom(bytes, Math.max(start, 2 * unit - base), stop - 2, start, stop, receive);
  }

  /**
   * Runs the automaton from the first place of `[first, last]` at which a keyword may begin, if any, and from others that it
   * leaves; never from before `resume`.
   */
  private tryFrom(
    bytes: Uint8Array,
    first: number,
    last: number,
    start: number,
    stop: number,
    receive: MatchReceiver,
  ): number {
    const { beginnings, windowBytes } = this.skipper;
    let count = 0;
    for (let from = Math.max(first, this.resume); from <= last && from + windowBytes <= stop; from++) {
      const third = from + 2 < stop ? (bytes[from + 2] as number) : 0;
      if (beginnings[jumpHash(bytes[from] as number, bytes[from + 1] as number, third)] === 0) continue;
      count += this.runFrom(bytes, from, start, stop, receive);
      from = this.resume - 1;
    }
    return count;
  }

  /** Runs the automaton from where a keyword may begin until none may be under way; sets `resume`, behind `from`. */
  private runFrom(bytes: Uint8Array, from: number, start: number, stop: number, receive: MatchReceiver): number {
    const { table, classes, matchBase, shallowEnd } = this;
    let count = 0;
    let i = from;
    let state = table[classes[bytes[i++] as number] as number] as number;
    do {
      state = table[state + (classes[bytes[i++] as number] as number)] as number;
      if (state >= matchBase) count += this.report(state, bytes, start, stop, i, receive);
    } while (state >= shallowEnd && i < stop);
    this.resume = state === 0 ? i : i - 1;
    return count;
  }

  /**
   * `buffer` and `byteOffset` are asked for rarely: for each answer the engine leaves compiled code, which takes longer
   * than a short scan.
   */
  private unitsOf(bytes: Uint8Array): Uint16Array {
    if (bytes === this.unitsOwner) return this.units;
    this.unitsOwner = bytes;
    const { buffer, byteOffset } = bytes;
    this.unitsBase = byteOffset;
    if (this.units.buffer !== buffer) this.units = new Uint16Array(buffer, 0, buffer.byteLength >> 1);
    return this.units;
  }

  private report(state: number, bytes: Uint8Array, start: number, stop: number, at: number, to: MatchReceiver): number {
    let count = 0;
    let ordinal = (state - this.matchBase) >> this.shift;
    while (ordinal >= 0) {
      let needle = this.heads[ordinal] as number;
      while (needle >= 0) {
        const from = at - (this.lengths[needle] as number);
        const flags = this.flags[needle] as number;
        if (flags === 0 || this.holds(needle, flags, bytes, start, stop, from, at)) {
          to(this.keywords[needle] as number, from, at);
          count++;
        }
        needle = this.nexts[needle] as number;
      }
      ordinal = this.suffixes[ordinal] as number;
    }
    return count;
  }

  /** What the table alone cannot tell: the neighbours of a whole word, and the case of non-ASCII UTF-16 units. */
  private holds(
    needle: number,
    flags: number,
    bytes: Uint8Array,
    start: number,
    stop: number,
    from: number,
    at: number,
  ): boolean {
    const utf16 = (flags & NEEDLE_UTF16) !== 0;
    if (
      (flags & NEEDLE_WORD_START) !== 0 &&
      (utf16 ? isWordUnit(bytes, from - 2, start, stop) : isWordAt(bytes, from - 1, start, stop))
    )
      return false;
    if (
      (flags & NEEDLE_WORD_END) !== 0 &&
      (utf16 ? isWordUnit(bytes, at, start, stop) : isWordAt(bytes, at, start, stop))
    )
      return false;
    return (flags & NEEDLE_EXACT) === 0 || sameUnits(this.exact[needle] as Uint8Array, bytes, from);
  }
}

function toNeedles(keywords: readonly Keyword[], options: MatcherOptions): Needle[] {
  if (keywords.length > KEYWORDS_MAX)
    throw new MatcherError(-1, `${keywords.length} keywords, at most ${KEYWORDS_MAX} are allowed`);
  const needles: Needle[] = [];
  for (const [index, keyword] of keywords.entries()) {
    if (keyword.text.length === 0) throw new MatcherError(index, 'empty keyword');
    for (const text of variants(keyword.text, options.ignoreCase)) {
      for (const encoding of options.encodings)
        needles.push(toNeedle(index, text, keyword.word, encoding, options.ignoreCase));
    }
  }
  return needles;
}

function toNeedle(index: number, text: string, word: boolean, encoding: KeywordEncoding, ignoreCase: boolean): Needle {
  const bytes = new Uint8Array(Buffer.from(text, encoding));
  if (bytes.length > KEYWORD_BYTES_MAX)
    throw new MatcherError(index, `keyword of ${bytes.length} bytes, at most ${KEYWORD_BYTES_MAX} are allowed`);
  const utf16 = encoding === 'utf16le';
  let flags = 0;
  if (word && isWordCode(text.charCodeAt(0))) flags |= NEEDLE_WORD_START;
  if (word && isWordCode(text.charCodeAt(text.length - 1))) flags |= NEEDLE_WORD_END;
  if (utf16 && flags !== 0) flags |= NEEDLE_UTF16;
  if (utf16 && ignoreCase && !isAscii(text)) flags |= NEEDLE_EXACT;
  return { keyword: index, bytes, flags };
}

/** Spellings to look for; the table itself folds ASCII only. */
function variants(text: string, ignoreCase: boolean): readonly string[] {
  if (!ignoreCase || isAscii(text)) return [text];
  const spellings = new Map<string, string>();
  for (const spelling of [text, text.toLowerCase(), text.toUpperCase()])
    spellings.set(
      spelling.replace(/[A-Z]/g, (letter) => letter.toLowerCase()),
      spelling,
    );
  return [...spellings.values()];
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

function isWordCode(code: number): boolean {
  return code > 0x7f || WORD_BYTES[code] === 1;
}

/** Letters, digits, `_`, `$`. Not `#`: it begins a comment in MySQL, and would hide the word before it. */
const WORD_BYTES: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte > 0x7f || /[A-Za-z0-9_$]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

function isWordAt(bytes: Uint8Array, at: number, start: number, stop: number): boolean {
  return at >= start && at < stop && WORD_BYTES[bytes[at] as number] === 1;
}

function isWordUnit(bytes: Uint8Array, at: number, start: number, stop: number): boolean {
  if (at < start || at + 1 >= stop) return false;
  return (bytes[at + 1] as number) !== 0 || WORD_BYTES[bytes[at] as number] === 1;
}

/** UTF-16LE units equal but for the case of ASCII letters. `bytes` holds them: the automaton matched their bytes. */
function sameUnits(needle: Uint8Array, bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < needle.length; i += 2) {
    const low = needle[i] as number;
    const high = needle[i + 1] as number;
    if (bytes[from + i + 1] !== high) return false;
    if (high !== 0 && bytes[from + i] !== low) return false;
  }
  return true;
}
