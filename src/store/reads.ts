/**
 * What people read of a store is written down as well: in a store of its own, in the folder `reads` of the first, by the
 * process that reads, before it shows anything. It has the same chain of hashes, so that `verify` sees what was changed
 * or removed there, and the list of segments of the first store says how many there must be. It is apart from the first
 * so that a look at the records changes neither them nor what expires, and so that no running sensor has to be asked.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AuditRecord } from '../contracts/record.ts';
import { StoreError } from './errors.ts';
import { anchorOf, type VerifyReport, verifyStore } from './proof/verify.ts';
import { Catalog, catalogOf } from './segment/catalog.ts';
import { CATALOG_FILE } from './segment/schema.ts';
import { sealSegment } from './segment/seal.ts';
import { BatchEncoder, BatchTables } from './write/batch.ts';
import { Ingest } from './write/ingest.ts';

/** Folder, within a store, of what was read of it. */
export const READS_FOLDER = 'reads';

/** Somebody looked at records, or changed what is kept. */
export interface Access {
  readonly timeUs: number;
  /** `READ`, or what else was done: `HOLD`, `RELEASE`, `EXPIRE`. */
  readonly operation: string;
  /** Which command or view. */
  readonly call: string;
  /** What was asked for, in words that can be asked again. */
  readonly text: string;
  readonly user: string;
  /** Who that user is to the operating system, and on which host. */
  readonly osUser: string;
  readonly host: string;
  readonly program: string;
}

/** Name of the mark in the first store's catalog: the number of the last access. */
const MARK = 'reads';
const SYSTEM = 'wiretrail';
const SEGMENT_ROWS_MAX = 100_000;
const BATCH_BYTES = 4096;
/** Another process that records an access is done in milliseconds. */
const ATTEMPTS_MAX = 200;
const ATTEMPT_MS = 25;

/**
 * Writes accesses down; they are on disk when this returns. Blocks while another process does the same. Throws
 * `StoreError`: when there is no store, or nothing can be written to it.
 */
export function recordAccesses(directory: string, accesses: readonly Access[]): void {
  const path = catalogOf(directory);
  const ingest = openPatiently(join(directory, READS_FOLDER));
  const encoder = new BatchEncoder(BATCH_BYTES);
  for (const access of accesses) encoder.add(recordOf(access));
  let lastSeq = 0;
  try {
    ingest.apply(encoder.take(), new BatchTables());
    ingest.commit();
    lastSeq = ingest.lastSeq;
    for (const segment of ingest.unindexed.splice(0)) {
      sealSegment(segment);
      ingest.retire(segment.path);
    }
  } finally {
    ingest.close();
  }
  const catalog = Catalog.open(path, 'write');
  try {
    catalog.setMark(MARK, lastSeq);
  } finally {
    catalog.close();
  }
}

function recordOf({ timeUs, operation, call, text, user, osUser, host, program }: Access): AuditRecord {
  const facts: Partial<AuditRecord> = { timeUs, operation, call, text, user, osUser, program, clientHost: host };
  return Object.assign(new AuditRecord(), facts, { id: randomBytes(16).toString('hex'), system: SYSTEM });
}

function openPatiently(directory: string): Ingest {
  for (let attempt = 1; ; attempt++) {
    try {
      const segmentRowsMax = SEGMENT_ROWS_MAX;
      return new Ingest(directory, { segmentRowsMax, durability: 'audit', retention: {}, signKeyFile: undefined });
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'locked') || attempt === ATTEMPTS_MAX) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ATTEMPT_MS);
    }
  }
}

/** `verify` over what was read of a store; `undefined` when nothing ever was. Throws `StoreError`. */
export function verifyReads(directory: string, anchor?: string): VerifyReport | undefined {
  const catalog = Catalog.open(join(directory, CATALOG_FILE), 'read');
  const marked = catalog.mark(MARK) ?? 0;
  catalog.close();
  const reads = join(directory, READS_FOLDER);
  const there = existsSync(join(reads, CATALOG_FILE));
  if (!there && marked === 0 && anchor === undefined) return undefined;
  const report = there ? verifyStore(reads, anchor) : NOTHING;
  if (report.lastSeq >= marked) return report;
  const fault = `${reads}: accesses ${report.lastSeq + 1} to ${marked} were removed`;
  return { ...report, faults: [...report.faults, fault] };
}

/** As `anchorOf`, of what was read of a store. Throws `StoreError`. */
export function anchorOfReads(directory: string): string | undefined {
  const reads = join(directory, READS_FOLDER);
  return existsSync(join(reads, CATALOG_FILE)) ? anchorOf(reads) : undefined;
}

const NOTHING: VerifyReport = {
  segments: 0,
  records: 0,
  expired: 0,
  lastSeq: 0,
  signedSeq: 0,
  timeMinUs: undefined,
  timeMaxUs: undefined,
  anchor: undefined,
  faults: [],
};
