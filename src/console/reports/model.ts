/** A report before it is laid out: PDF and HTML are made from the same model, and its hash names its content. */
import { createHash } from 'node:crypto';
import type { ReportKind } from '../api/reports.ts';
import type { Limit } from '../reads/limit.ts';
import type { Sight } from '../reads/row.ts';

export interface ReportTable {
  readonly title: string;
  /** A sentence on what the rows are, and how many there are in all. */
  readonly note: string;
  readonly columns: readonly { readonly title: string /** Share of the width. */; readonly width: number }[];
  readonly rows: readonly (readonly string[])[];
}

export interface ReportModel {
  readonly kind: ReportKind;
  readonly title: string;
  readonly purpose: string;
  /** Absolute range, half open, RFC 3339. */
  readonly from: string;
  readonly to: string;
  /** The query that was asked; empty: none. */
  readonly query: string;
  readonly by: string;
  readonly createdAt: string;
  readonly store: string;
  /** Arrival position up to which the store was read. */
  readonly watermark: string;
  readonly completeness: string;
  readonly figures: readonly { readonly name: string; readonly value: string }[];
  readonly tables: readonly ReportTable[];
  /** Versions of policies that judged the records in it. */
  readonly policies: readonly string[];
  readonly version: string;
}

/** What the server knows and the reading thread does not. */
export interface ReportRequest {
  readonly kind: ReportKind;
  readonly q: string;
  readonly db: string | undefined;
  readonly fromUs: number;
  readonly toUs: number;
  readonly by: string;
  readonly createdAt: string;
  readonly version: string;
  /** What who asked for it may see. */
  readonly sight: Sight;
  /** Decisions on alerts, for the report on them. */
  readonly decisions: readonly (readonly string[])[];
  /** Entries of the trail in the range, for the report on the console's use. */
  readonly trail: readonly (readonly string[])[];
}

export interface ReportFiles {
  readonly records: number;
  readonly html: string;
  readonly pdf: Uint8Array;
}

export const CATALOGUE: Readonly<Record<ReportKind, { readonly title: string; readonly purpose: string }>> = {
  privileged: { title: 'Privileged activity', purpose: 'Who granted, revoked or changed accounts and roles.' },
  schema: { title: 'Schema changes', purpose: 'What was created, altered, dropped or emptied, by whom.' },
  logins: { title: 'Logins and failures', purpose: 'Who connected from where, and which attempts failed.' },
  objects: {
    title: 'Access to sensitive objects',
    purpose: 'Records that rules of the policy single out, by object and user.',
  },
  alerts: { title: 'Alerts and decisions', purpose: 'What raised alerts, and what was decided about it.' },
  completeness: { title: 'Completeness', purpose: 'What was seen, what was lost, and what could not be read.' },
  console: { title: 'Use of the console', purpose: 'Who signed in, looked at, exported or changed what.' },
};

/** Whether a report may be read by who sees so much: what others did in the console names what they looked at. */
export function isFor(kind: ReportKind, limit: Limit | undefined): boolean {
  return limit === undefined || kind !== 'console';
}

/** SHA-256 of the content, in hexadecimal. */
export function contentHash(model: ReportModel): string {
  return createHash('sha256').update(JSON.stringify(model)).digest('hex');
}
