/**
 * Batches into segments: which segment a record belongs to, when to commit, when to seal. Runs on the store's thread;
 * has no thread or clock of its own, so that it can be tested step by step.
 *
 * A segment ends at `segmentRowsMax` rows, or before a record of a later day (UTC, record time) than any before.
 * Records of an earlier day stay in the segment of the moment: late, but never lost.
 */

import type { KeyObject } from 'node:crypto';
import { basename, join } from 'node:path';
import type Database from 'better-sqlite3';
import { makeFolder } from '../../base/folder.ts';
import { DAY_US } from '../../base/time.ts';
import { type IngestCounters, newCounters } from '../counters.ts';
import { toStoreError } from '../errors.ts';
import { holdOn } from '../expiry/hold.ts';
import { type Retention, removeSegmentFiles, type SealedFacts, segmentBytes } from '../expiry/retention.ts';
import { SealedList } from '../expiry/sealed-list.ts';
import { CHAIN_START } from '../proof/chain.ts';
import { readSignKey, signSegment } from '../proof/sign.ts';
import { Catalog, type Hold, type SegmentEntry } from '../segment/catalog.ts';
import { filteredFiles } from '../segment/filters.ts';
import { CATALOG_FILE, SEGMENT_FOLDER } from '../segment/schema.ts';
import { hasIndex, type SealedSegment } from '../segment/seal.ts';
import { type Durability, type SegmentFacts, SegmentWriter, sizeOf } from '../segment/segment.ts';
import { type BatchEntry, BatchRow, BatchTables, type BatchVisitor, readBatch } from './batch.ts';
import { KnownIds, type KnownSegment } from './known.ts';
import { takeLock } from './lock.ts';

export interface IngestOptions {
  readonly segmentRowsMax: number;
  readonly durability: Durability;
  readonly retention: Retention;
  /** PEM file of the Ed25519 key that signs sealed segments. */
  readonly signKeyFile: string | undefined;
}

/** Where a sealed segment stands in the store. */
type SegmentPlace = Pick<SealedFacts, 'number' | 'firstSeq' | 'chainBefore' | 'chainAfter'>;

/** What the store keeps of each writer's batches. */
export type WriterTables = BatchTables<ReturnType<SegmentWriter['shapeRow']>>;

export class Ingest implements BatchVisitor {
  readonly counters: IngestCounters = newCounters();
  /** What was wrong with the store when it was opened, one line each. */
  readonly problems: string[] = [];
  /** Sealed segments that want an index; whoever makes them takes them off. */
  readonly unindexed: SealedSegment[] = [];
  /** Records appended since the last commit. */
  uncommitted = 0;
  private readonly directory: string;
  private readonly options: IngestOptions;
  private readonly lock: Database.Database;
  private readonly catalog: Catalog;
  private readonly known: KnownIds;
  private readonly signKey: KeyObject | undefined;
  private segment: SegmentWriter | undefined = undefined;
  /** Complete segments whose log is being folded by the sealer; closed when it has done that. */
  private readonly retiring = new Map<string, SegmentWriter>();
  private rolloverStartMs: number | undefined = undefined;
  /** A segment that the catalog does not call open yet: nothing in it is committed. */
  private opened: number | undefined = undefined;
  /** Segments whose files are gone, which the catalog calls dropping still. */
  private dropped: number[] = [];
  private segmentNumber = 0;
  private segmentFirstSeq = 0;
  /** Where the hash chain of the next segment begins. */
  private chainDigest: Uint8Array = CHAIN_START;
  private segmentDay = Number.NEGATIVE_INFINITY;
  private nextSeq = 1;
  private readonly sealed = new SealedList();
  private newestUs = Number.NEGATIVE_INFINITY;
  private bytes: Buffer = Buffer.alloc(0);
  private readonly row = new BatchRow();
  private tables: WriterTables = new BatchTables();

