/** Records that somebody keeps at hand: a person's own, on every page. */
import Type, { type Static } from 'typebox';
import { closed } from './common.ts';
import { Row } from './records.ts';

/** A person has no more; each is looked up when the list is shown. */
export const PINS_MAX = 100;

/** `GET /pins`, the newest first. `PUT /pins/:id` and `DELETE /pins/:id` answer the list as it is then. */
export const Pins = closed({
  pins: Type.Array(
    closed({
      pinnedAt: Type.String(),
      /** With literals as `?`, whoever asks: the statement itself has its own page, where views are recorded. */
      row: Row,
    }),
  ),
  /** Pinned records that are not there any more, or not to be seen. */
  gone: Type.Integer(),
});
export type Pins = Static<typeof Pins>;
