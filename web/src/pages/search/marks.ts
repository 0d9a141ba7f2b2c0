/** Marks of the search table: what was not seen, and one's pins. */
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { RecordMarks } from '#src/console/api/marks.js';
import { useAnswer } from '../../base/answer.ts';
import type { Params } from '../../base/api.ts';
import { formatCount, formatMoment } from '../../base/format.ts';
import { pins } from '../../base/pins.ts';
import { zone } from '../../base/scope.ts';
import type { GridMark } from '../../ui/grid-marks.tsx';

const GAPS: Readonly<Record<RecordMarks['gaps'][number]['kind'], string>> = {
  loss: 'a sensor reported losses',
  unwatched: 'no sensor watched',
};

/** Those of the question; the old ones while there is none, or they are being counted. */
export function useMarksOf(question: Params | undefined): readonly GridMark[] {
  const answer = useAnswer<RecordMarks>(question && '/records/marks', question);
  const pinned = pins.value?.pins.map(({ row }) => row.id).join();
  const before = useRef(pinned);
  useEffect(() => {
    // Not when the list of pins arrives for the first time: the answer has them.
    if (before.current !== undefined && before.current !== pinned) answer.reload();
    before.current = pinned;
  }, [pinned]);
  const tz = zone();
  return useMemo(() => marksOf(answer.data), [answer.data, tz]);
}

function marksOf(data: RecordMarks | undefined): readonly GridMark[] {
  const gaps = (data?.gaps ?? []).map(
    ({ kind, from, to, parts, first, end }): GridMark => ({
      kind,
      title: `${moment(from)} to ${moment(to)}: ${parts === 1 ? '' : `${formatCount(parts)} times `}${GAPS[kind]}`,
      first,
      end,
    }),
  );
  const places = (data?.pins ?? []).map(
    ({ time, position }): GridMark => ({
      kind: 'pin',
      title: `${moment(time)}: pinned`,
      first: position,
      end: position + 1,
    }),
  );
  return [...gaps, ...places].sort((a, b) => a.first - b.first || a.end - b.end);
}

function moment(time: string): string {
  return formatMoment(Date.parse(time), zone(), 'second');
}
