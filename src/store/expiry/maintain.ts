/** What an administrator asks of a store: its segments, and expiry while nobody writes. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Catalog, catalogOf, type SegmentEntry } from '../segment/catalog.ts';
import { SegmentReader } from '../segment/rows.ts';
import type { SegmentState } from '../segment/schema.ts';
import { sizeOf } from '../segment/segment.ts';
import { Ingest } from '../write/ingest.ts';
import { type Retention, segmentBytes } from './retention.ts';

export interface SegmentInfo {
  readonly number: number;
  readonly state: SegmentState;
  readonly rows: number;
  readonly timeMinUs: number | undefined;
  readonly timeMaxUs: number | undefined;
  /** Of the rows, the log included. */
  readonly bytes: number;
  /** Of what lies beside the rows: index, columns, sums. */
  readonly besideBytes: number;
  readonly signed: boolean;
  /** Its file is gone though it should be there; or, where it is still written to, cannot be read. */
  readonly problem: 'missing' | 'unreadable' | undefined;
}

/** Every segment that ever was, oldest first. Throws `StoreError`. */
export function listSegments(directory: string): SegmentInfo[] {
  const path = catalogOf(directory);
  const catalog = Catalog.open(path, 'read');
  try {
    return catalog.segments().map((entry) => infoOf(directory, entry));
  } finally {
    catalog.close();
  }
}

function infoOf(directory: string, entry: SegmentEntry): SegmentInfo {
  const path = join(directory, entry.file);
  const { number, state, signature } = entry;
  const facts = state === 'open' ? openFacts(path) : entry;
  const { rows, timeMinUs, timeMaxUs } = facts ?? entry;
  const bytes = sizeOf(path) + sizeOf(`${path}-wal`);
  const isMissing = state !== 'new' && state !== 'dropping' && state !== 'dropped' && !existsSync(path);
  const besideBytes = segmentBytes(path) - bytes;
  const problem = isMissing ? 'missing' : facts === undefined ? 'unreadable' : undefined;
  return { number, state, rows, timeMinUs, timeMaxUs, bytes, besideBytes, signed: signature !== undefined, problem };
}

/** What the catalog does not know yet; `undefined` when the file cannot be read. */
function openFacts(path: string): Pick<SegmentInfo, 'rows' | 'timeMinUs' | 'timeMaxUs'> | undefined {
  try {
    const segment = new SegmentReader(path);
    segment.close();
    return segment.facts;
  } catch {
    return undefined;
  }
}

export interface ExpiryReport {
  readonly segments: number;
  readonly records: number;
  /** Segments past their time that a legal hold keeps. */
  readonly held: number;
}

/** Drops what has expired. Throws `StoreError` (`locked`) while somebody writes to the store. */
export function expireStore(directory: string, retention: Retention, signKeyFile: string | undefined): ExpiryReport {
  catalogOf(directory);
  const ingest = new Ingest(directory, { segmentRowsMax: 1_000_000, durability: 'audit', retention, signKeyFile });
  try {
    ingest.expireNow();
  } finally {
    ingest.close();
  }
  const { segmentsExpired, recordsExpired, segmentsHeld } = ingest.counters;
  return { segments: segmentsExpired, records: recordsExpired, held: segmentsHeld };
}
