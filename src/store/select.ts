/**
 * Filters over the columns of a segment (`columns.ts`), a chunk at a time: each condition fills a mask of a byte a
 * record. What only the rows can tell (texts, ids, end users) is left to SQL; the result is exact either way.
 */
import { MARK_NAMES } from '../contracts/event.ts';
import type { Comparison, Filter, Query } from '../query/filter.ts';
import { patternMatches } from '../query/match.ts';
import type { TimeRange } from '../query/time.ts';
import type { AmountColumn, ColumnChunk, WordColumn } from './columns.ts';
import { CHUNK_ROWS_MAX } from './columns.ts';
import { type Condition, compileFilter, conjunction, EVERYTHING } from './compile.ts';
import type { Dimension } from './postings.ts';
import type { SegmentReader } from './rows.ts';

/** The columns of one chunk, unpacked when first asked for, into arrays that the next chunk uses again. */
export class ChunkView {
  private chunk: ColumnChunk | undefined = undefined;
  private loaded = new Set<string>();
  private readonly timeArray = new Float64Array(CHUNK_ROWS_MAX);
  private readonly wordArrays = new Map<WordColumn, Uint32Array>();
  private readonly amountArrays = new Map<AmountColumn, Float64Array>();

  /** Turns to a chunk. */
  use(chunk: ColumnChunk): void {
    this.chunk = chunk;
    this.loaded.clear();
  }

  get rows(): number {
    return this.chunk?.rows ?? 0;
  }

  errorCodes(): readonly string[] {
    return this.chunk?.errorCodes() ?? [];
  }

  times(): Float64Array {
    if (this.first('time')) this.chunk?.times(this.timeArray);
    return this.timeArray;
  }

  words(name: WordColumn): Uint32Array {
    let words = this.wordArrays.get(name);
    if (words === undefined) {
      words = new Uint32Array(CHUNK_ROWS_MAX);
      this.wordArrays.set(name, words);
    }
    if (this.first(name)) this.chunk?.words(name, words);
    return words;
  }

  amounts(name: AmountColumn): Float64Array {
    let amounts = this.amountArrays.get(name);
    if (amounts === undefined) {
      amounts = new Float64Array(CHUNK_ROWS_MAX);
      this.amountArrays.set(name, amounts);
    }
    if (this.first(name)) this.chunk?.amounts(name, amounts);
    return amounts;
  }

  private first(name: string): boolean {
    if (this.loaded.has(name)) return false;
    this.loaded.add(name);
    return true;
  }
}

/** Sets a byte of `mask` for each record of the chunk: 1 when it meets the condition, else 0. */
type Mask = (view: ChunkView, mask: Uint8Array) => void;

/** What a filter comes to in one segment. */
export interface Selection {
  /** No record of the segment can match. */
  readonly never: boolean;
  /** `undefined`: the columns exclude no record. */
  readonly mask: Mask | undefined;
  /** What remains to be asked of the rows; `undefined`: nothing. */
  readonly residual: Condition | undefined;
}

/** Throws `StoreError` (`usage`). */
export function planSelection(segment: SegmentReader, filter: Filter | undefined): Selection {
  const terms = filter === undefined ? [] : filter.kind === 'and' ? filter.terms : [filter];
  const masks: Mask[] = [];
  const residual: Condition[] = [];
  for (const term of terms) {
    const rows = rowsAllowed(segment, term);
    if (rows?.numbers.length === 0) return { never: true, mask: undefined, residual: undefined };
    const mask = rows === undefined ? maskOf(segment, term) : rowMask(segment, rows);
    if (mask === undefined) residual.push(compileFilter(term));
    else masks.push(mask);
  }
  const rest = conjunction(residual);
  return { never: false, mask: allOf(masks), residual: rest.sql === EVERYTHING ? undefined : rest };
}

interface AllowedRows {
  readonly dimension: Dimension;
  readonly numbers: readonly number[];
}

function rowsAllowed(segment: SegmentReader, filter: Filter): AllowedRows | undefined {
  const need = compileFilter(filter).need;
  return need && { dimension: need.dimension, numbers: segment.rowsOf(need) };
}

function rowMask(segment: SegmentReader, { dimension, numbers }: AllowedRows): Mask {
  const allowed = new Uint8Array(segment.rowMax(dimension) + 1);
  for (const row of numbers) allowed[row] = 1;
  return (view, mask) => {
    const rows = view.words(dimension);
    for (let i = 0; i < view.rows; i++) mask[i] = allowed[rows[i] as number] as number;
  };
}

