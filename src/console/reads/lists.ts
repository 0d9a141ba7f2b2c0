/** Lists, counts, histograms and facets: the search page. */

import type { Scope } from '../api/common.ts';
import {
  type Count,
  type Explanation,
  FACET_FIELDS,
  type Facets,
  type FacetsQuery,
  type Histogram,
  type HistogramQuery,
  type Records,
  type RecordsAt,
  type RecordsAtQuery,
  type RecordsQuery,
} from '../api/records.ts';
import { ConsoleError } from '../error.ts';
import { bucketsOf, seriesOf } from './buckets.ts';
import { pageAt, pageFrom } from './page.ts';
import { rowOf } from './row.ts';
import type { Loose, Question, Source } from './source.ts';
import type { Seen } from './task.ts';

export function questionOf(source: Source, args: Seen<Loose<Scope>>): Question {
  return source.question(args, { mayReadTexts: args.sight.literals });
}

export function records(source: Source, args: Seen<RecordsQuery>): Records {
  const question = questionOf(source, args);
  const page = pageFrom(source, question, args.cursor, args.dir ?? 'newest', args.limit ?? 100);
  return {
    asked: source.asked(question),
    rows: page.records.map((record) => rowOf(record, args.sight)),
    ...(page.next === undefined ? {} : { next: page.next }),
  };
}

export function recordsAt(source: Source, args: Seen<RecordsAtQuery>): RecordsAt {
  const question = questionOf(source, args);
  const page = pageAt(source, question, args.position, args.dir ?? 'newest', args.limit ?? 100);
  return {
    asked: source.asked(question),
    position: args.position,
    total: page.total,
    rows: page.records.map((record) => rowOf(record, args.sight)),
    ...(page.next === undefined ? {} : { next: page.next }),
  };
}

export function count(source: Source, args: Seen<Scope>): Count {
  const question = questionOf(source, args);
  const total = source.count(question.query);
  return { asked: source.asked(question), total };
}

const FIELD_OF_LINES = { op: 'op', kind: 'kind', outcome: 'outcome', severity: 'severity' } as const;

export function histogram(source: Source, args: Seen<HistogramQuery>): Histogram {
  const question = questionOf(source, args);
  const { fromUs, toUs } = question.range;
  const buckets = bucketsOf(fromUs, toUs, args.buckets ?? 120);
  const fields = args.by === undefined ? [] : [FIELD_OF_LINES[args.by]];
  const by = { fields, bucketUs: buckets.widthUs, originUs: buckets.originUs, countsOnly: true };
  const rows = source.aggregate(question.query, by);
  const total = rows.reduce((sum, row) => sum + row.records, 0);
  return { asked: source.asked(question), total, series: seriesOf(rows, buckets) };
}

export function facets(source: Source, args: Seen<FacetsQuery>): Facets {
  const question = questionOf(source, args);
  const total = source.count(question.query);
  const limit = args.limit ?? 10;
  const list = [...new Set(args.field.split(','))].map((name) => {
    const field = FACET_FIELDS.find((known) => known === name);
    if (field === undefined)
      throw new ConsoleError('bad-request', `there is no facet ${name}; there are ${FACET_FIELDS.join(', ')}`);
    const found = [...source.countValues(question.query, field)];
    found.sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
    const values = found.slice(0, limit);
    const others = found.slice(limit).reduce((sum, { count: left }) => sum + left, 0);
    return { field, values, others };
  });
  return { asked: source.asked(question), total, facets: list };
}

export function explain(source: Source, args: Seen<Scope>): Explanation {
  const question = questionOf(source, args);
  const sentences = source.explain(question.query);
  return { asked: source.asked(question), sentences };
}
