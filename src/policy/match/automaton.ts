/** Builds the dense table of the Aho-Corasick matcher: trie, failure links folded into it, states renumbered. See `DESIGN.md`. */

/** One spelling of a keyword in one encoding. */
export interface Needle {
  readonly keyword: number;
  readonly bytes: Uint8Array;
  /** `NEEDLE_*` bits; 0 when the table alone decides. */
  readonly flags: number;
}

export const NEEDLE_WORD_START = 1;
export const NEEDLE_WORD_END = 2;
/** Neighbours are 16-bit units. */
export const NEEDLE_UTF16 = 4;
/** Compare units again: folding byte by byte is too lenient for this needle. */
export const NEEDLE_EXACT = 8;

export interface AutomatonTable {
  /** Next state by `state + class`. A state is its row's index times the row length; the start state is 0. */
  readonly table: Int32Array;
  /** Column by byte. */
  readonly classes: Uint8Array;
  /** Row length is `1 << shift`. */
  readonly shift: number;
  /** States below this are the start state, or one byte away from it without a match. */
  readonly shallowEnd: number;
  /** States from here on have a match. */
  readonly matchBase: number;
  readonly heads: Int32Array;
  readonly suffixes: Int32Array;
  readonly nexts: Int32Array;
}

/** `undefined` when the table would take more than `tableBytesMax`. */
export function buildTable(
  needles: readonly Needle[],
  ignoreCase: boolean,
  tableBytesMax: number,
): AutomatonTable | undefined {
  const { classes, count } = byteClasses(needles, ignoreCase);
  let shift = 0;
  while (1 << shift < count) shift++;
  const nexts = new Int32Array(needles.length).fill(-1);
  const trie = growTrie(needles, nexts, classes, shift, tableBytesMax);
  if (trie === undefined) return undefined;
  const { order, fails } = linkFailures(trie, shift);
  return renumber(trie, order, fails, classes, shift, nexts);
}

/** Bytes that no needle tells apart share a column; column 0 is for bytes that are in none. */
function byteClasses(needles: readonly Needle[], ignoreCase: boolean): { classes: Uint8Array; count: number } {
  const classes = new Uint8Array(256);
  const used = new Uint8Array(256);
  for (const needle of needles) for (const byte of needle.bytes) used[ignoreCase ? foldByte(byte) : byte] = 1;
  let count = 1;
  for (let byte = 0; byte < 256; byte++) if (used[byte] === 1) classes[byte] = count++;
  // All 256 bytes used: column 0 stands for nobody, so the numbering starts there and still fits a byte.
  if (count === 257) for (let byte = 0; byte < 256; byte++) classes[byte] = byte;
  if (ignoreCase) for (let byte = 0x41; byte <= 0x5a; byte++) classes[byte] = classes[byte | 0x20] as number;
  return { classes, count: Math.min(count, 256) };
}

function foldByte(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}

interface Trie {
  /** Child by `(state << shift) + class`; 0 is none, for nothing leads back to the root. */
  edges: Int32Array;
  states: number;
  /** First needle that ends in a state, -1 without. */
  heads: Int32Array;
}

const STATES_FIRST = 1024;

function growTrie(
  needles: readonly Needle[],
  nexts: Int32Array,
  classes: Uint8Array,
  shift: number,
  tableBytesMax: number,
): Trie | undefined {
  const statesMax = Math.min(Math.floor(tableBytesMax / 4), 0x7fff_ffff) >> shift;
  if (statesMax < 1) return undefined;
  let capacity = Math.min(STATES_FIRST, statesMax);
  const trie: Trie = { edges: new Int32Array(capacity << shift), states: 1, heads: new Int32Array(capacity).fill(-1) };
  for (const [index, needle] of needles.entries()) {
    let state = 0;
    for (const byte of needle.bytes) {
      const edge = (state << shift) + (classes[byte] as number);
      let child = trie.edges[edge] as number;
      if (child === 0) {
        if (trie.states === statesMax) return undefined;
        if (trie.states === capacity) {
          capacity = Math.min(capacity * 2, statesMax);
          enlarge(trie, capacity, shift);
        }
        child = trie.states++;
        trie.edges[edge] = child;
      }
      state = child;
    }
    nexts[index] = trie.heads[state] as number;
    trie.heads[state] = index;
  }
  return trie;
}