/** `undefined` when the columns cannot tell. */
function maskOf(segment: SegmentReader, filter: Filter): Mask | undefined {
  const rows = rowsAllowed(segment, filter);
  if (rows !== undefined) return rowMask(segment, rows);
  switch (filter.kind) {
    case 'and':
    case 'or': {
      const masks = filter.terms.map((term) => maskOf(segment, term));
      const known = masks.filter((mask) => mask !== undefined);
      if (known.length < masks.length) return undefined;
      return filter.kind === 'and' ? allOf(known) : anyOf(known);
    }
    case 'not': {
      const inner = maskOf(segment, filter.term);
      return inner && inverted(inner);
    }
    case 'number':
      return filter.field === 'rows'
        ? movedMask(filter.comparison, filter.value)
        : isAmount(filter.field)
          ? amountMask(filter.field, filter.comparison, filter.value)
          : undefined;
    case 'failed':
      return failedMask(filter.value);
    case 'time':
      return timeMask(filter.ranges);
    case 'match':
      if (filter.field === 'error')
        return errorMask((code) => filter.patterns.some((each) => patternMatches(code, each)));
      return filter.field === 'mark' ? markMask(filter.patterns.map((each) => each.text.toLowerCase())) : undefined;
    default:
      return undefined;
  }
}

function isAmount(field: string): field is AmountColumn {
  return field === 'duration' || field === 'returned' || field === 'affected';
}

/** `undefined` for no masks: everything. */
function allOf(masks: readonly Mask[]): Mask | undefined {
  return combined(masks, (mask, other, rows) => {
    for (let i = 0; i < rows; i++) mask[i] = (mask[i] as number) & (other[i] as number);
  });
}

function anyOf(masks: readonly Mask[]): Mask | undefined {
  return combined(masks, (mask, other, rows) => {
    for (let i = 0; i < rows; i++) mask[i] = (mask[i] as number) | (other[i] as number);
  });
}

function combined(
  masks: readonly Mask[],
  join: (mask: Uint8Array, other: Uint8Array, rows: number) => void,
): Mask | undefined {
  const [first, ...others] = masks;
  if (first === undefined || others.length === 0) return first;
  const other = new Uint8Array(CHUNK_ROWS_MAX);
  return (view, mask) => {
    first(view, mask);
    for (const next of others) {
      next(view, other);
      join(mask, other, view.rows);
    }
  };
}

function inverted(inner: Mask): Mask {
  return (view, mask) => {
    inner(view, mask);
    for (let i = 0; i < view.rows; i++) mask[i] = 1 - (mask[i] as number);
  };
}

/** An absent amount, NaN, compares as false. */
function compare(amount: number, comparison: Comparison, value: number): boolean {
  switch (comparison) {
    case '<':
      return amount < value;
    case '<=':
      return amount <= value;
    case '>':
      return amount > value;
    case '>=':
      return amount >= value;
    case '=':
      return amount === value;
  }
}

function amountMask(column: AmountColumn, comparison: Comparison, value: number): Mask {
  return (view, mask) => {
    const amounts = view.amounts(column);
    for (let i = 0; i < view.rows; i++) mask[i] = compare(amounts[i] as number, comparison, value) ? 1 : 0;
  };
}

/** Rows returned, or else affected. */
function movedMask(comparison: Comparison, value: number): Mask {
  return (view, mask) => {
    const returned = view.amounts('returned');
    const affected = view.amounts('affected');
    for (let i = 0; i < view.rows; i++) {
      const amount = returned[i] as number;
      mask[i] = compare(Number.isNaN(amount) ? (affected[i] as number) : amount, comparison, value) ? 1 : 0;
    }
  };
}

function failedMask(wanted: boolean): Mask {
  return (view, mask) => {
    const errors = view.words('error');
    for (let i = 0; i < view.rows; i++) mask[i] = (errors[i] !== 0) === wanted ? 1 : 0;
  };
}

function errorMask(matches: (code: string) => boolean): Mask {
  return (view, mask) => {
    const allowed = Uint8Array.from([0, ...view.errorCodes().map((code) => Number(matches(code)))]);
    const errors = view.words('error');
    for (let i = 0; i < view.rows; i++) mask[i] = allowed[errors[i] as number] as number;
  };
}

/** `undefined` for a name that is no mark, which the compiler refuses. */
function markMask(names: readonly string[]): Mask | undefined {
  let bits = 0;
  for (const name of names) {
    const bit = MARK_NAMES.indexOf(name);
    if (bit < 0) return undefined;
    bits |= 1 << bit;
  }
  return (view, mask) => {
    const marks = view.words('marks');
    for (let i = 0; i < view.rows; i++) mask[i] = ((marks[i] as number) & bits) === 0 ? 0 : 1;
  };
}

