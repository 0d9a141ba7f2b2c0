/** Records by id and time, which finds them without a search through the store. */
import type { AuditRecord } from '../../contracts/record.ts';
import { valueFilter } from '../../query/build.ts';
import type { Row } from '../api/records.ts';
import { rowOf } from './row.ts';
import type { Source } from './source.ts';
import type { Seen } from './task.ts';

export interface PinnedPlace {
  readonly id: string;
  readonly timeUs: number;
}

/** In the order asked for; those that are not there, or not to be seen, are left out. */
export function pinned(source: Source, { pins, sight }: Seen<{ pins: readonly PinnedPlace[] }>): Row[] {
  const found = pins.flatMap(({ id, timeUs }): readonly AuditRecord[] =>
    source.latest({ fromUs: timeUs, toUs: timeUs + 1, filter: valueFilter('id', id) }, 1),
  );
  return found.map((record) => rowOf(record, sight));
}

/** The record's id as it is kept, and its time. Throws `not-found`. */
export function placeOf(source: Source, { id }: Seen<{ id: string }>): PinnedPlace {
  const { record } = source.get(id);
  return { id: record.id, timeUs: record.timeUs };
}