function enlarge(trie: Trie, capacity: number, shift: number): void {
  const edges = new Int32Array(capacity << shift);
  edges.set(trie.edges);
  const heads = new Int32Array(capacity).fill(-1);
  heads.set(trie.heads);
  trie.edges = edges;
  trie.heads = heads;
}

/** Breadth first: a state's failure link is shallower, so its row is complete when it is copied from. */
function linkFailures(trie: Trie, shift: number): { order: Int32Array; fails: Int32Array } {
  const { edges } = trie;
  const columns = 1 << shift;
  const fails = new Int32Array(trie.states);
  const order = new Int32Array(trie.states);
  let filled = 1;
  for (let read = 0; read < filled; read++) {
    const state = order[read] as number;
    const row = state << shift;
    const failRow = (fails[state] as number) << shift;
    for (let column = 0; column < columns; column++) {
      const child = edges[row + column] as number;
      // Rows are completed only when they are read, so whatever stands in this one is a child.
      if (child !== 0) {
        fails[child] = state === 0 ? 0 : (edges[failRow + column] as number);
        order[filled++] = child;
      } else if (state !== 0) {
        edges[row + column] = edges[failRow + column] as number;
      }
    }
  }
  return { order, fails };
}

/** Shallow states first (they are hot, and share cache lines), states with a match last (one comparison finds them). */
function renumber(
  trie: Trie,
  order: Int32Array,
  fails: Int32Array,
  classes: Uint8Array,
  shift: number,
  nexts: Int32Array,
): AutomatonTable {
  const states = trie.states;
  // Nearest suffix with a match, by old number; -1 without.
  const suffix = new Int32Array(states).fill(-1);
  let plain = 0;
  for (const state of order) {
    if (state !== 0) {
      const fail = fails[state] as number;
      suffix[state] = (trie.heads[fail] as number) >= 0 ? fail : (suffix[fail] as number);
    }
    if (!isMatch(trie, suffix, state)) plain++;
  }
  const numbers = new Int32Array(states);
  const roots = trie.edges.subarray(0, 1 << shift);
  let shallow = 1;
  for (const child of new Set(roots)) if (child !== 0 && !isMatch(trie, suffix, child)) shallow++;
  let nextPlain = 0;
  let nextMatch = plain;
  for (const state of order) numbers[state] = isMatch(trie, suffix, state) ? nextMatch++ : nextPlain++;
  const table = new Int32Array(states << shift);
  const heads = new Int32Array(states - plain);
  const suffixes = new Int32Array(states - plain);
  for (const state of order) {
    const to = (numbers[state] as number) << shift;
    const from = state << shift;
    for (let column = 0; column < 1 << shift; column++)
      table[to + column] = (numbers[trie.edges[from + column] as number] as number) << shift;
    const ordinal = (numbers[state] as number) - plain;
    if (ordinal < 0) continue;
    heads[ordinal] = trie.heads[state] as number;
    const link = suffix[state] as number;
    suffixes[ordinal] = link < 0 ? -1 : (numbers[link] as number) - plain;
  }
  return { table, classes, shift, shallowEnd: shallow << shift, matchBase: plain << shift, heads, suffixes, nexts };
}

function isMatch(trie: Trie, suffix: Int32Array, state: number): boolean {
  return (trie.heads[state] as number) >= 0 || (suffix[state] as number) >= 0;
}

