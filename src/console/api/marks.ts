/** Marks of a result's scroll bar: gaps in what was seen, and the asker's pins. */
import Type, { type Static } from 'typebox';
import { Asked, closed, scopeProperties, word } from './common.ts';
import { DIRECTIONS } from './records.ts';

/** `GET /records/marks`: where in the whole result something stands that its scroll bar shows. Positions as in `RecordsAt`. */
export const RecordMarksQuery = closed({ ...scopeProperties, dir: Type.Optional(word(DIRECTIONS)) });
export type RecordMarksQuery = Static<typeof RecordMarksQuery>;
export const GAP_KINDS = ['loss', 'unwatched'] as const;
export const RecordMarks = closed({
  asked: Asked,
  total: Type.Integer(),
  /** Stretches of time in which a sensor reported losses, or none watched, and the records of it, perhaps none: `[first, end)`. */
  gaps: Type.Array(
    closed({
      kind: word(GAP_KINDS),
      from: Type.String(),
      to: Type.String(),
      /** Where there are many, those near each other are one stretch: so many gaps are in it. */
      parts: Type.Integer(),
      first: Type.Integer(),
      end: Type.Integer(),
    }),
  ),
  /** There are more losses, before those that are told. */
  moreGaps: Type.Boolean(),
  /** Records of the result that the asker pinned. */
  pins: Type.Array(closed({ id: Type.String(), time: Type.String(), position: Type.Integer() })),
});
export type RecordMarks = Static<typeof RecordMarks>;
