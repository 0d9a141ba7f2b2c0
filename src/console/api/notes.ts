/** Notes that auditors leave on records. They are added, never changed or removed. */
import Type, { type Static } from 'typebox';
import { closed } from './common.ts';

export const NOTE_CHARS_MAX = 2000;

export const Note = closed({
  /** Id of the record. */
  record: Type.String(),
  who: Type.String(),
  time: Type.String(),
  text: Type.String(),
});
export type Note = Static<typeof Note>;

/** `POST /records/:id/notes`: answers the note as it is kept. */
export const NoteAdd = closed({ text: Type.String({ minLength: 1, maxLength: NOTE_CHARS_MAX }) });
