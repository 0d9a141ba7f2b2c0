/** Records of several segments as one stream in order of time: a segment is opened when the stream comes to its time. */

import type { SegmentReader } from '../segment/rows.ts';
import type { CompiledQuery } from './compile.ts';
import { comparePlaces, type Order, type RecordPlace } from './order.ts';
import type { PooledSegment, SegmentRef } from './pool.ts';
import { planSearch, searchPlaces } from './search.ts';

/** A segment that may hold an answer, and the time it spans. */
export interface Candidate extends SegmentRef {
  readonly timeMinUs: number;
  readonly timeMaxUs: number;
}

/** How the segments are come by. */
export interface MergeSource {
  /** False when it is known that no record of the segment matches. */
  mayHold(candidate: Candidate): boolean;
  /** Throws what SQLite throws. */
  take(candidate: Candidate): PooledSegment;
  give(pooled: PooledSegment): void;
  /** What `step` gives; `undefined` when the segment at `path` cannot be read. */
  attempt<T>(path: string, step: () => T): T | undefined;
}

/** A segment being read, at its next record. */
interface Stream {
  readonly pooled: PooledSegment;
  readonly places: Iterator<RecordPlace>;
  head: RecordPlace;
}

/** A record that was found, and the segment it is in. */
export interface MergedPlace {
  readonly place: RecordPlace;
  readonly segment: SegmentReader;
  readonly path: string;
}

export class SegmentMerge {
  /** Not opened yet, in the order in which they are come to. */
  private readonly pending: Candidate[];
  private readonly streams: Stream[] = [];
  private readonly query: CompiledQuery;
  private readonly order: Order;
  private readonly source: MergeSource;

  constructor(candidates: readonly Candidate[], query: CompiledQuery, order: Order, source: MergeSource) {
    this.pending = candidates.toSorted((a, b) =>
      order === 'newest' ? b.timeMaxUs - a.timeMaxUs : a.timeMinUs - b.timeMinUs,
    );
    this.query = query;
    this.order = order;
    this.source = source;
  }

  /** The next record; `undefined` at the end. */
  first(): MergedPlace | undefined {
    this.openDue();
    const stream = this.earliest();
    return stream && { place: stream.head, segment: stream.pooled.segment, path: stream.pooled.ref.path };
  }

  /** Moves past what `first` gives. */
  advance(): void {
    const stream = this.earliest();
    if (stream === undefined) return;
    const next = this.source.attempt(stream.pooled.ref.path, () => stream.places.next());
    if (next !== undefined && next.done !== true) {
      stream.head = next.value;
      return;
    }
    this.streams.splice(this.streams.indexOf(stream), 1);
    this.closeStream(stream);
  }

  close(): void {
    for (const stream of this.streams.splice(0)) this.closeStream(stream);
  }

  /** Opens the segments that may hold a record before the earliest one known. */
  private openDue(): void {
    const { pending, order, source } = this;
    for (let next = pending[0]; next !== undefined; next = pending[0]) {
      const head = this.earliest()?.head;
      if (head !== undefined) {
        const reaches = order === 'newest' ? next.timeMaxUs >= head.time_us : next.timeMinUs <= head.time_us;
        if (!reaches) return;
      }
      pending.shift();
      const due = next;
      if (!source.mayHold(due)) continue;
      const stream = source.attempt(due.path, () => this.openStream(due));
      if (stream !== undefined) this.streams.push(stream);
    }
  }

  /** `undefined` when the segment holds no match. */
  private openStream(candidate: Candidate): Stream | undefined {
    const { source, query, order } = this;
    const pooled = source.take(candidate);
    let stream: Stream | undefined;
    try {
      const plan = pooled.withFinder((finder) => planSearch(pooled, query, finder));
      if (plan.candidates?.none !== true) {
        const places = searchPlaces(pooled, plan, order);
        const head = places.next();
        if (head.done !== true) stream = { pooled, places, head: head.value };
      }
      return stream;
    } finally {
      if (stream === undefined) source.give(pooled);
    }
  }

  /** An iterator that was left early must be ended before its connection can close. */
  private closeStream(stream: Stream): void {
    stream.places.return?.();
    this.source.give(stream.pooled);
  }

  private earliest(): Stream | undefined {
    const sign = this.order === 'newest' ? -1 : 1;
    let best: Stream | undefined;
    for (const stream of this.streams) {
      if (best === undefined || sign * comparePlaces(stream.head, best.head) < 0) best = stream;
    }
    return best;
  }
}
