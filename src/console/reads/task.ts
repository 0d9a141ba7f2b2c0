/** What reading threads can be asked, and the messages that carry it. */

import type { MessagePort } from 'node:worker_threads';
import type { TimeRange } from '../../query/time.ts';
import type { Place } from '../../store/totals/grouping.ts';
import type { Alerts, AlertsQuery, AlertView } from '../api/alerts.ts';
import type { Scope } from '../api/common.ts';
import type { RecordMarks, RecordMarksQuery } from '../api/marks.ts';
import type {
  Entities,
  EntitiesQuery,
  EntityQuery,
  EntityView,
  Overview,
  OverviewBefore,
  OverviewBeforeQuery,
  OverviewFigures,
} from '../api/overview.ts';
import type { PolicyTry, PolicyValidated, RuleInfo, SourceFile, TryProgress } from '../api/policies.ts';
import type {
  CompleteQuery,
  Completion,
  Count,
  Explanation,
  ExportQuery,
  Facets,
  FacetsQuery,
  Histogram,
  HistogramQuery,
  Records,
  RecordsAt,
  RecordsAtQuery,
  RecordsQuery,
  RecordView,
  Revealed,
  Row,
  Sessions,
  SessionsQuery,
  SessionView,
} from '../api/records.ts';
import type { CoverageQuery, CoverageView, Kept } from '../api/sensors.ts';
import type { ReportFiles, ReportRequest } from '../reports/model.ts';
import type { DecisionFacts } from './alerts.ts';
import type { SensorRecords } from './coverage.ts';
import type { PinnedPlace } from './pinned.ts';
import type { Sight } from './row.ts';
import type { Extent, Loose, Source } from './source.ts';

/** A question by someone who may see so much: every question about records says so. */
export type Seen<Q> = Q & { readonly sight: Sight };

export interface LiveTail {
  /** Position of the last record looked at, as text (`Source.positionText`). */
  readonly position: string;
  readonly received: number;
  readonly rows: readonly { readonly position: string; readonly row: Row }[];
  readonly matching: number;
}

export interface TaskTable {
  readonly extent: (source: Source, args: Seen<object>) => Extent;
  readonly warm: (source: Source, args: { step: number }) => boolean;
  readonly warmTogether: (source: Source, args: { step: number }) => boolean;
  readonly records: (source: Source, args: Seen<RecordsQuery>) => Records;
  readonly recordsAt: (source: Source, args: Seen<RecordsAtQuery>) => RecordsAt;
  readonly recordMarks: (
    source: Source,
    args: Seen<RecordMarksQuery & { pins: readonly PinnedPlace[] }>,
  ) => RecordMarks;
  readonly count: (source: Source, args: Seen<Scope>) => Count;
  readonly histogram: (source: Source, args: Seen<HistogramQuery>) => Histogram;
  readonly facets: (source: Source, args: Seen<FacetsQuery>) => Facets;
  readonly complete: (source: Source, args: Seen<CompleteQuery>) => Completion;
  readonly explain: (source: Source, args: Seen<Scope>) => Explanation;
  readonly record: (source: Source, args: Seen<{ id: string }>) => Omit<RecordView, 'mayReveal' | 'packets' | 'notes'>;
  readonly pinned: (source: Source, args: Seen<{ pins: readonly PinnedPlace[] }>) => Row[];
  readonly placeOf: (source: Source, args: Seen<{ id: string }>) => PinnedPlace;
  readonly packets: (source: Source, args: Seen<{ evidence: string; session: string }>) => Uint8Array | undefined;
  readonly reveal: (source: Source, args: Seen<{ id: string }>) => Revealed;
  readonly sessions: (source: Source, args: Seen<SessionsQuery>) => Sessions;
  readonly session: (
    source: Source,
    args: Seen<{ id: string; after: string | undefined }>,
  ) => Omit<SessionView, 'notes'>;
  readonly overview: (source: Source, args: Seen<Scope>) => Overview;
  readonly overviewFigures: (source: Source, args: Seen<Scope>) => OverviewFigures;
  readonly overviewBefore: (source: Source, args: Seen<OverviewBeforeQuery>) => OverviewBefore;
  readonly entities: (source: Source, args: Seen<EntitiesQuery>) => Entities;
  readonly entity: (
    source: Source,
    args: Seen<EntityQuery & { kind: 'user' | 'object' | 'database'; name: string }>,
  ) => EntityView;
  readonly coverage: (source: Source, args: Seen<CoverageQuery>) => CoverageView;
  readonly kept: (source: Source, args: Seen<object>) => Kept;
  readonly sensors: (source: Source, args: Seen<object>) => readonly SensorRecords[];
  readonly alerts: (
    source: Source,
    args: Seen<AlertsQuery & { decisions: readonly DecisionFacts[]; who: string }>,
  ) => Alerts;
  readonly alert: (
    source: Source,
    args: Seen<Scope & { id: string; decisions: readonly DecisionFacts[]; who: string }>,
  ) => Omit<AlertView, 'trail'>;
  /** The absolute range of a scope; refuses queries and times that make no sense. */
  readonly range: (source: Source, args: Seen<Loose<Scope>>) => TimeRange;
  readonly archived: (source: Source, args: { version: string }) => { sources: SourceFile[]; rules: RuleInfo[] };
  readonly validate: (source: Source, args: { sources: readonly SourceFile[]; tests: boolean }) => PolicyValidated;
  readonly tail: (
    source: Source,
    args: Seen<Loose<Pick<Scope, 'q' | 'db'>> & { after: string | undefined; limit: number }>,
  ) => LiveTail;
}
export type TaskName = keyof TaskTable;

export interface ExportChunk {
  readonly text: string;
  readonly rows: number;
}

export interface StreamTable {
  readonly report: (source: Source, args: Seen<ReportRequest>) => Iterable<ReportFiles>;
  readonly export: (source: Source, args: Seen<ExportQuery>) => Iterable<ExportChunk>;
  readonly tryPolicy: (
    source: Source,
    args: Seen<Omit<PolicyTry, 'sources'> & { sources: readonly SourceFile[] }>,
  ) => Iterable<Omit<TryProgress, 'id' | 'state'>>;
}
export type StreamName = keyof StreamTable;

/** What a reading thread begins with. */
export interface ReaderData {
  readonly directory: string;
  /** Among the threads that help each other; none: it is alone. */
  readonly place?: Place;
  /** Of those threads, by place: 1 while it has a question of its own. Shared by all. */
  readonly busy?: Int32Array;
}

export type ToReader =
  | { readonly kind: 'task'; readonly task: TaskName; readonly args: unknown }
  | { readonly kind: 'stream'; readonly name: StreamName; readonly args: unknown }
  | { readonly kind: 'more' }
  /** The way to the reading thread at a place; not answered. */
  | { readonly kind: 'peer'; readonly thread: number; readonly port: MessagePort };

export type FromReader =
  | { readonly kind: 'result'; readonly result: unknown }
  | { readonly kind: 'end'; readonly result?: undefined }
  /** A `ConsoleError`, taken apart. */
  | {
      readonly kind: 'refused';
      readonly code: string;
      readonly message: string;
      readonly column: number | undefined;
      readonly result?: undefined;
    };
