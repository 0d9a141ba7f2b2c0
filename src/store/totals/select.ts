/**
 * Filters over the columns of a segment (`columns.ts`), a chunk at a time: each condition fills a mask of a byte a
 * record. What only the rows can tell (texts, ids, end users) is left to SQL; the result is exact either way.
 */
import { MARK_NAMES } from '../../contracts/event.ts';
import type { Filter, Query } from '../../query/filter.ts';
import { patternMatches } from '../../query/match.ts';
import type { TimeRange } from '../../query/time.ts';
import { type Condition, compileFilter, conjunction, EVERYTHING } from '../search/compile.ts';
import { AmountTest } from '../segment/amount-test.ts';
import { type AmountColumn, CHUNK_ROWS_MAX, type ColumnChunk, type Picked } from '../segment/columns.ts';
import { type Dimension, intersection, type PostingIndex } from '../segment/postings.ts';
import type { SegmentReader } from '../segment/rows.ts';
import { ChunkView, type RecordView } from '../segment/view.ts';

/** Sets a byte of `mask` for each record of the view: 1 when it meets the condition, else 0. */
export type Mask = (view: RecordView, mask: Uint8Array) => void;

/** What a filter comes to in one segment. */
export interface Selection {
  /** No record of the segment can match. */
  readonly never: boolean;
  /** Indexes (`seq` less first `seq`) of the only records that can match, ascending; `undefined`: any. */
  readonly candidates: Uint32Array | undefined;
  /** `undefined`: the columns exclude none of these. */
  readonly mask: Mask | undefined;
  /** What remains to be asked of the rows; `undefined`: nothing. */
  readonly residual: Condition | undefined;
}

const NOTHING: Selection = { never: true, candidates: undefined, mask: undefined, residual: undefined };
/** Below this part of a segment's records, those of a posting list are looked at one by one. */
const SELECTIVE_PART = 1 / 16;

/** `index` is `undefined` for a segment without one. Throws `StoreError`. */
export function planSelection(
  segment: SegmentReader,
  filter: Filter | undefined,
  index: PostingIndex | undefined,
): Selection {
  const masks: Mask[] = [];
  const residual: Condition[] = [];
  let candidates: Uint32Array | undefined;
  for (const term of termsOf(filter)) {
    const rows = rowsAllowed(segment, term);
    if (rows?.numbers.length === 0) return NOTHING;
    const { dimension, numbers } = rows ?? { dimension: 'session', numbers: [] };
    if (rows !== undefined && index !== undefined) {
      if (index.estimate(dimension, numbers) <= segment.facts.rows * SELECTIVE_PART) {
        const chosen = index.indexes(dimension, numbers);
        candidates = candidates === undefined ? chosen : intersection(candidates, chosen);
        continue;
      }
    }
    const mask = rows === undefined ? maskOf(segment, term) : rowMask(segment, rows);
    if (mask === undefined) residual.push(compileFilter(term));
    else masks.push(mask);
  }
  const rest = conjunction(residual);
  const never = candidates?.length === 0;
  return { never, candidates, mask: allOf(masks), residual: rest.sql === EVERYTHING ? undefined : rest };
}

