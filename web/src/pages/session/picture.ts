/** Places of a session's records, transactions and gaps on a time axis, in per cent of its width. */
import type { SessionView } from '#src/console/api/records.js';
import { formatDuration, microseconds } from '../../base/format.ts';

export const LANES = ['read', 'write', 'admin', 'other'] as const;
export type Lane = (typeof LANES)[number];

export interface Stretch {
  readonly left: number;
  readonly width: number;
}

export interface Picture {
  readonly fromMs: number;
  readonly lengthMs: number;
  readonly transactions: readonly (Stretch & { readonly end: string })[];
  readonly gaps: readonly Stretch[];
}

export interface RecordMark extends Stretch {
  readonly id: string;
  readonly lane: Lane;
  readonly tone: 'ok' | 'error' | 'alert';
  readonly label: string;
}

/** More marks than pixels say nothing; the list has all. */
const MARKS_MAX = 2000;

export function pictureOf(view: SessionView): Picture {
  const starts = view.items.map((item) => microseconds(item.row.time) / 1000);
  const ends = view.items.map((item, index) => (starts[index] ?? 0) + (item.row.durationUs ?? 0) / 1000);
  const fromMs = starts.length === 0 ? microseconds(view.session.first) / 1000 : Math.min(...bounded(starts));
  const toMs = ends.length === 0 ? microseconds(view.session.last) / 1000 : Math.max(...bounded(ends));
  const lengthMs = Math.max(0.001, toMs - fromMs);
  const stretch = (from: number, to: number): Stretch => {
    const left = percent(from - fromMs, lengthMs);
    return { left, width: percent(to - fromMs, lengthMs) - left };
  };
  return {
    fromMs,
    lengthMs,
    transactions: view.transactions.map((one) => ({
      ...stretch(starts[one.first] ?? fromMs, ends[one.last] ?? toMs),
      end: one.end,
    })),
    gaps: view.gaps.map((gap) => stretch(microseconds(gap.from) / 1000, microseconds(gap.to) / 1000)),
  };
}

/** First and last would do, but records may overlap; both ends are looked for among the first and last thousand. */
function bounded(times: readonly number[]): readonly number[] {
  return times.length <= 2000 ? times : [...times.slice(0, 1000), ...times.slice(-1000)];
}

function percent(part: number, whole: number): number {
  return Math.min(100, Math.max(0, (100 * part) / whole));
}

export function marksOf(view: SessionView, picture: Picture): readonly RecordMark[] {
  const step = Math.max(1, Math.ceil(view.items.length / MARKS_MAX));
  return view.items
    .filter((item, index) => index % step === 0 || item.row.errorCode !== undefined || item.row.severity !== undefined)
    .slice(0, 2 * MARKS_MAX)
    .map(({ row, lane }) => {
      const failed = row.errorCode !== undefined || row.errorText !== undefined;
      const left = percent(microseconds(row.time) / 1000 - picture.fromMs, picture.lengthMs);
      return {
        id: row.id,
        lane,
        left: Math.min(99.6, left),
        width: Math.min(100 - left, percent((row.durationUs ?? 0) / 1000, picture.lengthMs)),
        tone: failed ? 'error' : row.severity === undefined ? 'ok' : 'alert',
        label: `${row.operation ?? row.kind}${failed ? `, failed ${row.errorCode ?? ''}` : ''}${
          row.durationUs === undefined ? '' : `, ${formatDuration(row.durationUs)}`
        }`,
      };
    });
}
