/** How a query is answered, segment by segment: for `wiretrail query --explain`. */
import type { SearchPlan } from './search.ts';

export interface SegmentPlan {
  /** Path of the segment's file. */
  readonly path: string;
  readonly rows: number;
  /** Why the segment is not read at all, or how it is read. */
  readonly how: 'other time' | 'filter' | 'rows' | 'index' | 'columns';
  /** Records that are looked at: the postings of the index, or the rows that the time range leaves. */
  readonly looked: number;
  /** Terms of the query that the index answered, and those asked of each record looked at. */
  readonly indexed: readonly string[];
  readonly asked: readonly string[];
}

export function explainPlan(path: string, rows: number, plan: SearchPlan): SegmentPlan {
  const { asked, by, candidates, narrowed, seqMin, seqMax } = plan;
  return {
    path,
    rows,
    how: (candidates && by) ?? 'rows',
    looked: candidates?.count() ?? Math.max(0, seqMax - seqMin + 1),
    indexed: narrowed.map(({ label }) => label),
    asked: asked.map(({ label }) => label),
  };
}

/** `why`: its time, or a filter says that a value of the query is nowhere in it. */
export function explainSkipped(path: string, rows: number, why: 'other time' | 'filter'): SegmentPlan {
  return { path, rows, how: why, looked: 0, indexed: [], asked: [] };
}
