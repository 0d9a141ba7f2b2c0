/** What a group's key consists of, in one segment: the class of a session, shape or verdict row, the error, the time. */

import type { Query } from '../../query/filter.ts';
import type { ColumnChunk } from '../segment/columns.ts';
import { DIMENSIONS, type Dimension } from '../segment/postings.ts';
import type { SegmentReader } from '../segment/rows.ts';
import type { RecordView } from '../segment/view.ts';
import type { GroupBy } from './aggregate.ts';
import type { ClassCache, Classes } from './classes.ts';
import { dimensionOf, isPeriod, isRowField, type Labels, PERIODS_US, type RowField } from './groups.ts';

export interface KeyPart {
  /** Classes; the number of one is below it. */
  readonly size: number;
  /** Adds `scale` times the class of each record to `keys`. */
  addTo(view: RecordView, keys: Float64Array, scale: number): void;
  /** The values of a class, and where they belong among a group's labels. */
  labelsOf(number: number): readonly Labels[];
  readonly places: readonly number[];
}

/**
 * The parts for what is asked. `bucketUs`: the shortest of the periods to be told apart. The start of a bucket that was
 * asked for by width comes last among the labels, as a number of microseconds.
 */
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
    if (own.length === 0) continue;
    const places = own.map((field) => fields.indexOf(field));
    parts.push({ ...rowPart(dimension, cache.classes(segment, own)), places });
  }
  if (fields.includes('error')) parts.push(codePart(by, chunks));
  else if (fields.includes('outcome')) parts.push(outcomePart(by));
  if (bucketUs !== undefined) parts.push(timePart(by, bucketUs, query, segment));
  return parts;
}

function rowPart(dimension: Dimension, classes: Classes): Omit<KeyPart, 'places'> {
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

function outcomePart({ fields }: GroupBy): KeyPart {
  return {
    size: OUTCOMES.length,
    addTo: (view, keys, scale) => {
      const errors = view.words('error');
      for (let i = 0; i < view.rows; i++) {
        if (errors[i] !== 0) keys[i] = (keys[i] as number) + scale;
      }
    },
    labelsOf: (number) => [[OUTCOMES[number] ?? '']],
    places: [fields.indexOf('outcome')],
  };
}

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
    places: own.map((field) => fields.indexOf(field)),
  };
}

function timePart(by: GroupBy, bucketUs: number, query: Query, segment: SegmentReader): KeyPart {
  const { fields, originUs = 0 } = by;
  const { timeMinUs = 0, timeMaxUs = 0 } = segment.facts;
  const first = Math.floor((Math.max(timeMinUs, query.fromUs ?? timeMinUs) - originUs) / bucketUs);
  const last = Math.floor((Math.min(timeMaxUs, query.toUs ?? timeMaxUs) - originUs) / bucketUs);
  const periods = fields.filter(isPeriod);
  const places = periods.map((field) => fields.indexOf(field));
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
    places: named ? [...places, fields.length] : places,
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
