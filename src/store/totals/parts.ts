/** What a group's key consists of, in one segment: the class of a session, shape or verdict row, the error, the time. */

import type { Query } from '../../query/filter.ts';
import type { ColumnChunk } from '../segment/columns.ts';
import { DIMENSIONS, type Dimension } from '../segment/postings.ts';
import type { SegmentReader } from '../segment/rows.ts';
import type { RecordView } from '../segment/view.ts';
import type { GroupBy } from './aggregate.ts';
import type { ClassCache, Classes } from './classes.ts';
import {
  type AggregateField,
  dimensionOf,
  isPeriod,
  isRowField,
  type Labels,
  PERIODS_US,
  type RowField,
} from './groups.ts';

export interface KeyPart {
  /** Classes; the number of one is below it. */
  readonly size: number;
  /** Adds `scale` times the class of each record to `keys`. */
  addTo(view: RecordView, keys: Float64Array, scale: number): void;
  /** The values of a class, one list for each group that its records are in. */
  labelsOf(number: number): readonly Labels[];
}

/**
 * By part of a key: where its values belong among a group's labels. The start of a bucket that was asked for by width comes
 * last, after the values of all fields, as a number of microseconds.
 */
export function partPlaces({ fields, bucketUs }: GroupBy): number[][] {
  const placesOf = (isOwn: (field: AggregateField) => boolean): number[] =>
    fields.flatMap((field, place) => (isOwn(field) ? [place] : []));
  const rows = DIMENSIONS.map((dimension) =>
    placesOf((field) => isRowField(field) && dimensionOf(field) === dimension),
  );
  const outcome = placesOf((field) => field === 'error' || field === 'outcome');
  const periods = placesOf(isPeriod);
  return [...rows, outcome, bucketUs === undefined ? periods : [...periods, fields.length]].filter(
    (places) => places.length > 0,
  );
}

/** The parts for what is asked, in the order of `partPlaces`. `bucketUs`: the shortest of the periods to be told apart. */
export function partsOf(
  by: GroupBy,
  bucketUs: number | undefined,
  query: Query,
  segment: SegmentReader,
  chunks: readonly ColumnChunk[],
  cache: ClassCache,
): KeyPart[] {
  const { fields } = by;
  const parts: KeyPart[] = [];
  for (const dimension of DIMENSIONS) {
    const own = fields.filter((field): field is RowField => isRowField(field) && dimensionOf(field) === dimension);
    if (own.length > 0) parts.push(rowPart(dimension, cache.classes(segment, own)));
  }
  if (fields.includes('error')) parts.push(codePart(by, chunks));
  else if (fields.includes('outcome')) parts.push(OUTCOME_PART);
  if (bucketUs !== undefined) parts.push(timePart(by, bucketUs, query, segment));
  return parts;
}

function rowPart(dimension: Dimension, classes: Classes): KeyPart {
  const { classOf, count } = classes;
  return {
    size: count,
    addTo: (view, keys, scale) => {
      const rows = view.words(dimension);
      for (let i = 0; i < view.rows; i++) {
        const row = rows[i] as number;
        keys[i] = (keys[i] as number) + (classOf[row] as number) * scale;
      }
    },
    labelsOf: (number) => classes.labelsOf(number),
  };
}

const OUTCOMES = ['ok', 'failed'] as const;

const OUTCOME_PART: KeyPart = {
  size: OUTCOMES.length,
  addTo: (view, keys, scale) => {
    const errors = view.words('error');
    for (let i = 0; i < view.rows; i++) {
      if (errors[i] !== 0) keys[i] = (keys[i] as number) + scale;
    }
  },
  labelsOf: (number) => [[OUTCOMES[number] ?? '']],
};

/** Chunks number their error codes each for itself; here they have one number in all. */
function codePart({ fields }: GroupBy, chunks: readonly ColumnChunk[]): KeyPart {
  const codes = ['', ...new Set(chunks.flatMap((chunk) => chunk.errorCodes()))];
  const numbers = new Map(codes.map((code, number) => [code, number]));
  const own = fields.filter((field) => field === 'error' || field === 'outcome');
  return {
    size: codes.length,
    addTo: (view, keys, scale) => {
      const errors = view.words('error');
      const classOf = [0, ...view.errorCodes().map((code) => numbers.get(code) ?? 0)];
      for (let i = 0; i < view.rows; i++) {
        const error = errors[i] as number;
        keys[i] = (keys[i] as number) + (classOf[error] as number) * scale;
      }
    },
    labelsOf: (number) => [
      own.map((field) => (field === 'error' ? (codes[number] ?? '') : (OUTCOMES[Math.min(number, 1)] ?? ''))),
    ],
  };
}

function timePart(by: GroupBy, bucketUs: number, query: Query, segment: SegmentReader): KeyPart {
  const { fields, originUs = 0 } = by;
  const { timeMinUs = 0, timeMaxUs = 0 } = segment.facts;
  const first = Math.floor((Math.max(timeMinUs, query.fromUs ?? timeMinUs) - originUs) / bucketUs);
  const last = Math.floor((Math.min(timeMaxUs, query.toUs ?? timeMaxUs) - originUs) / bucketUs);
  const periods = fields.filter(isPeriod);
  const named = by.bucketUs !== undefined;
  return {
    size: Math.max(1, last - first + 1),
    addTo: (view, keys, scale) => {
      const times = view.times();
      for (let i = 0; i < view.rows; i++) {
        const timeUs = times[i] as number;
        keys[i] = (keys[i] as number) + (Math.floor((timeUs - originUs) / bucketUs) - first) * scale;
      }
    },
    labelsOf: (number) => {
      const startUs = originUs + (first + number) * bucketUs;
      const labels = periods.map((field) => periodLabel(startUs, field));
      return [named ? [...labels, String(startUs)] : labels];
    },
  };
}

const LABEL_UNITS = { minute: 16, hour: 13, day: 10 } as const;
/** The latest moment that a date can name. */
const DATE_MS_MAX = 8.64e15;

/** `2026-11-20T10:05`, `2026-11-20T10`, `2026-11-20`: the period that holds the moment. */
function periodLabel(timeUs: number, field: keyof typeof PERIODS_US): string {
  const startMs = (Math.floor(timeUs / PERIODS_US[field]) * PERIODS_US[field]) / 1000;
  return Math.abs(startMs) > DATE_MS_MAX ? '' : new Date(startMs).toISOString().slice(0, LABEL_UNITS[field]);
}
