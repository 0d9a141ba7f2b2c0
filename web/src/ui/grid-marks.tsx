/**
 * Marks beside the scroll bar of a table: stretches of rows, or places between two rows, where something stands that is
 * worth going to. A click goes there; by keyboard `m` and `M` in the table, and the button below it.
 */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { formatCount } from '../base/format.ts';

export interface GridMark {
  /** Also the class that colours it. */
  readonly kind: string;
  /** What it is, in words. */
  readonly title: string;
  /** Rows `[first, end)`; none where it stands between two. */
  readonly first: number;
  readonly end: number;
}

/** How the rows lie beside the scroll bar. */
export interface GridScale {
  readonly total: number;
  readonly rowPx: number;
  readonly viewPx: number;
  readonly headPx: number;
}

/** Places as the scroll bar has them: a share of its height, or the rows themselves where all of them are seen. */
export function MarkStrip({
  marks,
  scale,
  onGo,
}: {
  readonly marks: readonly GridMark[];
  readonly scale: GridScale;
  readonly onGo: (mark: GridMark) => void;
}): JSX.Element {
  const { total, rowPx, viewPx, headPx } = scale;
  const fits = total * rowPx <= viewPx;
  const length = (rows: number): string => (fits ? `${rows * rowPx}px` : `${(100 * rows) / total}%`);
  const top = (row: number): string => (fits ? `${headPx + row * rowPx}px` : length(row));
  return (
    <div class="grid-marks no-print" aria-hidden="true">
      {marks.map((mark) => (
        <i
          key={`${mark.kind} ${mark.first} ${mark.title}`}
          class={mark.kind}
          title={mark.title}
          style={{ top: top(mark.first), height: length(mark.end - mark.first) }}
          onClick={() => onGo(mark)}
        />
      ))}
    </div>
  );
}

export interface MarkWalk {
  /** The mark that was gone to last, while its row is the active one. */
  readonly reached: GridMark | undefined;
  go(mark: GridMark): void;
  /** The next mark behind the active row, or before it; from the last one the first. */
  step(by: 1 | -1): void;
  /** Whether the key was one of theirs. */
  key(event: KeyboardEvent): boolean;
}

export function useMarks(
  marks: readonly GridMark[],
  total: number,
  active: number,
  moveTo: (row: number) => void,
): MarkWalk {
  const [last, setLast] = useState<GridMark | undefined>(undefined);
  // What stands behind the last row is gone to there.
  const rowOf = ({ first }: GridMark): number => Math.min(first, total - 1);
  const at = last === undefined ? -1 : marks.indexOf(last);
  const reached = last !== undefined && at >= 0 && rowOf(last) === active ? last : undefined;
  const go = (mark: GridMark): void => {
    setLast(mark);
    moveTo(rowOf(mark));
  };
  const step = (by: 1 | -1): void => {
    const [behind, before] = [
      marks.findIndex((mark) => rowOf(mark) > active),
      marks.findLastIndex((mark) => rowOf(mark) < active),
    ];
    // Several may stand at one row.
    const index = reached === undefined ? (by === 1 ? behind : before) : at + by;
    const next = marks[index] ?? marks.at(by === 1 ? 0 : -1);
    if (next !== undefined) go(next);
  };
  const key = (event: KeyboardEvent): boolean => {
    if (event.ctrlKey || event.metaKey || event.altKey || !/^m$/i.test(event.key)) return false;
    step(event.key === 'm' ? 1 : -1);
    event.stopPropagation();
    return true;
  };
  return { reached, go, step, key };
}

/** Below the table: how many marks there are, a way to the next, and in words where one is. */
export function MarkFoot({
  marks,
  walk,
}: {
  readonly marks: readonly GridMark[];
  readonly walk: MarkWalk;
}): JSX.Element {
  return (
    <>
      {marks.length > 0 && (
        <button
          type="button"
          class="button plain small"
          title="Next mark (m), the one before it (M)"
          onClick={() => walk.step(1)}
        >
          Next of {formatCount(marks.length)} {marks.length === 1 ? 'mark' : 'marks'}
        </button>
      )}
      <span aria-live="polite">{walk.reached?.title}</span>
    </>
  );
}