  /** Opens the store for writing, making it when the directory holds none. Throws `StoreError`. */
  constructor(directory: string, options: IngestOptions) {
    this.directory = directory;
    this.options = options;
    try {
      makeFolder(join(directory, SEGMENT_FOLDER));
    } catch (error) {
      throw toStoreError(error, directory);
    }
    this.lock = takeLock(directory);
    try {
      this.signKey = options.signKeyFile === undefined ? undefined : readSignKey(options.signKeyFile, directory);
      this.catalog = Catalog.open(join(directory, CATALOG_FILE), 'write');
      this.known = new KnownIds(this.recover());
    } catch (error) {
      this.lock.close();
      throw toStoreError(error, directory);
    }
  }

  /** Time of the newest record, `undefined` in an empty store. */
  get newestTimeUs(): number | undefined {
    return Number.isFinite(this.newestUs) ? this.newestUs : undefined;
  }

  /** Sequence number of the last record appended; 0 in an empty store. */
  get lastSeq(): number {
    return this.nextSeq - 1;
  }

  /** Drops what has expired by `retention`, though nothing arrives. */
  expireNow(): void {
    this.guard(() => this.expire());
  }

  /** Appends a batch of the writer that has these tables. It is on disk after the next `commit`. Throws `StoreError`. */
  apply(batch: Uint8Array<ArrayBuffer>, tables: WriterTables): void {
    this.bytes = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength);
    this.tables = tables;
    this.guard(() => readBatch(this.bytes, this.row, this));
    this.counters.batches++;
  }

  commit(): void {
    const segment = this.segment;
    if (segment === undefined || this.uncommitted === 0) return;
    const startMs = performance.now();
    this.guard(() => {
      this.settleCatalog();
      segment.commit();
    });
    const tookMs = performance.now() - startMs;
    const counters = this.counters;
    counters.records += this.uncommitted;
    this.uncommitted = 0;
    counters.commits++;
    counters.commitMs += tookMs;
    counters.commitMsMax = Math.max(counters.commitMsMax, tookMs);
    counters.bytesOnDisk = this.sealed.bytes + segment.bytesOnDisk();
  }

  /** What the catalog has to say before more is committed, and what could wait until now. */
  private settleCatalog(): void {
    const { opened, dropped } = this;
    if (opened === undefined && dropped.length === 0) return;
    this.catalog.together(() => {
      if (opened !== undefined) this.catalog.setState(opened, 'open');
      for (const number of dropped) this.catalog.setState(number, 'dropped');
    });
    this.opened = undefined;
    this.dropped = [];
  }

  /** The sealer is done with a complete segment, one way or the other. */
  retire(path: string): void {
    const segment = this.retiring.get(path);
    this.retiring.delete(path);
    if (segment !== undefined) this.guard(() => segment.close());
    this.sealed.measured(path, segmentBytes(path));
  }

  /** Commits and gives the store back. The last segment stays open for the next run. */
  close(): void {
    this.commit();
    const segment = this.segment;
    this.guard(() => this.settleCatalog());
    if (segment !== undefined) {
      this.guard(() => segment.close());
      this.counters.bytesOnDisk = this.sealed.bytes + segment.bytesOnDisk();
    }
    this.release();
  }

  /** Gives the store back after an error; what was not committed is gone. */
  abandon(): void {
    this.segment?.abandon();
    this.release();
  }

  onEntry(tag: number, start: number, end: number): void {
    this.tables.add(tag, this.bytes.subarray(start, end));
  }

  onRecord(row: BatchRow): void {
    if (row.idStart >= 0 && this.known.has(row.timeUs, this.bytes, row.idStart)) {
      this.counters.duplicates++;
      return;
    }
    const segment = this.segmentFor(row.timeUs);
    const session = this.rowOf(this.tables.sessions[row.session], (bytes) => segment.sessionRow(bytes));
    const shape = this.rowOf(this.tables.shapes[row.shape], (bytes) => segment.shapeRow(bytes, this.bytes, row));
    const verdict =
      row.verdict === 0
        ? null
        : this.rowOf(this.tables.verdicts[row.verdict - 1], (bytes) => segment.verdictRow(bytes));
    segment.append(this.nextSeq++, this.bytes, row, session, shape, verdict);
    this.uncommitted++;
    this.sealed.records++;
    if (row.timeUs > this.newestUs) this.newestUs = row.timeUs;
    this.expire();
    if (this.rolloverStartMs === undefined) return;
    const tookMs = performance.now() - this.rolloverStartMs;
    this.counters.rolloverMsMax = Math.max(this.counters.rolloverMsMax, tookMs);
    this.rolloverStartMs = undefined;
  }

  /** Row numbers belong to a segment: in a new one every entry is resolved again. */
  private rowOf<T>(entry: BatchEntry<T> | undefined, resolve: (bytes: Buffer) => T): T {
    if (entry === undefined) throw new RangeError('a record of the batch names no entry');
    if (entry.row === undefined || entry.segment !== this.segmentNumber) {
      entry.row = resolve(entry.bytes);
      entry.segment = this.segmentNumber;
    }
    return entry.row;
  }

  private segmentFor(timeUs: number): SegmentWriter {
    const day = Math.floor(timeUs / DAY_US);
    const segment = this.segment;
    if (segment !== undefined) {
      if (day <= this.segmentDay && segment.facts.rows < this.options.segmentRowsMax) return segment;
      this.rolloverStartMs = performance.now();
    }
    this.segmentDay = Math.max(this.segmentDay, day);
    return this.startSegment(segment);
  }

  /** `complete`: the segment before, which is sealed. */
  private startSegment(complete: SegmentWriter | undefined): SegmentWriter {
    if (complete !== undefined) this.finish(complete);
    const file = join(SEGMENT_FOLDER, `${String(this.segmentNumber + 1).padStart(6, '0')}.db`);
    this.catalog.together(() => {
      if (complete !== undefined) this.seal(complete);
      this.catalog.add(++this.segmentNumber, file, this.nextSeq, this.chainDigest);
    });
    const number = this.segmentNumber;
    this.segmentFirstSeq = this.nextSeq;
    const path = join(this.directory, file);
    this.segment = SegmentWriter.open(path, number, this.options.durability, this.chainDigest);
    this.opened = number;
    return this.segment;
  }

  private finish(segment: SegmentWriter): void {
    this.commit();
    segment.complete();
    if (!segment.hasColumns) this.counters.columnsGivenUp++;
    this.retiring.set(segment.path, segment);
  }

  private seal(segment: SegmentWriter): void {
    const bytes = segment.bytesOnDisk();
    const number = this.segmentNumber;
    const firstSeq = this.segmentFirstSeq;
    const { chainBefore, chainDigest: chainAfter, facts, path } = segment;
    const signature =
      this.signKey && signSegment(this.signKey, 'sealed', { ...facts, number, firstSeq, chainBefore, chainAfter });
    this.catalog.sealed(number, facts, bytes, chainAfter, signature);
    this.chainDigest = chainAfter;
    this.addSealed({ number, firstSeq, chainBefore, chainAfter }, path, facts, bytes);
    this.counters.segmentsSealed++;
    this.unindexed.push({ path, firstSeq, rows: facts.rows });
    this.segment = undefined;
    this.sealed.reconsiderHeld();
  }

  private addSealed(place: SegmentPlace, path: string, facts: SegmentFacts, bytes: number): void {
    const { rows, timeMinUs, timeMaxUs } = facts;
    this.sealed.add({ ...place, path, rows, bytes, timeMinUs, timeMaxUs });
  }

  /** Drops the oldest segments as far as the retention says. What replaces them is committed first. */
  private expire(): void {
    let holds: readonly Hold[] | undefined;
    const { sealed } = this;
    const { retention } = this.options;
    for (
      let oldest = sealed.expired(retention, this.newestUs);
      oldest !== undefined;
      oldest = sealed.expired(retention, this.newestUs)
    ) {
      holds ??= this.catalog.holds();
      if (holdOn(oldest, holds) !== undefined) {
        sealed.hold();
      } else {
        this.drop(oldest);
        sealed.remove();
      }
      this.counters.segmentsHeld = sealed.heldCount;
    }
  }

  private drop(oldest: SealedFacts): void {
    this.commit();
    this.retire(oldest.path);
    this.catalog.dropping(oldest.number, this.signKey && signSegment(this.signKey, 'dropped', oldest));
    this.known.forget(oldest.path);
    removeSegmentFiles(oldest.path);
    this.dropped.push(oldest.number);
    this.counters.segmentsExpired++;
    this.counters.recordsExpired += oldest.rows;
  }

  /** Picks up where the last run ended, however it ended. Returns what was stored before. */
  private recover(): KnownSegment[] {
    const known: KnownSegment[] = [];
    const filtered = filteredFiles(join(this.directory, SEGMENT_FOLDER));
    for (const entry of this.catalog.segments()) {
      this.segmentNumber = entry.number;
      const path = join(this.directory, entry.file);
      const found = this.recoverSegment(entry, path, filtered);
      if (found === undefined) continue;
      known.push(found);
      this.sealed.records += found.rows;
      this.newestUs = Math.max(this.newestUs, found.timeMaxUs);
    }
    return known;
  }

  /** `filtered`: files of the segments that have a filter. */
  private recoverSegment(entry: SegmentEntry, path: string, filtered: ReadonlySet<string>): KnownSegment | undefined {
    if (entry.state === 'damaged') return this.passDamaged(entry);
    if (entry.state === 'dropping' || entry.state === 'dropped') return this.passDropped(entry, path);
    if (entry.state === 'sealed') {
      this.nextSeq = entry.firstSeq + entry.rows;
      this.chainDigest = entry.chainAfter ?? CHAIN_START;
      if (sizeOf(path) === 0) return this.damaged(entry, `${path}: the file is missing`);
      this.addSealed({ ...entry, chainAfter: this.chainDigest }, path, entry, segmentBytes(path));
      const sealed = { path, firstSeq: entry.firstSeq, rows: entry.rows };
      if (!hasIndex(sealed) || !filtered.has(basename(path))) this.unindexed.push(sealed);
      return knownSegment(path, entry, this.nextSeq - 1);
    }
    if (entry.state === 'open' && sizeOf(path) === 0) return this.damaged(entry, `${path}: the file is missing`);
    if (entry.state === 'new') removeSegmentFiles(path);
    try {
      const segment = SegmentWriter.open(path, entry.number, this.options.durability, entry.chainBefore);
      this.segment = segment;
      this.segmentFirstSeq = entry.firstSeq;
      this.nextSeq = entry.firstSeq + segment.facts.rows;
      if (segment.facts.timeMaxUs !== undefined) this.segmentDay = Math.floor(segment.facts.timeMaxUs / DAY_US);
      if (entry.state === 'new') this.catalog.setState(entry.number, 'open');
      return knownSegment(path, segment.facts, this.nextSeq - 1);
    } catch (error) {
      const reason = toStoreError(error, path);
      if (reason.code !== 'damaged' && reason.code !== 'not-a-store') throw reason;
      return this.damaged(entry, reason.message);
    }
  }

  /** Finishes what a crash may have interrupted. */
  private passDropped(entry: SegmentEntry, path: string): undefined {
    this.nextSeq = entry.firstSeq + entry.rows;
    this.chainDigest = entry.chainAfter ?? CHAIN_START;
    removeSegmentFiles(path);
    if (entry.state === 'dropping') this.catalog.setState(entry.number, 'dropped');
  }

  /** Its rows were numbered from `firstSeq`; skipping all it may have held keeps numbers unique in any case. */
  private passDamaged(entry: SegmentEntry): undefined {
    this.nextSeq = entry.firstSeq + Math.max(entry.rows, this.options.segmentRowsMax);
    this.chainDigest = entry.chainAfter ?? CHAIN_START;
  }

  private damaged(entry: SegmentEntry, line: string): undefined {
    this.passDamaged(entry);
    this.catalog.setState(entry.number, 'damaged');
    this.counters.segmentsDamaged++;
    this.problems.push(line);
  }

  private guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      throw toStoreError(error, this.segment?.path ?? this.directory);
    }
  }

  private release(): void {
    for (const segment of this.retiring.values()) segment.abandon();
    this.retiring.clear();
    this.catalog.close();
    this.lock.close();
  }
}

function knownSegment(
  path: string,
  facts: { rows: number; timeMinUs: number | undefined; timeMaxUs: number | undefined },
  seqMax: number,
): KnownSegment | undefined {
  const { rows, timeMinUs, timeMaxUs } = facts;
  if (timeMinUs === undefined || timeMaxUs === undefined) return undefined;
  return { path, seqMax, rows, timeMinUs, timeMaxUs };
}