/** What must all hold. */
function termsOf(filter: Filter | undefined): readonly Filter[] {
  if (filter === undefined) return [];
  return filter.kind === 'and' ? filter.terms : [filter];
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
  return (view, mask) => view.testWords(dimension, allowed, mask);
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
        ? movedMask(new AmountTest(filter.comparison, filter.value))
        : isAmount(filter.field)
          ? amountMask(filter.field, new AmountTest(filter.comparison, filter.value))
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

function amountMask(column: AmountColumn, test: AmountTest): Mask {
  return (view, mask) => view.testAmounts(column, test, mask);
}

/** Rows returned, or else affected. */
function movedMask(test: AmountTest): Mask {
  return (view, mask) => {
    if (view.isEmpty('affected')) view.testAmounts('returned', test, mask);
    else if (view.isEmpty('returned')) view.testAmounts('affected', test, mask);
    else test.test(view.moved(), mask, view.rows);
  };
}

function failedMask(wanted: boolean): Mask {
  return (view, mask) => {
    if (view.isEmpty('error')) {
      mask.fill(wanted ? 0 : 1, 0, view.rows);
      return;
    }
    const errors = view.words('error');
    for (let i = 0; i < view.rows; i++) mask[i] = (errors[i] !== 0) === wanted ? 1 : 0;
  };
}

function errorMask(matches: (code: string) => boolean): Mask {
  return (view, mask) => {
    const allowed = Uint8Array.from([0, ...view.errorCodes().map((code) => Number(matches(code)))]);
    view.testWords('error', allowed, mask);
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
    if (view.isEmpty('marks')) {
      mask.fill(0, 0, view.rows);
      return;
    }
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

/** Below this part of the records looked at, the rows of those picked are asked one by one. */
const FEW_PARTS = 8;

/** Hold nothing between two calls. */
const MASK = new Uint8Array(CHUNK_ROWS_MAX);
const PLACES = new Uint16Array(CHUNK_ROWS_MAX);
const NO_PLACES: Picked = new Uint16Array(0);

/** Times are half-open, sequence numbers inclusive. */
export interface Span {
  readonly fromUs: number;
  readonly toUs: number;
  readonly seqMin: number;
  readonly seqMax: number;
}

export function spanOf({ fromUs, toUs, seqMax }: Pick<Query, 'fromUs' | 'toUs' | 'seqMax'>): Span {
  return {
    fromUs: fromUs ?? Number.NEGATIVE_INFINITY,
    toUs: toUs ?? Number.POSITIVE_INFINITY,
    seqMin: 0,
    seqMax: seqMax ?? Number.POSITIVE_INFINITY,
  };
}

/** Picks the records of a span that a selection finds, one chunk after the other. */
export class ChunkSelector {
  /** The records picked by the last `select`. */
  readonly view: ChunkView;
  /** Their places within the chunk, borrowed until anything else is selected; `undefined`: all of it, in order. */
  picked: Picked | undefined = undefined;
  private readonly span: Span;

  constructor(span: Span, view: ChunkView = new ChunkView()) {
    this.span = span;
    this.view = view;
  }

  /** Turns `view` to the matching records of the chunk and gives their number. */
  select(segment: SegmentReader, chunk: ColumnChunk, { candidates, mask, residual }: Selection): number {
    const { view } = this;
    const { fromUs, toUs, seqMin, seqMax } = this.span;
    const { firstSeq, timeMinUs, timeMaxUs } = chunk;
    const lastSeq = firstSeq + chunk.rows - 1;
    if (timeMaxUs < fromUs || timeMinUs >= toUs || firstSeq > seqMax || lastSeq < seqMin) return 0;
    this.picked = candidates && candidatesOf(candidates, segment.firstSeq, chunk);
    view.use(chunk, this.picked);
    const whole = timeMinUs >= fromUs && timeMaxUs < toUs && firstSeq >= seqMin && lastSeq <= seqMax;
    if (view.rows > 0 && !(whole && mask === undefined)) {
      if (mask === undefined) MASK.fill(1, 0, view.rows);
      else mask(view, MASK);
      if (!whole) this.maskEdges(chunk, this.picked);
      this.picked = pickMasked(MASK, this.picked, view.rows);
      view.use(chunk, this.picked);
    }
    if (view.rows > 0 && residual !== undefined) {
      this.picked = askRows(segment, chunk, residual, this.picked);
      view.use(chunk, this.picked);
    }
    return view.rows;
  }

  /** Number of matching records of a segment. */
  count(segment: SegmentReader, chunks: readonly ColumnChunk[], selection: Selection): number {
    return chunks.reduce((total, chunk) => total + this.select(segment, chunk, selection), 0);
  }

  private maskEdges({ firstSeq }: ColumnChunk, picked: Picked | undefined): void {
    const { view, span } = this;
    const { fromUs, toUs } = span;
    const times = view.times();
    const first = span.seqMin - firstSeq;
    const last = span.seqMax - firstSeq;
    for (let i = 0; i < view.rows; i++) {
      const timeUs = times[i] as number;
      const place = picked === undefined ? i : (picked[i] as number);
      if (timeUs < fromUs || timeUs >= toUs || place < first || place > last) MASK[i] = 0;
    }
  }
}

/** Of the picked records, or of the first `rows`, those that the mask lets through. Borrowed until the next call. */
export function pickMasked(mask: Uint8Array, picked: Picked | undefined, rows: number): Picked {
  if (mask.indexOf(1) >>> 0 >= rows) return NO_PLACES;
  let count = 0;
  // Without a branch, which could not be predicted.
  if (picked === undefined) {
    for (let i = 0; i < rows; i++) {
      PLACES[count] = i;
      count += mask[i] as number;
    }
  } else {
    for (let i = 0; i < rows; i++) {
      PLACES[count] = picked[i] as number;
      count += mask[i] as number;
    }
  }
  return PLACES.subarray(0, count);
}

/** Keeps those of the picked records whose rows meet the condition. */
function askRows(
  segment: SegmentReader,
  { firstSeq, rows }: ColumnChunk,
  condition: Condition,
  picked: Picked | undefined,
): Picked {
  const lastSeq = firstSeq + rows - 1;
  const kept: number[] = [];
  if (picked === undefined || picked.length * FEW_PARTS >= rows) {
    MASK.fill(picked === undefined ? 1 : 0);
    if (picked !== undefined) for (const place of picked) MASK[place] = 1;
    for (const { seq } of segment.scan(condition, firstSeq, lastSeq, 'oldest')) {
      if (MASK[seq - firstSeq] !== 0) kept.push(seq - firstSeq);
    }
  } else {
    const seqs = Array.from(picked, (place) => firstSeq + place);
    for (const { seq } of segment.among(seqs, condition, firstSeq, lastSeq, 'oldest')) kept.push(seq - firstSeq);
  }
  return Uint16Array.from(kept);
}

/** The candidates, indexes within the segment, that lie in the chunk, as places within it. */
function candidatesOf(candidates: Uint32Array, firstSeq: number, chunk: ColumnChunk): Picked {
  const first = chunk.firstSeq - firstSeq;
  const start = lowerBound(candidates, first);
  const places = new Uint16Array(lowerBound(candidates, first + chunk.rows) - start);
  for (let i = 0; i < places.length; i++) places[i] = (candidates[start + i] as number) - first;
  return places;
}

/** How many of the ascending numbers are less than `value`. */
function lowerBound(numbers: Uint32Array, value: number): number {
  let low = 0;
  for (let high = numbers.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