function timeMask(ranges: readonly TimeRange[]): Mask {
  return (view, mask) => {
    const times = view.times();
    for (let i = 0; i < view.rows; i++) {
      const timeUs = times[i] as number;
      mask[i] = ranges.some(({ fromUs, toUs }) => timeUs >= fromUs && timeUs < toUs) ? 1 : 0;
    }
  };
}

const ALL_PICKED = Uint32Array.from({ length: CHUNK_ROWS_MAX }, (_, i) => i);
/** Below this part of a chunk's records, the rows of those picked are asked one by one. */
const FEW_PARTS = 8;

/** Picks the records of chunks that match a query, one chunk after the other. */
export class ChunkSelector {
  readonly view: ChunkView = new ChunkView();
  /** Places within the chunk of the records picked by the last `select`. */
  picked: Uint32Array = ALL_PICKED;
  private readonly mask = new Uint8Array(CHUNK_ROWS_MAX);
  private readonly some = new Uint32Array(CHUNK_ROWS_MAX);
  private readonly fromUs: number;
  private readonly toUs: number;
  private readonly seqMax: number;

  constructor({ fromUs, toUs, seqMax }: Query) {
    this.fromUs = fromUs ?? Number.NEGATIVE_INFINITY;
    this.toUs = toUs ?? Number.POSITIVE_INFINITY;
    this.seqMax = seqMax ?? Number.POSITIVE_INFINITY;
  }

  /** Turns `view` to the chunk and gives the number of records picked. */
  select(segment: SegmentReader, chunk: ColumnChunk, selection: Selection): number {
    const { fromUs, toUs, seqMax, view, mask } = this;
    if (chunk.timeMaxUs < fromUs || chunk.timeMinUs >= toUs || chunk.firstSeq > seqMax) return 0;
    view.use(chunk);
    const lastSeq = chunk.firstSeq + chunk.rows - 1;
    const whole = chunk.timeMinUs >= fromUs && chunk.timeMaxUs < toUs && lastSeq <= seqMax;
    if (whole && selection.mask === undefined && selection.residual === undefined) {
      this.picked = ALL_PICKED;
      return chunk.rows;
    }
    if (selection.mask === undefined) mask.fill(1, 0, chunk.rows);
    else selection.mask(view, mask);
    if (!whole) this.maskEdges(chunk);
    this.picked = this.some;
    const count = pickMasked(mask, chunk.rows, this.some);
    if (selection.residual === undefined || count === 0) return count;
    return this.askRows(segment, chunk, selection.residual, count);
  }

  /** Matching records of a segment, a chunk a step. */
  *count(
    segment: SegmentReader,
    chunks: readonly ColumnChunk[],
    selection: Selection,
  ): Generator<number, number, void> {
    let total = 0;
    for (const chunk of chunks) {
      total += this.select(segment, chunk, selection);
      yield chunk.rows;
    }
    return total;
  }

  private maskEdges({ firstSeq, rows }: ColumnChunk): void {
    const { fromUs, toUs, mask } = this;
    const times = this.view.times();
    for (let i = 0; i < rows; i++) {
      const timeUs = times[i] as number;
      if (timeUs < fromUs || timeUs >= toUs) mask[i] = 0;
    }
    const within = this.seqMax - firstSeq + 1;
    if (within < rows) mask.fill(0, within, rows);
  }

  /** Keeps those of the picked records whose rows meet the condition. */
  private askRows(
    segment: SegmentReader,
    { firstSeq, rows }: ColumnChunk,
    condition: Condition,
    picked: number,
  ): number {
    const { mask, some } = this;
    const lastSeq = firstSeq + rows - 1;
    const few = picked * FEW_PARTS < rows;
    const seqs = few ? Array.from(some.subarray(0, picked), (i) => firstSeq + i) : [];
    const places = few
      ? segment.among(seqs, condition, firstSeq, lastSeq, 'oldest')
      : segment.scan(condition, firstSeq, lastSeq, 'oldest');
    let count = 0;
    for (const { seq } of places) if (mask[seq - firstSeq] !== 0) some[count++] = seq - firstSeq;
    return count;
  }
}

function pickMasked(mask: Uint8Array, rows: number, picked: Uint32Array): number {
  let count = 0;
  for (let i = 0; i < rows; i++) if (mask[i] !== 0) picked[count++] = i;
  return count;
}