/** Bytes that end a window and are looked up. */
const GRAM_BYTES = 3;
/** Below this, triples would be in too many windows to jump; pairs are looked for instead. */
const JUMP_WINDOW_BYTES_MIN = 5;

export interface Skipper {
  /** Length of the shortest needle; 0 when it is a single byte, which leaves nothing to skip. */
  readonly windowBytes: number;
  /** How many bytes the window may move on, by `jumpHash` of its last bytes; 0 when a keyword may begin there. */
  readonly jumps: Uint8Array;
  /**
   * Without jumps: 1 for every pair of bytes (little end first) that gives a needle away: its first two, and where all have
   * three or more, its second and third, so that looking at every other byte is enough.
   */
  readonly pairs: Uint8Array;
  /** Without jumps: 1 for the `jumpHash` of what needles begin with. */
  readonly beginnings: Uint8Array;
}

/**
 * Jumps of Wu and Manber ("A fast algorithm for multi-pattern searching", TR-94-17, 1994): bytes that are in no needle's
 * first `windowBytes` bytes cannot be crossed by a match, those that are can only at known distances. For short needles
 * pairs, which have no order among each other: the processor looks several up at a time.
 */
export function buildSkipper(needles: readonly Needle[], ignoreCase: boolean): Skipper {
  let windowBytes = 255;
  for (const needle of needles) windowBytes = Math.min(windowBytes, needle.bytes.length);
  if (windowBytes < 2) return { windowBytes: 0, jumps: NO_BYTES, pairs: NO_BYTES, beginnings: NO_BYTES };
  if (windowBytes >= JUMP_WINDOW_BYTES_MIN)
    return { windowBytes, jumps: buildJumps(needles, windowBytes), pairs: NO_BYTES, beginnings: NO_BYTES };
  const pairs = new Uint8Array(1 << 16);
  const beginnings = new Uint8Array(1 << 15);
  for (const { bytes } of needles) {
    addPair(pairs, bytes[0] as number, bytes[1] as number, ignoreCase);
    if (windowBytes > 2) addPair(pairs, bytes[1] as number, bytes[2] as number, ignoreCase);
    // Any third byte may follow a needle of two.
    if (bytes.length > 2) beginnings[jumpHash(bytes[0] as number, bytes[1] as number, bytes[2] as number)] = 1;
    else
      for (let third = 0; third < 32; third++) beginnings[jumpHash(bytes[0] as number, bytes[1] as number, third)] = 1;
  }
  return { windowBytes, jumps: NO_BYTES, pairs, beginnings };
}

const NO_BYTES: Uint8Array = new Uint8Array(0);

function buildJumps(needles: readonly Needle[], windowBytes: number): Uint8Array {
  const jumps = new Uint8Array(1 << 15).fill(jumpBytesMax(windowBytes));
  for (const { bytes } of needles) {
    for (let end = GRAM_BYTES; end <= windowBytes; end++) {
      const hash = jumpHash(bytes[end - 3] as number, bytes[end - 2] as number, bytes[end - 1] as number);
      jumps[hash] = Math.min(jumps[hash] as number, windowBytes - end);
    }
  }
  return jumps;
}

function addPair(pairs: Uint8Array, first: number, second: number, ignoreCase: boolean): void {
  for (const low of ignoreCase ? casesOf(first) : [first])
    for (const high of ignoreCase ? casesOf(second) : [second]) pairs[low | (high << 8)] = 1;
}

function casesOf(byte: number): readonly number[] {
  const folded = foldByte(byte);
  return folded >= 0x61 && folded <= 0x7a ? [folded, folded & 0xdf] : [byte];
}

/** The jump past bytes that are in no window. */
export function jumpBytesMax(windowBytes: number): number {
  return windowBytes - GRAM_BYTES + 1;
}

/** The low five bits of each byte: letters keep apart, their case does not matter. */
export function jumpHash(first: number, second: number, third: number): number {
  return ((first & 31) << 10) | ((second & 31) << 5) | (third & 31);
}
